//! Why a launcher gave up.

use crate::plan::Job;
use crate::results::RunDirError;
use crate::train::{SaveError, TrainError};

/// Why the launcher gave up. What had ended by then is in the journals.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LaunchError {
    /// The run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// A worker could not start.
    #[error("could not start {workers} worker threads: {why}")]
    #[diagnostic(help("`--devices cpu` with fewer cores in RAYON_NUM_THREADS needs fewer threads"))]
    Threads {
        /// How many were wanted.
        workers: usize,
        /// Why not.
        why: rayon::ThreadPoolBuildError,
    },
    /// No device is left that works.
    #[error("all devices have failed, {left} jobs are left: {why}")]
    #[diagnostic(help(
        "what had ended is saved; `nvidia-smi` may tell more; run again with --resume, or with --resume --devices cpu"
    ))]
    NoDeviceLeft {
        /// Jobs that have not ended.
        left: usize,
        /// What the last device said.
        why: String,
    },
    /// A result could not be kept.
    #[error("{job_id}: {why}")]
    #[diagnostic(help(
        "what had ended before is saved; free some space or mend the folder, then run again with --resume"
    ))]
    Job {
        /// The job.
        job_id: String,
        /// Why.
        why: TrainError,
    },
}

pub(super) fn save(job: &Job, error: impl Into<SaveError>) -> LaunchError {
    LaunchError::Job { job_id: job.job_id.clone(), why: TrainError::Save(error.into()) }
}
