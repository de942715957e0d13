//! Why a run did not go its way.

use std::path::PathBuf;

use miette::Diagnostic;

use super::refit_fault::RefitFault;
use crate::launch::LaunchError;
use crate::launch::command::TrainerFault;
use crate::launch::devices::NoDevice;
use crate::launch::slurm::SlurmError;
use crate::launch::torch::NoTorch;
use focalsweep_core::plan::SamplerFault;
use focalsweep_core::record::{RunDirError, SPEC};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::SpecFaults;
use focalsweep_engine::data::DataError;
use focalsweep_report::ReportError;

/// Who has to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Spec, data or options are wrong: exit code 2.
    Input,
    /// The machine, the disk, a device or the cluster does not do what is needed: exit code 3.
    Environment,
}

/// Why a run did not go its way. What had ended by then is saved.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum RunError {
    /// The sweep file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] SpecFaults),
    /// The sweep has no sampler: its grid is too large to be counted, or its space cannot be drawn from.
    #[error("parameters: {0}")]
    #[diagnostic(help("a grid multiplies: fewer values a parameter, or fewer parameters; or `method: random`"))]
    Sampler(#[from] SamplerFault),
    /// Workers alone cannot train what is not chosen yet.
    #[error("`--prepare` plans everything at once, and `{key}` chooses wave by wave")]
    #[diagnostic(help("`launch: {{launcher: slurm}}` sends each wave to the cluster, and waits for it"))]
    PrepareSearch {
        /// The key of the sweep file.
        key: String,
    },
    /// Nobody would ask for the second wave.
    #[error("`--detach` leaves when everything is submitted, and with `{key}` that is one part after the other")]
    #[diagnostic(help("`focalsweep run … --detach` puts a launcher on the cluster, which needs one core"))]
    DetachSearch {
        /// The key of the sweep file.
        key: String,
    },
    /// A device.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] NoDevice),
    /// libtorch is asked for.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Torch(#[from] NoTorch),
    /// A trainer of the user's.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trainer(#[from] TrainerFault),
    /// A setting that is to be trained on all rows.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Refit(#[from] RefitFault),
    /// The data.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Data(#[from] DataError),
    /// The run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// The launcher on this machine.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Launch(#[from] LaunchError),
    /// The cluster.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Slurm(#[from] SlurmError),
    /// Who confirms chooses by the whole search.
    #[error("the search of {} is not over: {rows} of {all} rows are there", .root.display())]
    #[diagnostic(help(
        "`focalsweep run {} --out {} --resume` finishes it", quoted(.root.join(SPEC)), quoted(.root)
    ))]
    SearchNotOver {
        /// The run directory.
        root: PathBuf,
        /// Rows that are there.
        rows: usize,
        /// Rows of the search.
        all: usize,
    },
    /// Rows that are there and rows to come would have figures at different operating points.
    #[error("{} has another `operating_point`, and is not finished", .root.display())]
    #[diagnostic(help(
        "finish it first, with the one that it was begun with: `focalsweep run {} --out {} --resume`; then it may \
         change. `focalsweep report {} --operating-point …` looks at what there is without that",
        quoted(.root.join(SPEC)), quoted(.root), quoted(.root)
    ))]
    PointOfUnfinished {
        /// The run directory.
        root: PathBuf,
    },
    /// Trials that ended early were judged on fewer replicates.
    #[error("{} has {planned} replicates, and its trials ended early by what they came to on these", .root.display())]
    #[diagnostic(help(
        "`focalsweep confirm` trains the best afresh on more; or give this sweep a directory of its own with \
         `--out DIR`"
    ))]
    ReplicatesOfEarly {
        /// The run directory.
        root: PathBuf,
        /// Its replicates.
        planned: usize,
    },
    /// Rows cannot be measured at another operating point.
    #[error("the `operating_point` of {} cannot change: {why}", .root.display())]
    #[diagnostic(help("put it back; or give this sweep a directory of its own with `--out DIR`, with `scores: all`"))]
    PointWithoutScores {
        /// The run directory.
        root: PathBuf,
        /// What is missing.
        why: String,
    },
    /// There is nothing to look at.
    #[error("no trial of {} has ended yet", .0.display())]
    #[diagnostic(help("`focalsweep status {}` says how far the run is", quoted(.0)))]
    NothingYet(PathBuf),
    /// Runs that are to be ranked together trained a trial otherwise.
    #[error("trial {trial} has another {metric} in {} than in {}", .runs[1], .runs[0])]
    #[diagnostic(help(
        "they trained it otherwise, so their trials cannot be ranked together; `focalsweep compare {} {}` sets them \
         side by side and says which keys differ", .runs[0], .runs[1]
    ))]
    OtherFigures {
        /// Its id.
        trial: String,
        /// The figure.
        metric: String,
        /// The run directories, as a shell takes them.
        runs: [String; 2],
    },
    /// Some jobs have to be trained again, and a cluster's tasks train whole plans.
    #[error("{jobs} jobs of {} have to be trained again, since their files are missing or damaged", .root.display())]
    #[diagnostic(help("`--launcher local` trains them here"))]
    MendOnCluster {
        /// How many.
        jobs: usize,
        /// The run directory.
        root: PathBuf,
    },
    /// The results that were just written cannot be reported.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] ReportError),
    /// A value has no text.
    #[error("cannot write {what}: {why}")]
    Serialize {
        /// The file or part of it.
        what: &'static str,
        /// What the writer says.
        why: String,
    },
}

impl RunError {
    /// Who has to change something. What is wrong with a run directory is the user's to mend, but for what is damaged
    /// and what the system refuses.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Data(error) if error.is_of_the_system() => Blame::Environment,
            Self::Spec(_)
            | Self::Sampler(_)
            | Self::PrepareSearch { .. }
            | Self::DetachSearch { .. }
            | Self::Trainer(_)
            | Self::Refit(_)
            | Self::Data(_)
            | Self::SearchNotOver { .. }
            | Self::NothingYet(_)
            | Self::PointOfUnfinished { .. }
            | Self::PointWithoutScores { .. }
            | Self::ReplicatesOfEarly { .. }
            | Self::OtherFigures { .. }
            | Self::Device(NoDevice::Unknown { .. } | NoDevice::FusedOnGpu { .. }) => Blame::Input,
            Self::RunDir(error) => blame_of_dir(error),
            Self::Report(error) => blame_of_report(error),
            Self::Device(NoDevice::Missing { .. })
            | Self::Torch(_)
            | Self::Launch(_)
            | Self::Slurm(_)
            | Self::MendOnCluster { .. }
            | Self::Serialize { .. } => Blame::Environment,
        }
    }

    /// Of a value that has no text.
    pub(super) fn unwritable(what: &'static str, why: impl ToString) -> Self {
        Self::Serialize { what, why: why.to_string() }
    }
}

/// Who has to change something where a run directory cannot be used.
fn blame_of_dir(error: &RunDirError) -> Blame {
    match error {
        RunDirError::Locked(_) | RunDirError::Io { .. } | RunDirError::Broken { .. } => Blame::Environment,
        _ => Blame::Input,
    }
}

/// Who has to change something where there is no report.
fn blame_of_report(error: &ReportError) -> Blame {
    match error {
        ReportError::RunDir(error) => blame_of_dir(error),
        ReportError::Unreadable { .. } => Blame::Environment,
        _ => Blame::Input,
    }
}
