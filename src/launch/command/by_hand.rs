//! A trial of a command in the foreground: what is told to a run's processes is told to this one, and nothing is kept.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::RunDirError;
use focalsweep_core::spec::{CommandTrial, Spec, TrainerSpec};
use focalsweep_engine::data::{Again, columns_of};
use focalsweep_engine::job::{JobError, read_scores};
use focalsweep_engine::train::{Measured, measure_outside};

use super::attempt::{GPUS, Told, environment, lay_out};
use super::files::write;
use super::order::{TrialOrder, all_epochs, columns};
use super::words::expanded;

/// A trial that is laid out to be run.
#[derive(Debug)]
pub struct ByHand<'a> {
    trainer: &'a TrainerSpec,
    order: TrialOrder,
    /// The JSON file that says what to train.
    pub order_file: PathBuf,
    /// The words of the command.
    pub words: Vec<String>,
}

impl<'a> ByHand<'a> {
    /// Writes the data files of `data` and what the command is told into `folder`, which stays.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn lay_out(
        folder: PathBuf,
        (trial_id, trial): (String, &CommandTrial),
        (spec, trainer): (&Spec, &'a TrainerSpec),
        (rows, data): (&Again<'_>, &Arc<Replicate>),
    ) -> Result<Self, JobError> {
        let failed = |why: io::Error| RunDirError::io(&folder, why);
        let files = write(&folder.join("inputs"), rows, data, trainer.inputs)?;
        let source = rows.source();
        let of = (data.index, source.label.as_str());
        let (files, going) = ((files, columns(trainer, &columns_of(source))), (all_epochs(spec, trainer), None));
        let order = TrialOrder::new((spec, trainer), (trial_id, trial), of, &folder, files, going).map_err(failed)?;
        let order_file = lay_out(&folder, &order).map_err(failed)?;
        let words = expanded(&trainer.command, &order.parameters);
        Ok(Self { trainer, order, order_file, words })
    }

    /// Runs the command; it reads and prints where this program does. It sees the GPUs that this program sees.
    ///
    /// # Errors
    /// There is no such program.
    pub fn run(&self) -> io::Result<ExitStatus> {
        let told = Told { trainer: self.trainer, order: &self.order, gpus: &[] };
        let own = environment(&told, &self.order_file);
        let own = own.into_iter().filter(|(name, _)| *name != GPUS || self.trainer.gpus == 0);
        let (program, arguments) = self.words.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.trainer.folder()).envs(own).status()
    }

    /// What its scores are worth.
    ///
    /// # Errors
    /// They are wrong, in words.
    pub fn measure(&self, data: &Replicate, spec: &Spec) -> Result<Measured, String> {
        let scores = read_scores(&self.order.out, data)?;
        measure_outside(&scores, self.trainer.output, data, &spec.operating_point)
    }
}
