//! The rows of a replicate as Parquet files, for a command of the user's that trains on them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::record::write_atomically;
use focalsweep_core::spec::Inputs;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::label::Source;
use super::table::{Column, Values};

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
                Inputs::Prepared => prepared(rows, replicate.features.len(), at.clone()),
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

fn schema(source: &Source, replicate: &Replicate, inputs: Inputs, with_label: bool) -> Schema {
    let of_column = |column: &Column| {
        let kind = match &column.values {
            Values::Number(_) => DataType::Float64,
            Values::Bool(_) => DataType::Boolean,
            Values::Text(_) => DataType::Utf8,
            Values::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(&column.name, kind, true)
    };
    let mut fields: Vec<Field> = match inputs {
        Inputs::Raw => source.table.columns.iter().map(of_column).collect(),
        Inputs::Prepared => replicate.features.iter().map(|name| Field::new(name, DataType::Float32, false)).collect(),
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
    let cells = |column: &Column| -> ArrayRef {
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
    };
    Ok(source.table.columns.iter().map(cells).collect())
}

fn prepared(rows: &Rows, width: usize, at: std::ops::Range<usize>) -> Vec<ArrayRef> {
    let column = |feature: usize| -> ArrayRef {
        Arc::new(at.clone().map(|row| Some(rows.x[row * width + feature])).collect::<Float32Array>())
    };
    (0..width).map(column).collect()
}
