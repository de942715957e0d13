//! The rows of a replicate as Parquet files, for a command of the user's that trains on them.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use focalsweep_core::prepared::{ColumnRead, Replicate, Rows};
use focalsweep_core::record::write_atomically;
use focalsweep_core::spec::{ColumnKind, Inputs};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::label::Source;
use super::table::{Column, Table, Values};

/// The column of row numbers.
const ROW: &str = "row";
/// Rows that are handed to the Parquet writer together.
const AT_ONCE: usize = 1 << 16;

/// A column of a command's files that would have the name of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTaken {
    /// The name.
    pub name: String,
}

/// Whether the columns of a command's files have different names.
///
/// # Errors
/// A feature, or the label, is called `row`.
pub fn check_names(source: &Source, replicate: &Replicate, inputs: Inputs) -> Result<(), NameTaken> {
    let taken = |name: &str| name == ROW || (inputs == Inputs::Prepared && name == source.label);
    let names: Vec<&str> = match inputs {
        Inputs::Raw => source.table.names().collect(),
        Inputs::Prepared => replicate.features.iter().map(String::as_str).collect(),
    };
    match names.into_iter().find(|name| taken(name)).or(Some(&*source.label).filter(|label| *label == ROW)) {
        Some(name) => Err(NameTaken { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// Bytes that the files of a replicate may take: those of its cells, texts as long as they are on average.
pub fn bytes_of(source: &Source, replicate: &Replicate, inputs: Inputs) -> u64 {
    let cell = |column: &Column| match &column.values {
        Values::Bool(_) => 1,
        Values::Number(_) | Values::Time(_) => 8,
        Values::Text(levels) => {
            let bytes: u64 =
                (0..source.table.rows).filter_map(|row| levels.get(row)).map(|text| text.len() as u64).sum();
            4 + bytes.div_ceil(source.table.rows.max(1) as u64)
        }
    };
    let row = match inputs {
        Inputs::Raw => source.table.columns.iter().map(cell).sum(),
        Inputs::Prepared => 4 * replicate.features.len() as u64,
    };
    let rows = std::iter::once(&replicate.train).chain(replicate.scored()).map(Rows::len).sum::<usize>();
    (row + 16).saturating_mul(rows as u64)
}

/// Writes some rows of a replicate: the features, the label as 0 and 1 unless it is to be kept from the reader, and
/// `row`, the number that the scores of a row have. A file appears whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn hand_over(
    path: &Path,
    (source, replicate): (&Source, &Replicate),
    rows: &Rows,
    inputs: Inputs,
    with_label: bool,
) -> io::Result<()> {
    let schema = Arc::new(schema(source, replicate, inputs, with_label));
    write_atomically::<io::Error>(path, |out| {
        let other = |error: ParquetError| io::Error::other(error);
        let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), None).map_err(other)?;
        for start in (0..rows.len()).step_by(AT_ONCE) {
            let at = start..rows.len().min(start + AT_ONCE);
            let mut columns = match inputs {
                Inputs::Raw => raw(source, &rows.source_rows[at.clone()]).map_err(io::Error::other)?,
                Inputs::Prepared => of_matrix(&rows.x, replicate.features.len(), &at),
            };
            if with_label {
                columns.push(Arc::new(rows.y[at.clone()].iter().map(|&y| Some(i64::from(y))).collect::<Int64Array>()));
            }
            let numbers = rows.source_rows[at].iter().map(|&row| Some(i64::from(row)));
            columns.push(Arc::new(numbers.collect::<Int64Array>()));
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(io::Error::other)?;
            writer.write(&batch).map_err(other)?;
        }
        writer.close().map_err(other)?;
        Ok(())
    })
}

/// The columns of the source, as the files of a command have them.
pub fn columns_of(source: &Source) -> Vec<ColumnRead> {
    let of_column = |Column { name, values }: &Column| {
        let kind = match values {
            Values::Number(_) => ColumnKind::Number,
            Values::Bool(_) => ColumnKind::Boolean,
            Values::Text(_) => ColumnKind::Category,
            Values::Time(_) => ColumnKind::Datetime,
        };
        let codes = match values {
            Values::Text(levels) => {
                !levels.names.is_empty() && levels.names.iter().all(|level| level.parse::<f64>().is_ok())
            }
            _ => false,
        };
        ColumnRead { name: name.clone(), kind, codes }
    };
    source.table.columns.iter().map(of_column).collect()
}

/// Writes these columns of all rows of `table`, in this order, and `row`, from 0: what a command scores.
///
/// # Errors
/// It cannot be written, or the table lacks one.
pub fn hand_over_columns(path: &Path, table: &Table, columns: &[ColumnRead]) -> io::Result<()> {
    let found = columns.iter().map(|column| table.column(&column.name).ok_or(&column.name));
    let missing = |name: &String| io::Error::other(format!("there is no column `{name}`"));
    let columns: Vec<&Column> = found.collect::<Result<_, _>>().map_err(missing)?;
    let fields = columns.iter().map(|column| of_column(column)).collect();
    write(path, fields, table.rows, |at| {
        let rows: Vec<usize> = at.collect();
        columns.iter().map(|column| cells(column, &rows)).collect()
    })
}

/// Writes the features of rows that are prepared as `x`, row-major, and `row`, from 0: what a command scores.
///
/// # Errors
/// It cannot be written.
pub fn hand_over_features(path: &Path, features: &[String], x: &[f32]) -> io::Result<()> {
    let width = features.len();
    let fields = features.iter().map(|name| of_feature(name)).collect();
    write(path, fields, x.len() / width.max(1), |at| of_matrix(x, width, &at))
}

/// Writes a file of these columns and `row`.
fn write(
    path: &Path,
    mut fields: Vec<Field>,
    rows: usize,
    columns: impl Fn(Range<usize>) -> Vec<ArrayRef>,
) -> io::Result<()> {
    fields.push(Field::new(ROW, DataType::Int64, false));
    let schema = Arc::new(Schema::new(fields));
    write_atomically::<io::Error>(path, |out| {
        let other = |error: ParquetError| io::Error::other(error);
        let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), None).map_err(other)?;
        for start in (0..rows).step_by(AT_ONCE) {
            let at = start..rows.min(start + AT_ONCE);
            let mut columns = columns(at.clone());
            columns.push(Arc::new(at.map(|row| i64::try_from(row).ok()).collect::<Int64Array>()));
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(io::Error::other)?;
            writer.write(&batch).map_err(other)?;
        }
        writer.close().map_err(other)?;
        Ok(())
    })
}

