//! Parquet to a [`Table`](super::table::Table), one column a task.

use std::fs;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;

use super::done::{Done, Read};
use super::error::DataError;
use super::fault::{ColumnFault, Matter};
use super::number::Marks;
use super::parquet_plan::{File, Kind, Plan, contradicts};
use super::parts::Parts;
use super::pick::{Pick, Wanted, wanted};
use super::reading::Reading;
use super::remark::Remark;
use super::row_place::Places;
use super::table::{LevelsBuilder, Values};
use super::understand::{Context, Understood, understand};
use crate::memory::{Budget, Short};
use focalsweep_core::guard::guarded;
use focalsweep_core::spec::ColumnKind;

/// Rows decoded at once: large enough to amortise calls, small enough to stay in cache.
const BATCH: usize = 16_384;

/// A damaged footer may promise any number of rows: no more than this many are reserved on its word.
const MOST_RESERVED: usize = 1 << 24;

/// Reads the files of `parts`, which `source` names, as one table.
pub(super) fn read(source: &Path, parts: &Parts, pick: Pick<'_>, reading: &Reading) -> Result<Read, DataError> {
    let files = parts.files.iter().map(|path| File::open(path)).collect::<Result<Vec<_>, _>>()?;
    let names = names(&files, &parts.keys)?;
    let is_index = |name: &String| index_columns(&files[0].metadata).contains(name) || is_unnamed(name);
    let indices: Vec<(usize, &str)> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| is_index(name))
        .map(|(at, _)| (at, "is a stored row index"))
        .collect();
    let Wanted { columns, mut notes } = wanted(source, &names, &indices, pick, reading)?;
    if files.len() > 1 {
        notes.push(format!(
            "read from {} files, {} to {}",
            files.len(),
            shown(&files[0]),
            shown(&files[files.len() - 1])
        ));
    }
    let rows: usize = files.iter().map(|file| file.rows).sum();
    let mut plans = Vec::new();
    let mut faults = Vec::new();
    for (_, name) in columns {
        match Plan::of(name, &files, parts, reading)? {
            Ok(plan) => plans.push(plan),
            Err(fault) => faults.push(fault),
        }
    }
    let budget = Budget::now();
    let bytes: u64 = plans.iter().map(|plan| plan.kind.bytes_per_row()).sum();
    let all = Files { source, files: &files, rows, columns: plans.len(), budget: &budget };
    budget.take(bytes.saturating_mul(rows as u64)).map_err(|short| all.too_large(short))?;
    let read = |plan: &Plan| guarded(|| all.column(plan, parts)).unwrap_or_else(|| Err(contradicts(source)));
    let raw = plans.par_iter().map(read).collect::<Result<Vec<Raw>, _>>()?;
    let marks = Marks { decimal: reading.csv.decimal.unwrap_or('.'), thousands: reading.csv.thousands };
    let understood: Vec<_> = raw
        .into_par_iter()
        .zip(&plans)
        .map(|(raw, plan)| {
            let of = Context { column: &plan.name, reading, kind: plan.said, marks, is_text_by_type: plan.is_text };
            raw.understood(&of, plan)
        })
        .collect();
    let mut done = Done::with(faults);
    for (understood, plan) in understood.into_iter().zip(&plans) {
        match understood {
            Ok(understood) => done.push(&plan.name, understood),
            Err(fault) => done.faults.push(fault),
        }
    }
    let places = Places::of_parquet(files.iter().map(|file| (file.path.to_path_buf(), file.rows)));
    done.read(rows, places, notes, reading)
}

