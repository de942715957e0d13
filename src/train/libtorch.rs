//! The plain backend: every pass is a libtorch call, on the CPU or a GPU.
//!
//! The first layer of all K models is one matrix product `[B, in] x [in, K·h]` over the shared batch; later layers are
//! batched products over `[K, B, h]`. All parameters lie in one flat buffer, layer after layer, so that the optimizer is
//! a handful of calls whatever K is.

use tch::{Device, Kind, TchError, Tensor};

use super::backend::{Backend, Batch, Parameters, Scored};
use super::error::TrainError;
use super::loss::StackedLoss;
use super::shape::{Layer, Shape};
use super::stack::Stack;
use crate::data::Rows;
use crate::spec::{Activation, Optimizer, Reduction};

/// Rows scored at a time, so that memory does not grow with the data.
const SCORE_ROWS: usize = 8192;
/// Adam's decay rates as Keras has them.
pub(super) const BETAS: (f64, f64) = (0.9, 0.999);
/// Adam's epsilon as Keras has it.
pub(super) const ADAM_EPSILON: f64 = 1e-7;

/// K models on one device.
#[derive(Debug)]
pub(super) struct Libtorch<'a> {
    stack: &'a Stack,
    shape: Shape,
    /// The stack's slots that still train.
    slots: Vec<usize>,
    device: Device,
    weights: Tensor,
    first: Tensor,
    second: Tensor,
    loss: StackedLoss,
    learning_rate: Tensor, // flat as the weights
    weight_decay: Option<Tensor>,
    dropout: Dropout,
}

#[derive(Debug)]
enum Dropout {
    None,
    /// One rate for all models: masks are `[B, h]`.
    Shared(f64),
    /// Rates `[K, 1, 1]`.
    Each(Tensor),
}

/// What the backward pass needs of a hidden layer.
struct Hidden {
    /// Activations after dropout, `[K, B, h]`.
    out: Tensor,
    /// Derivative of `out` by the layer's sums, `[K, B, h]`.
    slope: Tensor,
}

impl<'a> Libtorch<'a> {
    /// Puts models with these parameters (`[slots, P]`) on `device`.
    pub(super) fn new(
        stack: &'a Stack,
        slots: &[usize],
        parameters: &Parameters,
        device: Device,
    ) -> Result<Self, TrainError> {
        let shape = stack.shape.clone();
        let k = slots.len();
        let flat = |values: &[f32]| Tensor::f_from_slice(&stacked(&shape, values, k))?.f_to_device(device);
        let each = |value: &dyn Fn(usize) -> f64| -> Result<Tensor, TchError> {
            let size = shape.parameters();
            flat(&slots.iter().flat_map(|&slot| std::iter::repeat_n(value(slot) as f32, size)).collect::<Vec<_>>())
        };
        let trial = |slot: usize| &stack.trials[slot];
        let rates: Vec<f64> = slots.iter().map(|&slot| trial(slot).dropout).collect();
        let dropout = if shape.hidden.is_empty() || rates.iter().all(|&r| r == 0.0) {
            Dropout::None
        } else if rates.iter().all(|&r| r == rates[0]) {
            Dropout::Shared(rates[0])
        } else {
            let rates: Vec<f32> = rates.iter().map(|&r| r as f32).collect();
            Dropout::Each(Tensor::f_from_slice(&rates)?.f_to_device(device)?.f_view([k as i64, 1, 1])?)
        };
        let terms: Vec<_> = slots.iter().map(|&slot| stack.losses[slot]).collect();
        Ok(Self {
            weights: flat(&parameters.weights)?,
            first: flat(&parameters.first)?,
            second: flat(&parameters.second)?,
            loss: StackedLoss::new(&terms, stack.settings.epsilon, device)?,
            learning_rate: each(&|slot| trial(slot).learning_rate)?,
            weight_decay: if slots.iter().any(|&slot| trial(slot).weight_decay != 0.0) {
                Some(each(&|slot| trial(slot).weight_decay)?)
            } else {
                None
            },
            dropout,
            slots: slots.to_vec(),
            shape,
            stack,
            device,
        })
    }

