//! One job on one device: its stack, its journal, its checkpoint.

use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::devices::PoolDevice;
use super::error::{LaunchError, save};
use super::event::Event;
use super::keeper::{Keeper, Kept, write_checkpoint};
use super::scheduler::JobEnd;
use super::stop::Stop;
use crate::data::Replicate;
use crate::plan::{Hyperparameters, Job, Plan, Trials};
use crate::results::{Attempt, Entry, Journal, Journals, RunDir, RunDirError};
use crate::spec::Spec;
use crate::train::{self, Checkpoint, End, Stack, TrainError, Trouble, Uploads};

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
    /// Where jobs run.
    pub pool: &'a [PoolDevice],
    /// The rows that lie on GPUs.
    pub uploads: Uploads,
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
}

impl Work<'_> {
    /// The rows that `job` trains on.
    ///
    /// # Errors
    /// The plan names a replicate that is not there.
    pub(super) fn data(&self, job: &Job) -> Result<&Replicate, LaunchError> {
        let data = self.replicates.iter().find(|replicate| replicate.index == job.replicate);
        data.map(Arc::as_ref).ok_or_else(|| {
            let why = format!("{} trains on replicate {}, which the sweep does not have", job.job_id, job.replicate);
            RunDirError::Broken { path: self.dir.path("plan.json"), why }.into()
        })
    }
}

/// Trains what is missing of `job` on `device`. Ended trials are in the job's journal before `events` hears of them.
///
/// # Errors
/// A result could not be saved.
pub(super) fn run_job(
    work: &Work<'_>,
    job: &Job,
    device: &PoolDevice,
    events: &Sender<Event>,
) -> Result<JobEnd, LaunchError> {
    let Some(opened) = Opened::new(work, job)? else { return Ok(JobEnd::Done) };
    let (stack, data) = (&opened.stack, work.data(job)?);
    let checkpoint = resume_from(work, job, stack);
    let epoch = checkpoint.as_ref().map_or(1, Checkpoint::epoch);
    let started = Event::JobStarted {
        job_id: job.job_id.clone(),
        trials: checkpoint.as_ref().map_or(job.count, |c| c.trials().len()),
        epoch,
        epochs: work.spec.train.epochs,
    };
    let mut keeper = Keeper::new(work, (job, work.data(job)?), device, &opened.stack, opened.kept, events);
    keeper.tell(started);
    let name = device.name();
    tracing::info!(
        job = job.job_id,
        replicate = job.replicate,
        trials = job.count,
        epoch,
        device = name,
        "job started"
    );
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let on = (device.device, &work.uploads);
        train::train(stack, data, &work.spec.operating_point, on, checkpoint, &mut keeper)
    }));
    let end = match outcome {
        Ok(Ok(End::Done)) => JobEnd::Done,
        Ok(Ok(End::Interrupted)) => JobEnd::Interrupted,
        Ok(Err(why @ TrainError::Save(_))) => return Err(LaunchError::Job { job_id: job.job_id.clone(), why }),
        Ok(Err(error)) => match error.trouble() {
            Trouble::OutOfMemory => JobEnd::OutOfMemory(error.to_string()),
            Trouble::Device => JobEnd::DeviceFailed(error.to_string()),
            Trouble::Job => keeper.fail_the_rest(&error.to_string()).map(|()| JobEnd::Done)?,
        },
        Err(panic) => {
            keeper.fail_the_rest(&format!("internal error: {}", panic_text(&*panic))).map(|()| JobEnd::Done)?
        }
    };
    match &end {
        JobEnd::Done => {
            work.dir.remove_checkpoints(job, None);
            tracing::info!(job = job.job_id, "job ended");
        }
        JobEnd::Interrupted => tracing::info!(job = job.job_id, "job interrupted"),
        JobEnd::OutOfMemory(why) => tracing::warn!(job = job.job_id, device = name, why, "out of memory"),
        JobEnd::DeviceFailed(why) => tracing::warn!(job = job.job_id, device = name, why, "the device failed"),
    }
    if matches!(end, JobEnd::OutOfMemory(_) | JobEnd::DeviceFailed(_)) {
        work.uploads.forget(device.device);
    }
    keeper.tell(Event::JobEnded { job_id: job.job_id.clone(), done: end == JobEnd::Done });
    Ok(end)
}