fn shown(file: &File<'_>) -> String {
    file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The names of the columns: those of the first file, which all must have, then those of the folders.
fn names(files: &[File<'_>], keys: &[String]) -> Result<Vec<String>, DataError> {
    let of = |file: &File<'_>| -> Vec<String> {
        file.metadata.schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    let mut names = of(&files[0]);
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let first = sorted(names.clone());
    for file in &files[1..] {
        let others = sorted(of(file));
        let more = others.iter().find(|name| !first.contains(name));
        if let Some(column) = more.or_else(|| first.iter().find(|name| !others.contains(name))) {
            let which = if more.is_some() { "has" } else { "has no" };
            let what = format!("it {which} column `{column}`, unlike {}", files[0].path.display());
            return Err(DataError::PartColumns { path: file.path.to_path_buf(), what });
        }
    }
    names.extend(keys.iter().filter(|key| !first.contains(key)).cloned());
    Ok(names)
}

/// The columns that pandas has stored its row index in.
fn index_columns(metadata: &ArrowReaderMetadata) -> Vec<String> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let pandas = pairs.into_iter().flatten().find(|pair| pair.key == "pandas").and_then(|pair| pair.value.as_deref());
    let read = pandas.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let columns = read.as_ref().and_then(|value| value["index_columns"].as_array()).into_iter().flatten();
    // A range of numbers is no column, and stands there as a mapping.
    columns.filter_map(|column| column.as_str()).map(str::to_owned).collect()
}

fn is_unnamed(name: &str) -> bool {
    let digits = name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__"));
    let digits = digits.or_else(|| name.strip_prefix("Unnamed: "));
    digits.is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
}

/// What the columns of all files have in common.
struct Files<'a> {
    source: &'a Path,
    files: &'a [File<'a>],
    /// Of all files.
    rows: usize,
    /// Columns that are read.
    columns: usize,
    budget: &'a Budget,
}

/// Why a column was not read to its end.
enum Stop {
    Broken(String),
    Short(Short),
}

/// The cells of a column before they are understood.
enum Raw {
    Values(Values),
    Text(LevelsBuilder),
    /// A whole number that is too long, and its row.
    TooLong(String, usize),
}

impl Raw {
    fn understood(self, of: &Context<'_>, plan: &Plan) -> Result<Understood, ColumnFault> {
        match self {
            Self::TooLong(example, row) => Err(of.fault(Matter::TooLong { example }, row)),
            Self::Text(levels) => {
                let mut understood = understand(levels.finish(), of)?;
                understood.remarks.extend(plan.dictionary.clone().map(Remark::Dictionary));
                Ok(understood)
            }
            Self::Values(values) => {
                let values = match of.kind {
                    Some(ColumnKind::Category) => Values::Text(values.into_levels()),
                    _ => values,
                };
                Ok(Understood { values, remarks: Vec::new() })
            }
        }
    }
}

