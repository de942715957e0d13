//! One job on one device: its stack, its journal, its checkpoint.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use tch::Device;

use super::error::{LaunchError, save};
use super::event::Event;
use super::keeper::{Keeper, micros};
use super::stop::Stop;
use crate::data::Replicate;
use crate::plan::{Hyperparameters, Job, Plan, Trials};
use crate::results::{Attempt, Entry, Journal, RunDir, RunDirError};
use crate::spec::Spec;
use crate::train::{self, Checkpoint, End, Stack, TrainError};

/// Everything that jobs share.
#[derive(Debug)]
pub struct Work<'a> {
    /// The sweep.
    pub spec: &'a Spec,
    /// Its trials.
    pub trials: &'a Trials,
    /// Its jobs.
    pub plan: &'a Plan,
    /// Prepared rows of the replicates that the jobs train on.
    pub replicates: &'a [Arc<Replicate>],
    /// Fingerprint of the data.
    pub data_fingerprint: &'a str,
    /// Where results go.
    pub dir: &'a RunDir,
    /// One entry a worker.
    pub slots: &'a [Device],
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
}

/// Trains what is missing of `job` on `device`. Ended trials are in the job's journal before `events` hears of them.
///
/// # Errors
/// A result could not be saved.
pub(super) fn run_job(work: &Work<'_>, job: &Job, device: Device, events: &Sender<Event>) -> Result<(), LaunchError> {
    let Some(data) = work.replicates.iter().find(|replicate| replicate.index == job.replicate) else {
        let why = format!("{} trains on replicate {}, which the sweep does not have", job.job_id, job.replicate);
        return Err(RunDirError::Broken { path: work.dir.path("plan.json"), why }.into());
    };
    let trials: Vec<Hyperparameters> = (job.first..job.first + job.count).map(|index| work.trials.get(index)).collect();
    let ids = trials.iter().map(Hyperparameters::trial_id).collect::<Result<Vec<_>, _>>().map_err(|e| save(job, e))?;
    let Some(stack) =
        Stack::new(trials, work.spec.train.clone(), &data.train, data.features.len(), work.spec.seed, job.replicate)
    else {
        return Ok(());
    };
    let attempt = Attempt::new();
    let (journal, known) = Journal::open(&work.dir.jobs(), &job.job_id, &attempt).map_err(|e| save(job, e))?;
    let checkpoint = resume_from(work, job, &stack);
    let mut keeper = Keeper {
        work,
        job,
        data,
        stack: &stack,
        ids: &ids,
        device,
        attempt,
        journal,
        known: known.iter().map(|entry: &Entry| entry.row.trial_id.clone()).collect(),
        events,
        started_at: micros(),
        last_checkpoint: Instant::now(),
        took_over: false,
    };
    let epoch = checkpoint.as_ref().map_or(1, Checkpoint::epoch);
    keeper.tell(Event::JobStarted {
        job_id: job.job_id.clone(),
        trials: checkpoint.as_ref().map_or(job.count, |c| c.trials().len()),
        epoch,
        epochs: work.spec.train.epochs,
    });
    tracing::info!(
        job = job.job_id,
        replicate = job.replicate,
        trials = job.count,
        epoch,
        device = train::device::name(device),
        "job started"
    );
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        train::train(&stack, data, &work.spec.operating_point, device, checkpoint, &mut keeper)
    }));
    let interrupted = match outcome {
        Ok(Ok(end)) => end == End::Interrupted,
        Ok(Err(why @ TrainError::Save(_))) => return Err(LaunchError::Job { job_id: job.job_id.clone(), why }),
        Ok(Err(error)) => keeper.fail_the_rest(&error.to_string()).map(|()| false)?,
        Err(panic) => keeper.fail_the_rest(&format!("internal error: {}", panic_text(&*panic))).map(|()| false)?,
    };
    if !interrupted {
        work.dir.remove_checkpoints(&job.job_id, None);
    }
    tracing::info!(job = job.job_id, interrupted, "job ended");
    keeper.tell(Event::JobEnded { job_id: job.job_id.clone(), interrupted });
    Ok(())
}

/// The furthest checkpoint of any attempt at the job; if none is good it starts again, which costs time and nothing else.
fn resume_from(work: &Work<'_>, job: &Job, stack: &Stack) -> Option<Checkpoint> {
    let warn = |error: &dyn std::error::Error| {
        tracing::warn!(job = job.job_id, %error, "a checkpoint cannot be read; it costs time and nothing else");
    };
    let found = work.dir.checkpoints(&job.job_id).inspect_err(|error| warn(error)).unwrap_or_default();
    let read =
        |bytes: &Vec<u8>| Checkpoint::from_bytes(bytes, stack.shape.parameters()).inspect_err(|error| warn(error)).ok();
    found.iter().filter_map(read).max_by_key(Checkpoint::updates)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}
