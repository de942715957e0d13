//! Files that the manifest names: made beside their places first, and put there together.
//!
//! A reader compares each file with its checksum in the manifest, so the manifest has to know of a file before it is
//! there. [`RunDir::commit`] writes the checksums of what comes under `next`, then gives the files their names. Whoever
//! reads in between, or after a crash, finds each file as it was or as it was to become, and the manifest knows both.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::PoisonError;

use serde::Serialize;

use super::atomic::write_atomically;
use super::checksum::{OTHER_SUM, sum_of_stream};
use super::error::RunDirError;
use super::manifest::{FileSum, Manifest};
use super::names::MANIFEST;
use super::run_dir::RunDir;
use super::staged::Staged;

/// A file of a run that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedFile {
    /// Its name in the run directory.
    pub name: String,
    /// What is wrong with it, in words.
    pub why: String,
}

/// What has become of the files that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilesFound {
    /// Those that are missing or not as they were written.
    pub damaged: Vec<DamagedFile>,
    /// Whether somebody was stopped while files took their places: some are of an earlier state than others.
    pub torn: bool,
}

impl RunDir {
    /// Makes a file that [`RunDir::commit`] puts in its place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn stage(&self, name: &str, bytes: &[u8]) -> Result<(), RunDirError> {
        self.stage_with(name, |out| out.write_all(bytes))
    }

    /// The same of a value as indented JSON.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn stage_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunDirError> {
        let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| RunDirError::io(&self.path(name), e))?;
        bytes.push(b'\n');
        self.stage(name, &bytes)
    }

    /// The same of what `write` writes.
    pub(super) fn stage_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<(), RunDirError> {
        let path = self.path(name);
        let staged = Staged::make(&path, write).map_err(|e| RunDirError::io(&path, e))?;
        self.staged.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), staged);
        Ok(())
    }

    /// Puts what was staged in its place, and replaces manifest.json.
    ///
    /// # Errors
    /// A file cannot be written. What stood there before still does, or what was to come.
    pub fn commit(&self, manifest: &mut Manifest) -> Result<(), RunDirError> {
        let staged: BTreeMap<String, Staged> =
            std::mem::take(&mut *self.staged.lock().unwrap_or_else(PoisonError::into_inner));
        manifest.next = staged.iter().map(|(name, staged)| (name.clone(), staged.sum().clone())).collect();
        let path = self.path(MANIFEST);
        let bytes = manifest.to_bytes().map_err(|e| RunDirError::io(&path, e))?;
        write_atomically::<io::Error>(&path, |out| out.write_all(&bytes)).map_err(|e| RunDirError::io(&path, e))?;
        for (name, staged) in staged {
            let path = self.path(&name);
            staged.put(&path).map_err(|e| RunDirError::io(&path, e))?;
        }
        manifest.files.append(&mut manifest.next);
        Ok(())
    }

    /// Looks at every file that `manifest` names, and has it take those under `next` that got their names. For the one
    /// process that has locked the directory.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn find_files(&self, manifest: &mut Manifest) -> Result<FilesFound, RunDirError> {
        let mut found = FilesFound::default();
        let names: BTreeMap<String, ()> =
            manifest.files.keys().chain(manifest.next.keys()).map(|name| (name.clone(), ())).collect();
        for name in names.into_keys() {
            let path = self.path(&name);
            let there = found_sum(&path).map_err(|e| RunDirError::io(&path, e))?;
            match (there, manifest.next.get(&name).cloned()) {
                (Ok(there), Some(next)) if there == next => {
                    manifest.files.insert(name, next);
                }
                (Ok(there), next) if manifest.files.get(&name) == Some(&there) => found.torn |= next.is_some(),
                (Ok(_), _) => {
                    let why = OTHER_SUM.to_owned();
                    found.damaged.push(DamagedFile { name, why });
                }
                (Err(why), _) => found.damaged.push(DamagedFile { name, why }),
            }
        }
        manifest.next.clear();
        Ok(found)
    }
}

