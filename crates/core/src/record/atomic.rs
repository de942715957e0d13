//! Files that are either whole or not there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// How the names of unfinished files begin.
pub(super) const TORN: &str = ".writing-";

/// Writes `path` through a temporary file beside it: write, fsync, rename, fsync the folder. A reader sees the old file
/// or the new one, and so does whoever comes after a crash.
///
/// # Errors
/// The folder is missing or full, or `write` fails; `path` is then as it was.
pub fn write_atomically<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    let mut temporary = tempfile::Builder::new().prefix(TORN).tempfile_in(folder_of(path))?;
    let mut out = BufWriter::with_capacity(1 << 18, temporary.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    Ok(publish(temporary, path)?)
}

/// Gives a finished temporary file its name, all on disk.
///
/// # Errors
/// The disk is full or gone, or the name is taken by something that is no file.
pub fn publish(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    readable_by_all(temporary.as_file())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes renames and new files in `folder` last through a crash. Systems other than Unix have no such call, and write
/// names at once.
///
/// # Errors
/// The folder is gone, or the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Temporary files are private; results are not.
fn readable_by_all(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomically::<io::Error>(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomically::<io::Error>(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("disk on fire"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
