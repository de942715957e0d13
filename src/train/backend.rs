//! What an arithmetic engine does for a stack; how epochs, early stopping and checkpoints go is not its business.

use super::error::TrainError;
use crate::data::Rows;

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

/// One step's rows and its dropout uniforms.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// Positions in the training rows.
    pub(super) rows: &'a [u32],
    /// For each hidden layer uniforms `[rows, width]`, shared by all models; empty when no model drops.
    pub(super) uniforms: Vec<Vec<f32>>,
    /// 1-based count of updates, for Adam's bias correction.
    pub(super) update: u64,
}

/// Scores of M models over N rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    /// Probabilities `[M, N]`.
    pub(super) scores: Vec<f32>,
    /// Mean loss of each model, `[M]`.
    pub(super) loss: Vec<f64>,
}

/// Forward, backward and update of a stack on one device.
pub(super) trait Backend {
    /// One update of every model. Adds each model's summed batch loss to `losses`, `[K]`.
    fn step(&mut self, train: &Rows, batch: &Batch<'_>, losses: &mut [f64]) -> Result<(), TrainError>;

    /// Current parameters.
    fn parameters(&self) -> Result<Parameters, TrainError>;

    /// Scores `rows` without dropout with the given weights `[M, P]` of the stack's models `models` (`[M]`).
    fn score(&self, weights: &[f32], models: &[usize], rows: &Rows) -> Result<Scored, TrainError>;

    /// Keeps the models at `keep` (ascending), drops the others.
    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError>;
}
