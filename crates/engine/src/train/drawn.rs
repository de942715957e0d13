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
    samplings::drawn(trial, there(train))
}

/// Rows of each class that there are.
pub(super) fn there(train: &Rows) -> Drawn {
    let positives = train.positives();
    Drawn { positives, negatives: train.len() - positives }
}
