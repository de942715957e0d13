//! Failed rows that are to be trained again: the journals that had them when somebody asked.
//!
//! A row stays where it is until there is another for its (trial, replicate), and a row that finished takes the place
//! of one that failed. What is marked here only says that a failure does not count as done.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rows::{ResultRow, State};
use super::sealed::{read_sealed_at, write_sealed_at};

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
        let path = jobs.join(RETRY);
        let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
        Ok(read_sealed_at(&path).map_err(named)?.unwrap_or_default())
    }

    /// Marks `journals`, by their names without endings, in the folder `jobs`.
    pub(super) fn mark(jobs: &Path, journals: impl Iterator<Item = String>) -> io::Result<()> {
        write_sealed_at(&jobs.join(RETRY), &Self { journals: journals.collect() })
    }

    /// Whether a row of `journal` is one that need not be trained.
    pub(super) fn is_settled(&self, journal: &str, row: &ResultRow) -> bool {
        row.state != State::Failed || !self.journals.contains(journal)
    }
}
