//! The prepared rows of a run on a cluster: written once, mapped by every worker.
//!
//! `prepared/r<replicate>.arrow` is an Arrow IPC file that pandas and polars read too: a record batch for each of the
//! training, validation, test and calibration rows, with the columns `x` (fixed-size list of float32), `y` (uint8),
//! `source_row` (uint32), where rows come in units `unit` (uint32), and where they have weights `weight` (float64).
//! What else a worker needs stands as JSON in the schema's metadata. Workers of one host share the pages, and a worker
//! needs neither the source file nor the network.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Float64Array, RecordBatch, UInt8Array, UInt32Array,
};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema, SchemaRef, UInt8Type, UInt32Type};
use arrow::error::ArrowError;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::root_as_footer;
use arrow::ipc::writer::FileWriter;
use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::checksum::{Summing, blob_sum};
use super::error::RunDirError;
use super::manifest::FileSum;
use super::run_dir::RunDir;
use super::sealed::{read_sealed_at, write_sealed_at};
use crate::guard::guarded;
use crate::prepared::{Preprocessing, Replicate, Rows};

/// Key of the schema's metadata.
const KEY: &str = "focalsweep.prepared";
/// Bytes of an IPC file after its footer: the footer's length and `ARROW1`.
const TRAILER: usize = 10;

/// What a file says beside the rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    replicate: u32,
    seed: u64,
    data_fingerprint: String,
    split_fingerprint: String,
    features: Vec<String>,
    preprocessing: Preprocessing,
    notes: Vec<String>,
}

impl RunDir {
    /// Writes the rows of a replicate, unless they are there as they were written.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write_prepared(&self, replicate: &Replicate, data_fingerprint: &str) -> Result<(), RunDirError> {
        let folder = self.path("prepared");
        std::fs::create_dir_all(&folder).map_err(|e| RunDirError::io(&folder, e))?;
        let path = self.prepared_path(replicate.index);
        if !is_there(&path, replicate, data_fingerprint)? {
            write(&path, replicate, data_fingerprint).map_err(|e| RunDirError::io(&path, e))?;
        }
        Ok(())
    }

    /// Maps the rows of a replicate. The file stays mapped as long as any of its rows are used.
    ///
    /// # Errors
    /// The file is missing or damaged, or of other data than `data_fingerprint`.
    pub fn prepared(&self, replicate: u32, data_fingerprint: &str) -> Result<Replicate, RunDirError> {
        let path = self.prepared_path(replicate);
        let (rows, found) = read(&path).map_err(|e| RunDirError::io(&path, e))?;
        if rows.index != replicate || found != data_fingerprint {
            let why = format!("replicate {} of data {found}, expected {replicate} of {data_fingerprint}", rows.index);
            return Err(RunDirError::io(&path, damaged(why)));
        }
        Ok(rows)
    }

    fn prepared_path(&self, replicate: u32) -> PathBuf {
        self.path("prepared").join(format!("r{replicate}.arrow"))
    }
}

fn damaged(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Whether the file at `path` has these rows. One that is damaged is written again: who has mapped it keeps the old
/// one.
fn is_there(path: &Path, replicate: &Replicate, data_fingerprint: &str) -> Result<bool, RunDirError> {
    match read(path) {
        Ok((rows, found)) => Ok(rows == *replicate && found == data_fingerprint),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(false),
        Err(error) => Err(RunDirError::io(path, error)),
    }
}

fn write(path: &Path, replicate: &Replicate, data_fingerprint: &str) -> io::Result<()> {
    let header = Header {
        replicate: replicate.index,
        seed: replicate.seed,
        data_fingerprint: data_fingerprint.to_owned(),
        split_fingerprint: replicate.split_fingerprint.clone(),
        features: replicate.features.clone(),
        preprocessing: replicate.preprocessing.clone(),
        notes: replicate.notes.clone(),
    };
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let width = i32::try_from(replicate.features.len()).map_err(io::Error::other)?;
    let has_units = !replicate.train.units.is_empty();
    let mut fields = vec![
        Field::new("x", DataType::FixedSizeList(Arc::clone(&item), width), false),
        Field::new("y", DataType::UInt8, false),
        Field::new("source_row", DataType::UInt32, false),
    ];
    if has_units {
        fields.push(Field::new("unit", DataType::UInt32, false));
    }
    let has_weights = !replicate.train.weights.is_empty();
    if has_weights {
        fields.push(Field::new("weight", DataType::Float64, false));
    }
    let metadata = std::collections::HashMap::from([(KEY.to_owned(), serde_json::to_string(&header)?)]);
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(fields, metadata));
    let batch = |rows: &Rows| -> Result<RecordBatch, ArrowError> {
        let values = Arc::new(Float32Array::new(rows.x.clone(), None));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(FixedSizeListArray::try_new(Arc::clone(&item), width, values, None)?),
            Arc::new(UInt8Array::new(rows.y.clone(), None)),
            Arc::new(UInt32Array::new(rows.source_rows.clone(), None)),
        ];
        if has_units {
            columns.push(Arc::new(UInt32Array::new(rows.units.clone(), None)));
        }
        if has_weights {
            columns.push(Arc::new(Float64Array::new(rows.weights.clone(), None)));
        }
        RecordBatch::try_new(Arc::clone(&schema), columns)
    };
    let mut total = (0, String::new());
    write_atomically::<io::Error>(path, |out| {
        let mut out = Summing::new(out);
        let mut save = || -> Result<(), ArrowError> {
            let mut writer = FileWriter::try_new(&mut out, &schema)?;
            for rows in [&replicate.train].into_iter().chain(replicate.scored()) {
                writer.write(&batch(rows)?)?;
            }
            writer.finish()
        };
        save().map_err(|error| match error {
            ArrowError::IoError(_, error) => error,
            other => io::Error::other(other),
        })?;
        total = out.total();
        Ok(())
    })?;
    let (bytes, sum) = total;
    write_sealed_at(&sum_path(path), &FileSum { bytes, sum })
}

