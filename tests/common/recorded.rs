//! Runs that programs of other versions wrote, under `tests/fixtures`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::common::files;

/// Where the fixture lies.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A folder with a copy of the fixture, `run`, and beside it, where they were kept, its rows, its sweep file and what
/// its report said.
pub(crate) fn copied(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files(&fixture(name)) {
        let path = match name.strip_prefix("expected-") {
            Some(name) => folder.path().join(name),
            None => folder.path().join("run").join(&name),
        };
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    folder
}
