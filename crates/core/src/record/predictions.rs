//! Scores of new rows as a file.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch};
use arrow::csv::WriterBuilder;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::atomic::write_atomically;

/// How predictions are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionsFormat {
    /// Comma-separated, with a header.
    Csv,
    /// Parquet.
    Parquet,
}

impl PredictionsFormat {
    /// By the ending of the file's name; `None` for any other than .csv and .parquet.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Writes row (from 0), score and flagged (`score >= threshold`; null without a threshold). The file appears whole or not
/// at all.
///
/// # Errors
/// It cannot be written.
pub fn write_predictions(
    path: &Path,
    format: PredictionsFormat,
    scores: &[f32],
    threshold: Option<f64>,
) -> io::Result<()> {
    let batch = batch(scores, threshold).map_err(io::Error::other)?;
    write_atomically::<io::Error>(path, |out| match format {
        PredictionsFormat::Csv => WriterBuilder::new().build(out).write(&batch).map_err(io::Error::other),
        PredictionsFormat::Parquet => parquet(out, &batch).map_err(io::Error::other),
    })
}

fn batch(scores: &[f32], threshold: Option<f64>) -> Result<RecordBatch, ArrowError> {
    let flagged = |&score: &f32| threshold.map(|threshold| f64::from(score) >= threshold);
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("row", Arc::new(Int64Array::from_iter_values((0i64..).zip(scores).map(|(row, _)| row))), false),
        ("score", Arc::new(Float32Array::from(scores.to_vec())), false),
        ("flagged", Arc::new(scores.iter().map(flagged).collect::<BooleanArray>()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
}

fn parquet(out: &mut BufWriter<&mut File>, batch: &RecordBatch) -> Result<(), ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close().map(|_| ())
}
