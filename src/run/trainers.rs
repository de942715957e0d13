//! Commands of the user's in a run: whether they can run, whether they are those that the run began with, and which of
//! their trials are trained again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::RunError;
use super::workload::Workload;
use crate::launch::command::{Machine, TrainerFault, check, fingerprint};
use focalsweep_core::plan::Job;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{Journals, Manifest, RunDir, RunDirError, RunFiles};
use focalsweep_core::spec::{Inputs, Spec};
use focalsweep_engine::data::{Source, check_names};
use focalsweep_report as report;

/// Names of the trainers that the sweep's parameters name.
fn named(spec: &Spec) -> BTreeSet<&str> {
    let commands = spec.parameters.spaces().iter().filter_map(|space| space.command.as_ref());
    commands.map(|command| command.trainer.as_str()).collect()
}

/// Whether the commands of a sweep can run here. Gives their fingerprints.
///
/// # Errors
/// One cannot: there is no such program or file, or fewer cores or GPUs than it asks for; workers of a cluster are to
/// run it.
pub(super) fn check_trainers(spec: &Spec, cluster: bool) -> Result<BTreeMap<String, String>, RunError> {
    let named = named(spec);
    if let Some(trainer) = named.first().filter(|_| cluster) {
        return Err(TrainerFault::OnCluster { trainer: (*trainer).to_owned() }.into());
    }
    let machine = (!named.is_empty()).then(Machine::look);
    let mut fingerprints = BTreeMap::new();
    for (name, trainer) in spec.trainers.iter().filter(|(name, _)| named.contains(name.as_str())) {
        for (what, asked, there) in machine
            .iter()
            .flat_map(|machine| [("cpus", trainer.cpus, machine.cores), ("gpus", trainer.gpus, machine.gpus.len())])
        {
            if asked as usize > there {
                return Err(TrainerFault::TooMany { trainer: name.clone(), what, asked, there }.into());
            }
        }
        check(name, trainer)?;
        fingerprints.insert(name.clone(), fingerprint(name, trainer)?);
    }
    Ok(fingerprints)
}

/// Whether the files of the commands of a sweep have columns of different names.
///
/// # Errors
/// They do not.
pub(super) fn check_columns(spec: &Spec, source: &Source, replicates: &[Arc<Replicate>]) -> Result<(), RunError> {
    let named = named(spec);
    let inputs = spec.trainers.iter().filter(|(name, _)| named.contains(name.as_str()));
    let inputs: BTreeSet<bool> = inputs.map(|(_, trainer)| trainer.inputs == Inputs::Prepared).collect();
    for (prepared, replicate) in inputs.into_iter().zip(replicates.iter().cycle()) {
        let inputs = if prepared { Inputs::Prepared } else { Inputs::Raw };
        check_names(source, replicate, inputs).map_err(|taken| TrainerFault::NameTaken { name: taken.name })?;
    }
    Ok(())
}

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
