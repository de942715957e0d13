//! libtorch's backend: every pass is a libtorch call, on a GPU, or on the CPU as the reference of tests.
//!
//! The first layer of all K models is one matrix product `[B, in] x [in, K·h]` over the shared batch; later layers are
//! batched products over `[K, B, h]`. All parameters lie in one flat buffer, layer after layer, so that the optimizer
//! is a handful of calls whatever K is. A GPU waits for the next kernel more than it computes, so kernels are what
//! counts: rows, targets and dropout masks are gathered for many steps at once (see [`super::ahead`]), the gradient of
//! the loss is in closed form, and losses stay on the device until the epoch ends. A step of one hidden layer with
//! relu, one dropout rate, one learning rate and adam is 35 kernels: 4 forward, 16 for the loss, 8 backward, 7 to
//! update.

use tch::{Device, Kind, TchError, Tensor};

use focalsweep_core::losses::TrialLoss;
use focalsweep_core::plan::{Layer, Shape};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Activation, Optimizer, Reduction};
use focalsweep_engine::train::adam::{ADAM_EPSILON, BETAS};
use focalsweep_engine::train::{Backend, Backends, Batch, Parameters, Part, Scored, Stack, TrainError};

use super::ahead::{Ahead, Dropout, StepRows};
use super::error::refused;
use super::layout::{canonical, stacked};
use super::loss::StackedLoss;
use super::uploads::{Matrix, OnDevice, Uploads};

/// Values of the widest layer that are computed at a time when scoring, so that memory does not grow with the data.
const SCORED_AT_ONCE: usize = 32 << 20;

/// K models on one device.
#[derive(Debug)]
pub(super) struct Libtorch<'a> {
    stack: &'a Stack,
    rows: OnDevice,
    /// What epochs draw from.
    drawn_from: Matrix,
    shape: Shape,
    /// The stack's slots that still train.
    slots: Vec<usize>,
    device: Device,
    weights: Tensor,
    first: Tensor,
    second: Tensor,
    gradient: Tensor,
    /// Summed loss of each model, float64 `[K]`.
    losses: Tensor,
    loss: StackedLoss,
    learning_rate: Rate,
    weight_decay: Option<Tensor>,
    dropout: Dropout,
    ahead: Option<Ahead>,
}

/// A number for each model.
#[derive(Debug)]
enum Rate {
    /// The same for all.
    Shared(f64),
    /// Flat as the weights.
    Each(Tensor),
}

/// What the backward pass needs of a hidden layer.
struct Hidden {
    /// Activations, `[K, B, h]`.
    active: Tensor,
    /// Activations after dropout, `[K, B, h]`.
    out: Tensor,
}

impl<'a> Libtorch<'a> {
    /// Puts models with these parameters (`[slots, P]`) and losses so far (`[slots]`) on `device`, beside their rows.
    pub(super) fn new(
        stack: &'a Stack,
        (rows, drawn_from): (OnDevice, Matrix),
        slots: &[usize],
        parameters: &Parameters,
        losses: Vec<f64>,
        device: Device,
    ) -> Result<Self, TchError> {
        let shape = stack.shape.clone();
        let k = slots.len();
        let flat = |values: &[f32]| Tensor::f_from_slice(&stacked(&shape, values, k))?.f_to_device(device);
        let each = |value: &dyn Fn(usize) -> f64| -> Result<Tensor, TchError> {
            let size = shape.parameters();
            flat(&slots.iter().flat_map(|&slot| std::iter::repeat_n(value(slot) as f32, size)).collect::<Vec<_>>())
        };
        let rate = |slot: usize| stack.trials[slot].learning_rate;
        let decay = |slot: usize| stack.trials[slot].weight_decay;
        let terms: Vec<_> = slots.iter().map(|&slot| stack.losses[slot]).collect();
        let weights = flat(&parameters.weights)?;
        Ok(Self {
            gradient: weights.f_zeros_like()?,
            weights,
            first: flat(&parameters.first)?,
            second: flat(&parameters.second)?,
            losses: Tensor::f_from_slice(&losses)?.f_to_device(device)?,
            loss: StackedLoss::new(&terms, stack.settings.epsilon, device)?,
            learning_rate: if slots.iter().all(|&slot| rate(slot) == rate(slots[0])) {
                Rate::Shared(rate(slots[0]))
            } else {
                Rate::Each(each(&rate)?)
            },
            weight_decay: if slots.iter().any(|&slot| decay(slot) != 0.0) { Some(each(&decay)?) } else { None },
            dropout: Dropout::new(stack, slots, device)?,
            ahead: None,
            slots: slots.to_vec(),
            shape,
            stack,
            rows,
            drawn_from,
            device,
        })
    }