    /// `values` shifted to 1 where kept and scaled, 0 where dropped: `[B, h]` or `[K, B, h]`.
    fn mask(&self, uniforms: &[f32], width: usize) -> Result<Option<Tensor>, TchError> {
        let u = || Tensor::f_from_slice(uniforms)?.f_view([-1, width as i64])?.f_to_device(self.device);
        Ok(match &self.dropout {
            Dropout::None => None,
            Dropout::Shared(rate) => {
                // Compared in f32, as the uniforms are.
                let rate = f64::from(*rate as f32);
                Some(u()?.f_ge(rate)?.f_to_kind(Kind::Float)?.f_mul_scalar_(1.0 / (1.0 - rate))?)
            }
            Dropout::Each(rates) => {
                let keep = rates.f_neg()?.f_add_scalar(1.0)?;
                Some(u()?.f_ge_tensor(rates)?.f_to_kind(Kind::Float)?.f_div_(&keep)?)
            }
        })
    }

    fn update(&mut self, mut gradient: Tensor, update: u64) -> Result<(), TchError> {
        let optimizer = self.stack.optimizer();
        if let Some(decay) = &self.weight_decay {
            if optimizer == Optimizer::Adamw {
                let shrink = self.learning_rate.f_mul(decay)?;
                let _ = self.weights.f_addcmul_(&self.weights.f_neg()?, &shrink)?;
            } else {
                let _ = gradient.f_addcmul_(&self.weights, decay)?;
            }
        }
        if optimizer == Optimizer::Sgd {
            let _ = gradient.f_mul_(&self.learning_rate)?;
            let _ = self.weights.f_sub_(&gradient)?;
            return Ok(());
        }
        let _ = self.first.f_lerp_(&gradient, 1.0 - BETAS.0)?;
        let _ = self.second.f_mul_scalar_(BETAS.1)?;
        let _ = self.second.f_add_(&gradient.f_square()?.f_mul_scalar_(1.0 - BETAS.1)?)?;
        let correction = |beta: f64| 1.0 - beta.powf(update as f64);
        let mut denominator = self.second.f_div_scalar(correction(BETAS.1))?.f_sqrt_()?;
        let _ = denominator.f_add_scalar_(ADAM_EPSILON)?;
        let numerator = self.first.f_mul(&self.learning_rate)?.f_div_scalar_(correction(BETAS.0))?;
        let _ = self.weights.f_sub_(&numerator.f_div(&denominator)?)?;
        Ok(())
    }

    /// Views of layer `depth` for M models: weight `[in, M]`-like and bias, as the products want them.
    fn views(&self, flat: &Tensor, depth: usize, layer: &Layer, m: usize) -> Result<(Tensor, Tensor), TchError> {
        let (m, inputs, outputs) = (m as i64, layer.inputs as i64, layer.outputs as i64);
        let weight = flat.f_narrow(0, layer.offset as i64 * m, inputs * outputs * m)?;
        let bias = flat.f_narrow(0, layer.bias() as i64 * m, outputs * m)?;
        if depth == 0 {
            Ok((weight.f_view([inputs, m * outputs])?, bias))
        } else {
            Ok((weight.f_view([m, inputs, outputs])?, bias.f_view([m, 1, outputs])?))
        }
    }

    /// Sums of layer `depth` for its inputs (`[B, in]` at depth 0, else `[M, B, in]`): `[M, B, out]`.
    fn sums(&self, flat: &Tensor, depth: usize, layer: &Layer, m: usize, input: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = self.views(flat, depth, layer, m)?;
        if depth == 0 {
            bias.f_addmm(input, &weight)?.f_view([-1, m as i64, layer.outputs as i64])?.f_transpose(0, 1)
        } else {
            bias.f_baddbmm(input, &weight, 1.0, 1.0)
        }
    }

    /// Logits `[M, B]` without dropout.
    fn logits(&self, flat: &Tensor, m: usize, x: &Tensor) -> Result<Tensor, TchError> {
        let layers = self.shape.layers();
        let mut values = x.shallow_clone();
        for (depth, layer) in layers.iter().enumerate() {
            values = self.sums(flat, depth, layer, m, &values)?;
            if depth + 1 < layers.len() {
                values = match self.shape.activation {
                    Activation::Relu => values.f_relu_()?,
                    Activation::Tanh => values.f_tanh_()?,
                };
            }
        }
        values.f_squeeze_dim(2)
    }

