//! The rows that a run writes: plain structs, one a file, whose fields are the columns.

use serde::{Deserialize, Serialize};

use crate::metrics::{Confusion, SplitMetrics, any_float};
use crate::plan::{Hyperparameters, Phase};

/// How a (trial, replicate) ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Trained to the end, or to where early stopping ended it.
    Finished,
    /// Diverged or broke; `error` says why.
    Failed,
    /// Ended early for the good of others; what it came to is there.
    Stopped,
}

/// A row of results.parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    /// Content-hash id of the hyperparameters.
    pub trial_id: String,
    /// 0-based replicate.
    pub replicate: u32,
    /// How it ended.
    pub state: State,
    /// Why it failed.
    pub error: Option<String>,
    /// What trained it: [`STACK`](crate::spec::STACK), or a command of the sweep file.
    pub trainer: String,
    /// Fingerprint of a trainer of the user's.
    pub trainer_fingerprint: Option<String>,
    /// What the training is for.
    pub phase: Phase,
    /// 0-based fold of the split, where it has folds.
    pub fold: Option<u32>,
    /// 0-based repeat of the split, where it is repeated.
    pub repeat: Option<u32>,
    /// What was trained.
    #[serde(flatten)]
    pub hyperparameters: Hyperparameters,
    /// Seed of the sweep's random streams.
    pub seed: u64,
    /// Fingerprint of the replicate's split.
    pub split_fingerprint: String,
    /// Fingerprint of the data and its preparation.
    pub data_fingerprint: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Model of the device, e.g. `AMD EPYC 9V74`.
    pub device_name: String,
    /// Host name.
    pub host: String,
    /// The job that trained it.
    pub job_id: String,
    /// Models in the job's stack at its start.
    pub stack_size: u32,
    /// Epochs trained.
    pub epochs_run: u32,
    /// 1-based epoch whose weights were kept.
    pub best_epoch: Option<u32>,
    /// Seconds of training that its stack took until this trial ended.
    pub train_seconds: f64,
    /// Microseconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// Microseconds since 1970-01-01 UTC.
    pub finished_at: i64,
    /// Metrics at threshold 0.5 on the training rows (no dropout), `None` when failed.
    pub train: Option<SplitMetrics>,
    /// The same on the validation rows.
    pub val: Option<SplitMetrics>,
    /// The same on the test rows.
    pub test: Option<SplitMetrics>,
    /// Threshold of the operating point, chosen on the validation rows: the probability of `threshold_raw`.
    pub threshold: Option<f64>,
    /// The logit that it was chosen by: rows with a logit of at least this are flagged.
    pub threshold_raw: Option<f64>,
    /// Counts at `threshold_raw` on the validation rows.
    pub val_op: Option<Confusion>,
    /// Counts at `threshold_raw` on the test rows.
    pub test_op: Option<Confusion>,
}

/// A row of history.parquet. What a command did not say is not a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// 1-based epoch.
    pub epoch: u32,
    /// Mean training loss per row over the epoch's steps, with dropout.
    #[serde(with = "any_float")]
    pub train_loss: f64,
    /// Mean loss on the validation rows.
    #[serde(with = "any_float")]
    pub val_loss: f64,
    /// ROC AUC on the validation rows.
    pub val_auc: Option<f64>,
    /// Step size.
    #[serde(with = "any_float")]
    pub learning_rate: f64,
    /// Seconds that the stack took for this epoch.
    pub seconds: f64,
}
