//! Class-weighted binary cross-entropy: -w_t log p_t.

use super::{LossDefinition, LossTerms, Mass, TrialLoss};
use crate::spec::{Hyperparameters, PosWeightRule};

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "class weights",
    called: "weighted_bce",
    when_plain: None,
    family: 0,
    reference: "King & Zeng 2001, Political Analysis 9(2); scikit-learn's class_weight=\"balanced\"; Cui, Jia, Lin, \
                Song & Belongie 2019, arXiv 1901.05555",
    terms,
};

/// The trial's `pos_weight` against 1, or what its rule makes of the rows; without either n / (2 n_class), as
/// scikit-learn balances classes.
fn terms(trial: &Hyperparameters, drawn: Mass) -> TrialLoss {
    let Mass { positives, negatives } = drawn;
    let half = (positives + negatives) / 2.0;
    let (positive, negative) = match (trial.pos_weight, trial.pos_weight_rule) {
        (Some(weight), _) => (weight, 1.0),
        (None, Some(rule)) => (by_rule(rule, trial.beta.unwrap_or(0.9999), positives, negatives), 1.0),
        (None, None) => (half / positives, half / negatives),
    };
    TrialLoss::Rows(LossTerms::focal(positive, negative, 0.0))
}

/// The weight of positives when negatives weigh 1.
pub(super) fn by_rule(rule: PosWeightRule, beta: f64, positives: f64, negatives: f64) -> f64 {
    match rule {
        PosWeightRule::Ratio => negatives / positives,
        PosWeightRule::SqrtRatio => (negatives / positives).sqrt(),
        // A class of n rows weighs (1 - β) / (1 - β^n), Cui et al. 2019, equation 4.
        PosWeightRule::EffectiveNumber => {
            let one_minus_power = |n: f64| -(n * beta.ln()).exp_m1();
            one_minus_power(negatives) / one_minus_power(positives)
        }
    }
}
