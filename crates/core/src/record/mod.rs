//! What a run leaves on disk, and how nothing of it gets lost.
//!
//! ```text
//! ended trial ─> jobs/<job>.<attempt>.jsonl + .bin (fsync) ─collect─> results, history, scores .parquet + models/ (rename)
//! ```
//! A trial is on disk as soon as it ends, in its job's journal. [`Collection`] makes the files that people read from the
//! journals, as often as asked, each replaced as a whole. Journals go only when a finished run's files are all in place.

mod atomic;
mod attempt;
mod bytes;
mod collect;
mod columns;
mod journal;
mod launch_log;
mod lines;
mod manifest;
mod model_dir;
mod predictions;
mod prepared;
mod rows;
mod run_dir;

pub use crate::metrics::SplitMetrics;
pub use atomic::write_atomically;
pub use attempt::Attempt;
pub use bytes::{from_le_bytes, le_bytes};
pub use collect::Collection;
pub use journal::{Entry, Journal, Journals, Kept, Payload};
pub use launch_log::{Change, LaunchLog, jobs_now};
pub use manifest::{Counts, Manifest, RunState};
pub use model_dir::{Model, ModelCard, ModelDirError, write_model_dir};
pub use predictions::{PredictionsFormat, write_predictions};
pub use rows::{HistoryRow, ResultRow, State};
pub use run_dir::{RunDir, RunDirError};
