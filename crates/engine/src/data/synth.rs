//! Synthetic rare-event data of any size, the same for the same seed.
//!
//! Columns are standard normal; a few of them, the informative ones, share a common factor, and positives are shifted
//! along them with alternating signs, some positives more than others. So the columns have to be weighed against each
//! other, some positives are hard to find, and a good classifier's ROC AUC is about 0.93.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int8Array};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as ParquetCompression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;

use super::error::DataError;
use super::format::Format;
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::record;
use focalsweep_core::spec::SynthSpec;

/// Rows made at once: memory is this many rows, whatever the size of the file.
const BLOCK: u64 = 65_536;
/// Most informative columns.
const MOST_INFORMATIVE: u32 = 8;
/// Correlation of the informative columns.
const CORRELATION: f64 = 0.3;
/// Distance of the class means in standard deviations, at severity 1.
const DISTANCE: f64 = 2.4;
/// Stream of the labels; columns count up from 0.
const LABELS: u32 = u32::MAX;
/// Stream of the common factor.
const FACTOR: u32 = u32::MAX - 1;
/// Stream of the positives' severity.
const SEVERITY: u32 = u32::MAX - 2;

/// Writes columns V1..Vd (float32) and Class (int8; 1 is the rare class) to `out`, as Parquet or CSV by its ending.
///
/// A file appears whole or not at all.
///
/// # Errors
/// No feature, no positive or no negative is asked for; the ending is unknown; the file cannot be written.
pub fn write_synthetic(spec: &SynthSpec, out: &Path) -> Result<(), DataError> {
    let format = Format::by_name(out)?;
    let fault = if spec.features == 0 {
        Some("data without features".to_owned())
    } else if spec.features >= SEVERITY {
        Some(format!("{} features", spec.features))
    } else if spec.positives == 0 {
        Some("data without positives".to_owned())
    } else if spec.positives >= spec.rows {
        Some(format!("{} positives in {} rows", spec.positives, spec.rows))
    } else {
        None
    };
    if let Some(what) = fault {
        return Err(DataError::Synth { what });
    }
    let unwritable = |why: io::Error| DataError::file("write", out, why);
    // Of the file that a link names.
    let file = record::linked(out).map_err(unwritable)?;
    std::fs::create_dir_all(record::folder_of(&file)).map_err(|why| match why.kind() {
        // A name that leads through a file can never be one; a full disk may have room again.
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => DataError::file("make the folder of", out, why),
        _ => unwritable(why),
    })?;
    let write = |file: &mut BufWriter<&mut File>| match format {
        Format::Parquet => write_parquet(spec, file).map_err(io::Error::other),
        Format::Csv => write_csv(spec, file).map_err(io::Error::other),
        Format::CsvGz => {
            let mut encoder = GzEncoder::new(file, Compression::fast());
            write_csv(spec, &mut encoder).map_err(io::Error::other)?;
            encoder.finish().map(|_| ())
        }
    };
    record::write_named(out, write).map_err(unwritable)
}

fn write_parquet(spec: &SynthSpec, file: &mut BufWriter<&mut File>) -> Result<(), String> {
    let text = |e: parquet::errors::ParquetError| e.to_string();
    let properties = WriterProperties::builder()
        .set_compression(ParquetCompression::ZSTD(ZstdLevel::try_new(1).map_err(text)?))
        // Random numbers have no repeats to code.
        .set_dictionary_enabled(false)
        .build();
    let mut blocks = Blocks::new(spec);
    let mut writer = ArrowWriter::try_new(file, blocks.schema.clone(), Some(properties)).map_err(text)?;
    while let Some(batch) = blocks.next()? {
        writer.write(&batch).map_err(text)?;
    }
    writer.close().map(|_| ()).map_err(text)
}

fn write_csv(spec: &SynthSpec, out: impl Write) -> Result<(), String> {
    let mut blocks = Blocks::new(spec);
    let mut writer = WriterBuilder::new().build(out);
    while let Some(batch) = blocks.next()? {
        writer.write(&batch).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Makes the rows block by block; each column has a stream of its own that stays open.
struct Blocks {
    schema: Arc<Schema>,
    columns: Vec<Stream>,
    labels: Stream,
    factor: Stream,
    severity: Stream,
    rows_left: u64,
    positives_left: u64,
    informative: usize,
    shift: f64,
}

impl Blocks {
    fn new(spec: &SynthSpec) -> Self {
        let stream = |column| Stream::new(spec.seed, 0, Purpose::Synth, 0, column);
        let mut fields: Vec<Field> =
            (1..=spec.features).map(|i| Field::new(format!("V{i}"), DataType::Float32, false)).collect();
        fields.push(Field::new("Class", DataType::Int8, false));
        let informative = (spec.features / 3).clamp(1, MOST_INFORMATIVE);
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: (0..spec.features).map(stream).collect(),
            labels: stream(LABELS),
            factor: stream(FACTOR),
            severity: stream(SEVERITY),
            rows_left: spec.rows,
            positives_left: spec.positives,
            informative: informative as usize,
            shift: shift(informative),
        }
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, String> {
        let rows = self.rows_left.min(BLOCK);
        if rows == 0 {
            return Ok(None);
        }
        let labels: Vec<i8> = (0..rows).map(|_| i8::from(self.draw_label())).collect();
        let factor: Vec<f64> = (0..rows).map(|_| CORRELATION.sqrt() * self.factor.normal()).collect();
        // 0 for negatives; positives are shifted by 0.4 to 1.6 times the shift.
        let severity: Vec<f64> =
            labels.iter().map(|&label| f64::from(label) * (0.4 + 1.2 * self.severity.uniform64())).collect();
        let (informative, shift) = (self.informative, self.shift);
        let own = (1.0 - CORRELATION).sqrt();
        let mut arrays: Vec<ArrayRef> = self
            .columns
            .par_iter_mut()
            .enumerate()
            .map(|(column, stream)| {
                let sign = if column % 2 == 0 { shift } else { -shift };
                let cell = |row: usize| {
                    let noise = stream.normal();
                    let value =
                        if column < informative { own * noise + factor[row] + sign * severity[row] } else { noise };
                    value as f32
                };
                Arc::new(Float32Array::from_iter_values((0..labels.len()).map(cell))) as ArrayRef
            })
            .collect();
        arrays.push(Arc::new(Int8Array::from(labels)));
        RecordBatch::try_new(self.schema.clone(), arrays).map(Some).map_err(|e| e.to_string())
    }

    /// Every choice of rows as positives equally likely (Knuth, The Art of Computer Programming 2, algorithm S).
    fn draw_label(&mut self) -> bool {
        let is_positive = self.labels.uniform64() * (self.rows_left as f64) < self.positives_left as f64;
        self.rows_left -= 1;
        self.positives_left -= u64::from(is_positive);
        is_positive
    }
}

/// The shift of each of `k` equally correlated columns, signs alternating, that puts the class means [`DISTANCE`] apart
/// in Mahalanobis distance (the inverse of the correlation matrix is by Sherman & Morrison).
fn shift(k: u32) -> f64 {
    let (k, sum) = (f64::from(k), f64::from(k % 2));
    let squared = (k - CORRELATION * sum * sum / (1.0 - CORRELATION + k * CORRELATION)) / (1.0 - CORRELATION);
    DISTANCE / squared.sqrt()
}
