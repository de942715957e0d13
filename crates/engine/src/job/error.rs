//! Why a job could not be kept.

use focalsweep_core::plan::Job;
use focalsweep_core::record::RunDirError;

use crate::data::DataError;
use crate::train::{SaveError, TrainError};

/// Why a job ended without its results in the journal. What had ended by then is there.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum JobError {
    /// The run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// The rows that it trains on.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Data(#[from] DataError),
    /// A result could not be kept.
    #[error("{job_id}: {why}")]
    #[diagnostic(help(
        "what had ended before is saved; free some space or mend the folder, then run again with --resume"
    ))]
    Save {
        /// The job.
        job_id: String,
        /// Why.
        why: TrainError,
    },
}

/// That something of `job` could not be kept.
pub fn save(job: &Job, error: impl Into<SaveError>) -> JobError {
    JobError::Save { job_id: job.job_id.clone(), why: TrainError::Save(error.into()) }
}
