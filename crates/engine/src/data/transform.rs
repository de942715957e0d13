//! A fitted preprocessing applied to tables and files.

use std::borrow::Cow;

use focalsweep_core::prepared::{Preprocessing, Step};
use rayon::prelude::*;

use super::done::Read;
use super::error::{DataError, nearest_column};
use super::place::Place;
use super::table::{Column, Levels, Table, Values};
use super::time;
use crate::memory::Budget;

/// Rows that are prepared together: their matrix stays in cache.
const BLOCK: usize = 256;

/// How a [`Preprocessing`] is applied.
pub trait Transform {
    /// The matrix of any table, row-major `[table.rows, width]`; columns are found by name.
    ///
    /// # Errors
    /// A column is not there or holds another kind of values; a logarithm cannot be taken; a prepared value does not
    /// fit single precision.
    fn transform(&self, table: &Table) -> Result<Vec<f32>, DataError>;

    /// As [`Transform::transform`] on the table of a file, with lines in errors.
    ///
    /// # Errors
    /// Those of [`Transform::transform`].
    fn transform_file(&self, read: &Read) -> Result<Vec<f32>, DataError>;

    /// The matrix of these 0-based rows; `place` names a row in errors.
    ///
    /// # Errors
    /// Those of [`Transform::transform`].
    fn transform_rows(
        &self,
        table: &Table,
        rows: &[u32],
        place: impl Fn(usize) -> Place,
    ) -> Result<Vec<f32>, DataError>;
}

/// Whether there is memory for the matrix of all `rows` at once.
fn holds_matrix(of: &Preprocessing, rows: usize) -> Result<(), DataError> {
    let width: usize = of.steps.iter().map(Step::width).sum();
    let need = 4 * (rows as u64).saturating_mul(width as u64);
    Budget::now().holds(need).map_err(|short| DataError::Memory {
        what: format!("{rows} rows with {width} features"),
        short,
        help: "take fewer rows at a time, or train on fewer columns (`data.drop`)",
    })
}

impl Transform for Preprocessing {
    fn transform(&self, table: &Table) -> Result<Vec<f32>, DataError> {
        holds_matrix(self, table.rows)?;
        let rows: Vec<u32> = (0..table.rows as u32).collect();
        self.transform_rows(table, &rows, |row| Place { file: None, row: row as u64 + 1, line: None })
    }

    fn transform_file(&self, read: &Read) -> Result<Vec<f32>, DataError> {
        holds_matrix(self, read.table.rows)?;
        let rows: Vec<u32> = (0..read.table.rows as u32).collect();
        self.transform_rows(&read.table, &rows, |row| read.places.of(row))
    }

    fn transform_rows(
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
    Hour(&'a [i64]),
    Weekday(&'a [i64]),
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
            &Step::AgeDays { since, median, mean, scale, clip, .. } => {
                let values: Vec<f64> = times(column)?.iter().map(|&at| time::days_since(at, since)).collect();
                let values = Cow::Owned(values);
                Ok(Self::Number { column: name, values, median, log_offset: None, mean, scale, clip })
            }
            Step::Hour { .. } => times(column).map(Self::Hour),
            Step::Weekday { .. } => times(column).map(Self::Weekday),
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
            Self::Hour(values) => {
                for (at, row) in slots.filter(|(_, row)| values[*row] != Values::NO_TIME) {
                    let (sine, cosine) = time::on_the_clock(values[row]);
                    block[at * width] = sine as f32;
                    block[at * width + 1] = cosine as f32;
                }
            }
            Self::Weekday(values) => {
                for (at, row) in slots.filter(|(_, row)| values[*row] != Values::NO_TIME) {
                    block[at * width + time::weekday(values[row])] = 1.0;
                }
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
        values @ (Values::Text(_) | Values::Time(_)) => Err(other_kind(column, values, "numbers")),
    }
}

/// The cells as points in time.
fn times(column: &Column) -> Result<&[i64], DataError> {
    match &column.values {
        Values::Time(values) => Ok(values),
        values => Err(other_kind(column, values, "points in time")),
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
