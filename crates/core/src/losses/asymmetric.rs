//! Asymmetric loss: -(1 - p)^γ₊ log p for positives, -p_m^γ₋ log(1 - p_m) with p_m = max(p - m, 0) for negatives.

use super::{Formula, LossDefinition, LossTerms, Mass, TrialLoss};
use crate::spec::Hyperparameters;

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "asymmetric loss",
    called: "asymmetric loss",
    when_plain: Some("asymmetric loss with gamma_pos 0, gamma_neg 0, margin 0"),
    family: 2,
    reference: "Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter & Zelnik-Manor 2021, ICCV, arXiv 2009.14119",
    terms,
};

/// γ₊, γ₋ and m; the paper's where one is absent.
fn terms(trial: &Hyperparameters, _: Mass) -> TrialLoss {
    let formula = Formula::Asymmetric {
        gamma_positive: trial.gamma_pos.unwrap_or(0.0),
        gamma_negative: trial.gamma_neg.unwrap_or(4.0),
        margin: trial.margin.unwrap_or(0.05),
    };
    TrialLoss::Rows(LossTerms { formula, ..LossTerms::focal(1.0, 1.0, 0.0) })
}
