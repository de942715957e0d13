//! A run directory that somebody else may be writing: what it is and what it plans.

use std::path::Path;

use super::error::RunError;
use focalsweep_core::plan::{Plan, Trials};
use focalsweep_core::record::{Manifest, RunDir, RunDirError, read_spec};
use focalsweep_core::spec::Spec;

/// What stands in a run directory before anything is trained.
#[derive(Debug)]
pub struct OpenRun {
    /// The directory.
    pub dir: RunDir,
    /// How far it is.
    pub manifest: Manifest,
    /// Its sweep, with all defaults.
    pub spec: Spec,
    /// The trials of that.
    pub trials: Trials,
    /// Its jobs.
    pub plan: Plan,
}

impl OpenRun {
    /// Reads the manifest, the spec and the plan of `root`, without its lock.
    ///
    /// # Errors
    /// There is no run, or a file of it cannot be read.
    pub fn read(root: &Path) -> Result<Self, RunError> {
        let manifest = RunDir::look(root)?.ok_or_else(|| RunDirError::NoRun(root.to_owned()))?;
        manifest.check_current(root)?;
        let dir = RunDir::attend(root);
        let spec = read_spec(root)?;
        let (plan, trials) = dir.plan()?;
        Ok(Self { dir, manifest, spec, trials, plan })
    }
}
