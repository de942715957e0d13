//! What a run is asked for beside its spec.

use std::path::PathBuf;

use focalsweep_core::spec::ConfirmSpec;

/// How a sweep is run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunOptions {
    /// The run directory; absent: `runs/NAME` with the sweep's name.
    pub out: Option<PathBuf>,
    /// Whether a run that is there is gone on with: only what is missing is trained.
    pub resume: bool,
    /// With `resume`: whether rows that failed are trained again. Each stays until there is another.
    pub retry_failed: bool,
    /// With `resume`: names of trainers whose trials are trained again, whether these are other programs now or not.
    pub retrain: Vec<String>,
    /// With `resume`, of a run whose search is over: trains the best trials and the baseline afresh, unless they have
    /// so many such trainings. Absent: once, if the spec asks for it.
    pub confirm: Option<ConfirmSpec>,
    /// Stop when the run directory has all that workers need, which another engine starts.
    pub prepare_only: bool,
    /// Return when everything is submitted to the cluster.
    pub detach: bool,
}
