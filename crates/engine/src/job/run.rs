//! One job on one device: its stack, its journal, its checkpoint. The same code whatever trains and whoever asks.

use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use focalsweep_core::plan::Job;
use focalsweep_core::prepared::Rows;
use focalsweep_core::record::{Attempt, Journal, Journals, RunDirError};
use serde::{Deserialize, Serialize};

use super::ended::{ended, ids, trials_of};
use super::error::{JobError, save};
use super::event::Event;
use super::keeper::{Keeper, Kept, write_checkpoint};
use super::rungs::{carry, paused};
use super::work::{JobDevice, Work};
use crate::train::{self, Checkpoint, End, Stack, TrainError, Trouble};

/// How a job ended on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", content = "why", rename_all = "snake_case")]
pub enum JobEnd {
    /// Every trial has ended.
    Done,
    /// Somebody asked to stop; the checkpoint has the rest.
    Interrupted,
    /// The device had no room for it.
    OutOfMemory(String),
    /// The device failed.
    DeviceFailed(String),
}

/// Trains what is missing of `job` on `device`. Ended trials are in the job's journal before `events` hears of them.
///
/// # Errors
/// A result could not be saved.
pub fn run_job(work: &Work<'_>, job: &Job, device: JobDevice<'_>, events: &dyn Fn(Event)) -> Result<JobEnd, JobError> {
    carry(work, job, events)?;
    let Some(opened) = Opened::new(work, job)? else { return Ok(JobEnd::Done) };
    let whole = work.whole(work.data(job)?)?;
    let (stack, data) = (&opened.stack, whole.as_ref());
    let checkpoint = resume_from(work, job, stack, &data.train)
        .or_else(|| paused(work, (job, stack), &opened.kept.known, &data.train))
        .or_else(|| opened.kept.start_of_the_rest(stack));
    let epoch = checkpoint.as_ref().map_or(1, Checkpoint::epoch);
    let started = Event::JobStarted {
        job_id: job.job_id.clone(),
        trials: checkpoint.as_ref().map_or(job.count, |c| c.trials().len()),
        epoch,
        epochs: stack.end(),
    };
    let mut keeper = Keeper::new(work, (job, data), device, &opened.stack, opened.kept, events);
    keeper.tell(started);
    let name = device.device.to_string();
    tracing::info!(
        job = job.job_id,
        replicate = job.replicate,
        trials = job.count,
        epoch,
        device = name,
        "job started"
    );
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut from = checkpoint;
        loop {
            let end = train::train(stack, data, &work.spec.operating_point, device.backends, from, &mut keeper)?;
            if end == End::Interrupted || keeper.kept.is_all() {
                return Ok(end);
            }
            // The checkpoint had left out what had failed before it, and that is to be tried again.
            from = keeper.kept.start_of_the_rest(stack);
        }
    }));
    let end = match outcome {
        Ok(Ok(End::Done)) => JobEnd::Done,
        Ok(Ok(End::Interrupted)) => JobEnd::Interrupted,
        Ok(Err(why @ TrainError::Save(_))) => return Err(JobError::Save { job_id: job.job_id.clone(), why }),
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
            // Where trials paused the next rung goes on.
            work.dir.remove_checkpoints(job, keeper.paused.then_some(&keeper.kept.attempt));
            tracing::info!(job = job.job_id, "job ended");
        }
        JobEnd::Interrupted => tracing::info!(job = job.job_id, "job interrupted"),
        JobEnd::OutOfMemory(why) => tracing::warn!(job = job.job_id, device = name, why, "out of memory"),
        JobEnd::DeviceFailed(why) => tracing::warn!(job = job.job_id, device = name, why, "the device failed"),
    }
    if matches!(end, JobEnd::OutOfMemory(_) | JobEnd::DeviceFailed(_)) {
        device.backends.forget();
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
    fn new(work: &Work<'_>, job: &Job) -> Result<Option<Self>, JobError> {
        let data = work.data(job)?;
        let trials = trials_of(work, job);
        let ids = ids(&trials);
        let journals = Journals::list(&work.dir.jobs()).map_err(|e| save(job, e))?;
        let known: HashSet<String> = ended(work, job, &journals)?.into_iter().map(|entry| entry.row.trial_id).collect();
        if known.len() == job.count {
            return Ok(None);
        }
        let attempt = Attempt::new();
        let journal = Journal::new(&work.dir.jobs(), &job.job_id, &attempt);
        let stack = Stack::new(trials, work.spec.train.clone(), data, work.spec.seed);
        let stack = stack.map(|stack| stack.until(job.epochs.map(|[_, to]| to)));
        Ok(stack.map(|stack| Self { stack, kept: Kept { ids, known, journal, attempt } }))
    }
}

/// Records every trial of `job` that has not ended as failed.
///
/// # Errors
/// That could not be saved.
pub fn give_up(
    work: &Work<'_>,
    job: &Job,
    device: JobDevice<'_>,
    reason: &str,
    events: &dyn Fn(Event),
) -> Result<(), JobError> {
    carry(work, job, events)?;
    let Some(opened) = Opened::new(work, job)? else { return Ok(()) };
    let mut keeper = Keeper::new(work, (job, work.data(job)?), device, &opened.stack, opened.kept, events);
    keeper.fail_the_rest(reason)?;
    keeper.tell(Event::JobEnded { job_id: job.job_id.clone(), done: true });
    Ok(())
}

/// Gives each half of a job that was cut its part of the job's checkpoint.
///
/// # Errors
/// A half's checkpoint could not be written. One that cannot be read is left: its trials start again.
pub fn cut_checkpoint(work: &Work<'_>, job_id: &str, halves: &[Job; 2]) -> io::Result<()> {
    let [first, second] = halves;
    let whole = Job { job_id: job_id.to_owned(), count: first.count + second.count, ..first.clone() };
    let found = work.dir.checkpoints(&whole).map_err(io::Error::other)?;
    let read = found.iter().flatten().filter_map(|bytes| Checkpoint::read(bytes).ok());
    let furthest = read.max_by_key(Checkpoint::updates);
    let Some(checkpoint) = furthest else { return Ok(()) };
    let mut at = 0;
    for half in halves {
        write_checkpoint(work, half, &Attempt::new(), &checkpoint.part(at..at + half.count))?;
        at += half.count;
    }
    Ok(())
}

/// The furthest checkpoint of any attempt at the job; if none is good it starts again, which costs time and nothing
/// else.
fn resume_from(work: &Work<'_>, job: &Job, stack: &Stack, train: &Rows) -> Option<Checkpoint> {
    let warn = |error: &dyn std::error::Error| {
        tracing::warn!(job = job.job_id, %error, "a checkpoint cannot be read; it costs time and nothing else");
    };
    let found = work.dir.checkpoints(job).inspect_err(|error| warn(error)).unwrap_or_default();
    let read = |bytes: Result<Vec<u8>, RunDirError>| {
        let bytes = bytes.inspect_err(|error| warn(error)).ok()?;
        let checkpoint = Checkpoint::from_bytes(&bytes, stack.shape.parameters());
        let checked = checkpoint.and_then(|checkpoint| checkpoint.check(stack, train).map(|()| checkpoint));
        checked.inspect_err(|error| warn(error)).ok()
    };
    found.into_iter().filter_map(read).max_by_key(Checkpoint::updates)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}
