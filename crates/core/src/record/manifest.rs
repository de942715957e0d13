//! manifest.json: what a run directory is, and how far it has come.

use serde::{Deserialize, Serialize};

/// Version of the run directory's layout that this program writes.
pub(super) const FORMAT_VERSION: u32 = 1;

/// manifest.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the directory's layout.
    pub format_version: u32,
    /// `focalsweep` and its version.
    pub program: String,
    /// libtorch's version, where it trained; runs of version 1 always name one.
    pub libtorch: Option<String>,
    /// How far the run has come.
    pub state: RunState,
    /// Name of the sweep.
    pub name: String,
    /// Fingerprint of the data and its preparation.
    pub data_fingerprint: String,
    /// Fingerprint of each replicate's split.
    pub split_fingerprints: Vec<String>,
    /// What there is.
    pub counts: Counts,
    /// Notes of the data's preparation.
    pub notes: Vec<String>,
    /// Whose scores are in scores.parquet: `all`, `best` or `none`.
    pub scores: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

impl Manifest {
    /// The manifest of a run that begins `now` (RFC 3339).
    pub fn new(
        name: &str,
        data_fingerprint: &str,
        split_fingerprints: Vec<String>,
        counts: Counts,
        notes: Vec<String>,
        now: String,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            program: concat!("focalsweep ", env!("CARGO_PKG_VERSION")).to_owned(),
            libtorch: None,
            state: RunState::Running,
            name: name.to_owned(),
            data_fingerprint: data_fingerprint.to_owned(),
            split_fingerprints,
            counts,
            notes,
            scores: "all".to_owned(),
            started_at: now.clone(),
            updated_at: now,
        }
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Under way, or killed: `--resume` goes on.
    Running,
    /// Ended by the user: `--resume` goes on.
    Interrupted,
    /// Every row is there.
    Finished,
}

/// Numbers of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Distinct trials.
    pub trials: usize,
    /// Replicates.
    pub replicates: u32,
    /// Jobs.
    pub jobs: usize,
    /// Rows of results.parquet.
    pub rows: usize,
    /// Rows that failed.
    pub failed: usize,
}
