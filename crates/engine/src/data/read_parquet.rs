//! Parquet to a [`Table`], one column a task.

use std::fs;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use rayon::prelude::*;

use super::error::DataError;
use super::pick::{Pick, Wanted, wanted};
use super::table::{Column, LevelsBuilder, Table, Values};
use crate::memory::{Budget, Short};
use focalsweep_core::guard::guarded;

/// Rows decoded at once: large enough to amortise calls, small enough to stay in cache.
const BATCH: usize = 16_384;

/// A damaged footer may promise any number of rows: no more than this many are reserved on its word.
const MOST_RESERVED: usize = 1 << 24;

pub(super) fn read(path: &Path, pick: Pick<'_>, categorical: &[String]) -> Result<Table, DataError> {
    let file = fs::File::open(path).map_err(|e| DataError::file("read", path, e))?;
    let metadata = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()))
        .ok_or_else(|| contradicts(path))?
        .map_err(|e| DataError::broken("Parquet", path, e))?;
    let rows = usize::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
    let in_groups = metadata
        .metadata()
        .row_groups()
        .iter()
        .try_fold(0usize, |sum, group| sum.checked_add(usize::try_from(group.num_rows()).ok()?));
    if in_groups != Some(rows) {
        return Err(DataError::broken("Parquet", path, format!("it says {rows} rows, but its groups have others")));
    }
    let names: Vec<String> = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();

    let mut kinds = Vec::new();
    for column in wanted(path, &names, pick, categorical)? {
        let data_type = metadata.schema().field(column.index).data_type();
        let Some(kind) = Kind::of(data_type) else {
            return Err(DataError::ColumnType { column: column.name, kind: data_type.to_string() });
        };
        kinds.push((column, kind));
    }
    let budget = Budget::now();
    let bytes: u64 = kinds.iter().map(|(_, kind)| kind.bytes_per_row()).sum();
    let read = File { path, metadata: &metadata, rows, columns: kinds.len(), budget: &budget };
    budget.take(bytes.saturating_mul(rows as u64)).map_err(|short| read.too_large(short))?;
    let column = |(column, kind)| guarded(|| read.column(column, kind)).unwrap_or_else(|| Err(contradicts(path)));
    let columns = kinds.into_par_iter().map(column).collect::<Result<_, _>>()?;
    Ok(Table { columns, rows })
}

/// Of a file that its reader cannot make sense of.
fn contradicts(path: &Path) -> DataError {
    DataError::broken("Parquet", path, "its pages contradict what it says of them")
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Bool,
    Text,
    Time,
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Null => Some(Self::Number),
            DataType::Boolean => Some(Self::Bool),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Some(Self::Time),
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                Some(Self::Number)
            }
            other => (other.is_integer() || other.is_floating()).then_some(Self::Number),
        }
    }

    /// Bytes in a [`Table`]; of text without what the levels are called.
    fn bytes_per_row(self) -> u64 {
        match self {
            Self::Number | Self::Time => 8,
            Self::Bool => 1,
            Self::Text => 4,
        }
    }
}

/// What the columns of a file have in common.
struct File<'a> {
    path: &'a Path,
    metadata: &'a ArrowReaderMetadata,
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

impl File<'_> {
    fn too_large(&self, short: Short) -> DataError {
        let what = format!("{}: {} rows of {} columns", self.path.display(), self.rows, self.columns);
        DataError::table_memory(what, short)
    }

    fn column(&self, column: Wanted, kind: Kind) -> Result<Column, DataError> {
        let Self { path, metadata, rows, .. } = *self;
        let failed = |why: String| DataError::broken("Parquet", path, format!("column `{}`: {why}", column.name));
        // A file handle of its own: handles made by `try_clone` share one position, which threads would fight over.
        let file = fs::File::open(path).map_err(|e| failed(e.to_string()))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
            .with_projection(ProjectionMask::roots(metadata.parquet_schema(), [column.index]))
            .with_batch_size(BATCH)
            .build()
            .map_err(|e| failed(e.to_string()))?;
        let values = match kind {
            Kind::Number => {
                let mut values = Vec::with_capacity(rows.min(MOST_RESERVED));
                each_array(reader, &DataType::Float64, |array| {
                    let array = array.as_primitive::<Float64Type>();
                    if array.null_count() == 0 {
                        values.extend_from_slice(array.values());
                    } else {
                        values.extend(array.iter().map(|value| value.unwrap_or(f64::NAN)));
                    }
                    Ok(())
                })
                .map(|()| Values::Number(values))
            }
            Kind::Time => {
                let mut values = Vec::with_capacity(rows.min(MOST_RESERVED));
                // In the file a time with a zone is one of UTC already, and one without is taken as such.
                let zone = match metadata.schema().field(column.index).data_type() {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                each_array(reader, &DataType::Timestamp(TimeUnit::Microsecond, zone), |array| {
                    let array = array.as_primitive::<TimestampMicrosecondType>();
                    values.extend(array.iter().map(|time| time.unwrap_or(Values::NO_TIME)));
                    Ok(())
                })
                .map(|()| Values::Time(values))
            }
            Kind::Bool => {
                let mut values = Vec::with_capacity(rows.min(MOST_RESERVED));
                each_array(reader, &DataType::Boolean, |array| {
                    values.extend(array.as_boolean().iter());
                    Ok(())
                })
                .map(|()| Values::Bool(values))
            }
            Kind::Text => {
                let mut levels = LevelsBuilder::default();
                let mut held = 0;
                each_array(reader, &DataType::Utf8, |array| {
                    for cell in array.as_string::<i32>() {
                        levels.push(cell.map(str::trim).filter(|text| !text.is_empty()));
                    }
                    let before = std::mem::replace(&mut held, levels.text_bytes());
                    self.budget.take(held - before)
                })
                .map(|()| Values::Text(levels.finish()))
            }
        }
        .map_err(|stop| match stop {
            Stop::Broken(why) => failed(why),
            Stop::Short(short) => self.too_large(short),
        })?;
        if values.len() != rows {
            return Err(failed(format!("it has {} values, but the file says {rows} rows", values.len())));
        }
        let values = if column.categorical { Values::Text(values.into_levels()) } else { values };
        Ok(Column { name: column.name, values })
    }
}

fn each_array(
    reader: ParquetRecordBatchReader,
    to: &DataType,
    mut each: impl FnMut(&ArrayRef) -> Result<(), Short>,
) -> Result<(), Stop> {
    for batch in reader {
        let batch = batch.map_err(|e| Stop::Broken(e.to_string()))?;
        // A time beyond what can be said is an error, not a missing one.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let array = cast_with_options(batch.column(0), to, &strict).map_err(|e| Stop::Broken(e.to_string()))?;
        each(&array).map_err(Stop::Short)?;
    }
    Ok(())
}
