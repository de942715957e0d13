//! A file of a run that is made and has no name yet: see [`RunDir::commit`](super::RunDir::commit).

use std::fs::Metadata;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::atomic::{publish, write_beside};
use super::checksum::Summing;
use super::manifest::FileSum;

/// A file that has no name yet.
#[derive(Debug)]
pub(super) struct Staged {
    temporary: NamedTempFile,
    /// What it replaces.
    old: Option<Metadata>,
    sum: FileSum,
}

impl Staged {
    /// Makes the file beside `path` with what `write` writes.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn make(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> io::Result<Self> {
        let mut total = (0, String::new());
        let (temporary, old) = write_beside::<io::Error>(path, |out| {
            let mut summing = Summing::new(out);
            write(&mut summing)?;
            total = summing.total();
            Ok(())
        })?;
        let (bytes, sum) = total;
        Ok(Self { temporary, old, sum: FileSum { bytes, sum } })
    }

    /// Its size and checksum.
    pub(super) fn sum(&self) -> &FileSum {
        &self.sum
    }

    /// Gives it the name `path`, for which it was made.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub(super) fn put(self, path: &Path) -> io::Result<()> {
        publish(self.temporary, path, self.old.as_ref())
    }
}
