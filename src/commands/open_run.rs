//! A run directory that somebody else may be writing: what it is and what it plans.

use std::path::Path;

use crate::output::Failure;
use focalsweep_core::record::RunDirError;
use focalsweep_engine::job::{AttendError, AttendedRun};

/// Reads the manifest, the spec and the plan of `root`, without its lock.
pub(super) fn open_run(root: &Path) -> Result<AttendedRun, Failure> {
    AttendedRun::read(root).map_err(|error| match error {
        AttendError::RunDir(error) => place(error),
        error => Failure::input(error),
    })
}

/// What is wrong with a directory is the user's to mend, but for what the system refuses.
pub(super) fn place(error: RunDirError) -> Failure {
    match error {
        RunDirError::Locked(_) | RunDirError::Io { .. } => Failure::environment(error),
        _ => Failure::input(error),
    }
}
