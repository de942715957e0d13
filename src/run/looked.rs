//! What is looked at: the files of a run, or tables that were made of its journals.

use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::OperatingPoint;
use tempfile::TempDir;

/// The files of a run, whatever state it is in.
#[derive(Debug)]
pub struct Look {
    /// Its tables.
    pub files: RunFiles,
    /// What is to be known of them: that these are not all rows of the run, or are of several.
    pub warnings: Vec<String>,
    /// Where figures at the operating point are to be measured again, since not all were measured there.
    pub point: Option<OperatingPoint>,
    /// Where the tables are, as long as this is kept.
    pub folder: Option<TempDir>,
}

impl From<RunFiles> for Look {
    fn from(files: RunFiles) -> Self {
        Self { files, warnings: Vec::new(), point: None, folder: None }
    }
}