/// A job that is about to run.
struct Opened {
    stack: Stack,
    kept: Kept,
}

impl Opened {
    /// `None` when all of its trials have ended.
    fn new(work: &Work<'_>, job: &Job) -> Result<Option<Self>, LaunchError> {
        let data = work.data(job)?;
        let trials = trials_of(work, job);
        let ids = ids(&trials).map_err(|e| save(job, e))?;
        let journals = Journals::list(&work.dir.jobs()).map_err(|e| save(job, e))?;
        let known: HashSet<String> = ended(work, job, &journals)
            .map_err(|e| save(job, e))?
            .into_iter()
            .map(|entry| entry.row.trial_id)
            .collect();
        if known.len() == job.count {
            return Ok(None);
        }
        let attempt = Attempt::new();
        let journal = Journal::new(&work.dir.jobs(), &job.job_id, &attempt);
        let (settings, features) = (work.spec.train.clone(), data.features.len());
        let stack = Stack::new(trials, settings, &data.train, features, work.spec.seed, job.replicate);
        Ok(stack.map(|stack| Self { stack, kept: Kept { ids, known, journal, attempt } }))
    }
}

/// Records every trial of `job` that has not ended as failed.
///
/// # Errors
/// That could not be saved.
pub(super) fn give_up(
    work: &Work<'_>,
    job: &Job,
    device: &PoolDevice,
    reason: &str,
    events: &Sender<Event>,
) -> Result<(), LaunchError> {
    let Some(opened) = Opened::new(work, job)? else { return Ok(()) };
    let mut keeper = Keeper::new(work, (job, work.data(job)?), device, &opened.stack, opened.kept, events);
    keeper.fail_the_rest(reason)?;
    keeper.tell(Event::JobEnded { job_id: job.job_id.clone(), done: true });
    Ok(())
}

/// What has ended of `job`'s trials, each once: in its own journals, or in those of jobs that it was cut from or into.
pub(super) fn ended(work: &Work<'_>, job: &Job, journals: &Journals) -> io::Result<Vec<Entry>> {
    let mut left: HashSet<String> = ids(&trials_of(work, job)).map_err(io::Error::other)?.into_iter().collect();
    let entries = journals.of(&job.job_id)?.into_iter().map(|kept| kept.entry);
    Ok(entries.filter(|entry| left.remove(&entry.row.trial_id)).collect())
}

/// Gives each half of a job that was cut its part of the job's checkpoint.
///
/// # Errors
/// A half's checkpoint could not be written. One that cannot be read is left: its trials start again.
pub(super) fn cut_checkpoint(work: &Work<'_>, job_id: &str, halves: &[Job; 2]) -> io::Result<()> {
    let [first, second] = halves;
    let whole = Job { job_id: job_id.to_owned(), count: first.count + second.count, ..first.clone() };
    let found = work.dir.checkpoints(&whole).map_err(io::Error::other)?;
    let furthest = found.iter().filter_map(|bytes| Checkpoint::read(bytes).ok()).max_by_key(Checkpoint::updates);
    let Some(checkpoint) = furthest else { return Ok(()) };
    let mut at = 0;
    for half in halves {
        write_checkpoint(work, half, &Attempt::new(), &checkpoint.part(at..at + half.count))?;
        at += half.count;
    }
    Ok(())
}

fn trials_of(work: &Work<'_>, job: &Job) -> Vec<Hyperparameters> {
    (job.first..job.first + job.count).map(|index| work.trials.get(index)).collect()
}

fn ids(trials: &[Hyperparameters]) -> Result<Vec<String>, serde_json::Error> {
    trials.iter().map(Hyperparameters::trial_id).collect()
}

/// The furthest checkpoint of any attempt at the job; if none is good it starts again, which costs time and nothing else.
fn resume_from(work: &Work<'_>, job: &Job, stack: &Stack) -> Option<Checkpoint> {
    let warn = |error: &dyn std::error::Error| {
        tracing::warn!(job = job.job_id, %error, "a checkpoint cannot be read; it costs time and nothing else");
    };
    let found = work.dir.checkpoints(job).inspect_err(|error| warn(error)).unwrap_or_default();
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
