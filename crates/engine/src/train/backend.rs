//! What an arithmetic engine does for a stack; how epochs, early stopping and checkpoints go is not its business.

use std::ops::Range;

use super::error::TrainError;
use focalsweep_core::prepared::{Replicate, Rows};

use super::stack::Stack;

/// Parameters and Adam moments of K models, each `[K, P]` row-major with every model in the layout of
/// [`Shape`](focalsweep_core::plan::Shape).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    /// Weights and biases.
    pub weights: Vec<f32>,
    /// First moments; zeros for sgd.
    pub first: Vec<f32>,
    /// Second moments; zeros for sgd.
    pub second: Vec<f32>,
}

impl Parameters {
    /// Keeps the models at `keep` (ascending), drops the others. `size` is P.
    pub fn retain(&mut self, keep: &[usize], size: usize) {
        for values in [&mut self.weights, &mut self.first, &mut self.second] {
            *values = select(values, keep, size);
        }
    }
}

/// The rows of `[K, size]` values at `keep`.
pub(super) fn select(values: &[f32], keep: &[usize], size: usize) -> Vec<f32> {
    keep.iter().flat_map(|&k| &values[k * size..(k + 1) * size]).copied().collect()
}

/// One step of an epoch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// 0-based epoch.
    pub epoch: u32,
    /// 0-based step of it.
    pub step: u32,
    /// Positions in the training rows and, behind these, in [`Stack::synthetic`], in the order in which the whole epoch
    /// draws them.
    pub order: &'a [u32],
    /// The step's part of `order`.
    pub at: Range<usize>,
    /// 1-based count of updates, for Adam's bias correction.
    pub update: u64,
}

impl Batch<'_> {
    /// The positions of the step.
    pub fn rows(&self) -> &[u32] {
        &self.order[self.at.clone()]
    }
}

/// A part of a replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rows that weights are fitted to.
    Train,
    /// Rows that choose.
    Validation,
    /// Rows that only measure.
    Test,
    /// Negatives that choose a threshold with a guarantee.
    Calibration,
}

impl Part {
    /// Its rows.
    pub fn of(self, data: &Replicate) -> &Rows {
        match self {
            Self::Train => &data.train,
            Self::Validation => &data.validation,
            Self::Test => &data.test,
            Self::Calibration => &data.calibration,
        }
    }
}

/// Scores of M models over N rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scored {
    /// Logits `[M, N]`: what ranks and flags rows.
    pub raw: Vec<f32>,
    /// Their probabilities `[M, N]`.
    pub scores: Vec<f32>,
    /// Mean loss of each model, `[M]`.
    pub loss: Vec<f64>,
}

/// Forward, backward and update of a stack on one device, over one replicate.
pub trait Backend {
    /// One update of every model, and its summed batch loss added to the model's total.
    ///
    /// # Errors
    /// The device refused; [`TrainError::trouble`] says whose trouble that is. So for the others.
    fn step(&mut self, batch: &Batch<'_>) -> Result<(), TrainError>;

    /// Each model's total loss, `[K]`; the totals begin again at 0.
    ///
    /// # Errors
    /// The device refused.
    fn take_losses(&mut self) -> Result<Vec<f64>, TrainError>;

    /// Current parameters.
    ///
    /// # Errors
    /// The device refused.
    fn parameters(&self) -> Result<Parameters, TrainError>;

    /// Scores a part without dropout with the given weights `[M, P]` of the stack's models `models` (`[M]`).
    ///
    /// # Errors
    /// The device refused.
    fn score(&self, weights: &[f32], models: &[usize], part: Part) -> Result<Scored, TrainError>;

    /// Keeps the models at `keep` (ascending), drops the others. Asked between epochs, when the totals are 0.
    ///
    /// # Errors
    /// The device refused.
    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError>;
}

/// Makes backends of one kind, on one device. Everything else about a job is the same code whatever trains it.
pub trait Backends: Sync {
    /// A backend for the models in `slots` of `stack` with these parameters (`[slots, P]`) and losses so far
    /// (`[slots]`).
    ///
    /// # Errors
    /// The device has no room, or is gone.
    fn open<'a>(
        &self,
        stack: &'a Stack,
        data: &'a Replicate,
        slots: &[usize],
        parameters: &Parameters,
        losses: Vec<f64>,
    ) -> Result<Box<dyn Backend + 'a>, TrainError>;

    /// Lets go of what lies on the device for the next stack, after it ran out of memory or failed.
    fn forget(&self) {}
}
