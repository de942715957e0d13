//! The file that tells a command what to train.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use focalsweep_core::prepared::ColumnRead;
use focalsweep_core::spec::{CommandTrial, Inputs, Scalar, Spec, TrainerSpec};
use serde::{Deserialize, Serialize};

use super::files::Paths;

/// What a command is told of a trial: the JSON file that [`VARIABLE`](super::VARIABLE) names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct TrialOrder {
    /// Content-hash id of trainer and parameters.
    pub(super) trial_id: String,
    /// 0-based replicate.
    pub(super) replicate: u32,
    /// For what it draws: the same for all trials of a replicate, below 2^31.
    pub(super) seed: u32,
    /// Its parameters.
    pub(super) parameters: BTreeMap<String, Scalar>,
    /// Name of the label column.
    pub(super) label: String,
    /// Cores that it may use.
    pub(super) threads: u32,
    /// The folder that it writes to; empty.
    pub(super) out: PathBuf,
    /// How many epochs it is to train to; null: it ends by itself.
    pub(super) epochs: Option<u32>,
    /// Its `out` of before; null: it begins.
    pub(super) resume_from: Option<PathBuf>,
    /// Its data.
    pub(super) data: Paths,
    /// The columns of the source in its files, in their order; none where they have prepared features.
    pub(super) columns: Vec<ColumnRead>,
}

impl TrialOrder {
    /// What `trainer` is told of a trial on a replicate of `spec`, whose files are `data` with these columns. It writes
    /// to `out` in `folder`, and trains to `epochs`, on from what is in `resume_from`, where that is said.
    ///
    /// # Errors
    /// There is no working directory.
    pub(super) fn new(
        (spec, trainer): (&Spec, &TrainerSpec),
        (trial_id, trial): (String, &CommandTrial),
        (replicate, label): (u32, &str),
        folder: &Path,
        (data, columns): (Paths, Vec<ColumnRead>),
        (epochs, resume_from): (Option<u32>, Option<&Path>),
    ) -> io::Result<Self> {
        Ok(Self {
            trial_id,
            replicate,
            seed: seed_of(spec.seed, replicate),
            parameters: trial.parameters.clone(),
            label: label.to_owned(),
            threads: trainer.cpus,
            out: std::path::absolute(folder.join("out"))?,
            epochs,
            resume_from: resume_from.map(std::path::absolute).transpose()?,
            data,
            columns,
        })
    }
}

/// The epochs of a whole training by `trainer`; `None` where it trains to its own end.
pub(super) fn all_epochs(spec: &Spec, trainer: &TrainerSpec) -> Option<u32> {
    trainer.resumable.then(|| spec.train.epochs.at_least())
}

/// The columns that the files of `trainer` have of those of the source.
pub(super) fn columns(trainer: &TrainerSpec, of_source: &[ColumnRead]) -> Vec<ColumnRead> {
    match trainer.inputs {
        Inputs::Raw => of_source.to_vec(),
        Inputs::Prepared => Vec::new(),
    }
}

/// What a command was told of a trial that it trained.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WhatWasTold {
    /// Parameters of the trial.
    pub parameters: BTreeMap<String, Scalar>,
    /// The columns of the source in its files; absent in files of before they were told.
    #[serde(default)]
    pub columns: Vec<ColumnRead>,
}

/// The file in the folder of a trial that tells its command what to train.
pub(super) const FILE: &str = "trial.json";

/// What the command of the trial in `folder` was told last; `None` where there is no such file.
///
/// # Errors
/// It cannot be read.
pub fn what_was_told(folder: &Path) -> io::Result<Option<WhatWasTold>> {
    match fs::read(folder.join(FILE)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The seed of a replicate of a sweep, as most programs take one.
fn seed_of(seed: u64, replicate: u32) -> u32 {
    u32::try_from(seed.wrapping_add(u64::from(replicate)) % (1 << 31)).unwrap_or_default()
}
