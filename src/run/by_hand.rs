//! A run that is looked at to run one trial of a command by hand. Nothing of it is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::RunError;
use super::workload::Workload;
use crate::launch::LaunchError;
use crate::launch::command::{ByHand, folder_of_trial};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{RunDir, RunFiles};
use focalsweep_core::spec::{CommandTrial, Spec, TrainerSpec};
use focalsweep_engine::train::Measured;

/// The run, its data read.
#[derive(Debug)]
pub struct Looked {
    root: PathBuf,
    spec: Spec,
    workload: Workload,
}

/// A trial of a command on a replicate.
#[derive(Debug)]
pub struct Found<'a> {
    run: &'a Looked,
    trial: (String, CommandTrial),
    trainer: &'a TrainerSpec,
    data: &'a Arc<Replicate>,
}

/// Reads the run in `root`, its plan and its data.
///
/// # Errors
/// There is none, or its data cannot be had.
pub fn look(root: &Path) -> Result<Looked, RunError> {
    let files = RunFiles::read(root)?;
    files.manifest().check_current(root)?;
    let spec = files.spec()?;
    let workload = Workload::recorded(&spec, &RunDir::attend(root))?;
    Ok(Looked { root: root.to_owned(), spec, workload })
}

impl Looked {
    /// Ids of all trials.
    pub fn ids(&self) -> Vec<String> {
        self.workload.trials.places().into_keys().collect()
    }

    /// A trial of a command.
    ///
    /// # Errors
    /// It is none, or there is no such replicate, in words.
    pub fn find(&self, id: &str, replicate: u32) -> Result<Found<'_>, String> {
        let place = self.workload.trials.places().get(id).copied().ok_or("there is none")?;
        let trial = *self.workload.trials.get(place).command.ok_or("no command trains it")?;
        let trainer = self.spec.trainers.get(&trial.trainer).ok_or("its trainer is not in the sweep file")?;
        let replicates = &self.workload.replicates;
        let data = replicates.get(replicate as usize).ok_or_else(|| {
            format!("there is no replicate {replicate}, expected a number below {}", replicates.len())
        })?;
        Ok(Found { run: self, trial: (id.to_owned(), trial), trainer, data })
    }
}

impl Found<'_> {
    /// Where the command is run.
    pub fn folder(&self) -> &Path {
        self.trainer.folder()
    }

    /// Writes what the command needs, beside what the run has of the trial.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn lay_out(&self) -> Result<ByHand<'_>, RunError> {
        let (id, trial) = &self.trial;
        let of_run = folder_of_trial(&self.run.root, id, self.data.index);
        let mut name = of_run.file_name().unwrap_or_default().to_owned();
        name.push("-by-hand");
        let Looked { spec, workload, .. } = self.run;
        let (of_spec, rows) = ((spec, self.trainer), (&workload.again(spec), self.data));
        let laid_out = ByHand::lay_out(of_run.with_file_name(name), (id.clone(), trial), of_spec, rows);
        Ok(laid_out.map_err(LaunchError::from)?)
    }

    /// What the scores are worth that the command wrote.
    ///
    /// # Errors
    /// They are wrong, in words.
    pub fn measure(&self, laid_out: &ByHand<'_>) -> Result<Measured, String> {
        laid_out.measure(self.data, &self.run.spec)
    }
}
