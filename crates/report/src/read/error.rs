//! Why there is no report.

use std::path::{Path, PathBuf};

use focalsweep_core::metrics::catalogue::Lack;
use focalsweep_core::record::RunDirError;
use focalsweep_core::shell::quoted;

/// Why a run cannot be read or ranked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReportError {
    /// Nothing is there.
    #[error("there is no run directory {}", .0.display())]
    #[diagnostic(help("`focalsweep run SPEC` makes one, `runs/<name>` unless told otherwise"))]
    NoRun(PathBuf),
    /// Something else is there.
    #[error("{} is not a run directory: it has no manifest.json that focalsweep wrote", .0.display())]
    #[diagnostic(help("a run directory is what `focalsweep run SPEC` writes, `runs/<name>` unless told otherwise"))]
    NotOurs(PathBuf),
    /// The run has not come that far.
    #[error("{} has no results.parquet yet", .0.display())]
    #[diagnostic(help(
        "`focalsweep run {} --out {} --resume` goes on with the run", quoted(.0.join("sweep.yaml")), quoted(.0)
    ))]
    NoResults(PathBuf),
    /// It is of a version that this program does not know, or a file of it is damaged.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// A file cannot be read.
    #[error("cannot read {}: {why}", .path.display())]
    #[diagnostic(help("it was changed or damaged since focalsweep wrote it, or is not yours to read"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        why: String,
    },
    /// A file lacks a column.
    #[error("{} has no column `{column}`", .path.display())]
    #[diagnostic(help("it was not written by focalsweep, or changed since"))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A rank key is no metric.
    #[error(
        "`{name}` is not a metric to rank by{}",
        .nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
    )]
    #[diagnostic(help("one of {known}; each on the split that `on` names"))]
    UnknownMetric {
        /// As asked.
        name: String,
        /// The nearest metric.
        nearest: Option<&'static str>,
        /// All metrics.
        known: String,
    },
    /// A rank key is not among the results.
    #[error("these results have no column `{0}`")]
    NotMeasured(String),
    /// Two runs are of other data.
    #[error(
        "{} and {} are of other data, or prepared otherwise: fingerprints {} and {}",
        .dirs[0].display(), .dirs[1].display(), .fingerprints[0], .fingerprints[1]
    )]
    #[diagnostic(help("compare runs of the same file with the same keys under `data`; train one of them again"))]
    OtherData {
        /// The run directories.
        dirs: [PathBuf; 2],
        /// Their data fingerprints.
        fingerprints: [String; 2],
    },
    /// Two runs have no split in common.
    #[error(
        "{} and {} split the same data otherwise: fingerprints of their first splits {} and {}",
        .dirs[0].display(), .dirs[1].display(), .fingerprints[0], .fingerprints[1]
    )]
    #[diagnostic(help("compare runs with the same `seed` and the same keys under `split`; train one of them again"))]
    OtherSplits {
        /// The run directories.
        dirs: [PathBuf; 2],
        /// The fingerprints of their first splits.
        fingerprints: [String; 2],
    },
    /// A metric ranks that the operating point does not define.
    #[error("`{metric}` needs {}", .lack.needs)]
    #[diagnostic(help("such as `--operating-point {}`", .lack.option()))]
    NotAtPoint {
        /// The metric.
        metric: String,
        /// What defines it.
        lack: Lack,
    },
    /// No rank keys.
    #[error("no metric to rank by")]
    #[diagnostic(help("name one or more, the most important first: auc,op_fn"))]
    NoKeys,
    /// Nothing was trained afresh.
    #[error("no trial of {} was trained afresh", .0.display())]
    #[diagnostic(help("`focalsweep confirm {}` trains the best ones", quoted(.0)))]
    NothingConfirmed(PathBuf),
    /// No rows.
    #[error("there are no results to rank")]
    NoRows,
}

impl ReportError {
    /// Of a Parquet file that its reader cannot make sense of.
    pub(super) fn contradicts(path: &Path) -> Self {
        Self::Unreadable { path: path.to_owned(), why: "its pages contradict what it says of them".to_owned() }
    }
}
