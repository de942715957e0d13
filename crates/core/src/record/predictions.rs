//! Scores of new rows as a file.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::csv::WriterBuilder;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::target::write_named;

/// Rows of a batch of an Arrow stream.
const BATCH: usize = 1 << 16;

/// How predictions are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionsFormat {
    /// Comma-separated, with a header.
    Csv,
    /// Parquet.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
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

/// New rows, scored by a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    /// The logits.
    pub raw: Vec<f32>,
    /// The probabilities; none where a model says none.
    pub scores: Vec<f32>,
    /// Whether each row is flagged; `None` without a threshold.
    pub flagged: Vec<Option<bool>>,
    /// The logit that rows are flagged from.
    pub threshold_raw: Option<f64>,
    /// Columns of the source that go with them, by name.
    pub kept: Vec<(String, Vec<Option<String>>)>,
    /// What is said of the rows as a whole, as JSON: the key `focalsweep` of Parquet and Arrow.
    pub notes: Option<String>,
}

/// Names of the columns that are written beside those that are kept.
pub const PREDICTION_COLUMNS: [&str; 5] = ["row", "raw", "score", "flagged", "threshold_raw"];

/// Writes row (from 0), raw, score, flagged and threshold_raw, then what is kept. A file appears whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write_predictions(path: &Path, format: PredictionsFormat, predictions: &Predictions) -> io::Result<()> {
    write_named::<io::Error>(path, |out| stream_predictions(out, format, predictions))
}

/// The same to a stream.
///
/// # Errors
/// It cannot be written.
pub fn stream_predictions(
    out: impl io::Write + Send,
    format: PredictionsFormat,
    predictions: &Predictions,
) -> io::Result<()> {
    let batch = batch(predictions).map_err(io::Error::other)?;
    match format {
        PredictionsFormat::Csv => WriterBuilder::new().build(out).write(&batch).map_err(io::Error::other),
        PredictionsFormat::Parquet => parquet(out, &batch, predictions.notes.as_ref()).map_err(io::Error::other),
        PredictionsFormat::Arrow => arrow(out, batch, predictions.notes.as_ref()).map_err(io::Error::other),
    }
}

fn batch(predictions: &Predictions) -> Result<RecordBatch, ArrowError> {
    let Predictions { raw, scores, flagged, threshold_raw, kept, notes: _ } = predictions;
    let kept = kept.iter().map(|(name, cells)| -> (&str, ArrayRef, bool) {
        (name, Arc::new(cells.iter().collect::<StringArray>()), true)
    });
    // Those of a model that says no probabilities are missing.
    let score = (0..raw.len()).map(|row| scores.get(row).copied()).collect::<Float32Array>();
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("row", Arc::new(Int64Array::from_iter_values((0i64..).zip(raw).map(|(row, _)| row))), false),
        ("raw", Arc::new(raw.iter().map(|&raw| Some(f64::from(raw))).collect::<Float64Array>()), false),
        ("score", Arc::new(score), scores.len() < raw.len()),
        ("flagged", Arc::new(flagged.iter().collect::<BooleanArray>()), true),
        ("threshold_raw", Arc::new(Float64Array::from(vec![*threshold_raw; raw.len()])), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().chain(kept))
}

/// Key of the notes.
const NOTES: &str = "focalsweep";

/// In batches, so that a reader need not wait for the last row.
fn arrow(out: impl io::Write, batch: RecordBatch, notes: Option<&String>) -> Result<(), ArrowError> {
    let metadata: HashMap<String, String> = notes.map(|notes| (NOTES.to_owned(), notes.clone())).into_iter().collect();
    let schema = Arc::new(batch.schema().as_ref().clone().with_metadata(metadata));
    let batch = batch.with_schema(Arc::clone(&schema))?;
    let mut writer = StreamWriter::try_new(out, &schema)?;
    for start in (0..batch.num_rows()).step_by(BATCH) {
        writer.write(&batch.slice(start, BATCH.min(batch.num_rows() - start)))?;
    }
    writer.finish()
}

fn parquet(out: impl io::Write + Send, batch: &RecordBatch, notes: Option<&String>) -> Result<(), ParquetError> {
    let notes = notes.map(|notes| vec![KeyValue::new(NOTES.to_owned(), notes.clone())]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(notes)
        .build();
    let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close().map(|_| ())
}
