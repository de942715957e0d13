//! Commands of the user's in a run that is gone on with: whether they are those that it began with, and which of their
//! trials are trained again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::Path;

use super::error::RunError;
use super::workload::Workload;
use crate::launch::command::{TrainerFault, fingerprint};
use focalsweep_core::plan::Job;
use focalsweep_core::record::{Journals, Manifest, RunDir, RunDirError, RunFiles};
use focalsweep_core::spec::Spec;
use focalsweep_report as report;

/// Whether the commands of the trials that are planned are those that the run in `root` began with, but for those that
/// are to train theirs again.
///
/// # Errors
/// One is another, or is gone; one that is to train again is none.
pub(super) fn check_same(
    root: &Path,
    spec: &Spec,
    manifest: &Manifest,
    workload: &Workload,
    retrain: &[String],
) -> Result<BTreeMap<String, String>, RunError> {
    if let Some(trainer) = retrain.iter().find(|name| !spec.trainers.contains_key(*name)) {
        let known: Vec<&str> = spec.trainers.keys().map(String::as_str).collect();
        let help = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        return Err(TrainerFault::Unknown { trainer: trainer.clone(), help }.into());
    }
    let mut now = workload.trainers.clone();
    let planned = (0..workload.trials.len()).filter(|&index| workload.trials.is_of_command(index));
    let planned: BTreeSet<String> = planned.map(|index| workload.trials.get(index).trainer().to_owned()).collect();
    for trainer in planned {
        // One that the sweep does not ask for any more has trials that stay.
        let spec = spec.trainers.get(&trainer).ok_or_else(|| TrainerFault::Gone { trainer: trainer.clone() })?;
        let found = match now.get(&trainer) {
            Some(found) => found.clone(),
            None => fingerprint(&trainer, spec)?,
        };
        if manifest.trainers.get(&trainer).is_some_and(|before| *before != found) && !retrain.contains(&trainer) {
            return Err(TrainerFault::Changed { trainer, root: root.to_owned() }.into());
        }
        now.insert(trainer, found);
    }
    Ok(now)
}

/// The jobs that are to be trained again: those of the trainers in `retrain`, whose journals are set aside, and those
/// whose rows are of another program than their trainer is now, since such a run was stopped.
///
/// # Errors
/// A journal cannot be set aside, or the results cannot be read.
pub(super) fn to_retrain(
    dir: &RunDir,
    workload: &Workload,
    manifest: &Manifest,
    retrain: &[String],
) -> Result<Vec<Job>, RunError> {
    let commands = workload.plan.jobs.iter().filter(|job| workload.trials.is_of_command(job.first));
    let commands: Vec<(&Job, String, String)> = commands
        .map(|job| {
            let trial = workload.trials.get(job.first);
            (job, trial.trainer().to_owned(), trial.trial_id())
        })
        .collect();
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let mut again: BTreeSet<&str> = BTreeSet::new();
    for (job, trainer, _) in &commands {
        if retrain.contains(trainer) {
            set_aside(dir, job)?;
            again.insert(&job.job_id);
        }
    }
    if manifest.files.contains_key(focalsweep_core::record::RESULTS) {
        let results = report::read(&RunFiles::read(dir.root())?)?;
        let is_stale = |row: &&report::Row| {
            let now = row.trainer.as_ref().and_then(|trainer| workload.trainers.get(trainer));
            now.is_some() && row.trainer_fingerprint.as_ref() != now
        };
        let stale: HashMap<(&str, u32), &report::Row> =
            results.rows.iter().filter(is_stale).map(|row| ((row.trial_id.as_str(), row.replicate), row)).collect();
        let jobs = commands.iter().filter(|(job, _, id)| stale.contains_key(&(id.as_str(), job.replicate)));
        again.extend(jobs.map(|(job, ..)| job.job_id.as_str()));
    }
    Ok(workload.plan.jobs.iter().filter(|job| again.contains(job.job_id.as_str())).cloned().collect())
}

/// Gives the journals of a job another ending, so that nothing reads them and nobody loses them.
fn set_aside(dir: &RunDir, job: &Job) -> Result<(), RunError> {
    let folder = dir.jobs();
    let journals = Journals::list(&folder).map_err(|why| RunDirError::io(&folder, why))?;
    let of_job: Vec<_> = journals.paths().filter(|(id, _)| *id == job.job_id).map(|(_, path)| path).collect();
    for path in of_job {
        match fs::rename(&path, path.with_extension("jsonl.retrained")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(RunDirError::io(&path, error).into()),
            _ => {}
        }
    }
    Ok(())
}
