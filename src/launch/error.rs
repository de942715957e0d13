//! Why a launcher gave up.

use std::path::PathBuf;

use super::torch::NoTorch;
use focalsweep_core::record::RunDirError;
use focalsweep_engine::job::JobError;

/// Why the launcher gave up. What had ended by then is in the journals.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LaunchError {
    /// The run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// A worker could not start.
    #[error("could not start {workers} worker threads: {why}")]
    #[diagnostic(help(
        "allow more processes (`ulimit -u`) or more memory (`ulimit -v`), or use fewer cores: \
         `taskset -c 0-3 focalsweep ...`"
    ))]
    Threads {
        /// How many were wanted.
        workers: usize,
        /// Why not.
        why: String,
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
    /// libtorch is needed and cannot be had.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Torch(#[from] NoTorch),
    /// A child could not keep a result.
    #[error("{job_id}: {}: {why}", .path.display())]
    #[diagnostic(help(
        "what had ended before is saved; free some space or mend the folder, then run again with --resume"
    ))]
    Worker {
        /// The child's program.
        path: PathBuf,
        /// The job.
        job_id: String,
        /// What it said.
        why: String,
    },
    /// A command of the user's could not be started, or its folder not be written.
    #[error("{job_id}: {}: {why}", .folder.display())]
    #[diagnostic(help(
        "what had ended before is saved; free some space or mend the folder, then run again with --resume"
    ))]
    Command {
        /// The job.
        job_id: String,
        /// The folder of its trial.
        folder: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// A job.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Job(#[from] JobError),
}
