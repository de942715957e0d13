//! Files that the user names: what is there already decides how they are written.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use rustix::fs::OFlags;

#[cfg(unix)]
use super::atomic::flags;
use super::atomic::{BUFFER, folder_of, kind, write_atomically};

/// Most links that are followed one after the other, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Where the bytes of a file go.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// To a new file, or in the place of a regular one, as a whole.
    File(PathBuf),
    /// Into what is there, as they come: a device, a pipe, or a file that the shell has opened for us.
    Stream(PathBuf),
}

/// Writes the file `path`, which the user named. Links are followed. A regular file is replaced as a whole and keeps
/// its permissions, as [`write_atomically`] does it; devices and pipes stay what they are and are written to.
///
/// # Errors
/// The folder is missing or full, or `write` fails; `path` is a directory, a socket or a read-only file.
pub fn write_named<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    match target(path)? {
        Target::File(path) => write_atomically(&path, write),
        Target::Stream(path) => {
            let mut file = open_stream(&path)?;
            let mut out = BufWriter::with_capacity(BUFFER, &mut file);
            write(&mut out)?;
            out.flush()?;
            drop(out);
            Ok(make_last(&file)?)
        }
    }
}

/// The file that `path` stands for: what it links to, there or not yet, and the path itself where it is no link.
///
/// # Errors
/// The links go in a circle.
pub fn linked(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match path.read_link() {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => return Ok(path), // no link
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "its links go in a circle"))
}

fn target(path: &Path) -> io::Result<Target> {
    // With links followed, those of /proc too, which lead to what is open and not to a name.
    match path.metadata() {
        Ok(there) if is_stream(&there) => return Ok(Target::Stream(path.to_owned())),
        Ok(there) if there.is_file() && is_open_file(path) => return Ok(Target::Stream(path.to_owned())),
        Ok(there) => {
            if let Some(kind) = kind(&there) {
                return Err(io::Error::other(format!("it is {kind}, and a file is to be written: name another")));
            }
        }
        Err(_) => {} // nothing there yet, or the write says why not
    }
    linked(path).map(Target::File)
}

/// Devices and pipes.
#[cfg(unix)]
fn is_stream(there: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = there.file_type();
    kind.is_char_device() || kind.is_block_device() || kind.is_fifo()
}

#[cfg(not(unix))]
fn is_stream(_: &Metadata) -> bool {
    false
}

/// Whether `path` is a file by the number under which a process has it open, as /dev/stdout is.
fn is_open_file(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if folder_of(&path).canonicalize().is_ok_and(|folder| folder.starts_with("/proc")) {
            return true;
        }
        match path.read_link() {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => return false,
        }
    }
    false
}

/// Opens what is there, and makes nothing. What stands in a file that the shell has opened (`>>`) stays.
fn open_stream(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).append(path.metadata()?.is_file());
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags(OFlags::NOCTTY));
    options.open(path)
}

/// Waits until a disk has what was written to it; pipes and terminals have nothing to wait for.
fn make_last(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::thread;

    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        write_named(path, |out| out.write_all(text.as_bytes()))
    }

    /// What the refusal to write `path` says.
    fn refused(path: &Path) -> String {
        write(path, "new").unwrap_err().to_string()
    }

    #[test]
    fn a_file_keeps_its_permissions_and_a_new_one_has_those_of_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new, other) = (folder.path().join("old"), folder.path().join("new"), folder.path().join("other"));
        fs::write(&old, "old").unwrap();
        fs::write(&other, "").unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o640)).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        for path in [&old, &new] {
            write(path, "text").unwrap();
            assert_eq!(fs::read_to_string(path).unwrap(), "text");
        }
        assert_eq!((mode(&old), mode(&new)), (0o640, mode(&other)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_read_only_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        fs::write(&path, "kept").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert!(refused(&path).contains("read-only"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    }

    #[test]
    fn links_are_followed_to_what_is_there_and_to_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        fs::write(at("far/file"), "old").unwrap();
        symlink("far/link", at("first")).unwrap();
        symlink("../far/file", at("far/link")).unwrap();
        symlink(at("far/later"), at("dangling")).unwrap();
        symlink("missing/file", at("nowhere")).unwrap();
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        for (link, file) in [("first", "far/file"), ("dangling", "far/later")] {
            write(&at(link), link).unwrap();
            assert!(at(link).is_symlink() && !at(file).is_symlink());
            assert_eq!(fs::read_to_string(at(file)).unwrap(), link);
        }
        assert!(at("far/link").is_symlink());
        assert_eq!(write(&at("nowhere"), "").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(refused(&at("a")).contains("in a circle"));
    }

    #[test]
    fn a_pipe_is_written_to_through_a_link_too() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
        symlink("pipe", &link).unwrap();
        for path in [&pipe, &link] {
            let reader = thread::spawn({
                let pipe = pipe.clone();
                move || fs::read_to_string(pipe).unwrap()
            });
            write(path, "through").unwrap();
            assert_eq!(reader.join().unwrap(), "through");
            assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo() && link.is_symlink());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_device_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().join("node");
        let made = mknodat(CWD, &node, FileType::CharacterDevice, Mode::from_bits_truncate(0o666), makedev(1, 3));
        if made.is_err() || OpenOptions::new().write(true).open(&node).is_err() {
            eprintln!("skipped: no device may be made here");
            return;
        }
        write(&node, "gone").unwrap();
        assert!(node.symlink_metadata().unwrap().file_type().is_char_device());
    }

    #[test]
    fn sockets_and_directories_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, inside) = (folder.path().join("socket"), folder.path().join("folder"));
        let _listener = UnixListener::bind(&socket).unwrap();
        fs::create_dir(&inside).unwrap();
        assert!(refused(&socket).contains("it is a socket"));
        assert!(refused(&inside).contains("it is a directory"));
        assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
    }
}
