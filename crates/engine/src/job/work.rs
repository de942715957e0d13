//! What a job needs to be run: the run that it is of, and the device that it trains on.

use std::sync::Arc;

use focalsweep_core::device::Device;
use focalsweep_core::plan::{Job, Plan, Trials};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{PLAN, RunDir, RunDirError};
use focalsweep_core::spec::Spec;

use super::error::JobError;
use super::stop::Stop;
use crate::data::Again;
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
    /// What makes the features of those that have let them go; `None` where all have theirs.
    pub again: Option<&'a Again<'a>>,
    /// Fingerprint of the data.
    pub data_fingerprint: &'a str,
    /// Where results go.
    pub dir: &'a RunDir,
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
}

impl<'a> Work<'a> {
    /// The rows that `job` trains on, perhaps without their features.
    ///
    /// # Errors
    /// The plan names a replicate that is not there.
    pub fn data(&self, job: &Job) -> Result<&'a Arc<Replicate>, JobError> {
        self.replicates.iter().find(|replicate| replicate.index == job.replicate).ok_or_else(|| {
            let why = format!("{} trains on replicate {}, which the sweep does not have", job.job_id, job.replicate);
            RunDirError::Broken { path: self.dir.path(PLAN), why }.into()
        })
    }

    /// The same rows with their features, which may be let go when nobody holds them any more.
    ///
    /// # Errors
    /// As [`Work::data`]; they cannot be made again.
    pub fn whole(&self, replicate: &Arc<Replicate>) -> Result<Arc<Replicate>, JobError> {
        match self.again {
            Some(again) => Ok(again.whole(replicate)?),
            None => Ok(Arc::clone(replicate)),
        }
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