    fn hidden(&self, mut sums: Tensor, mask: Option<&Tensor>) -> Result<Hidden, TchError> {
        let (out, slope) = match self.shape.activation {
            Activation::Relu => {
                let out = sums.f_relu_()?;
                let slope = out.f_gt(0.0)?.f_to_kind(Kind::Float)?;
                (out, slope)
            }
            Activation::Tanh => {
                let out = sums.f_tanh_()?;
                let slope = out.f_square()?.f_neg_()?.f_add_scalar_(1.0)?;
                (out, slope)
            }
        };
        Ok(match mask {
            Some(mask) => Hidden { out: out.f_mul(mask)?, slope: slope.f_mul(mask)? },
            None => Hidden { out, slope },
        })
    }

    /// Gradient of the summed batch loss, flat as the weights, and each model's summed loss `[K]`.
    fn gradient(&self, x: &Tensor, y: &Tensor, uniforms: &[Vec<f32>]) -> Result<(Tensor, Tensor), TchError> {
        let k = self.slots.len();
        let layers = self.shape.layers();
        let last = layers.len() - 1;
        let mut hidden: Vec<Hidden> = Vec::with_capacity(last);
        for (depth, layer) in layers[..last].iter().enumerate() {
            let input = hidden.last().map_or(x, |h| &h.out);
            let sums = self.sums(&self.weights, depth, layer, k, input)?;
            let mask = match uniforms.get(depth) {
                Some(u) => self.mask(u, layer.outputs)?,
                None => None,
            };
            hidden.push(self.hidden(sums, mask.as_ref())?);
        }
        let input = hidden.last().map_or(x, |h| &h.out);
        let logits = self.sums(&self.weights, last, &layers[last], k, input)?.f_squeeze_dim(2)?;
        let (loss, slope) = self.loss.rows(&logits, y, true)?;
        let mut delta = slope.unwrap_or_else(Tensor::new);
        if self.stack.settings.reduction == Reduction::Mean {
            delta = delta.f_div_scalar(y.numel() as f64)?;
        }
        let mut delta = delta.f_unsqueeze(2)?; // [K, B, out]
        let flat = self.weights.f_empty_like()?;
        for (depth, layer) in layers.iter().enumerate().rev() {
            let (mut to_weight, mut to_bias) = self.views(&flat, depth, layer, k)?;
            if depth == 0 {
                let wide = delta.f_transpose(0, 1)?.f_reshape([-1, (k * layer.outputs) as i64])?;
                to_weight.f_copy_(&x.f_tr()?.f_mm(&wide)?)?;
                to_bias.f_copy_(&wide.f_sum_dim_intlist(0i64, false, Kind::Float)?)?;
            } else {
                let below = &hidden[depth - 1];
                to_weight.f_copy_(&below.out.f_transpose(1, 2)?.f_bmm(&delta)?)?;
                to_bias.f_copy_(&delta.f_sum_dim_intlist(1i64, true, Kind::Float)?)?;
                let (weight, _) = self.views(&self.weights, depth, layer, k)?;
                delta = delta.f_matmul(&weight.f_transpose(1, 2)?)?.f_mul_(&below.slope)?;
            }
        }
        Ok((flat, loss.f_sum_dim_intlist(1i64, false, Kind::Double)?))
    }
}