fn of_column(column: &Column) -> Field {
    let kind = match &column.values {
        Values::Number(_) => DataType::Float64,
        Values::Bool(_) => DataType::Boolean,
        Values::Text(_) => DataType::Utf8,
        Values::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    Field::new(&column.name, kind, true)
}

fn of_feature(name: &str) -> Field {
    Field::new(name, DataType::Float32, false)
}

fn schema(source: &Source, replicate: &Replicate, inputs: Inputs, with_label: bool) -> Schema {
    let mut fields: Vec<Field> = match inputs {
        Inputs::Raw => source.table.columns.iter().map(of_column).collect(),
        Inputs::Prepared => replicate.features.iter().map(|name| of_feature(name)).collect(),
    };
    if with_label {
        fields.push(Field::new(&source.label, DataType::Int64, false));
    }
    fields.push(Field::new(ROW, DataType::Int64, false));
    Schema::new(fields)
}

/// The cells of rows by their numbers among all rows of the source; what is missing is null.
fn raw(source: &Source, numbers: &[u32]) -> Result<Vec<ArrayRef>, ArrowError> {
    let rows: Option<Vec<usize>> = numbers.iter().map(|&number| source.row_of(number)).collect();
    let rows =
        rows.ok_or_else(|| ArrowError::InvalidArgumentError("a row that the source does not have".to_owned()))?;
    Ok(source.table.columns.iter().map(|column| cells(column, &rows)).collect())
}

/// The cells of these rows of a column; what is missing is null.
fn cells(column: &Column, rows: &[usize]) -> ArrayRef {
    let values = &column.values;
    let there = |row: usize| !values.is_missing(row);
    match values {
        Values::Number(of) => {
            Arc::new(rows.iter().map(|&row| Some(of[row]).filter(|_| there(row))).collect::<Float64Array>())
        }
        Values::Bool(of) => Arc::new(rows.iter().map(|&row| of[row]).collect::<BooleanArray>()),
        Values::Text(levels) => Arc::new(rows.iter().map(|&row| levels.get(row)).collect::<StringArray>()),
        Values::Time(of) => {
            let times = rows.iter().map(|&row| Some(of[row]).filter(|_| there(row)));
            Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
    }
}

fn of_matrix(x: &[f32], width: usize, at: &Range<usize>) -> Vec<ArrayRef> {
    let column = |feature: usize| -> ArrayRef {
        Arc::new(at.clone().map(|row| Some(x[row * width + feature])).collect::<Float32Array>())
    };
    (0..width).map(column).collect()
}
