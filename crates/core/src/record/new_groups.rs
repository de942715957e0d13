//! new-groups.json: under a split by time and groups that keeps known groups in the test, which of them are new.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::RunDirError;
use super::run_dir::RunDir;
use super::run_files::RunFiles;
use crate::prepared::Replicate;

const NEW_GROUPS: &str = "new-groups.json";

/// Groups of test rows that neither trained nor validated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGroups {
    /// Column of the groups.
    pub column: String,
    /// Of each replicate its new groups, as `unit` in scores.parquet numbers them.
    pub replicates: Vec<BTreeSet<i64>>,
}

impl NewGroups {
    fn of(column: &str, replicates: &[Arc<Replicate>]) -> Self {
        let new = |replicate: &Arc<Replicate>| {
            let Replicate { train, validation, test, .. } = replicate.as_ref();
            let known: HashSet<u32> = train.units.iter().chain(validation.units.iter()).copied().collect();
            test.units.iter().filter(|unit| !known.contains(unit)).map(|&unit| i64::from(unit)).collect()
        };
        Self { column: column.to_owned(), replicates: replicates.iter().map(new).collect() }
    }
}

impl RunDir {
    /// Makes the file that says which groups of the column `column` are new to the test of each replicate, for
    /// [`RunDir::commit`].
    ///
    /// # Errors
    /// It cannot be written.
    pub fn stage_new_groups(&self, column: &str, replicates: &[Arc<Replicate>]) -> Result<(), RunDirError> {
        self.stage_json(NEW_GROUPS, &NewGroups::of(column, replicates))
    }
}

impl RunFiles {
    /// Which groups are new to the test; `None` where nothing was kept of that: of other splits, of runs of earlier
    /// versions, and of several runs that are ranked together.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn new_groups(&self) -> Result<Option<NewGroups>, RunDirError> {
        let Some(bytes) = self.bytes(NEW_GROUPS)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| RunDirError::broken(&self.path(NEW_GROUPS), &e))
    }
}
