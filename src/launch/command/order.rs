//! The file that tells a command what to train.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use focalsweep_core::spec::{CommandTrial, Scalar, Spec, TrainerSpec};
use serde::Serialize;

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
}

impl TrialOrder {
    /// What `trainer` is told of a trial on a replicate of `spec`, whose files are `data`. It writes to `out` in `folder`.
    ///
    /// # Errors
    /// There is no working directory.
    pub(super) fn new(
        (spec, trainer): (&Spec, &TrainerSpec),
        (trial_id, trial): (String, &CommandTrial),
        (replicate, label): (u32, &str),
        folder: &Path,
        data: Paths,
    ) -> io::Result<Self> {
        Ok(Self {
            trial_id,
            replicate,
            seed: seed_of(spec.seed, replicate),
            parameters: trial.parameters.clone(),
            label: label.to_owned(),
            threads: trainer.cpus,
            out: std::path::absolute(folder.join("out"))?,
            epochs: None,
            resume_from: None,
            data,
        })
    }
}

/// The seed of a replicate of a sweep, as most programs take one.
fn seed_of(seed: u64, replicate: u32) -> u32 {
    u32::try_from(seed.wrapping_add(u64::from(replicate)) % (1 << 31)).unwrap_or_default()
}
