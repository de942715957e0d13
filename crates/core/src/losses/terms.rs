//! Value and slope of the focal family, on logits, in closed form.
//!
//! FL(p_t) = -w_t (1 - p_t)^γ log p_t (Lin et al. 2017, arXiv 1708.02002), where w_t is the weight of the row's class.
//! Binary cross-entropy is γ = 0 with weights 1 and 1; its class-weighted form has other weights.
//!
//! With s = 2y - 1 and x = s·z: log p_t = -softplus(-x) and
//! dFL/dz = s·w_t (1 - p_t)^γ (γ p_t log p_t + p_t - 1): finite for every finite logit, so no autograd is needed.

use super::{Drawn, definition};
use crate::spec::Hyperparameters;

/// What a trial's loss reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossTerms {
    /// Weight of positive rows.
    pub positive: f64,
    /// Weight of negative rows.
    pub negative: f64,
    /// Focusing exponent.
    pub gamma: f64,
}

impl LossTerms {
    /// The terms of `trial` when an epoch draws these rows.
    pub fn of_trial(trial: &Hyperparameters, drawn: Drawn) -> Self {
        (definition(trial.loss).terms)(trial, drawn)
    }

    /// Loss of one row and its derivative by the logit, in float64. `epsilon` clips p_t before the logarithm as the
    /// published code does.
    pub fn row(&self, logit: f64, positive: bool, epsilon: Option<f64>) -> (f64, f64) {
        let (sign, weight) = if positive { (1.0, self.positive) } else { (-1.0, self.negative) };
        let x = sign * logit;
        let surprise = softplus(-x); // -log p_t
        let (p, q) = (1.0 / (1.0 + (-x).exp()), 1.0 / (1.0 + x.exp()));
        let focus = weight * (-self.gamma * softplus(x)).exp();
        let limit = epsilon.map_or(f64::INFINITY, |e| -e.ln());
        let log_term = if surprise > limit { 0.0 } else { q };
        let surprise = surprise.min(limit);
        (focus * surprise, -sign * focus * (self.gamma * p * surprise + log_term))
    }

    /// The probability that a logit of a model means which minimises this loss: focal loss and class weights move scores
    /// away from it, and this undoes both. At the minimum of p·FL(positive) + (1 - p)·FL(negative) the slopes cancel,
    /// which gives p at once: the Ψ of N. Charoenphakdee, J. Vongkulbhisal, N. Chairatanakul & M. Sugiyama 2021, On
    /// focal loss for class-posterior probability estimation, CVPR, with weights of the classes beside. It rises with the
    /// logit.
    pub fn probability(&self, logit: f64) -> f64 {
        let [(_, up), (_, down)] = [true, false].map(|positive| self.row(logit, positive, None));
        down / (down - up)
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
