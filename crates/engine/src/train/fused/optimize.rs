//! The update of one model's parameters.

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

/// Updates `weights` and the moments by the gradient `slopes`, which is used up; all `[P]`.
#[inline(always)]
pub(super) fn update(rule: &Rule, slopes: &mut [f32], weights: &mut [f32], first: &mut [f32], second: &mut [f32]) {
    let (whole, rest) = slopes.as_chunks_mut::<16>();
    let at = 16 * whole.len();
    let (weights, last) = weights.split_at_mut(at);
    let values = weights.as_chunks_mut::<16>().0.iter_mut().zip(first.as_chunks_mut::<16>().0);
    for (((weights, first), second), slopes) in values.zip(second.as_chunks_mut::<16>().0).zip(whole) {
        sixteen(rule, slopes, weights, first, second);
    }
    if !rest.is_empty() {
        let (first, second) = (&mut first[at..], &mut second[at..]);
        let (mut g, mut w, mut m, mut v) = ([0.0; 16], [0.0; 16], [0.0; 16], [0.0; 16]);
        let count = rest.len();
        g[..count].copy_from_slice(rest);
        w[..count].copy_from_slice(last);
        m[..count].copy_from_slice(first);
        v[..count].copy_from_slice(second);
        sixteen(rule, &mut g, &mut w, &mut m, &mut v);
        last.copy_from_slice(&w[..count]);
        first.copy_from_slice(&m[..count]);
        second.copy_from_slice(&v[..count]);
    }
}

/// The update of sixteen parameters by the sums of their gradients.
#[inline(always)]
fn sixteen(
    rule: &Rule,
    slopes: &mut [f32; 16],
    weights: &mut [f32; 16],
    first: &mut [f32; 16],
    second: &mut [f32; 16],
) {
    let (beta1, beta2) = (BETAS.0 as f32, BETAS.1 as f32);
    let (decay, rate) = (rule.weight_decay, rule.learning_rate);
    match rule.optimizer {
        Optimizer::Adamw => weights.iter_mut().for_each(|weight| *weight -= rate * decay * *weight),
        Optimizer::Adam | Optimizer::Sgd => {
            slopes.iter_mut().zip(weights.iter()).for_each(|(slope, weight)| *slope += decay * *weight);
        }
    }
    if rule.optimizer == Optimizer::Sgd {
        weights.iter_mut().zip(slopes.iter()).for_each(|(weight, slope)| *weight -= rate * *slope);
        return;
    }
    for i in 0..16 {
        first[i] += (1.0 - beta1) * (slopes[i] - first[i]);
        second[i] = beta2 * second[i] + (1.0 - beta2) * (slopes[i] * slopes[i]);
        weights[i] -= rule.rate * first[i] / ((second[i] * rule.correction).sqrt() + ADAM_EPSILON as f32);
    }
}
