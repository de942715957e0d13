//! Which trials of a job have ended.

use std::collections::HashMap;

use focalsweep_core::plan::{Hyperparameters, Job};
use focalsweep_core::record::{Entry, Expected, Journals};

use super::error::{JobError, save};
use super::work::Work;

/// What has ended of `job`'s trials, each once: in its own journals, or in those of jobs that it was cut from or into.
/// Failures that are to be tried again have not, and neither has what is damaged or not of this sweep.
///
/// # Errors
/// A journal cannot be read, or the plan names a replicate that is not there.
pub fn ended(work: &Work<'_>, job: &Job, journals: &Journals) -> Result<Vec<Entry>, JobError> {
    let replicate = work.data(job)?;
    let settled = journals.settled(&job.job_id).map_err(|e| save(job, e))?;
    // Most jobs have nothing yet, and ids cost.
    let trials = if settled.is_empty() { Vec::new() } else { trials_of(work, job) };
    let mut left: HashMap<String, Hyperparameters> =
        trials.into_iter().map(|trial| (trial.trial_id(), trial)).collect();
    let entries = settled.into_iter().map(|kept| kept.entry);
    let mut found = Vec::new();
    for entry in entries {
        let id = &entry.row.trial_id;
        let Some(trial) = left.get(id) else { continue };
        match entry.check(&Expected { trial, replicate, data_fingerprint: work.data_fingerprint }) {
            Ok(()) => {
                left.remove(id);
                found.push(entry);
            }
            Err(why) => tracing::warn!(job = job.job_id, trial = id, why, "a row in a journal is left out"),
        }
    }
    for why in journals.damage() {
        tracing::warn!(job = job.job_id, why, "damaged; what it held is trained again");
    }
    Ok(found)
}

pub(super) fn trials_of(work: &Work<'_>, job: &Job) -> Vec<Hyperparameters> {
    (job.first..job.first + job.count).map(|index| work.trials.get(index)).collect()
}

pub(super) fn ids(trials: &[Hyperparameters]) -> Vec<String> {
    trials.iter().map(Hyperparameters::trial_id).collect()
}
