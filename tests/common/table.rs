//! Parquet files as a reader that knows nothing of the program sees them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A whole Parquet file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) batch: RecordBatch,
    /// Key-value metadata.
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Self {
        let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
        let pairs = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let metadata = pairs.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect();
        let schema = reader.schema().clone();
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.expect("rows")).collect();
        Self { batch: concat_batches(&schema, &batches).unwrap(), metadata }
    }

    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn column(&self, name: &str, to: &DataType) -> ArrayRef {
        let column = self.batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
        cast(column, to).unwrap_or_else(|error| panic!("column {name}: {error}"))
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<Option<String>> {
        let column = self.column(name, &DataType::Utf8);
        column.as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect()
    }

    pub(crate) fn integers(&self, name: &str) -> Vec<Option<i64>> {
        self.column(name, &DataType::Int64).as_primitive::<Int64Type>().iter().collect()
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<Option<f64>> {
        self.column(name, &DataType::Float64).as_primitive::<Float64Type>().iter().collect()
    }

    /// The rows of some columns, written so that equal texts are equal bits.
    pub(crate) fn cells(&self, names: &[String]) -> Vec<String> {
        let columns: Vec<Vec<String>> = names
            .iter()
            .map(|name| match self.batch.column_by_name(name).expect("a column").data_type() {
                DataType::Float32 | DataType::Float64 => {
                    let bits = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:?}"));
                    self.floats(name).into_iter().map(bits).collect()
                }
                _ => self.texts(name).into_iter().map(|value| value.unwrap_or("null".to_owned())).collect(),
            })
            .collect();
        (0..self.rows())
            .map(|row| columns.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join("|"))
            .collect()
    }

    /// (trial_id, replicate) of each row.
    pub(crate) fn keys(&self) -> Vec<(String, i64)> {
        let trials = self.texts("trial_id").into_iter().flatten();
        trials.zip(self.integers("replicate").into_iter().flatten()).collect()
    }
}
