//! A fitted preprocessing: what it says, and how it is applied.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::{DataError, Place, nearest_column};
use super::read::{Pick, place, read_table};
use super::table::{Column, Levels, Table, Values};

/// Rows that are prepared together: their matrix stays in cache.
const BLOCK: usize = 256;

/// From the columns of a file to the matrix that a model sees; fitted on training rows, kept as JSON beside a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Applied in this order; each makes one column of the matrix, `Category` several.
    pub steps: Vec<Step>,
}

/// What makes a column of the matrix, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// `clip((ln(x + log_offset) - mean) / scale)`; a missing x is the median.
    Number {
        /// Column of the file.
        column: String,
        /// Median of the training rows' values as they stand in the file.
        median: f64,
        /// Offset inside the logarithm; absent: no logarithm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log_offset: Option<f64>,
        /// Mean over the training rows, after imputing and logarithm; 0 when not standardised.
        mean: f64,
        /// Population standard deviation over the training rows; 1 when not standardised.
        scale: f64,
        /// Largest absolute value let through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<f64>,
    },
    /// 1 for true, 0 for false or missing.
    Truth {
        /// Column of the file.
        column: String,
    },
    /// 1 where the value is missing, else 0; the feature `<column>_missing`.
    Missing {
        /// Column of the file.
        column: String,
    },
    /// One-hot: a column of 0 and 1 for each of `levels`, then `<other>`, then `<missing>`, as far as asked for.
    Category {
        /// Column of the file.
        column: String,
        /// Levels with a feature `<column>=<level>` of their own.
        levels: Vec<String>,
        /// The level whose rows are all zero, when two levels share one feature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// Whether all other levels, also unseen ones, share the feature `<column>=<other>`; else they are all zero.
        other: bool,
        /// Whether missing is a level, `<column>=<missing>`; else it is all zero.
        missing: bool,
    },
}

impl Step {
    fn column(&self) -> &str {
        match self {
            Self::Number { column, .. }
            | Self::Truth { column }
            | Self::Missing { column }
            | Self::Category { column, .. } => column,
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Category { levels, other, missing, .. } => levels.len() + usize::from(*other) + usize::from(*missing),
            _ => 1,
        }
    }

    fn features(&self) -> Vec<String> {
        match self {
            Self::Number { column, .. } | Self::Truth { column } => vec![column.clone()],
            Self::Missing { column } => vec![format!("{column}_missing")],
            Self::Category { column, levels, other, missing, .. } => {
                let pooled = other.then_some("<other>").into_iter().chain(missing.then_some("<missing>"));
                levels.iter().map(String::as_str).chain(pooled).map(|level| format!("{column}={level}")).collect()
            }
        }
    }
}

impl Preprocessing {
    /// Columns of the matrix.
    pub fn width(&self) -> usize {
        self.steps.iter().map(Step::width).sum()
    }

    /// Names of the matrix's columns, all different.
    pub fn features(&self) -> Vec<String> {
        let mut taken = HashSet::new();
        let names = self.steps.iter().flat_map(Step::features);
        names
            .map(|mut name| {
                while !taken.insert(name.clone()) {
                    name.push('\'');
                }
                name
            })
            .collect()
    }

    /// Columns of the file that are needed, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for step in &self.steps {
            if columns.last().is_none_or(|last| last != step.column()) {
                columns.push(step.column().to_owned());
            }
        }
        columns
    }

    /// Reads from a file what [`Preprocessing::transform`] needs and nothing else.
    ///
    /// # Errors
    /// Those of [`read_table`]; a needed column is not in the file.
    pub fn read(&self, path: &Path) -> Result<Table, DataError> {
        let text = self.steps.iter().filter(|step| matches!(step, Step::Category { .. }));
        let text: Vec<String> = text.map(|step| step.column().to_owned()).collect();
        read_table(path, Pick::Only(&self.columns()), &text)
    }

    /// The matrix of any table, row-major `[table.rows, width]`; columns are found by name.
    ///
    /// # Errors
    /// A column is not there or holds another kind of values; a logarithm cannot be taken; a prepared value does not fit
    /// single precision.
    pub fn transform(&self, table: &Table) -> Result<Vec<f32>, DataError> {
        let rows: Vec<u32> = (0..table.rows as u32).collect();
        self.transform_rows(table, &rows, |row| Place { row: row as u64 + 1, line: None })
    }

    /// As [`Preprocessing::transform`] on the table that [`Preprocessing::read`] made of `path`, with lines in errors.
    ///
    /// # Errors
    /// Those of the two.
    pub fn transform_file(&self, path: &Path) -> Result<Vec<f32>, DataError> {
        let table = self.read(path)?;
        let rows: Vec<u32> = (0..table.rows as u32).collect();
        self.transform_rows(&table, &rows, |row| place(path, row))
    }

    /// The matrix of these 0-based rows; `place` names a row in errors.
    pub(super) fn transform_rows(
        &self,
        table: &Table,
        rows: &[u32],
        place: impl Fn(usize) -> Place,
    ) -> Result<Vec<f32>, DataError> {
        let mut bound = Vec::with_capacity(self.steps.len());
        let mut at = 0;
        for step in &self.steps {
            bound.push((at, Bound::of(step, table, rows, &place)?));
            at += step.width();
        }
        let width = at;
        let mut x = vec![0f32; rows.len() * width];
        if width == 0 {
            return Ok(x);
        }
        let too_large = x.par_chunks_mut(BLOCK * width).zip(rows.par_chunks(BLOCK)).find_map_first(|(block, rows)| {
            bound.iter().find_map(|(at, step)| step.fill(&mut block[*at..], width, rows).map(|row| (step, row)))
        });
        match too_large {
            Some((Bound::Number { column, values, .. }, row)) => {
                let column = (*column).to_owned();
                Err(DataError::TooLarge { column, place: place(row), value: values[row] })
            }
            _ => Ok(x),
        }
    }
}

