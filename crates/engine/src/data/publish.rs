//! How a file that is made is opened and gets its name, on every system.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use super::error::DataError;
use focalsweep_core::record;

/// Gives the whole and synced file `part` the name `out`, and makes that last. Only a regular file that came there
/// meanwhile is replaced.
pub(super) fn publish(part: &Path, out: &Path) -> Result<(), DataError> {
    let rename = || {
        record::replaceable(out)?;
        std::fs::rename(part, out)?;
        record::sync_folder(record::folder_of(out))
    };
    rename().map_err(|why| DataError::file("write", out, why))
}

/// Bytes that the disk of `path` has for us; `None` where the system does not say.
#[cfg(unix)]
pub fn free_space(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Bytes that the disk of `path` has for us: the system is not asked.
#[cfg(not(unix))]
pub fn free_space(_: &Path) -> Option<u64> {
    None
}

/// Opens the file that a download grows in, made where it is not there, never emptied.
///
/// # Errors
/// Another kind of file stands there: a link, one with other names too, a device, a pipe.
pub(super) fn open_part(path: &Path) -> io::Result<File> {
    let file = record::open_own(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
    if !has_one_name(&file.metadata()?) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a file with other names too: move it away"));
    }
    Ok(file)
}

#[cfg(unix)]
fn has_one_name(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.nlink() == 1
}

#[cfg(not(unix))]
fn has_one_name(_: &Metadata) -> bool {
    true
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
