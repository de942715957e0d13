//! What an arithmetic engine does for a stack; how epochs, early stopping and checkpoints go is not its business.

use std::ops::Range;

use super::error::TrainError;
use crate::data::{Replicate, Rows};

/// Parameters and Adam moments of K models, each `[K, P]` row-major with every model in the layout of
/// [`Shape`](super::Shape).
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
    pub(super) fn retain(&mut self, keep: &[usize], size: usize) {
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
pub(super) struct Batch<'a> {
    /// 0-based epoch.
    pub(super) epoch: u32,
    /// 0-based step of it.
    pub(super) step: u32,
    /// Positions in the training rows, in the order in which the whole epoch draws them.
    pub(super) order: &'a [u32],
    /// The step's part of `order`.
    pub(super) at: Range<usize>,
    /// 1-based count of updates, for Adam's bias correction.
    pub(super) update: u64,
}

impl Batch<'_> {
    /// Positions in the training rows.
    pub(super) fn rows(&self) -> &[u32] {
        &self.order[self.at.clone()]
    }
}

/// A part of a replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    /// Its rows.
    pub(super) fn of(self, data: &Replicate) -> &Rows {
        match self {
            Self::Train => &data.train,
            Self::Validation => &data.validation,
            Self::Test => &data.test,
        }
    }
}

/// Scores of M models over N rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    /// Probabilities `[M, N]`.
    pub(super) scores: Vec<f32>,
    /// Mean loss of each model, `[M]`.
    pub(super) loss: Vec<f64>,
}

/// Forward, backward and update of a stack on one device, over one replicate.
pub(super) trait Backend {
    /// One update of every model, and its summed batch loss added to the model's total.
    fn step(&mut self, batch: &Batch<'_>) -> Result<(), TrainError>;

    /// Each model's total loss, `[K]`; the totals begin again at 0.
    fn take_losses(&mut self) -> Result<Vec<f64>, TrainError>;

    /// Current parameters.
    fn parameters(&self) -> Result<Parameters, TrainError>;

    /// Scores a part without dropout with the given weights `[M, P]` of the stack's models `models` (`[M]`).
    fn score(&self, weights: &[f32], models: &[usize], part: Part) -> Result<Scored, TrainError>;

    /// Keeps the models at `keep` (ascending), drops the others. Asked between epochs, when the totals are 0.
    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError>;
}
