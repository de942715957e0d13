//! Failed rows that are to be trained again: the journals that had them when somebody asked.
//!
//! A row stays where it is until there is another for its (trial, replicate), and a row that finished takes the place
//! of one that failed. What is marked here only says that a failure does not count as done.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::rows::{ResultRow, State};

/// The file in the folder of the journals.
const RETRY: &str = "retry.json";

/// Journals whose failures do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Retry {
    journals: HashSet<String>,
}

impl Retry {
    /// What was marked in the folder `jobs`; nothing where nobody asked.
    pub(super) fn read(jobs: &Path) -> io::Result<Self> {
        match fs::read(jobs.join(RETRY)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Marks `journals`, by their names without endings, in the folder `jobs`.
    pub(super) fn mark(jobs: &Path, journals: impl Iterator<Item = String>) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Self { journals: journals.collect() })?;
        write_atomically::<io::Error>(&jobs.join(RETRY), |out| out.write_all(&bytes))
    }

    /// Whether a row of `journal` is one that need not be trained.
    pub(super) fn is_settled(&self, journal: &str, row: &ResultRow) -> bool {
        row.state != State::Failed || !self.journals.contains(journal)
    }
}
