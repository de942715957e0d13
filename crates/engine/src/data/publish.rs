//! How a file that was made gets its name, on every system.

use std::fs::File;
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::DataError;

/// Gives a finished temporary file its name, all on disk.
pub(super) fn publish(temp: NamedTempFile, out: &Path) -> Result<(), DataError> {
    let failed = |why: std::io::Error| DataError::file("write", out, why);
    temp.as_file().sync_all().map_err(failed)?;
    // Temporary files are for their owner only; data is as readable as any file.
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        temp.as_file().set_permissions(mode).map_err(failed)?;
    }
    temp.persist(out).map_err(|e| failed(e.error))?;
    sync_folder(out)
}

/// Makes the name of `path` last. Systems other than Unix have no such call, and write names at once.
pub(super) fn sync_folder(path: &Path) -> Result<(), DataError> {
    if cfg!(unix) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|e| DataError::file("write", path, e))?;
    }
    Ok(())
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
