//! Squared hinge over the pairs of a batch: max(0, m - (z_i - z_j))² for each positive i and negative j.

use super::{LossDefinition, Mass, PairTerms, TrialLoss};
use crate::spec::Hyperparameters;

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "pairwise loss",
    called: "pairwise loss",
    when_plain: None,
    family: 4,
    reference: "Yan, Dodier, Mozer & Wolniewicz 2003, ICML; Gao & Zhou 2015, IJCAI, arXiv 1208.0645; Rust & Hocking \
                2023, arXiv 2302.11062",
    terms,
};

fn terms(trial: &Hyperparameters, _: Mass) -> TrialLoss {
    TrialLoss::Pairs(PairTerms { margin: trial.pair_margin.unwrap_or(1.0), smoothing: 0.0 })
}
