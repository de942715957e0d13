//! Vector-scaling loss: log(1 + exp(ι_y - Δ_y s z)).

use super::{Formula, LossDefinition, LossTerms, Mass, TrialLoss};
use crate::spec::Hyperparameters;

pub(super) const DEFINITION: LossDefinition = LossDefinition {
    title: "vector-scaling loss",
    called: "vector-scaling loss",
    when_plain: Some("vector-scaling loss with vs_tau 0, vs_gamma 0"),
    family: 3,
    reference: "Kini, Paraskevas, Oymak & Thrampoulidis 2021, NeurIPS, arXiv 2103.01550; its additive part: Menon et \
                al. 2021, arXiv 2007.07314",
    terms,
};

/// Δ_y = (n_y / n_max)^vs_gamma, as the paper tunes it, and ι = ±vs_tau ln(n₋ / n₊), which is what logit adjustment of
/// two classes comes to when one logit is left of both.
fn terms(trial: &Hyperparameters, drawn: Mass) -> TrialLoss {
    let Mass { positives, negatives } = drawn;
    let most = positives.max(negatives);
    let exponent = trial.vs_gamma.unwrap_or(0.15);
    let shift = trial.vs_tau.unwrap_or(1.0) * (negatives / positives).ln();
    let formula = Formula::Scaled {
        slopes: [(positives / most).powf(exponent), (negatives / most).powf(exponent)],
        shifts: [shift, -shift],
    };
    TrialLoss::Rows(LossTerms { formula, ..LossTerms::focal(1.0, 1.0, 0.0) })
}
