//! A run directory that somebody else may be writing: what it is and what it plans.

use std::fs;
use std::path::Path;

use crate::output::Failure;
use focalsweep_core::plan::{Plan, Trials};
use focalsweep_core::record::{Manifest, RunDir, RunDirError};
use focalsweep_core::spec::{self, Spec};

/// What stands in a run directory before anything is trained.
pub(super) struct OpenRun {
    pub(super) dir: RunDir,
    pub(super) manifest: Manifest,
    pub(super) spec: Spec,
    pub(super) trials: Trials,
    pub(super) plan: Plan,
}

impl OpenRun {
    /// Reads the manifest, the spec and the plan of `root`, without its lock.
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let manifest = RunDir::look(root).map_err(place)?;
        let manifest = manifest.ok_or_else(|| Failure::input(RunDirError::NoRun(root.to_owned())))?;
        manifest.check_current(root).map_err(place)?;
        let dir = RunDir::attend(root);
        let path = dir.path("sweep.yaml");
        let text = fs::read_to_string(&path).map_err(|why| place(RunDirError::Io { path: path.clone(), why }))?;
        let spec = spec::parse(&path.display().to_string(), &text).map_err(Failure::input)?;
        let (plan, trials) = dir.plan().map_err(place)?;
        Ok(Self { dir, manifest, spec, trials, plan })
    }
}

/// What is wrong with a directory is the user's to mend, but for what the system refuses.
pub(super) fn place(error: RunDirError) -> Failure {
    match error {
        RunDirError::Locked(_) | RunDirError::Io { .. } => Failure::environment(error),
        _ => Failure::input(error),
    }
}
