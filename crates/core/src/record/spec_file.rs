//! sweep.yaml: the spec of a run with its defaults.

use std::io;

use super::error::RunDirError;
use super::run_dir::RunDir;
use super::run_files::RunFiles;
use crate::spec::{self, Spec};

/// Name of the file.
pub const SPEC: &str = "sweep.yaml";

impl RunDir {
    /// Makes the file of the spec with its defaults, for [`RunDir::commit`].
    ///
    /// # Errors
    /// It cannot be written.
    pub fn stage_spec(&self, spec: &Spec) -> Result<(), RunDirError> {
        let text = spec::to_yaml(spec).map_err(|e| RunDirError::io(&self.path(SPEC), io::Error::other(e)))?;
        self.stage(SPEC, text.as_bytes())
    }
}

impl RunFiles {
    /// The spec of the run: that it was begun with, or last resumed with.
    ///
    /// # Errors
    /// It is missing or not as it was written, cannot be read, or is none.
    pub fn spec(&self) -> Result<Spec, RunDirError> {
        let path = self.path(SPEC);
        let broken = |why: &str| RunDirError::Broken { path: path.clone(), why: why.to_owned() };
        let bytes = self.bytes(SPEC)?.ok_or_else(|| broken("it is missing"))?;
        let text = String::from_utf8(bytes).map_err(|_| broken("it is no text"))?;
        Ok(spec::parse(&path.display().to_string(), &text)?)
    }
}
