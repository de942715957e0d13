//! The data files of replicates: written when the first command needs them, gone when the last has ended.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::RunDirError;
use focalsweep_core::spec::Inputs;
use focalsweep_engine::data::{Source, bytes_of, free_space, hand_over};
use focalsweep_engine::memory;
use serde::Serialize;

/// What is to stay free on the disk.
const LEFT: u64 = 64 << 20;

/// The files of a replicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Paths {
    /// Rows to train on.
    pub(super) train: PathBuf,
    /// Rows to choose by.
    pub(super) validation: PathBuf,
    /// Rows without their label.
    pub(super) test: PathBuf,
    /// Negatives of a guarantee; null where none were set aside.
    pub(super) calibration: Option<PathBuf>,
}

/// A replicate, as its files have it.
type Key = (u32, Inputs);

/// All files that are there.
#[derive(Debug)]
pub(super) struct InputFiles<'a> {
    folder: PathBuf,
    source: &'a Source,
    /// Commands that need them still, and the files themselves.
    of: HashMap<Key, Mutex<(usize, Option<Paths>)>>,
}

impl<'a> InputFiles<'a> {
    /// In `folder`, which is this one's alone and emptied, for commands that need these.
    ///
    /// # Errors
    /// The folder cannot be emptied.
    pub(super) fn new(
        folder: PathBuf,
        source: &'a Source,
        needs: impl Iterator<Item = Key>,
    ) -> Result<Self, RunDirError> {
        remove(&folder)?;
        let mut of: HashMap<Key, Mutex<(usize, Option<Paths>)>> = HashMap::new();
        for key in needs {
            let entry = of.entry(key).or_default();
            entry.get_mut().unwrap_or_else(PoisonError::into_inner).0 += 1;
        }
        Ok(Self { folder, source, of })
    }

    /// The files of a replicate, written if this is the first to ask.
    ///
    /// # Errors
    /// There is no room, or they cannot be written.
    pub(super) fn of(&self, replicate: &Arc<Replicate>, inputs: Inputs) -> Result<Paths, RunDirError> {
        let missing = || RunDirError::Broken { path: self.folder.clone(), why: "nobody needs these files".to_owned() };
        let entry = self.of.get(&(replicate.index, inputs)).ok_or_else(missing)?;
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(paths) = &entry.1 {
            return Ok(paths.clone());
        }
        let paths = write(&self.place((replicate.index, inputs)), self.source, replicate, inputs)?;
        Ok(entry.1.insert(paths).clone())
    }

    /// One command that needed these has ended.
    pub(super) fn done(&self, key: Key) {
        let Some(entry) = self.of.get(&key) else { return };
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        entry.0 = entry.0.saturating_sub(1);
        if entry.0 == 0 && entry.1.take().is_some() {
            // What stays is removed with the folder.
            let _ = fs::remove_dir_all(self.place(key));
        }
    }

    fn place(&self, (replicate, inputs): Key) -> PathBuf {
        let word = match inputs {
            Inputs::Raw => "raw",
            Inputs::Prepared => "prepared",
        };
        self.folder.join(format!("r{replicate}-{word}"))
    }
}

impl Drop for InputFiles<'_> {
    fn drop(&mut self) {
        let _ = remove(&self.folder);
    }
}

fn remove(folder: &Path) -> Result<(), RunDirError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RunDirError::io(folder, error)),
        _ => Ok(()),
    }
}

/// Writes the files of a replicate into `folder`.
///
/// # Errors
/// There is no room, or they cannot be written.
pub(super) fn write(folder: &Path, source: &Source, data: &Replicate, inputs: Inputs) -> Result<Paths, RunDirError> {
    fs::create_dir_all(folder).map_err(|why| RunDirError::io(folder, why))?;
    let needs = bytes_of(source, data, inputs).saturating_add(LEFT);
    if let Some(free) = free_space(folder).filter(|free| *free < needs) {
        let [needs, free] = [needs, free].map(memory::in_words);
        let why = format!("the files of replicate {} may take {needs}, and {free} are free on this disk", data.index);
        return Err(RunDirError::io(folder, io::Error::new(io::ErrorKind::StorageFull, why)));
    }
    let one = |name: &str, rows, with_label| {
        let path = folder.join(format!("{name}.parquet"));
        hand_over(&path, (source, data), rows, inputs, with_label).map_err(|why| RunDirError::io(&path, why))?;
        std::path::absolute(&path).map_err(|why| RunDirError::io(&path, why))
    };
    Ok(Paths {
        train: one("train", &data.train, true)?,
        validation: one("validation", &data.validation, true)?,
        // Against accident, no more: whoever has the source has its labels.
        test: one("test", &data.test, false)?,
        calibration: if data.calibration.is_empty() {
            None
        } else {
            Some(one("calibration", &data.calibration, true)?)
        },
    })
}
