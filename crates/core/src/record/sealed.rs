//! Small JSON files with their checksum, written at once and as a whole: what the manifest does not name.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::atomic::write_atomically;
use super::checksum::{seal, unseal};

/// Replaces the file at `path`.
pub(super) fn write_sealed_at<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let bytes = seal(&serde_json::to_vec_pretty(value)?);
    write_atomically::<io::Error>(path, |out| out.write_all(&bytes))
}

/// The value in the file at `path`; `None` where there is none.
pub(super) fn read_sealed_at<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let json = unseal(&bytes).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
    Ok(Some(serde_json::from_slice(&json)?))
}
