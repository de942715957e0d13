//! How a file that was fetched gets its name, on every system.

use std::fs::File;
use std::path::Path;

use super::error::DataError;
use focalsweep_core::record;

/// Gives the whole and synced file `part` the name `out`, and makes that last. Only a regular file that came there
/// meanwhile is replaced.
pub(super) fn publish(part: &Path, out: &Path) -> Result<(), DataError> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let rename = || {
        record::replaceable(out)?;
        std::fs::rename(part, out)?;
        record::sync_folder(folder)
    };
    rename().map_err(|why| DataError::file("write", out, why))
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