impl Files<'_> {
    fn too_large(&self, short: Short) -> DataError {
        let what = format!("{}: {} rows of {} columns", self.source.display(), self.rows, self.columns);
        DataError::table_memory(what, short)
    }

    /// The cells of a column in all files.
    fn column(&self, plan: &Plan, parts: &Parts) -> Result<Raw, DataError> {
        let mut raw = match plan.kind {
            Kind::Number => Raw::Values(Values::Number(Vec::with_capacity(self.rows.min(MOST_RESERVED)))),
            Kind::Bool => Raw::Values(Values::Bool(Vec::with_capacity(self.rows.min(MOST_RESERVED)))),
            Kind::Time => Raw::Values(Values::Time(Vec::with_capacity(self.rows.min(MOST_RESERVED)))),
            Kind::Text => Raw::Text(LevelsBuilder::default()),
        };
        let mut before = 0;
        for (at, file) in self.files.iter().enumerate() {
            match (plan.key, &mut raw) {
                (Some(key), Raw::Text(levels)) => {
                    let value = parts.values[at][key].as_deref();
                    (0..file.rows).for_each(|_| levels.push(value));
                }
                _ => {
                    let failed =
                        |why: String| DataError::broken("Parquet", file.path, format!("column `{}`: {why}", plan.name));
                    let grown = self.part(plan, file, &mut raw).map_err(|stop| match stop {
                        Stop::Broken(why) => failed(why),
                        Stop::Short(short) => self.too_large(short),
                    })?;
                    if let Some((example, row)) = grown {
                        return Ok(Raw::TooLong(example, before + row));
                    }
                    let length = match &raw {
                        Raw::Values(values) => values.len(),
                        Raw::Text(levels) => levels.rows(),
                        Raw::TooLong(..) => 0,
                    };
                    if length != before + file.rows {
                        let why = format!("it has {} values, but the file says {} rows", length - before, file.rows);
                        return Err(failed(why));
                    }
                }
            }
            before += file.rows;
        }
        Ok(raw)
    }

    /// Adds the cells of a file; a whole number that is too long, and its row, ends it.
    fn part(&self, plan: &Plan, file: &File<'_>, raw: &mut Raw) -> Result<Option<(String, usize)>, Stop> {
        let broken = |why: String| Stop::Broken(why);
        let schema = file.metadata.schema();
        let Some((index, field)) = schema.column_with_name(&plan.name) else {
            return Err(Stop::Broken("it is not there".to_owned()));
        };
        // A file handle of its own: handles made by `try_clone` share one position, which threads would fight over.
        let handle = fs::File::open(file.path).map_err(|e| broken(e.to_string()))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, file.metadata.clone())
            .with_projection(ProjectionMask::roots(file.metadata.parquet_schema(), [index]))
            .with_batch_size(BATCH)
            .build()
            .map_err(|e| broken(e.to_string()))?;
        match raw {
            Raw::Values(Values::Number(values)) => {
                let (mut long, before) = (None, values.len());
                each_array(reader, &DataType::Float64, |original, array| {
                    if plan.is_long && long.is_none() {
                        let at = values.len() - before;
                        long = too_long(original).map(|(example, row)| (example, at + row));
                    }
                    let array = array.as_primitive::<Float64Type>();
                    if array.null_count() == 0 {
                        values.extend_from_slice(array.values());
                    } else {
                        values.extend(array.iter().map(|value| value.unwrap_or(f64::NAN)));
                    }
                    Ok(())
                })?;
                return Ok(long);
            }
            Raw::Values(Values::Time(values)) => {
                // In the file a time with a zone is one of UTC already, and one without is taken as such.
                let zone = match field.data_type() {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                each_array(reader, &DataType::Timestamp(TimeUnit::Microsecond, zone), |_, array| {
                    let array = array.as_primitive::<TimestampMicrosecondType>();
                    values.extend(array.iter().map(|time| time.unwrap_or(Values::NO_TIME)));
                    Ok(())
                })?;
            }
            Raw::Values(Values::Bool(values)) => {
                each_array(reader, &DataType::Boolean, |_, array| {
                    values.extend(array.as_boolean().iter());
                    Ok(())
                })?;
            }
            Raw::Text(levels) => {
                let mut held = levels.text_bytes();
                each_array(reader, &DataType::Utf8, |_, array| {
                    for cell in array.as_string::<i32>() {
                        levels.push(cell.map(str::trim).filter(|text| !text.is_empty()));
                    }
                    let before = std::mem::replace(&mut held, levels.text_bytes());
                    self.budget.take(held - before)
                })?;
            }
            Raw::Values(Values::Text(_)) | Raw::TooLong(..) => {}
        }
        Ok(None)
    }
}

/// The first whole number beyond those that have a double of their own.
fn too_long(array: &ArrayRef) -> Option<(String, usize)> {
    if let Some(array) = array.as_primitive_opt::<Int64Type>() {
        array
            .iter()
            .position(|value| value.is_some_and(|value| value as f64 as i128 != i128::from(value)))
            .map(|row| (array.value(row).to_string(), row))
    } else {
        let array = array.as_primitive_opt::<UInt64Type>()?;
        array
            .iter()
            .position(|value| value.is_some_and(|value| value as f64 as i128 != i128::from(value)))
            .map(|row| (array.value(row).to_string(), row))
    }
}

fn each_array(
    reader: ParquetRecordBatchReader,
    to: &DataType,
    mut each: impl FnMut(&ArrayRef, &ArrayRef) -> Result<(), Short>,
) -> Result<(), Stop> {
    for batch in reader {
        let batch = batch.map_err(|e| Stop::Broken(e.to_string()))?;
        // A time beyond what can be said is an error, not a missing one.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let array = cast_with_options(batch.column(0), to, &strict).map_err(|e| Stop::Broken(e.to_string()))?;
        each(batch.column(0), &array).map_err(Stop::Short)?;
    }
    Ok(())
}
