//! A run directory that another process has begun: what it is, what it plans, and its rows.

use std::path::Path;
use std::sync::Arc;

use focalsweep_core::plan::{Plan, Trials};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{Manifest, RunDir, RunDirError, RunFiles};
use focalsweep_core::spec::Spec;

/// What stands in a run directory before anything is trained.
#[derive(Debug)]
pub struct AttendedRun {
    /// The directory, without its lock.
    pub dir: RunDir,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The sweep.
    pub spec: Spec,
    /// Its trials.
    pub trials: Trials,
    /// Its jobs.
    pub plan: Plan,
}

impl AttendedRun {
    /// Reads the manifest, the spec and the plan of `root`.
    ///
    /// # Errors
    /// There is no run, or a file of it cannot be read.
    pub fn read(root: &Path) -> Result<Self, RunDirError> {
        RunDir::look(root)?.ok_or_else(|| RunDirError::NoRun(root.to_owned()))?;
        let files = RunFiles::read(root)?;
        let manifest = files.manifest().clone();
        manifest.check_current(root)?;
        let dir = RunDir::attend(root);
        let spec = files.spec()?;
        let (plan, trials) = dir.plan()?;
        manifest.check_plan(root, &plan)?;
        Ok(Self { dir, manifest, spec, trials, plan })
    }

    /// Maps the prepared rows of a replicate.
    ///
    /// # Errors
    /// They are not there, or of other data.
    pub fn rows(&self, replicate: u32) -> Result<Arc<Replicate>, RunDirError> {
        self.dir.prepared(replicate, &self.manifest.data_fingerprint).map(Arc::new)
    }
}
