//! What happens while jobs run: plain data, no clock, no drawing.

use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A job began, or went on from a checkpoint.
    JobStarted {
        /// The job.
        job_id: String,
        /// Its trials that are still to do.
        trials: usize,
        /// 1-based epoch at which it begins.
        epoch: u32,
        /// Most epochs; 0 where nobody knows.
        epochs: u32,
    },
    /// A stack finished an epoch.
    Epoch {
        /// The job.
        job_id: String,
        /// 1-based.
        epoch: u32,
        /// Trials that go on.
        training: usize,
        /// The epoch's best validation AUC and whose it is.
        best: Option<(f64, String)>,
    },
    /// Trials ended and are on disk.
    Ended {
        /// The job.
        job_id: String,
        /// How many.
        trials: usize,
        /// How many of them failed.
        failed: usize,
    },
    /// A job is over; trials that it did not reach are left to its halves, another device or `--resume`.
    JobEnded {
        /// The job.
        job_id: String,
        /// Whether all of its trials have ended.
        done: bool,
    },
    /// A job was cut in two.
    JobCut,
}
