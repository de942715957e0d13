//! Why a run directory cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use super::version::FORMAT_VERSION;
use crate::spec::SpecFaults;

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunDirError {
    /// It holds another run.
    #[error("{} holds an earlier run ({state})", .path.display())]
    #[diagnostic(help("`--resume` goes on with it, `--out DIR` writes elsewhere; to start afresh, remove it"))]
    Taken {
        /// The directory.
        path: PathBuf,
        /// How far that run has come.
        state: String,
    },
    /// It holds something else.
    #[error("{} is not empty and is not a run directory", .0.display())]
    #[diagnostic(help("`--out DIR` writes elsewhere"))]
    NotOurs(PathBuf),
    /// It holds nothing.
    #[error("{} holds no run", .0.display())]
    #[diagnostic(help("`focalsweep run SPEC` makes one; its directory is `runs/NAME` unless `--out` says otherwise"))]
    NoRun(PathBuf),
    /// The sweep or the data changed since the run began.
    #[error("{} was started with {what}", .path.display())]
    #[diagnostic(help(
        "undo the change, or give this sweep a directory of its own with `--out DIR`; `confirm`, `launch`, \
         `rank` and, of a finished run, `operating_point` may change, `parameters` and `replicates` may become more, \
         and the source may lie elsewhere"
    ))]
    Changed {
        /// The directory.
        path: PathBuf,
        /// What was different.
        what: String,
    },
    /// Another process writes there.
    #[error("another focalsweep is running in {}", .0.display())]
    #[diagnostic(help("wait for it, or use `--out DIR`"))]
    Locked(PathBuf),
    /// A later program made it.
    #[error("{} has format version {version}; this focalsweep knows versions up to {FORMAT_VERSION}", .path.display())]
    #[diagnostic(help("use the focalsweep that made it, or a later one"))]
    Format {
        /// The directory.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// A program between two releases made it.
    #[error(
        "{} is of draft {draft} of format version {FORMAT_VERSION}, of a time before its release",
        .path.display()
    )]
    #[diagnostic(help(
        "drafts are of programs between two releases, and only the program that began such a run knows it: use that \
         one, or start afresh elsewhere with `--out DIR`"
    ))]
    Draft {
        /// The directory.
        path: PathBuf,
        /// Its draft.
        draft: u64,
    },
    /// An earlier program made it.
    #[error(
        "{} is a run of format version {version}, made by {program}: this focalsweep does not go on with it",
        .path.display()
    )]
    #[diagnostic(help(
        "`report`, `compare` and `export` read it as it is; to go on, use the focalsweep that began it, or start \
         afresh elsewhere with `--out DIR`"
    ))]
    Earlier {
        /// The directory.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// What began it.
        program: String,
    },
    /// A file stands in its place.
    #[error("{} is a file, not a folder", .0.display())]
    #[diagnostic(help("`--out DIR` names the folder that the run writes"))]
    NotAFolder(PathBuf),
    /// Its sweep file is none any more.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] SpecFaults),
    /// A file of it is not as it was written.
    #[error("{} is damaged: {why}", .path.display())]
    #[diagnostic(help(
        "`focalsweep run SPEC --resume` makes most files again, and trains again what it cannot make; manifest.json \
         and plan.jsonl come from a copy only. `focalsweep report --unchecked` reads files that somebody changed on \
         purpose"
    ))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        why: String,
    },
    /// A file of it cannot be read or written.
    #[error("cannot use {}: {why}", .path.display())]
    #[diagnostic(help("the folder must be yours to write in and have room; `--out DIR` writes elsewhere"))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
}

impl RunDirError {
    /// Of an error of the system, or of a file whose content is wrong.
    pub fn io(path: &Path, source: impl Into<io::Error>) -> Self {
        let why: io::Error = source.into();
        if why.kind() == io::ErrorKind::InvalidData {
            return Self::Broken { path: path.to_owned(), why: why.to_string() };
        }
        Self::Io { path: path.to_owned(), why }
    }

    pub(super) fn broken(path: &Path, why: &serde_json::Error) -> Self {
        Self::Broken { path: path.to_owned(), why: why.to_string() }
    }
}