/// The file that has the size and the checksum of a file of rows.
fn sum_path(path: &Path) -> PathBuf {
    path.with_extension("json")
}

/// The rows of a file and the fingerprint of their data.
fn read(path: &Path) -> io::Result<(Replicate, String)> {
    let file = File::open(path)?;
    // SAFETY: files here come into being by a rename of a whole file and are never written again. Only somebody who
    // cuts one off by hand could take pages away that are in use.
    #[expect(unsafe_code, reason = "mapping a file is how workers of a host share its rows")]
    let map = unsafe { Mmap::map(&file)? };
    let sums = sum_path(path);
    let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", sums.display()));
    let expected = read_sealed_at(&sums).map_err(named)?;
    let expected: FileSum = expected.ok_or_else(|| damaged(format!("{} is missing", sums.display())))?;
    if (FileSum { bytes: map.len() as u64, sum: blob_sum(&map) }) != expected {
        return Err(damaged(format!("its checksum is another than that in {}", sums.display())));
    }
    let buffer = Buffer::from(bytes::Bytes::from_owner(map));
    // Arrow's reader takes what a file says of itself for granted, and panics where it is wrong.
    guarded(|| decode(&buffer)).unwrap_or_else(|| Err(damaged("it is no file of prepared rows")))
}

/// The rows of a file that was mapped.
fn decode(buffer: &Buffer) -> io::Result<(Replicate, String)> {
    let footer_end = buffer.len().checked_sub(TRAILER).ok_or_else(|| damaged("the file is cut off"))?;
    let trailer = buffer[footer_end..].try_into().map_err(|_| damaged("the file is cut off"))?;
    let footer_length = read_footer_length(trailer).map_err(damaged)?;
    let footer_start = footer_end.checked_sub(footer_length).ok_or_else(|| damaged("the file is cut off"))?;
    let footer = root_as_footer(&buffer[footer_start..footer_end]).map_err(|e| damaged(e.to_string()))?;
    let schema =
        Arc::new(try_fb_to_schema(footer.schema().ok_or_else(|| damaged("there is no schema"))?).map_err(damaged)?);
    let header = schema.metadata().get(KEY).ok_or_else(|| damaged(format!("there is no `{KEY}`")))?;
    let header: Header = serde_json::from_str(header)?;
    let decoder = FileDecoder::new(Arc::clone(&schema), footer.version()).with_require_alignment(true);
    let mut parts = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let place = || {
            let start = usize::try_from(block.offset()).ok()?;
            let length = usize::try_from(block.bodyLength() + i64::from(block.metaDataLength())).ok()?;
            (start.checked_add(length)? <= buffer.len()).then_some((start, length))
        };
        let (start, length) = place().ok_or_else(|| damaged("the file is cut off"))?;
        let batch = decoder.read_record_batch(block, &buffer.slice_with_length(start, length)).map_err(damaged)?;
        parts.push(batch.and_then(|batch| rows(&batch, header.features.len())).ok_or_else(|| damaged("no rows"))?);
    }
    let [train, validation, test, calibration] =
        <[Rows; 4]>::try_from(parts).map_err(|parts| damaged(format!("{} parts, expected 4", parts.len())))?;
    let replicate = Replicate {
        index: header.replicate,
        seed: header.seed,
        features: header.features,
        preprocessing: header.preprocessing,
        train,
        validation,
        test,
        calibration,
        split_fingerprint: header.split_fingerprint,
        notes: header.notes,
    };
    Ok((replicate, header.data_fingerprint))
}