    /// `values` times each model's learning rate.
    fn scaled(&self, values: &Tensor) -> Result<Tensor, TchError> {
        match &self.learning_rate {
            Rate::Shared(rate) => values.f_mul_scalar(*rate),
            Rate::Each(rates) => values.f_mul(rates),
        }
    }

    /// Takes the step that `gradient` asks for.
    fn update(&mut self, update: u64) -> Result<(), TchError> {
        let optimizer = self.stack.optimizer();
        if let Some(decay) = &self.weight_decay {
            if optimizer == Optimizer::Adamw {
                let shrink = self.scaled(decay)?;
                let _ = self.weights.f_addcmul_(&self.weights.f_neg()?, &shrink)?;
            } else {
                let _ = self.gradient.f_addcmul_(&self.weights, decay)?;
            }
        }
        if optimizer == Optimizer::Sgd {
            let step = self.scaled(&self.gradient)?;
            let _ = self.weights.f_sub_(&step)?;
            return Ok(());
        }
        let _ = self.first.f_lerp_(&self.gradient, 1.0 - BETAS.0)?;
        let _ = self.second.f_lerp_(&self.gradient.f_square()?, 1.0 - BETAS.1)?;
        // Kingma & Ba 2015, end of section 2: the corrections of both moments as factors of the step and of epsilon.
        let correction = |beta: f64| 1.0 - beta.powf(update as f64);
        let root = correction(BETAS.1).sqrt();
        let denominator = self.second.f_sqrt()?.f_add_scalar_(ADAM_EPSILON * root)?;
        let factor = -root / correction(BETAS.0);
        let step = match &self.learning_rate {
            Rate::Shared(rate) => self.first.f_mul_scalar(rate * factor)?,
            Rate::Each(rates) => self.first.f_mul(rates)?.f_mul_scalar_(factor)?,
        };
        let _ = self.weights.f_addcdiv_(&step, &denominator)?;
        Ok(())
    }

