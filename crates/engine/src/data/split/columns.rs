//! The columns of the file that a split reads: groups, times, parts.

use super::super::error::DataError;
use super::super::row_place::row_place;
use super::super::table::{Column, Levels, Table, Values};
use focalsweep_core::spec::{DataSpec, SplitBy, SplitSpec};

/// What a split knows of each row.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in super::super) struct SplitColumns {
    pub(super) groups: Option<Groups>,
    pub(super) times: Option<Times>,
    pub(super) parts: Option<Levels>,
}

/// Rows that belong together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Groups {
    /// The column.
    pub(super) column: String,
    /// The group of each row, from 0.
    pub(super) of_row: Vec<u32>,
    /// How many there are.
    pub(super) count: usize,
    /// Rows without a value, each of which is a group of its own.
    pub(super) missing: usize,
}

/// What orders the rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Times {
    /// The column.
    pub(super) column: String,
    /// When each row is, in what `counts` says.
    pub(super) of_row: Vec<f64>,
    /// What that is.
    pub(super) counts: Counts,
}

/// What times are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// In what the column's numbers mean.
    Numbers,
    /// In microseconds since a point in time, itself in microseconds since 1970: double precision tells each of those
    /// of 285 years apart.
    Microseconds {
        /// The point in time.
        since: i64,
    },
}

impl SplitColumns {
    /// Takes the columns that the split names out of `table`, but for those that the sweep asks for as features too.
    ///
    /// # Errors
    /// One is not there, is the label, or does not hold what the split reads of it.
    pub(in super::super) fn take(table: &mut Table, spec: &DataSpec, split: &SplitSpec) -> Result<Self, DataError> {
        let mut columns = Self::default();
        for (key, name) in split.columns() {
            if name == spec.label {
                return Err(DataError::Conflict { column: name.to_owned(), first: "data.label", second: key });
            }
            let Some(at) = table.columns.iter().position(|column| column.name == name) else {
                return Err(DataError::unknown_column(key, name, table.names()));
            };
            let column = table.columns.remove(at);
            match &split.by {
                SplitBy::Time { column: time, .. } if time == name => {
                    columns.times = Some(Times::of(column, spec)?);
                }
                SplitBy::Column { .. } => columns.parts = Some(column.values.into_levels()),
                _ => columns.groups = Some(Groups::of(column)?),
            }
        }
        Ok(columns)
    }
}

impl Groups {
    /// # Errors
    /// All rows have one value, or each its own.
    fn of(column: Column) -> Result<Self, DataError> {
        let Column { name, values } = column;
        let levels = values.into_levels();
        let known = levels.names.len();
        let (mut count, mut missing) = (known, 0);
        let mut of_row = levels.codes;
        for code in of_row.iter_mut().filter(|code| **code == Levels::MISSING) {
            *code = count as u32;
            count += 1;
            missing += 1;
        }
        if count == of_row.len() {
            return Err(DataError::GroupsAreRows { column: name, rows: of_row.len() });
        }
        Ok(Self { column: name, of_row, count, missing })
    }

    /// Rows of each class in each group, negatives first.
    pub(super) fn classes(&self, labels: &[u8]) -> Vec<[u64; 2]> {
        let mut classes = vec![[0; 2]; self.count];
        for (&group, &label) in self.of_row.iter().zip(labels) {
            classes[group as usize][usize::from(label != 0)] += 1;
        }
        classes
    }
}

impl Times {
    /// # Errors
    /// A value is missing, or no number.
    fn of(column: Column, spec: &DataSpec) -> Result<Self, DataError> {
        let Column { name, values } = column;
        if let Some(row) = (0..values.len()).find(|&row| values.is_missing(row)) {
            return Err(DataError::TimeMissing { column: name, place: row_place(&spec.source, row) });
        }
        match values {
            Values::Number(of_row) => Ok(Self { column: name, of_row, counts: Counts::Numbers }),
            Values::Time(times) => {
                let since = times.iter().copied().min().unwrap_or_default();
                let of_row = times.iter().map(|&time| time.saturating_sub(since) as f64).collect();
                Ok(Self { column: name, of_row, counts: Counts::Microseconds { since } })
            }
            other => {
                let (value, kind) = (other.show(0), other.kind());
                Err(DataError::NoTimes { column: name, value, kind })
            }
        }
    }
}
