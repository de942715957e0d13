//! Keeps what a command of the user's brought: a row in a journal, as those of our own trials are.

use focalsweep_core::plan::Job;
use focalsweep_core::record::{Attempt, HistoryRow, Journal, Payload, ResultRow, ScoreBytes, State, le_bytes};
use focalsweep_core::spec::Scores;

use super::error::{JobError, save};
use super::keeper::micros;
use super::work::Work;
use crate::train::{Measured, RowScores};

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
    let folds = work.spec.split.folds.map(|folds| folds.of_replicate(job.replicate));
    let of = measured.as_ref();
    let row = ResultRow {
        trial_id: trial.trial_id(),
        replicate: job.replicate,
        state: if error.is_none() { State::Finished } else { State::Failed },
        error,
        trainer: trial.trainer().to_owned(),
        trainer_fingerprint: Some(fingerprint),
        phase: job.phase,
        fold: folds.map(|(fold, _)| fold),
        repeat: folds.map(|(_, repeat)| repeat),
        hyperparameters: trial,
        seed: work.spec.seed,
        split_fingerprint: data.split_fingerprint.clone(),
        data_fingerprint: work.data_fingerprint.to_owned(),
        device,
        device_name,
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        job_id: job.job_id.clone(),
        stack_size: 1,
        epochs_run: u32::try_from(history.len()).unwrap_or(u32::MAX),
        best_epoch: None,
        train_seconds: seconds,
        started_at,
        finished_at: micros(),
        train: None,
        val: of.map(|of| of.val.clone()),
        test: of.map(|of| of.test.clone()),
        threshold: of.and_then(|of| of.threshold),
        threshold_raw: of.and_then(|of| of.threshold_raw),
        val_op: of.and_then(|of| of.val_op),
        test_op: of.and_then(|of| of.test_op),
    };
    let are_kept = work.spec.scores != Some(Scores::None);
    let bytes = |rows: &RowScores| ScoreBytes { raw: le_bytes(&rows.raw), score: le_bytes(&rows.scores) };
    let payload = measured.map(|Measured { parts, .. }| {
        let [validation, test, calibration] =
            parts.map(|rows| if are_kept { bytes(&rows) } else { ScoreBytes::default() });
        Payload { train_roc: Vec::new(), validation, test, calibration, model: Vec::new() }
    });
    let mut journal = Journal::new(&work.dir.jobs(), &job.job_id, &Attempt::new());
    journal.append(vec![(row, history, payload)]).map_err(|error| save(job, error))
}
