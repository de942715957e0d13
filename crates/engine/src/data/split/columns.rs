//! The columns of the file that a split reads: groups, times, parts.

use std::borrow::Cow;

use super::super::error::DataError;
use super::super::pick::is_dropped;
use super::super::row_place::Places;
use super::super::table::{Column, Levels, Table, Values};
use super::super::time::DAY;
use focalsweep_core::spec::{ColumnKind, DataSpec, SplitBy, SplitSpec};

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
    /// One is not there, or does not hold what the split reads of it.
    pub(in super::super) fn take(
        table: &mut Table,
        spec: &DataSpec,
        split: &SplitSpec,
        places: &Places,
    ) -> Result<Self, DataError> {
        let mut columns = Self::default();
        for (key, name) in split.columns() {
            let Some(at) = table.columns.iter().position(|column| column.name == name) else {
                return Err(DataError::unknown_column(key, name, table.names()));
            };
            let column = if is_feature(spec, name) { table.columns[at].clone() } else { table.columns.remove(at) };
            match &split.by {
                SplitBy::Time { column: time, .. } if time == name => {
                    columns.times = Some(Times::of(column, places)?);
                }
                SplitBy::Column { .. } => columns.parts = Some(column.values.into_levels()),
                _ => columns.groups = Some(Groups::of(column)?),
            }
        }
        Ok(columns)
    }
}

impl SplitColumns {
    /// What each row is a part of when it comes to how sure figures are: its group, else its [`Times::blocks`]; `None`
    /// where each row stands for itself.
    pub(in super::super) fn units(&self, split: &SplitSpec) -> Option<Cow<'_, [u32]>> {
        match (&self.groups, &self.times) {
            (Some(groups), _) => Some(Cow::Borrowed(&groups.of_row)),
            (None, Some(times)) => Some(Cow::Owned(times.blocks(split.test).of_row)),
            (None, None) => None,
        }
    }
}

/// Rows of neighbouring times, which may err alike.
pub(super) struct Blocks {
    /// The block of each row, from 0.
    of_row: Vec<u32>,
    /// What a block is: `a day`.
    pub(super) name: String,
}

/// Whether the sweep file asks for a column of the split as a feature too: it says what kind it is.
fn is_feature(spec: &DataSpec, name: &str) -> bool {
    let kind = spec.types.get(name).copied();
    let of_type = matches!(kind, Some(ColumnKind::Number | ColumnKind::Category | ColumnKind::Boolean));
    let listed = spec.categorical.iter().any(|column| column == name);
    (of_type || listed || spec.log.contains_key(name) || spec.datetime.contains_key(name))
        && !is_dropped(&spec.drop, name)
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

/// Days that the tested rows span from which on they are taken by the week.
const DAYS_TAKEN_BY_WEEK: f64 = 140.0;
/// Blocks of the tested rows where times are numbers.
const BLOCKS_OF_NUMBERS: f64 = 50.0;

impl Times {
    /// Blocks of whole days in UTC, or of weeks where the last `tested` of the rows span more than 20 of them; of times
    /// that are numbers as long as a fiftieth of what these rows span.
    pub(super) fn blocks(&self, tested: f64) -> Blocks {
        let mut sorted = self.of_row.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.last().copied().unwrap_or(0.0);
        let from = sorted.len() - ((tested * sorted.len() as f64) as usize).clamp(1, sorted.len().max(1));
        let (first, span) = (sorted.first().copied().unwrap_or(0.0), last - sorted.get(from).copied().unwrap_or(last));
        let (start, length, name) = match self.counts {
            Counts::Microseconds { since } => {
                let days = if span / DAY as f64 > DAYS_TAKEN_BY_WEEK { 7 } else { 1 };
                // Weeks begin on a Monday: the first of January 1970 was a Thursday.
                let begin = (since + 3 * DAY).div_euclid(days * DAY) * days * DAY - 3 * DAY;
                let start = if days == 7 { begin - since } else { since.div_euclid(DAY) * DAY - since };
                (start as f64, (days * DAY) as f64, if days == 7 { "a week" } else { "a day" }.to_owned())
            }
            Counts::Numbers => {
                let length = span / BLOCKS_OF_NUMBERS;
                (first, length, format!("{length:.3e} of `{}`", self.column))
            }
        };
        // Rows that all have one time are one block.
        let block = |time: &f64| if length > 0.0 { ((time - start) / length).floor().max(0.0) as u32 } else { 0 };
        Blocks { of_row: self.of_row.iter().map(block).collect(), name }
    }

    /// # Errors
    /// A value is missing, or no number.
    fn of(column: Column, places: &Places) -> Result<Self, DataError> {
        let Column { name, values } = column;
        if let Some(row) = (0..values.len()).find(|&row| values.is_missing(row)) {
            return Err(DataError::TimeMissing { column: name, place: places.of(row) });
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
