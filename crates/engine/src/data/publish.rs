//! How a file that is made is opened and gets its name, on every system.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
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

/// Bytes that the disk of `path` has for us; `None` where the system does not say.
#[cfg(unix)]
pub(super) fn free_space(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Bytes that the disk of `path` has for us: the system is not asked.
#[cfg(not(unix))]
pub(super) fn free_space(_: &Path) -> Option<u64> {
    None
}

/// Opens a file of ours to read and write, made where it is not there, never emptied.
///
/// # Errors
/// Another kind of file stands there: a link, one with other names too, a device, a pipe.
pub(super) fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without waiting for the other end of a pipe.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !is_plain(&file.metadata()?) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file of one name: move it away"));
    }
    Ok(file)
}

#[cfg(unix)]
fn is_plain(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.is_file() && metadata.nlink() == 1
}

#[cfg(not(unix))]
fn is_plain(metadata: &Metadata) -> bool {
    metadata.is_file()
}

/// Whether `path` still names the open `file`.
#[cfg(unix)]
pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let there = std::fs::symlink_metadata(path).map(id);
    file.metadata().map(id).is_ok_and(|ours| there.is_ok_and(|there| there == ours))
}

/// Whether `path` still names the open `file`: where a file that is open keeps its name, it does while there is one.
#[cfg(not(unix))]
pub(super) fn is_same_file(_: &File, path: &Path) -> bool {
    path.exists()
}
