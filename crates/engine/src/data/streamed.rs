//! What stands on a stream, taken into a file: all formats are read more than once, or from their end.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use super::error::DataError;
use focalsweep_core::guard::guarded;

/// Bytes that tell a format.
const TOLD_BY: usize = 8;

/// The format of a stream, as its first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Arrow IPC messages one after the other: each begins with a mark.
    ArrowStream,
    /// The Arrow IPC file format, also called Feather 2.
    ArrowFile,
    Parquet,
    CsvGz,
    Csv,
}

impl Sent {
    fn of(start: &[u8]) -> Self {
        match start {
            [0xff, 0xff, 0xff, 0xff, ..] => Self::ArrowStream,
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Self::ArrowFile,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [0x1f, 0x8b, ..] => Self::CsvGz,
            _ => Self::Csv,
        }
    }

    /// The ending of a file's name that says the same.
    fn ending(self) -> &'static str {
        match self {
            Self::ArrowStream | Self::ArrowFile => ".arrow",
            Self::Parquet => ".parquet",
            Self::CsvGz => ".csv.gz",
            Self::Csv => ".csv",
        }
    }
}

/// Takes what `from` holds into a temporary file that goes with the value, for
/// [`read_table`](super::read_table): CSV, packed or not, and Parquet as they are, Arrow (a stream, or a file) as
/// Parquet of the same types.
///
/// # Errors
/// The file cannot be written; what begins like Arrow is none, or has a type that Parquet has no place for.
pub fn take_stream(mut from: impl Read) -> Result<NamedTempFile, DataError> {
    let mut start = Vec::with_capacity(TOLD_BY);
    from.by_ref().take(TOLD_BY as u64).read_to_end(&mut start).map_err(|e| unwritten(&e))?;
    let sent = Sent::of(&start);
    let mut from = start.as_slice().chain(from);
    let mut file = named(sent.ending())?;
    if sent == Sent::ArrowStream {
        let mut taken = named(".parquet")?;
        as_parquet(|| StreamReader::try_new(BufReader::new(from), None), taken.as_file_mut())?;
        return Ok(taken);
    }
    io::copy(&mut from, &mut file).map_err(|e| unwritten(&e))?;
    if sent == Sent::ArrowFile {
        let mut taken = named(".parquet")?;
        let opened = File::open(file.path()).map_err(|e| unwritten(&e))?;
        as_parquet(|| FileReader::try_new(BufReader::new(opened), None), taken.as_file_mut())?;
        return Ok(taken);
    }
    Ok(file)
}

fn named(ending: &str) -> Result<NamedTempFile, DataError> {
    tempfile::Builder::new().prefix("focalsweep-").suffix(ending).tempfile().map_err(|e| unwritten(&e))
}

fn unwritten(error: &io::Error) -> DataError {
    let why = format!("it cannot be taken into a temporary file: {error}; TMPDIR names the folder for it");
    DataError::file("read", Path::new("standard input"), why)
}

/// Batch by batch, so that no more than one is in memory.
fn as_parquet<R: RecordBatchReader>(
    open: impl FnOnce() -> Result<R, ArrowError>,
    file: &mut File,
) -> Result<(), DataError> {
    let broken = |why: String| DataError::Broken { path: PathBuf::from("standard input"), format: "Arrow", why };
    let write = || -> Result<(), String> {
        let reader = open().map_err(|e| e.to_string())?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer = ArrowWriter::try_new(file, reader.schema(), Some(properties)).map_err(|e| e.to_string())?;
        for batch in reader {
            let batch: RecordBatch = batch.map_err(|e| e.to_string())?;
            writer.write(&batch).map_err(|e| e.to_string())?;
        }
        writer.close().map(|_| ()).map_err(|e| e.to_string())
    };
    guarded(write).unwrap_or_else(|| Err("its messages contradict one another".to_owned())).map_err(broken)
}
