//! The run directory: where each file is, who may write, and what is there already.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::atomic::{TORN, open_own, write_atomically};
use super::error::RunDirError;
use super::manifest::Manifest;
use super::names::{MANIFEST, MODELS, PLAN, SOURCE};
use super::sealed::{read_sealed_at, write_sealed_at};
use super::staged::Staged;

/// Where the version of libtorch is kept until the run is collected.
const LIBTORCH_NOTE: &str = "jobs/libtorch.json";

/// What stands there.
#[derive(Debug, Serialize, Deserialize)]
struct LibtorchNote {
    version: String,
}

/// A run directory. The process that locked it writes the files that people read; those that attend write journals and
/// checkpoints, each its own.
#[derive(Debug)]
pub struct RunDir {
    root: PathBuf,
    /// Journals and checkpoints.
    jobs: PathBuf,
    lock: Option<File>,
    /// What [`RunDir::commit`] is to put in its place, by name.
    pub(super) staged: Mutex<BTreeMap<String, Staged>>,
}

impl RunDir {
    /// Whether `root` holds a run; `None` when it is missing or empty.
    ///
    /// # Errors
    /// It holds something else, or a run of a later format; a file stands in its way.
    pub fn look(root: &Path) -> Result<Option<Manifest>, RunDirError> {
        if let Some(file) = root.ancestors().find(|path| path.is_file()) {
            return Err(RunDirError::NotAFolder(file.to_owned()));
        }
        if let Some(manifest) = Manifest::read(root)? {
            return Ok(Some(manifest));
        }
        // A run that was killed before its manifest, the last of what it begins with, leaves these; its data may lie
        // there before it begins.
        let locked = root.join(".lock").exists();
        let ours = |name: &str| {
            [".lock", "jobs", "models", "prepared", "slurm", "log.txt", SOURCE].contains(&name)
                || name.starts_with(TORN)
                || (locked && name == PLAN)
        };
        match fs::read_dir(root) {
            Ok(entries) => {
                let strange = entries.flatten().any(|entry| !entry.file_name().to_str().is_some_and(ours));
                if strange { Err(RunDirError::NotOurs(root.to_owned())) } else { Ok(None) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RunDirError::io(root, error)),
        }
    }

    /// Makes the directory if need be and locks it until the value is dropped.
    ///
    /// # Errors
    /// Another process has it, or it cannot be written.
    pub fn lock(root: &Path) -> Result<Self, RunDirError> {
        fs::create_dir_all(root).map_err(|e| RunDirError::io(root, e))?;
        if !root.join(MANIFEST).exists() {
            make_folders(root)?;
        }
        let path = root.join(".lock");
        let lock = open_own(&path, OpenOptions::new().write(true).create(true).truncate(false))
            .map_err(|e| RunDirError::io(&path, e))?;
        match lock.try_lock() {
            Ok(()) => {
                remove_torn(root)?;
                Ok(Self { lock: Some(lock), ..Self::attend(root) })
            }
            Err(TryLockError::WouldBlock) => Err(RunDirError::Locked(root.to_owned())),
            Err(TryLockError::Error(error)) => Err(RunDirError::io(&path, error)),
        }
    }

    /// Makes the folders of journals and models, which a run that goes on needs again.
    ///
    /// # Errors
    /// They cannot be made.
    pub fn make_folders(&self) -> Result<(), RunDirError> {
        make_folders(&self.root)
    }

    /// A directory that another process may have locked: for workers, and to look.
    pub fn attend(root: &Path) -> Self {
        Self { root: root.to_owned(), jobs: root.join("jobs"), lock: None, staged: Mutex::default() }
    }

    /// A folder of one's own in which tables are made of what the run in `root` has done so far. Its journals are read
    /// where they are; the files of `manifest`, which from then on knows them as they are there, are links or copies,
    /// which the tables replace.
    ///
    /// # Errors
    /// A file is missing or damaged, or cannot be copied.
    pub fn aside(root: &Path, folder: &Path, manifest: &mut Manifest) -> Result<Self, RunDirError> {
        make_folders(folder)?;
        let aside = Self { jobs: root.join("jobs"), ..Self::attend(folder) };
        for name in manifest.files.keys().chain(manifest.next.keys()) {
            let (from, to) = (root.join(name), aside.path(name));
            match fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)) {
                // One under `next` may not be there yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done.map_err(|e| RunDirError::io(&from, e))?,
            }
        }
        let found = aside.find_files(manifest)?;
        if let Some(damaged) = found.damaged.into_iter().next() {
            return Err(RunDirError::Broken { path: root.join(damaged.name), why: damaged.why });
        }
        Ok(aside)
    }

    /// Whether a process holds the lock of `root` just now.
    pub fn is_locked(root: &Path) -> bool {
        let Ok(lock) = open_own(&root.join(".lock"), OpenOptions::new().read(true)) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Whether this process attends, and others may write beside it.
    pub fn is_shared(&self) -> bool {
        self.lock.is_none()
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Journals and checkpoints.
    pub fn jobs(&self) -> PathBuf {
        self.jobs.clone()
    }

    /// A file of the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Replaces a file that nobody of ours reads again, such as a script.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunDirError> {
        let path = self.path(name);
        write_atomically::<io::Error>(&path, |out| out.write_all(bytes)).map_err(|e| RunDirError::io(&path, e))
    }

    /// Replaces a file that programs of this run read again, such as a launcher's notes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_sealed<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunDirError> {
        let path = self.path(name);
        write_sealed_at(&path, value).map_err(|e| RunDirError::io(&path, e))
    }

    /// Reads what [`RunDir::write_sealed`] wrote; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read_sealed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunDirError> {
        let path = self.path(name);
        read_sealed_at(&path).map_err(|e| RunDirError::io(&path, e))
    }

    /// Keeps the version of the libtorch that trains here, for who collects.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note_libtorch(&self, version: &str) -> Result<(), RunDirError> {
        self.write_sealed(LIBTORCH_NOTE, &LibtorchNote { version: version.to_owned() })
    }

    /// The version of the libtorch that trained what lies in the journals; `None` where none did.
    ///
    /// # Errors
    /// The note cannot be read, or is damaged.
    pub fn libtorch(&self) -> Result<Option<String>, RunDirError> {
        Ok(self.read_sealed::<LibtorchNote>(LIBTORCH_NOTE)?.map(|note| note.version))
    }

    /// Removes journals, checkpoints and prepared rows, once every file that people read is in place. What a worker
    /// makes there meanwhile, of which nobody needs to know any more, stays until the next time.
    ///
    /// # Errors
    /// They cannot be removed.
    pub fn remove_jobs(&self) -> Result<(), RunDirError> {
        for folder in [self.jobs(), self.path("prepared")] {
            match fs::remove_dir_all(&folder) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {}
                Err(error) => return Err(RunDirError::io(&folder, error)),
            }
        }
        Ok(())
    }
}

