//! How the files of a run directory are called. What they hold is in the file of each format.

use std::path::{Path, PathBuf};

/// What the run is and how far it has come.
pub(super) const MANIFEST: &str = "manifest.json";
/// The plan.
pub const PLAN: &str = "plan.jsonl";
/// The sweep with its defaults.
pub const SPEC: &str = "sweep.yaml";
/// A row for each (trial, replicate).
pub const RESULTS: &str = "results.parquet";
/// A row for each epoch.
pub const HISTORY: &str = "history.parquet";
/// Scores of the validation and test rows.
pub const SCORES: &str = "scores.parquet";
/// ROC curves of the training rows.
pub const CURVES: &str = "curves.parquet";
/// The data of a run that was begun from memory (by the Python package), put there before the run begins.
pub(super) const SOURCE: &str = "source.parquet";
/// Folder of the models.
pub const MODELS: &str = "models";

/// The file of a job's models. Parts that it was cut into count to it.
pub fn models_name(job_id: &str) -> String {
    format!("{MODELS}/{}.safetensors", planned(job_id))
}

/// The job of the plan that `job_id` is, or was cut from.
pub(super) fn planned(job_id: &str) -> &str {
    job_id.trim_end_matches(['a', 'b'])
}

/// The lines of a journal in the folder `jobs`; `stem` is its name without an ending.
pub(super) fn lines_path(jobs: &Path, stem: &str) -> PathBuf {
    jobs.join(format!("{stem}.jsonl"))
}

/// Its bytes.
pub(super) fn bytes_path(jobs: &Path, stem: &str) -> PathBuf {
    jobs.join(format!("{stem}.bin"))
}
