//! What a job writes of a (trial, replicate), whoever trained it.

use std::time::{SystemTime, UNIX_EPOCH};

use focalsweep_core::plan::{Hyperparameters, Job};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{ResultRow, ScoreBytes, State, le_bytes};
use focalsweep_core::spec::Scores;

use super::work::Work;
use crate::train::RowScores;

/// The row of a trial that ended just now, with what job, sweep and rows say of it; it failed, unless somebody knows
/// what it came to.
pub(super) fn row_of(work: &Work<'_>, (job, data): (&Job, &Replicate), trial: Hyperparameters) -> ResultRow {
    let folds = work.spec.split.folds.map(|folds| folds.of_replicate(job.replicate));
    ResultRow {
        trial_id: trial.trial_id(),
        replicate: job.replicate,
        state: State::Failed,
        error: None,
        trainer: trial.trainer().to_owned(),
        trainer_fingerprint: None,
        phase: job.phase,
        fold: folds.map(|(fold, _)| fold),
        repeat: folds.map(|(_, repeat)| repeat),
        hyperparameters: trial,
        seed: work.spec.seed,
        split_fingerprint: data.split_fingerprint.clone(),
        data_fingerprint: work.data_fingerprint.to_owned(),
        device: String::new(),
        device_name: String::new(),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        job_id: job.job_id.clone(),
        stack_size: u32::try_from(job.count).unwrap_or(u32::MAX),
        epochs_run: 0,
        best_epoch: None,
        train_seconds: 0.0,
        started_at: 0,
        finished_at: micros(),
        train: None,
        val: None,
        test: None,
        threshold: None,
        threshold_raw: None,
        val_op: None,
        test_op: None,
    }
}

/// The scores of some rows as a journal has them; nothing where the sweep keeps none.
pub(super) fn score_bytes(work: &Work<'_>, rows: &RowScores) -> ScoreBytes {
    if work.spec.scores == Some(Scores::None) {
        return ScoreBytes::default();
    }
    ScoreBytes { raw: le_bytes(&rows.raw), score: le_bytes(&rows.scores) }
}

/// The time, as a row has it: microseconds since 1970-01-01 UTC.
pub(super) fn micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_micros()).ok()).unwrap_or(0)
}
