//! The losses of [`focalsweep_core::losses::LossTerms`] over tensors.

use focalsweep_core::losses::LossTerms;
use tch::{Kind, TchError, Tensor};

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