/// Size and checksum of the file at `path`; why there are none.
fn found_sum(path: &Path) -> io::Result<Result<FileSum, String>> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            let (bytes, sum) = sum_of_stream(File::open(path)?)?;
            Ok(Ok(FileSum { bytes, sum }))
        }
        Ok(_) => Ok(Err("it is no file any more".to_owned())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Err("it is missing".to_owned()))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Counts, RunFiles};

    fn manifest() -> Manifest {
        Manifest::new("t", "d", vec!["s".into()], Counts::default(), Vec::new(), "now".into())
    }

    fn names(found: &FilesFound) -> Vec<&str> {
        found.damaged.iter().map(|file| file.name.as_str()).collect()
    }

    /// At whatever step a commit ends, the manifest on disk knows every file that is there.
    #[test]
    fn a_commit_that_is_cut_short_leaves_files_that_the_manifest_knows() {
        for steps in 0..=3 {
            let folder = tempfile::tempdir().unwrap();
            let dir = RunDir::lock(folder.path()).unwrap();
            let mut manifest = manifest();
            for name in ["a", "b", "c"] {
                dir.stage(name, b"old").unwrap();
            }
            dir.commit(&mut manifest).unwrap();
            for name in ["a", "b", "c"] {
                dir.stage(name, b"new").unwrap();
            }
            // The same as `commit` does, as far as it gets.
            let staged = std::mem::take(&mut *dir.staged.lock().unwrap());
            let mut cut = manifest.clone();
            cut.next = staged.iter().map(|(name, staged)| (name.clone(), staged.sum().clone())).collect();
            std::fs::write(dir.path(MANIFEST), cut.to_bytes().unwrap()).unwrap();
            for (name, staged) in staged.into_iter().take(steps) {
                staged.put(&dir.path(&name)).unwrap();
            }
            let files = RunFiles::read(folder.path()).unwrap();
            for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
                let expected: &[u8] = if at < steps { b"new" } else { b"old" };
                assert_eq!(files.bytes(name).unwrap().unwrap(), expected);
            }
            let mut read = Manifest::read(folder.path()).unwrap().unwrap();
            let found = dir.find_files(&mut read).unwrap();
            assert!(found.damaged.is_empty(), "{found:?}");
            assert_eq!(found.torn, steps < 3);
            dir.commit(&mut read).unwrap();
            assert_eq!(dir.find_files(&mut read).unwrap(), FilesFound::default());
        }
    }

    #[test]
    fn what_is_missing_or_changed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        let mut manifest = manifest();
        for name in ["kept", "changed", "gone", "models/m"] {
            dir.stage(name, name.as_bytes()).unwrap();
        }
        dir.commit(&mut manifest).unwrap();
        assert_eq!(names(&dir.find_files(&mut manifest).unwrap()), Vec::<&str>::new());
        std::fs::write(dir.path("changed"), "chanGed").unwrap();
        std::fs::remove_file(dir.path("gone")).unwrap();
        std::fs::remove_file(dir.path("models/m")).unwrap();
        std::fs::create_dir(dir.path("models/m")).unwrap();
        assert_eq!(names(&dir.find_files(&mut manifest).unwrap()), ["changed", "gone", "models/m"]);
        let files = RunFiles::read(folder.path()).unwrap();
        assert_eq!(files.bytes("kept").unwrap().unwrap(), b"kept");
        assert!(files.bytes("never written").unwrap().is_none());
        for name in ["changed", "gone", "models/m"] {
            let error = files.bytes(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("is damaged"), "{error}");
        }
        let unchecked = RunFiles::unchecked(folder.path()).unwrap();
        assert_eq!(unchecked.bytes("changed").unwrap().unwrap(), b"chanGed");
        assert!(unchecked.bytes("gone").unwrap().is_none());
    }
}
