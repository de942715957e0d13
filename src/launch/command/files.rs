//! The data files of replicates: written when the first command needs them, gone when the last has ended.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use focalsweep_core::prepared::{ColumnRead, Replicate};
use focalsweep_core::record::{RunDirError, write_atomically};
use focalsweep_core::spec::{Inputs, Word};
use focalsweep_engine::data::{Again, bytes_of, columns_of, free_space, hand_over};
use focalsweep_engine::job::JobError;
use focalsweep_engine::memory;
use serde::Serialize;

use super::FOLDER;

/// The file that names the source's columns for tasks.
const COLUMNS: &str = "columns.json";
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

/// The files of replicates.
#[derive(Debug)]
pub(super) enum InputFiles<'a> {
    /// Written as they are needed, of these rows.
    OnDemand(OnDemand<'a>),
    /// Written in this folder by whoever asked for these trials to be trained.
    There(PathBuf),
}

/// Files that come and go.
#[derive(Debug)]
pub(super) struct OnDemand<'a> {
    folder: PathBuf,
    rows: &'a Again<'a>,
    /// Commands that need them still, and the files themselves.
    of: HashMap<Key, Mutex<(usize, Option<Paths>)>>,
}

impl<'a> InputFiles<'a> {
    /// In `folder`, which is this one's alone and emptied, for commands that need these.
    ///
    /// # Errors
    /// The folder cannot be emptied.
    pub(super) fn on_demand(
        folder: PathBuf,
        rows: &'a Again<'a>,
        needs: impl Iterator<Item = Key>,
    ) -> Result<Self, RunDirError> {
        remove(&folder)?;
        let mut of: HashMap<Key, Mutex<(usize, Option<Paths>)>> = HashMap::new();
        for key in needs {
            let entry = of.entry(key).or_default();
            entry.get_mut().unwrap_or_else(PoisonError::into_inner).0 += 1;
        }
        Ok(Self::OnDemand(OnDemand { folder, rows, of }))
    }

    /// The files of a replicate, written if this is the first to ask.
    ///
    /// # Errors
    /// There is no room, or they cannot be written; they are not there.
    pub(super) fn of(&self, replicate: &Arc<Replicate>, inputs: Inputs) -> Result<Paths, JobError> {
        let key = (replicate.index, inputs);
        let files = match self {
            Self::OnDemand(files) => files,
            Self::There(folder) => return Ok(there(&place(folder, key), replicate)?),
        };
        let missing = || RunDirError::Broken { path: files.folder.clone(), why: "nobody needs these files".to_owned() };
        let entry = files.of.get(&key).ok_or_else(missing)?;
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(paths) = &entry.1 {
            return Ok(paths.clone());
        }
        let paths = write(&place(&files.folder, key), files.rows, replicate, inputs)?;
        Ok(entry.1.insert(paths).clone())
    }

    /// One command that needed these has ended.
    pub(super) fn done(&self, key: Key) {
        let Self::OnDemand(files) = self else { return };
        let Some(entry) = files.of.get(&key) else { return };
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        entry.0 = entry.0.saturating_sub(1);
        if entry.0 == 0 && entry.1.take().is_some() {
            // What stays is removed with the folder.
            let _ = fs::remove_dir_all(place(&files.folder, key));
        }
    }
}

fn place(folder: &Path, (replicate, inputs): Key) -> PathBuf {
    folder.join(format!("r{replicate}-{}", inputs.word()))
}

/// The files of a replicate in the folder `place`, where somebody else has written them.
fn there(place: &Path, replicate: &Replicate) -> Result<Paths, RunDirError> {
    let one = |name: &str| {
        let path = place.join(format!("{name}.parquet"));
        let path = std::path::absolute(&path).map_err(|why| RunDirError::io(&path, why))?;
        if !path.is_file() {
            let why = "it is not there: `run --resume` writes what tasks of commands read".to_owned();
            return Err(RunDirError::Broken { path, why });
        }
        Ok(path)
    };
    Ok(Paths {
        train: one("train")?,
        validation: one("validation")?,
        test: one("test")?,
        calibration: if replicate.calibration.is_empty() { None } else { Some(one("calibration")?) },
    })
}

impl Drop for OnDemand<'_> {
    fn drop(&mut self) {
        let _ = remove(&self.folder);
    }
}

/// Has the run in `root` hold what tasks on other machines read: the files of these replicates, as far as they are not
/// there, and the names of their columns. A file appears whole or not at all, so that tasks may be under way.
///
/// # Errors
/// There is no room, or they cannot be written.
pub fn write_for_tasks(
    root: &Path,
    rows: &Again<'_>,
    replicates: &[Arc<Replicate>],
    needs: &HashSet<(u32, Inputs)>,
) -> Result<(), JobError> {
    let folder = folder(root);
    for &(index, inputs) in needs {
        let Some(replicate) = replicates.iter().find(|replicate| replicate.index == index) else { continue };
        let place = place(&folder, (index, inputs));
        if there(&place, replicate).is_err() {
            write(&place, rows, replicate, inputs)?;
        }
    }
    let path = folder.join(COLUMNS);
    let failed = |why: io::Error| RunDirError::io(&path, why);
    let json = serde_json::to_vec(&columns_of(rows.source())).map_err(|why| failed(why.into()))?;
    Ok(write_atomically::<io::Error>(&path, |out| out.write_all(&json)).map_err(failed)?)
}

/// The columns of the source, as [`write_for_tasks`] has written them.
///
/// # Errors
/// They are not there.
pub(super) fn columns_for_tasks(root: &Path) -> Result<Vec<ColumnRead>, RunDirError> {
    let path = folder(root).join(COLUMNS);
    let failed = |why: io::Error| RunDirError::io(&path, why);
    serde_json::from_slice(&fs::read(&path).map_err(failed)?).map_err(|why| failed(why.into()))
}

/// Removes what was written for tasks, of which none is left.
///
/// # Errors
/// It cannot be removed.
pub fn remove_for_tasks(root: &Path) -> Result<(), RunDirError> {
    remove(&folder(root))
}

/// The folder of the files of a run.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER).join("inputs")
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
pub(super) fn write(folder: &Path, rows: &Again<'_>, data: &Arc<Replicate>, inputs: Inputs) -> Result<Paths, JobError> {
    let source = rows.source();
    let data = &match inputs {
        Inputs::Raw => Arc::clone(data),
        Inputs::Prepared => rows.whole(data)?,
    };
    fs::create_dir_all(folder).map_err(|why| RunDirError::io(folder, why))?;
    let needs = bytes_of(source, data, inputs).saturating_add(LEFT);
    if let Some(free) = free_space(folder).filter(|free| *free < needs) {
        let [needs, free] = [needs, free].map(memory::in_words);
        let why = format!("the files of replicate {} may take {needs}, and {free} are free on this disk", data.index);
        return Err(RunDirError::io(folder, io::Error::new(io::ErrorKind::StorageFull, why)).into());
    }
    let one = |name: &str, rows, with_label| -> Result<PathBuf, RunDirError> {
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
