//! How a file that was made gets its name, on every system.

use std::fs::File;
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::DataError;
use focalsweep_core::record;

/// Gives a finished temporary file its name, all on disk.
pub(super) fn publish(temp: NamedTempFile, out: &Path) -> Result<(), DataError> {
    record::publish(temp, out).map_err(|why| DataError::file("write", out, why))
}

/// Makes the name of `path` last.
pub(super) fn sync_folder(path: &Path) -> Result<(), DataError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    record::sync_folder(folder).map_err(|why| DataError::file("write", path, why))
}

/// Whether `path` still names the open `file`.
#[cfg(unix)]
pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let there = std::fs::metadata(path).map(id);
    file.metadata().map(id).is_ok_and(|ours| there.is_ok_and(|there| there == ours))
}

/// Whether `path` still names the open `file`: where a file that is open keeps its name, it does while there is one.
#[cfg(not(unix))]
pub(super) fn is_same_file(_: &File, path: &Path) -> bool {
    path.exists()
}
