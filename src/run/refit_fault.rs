//! Why a setting of a run cannot be trained on all rows.

use std::path::PathBuf;

use focalsweep_core::shell::quoted;
use focalsweep_engine::train::TrainError;

/// Why a setting cannot be trained on all rows.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RefitFault {
    /// The thresholds of the run's models say nothing without the models.
    #[error("{} has no model of trial {trial}, replicate {replicate}, whose threshold is to be carried over", .models.display())]
    #[diagnostic(help("models are written when a run ends: `focalsweep run SPEC --out {} --resume` finishes it", quoted(.root)))]
    NoModel {
        /// The run directory.
        root: PathBuf,
        /// Its folder of models.
        models: PathBuf,
        /// The trial.
        trial: String,
        /// The replicate.
        replicate: u32,
    },
    /// Figures, epochs and threshold are of other rows.
    #[error("the data of {} are others than its models were trained on (fingerprint {then}, now {now})", .root.display())]
    #[diagnostic(help("put the source back, or run the sweep on the new rows: `focalsweep run SPEC --out DIR`"))]
    OtherData {
        /// The run directory.
        root: PathBuf,
        /// Fingerprint of the run's data.
        then: String,
        /// That of the data that are there.
        now: String,
    },
    /// It does not train.
    #[error("trial {trial} cannot be trained on all rows: {why}")]
    #[diagnostic(help("`focalsweep export` without `--refit` takes the model of a replicate"))]
    Training {
        /// The trial.
        trial: String,
        /// Why not.
        why: TrainError,
    },
}