/// The columns of a batch without copying; `None` if they are not what is written here.
fn rows(batch: &RecordBatch, width: usize) -> Option<Rows> {
    let x = batch.column_by_name("x")?.as_fixed_size_list_opt()?;
    let values = x.values().as_primitive_opt::<Float32Type>()?;
    let y = batch.column_by_name("y")?.as_primitive_opt::<UInt8Type>()?;
    let source_rows = batch.column_by_name("source_row")?.as_primitive_opt::<UInt32Type>()?;
    let fits =
        values.len() == width * batch.num_rows() && batch.columns().iter().all(|column| column.null_count() == 0);
    let units = match batch.column_by_name("unit") {
        None => ScalarBuffer::default(),
        Some(units) => units.as_primitive_opt::<UInt32Type>()?.values().clone(),
    };
    let weights = match batch.column_by_name("weight") {
        None => ScalarBuffer::default(),
        Some(weights) => weights.as_primitive_opt::<Float64Type>()?.values().clone(),
    };
    let (x, y, source_rows) = (values.values().clone(), y.values().clone(), source_rows.values().clone());
    fits.then_some(Rows { x, y, source_rows, units, weights })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::Step;

    fn part(rows: usize, from: f32) -> Rows {
        Rows {
            x: (0..rows * 3).map(|v| from + v as f32).collect(),
            y: (0..rows).map(|row| u8::from(row % 3 == 0)).collect(),
            source_rows: (0..rows as u32).map(|row| row * 7).collect(),
            units: (0..rows as u32).map(|row| row / 3).collect(),
            weights: (0..rows).map(|row| row as f64 / 7.0).collect(),
        }
    }

    fn replicate(index: u32) -> Replicate {
        Replicate {
            index,
            seed: 7,
            features: ["a", "b", "c"].map(str::to_owned).to_vec(),
            preprocessing: Preprocessing { steps: vec![Step::Truth { column: "a".into() }], reading: None },
            train: part(1001, 0.5),
            validation: part(17, -1e-30),
            test: part(1, f32::MAX / 2.0),
            calibration: part(index as usize * 5, 2.0),
            split_fingerprint: "s".into(),
            notes: vec!["ü".into()],
        }
    }

    #[test]
    fn rows_come_back_from_the_map_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        let mut without_units = replicate(1);
        let Replicate { train, validation, test, calibration, .. } = &mut without_units;
        for part in [train, validation, test, calibration] {
            part.units = ScalarBuffer::default();
            part.weights = ScalarBuffer::default();
        }
        let replicates = [replicate(0), without_units];
        replicates.iter().for_each(|replicate| dir.write_prepared(replicate, "d").unwrap());
        for expected in &replicates {
            let found = dir.prepared(expected.index, "d").unwrap();
            assert_eq!(found, *expected);
        }
        let other = dir.prepared(0, "e").unwrap_err().to_string();
        assert!(other.contains("replicate 0 of data d, expected 0 of e"), "{other}");
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r0.arrow");
        write(&path, &replicate(0), "d").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(97).chain(whole.len() - 12..whole.len()) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(read(&path).is_err(), "cut at {cut} of {}", whole.len());
            // The footer of a whole file behind half of its rows.
            std::fs::write(&path, [&whole[cut..], &[]].concat()).unwrap();
            assert_eq!(read(&path).is_ok(), cut == 0, "the first {cut} bytes are missing");
        }
    }

    #[test]
    fn a_changed_byte_is_found_and_the_file_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        let small = Replicate { train: part(40, 0.5), ..replicate(0) };
        dir.write_prepared(&small, "d").unwrap();
        let path = dir.prepared_path(0);
        for path in [path.clone(), sum_path(&path)] {
            let whole = std::fs::read(&path).unwrap();
            for at in (0..whole.len()).step_by(7) {
                let mut changed = whole.clone();
                changed[at] ^= 0x10;
                std::fs::write(&path, &changed).unwrap();
                let error = dir.prepared(0, "d").unwrap_err();
                assert!(matches!(error, RunDirError::Broken { .. }), "byte {at}: {error}");
            }
            dir.write_prepared(&small, "d").unwrap();
            assert_eq!(dir.prepared(0, "d").unwrap(), small);
        }
    }

    /// Whoever makes a file with a good checksum can still not make the reader panic.
    #[test]
    fn a_file_that_lies_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r0.arrow");
        write(&path, &Replicate { train: part(40, 0.5), ..replicate(0) }, "d").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            std::fs::write(&path, &changed).unwrap();
            let sum = FileSum { bytes: changed.len() as u64, sum: blob_sum(&changed) };
            write_sealed_at(&sum_path(&path), &sum).unwrap();
            let _ = read(&path); // other rows, perhaps, but no panic
        }
    }
}