/// A step with the cells that it works on.
enum Bound<'a> {
    Number {
        column: &'a str,
        values: Cow<'a, [f64]>,
        median: f64,
        log_offset: Option<f64>,
        mean: f64,
        scale: f64,
        clip: Option<f64>,
    },
    Truth(Cow<'a, [Option<bool>]>),
    Missing(&'a Values),
    Category {
        codes: Cow<'a, [u32]>,
        /// Feature of each level of the table.
        slots: Vec<Option<usize>>,
        missing: Option<usize>,
    },
}

impl<'a> Bound<'a> {
    fn of(step: &'a Step, table: &'a Table, rows: &[u32], place: impl Fn(usize) -> Place) -> Result<Self, DataError> {
        let name = step.column();
        let Some(column) = table.column(name) else {
            return Err(DataError::MissingColumn {
                column: name.to_owned(),
                help: nearest_column(name, table.names()),
            });
        };
        match step {
            &Step::Number { median, log_offset, mean, scale, clip, .. } => {
                let values = numbers(column)?;
                if let Some(offset) = log_offset
                    && let Some(row) = rows.iter().map(|&row| row as usize).find(|&row| values[row] + offset <= 0.0)
                {
                    let (column, value) = (name.to_owned(), values[row]);
                    return Err(DataError::LogOfNonPositive { column, place: place(row), value, offset });
                }
                Ok(Self::Number { column: name, values, median, log_offset, mean, scale, clip })
            }
            Step::Truth { .. } => truths(column).map(Self::Truth),
            Step::Missing { .. } => Ok(Self::Missing(&column.values)),
            Step::Category { levels, other, missing, .. } => {
                let (names, codes) = match &column.values {
                    Values::Text(found) => (found.names.as_slice(), Cow::Borrowed(found.codes.as_slice())),
                    values if (0..table.rows).all(|row| values.is_missing(row)) => {
                        (&[][..], Cow::Owned(vec![Levels::MISSING; table.rows]))
                    }
                    values => return Err(other_kind(column, values, "text")),
                };
                let slot = |found: &String| {
                    levels.iter().position(|level| level == found).or_else(|| other.then_some(levels.len()))
                };
                let slots = names.iter().map(slot).collect();
                Ok(Self::Category { codes, slots, missing: missing.then_some(levels.len() + usize::from(*other)) })
            }
        }
    }

    /// Writes the step's columns of `rows` into a block of rows of `width` that starts at its first column; returns the
    /// first row whose value is beyond single precision.
    fn fill(&self, block: &mut [f32], width: usize, rows: &[u32]) -> Option<usize> {
        let slots = rows.iter().map(|&row| row as usize).enumerate();
        match self {
            Self::Number { values, median, log_offset, mean, scale, clip, .. } => {
                let mut too_large = None;
                for (at, row) in slots {
                    let value = if values[row].is_nan() { *median } else { values[row] };
                    let value = log_offset.map_or(value, |offset| (value + offset).ln());
                    let value = (value - mean) / scale;
                    let value =
                        clip.filter(|limit| value.abs() > *limit).map_or(value, |limit| limit.copysign(value)) as f32;
                    if !value.is_finite() && too_large.is_none() {
                        too_large = Some(row);
                    }
                    block[at * width] = value;
                }
                return too_large;
            }
            Self::Truth(values) => {
                slots.for_each(|(at, row)| block[at * width] = f32::from(u8::from(values[row] == Some(true))));
            }
            Self::Missing(values) => {
                slots.for_each(|(at, row)| block[at * width] = f32::from(u8::from(values.is_missing(row))));
            }
            Self::Category { codes, slots: level_slots, missing } => {
                for (at, row) in slots {
                    let slot = level_slots.get(codes[row] as usize).map_or(*missing, |slot| *slot);
                    if let Some(slot) = slot {
                        block[at * width + slot] = 1.0;
                    }
                }
            }
        }
        None
    }
}

fn other_kind(column: &Column, found: &Values, expected: &'static str) -> DataError {
    DataError::OtherKind { column: column.name.clone(), found: found.kind(), expected }
}

/// The cells as numbers; booleans are 1 and 0.
fn numbers(column: &Column) -> Result<Cow<'_, [f64]>, DataError> {
    match &column.values {
        Values::Number(values) => Ok(Cow::Borrowed(values)),
        Values::Bool(values) => {
            let number = |value: &Option<bool>| value.map_or(f64::NAN, |truth| f64::from(u8::from(truth)));
            Ok(Cow::Owned(values.iter().map(number).collect()))
        }
        values @ Values::Text(_) => Err(other_kind(column, values, "numbers")),
    }
}

/// The cells as booleans; 1 is true and 0 is false.
fn truths(column: &Column) -> Result<Cow<'_, [Option<bool>]>, DataError> {
    match &column.values {
        Values::Bool(values) => Ok(Cow::Borrowed(values)),
        Values::Number(values) if values.iter().all(|&value| value.is_nan() || value == 0.0 || value == 1.0) => {
            Ok(Cow::Owned(values.iter().map(|value| (!value.is_nan()).then_some(*value == 1.0)).collect()))
        }
        values => Err(other_kind(column, values, "booleans")),
    }
}
