//! The update of one model's parameters.

use super::simd::Lane;
use crate::train::adam::{ADAM_EPSILON, BETAS};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::spec::Optimizer;

/// An update rule with its constants at one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    optimizer: Optimizer,
    learning_rate: f32,
    weight_decay: f32,
    /// learning rate / (1 - beta1^t)
    rate: f32,
    /// 1 / (1 - beta2^t)
    correction: f32,
}

impl Rule {
    /// The rule of `trial` at its 1-based `update`.
    pub(super) fn of(trial: &Hyperparameters, update: u64) -> Self {
        let correction = |beta: f64| 1.0 / (1.0 - beta.powf(update as f64));
        Self {
            optimizer: trial.optimizer,
            learning_rate: trial.learning_rate as f32,
            weight_decay: trial.weight_decay as f32,
            rate: (trial.learning_rate * correction(BETAS.0)) as f32,
            correction: correction(BETAS.1) as f32,
        }
    }
}

/// Updates `weights` and the moments, all `[P]`, by the sums of the gradient's lanes.
#[inline(always)]
pub(super) fn update(rule: &Rule, gradient: &[Lane], weights: &mut [f32], first: &mut [f32], second: &mut [f32]) {
    let (beta1, beta2) = (BETAS.0 as f32, BETAS.1 as f32);
    let (decay, rate) = (rule.weight_decay, rule.learning_rate);
    let parameters = weights.iter_mut().zip(first).zip(second).zip(gradient);
    for (((weight, first), second), lane) in parameters {
        let mut slope = lane.sum();
        match rule.optimizer {
            Optimizer::Adamw => *weight -= rate * decay * *weight,
            Optimizer::Adam | Optimizer::Sgd => slope += decay * *weight,
        }
        if rule.optimizer == Optimizer::Sgd {
            *weight -= rate * slope;
            continue;
        }
        *first += (1.0 - beta1) * (slope - *first);
        *second = beta2 * *second + (1.0 - beta2) * (slope * slope);
        *weight -= rule.rate * *first / ((*second * rule.correction).sqrt() + ADAM_EPSILON as f32);
    }
}
