//! Focal loss: -α_t (1 - p_t)^γ log p_t.

use super::{LossDefinition, LossTerms, Mass, TrialLoss};
use crate::spec::Hyperparameters;

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "focal loss",
    called: "focal loss",
    when_plain: Some("focal loss with alpha 0.5, gamma 0"),
    family: 1,
    reference: "Lin, Goyal, Girshick, He & Dollár 2017, arXiv 1708.02002",
    terms,
};

/// (α, 1 - α, γ); the published pair where a value is absent.
fn terms(trial: &Hyperparameters, _: Mass) -> TrialLoss {
    let alpha = trial.alpha.unwrap_or(0.25);
    TrialLoss::Rows(LossTerms::focal(alpha, 1.0 - alpha, trial.gamma.unwrap_or(2.0)))
}
