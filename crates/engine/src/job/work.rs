//! What a job needs to be run: the run that it is of, and the device that it trains on.

use std::sync::Arc;

use focalsweep_core::device::Device;
use focalsweep_core::plan::{Job, Plan, Trials};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{PLAN, RunDir, RunDirError};
use focalsweep_core::spec::Spec;

use super::error::JobError;
use super::stop::Stop;
use crate::train::Backends;

/// Everything that jobs share.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// The sweep.
    pub spec: &'a Spec,
    /// All of its plan.
    pub plan: &'a Plan,
    /// Its trials.
    pub trials: &'a Trials,
    /// Prepared rows of the replicates that the jobs train on.
    pub replicates: &'a [Arc<Replicate>],
    /// Fingerprint of the data.
    pub data_fingerprint: &'a str,
    /// Where results go.
    pub dir: &'a RunDir,
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
}

impl Work<'_> {
    /// The rows that `job` trains on.
    ///
    /// # Errors
    /// The plan names a replicate that is not there.
    pub fn data(&self, job: &Job) -> Result<&Replicate, JobError> {
        let data = self.replicates.iter().find(|replicate| replicate.index == job.replicate);
        data.map(Arc::as_ref).ok_or_else(|| {
            let why = format!("{} trains on replicate {}, which the sweep does not have", job.job_id, job.replicate);
            RunDirError::Broken { path: self.dir.path(PLAN), why }.into()
        })
    }
}

/// What a job trains on.
#[derive(Clone, Copy)]
pub struct JobDevice<'a> {
    /// Its name.
    pub device: Device,
    /// Its model, e.g. `AMD EPYC 9V74`.
    pub model: &'a str,
    /// What computes there.
    pub backends: &'a dyn Backends,
}
