//! What is looked at: the files of a run, or tables that were made of its journals.

use focalsweep_core::record::{RunDir, RunDirError, RunFiles, RunState};
use focalsweep_core::spec::OperatingPoint;
use focalsweep_report::SoFar;
use tempfile::TempDir;

/// The files of a run, whatever state it is in.
#[derive(Debug)]
pub struct Look {
    /// Its tables.
    pub files: RunFiles,
    /// What is to be known of them: that these are not all rows of the run, or are of several.
    pub warnings: Vec<String>,
    /// How far the run is, where it is not over.
    pub so_far: Option<SoFar>,
    /// Where figures at the operating point are to be measured again, since not all were measured there.
    pub point: Option<OperatingPoint>,
    /// Where the tables are, as long as this is kept.
    pub folder: Option<TempDir>,
}

impl Look {
    /// At tables that are whole.
    ///
    /// # Errors
    /// The plan of a run that was stopped is damaged: nobody could say how far it came.
    pub fn of(files: RunFiles) -> Result<Self, RunDirError> {
        let so_far = stopped_at(&files)?;
        Ok(Self { files, warnings: Vec::new(), so_far, point: None, folder: None })
    }

    /// The same where files may be damaged: what cannot be said for it is a warning.
    pub fn unchecked(files: RunFiles) -> Self {
        let (so_far, warnings) = match stopped_at(&files) {
            Ok(so_far) => (so_far, Vec::new()),
            Err(why) => (None, vec![format!("nobody knows how far the run came: {why}")]),
        };
        Self { files, warnings, so_far, point: None, folder: None }
    }
}

/// How far a run was when somebody stopped it; `None` of one that ended by itself.
fn stopped_at(files: &RunFiles) -> Result<Option<SoFar>, RunDirError> {
    let manifest = files.manifest();
    if manifest.state != RunState::Interrupted || manifest.ended.is_some() {
        return Ok(None);
    }
    let (plan, _) = RunDir::attend(files.root()).plan()?;
    Ok(Some(SoFar { rows: manifest.counts.rows, of: plan.rows(), goes_on: false }))
}
