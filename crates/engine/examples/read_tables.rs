//! Reads the source of each sweep file in a folder and writes it beside it as it was understood: `NAME.yaml` to
//! `NAME.read.parquet`, or to `NAME.error` with the message. tests/python/read_like_pandas.py compares them with
//! pandas.
//!
//!     cargo run -p focalsweep-engine --example read_tables -- FOLDER

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use focalsweep_core::spec;
use focalsweep_engine::data::{Pick, Reading, Table, Values, read_table};
use parquet::arrow::ArrowWriter;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: read_tables FOLDER")?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        match read(&path) {
            Ok(table) => write(&table, &path.with_extension("read.parquet"))?,
            Err(error) => fs::write(path.with_extension("error"), error.to_string())?,
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Table, Box<dyn Error>> {
    let spec = spec::parse(&path.to_string_lossy(), &fs::read_to_string(path)?)
        .map_err(|faults| faults.lines().collect::<Vec<_>>().join("\n"))?;
    let read = read_table(&spec.data.source, Pick::AllBut(&spec.data.drop), &Reading::of_spec(&spec.data))?;
    Ok(read.table)
}

fn write(table: &Table, path: &Path) -> Result<(), Box<dyn Error>> {
    let array = |values: &Values| -> ArrayRef {
        match values {
            Values::Number(values) => {
                Arc::new(Float64Array::from_iter(values.iter().map(|value| (!value.is_nan()).then_some(*value))))
            }
            Values::Bool(values) => Arc::new(BooleanArray::from(values.clone())),
            Values::Text(levels) => Arc::new(StringArray::from_iter((0..table.rows).map(|row| levels.get(row)))),
            Values::Time(values) => {
                let time = |time: &i64| (*time != Values::NO_TIME).then_some(*time);
                Arc::new(TimestampMicrosecondArray::from_iter(values.iter().map(time)))
            }
        }
    };
    let columns = table.columns.iter().map(|column| (column.name.as_str(), array(&column.values), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let mut writer = ArrowWriter::try_new(fs::File::create(path)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}
