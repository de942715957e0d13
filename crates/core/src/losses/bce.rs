//! Binary cross-entropy: -log p_t.

use super::{LossDefinition, LossTerms, Mass, TrialLoss};
use crate::spec::Hyperparameters;

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "plain cross-entropy",
    called: "bce",
    when_plain: None,
    family: 0,
    reference: "Good 1952, Journal of the Royal Statistical Society B 14(1); PyTorch's BCEWithLogitsLoss",
    terms,
};

fn terms(_: &Hyperparameters, _: Mass) -> TrialLoss {
    TrialLoss::Rows(LossTerms::focal(1.0, 1.0, 0.0))
}
