//! Keeps what a command of the user's brought: a row in a journal, as those of our own trials are.

use focalsweep_core::plan::Job;
use focalsweep_core::record::{Attempt, HistoryRow, Journal, Payload, ResultRow, State};

use super::error::{JobError, save};
use super::row::{micros, row_of, score_bytes};
use super::work::Work;
use crate::train::Measured;

/// How a training by a command went.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    /// What its scores are worth, or why it failed.
    pub outcome: Result<Measured, String>,
    /// The epochs that it told of.
    pub history: Vec<HistoryRow>,
    /// Fingerprint of the trainer.
    pub fingerprint: String,
    /// `cpu`, or the GPUs that it had.
    pub device: String,
    /// Model of the device.
    pub device_name: String,
    /// Seconds that its last attempt took.
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

/// Has the journal of `job`, which is one (trial, replicate) of a command, say how it went.
///
/// # Errors
/// It cannot be written.
pub fn keep_outside(work: &Work<'_>, job: &Job, outside: Outside) -> Result<(), JobError> {
    let data = work.data(job)?;
    let trial = work.trials.get(job.first);
    let Outside { outcome, history, fingerprint, device, device_name, seconds, started_at } = outside;
    let (measured, error) = match outcome {
        Ok(measured) => (Some(measured), None),
        Err(why) => (None, Some(why)),
    };
    let of = measured.as_ref();
    let row = ResultRow {
        state: if error.is_none() { State::Finished } else { State::Failed },
        error,
        trainer_fingerprint: Some(fingerprint),
        device,
        device_name,
        epochs_run: u32::try_from(history.len()).unwrap_or(u32::MAX),
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