    /// Views of layer `depth` for M models: weight `[in, M·out]` or `[M, in, out]`, and bias `[M·out]` or `[M, 1,
    /// out]`.
    fn views(flat: &Tensor, depth: usize, layer: &Layer, m: usize) -> Result<(Tensor, Tensor), TchError> {
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
    fn sums(flat: &Tensor, depth: usize, layer: &Layer, m: usize, input: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = Self::views(flat, depth, layer, m)?;
        if depth == 0 {
            bias.f_addmm(input, &weight)?.f_view([-1, m as i64, layer.outputs as i64])?.f_transpose(0, 1)
        } else {
            bias.f_baddbmm(input, &weight, 1.0, 1.0)
        }
    }

    fn activate(&self, mut sums: Tensor) -> Result<Tensor, TchError> {
        match self.shape.activation {
            Activation::Relu => sums.f_relu_(),
            Activation::Tanh => sums.f_tanh_(),
        }
    }

    /// Logits `[M, B]` without dropout.
    fn logits(&self, flat: &Tensor, m: usize, x: &Tensor) -> Result<Tensor, TchError> {
        let layers = self.shape.layers();
        let mut values = x.shallow_clone();
        for (depth, layer) in layers.iter().enumerate() {
            values = Self::sums(flat, depth, layer, m, &values)?;
            if depth + 1 < layers.len() {
                values = self.activate(values)?;
            }
        }
        values.f_squeeze_dim(2)
    }

    /// Puts the gradient of the summed batch loss into `gradient`; returns each model's summed loss, float64 `[K]`.
    fn backward(&self, step: &StepRows) -> Result<Tensor, TchError> {
        let k = self.slots.len();
        let layers = self.shape.layers();
        let last = layers.len() - 1;
        let mut hidden: Vec<Hidden> = Vec::with_capacity(last);
        for (depth, layer) in layers[..last].iter().enumerate() {
            let input = hidden.last().map_or(&step.x, |h| &h.out);
            let active = self.activate(Self::sums(&self.weights, depth, layer, k, input)?)?;
            let out = match step.masks.get(depth) {
                Some(mask) => active.f_mul(mask)?,
                None => active.shallow_clone(),
            };
            hidden.push(Hidden { active, out });
        }
        let input = hidden.last().map_or(&step.x, |h| &h.out);
        let logits = Self::sums(&self.weights, last, &layers[last], k, input)?.f_squeeze_dim(2)?;
        let (loss, slope) = self.loss.rows(&logits, &step.targets, true)?;
        let mut delta = slope.unwrap_or_else(Tensor::new);
        if self.stack.settings.reduction == Reduction::Mean {
            delta = delta.f_div_scalar_(step.x.size()[0] as f64)?;
        }
        let mut delta = delta.f_unsqueeze(2)?; // [K, B, out]
        for (depth, layer) in layers.iter().enumerate().rev() {
            let (to_weight, to_bias) = Self::views(&self.gradient, depth, layer, k)?;
            if depth == 0 {
                let wide = delta.f_transpose(0, 1)?.f_reshape([-1, (k * layer.outputs) as i64])?;
                let _ = step.x.f_tr()?.f_mm_out(&to_weight, &wide)?;
                let _ = wide.f_sum_intlist_out(&to_bias, 0i64, false, Kind::Float)?;
            } else {
                let below = &hidden[depth - 1];
                let _ = below.out.f_transpose(1, 2)?.f_bmm_out(&to_weight, &delta)?;
                let _ = delta.f_sum_intlist_out(&to_bias, 1i64, true, Kind::Float)?;
                let (weight, _) = Self::views(&self.weights, depth, layer, k)?;
                delta = delta.f_bmm(&weight.f_transpose(1, 2)?)?;
                if let Some(mask) = step.masks.get(depth - 1) {
                    delta = delta.f_mul_(mask)?;
                }
                delta = match self.shape.activation {
                    Activation::Relu => below.active.f_threshold_backward(&delta, 0.0)?,
                    Activation::Tanh => Tensor::f_tanh_backward(&delta, &below.active)?,
                };
            }
        }
        let (_, to_bias) = Self::views(&self.gradient, last, &layers[last], k)?;
        self.loss.without_common(&to_bias)?;
        loss.f_sum_dim_intlist(1i64, false, Kind::Double)
    }
}

impl Libtorch<'_> {
    fn try_step(&mut self, batch: &Batch<'_>) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        let ahead = match self.ahead.take() {
            Some(ahead) if ahead.holds(batch) => ahead,
            old => {
                drop(old); // before its successor takes as much again
                Ahead::new(batch, self.stack, &self.drawn_from, &self.loss, &self.dropout, self.slots.len())?
            }
        };
        let loss = self.backward(&ahead.step(batch, &self.dropout)?)?;
        let _ = self.losses.f_add_(&loss)?;
        self.update(batch.update)?;
        self.ahead = Some(ahead);
        Ok(())
    }

    fn try_take_losses(&mut self) -> Result<Vec<f64>, TchError> {
        let losses = Vec::try_from(self.losses.f_to_device(Device::Cpu)?)?;
        let _ = self.losses.f_zero_()?;
        Ok(losses)
    }

    fn try_parameters(&self) -> Result<Parameters, TchError> {
        let host = |flat: &Tensor| -> Result<Vec<f32>, TchError> {
            let mut values = vec![0.0f32; flat.numel()];
            let length = values.len();
            flat.f_to_device(Device::Cpu)?.f_copy_data(&mut values, length)?;
            Ok(canonical(&self.shape, &values, self.slots.len()))
        };
        Ok(Parameters { weights: host(&self.weights)?, first: host(&self.first)?, second: host(&self.second)? })
    }

    fn try_score(&self, weights: &[f32], models: &[usize], part: Part) -> Result<Scored, TchError> {
        let _guard = tch::no_grad_guard();
        let rows = self.rows.part(part);
        let (m, n) = (models.len(), rows.y.numel());
        let flat = Tensor::f_from_slice(&stacked(&self.shape, weights, m))?.f_to_device(self.device)?;
        let terms: Vec<_> = models.iter().map(|&slot| self.stack.losses[slot]).collect();
        let loss = StackedLoss::new(&terms, self.stack.settings.epsilon, self.device)?;
        let (mut raw, mut scores) = (vec![0.0; m * n], vec![0.0; m * n]);
        let mut totals = vec![0.0; m];
        let mut part = Vec::new();
        let widest = self.shape.hidden.iter().copied().max().unwrap_or(1).max(4);
        let at_once = (SCORED_AT_ONCE / (m * widest)).max(256);
        for start in (0..n).step_by(at_once) {
            let length = at_once.min(n - start);
            let narrow = |values: &Tensor| values.f_narrow(0, start as i64, length as i64);
            let logits = self.logits(&flat, m, &narrow(&rows.x)?)?;
            let targets = loss.targets(&narrow(&rows.y)?, rows.weight.as_ref().map(narrow).transpose()?)?;
            let (losses, _) = loss.rows(&logits, &targets, false)?;
            let losses = losses.f_sum_dim_intlist(1i64, false, Kind::Double)?.f_to_device(Device::Cpu)?;
            for (total, loss) in totals.iter_mut().zip(Vec::<f64>::try_from(losses)?) {
                *total += loss;
            }
            part.resize(m * length, 0.0);
            let values = part.len();
            let mut fetch = |values_of: &Tensor, all: &mut [f32]| -> Result<(), TchError> {
                values_of.f_contiguous()?.f_to_device(Device::Cpu)?.f_copy_data(&mut part, values)?;
                for (model, values) in part.chunks_exact(length).enumerate() {
                    all[model * n + start..model * n + start + length].copy_from_slice(values);
                }
                Ok(())
            };
            fetch(&logits, &mut raw)?;
            fetch(&logits.f_sigmoid()?, &mut scores)?;
        }
        let mut scored = Scored { raw, scores, loss: totals.into_iter().map(|total| total / n as f64).collect() };
        if terms.iter().any(|loss| matches!(loss, TrialLoss::Pairs(_))) {
            let y: Vec<u8> = Vec::try_from(rows.y.f_to_kind(Kind::Uint8)?.f_to_device(Device::Cpu)?)?;
            let weights: Vec<f32> = match &rows.weight {
                None => Vec::new(),
                Some(weight) => Vec::try_from(weight.f_to_device(Device::Cpu)?)?,
            };
            self.stack.score_pairs(models, (&scored.raw, &y, &weights), &mut scored.loss);
        }
        Ok(scored)
    }

    fn try_retain(&mut self, keep: &[usize]) -> Result<(), TchError> {
        let mut parameters = self.try_parameters()?;
        parameters.retain(keep, self.shape.parameters());
        let slots: Vec<usize> = keep.iter().map(|&k| self.slots[k]).collect();
        let zeros = vec![0.0; slots.len()];
        let rows = (self.rows.handles(), self.drawn_from.handles());
        *self = Self::new(self.stack, rows, &slots, &parameters, zeros, self.device)?;
        Ok(())
    }
}