fn make_folders(root: &Path) -> Result<(), RunDirError> {
    for folder in [root.join("jobs"), root.join(MODELS)] {
        fs::create_dir_all(&folder).map_err(|e| RunDirError::io(&folder, e))?;
    }
    Ok(())
}

/// Folders in which only the process that has the lock makes files; in `jobs`, which goes as a whole, workers may be
/// writing.
const FOLDERS: [&str; 4] = ["", "models", "prepared", "slurm"];

/// Removes what a killed writer left of files that it had not finished.
fn remove_torn(root: &Path) -> Result<(), RunDirError> {
    for folder in FOLDERS.map(|folder| root.join(folder)) {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|e| RunDirError::io(&folder, e))?,
        };
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(TORN)) {
                fs::remove_file(entry.path()).map_err(|e| RunDirError::io(&entry.path(), e))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunDir::lock(folder.path()).unwrap());
        let torn = ["", "models"].map(|of| folder.path().join(of).join(format!("{TORN}x")));
        torn.iter().for_each(|path| fs::write(path, "half").unwrap());
        drop(RunDir::lock(folder.path()).unwrap());
        assert!(torn.iter().all(|path| !path.exists()));
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("runs/a");
        let held = RunDir::lock(&root).unwrap();
        assert!(matches!(RunDir::lock(&root), Err(RunDirError::Locked(_))));
        drop(held);
        assert!(RunDir::lock(&root).is_ok());
        assert!(RunDir::look(&root).unwrap().is_none());
    }

    #[test]
    fn a_run_that_was_killed_before_its_manifest_can_begin_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        dir.write(PLAN, b"{}").unwrap();
        assert!(RunDir::look(folder.path()).unwrap().is_none());
        fs::write(folder.path().join("thesis.tex"), "x").unwrap();
        assert!(matches!(RunDir::look(folder.path()), Err(RunDirError::NotOurs(_))));
    }

    #[test]
    fn data_may_lie_there_before_a_run_begins() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join(SOURCE);
        fs::write(&source, "rows").unwrap();
        assert!(RunDir::look(folder.path()).unwrap().is_none());
        drop(RunDir::lock(folder.path()).unwrap());
        assert_eq!(fs::read_to_string(source).unwrap(), "rows");
    }

    #[test]
    fn other_peoples_folders_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("sweep.yaml"), "name: mine").unwrap();
        assert!(matches!(RunDir::look(folder.path()), Err(RunDirError::NotOurs(_))));
        fs::write(folder.path().join("manifest.json"), r#"{"format_version": 99}"#).unwrap();
        assert!(matches!(RunDir::look(folder.path()), Err(RunDirError::Format { version: 99, .. })));
    }

    #[test]
    #[cfg(unix)]
    fn a_lock_that_is_a_link_is_refused_and_what_it_holds_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (root, theirs) = (folder.path().join("run"), folder.path().join("theirs"));
        fs::write(&theirs, "theirs").unwrap();
        fs::create_dir(&root).unwrap();
        std::os::unix::fs::symlink("../theirs", root.join(".lock")).unwrap();
        let said = RunDir::lock(&root).unwrap_err().to_string();
        assert!(said.contains("it is a link"), "{said}");
        fs::remove_file(root.join(".lock")).unwrap();
        fs::copy(&theirs, root.join(".lock")).unwrap();
        drop(RunDir::lock(&root).unwrap());
        for kept in [theirs, root.join(".lock")] {
            assert_eq!(fs::read_to_string(kept).unwrap(), "theirs");
        }
    }
}
