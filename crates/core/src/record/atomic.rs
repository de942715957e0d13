//! Files that are either whole or not there.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

#[cfg(unix)]
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

/// How the names of unfinished files begin.
pub(super) const TORN: &str = ".writing-";
/// Bytes that are gathered before they are written.
pub(super) const BUFFER: usize = 1 << 18;

/// Writes a file that is the program's own, as all in a run directory are, through a temporary file beside it: write,
/// fsync, rename, fsync the folder. A reader sees the old file or the new one, and so does whoever comes after a crash.
/// Files that the user names are for [`write_named`](super::target::write_named).
///
/// # Errors
/// The folder is missing or full, or `write` fails; in the place of `path` is a link, a device or another thing that is
/// no file, or a file that is read-only. What is there is then as it was.
pub fn write_atomically<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    let (temporary, old) = write_beside(path, write)?;
    Ok(publish(temporary, path, old.as_ref())?)
}

/// Writes a file that [`publish`] gives the name `path`, and what it replaces.
///
/// # Errors
/// As of [`write_atomically`].
pub(super) fn write_beside<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(NamedTempFile, Option<Metadata>), E> {
    let old = replaceable(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TORN);
    #[cfg(unix)]
    if old.is_none() {
        // Less the umask, as any new file. One that takes another's place is private until it has its permissions.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder_of(path))?;
    let mut out = BufWriter::with_capacity(BUFFER, temporary.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    Ok((temporary, old))
}

/// Gives a finished temporary file its name, with the owner and the permissions of the file that it replaces, all on
/// disk.
///
/// # Errors
/// The disk is full or gone, or the name is taken by something that is no file.
pub(super) fn publish(temporary: NamedTempFile, path: &Path, old: Option<&Metadata>) -> io::Result<()> {
    if let Some(old) = old {
        take_over(temporary.as_file(), old)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

/// What is to be replaced at `path`; `None` where nothing is.
///
/// # Errors
/// It is not a regular file, or one that may not be written.
pub fn replaceable(path: &Path) -> io::Result<Option<Metadata>> {
    let old = match path.symlink_metadata() {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    is_regular(&old)?;
    if old.permissions().readonly() {
        let why = "it is read-only, so it is not replaced: remove it, or make it writable";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    // A rename asks nobody whether the old file may be written.
    open_own(path, OpenOptions::new().write(true))?;
    Ok(Some(old))
}

/// Opens a file that is the program's own, as `options` say: never through a link, and regular files only.
///
/// # Errors
/// What is there is something else, or cannot be opened.
pub fn open_own(path: &Path, options: &OpenOptions) -> io::Result<File> {
    if let Ok(there) = path.symlink_metadata() {
        is_regular(&there)?; // to open a device may do something already
    }
    let mut options = options.clone();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    let file = options.open(path)?;
    is_regular(&file.metadata()?)?;
    Ok(file)
}

/// Flags of open(2) as the standard library takes them.
#[cfg(unix)]
pub(super) fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// # Errors
/// In words what it is, where it is not a regular file.
fn is_regular(there: &Metadata) -> io::Result<()> {
    match kind(there) {
        None => Ok(()),
        Some(kind) => Err(io::Error::other(format!("it is {kind} where a regular file has to be: move it away"))),
    }
}

/// What a thing of the file system is, in words; `None` for a regular file.
pub(super) fn kind(there: &Metadata) -> Option<&'static str> {
    let kind = there.file_type();
    if kind.is_file() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some(match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_symlink() => "a link",
        () => "no file",
    })
}

/// The folder that a file is in: `.` for a name alone.
pub fn folder_of(path: &Path) -> &Path {
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

/// Gives `file` the permissions of `old`, and its owner where this process may.
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        // Only root may give files away. Who else writes a file of another's owns what stands there then, as editors
        // do it.
        let mine = file.metadata()?;
        if (mine.uid(), mine.gid()) != (old.uid(), old.gid()) {
            let is_group_kept =
                fchown(file, Some(old.uid()), Some(old.gid())).is_ok() || fchown(file, None, Some(old.gid())).is_ok();
            if !is_group_kept {
                // What the old group might do is nothing for another one.
                return file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o707));
            }
        }
        file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o777))
    }
    #[cfg(not(unix))]
    file.set_permissions(old.permissions())
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

    #[test]
    #[cfg(unix)]
    fn what_is_no_file_of_ours_is_neither_replaced_nor_opened() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        use std::os::unix::fs::{FileTypeExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("theirs"), "theirs").unwrap();
        symlink("theirs", at("link")).unwrap();
        symlink("nothing", at("dangling")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
        for (name, kind) in [("link", "a link"), ("dangling", "a link"), ("folder", "a directory"), ("pipe", "a pipe")]
        {
            let said = write_atomically::<io::Error>(&at(name), |out| out.write_all(b"x")).unwrap_err().to_string();
            assert!(said.contains(kind), "{said}");
            let opened = open_own(&at(name), OpenOptions::new().create(true).append(true));
            assert_eq!(opened.unwrap_err().to_string(), said);
        }
        assert!(at("link").is_symlink() && at("dangling").is_symlink() && !at("nothing").exists());
        assert!(at("pipe").symlink_metadata().unwrap().file_type().is_fifo());
        assert_eq!(std::fs::read_to_string(at("theirs")).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
    }
}
