//! Jobs that go on where jobs of the rung before them paused.
//!
//! Each job brings every of its trials to its journal, so that whoever reads looks at the last job of a trial alone:
//! what had ended before is copied, the rest is trained from where it paused. What is not there any more is trained
//! from its start, which costs time and nothing else.

use std::collections::{HashMap, HashSet};

use focalsweep_core::plan::Job;
use focalsweep_core::prepared::Rows;
use focalsweep_core::record::{Attempt, Journal, Journals, Payload, ResultRow, State};

use super::ended::{ended, ids, trials_of};
use super::error::{JobError, save};
use super::event::Event;
use super::work::Work;
use crate::train::{Checkpoint, Stack};

/// Copies to the journal of `job` the rows of its trials that had ended before it: early stopping ended them, or they
/// failed.
///
/// # Errors
/// A journal cannot be read or written.
pub fn carry(work: &Work<'_>, job: &Job, events: &dyn Fn(Event)) -> Result<(), JobError> {
    if !job.goes_on() {
        return Ok(());
    }
    let failed = |why| save(job, why);
    let journals = Journals::list(&work.dir.jobs()).map_err(failed)?;
    let mut left: HashSet<String> = ids(&trials_of(work, job)).into_iter().collect();
    for entry in ended(work, job, &journals)? {
        left.remove(&entry.row.trial_id);
    }
    let mut lines = Vec::new();
    for before in work.plan.before(job) {
        for kept in journals.over(&before.job_id, &left).map_err(failed)? {
            // Damage says no more than that it is to be trained again.
            let Ok(payload) = journals.payload(&kept) else { continue };
            left.remove(&kept.entry.row.trial_id);
            let row = ResultRow { job_id: job.job_id.clone(), ..kept.entry.row };
            lines.push((row, kept.entry.history, payload));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let is_failed = |(row, ..): &&(ResultRow, _, Option<Payload>)| row.state == State::Failed;
    let (trials, failures) = (lines.len(), lines.iter().filter(is_failed).count());
    Journal::new(&work.dir.jobs(), &job.job_id, &Attempt::new()).append(lines).map_err(failed)?;
    events(Event::Ended { job_id: job.job_id.clone(), trials, failed: failures });
    if left.is_empty() {
        events(Event::JobEnded { job_id: job.job_id.clone(), done: true });
    }
    Ok(())
}

/// Where the trials of `job` that are not `known` paused, as far as that is there; `None` where it goes on from
/// nothing.
pub(super) fn paused(
    work: &Work<'_>,
    (job, stack): (&Job, &Stack),
    known: &HashSet<String>,
    train: &Rows,
) -> Option<Checkpoint> {
    let from = job.epochs.map(|[from, _]| from).filter(|&from| from > 0)?;
    let unknown = ids(&stack.trials).into_iter().zip(0..).filter(|(id, _)| !known.contains(id));
    let slots: HashMap<String, usize> = unknown.collect();
    let warn = |error: &dyn std::error::Error| {
        tracing::warn!(job = job.job_id, %error, "where trials paused cannot be read; they begin again");
    };
    let mut found: Vec<(Checkpoint, Vec<(usize, usize)>)> = Vec::new();
    let mut taken: HashSet<usize> = HashSet::new();
    for before in work.plan.before(job).filter(|before| before.epochs.is_some_and(|[_, to]| to == from)) {
        let checkpoints = work.dir.checkpoints_of_parts(before).inspect_err(|error| warn(error)).unwrap_or_default();
        for (part, bytes) in checkpoints {
            // Others of the same rung may be of another shape.
            let Some(mut places) = places(work, &part, &slots) else { continue };
            let Ok(bytes) = bytes.inspect_err(|error| warn(error)) else { continue };
            let checkpoint = Checkpoint::from_bytes(&bytes, stack.shape.parameters());
            let Ok(checkpoint) = checkpoint.inspect_err(|error| warn(error)) else { continue };
            if (checkpoint.epoch(), checkpoint.step()) != (from + 1, 0) {
                continue;
            }
            let trials = checkpoint.trials().iter().enumerate();
            let mine = trials.filter_map(|(at, trial)| Some((at, places.remove(&trial.slot)?)));
            let mine: Vec<(usize, usize)> = mine.filter(|&(_, slot)| taken.insert(slot)).collect();
            found.push((checkpoint, mine));
        }
    }
    let all: Vec<(&Checkpoint, usize, usize)> =
        found.iter().flat_map(|(from, of)| of.iter().map(move |&(at, slot)| (from, at, slot))).collect();
    let joined = Checkpoint::joined(&all)?;
    joined.check(stack, train).inspect_err(|error| warn(error)).ok()?;
    Some(joined)
}

/// Slots of a job before by slots of the stack, where some of its trials are there.
fn places(work: &Work<'_>, part: &Job, slots: &HashMap<String, usize>) -> Option<HashMap<usize, usize>> {
    let trials = part.first..(part.first + part.count).min(work.trials.len());
    let place = |index: usize| Some((index - part.first, *slots.get(&work.trials.get(index).trial_id())?));
    let places: HashMap<usize, usize> = trials.filter_map(place).collect();
    (!places.is_empty()).then_some(places)
}
