//! What is wrong with a trainer of a sweep file.

use std::path::PathBuf;

/// Why a command cannot be run as the sweep file has it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TrainerFault {
    /// Its program is not there.
    #[error("trainers.{trainer}.{key}: there is no program `{program}`")]
    NoProgram {
        /// The trainer.
        trainer: String,
        /// `command` or `predict`.
        key: &'static str,
        /// As written.
        program: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A file that it is made of is not there.
    #[error("trainers.{trainer}.{key}: there is no file {}", .path.display())]
    #[diagnostic(help("relative paths are of the sweep file's folder, or of `trainers.{trainer}.folder`"))]
    NoFile {
        /// The trainer.
        trainer: String,
        /// `command`, `predict` or `files`.
        key: &'static str,
        /// Where it would be.
        path: PathBuf,
    },
    /// It asks for more than there is.
    #[error("trainers.{trainer}.{what}: found {asked}, this machine has {there}")]
    #[diagnostic(help("ask for at most so many: a command that could never run is refused"))]
    TooMany {
        /// The trainer.
        trainer: String,
        /// `cpus` or `gpus`.
        what: &'static str,
        /// As asked.
        asked: u32,
        /// As there are.
        there: usize,
    },
    /// Two columns of its files would have one name.
    #[error("the data has a column `{name}`, which the files of a trainer have for something else")]
    #[diagnostic(help("`data.drop: [{name}]` leaves it out; in the file itself it may be called otherwise"))]
    NameTaken {
        /// The column.
        name: String,
    },
    /// Trials are planned that nothing trains.
    #[error("trials of the trainer `{trainer}` are planned, and the sweep file has no such trainer")]
    #[diagnostic(help("put `trainers.{trainer}` back"))]
    Gone {
        /// The trainer.
        trainer: String,
    },
    /// It is not the one that the run began with.
    #[error("the trainer `{trainer}` of {} is another than when its trials were trained", .root.display())]
    #[diagnostic(help(
        "its command or a file that it is made of changed: `--retrain {trainer}` trains its trials again; \
         `--out DIR` begins anew"
    ))]
    Changed {
        /// The trainer.
        trainer: String,
        /// The run directory.
        root: PathBuf,
    },
    /// What is to be trained again is no trainer.
    #[error("--retrain {trainer}: the sweep file has no such trainer")]
    Unknown {
        /// As asked.
        trainer: String,
        /// Those that there are.
        #[help]
        help: String,
    },
    /// Workers of other engines do not run commands.
    #[error("`--prepare` writes what workers of our own networks need, and the sweep has trials of `{trainer}`")]
    #[diagnostic(help(
        "`--launcher slurm` has tasks of a cluster run it, `--launcher local` runs all of it on one machine"
    ))]
    OnCluster {
        /// The trainer.
        trainer: String,
    },
}
