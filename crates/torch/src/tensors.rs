//! What losses of rows and of pairs are made of.

use tch::{TchError, Tensor};

/// A `[k, 1]` tensor.
pub(super) fn column<T>(of: &[T], value: impl Fn(&T) -> f64, device: tch::Device) -> Result<Tensor, TchError> {
    let values: Vec<f32> = of.iter().map(|one| value(one) as f32).collect();
    Tensor::f_from_slice(&values)?.f_to_device(device)?.f_unsqueeze(1)
}

/// Losses `[k, N]`, and their derivatives by the logits when asked.
pub(super) type LossAndSlope = (Tensor, Option<Tensor>);
