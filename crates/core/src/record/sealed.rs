//! Small JSON files with their checksum, written at once and as a whole: what the manifest does not name.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::atomic::write_atomically;
use super::checksum::{seal, unseal};
use super::error::RunDirError;
use super::run_dir::RunDir;

impl RunDir {
    /// Replaces a file that programs of this run read again, such as a launcher's notes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_sealed<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunDirError> {
        let path = self.path(name);
        write_sealed_at(&path, value).map_err(|e| RunDirError::io(&path, e))
    }

    /// Reads what [`RunDir::write_sealed`] wrote; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read_sealed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunDirError> {
        let path = self.path(name);
        read_sealed_at(&path).map_err(|e| RunDirError::io(&path, e))
    }
}

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
