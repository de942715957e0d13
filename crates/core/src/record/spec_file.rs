//! sweep.yaml: the spec of a run with its defaults.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::RunDirError;
use super::names::SPEC;
use super::run_dir::RunDir;
use super::run_files::RunFiles;
use crate::spec::{self, Spec};

/// Bytes that a sweep file may have.
const MOST_BYTES: u64 = 16 << 20;

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
        let missing = || RunDirError::Broken { path: path.clone(), why: "it is missing".to_owned() };
        Ok(spec::parse_recorded(&path.display().to_string(), &self.spec_text()?.ok_or_else(missing)?)?)
    }

    /// Whether the spec was written before `train.early_stopping` and `train.epochs` could be `auto`: since then the
    /// first always stands there.
    ///
    /// # Errors
    /// As of [`RunFiles::spec`].
    pub fn is_before_auto(&self) -> Result<bool, RunDirError> {
        Ok(self.spec_text()?.is_some_and(|text| !text.contains("early_stopping")))
    }

    /// The text of the spec; `None` where there is none.
    ///
    /// # Errors
    /// As of [`RunFiles::spec`].
    pub fn spec_text(&self) -> Result<Option<String>, RunDirError> {
        let text = self.open(SPEC)?.map(read_text).transpose();
        text.map_err(|why| RunDirError::io(&self.path(SPEC), why))
    }
}

/// The text of a sweep file: no more of it is read than one may have, whatever `path` names.
///
/// # Errors
/// It cannot be read, is no UTF-8, or too large for a sweep file ([`io::ErrorKind::FileTooLarge`]).
pub fn read_spec_text(path: &Path) -> io::Result<String> {
    read_text(File::open(path)?)
}

fn read_text(file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    if file.take(MOST_BYTES + 1).read_to_end(&mut bytes)? as u64 > MOST_BYTES {
        let why = "it has more than 16 MiB, which no sweep file has";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.yaml");
        let file = File::create(&path).unwrap();
        file.set_len(MOST_BYTES).unwrap();
        assert_eq!(read_spec_text(&path).unwrap().len() as u64, MOST_BYTES);
        file.set_len(1 << 30).unwrap();
        assert_eq!(read_spec_text(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
