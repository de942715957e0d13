//! Drives the real binary, as a person at a prompt would.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Data.
    pub(crate) stdout: String,
    /// Talk.
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The same, having made sure that no panic shows, nor a colour where nobody watches.
    pub(crate) fn calm(self) -> Self {
        for word in ["panicked", "RUST_BACKTRACE", "has a bug", "\u{1b}"] {
            assert!(!self.stderr.contains(word), "{word:?} in:\n{}", self.stderr);
        }
        self
    }
}

/// The program, to be run in `folder`, not changed by what the tester has in the environment.
pub(crate) fn program(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_focalsweep"));
    command.current_dir(folder).stdin(Stdio::null());
    for name in ["RUST_BACKTRACE", "RUST_LOG", "COLUMNS", "NO_COLOR", "FOCALSWEEP_SIMD"] {
        command.env_remove(name);
    }
    command
}

/// Runs the program in `folder` to its end.
pub(crate) fn focalsweep<S: AsRef<std::ffi::OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Said {
    let mut command = assert_cmd::Command::from_std(program(folder));
    Said::of(&command.args(args).output().expect("the program starts")).calm()
}

/// Every file below `folder` with its bytes, and every folder with none, by relative path.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            if path.is_dir() {
                found.insert(name + "/", Vec::new());
                walk(root, &path, found);
            } else {
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}
