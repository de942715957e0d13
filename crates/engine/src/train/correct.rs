//! Scores made probabilities: slope and intercept of the logit go into the weights of the output layer, so that whoever
//! reads the model has them (a sweep's tables, `predict`, a model directory, ONNX).

use focalsweep_core::metrics::Platt;
use focalsweep_core::plan::Shape;
use focalsweep_core::prepared::Rows;

use super::stack::Stack;

/// A logit f becomes slope · f + intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    slope: f64,
    intercept: f64,
}

impl Line {
    /// What takes the shift of `stack`'s sampling off the logits (King & Zeng 2001).
    pub(super) fn of_prior(stack: &Stack, train: &Rows) -> Self {
        Self { slope: 1.0, intercept: -stack.shift(train) }
    }

    /// Platt scaling of these logits; `None` where it cannot be fitted, or would turn their order round.
    pub(super) fn of_platt(logits: &[f32], labels: &[u8]) -> Option<Self> {
        let Platt { a, b } = Platt::fit_logits(logits, labels)?;
        (a < 0.0 && a.is_finite() && b.is_finite()).then_some(Self { slope: -a, intercept: -b })
    }

    /// Puts it into the output layer of a model's `weights`.
    pub(super) fn fold(self, shape: &Shape, weights: &mut [f32]) {
        let layers = shape.layers();
        let Some(last) = layers.last() else { return };
        let (slopes, bias) = weights[last.offset..last.end()].split_at_mut(last.bias() - last.offset);
        if self.slope != 1.0 {
            slopes.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * self.slope) as f32);
        }
        bias.iter_mut().for_each(|bias| *bias = (f64::from(*bias) * self.slope + self.intercept) as f32);
    }
}
