//! Why a run on a cluster did not come to its end. What had ended by then is saved.

use focalsweep_core::record::RunDirError;

/// Why a run on a cluster did not come to its end.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SlurmError {
    /// The run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// There is no Slurm here.
    #[error("there is no `{0}` on the PATH")]
    #[diagnostic(help(
        "`--launcher slurm` submits from a host of the cluster where Slurm's programs are; `--launcher local` trains \
         here"
    ))]
    Missing(&'static str),
    /// sbatch said no.
    #[error("sbatch refused the job: {0}")]
    #[diagnostic(help(
        "the keys of launch.slurm say what is asked for, the script is slurm/submit.sh in the run directory; after a \
         change run again with --resume"
    ))]
    Refused(String),
    /// The controller does not answer.
    #[error("Slurm's controller does not answer: {0}")]
    #[diagnostic(help("nothing is lost: run again with --resume when it does; `scontrol ping` tells"))]
    Unreachable(String),
    /// Tasks that ended with rows missing.
    #[error("{}", .0.join("\n"))]
    #[diagnostic(help("what had ended is saved; when the cause is mended, --resume submits what is missing"))]
    Tasks(Vec<String>),
    /// The program or the directory has a name that a batch script cannot hold.
    #[error("the path {0} cannot stand in a batch script")]
    #[diagnostic(help("use a run directory whose path is UTF-8 without line breaks, double quotes and backslashes"))]
    Path(String),
}
