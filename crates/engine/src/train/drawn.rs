//! The rows that an epoch draws.

use focalsweep_core::losses::{Drawn, Mass};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Rows;
use focalsweep_core::samplings;

/// Rows that an epoch of `trial` draws.
pub(super) fn rows_per_epoch(trial: &Hyperparameters, train: &Rows) -> usize {
    let drawn = drawn(trial, train);
    drawn.positives + drawn.negatives
}

/// Rows of each class that an epoch of `trial` draws.
pub(super) fn drawn(trial: &Hyperparameters, train: &Rows) -> Drawn {
    samplings::drawn(trial, there(train))
}

/// Rows of each class that there are.
pub(super) fn there(train: &Rows) -> Drawn {
    let positives = train.positives();
    Drawn { positives, negatives: train.len() - positives }
}

/// What the rows that are drawn come to by their weights, where they have any: class weights and starting biases go by
/// it, as scikit-learn's `compute_class_weight(sample_weight=…)` does. Sampling draws rows, whatever they weigh.
pub(super) fn mass(drawn: Drawn, train: &Rows) -> Mass {
    let [positive, negative] = train.mean_weights();
    let Mass { positives, negatives } = drawn.into();
    Mass { positives: positives * positive, negatives: negatives * negative }
}
