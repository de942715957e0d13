//! What a run leaves on disk, and how nothing of it gets lost.
//!
//! ```text
//! ended trial ─> jobs/<job>.<attempt>.jsonl + .bin (fsync)
//!     ─collect─> results, history, scores .parquet + models/ ─stage, commit─> manifest.json, then their names
//! ```
//! A trial is on disk as soon as it ends, in its job's journal. [`Collection`] makes the files that people read from
//! the journals and from what they hold already, as often as asked, each replaced as a whole: a row that was there
//! stays. Journals go only when a finished run's files are all in place. Every format has its checksum (`checksum`).

mod atomic;
mod attempt;
mod bytes;
mod checkpoints;
mod checksum;
mod collect;
mod columns;
mod commit;
mod earlier;
mod ensemble_dir;
mod entry;
mod error;
mod job_bytes;
mod journal;
mod journals;
mod launch_log;
mod lines;
mod manifest;
mod model_dir;
mod models;
mod names;
mod new_groups;
mod plan_file;
mod point;
mod predictions;
mod prepared;
mod retry;
mod row_groups;
mod rows;
mod run_dir;
mod run_files;
mod sealed;
mod spec_file;
mod staged;
mod target;
mod together;
mod trainer_dir;
mod version;

/// The columns of results.parquet.
#[cfg(test)]
pub(crate) fn results_schema() -> arrow::datatypes::SchemaRef {
    columns::results(&[], &[], false)
        .map(|batch| batch.schema())
        .unwrap_or_else(|_| arrow::datatypes::Schema::empty().into())
}

pub use crate::metrics::SplitMetrics;
pub use atomic::{folder_of, open_own, replaceable, sync_folder, write_atomically};
pub use attempt::Attempt;
pub use bytes::{from_le_bytes, le_bytes};
pub use checksum::{blob_sum, checked_line, push_line};
pub use collect::{Collection, Remade};
pub use columns::FREE_PARAMETER;
pub use commit::{DamagedFile, FilesFound};
pub use ensemble_dir::{EnsembleCard, Exported, MemberCard, MemberToWrite, write_ensemble_dir};
pub use entry::{Entry, Expected};
pub use error::RunDirError;
pub use journal::{Journal, Payload, ScoreBytes};
pub use journals::{Journals, Kept};
pub use launch_log::{Change, LaunchLog, jobs_now};
pub use manifest::{Counts, Ended, FileSum, Manifest, RunState};
pub use model_dir::{Model, ModelCard, ModelDirError, Refit, write_model_dir};
pub use models::{Models, find_model, model_file};
pub use names::{CURVES, HISTORY, MODELS, PLAN, RESULTS, SCORES, SPEC, models_name};
pub use new_groups::NewGroups;
pub use predictions::{PREDICTION_COLUMNS, Predictions, PredictionsFormat, stream_predictions, write_predictions};
pub use rows::{HistoryRow, ResultRow, State};
pub use run_dir::RunDir;
pub use run_files::RunFiles;
pub use spec_file::read_spec_text;

pub use target::{linked, write_named};
pub use trainer_dir::{PredictCommand, TrainerCard, TrainerModel, TrainerParts, write_trainer_dir};
pub use version::{DRAFT, FORMAT_VERSION};
