//! The rows that an epoch draws.

use focalsweep_core::losses::Drawn;
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
    let positives = train.positives();
    (samplings::definition(trial.sampling).drawn)(Drawn { positives, negatives: train.len() - positives })
}