impl Backend for Libtorch<'_> {
    fn step(&mut self, batch: &Batch<'_>) -> Result<(), TrainError> {
        self.try_step(batch).map_err(refused)
    }

    fn take_losses(&mut self) -> Result<Vec<f64>, TrainError> {
        self.try_take_losses().map_err(refused)
    }

    fn parameters(&self) -> Result<Parameters, TrainError> {
        self.try_parameters().map_err(refused)
    }

    fn score(&self, weights: &[f32], models: &[usize], part: Part) -> Result<Scored, TrainError> {
        self.try_score(weights, models, part).map_err(refused)
    }

    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError> {
        self.try_retain(keep).map_err(refused)
    }
}

/// libtorch on one device, with the rows that lie there.
#[derive(Debug)]
pub struct LibtorchOn {
    device: Device,
    uploads: Uploads,
}

impl LibtorchOn {
    /// Nothing is uploaded yet.
    pub fn new(device: Device) -> Self {
        Self { device, uploads: Uploads::default() }
    }
}

impl Backends for LibtorchOn {
    fn open<'a>(
        &self,
        stack: &'a Stack,
        data: &'a Replicate,
        slots: &[usize],
        parameters: &Parameters,
        losses: Vec<f64>,
    ) -> Result<Box<dyn Backend + 'a>, TrainError> {
        let rows = self.uploads.rows_of(data, self.device).map_err(refused)?;
        let drawn_from = rows.train_and(stack.synthetic(data), data.features.len()).map_err(refused)?;
        let backend =
            Libtorch::new(stack, (rows, drawn_from), slots, parameters, losses, self.device).map_err(refused)?;
        Ok(Box::new(backend))
    }

    fn forget(&self) {
        self.uploads.forget();
    }
}
