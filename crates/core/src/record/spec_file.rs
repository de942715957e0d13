//! sweep.yaml: the spec of a run with its defaults.

use std::fs;
use std::io;
use std::path::Path;

use super::error::RunDirError;
use super::run_dir::RunDir;
use crate::spec::{self, Spec};

/// Name of the file.
const SPEC: &str = "sweep.yaml";

impl RunDir {
    /// Writes the spec with its defaults.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_spec(&self, spec: &Spec) -> Result<(), RunDirError> {
        let text = spec::to_yaml(spec).map_err(|e| RunDirError::io(&self.path(SPEC), io::Error::other(e)))?;
        self.write(SPEC, text.as_bytes())
    }
}

/// The spec of the run in `root`: that it was begun with, or last resumed with.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_spec(root: &Path) -> Result<Spec, RunDirError> {
    let path = root.join(SPEC);
    let text = fs::read_to_string(&path).map_err(|why| RunDirError::Io { path: path.clone(), why })?;
    Ok(spec::parse(&path.display().to_string(), &text)?)
}
