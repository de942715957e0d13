//! How a data file is stored.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::error::DataError;

/// How a file is stored, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    CsvGz,
    Parquet,
}

impl Format {
    /// By the ending of `path`.
    pub(super) fn by_name(path: &Path) -> Result<Self, DataError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if name.ends_with(".csv") {
            Ok(Self::Csv)
        } else if name.ends_with(".csv.gz") {
            Ok(Self::CsvGz)
        } else if name.ends_with(".parquet") {
            Ok(Self::Parquet)
        } else {
            Err(DataError::UnknownFormat { path: path.to_path_buf() })
        }
    }
}

/// The bytes of a CSV file, unpacked where it is packed.
pub(super) fn open_bytes(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let file = File::open(path)?;
    Ok(match Format::by_name(path) {
        Ok(Format::CsvGz) => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, file))),
        _ => Box::new(file),
    })
}
