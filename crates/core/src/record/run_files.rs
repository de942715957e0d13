//! A run directory that is read: what it says of itself, and its files as they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::checksum::{OTHER_SUM, sum_of_stream};
use super::error::RunDirError;
use super::manifest::{FileSum, Manifest};
use super::version::FORMAT_VERSION;

/// A run directory and its manifest. Each file that the manifest names is compared with its checksum before it is
/// read; a run of version 1 has none to compare with.
#[derive(Debug)]
pub struct RunFiles {
    /// The run directory.
    root: PathBuf,
    /// Where its files are read: there, but of a run that was looked at.
    at: PathBuf,
    manifest: Manifest,
    is_checked: bool,
    /// Files that were compared, so that one that is read twice is compared once.
    compared: Mutex<BTreeMap<String, Stamp>>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    fn new(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { bytes: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

impl RunFiles {
    /// The run in `root`.
    ///
    /// # Errors
    /// There is none, its manifest is damaged, or it is of a version that this program does not know.
    pub fn read(root: &Path) -> Result<Self, RunDirError> {
        Self::new(root, true)
    }

    /// The same, with its files taken as they are: somebody changed them on purpose.
    ///
    /// # Errors
    /// As there.
    pub fn unchecked(root: &Path) -> Result<Self, RunDirError> {
        Self::new(root, false)
    }

    fn new(root: &Path, is_checked: bool) -> Result<Self, RunDirError> {
        let manifest = Manifest::read(root)?.ok_or_else(|| RunDirError::NoRun(root.to_owned()))?;
        let is_checked = is_checked && manifest.format_version >= FORMAT_VERSION;
        let (root, at) = (root.to_owned(), root.to_owned());
        Ok(Self { root, at, manifest, is_checked, compared: Mutex::default() })
    }

    /// The run in `root`, its files read in `aside`, where [`RunDir::aside`](super::RunDir::aside) made tables of it.
    ///
    /// # Errors
    /// As of [`RunFiles::read`].
    pub fn looked_at(root: &Path, aside: &Path) -> Result<Self, RunDirError> {
        Ok(Self { root: root.to_owned(), ..Self::read(aside)? })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the run said of itself when this was made.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether its files are compared with their checksums.
    pub fn is_checked(&self) -> bool {
        self.is_checked
    }

    /// Names of the files that it knows.
    pub fn names(&self) -> BTreeSet<&str> {
        self.manifest.files.keys().chain(self.manifest.next.keys()).map(String::as_str).collect()
    }

    /// A file of the directory, whatever it holds.
    pub fn path(&self, name: &str) -> PathBuf {
        self.at.join(name)
    }

    /// Opens a file of the run; `None` where there is none and none was written.
    ///
    /// # Errors
    /// It is not as it was written: missing, or with another checksum. It cannot be read.
    pub fn open(&self, name: &str) -> Result<Option<File>, RunDirError> {
        let path = self.path(name);
        let damaged = |why: &str| RunDirError::Broken { path: path.clone(), why: why.to_owned() };
        let is_known = self.is_checked && self.manifest.sums_of(name).next().is_some();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if is_known { Err(damaged("it is missing")) } else { Ok(None) };
            }
            Err(error) => return Err(RunDirError::io(&path, error)),
        };
        let stamp = file.metadata().map_err(|e| RunDirError::io(&path, e))?;
        if !stamp.is_file() {
            return Err(damaged("it is no file"));
        }
        if !self.is_checked {
            return Ok(Some(file));
        }
        let stamp = Stamp::new(&stamp);
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.get(name) != Some(&stamp) {
            let (bytes, sum) = sum_of_stream(&file).map_err(|e| RunDirError::io(&path, e))?;
            let found = FileSum { bytes, sum };
            // Who writes the run may have replaced the file since the manifest was read.
            let is_same = |manifest: &Manifest| manifest.sums_of(name).any(|sum| *sum == found);
            if !is_same(&self.manifest) && !Manifest::read(&self.at)?.is_some_and(|now| is_same(&now)) {
                return Err(damaged(OTHER_SUM));
            }
            file.rewind().map_err(|e| RunDirError::io(&path, e))?;
            compared.insert(name.to_owned(), stamp);
        }
        Ok(Some(file))
    }

    /// The bytes of a file of the run; `None` where there is none.
    ///
    /// # Errors
    /// As of [`RunFiles::open`].
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, RunDirError> {
        let Some(mut file) = self.open(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| RunDirError::io(&self.path(name), e))?;
        Ok(Some(bytes))
    }
}
