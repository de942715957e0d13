//! What is kept of what a command wrote: its model, and between two rungs all of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use focalsweep_core::record::{Attempt, sync_folder};

use super::FOLDER;

/// Bytes of a model that are kept, and of all that a command wrote between two rungs.
const MOST: u64 = 1 << 30;
/// How folders begin that a command goes on from; the epoch follows.
const RESUME: &str = "resume-";

/// How the folders of attempts begin.
const ATTEMPT: &str = "attempt-";

/// Where a command goes on from that paused after `epoch`; it is not there if nothing was kept.
pub(super) fn resume_folder(folder: &Path, epoch: u32) -> PathBuf {
    folder.join(format!("{RESUME}{epoch}"))
}

/// Where an attempt of a task works, of which another copy may be at the same trial.
pub(super) fn place_of_attempt(folder: &Path, attempt: &Attempt) -> PathBuf {
    folder.join(format!("{ATTEMPT}{attempt}"))
}

/// Brings what is left of an attempt that is over from where it worked to the folder of its trial.
///
/// # Errors
/// The disk is full or gone.
pub(super) fn bring(folder: &Path, place: &Path) -> io::Result<()> {
    if place == folder {
        return Ok(());
    }
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let to = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() { replace(&entry.path(), &to)? } else { fs::rename(entry.path(), to)? }
    }
    remove(place)
}

/// Removes what an attempt wrote that was ended from here.
///
/// # Errors
/// It cannot be removed.
pub(super) fn give_up(folder: &Path, place: &Path) -> io::Result<()> {
    if place == folder { Ok(()) } else { remove(place) }
}

/// Puts a folder in the place of another. Where somebody else does so at the same time theirs may stay: it is of the
/// same trial.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    remove(to)?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => remove(from),
        renamed => renamed,
    }
}

/// Removes what a training wrote that came to its end, and what it went on from.
///
/// # Errors
/// It cannot be removed.
pub(super) fn discard(folder: &Path, out: &Path) -> io::Result<()> {
    remove(out)?;
    remove_resume(folder, None)
}

/// Of a training that paused after `epoch`: all of it stays, to go on from.
///
/// # Errors
/// The disk is full or gone.
pub(super) fn keep_paused(folder: &Path, out: &Path, epoch: u32) -> io::Result<()> {
    let bytes = size_of(out)?;
    if bytes > MOST {
        tracing::warn!(folder = %folder.display(), bytes, most = MOST, "too large to be kept: it will begin again");
        return remove(out);
    }
    replace(out, &resume_folder(folder, epoch))?;
    sync_folder(folder)
}

/// Removes what the trial in `folder` went on from, but for that of the epoch `but`.
///
/// # Errors
/// It cannot be removed.
pub(super) fn remove_resume(folder: &Path, but: Option<u32>) -> io::Result<()> {
    for (epoch, path) in resume_folders(folder)? {
        if Some(epoch) != but {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Of a run in `root` that is over: of trials that paused and did not go on the model stays, of attempts that were
/// killed nothing.
///
/// # Errors
/// A folder cannot be read or changed.
pub fn settle(root: &Path) -> io::Result<()> {
    let trials = match fs::read_dir(root.join(FOLDER)) {
        Ok(trials) => trials,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for trial in trials {
        let folder = trial?.path();
        for attempt in folders(&folder, ATTEMPT)? {
            remove(&attempt.1)?;
        }
        if let Some((_, last)) = resume_folders(&folder)?.pop() {
            keep_model(&folder, &last)?;
            remove_resume(&folder, None)?;
        }
    }
    Ok(())
}

/// The folders that a trial went on from, by their epochs.
fn resume_folders(folder: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let named = folders(folder, RESUME)?.into_iter();
    let mut found: Vec<(u32, PathBuf)> = named.filter_map(|(epoch, path)| Some((epoch.parse().ok()?, path))).collect();
    found.sort();
    Ok(found)
}

/// What is in `folder` whose name begins so, with the rest of its name.
fn folders(folder: &Path, begins: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(begins)).map(str::to_owned);
        found.extend(rest.map(|rest| (rest, entry.path())));
    }
    Ok(found)
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Moves `out/model`, if there is one and it is not too large, to where it stays.
///
/// # Errors
/// The disk is full or gone.
pub(super) fn keep_model(folder: &Path, out: &Path) -> io::Result<()> {
    let (from, to) = (out.join("model"), folder.join("model"));
    let note = folder.join("model-not-kept.txt");
    match fs::remove_file(&note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if !fs::symlink_metadata(&from).is_ok_and(|there| there.is_dir()) {
        return remove(&to);
    }
    let bytes = size_of(&from)?;
    if bytes > MOST {
        let why = format!("out/model had {bytes} bytes, and at most {MOST} are kept\n");
        tracing::warn!(folder = %folder.display(), bytes, "a model is too large to be kept");
        remove(&to)?;
        return fs::write(note, why);
    }
    replace(&from, &to)
}

/// Bytes of the files below a folder; links are not followed.
fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let there = entry.metadata()?;
        bytes += if there.is_dir() { size_of(&entry.path())? } else { there.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(folder: &Path, text: &str) -> PathBuf {
        let out = folder.join("out");
        fs::create_dir_all(out.join("model")).unwrap();
        fs::write(out.join("model/weights"), text).unwrap();
        out
    }

    #[test]
    fn what_paused_is_gone_on_from_until_the_run_is_over() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER).join("abc-r0");
        for epoch in [3, 9, 27] {
            keep_paused(&folder, &wrote(&folder, &format!("of {epoch}")), epoch).unwrap();
        }
        assert!(!folder.join("out").exists());
        remove_resume(&folder, Some(27)).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        keep_paused(&folder, &wrote(&folder, "of 4"), 4).unwrap();
        // Of several the last.
        settle(root.path()).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(folder.join("model/weights")).unwrap(), "of 27");
        settle(root.path()).unwrap();
        settle(&root.path().join("none")).unwrap();
        // One that comes to its end needs nothing any more.
        keep_paused(&folder, &wrote(&folder, "of 3"), 3).unwrap();
        let out = wrote(&folder, "the end");
        keep_model(&folder, &out).unwrap();
        discard(&folder, &out).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(folder.join("model/weights")).unwrap(), "the end");
    }
}
