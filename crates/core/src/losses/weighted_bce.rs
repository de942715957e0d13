//! Class-weighted binary cross-entropy: -w_t log p_t.

use super::{Drawn, LossDefinition, LossTerms};
use crate::spec::Hyperparameters;

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "class weights",
    called: "weighted_bce",
    when_plain: None,
    family: 0,
    reference: "King & Zeng 2001, Political Analysis 9(2); scikit-learn's class_weight=\"balanced\"",
    terms,
};

/// The trial's `pos_weight` against 1, or n / (2 n_class) as scikit-learn balances classes.
fn terms(trial: &Hyperparameters, drawn: Drawn) -> LossTerms {
    let (positives, negatives) = (drawn.positives as f64, drawn.negatives as f64);
    let half = (positives + negatives) / 2.0;
    let (positive, negative) = match trial.pos_weight {
        Some(weight) => (weight, 1.0),
        None => (half / positives, half / negatives),
    };
    LossTerms { positive, negative, gamma: 0.0 }
}