impl Backend for Libtorch<'_> {
    fn step(&mut self, train: &Rows, batch: &Batch<'_>, losses: &mut [f64]) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        let width = self.shape.inputs;
        let mut x = Vec::with_capacity(batch.rows.len() * width);
        let mut y = Vec::with_capacity(batch.rows.len());
        for &row in batch.rows {
            let row = row as usize;
            x.extend_from_slice(&train.x[row * width..(row + 1) * width]);
            y.push(f32::from(train.y[row]));
        }
        let x = Tensor::f_from_slice(&x)?.f_view([-1, width as i64])?.f_to_device(self.device)?;
        let y = Tensor::f_from_slice(&y)?.f_to_device(self.device)?;
        let (gradient, loss) = self.gradient(&x, &y, &batch.uniforms)?;
        self.update(gradient, batch.update)?;
        for (total, loss) in losses.iter_mut().zip(Vec::<f64>::try_from(loss.f_to_device(Device::Cpu)?)?) {
            *total += loss;
        }
        Ok(())
    }

    fn parameters(&self) -> Result<Parameters, TrainError> {
        let host = |flat: &Tensor| -> Result<Vec<f32>, TchError> {
            let mut values = vec![0.0f32; flat.numel()];
            let length = values.len();
            flat.f_to_device(Device::Cpu)?.f_copy_data(&mut values, length)?;
            Ok(canonical(&self.shape, &values, self.slots.len()))
        };
        Ok(Parameters { weights: host(&self.weights)?, first: host(&self.first)?, second: host(&self.second)? })
    }

    fn score(&self, weights: &[f32], models: &[usize], rows: &Rows) -> Result<Scored, TrainError> {
        let _guard = tch::no_grad_guard();
        let (m, n, width) = (models.len(), rows.y.len(), self.shape.inputs);
        let flat = Tensor::f_from_slice(&stacked(&self.shape, weights, m))?.f_to_device(self.device)?;
        let terms: Vec<_> = models.iter().map(|&slot| self.stack.losses[slot]).collect();
        let loss = StackedLoss::new(&terms, self.stack.settings.epsilon, self.device)?;
        let mut scores = vec![0.0; m * n];
        let mut totals = vec![0.0; m];
        let mut part = Vec::new();
        for start in (0..n).step_by(SCORE_ROWS) {
            let end = n.min(start + SCORE_ROWS);
            let x = Tensor::f_from_slice(&rows.x[start * width..end * width])?.f_view([-1, width as i64])?;
            let y: Vec<f32> = rows.y[start..end].iter().map(|&y| f32::from(y)).collect();
            let logits = self.logits(&flat, m, &x.f_to_device(self.device)?)?;
            let y = Tensor::f_from_slice(&y)?.f_to_device(self.device)?;
            let (losses, _) = loss.rows(&logits, &y, false)?;
            let losses = losses.f_sum_dim_intlist(1i64, false, Kind::Double)?.f_to_device(Device::Cpu)?;
            for (total, loss) in totals.iter_mut().zip(Vec::<f64>::try_from(losses)?) {
                *total += loss;
            }
            part.resize(m * (end - start), 0.0);
            let length = part.len();
            logits.f_sigmoid()?.f_contiguous()?.f_to_device(Device::Cpu)?.f_copy_data(&mut part, length)?;
            for (model, values) in part.chunks_exact(end - start).enumerate() {
                scores[model * n + start..model * n + end].copy_from_slice(values);
            }
        }
        Ok(Scored { scores, loss: totals.into_iter().map(|total| total / n as f64).collect() })
    }

    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError> {
        let mut parameters = self.parameters()?;
        parameters.retain(keep, self.shape.parameters());
        let slots: Vec<usize> = keep.iter().map(|&k| self.slots[k]).collect();
        *self = Self::new(self.stack, &slots, &parameters, self.device)?;
        Ok(())
    }
}

/// Copies between the canonical layout `[K, P]` and the stacked one: at depth 0 `[in, K·out]`, deeper `[K, in, out]`, and
/// biases `[K·out]`, layer after layer.
fn each_value(shape: &Shape, k: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let size = shape.parameters();
    for (depth, layer) in shape.layers().iter().enumerate() {
        let block = layer.inputs * layer.outputs;
        for model in 0..k {
            for input in 0..layer.inputs {
                let from = model * size + layer.offset + input * layer.outputs;
                let to = layer.offset * k
                    + if depth == 0 {
                        (input * k + model) * layer.outputs
                    } else {
                        model * block + input * layer.outputs
                    };
                visit(from, to, layer.outputs);
            }
            visit(model * size + layer.bias(), layer.bias() * k + model * layer.outputs, layer.outputs);
        }
    }
}

fn stacked(shape: &Shape, values: &[f32], k: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    each_value(shape, k, |from, to, length| out[to..to + length].copy_from_slice(&values[from..from + length]));
    out
}

fn canonical(shape: &Shape, values: &[f32], k: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    each_value(shape, k, |from, to, length| out[from..from + length].copy_from_slice(&values[to..to + length]));
    out
}
