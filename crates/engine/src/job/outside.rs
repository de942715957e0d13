//! Keeps what a command of the user's brought: a row in a journal, as those of our own trials are.

use focalsweep_core::plan::Job;
use focalsweep_core::record::{Attempt, HistoryRow, Journal, Journals, Payload, ResultRow, State};

use super::ended::ended;
use super::error::{JobError, save};
use super::row::{micros, row_of, score_bytes};
use super::work::Work;
use crate::train::Measured;

/// How a training by a command went.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    /// What its scores are worth, or why it failed.
    pub outcome: Result<Measured, String>,
    /// Whether it only paused, to be judged, and may go on.
    pub paused: bool,
    /// Epochs that it was trained for, from the first on.
    pub epochs: u32,
    /// The epochs that it told of.
    pub history: Vec<HistoryRow>,
    /// Fingerprint of the trainer.
    pub fingerprint: String,
    /// `cpu`, or the GPUs that it had.
    pub device: String,
    /// Model of the device.
    pub device_name: String,
    /// Seconds that its last attempt took, and those before it paused.
    pub seconds: f64,
    /// When its first attempt began, microseconds since 1970-01-01 UTC.
    pub started_at: i64,
}

impl Outside {
    /// The time, as a row has it.
    pub fn now() -> i64 {
        micros()
    }
}

/// What the trial of `job`, which is one (trial, replicate) of a command, came to where it paused: its epochs, and its
/// seconds. `None` where it begins, or where that is not there any more.
///
/// # Errors
/// A journal cannot be read.
pub fn paused_outside(work: &Work<'_>, job: &Job) -> Result<Option<(Vec<HistoryRow>, f64)>, JobError> {
    let Some(from) = job.epochs.map(|[from, _]| from).filter(|from| *from > 0) else { return Ok(None) };
    let journals = Journals::list(&work.dir.jobs()).map_err(|why| save(job, why))?;
    for before in work.plan.before(job).filter(|before| before.epochs.is_some_and(|[_, to]| to == from)) {
        let entries = ended(work, before, &journals)?;
        let id = work.trials.get(job.first).trial_id();
        if let Some(entry) = entries.into_iter().find(|entry| entry.row.trial_id == id) {
            return Ok(Some((entry.history, entry.row.train_seconds)));
        }
    }
    Ok(None)
}

/// Has the journal of `job`, which is one (trial, replicate) of a command, say how it went.
///
/// # Errors
/// It cannot be written.
pub fn keep_outside(work: &Work<'_>, job: &Job, outside: Outside) -> Result<(), JobError> {
    let data = work.data(job)?;
    let trial = work.trials.get(job.first);
    let Outside { outcome, paused, epochs, history, fingerprint, device, device_name, seconds, started_at } = outside;
    let (measured, error) = match outcome {
        Ok(measured) => (Some(measured), None),
        Err(why) => (None, Some(why)),
    };
    let of = measured.as_ref();
    let row = ResultRow {
        state: match error {
            None if paused => State::Stopped,
            None => State::Finished,
            Some(_) => State::Failed,
        },
        error,
        trainer_fingerprint: Some(fingerprint),
        device,
        device_name,
        epochs_run: epochs,
        train_seconds: seconds,
        started_at,
        val: of.map(|of| of.val.clone()),
        test: of.map(|of| of.test.clone()),
        threshold: of.and_then(|of| of.threshold),
        threshold_raw: of.and_then(|of| of.threshold_raw),
        val_op: of.and_then(|of| of.val_op),
        test_op: of.and_then(|of| of.test_op),
        ..row_of(work, (job, data), trial)
    };
    let payload = measured.map(|Measured { parts, .. }| {
        let [validation, test, calibration] = parts.map(|rows| score_bytes(work, &rows));
        Payload { validation, test, calibration, ..Payload::default() }
    });
    let mut journal = Journal::new(&work.dir.jobs(), &job.job_id, &Attempt::new());
    journal.append(vec![(row, history, payload)]).map_err(|error| save(job, error))
}
