//! The losses, on logits, in closed form.
//!
//! Every loss here is a focal loss: FL(p_t) = -w_t (1 - p_t)^γ log p_t (Lin et al. 2017, arXiv 1708.02002), where w_t is
//! the weight of the row's class. Binary cross-entropy is γ = 0 with weights 1 and 1; its class-weighted form has other
//! weights. So one stack can hold trials of different losses.
//!
//! With s = 2y - 1 and x = s·z: log p_t = -softplus(-x) and
//! dFL/dz = s·w_t (1 - p_t)^γ (γ p_t log p_t + p_t - 1): finite for every finite logit, so no autograd is needed.

use tch::{Kind, TchError, Tensor};

use crate::plan::Hyperparameters;
use crate::spec::Loss;

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
    /// The terms of `trial` when an epoch draws `positives` and `negatives` rows of the classes.
    ///
    /// Focal: (α, 1 - α, γ), with the published pair α = 0.25, γ = 2 where a value is absent. Weighted cross-entropy: the
    /// trial's `pos_weight` against 1, or n / (2 n_class) as scikit-learn's `class_weight="balanced"`.
    pub fn of(trial: &Hyperparameters, positives: usize, negatives: usize) -> Self {
        match trial.loss {
            Loss::Focal => {
                let alpha = trial.alpha.unwrap_or(0.25);
                Self { positive: alpha, negative: 1.0 - alpha, gamma: trial.gamma.unwrap_or(2.0) }
            }
            Loss::Bce => Self { positive: 1.0, negative: 1.0, gamma: 0.0 },
            Loss::WeightedBce => {
                let half = (positives + negatives) as f64 / 2.0;
                let (positive, negative) = match trial.pos_weight {
                    Some(weight) => (weight, 1.0),
                    None => (half / positives as f64, half / negatives as f64),
                };
                Self { positive, negative, gamma: 0.0 }
            }
        }
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
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The terms of a stack's trials as `[K, 1]` tensors.
#[derive(Debug)]
pub(super) struct StackedLoss {
    negative: Tensor,
    extra: Tensor, // weight of positives less weight of negatives
    gamma: Tensor,
    limit: Option<f64>,
}

/// What the losses read of the labels of N rows: made once, read in many steps.
#[derive(Debug)]
pub(super) struct Targets {
    /// 2y - 1, `[N]`.
    sign: Tensor,
    /// -w_t, `[K, N]`.
    minus_weight: Tensor,
}

impl Targets {
    /// Those of `length` rows from `start` on.
    pub(super) fn narrow(&self, start: i64, length: i64) -> Result<Self, TchError> {
        Ok(Self {
            sign: self.sign.f_narrow(0, start, length)?,
            minus_weight: self.minus_weight.f_narrow(1, start, length)?,
        })
    }
}

impl StackedLoss {
    pub(super) fn new(terms: &[LossTerms], epsilon: Option<f64>, device: tch::Device) -> Result<Self, TchError> {
        let column = |value: &dyn Fn(&LossTerms) -> f64| -> Result<Tensor, TchError> {
            let values: Vec<f32> = terms.iter().map(|t| value(t) as f32).collect();
            Tensor::f_from_slice(&values)?.f_to_device(device)?.f_unsqueeze(1)
        };
        Ok(Self {
            negative: column(&|t| t.negative)?,
            extra: column(&|t| t.positive - t.negative)?,
            gamma: column(&|t| t.gamma)?,
            limit: epsilon.map(|e| -e.ln()),
        })
    }

    /// What the losses read of `labels` (0 or 1), `[N]`.
    pub(super) fn targets(&self, labels: &Tensor) -> Result<Targets, TchError> {
        Ok(Targets {
            sign: labels.f_mul_scalar(2.0)?.f_sub_scalar_(1.0)?,
            minus_weight: self.extra.f_mul(labels)?.f_add_(&self.negative)?.f_neg_()?,
        })
    }

    /// Losses `[K, N]` of logits `[K, N]`, and their derivatives by the logits when asked: 7 and 14 kernels on a GPU.
    pub(super) fn rows(
        &self,
        logits: &Tensor,
        targets: &Targets,
        gradient: bool,
    ) -> Result<(Tensor, Option<Tensor>), TchError> {
        let x = logits.f_mul(&targets.sign)?;
        let log_p = x.f_log_sigmoid()?;
        let log_q = log_p.f_sub(&x)?; // log(1 - p_t); what cancels here is lost in 1 + exp(x) anyway
        let clipped = match self.limit {
            Some(limit) => log_p.f_clamp_min(-limit)?,
            None => log_p.shallow_clone(),
        };
        let focus = log_q.f_mul(&self.gamma)?.f_exp_()?.f_mul_(&targets.minus_weight)?;
        let loss = focus.f_mul(&clipped)?;
        if !gradient {
            return Ok((loss, None));
        }
        let pull = log_p.f_exp()?.f_mul_(&clipped)?.f_mul_(&self.gamma)?;
        let mut slope = log_q.f_exp()?;
        if let Some(limit) = self.limit {
            slope = slope.f_mul_(&log_p.f_ge(-limit)?.f_to_kind(Kind::Float)?)?;
        }
        Ok((loss, Some(slope.f_sub_(&pull)?.f_mul_(&focus)?.f_mul_(&targets.sign)?)))
    }
}
