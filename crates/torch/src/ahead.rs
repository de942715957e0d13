//! What many steps read, made at once: gathered rows, targets, dropout masks. So a step starts few kernels.

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};

use super::loss::{StackedLoss, Targets};
use super::uploads::Matrix;
use focalsweep_engine::train::{Batch, Stack};

/// Bytes on the device that the steps ahead may take.
const BYTES: usize = 128 << 20;

/// Dropout rates of a stack.
#[derive(Debug)]
pub(super) enum Dropout {
    /// Nothing is dropped.
    None,
    /// One rate for all models: masks are `[B, h]`.
    Shared(f64),
    /// Rates `[K, 1, 1]`.
    Each(Tensor),
}

impl Dropout {
    /// The rates of the models in `slots`.
    pub(super) fn new(stack: &Stack, slots: &[usize], device: Device) -> Result<Self, TchError> {
        let rates: Vec<f64> = slots.iter().map(|&slot| stack.trials[slot].dropout).collect();
        Ok(if stack.shape.hidden.is_empty() || rates.iter().all(|&r| r == 0.0) {
            Self::None
        } else if rates.iter().all(|&r| r == rates[0]) {
            Self::Shared(rates[0])
        } else {
            let rates: Vec<f32> = rates.iter().map(|&r| r as f32).collect();
            Self::Each(Tensor::f_from_slice(&rates)?.f_to_device(device)?.f_view([-1, 1, 1])?)
        })
    }

    /// For one rate the masks themselves, else the uniforms: `[n, width]` either way.
    fn prepare(&self, uniforms: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Shared(rate) => {
                // Compared in f32, as the uniforms are.
                let rate = f64::from(*rate as f32);
                uniforms.f_ge(rate)?.f_to_kind(Kind::Float)?.f_mul_scalar_(1.0 / (1.0 - rate))
            }
            _ => Ok(uniforms.shallow_clone()),
        }
    }

    /// 0 where dropped, else 1 / (1 - rate): `[B, h]`, or `[K, B, h]` of rates that differ.
    fn mask(&self, prepared: Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Each(rates) => {
                let keep = rates.f_neg()?.f_add_scalar_(1.0)?;
                prepared.f_ge_tensor(rates)?.f_to_kind(Kind::Float)?.f_div_(&keep)
            }
            _ => Ok(prepared),
        }
    }
}

/// The rows of some steps of an epoch, in order.
#[derive(Debug)]
pub(super) struct Ahead {
    epoch: u32,
    /// Part of the epoch's order that is here.
    at: Range<usize>,
    x: Tensor,
    targets: Targets,
    /// [`Dropout::prepare`]d, one for each hidden layer; none when nothing is dropped.
    drops: Vec<Tensor>,
}

/// What one step reads.
#[derive(Debug)]
pub(super) struct StepRows {
    /// `[B, features]`.
    pub(super) x: Tensor,
    pub(super) targets: Targets,
    /// Masks for each hidden layer; none when nothing is dropped.
    pub(super) masks: Vec<Tensor>,
}

impl Ahead {
    /// Gathers the steps from `batch` on, as many as there is room for and the epoch has.
    pub(super) fn new(
        batch: &Batch<'_>,
        stack: &Stack,
        train: &Matrix,
        loss: &StackedLoss,
        dropout: &Dropout,
        models: usize,
    ) -> Result<Self, TchError> {
        let (size, widths) = (stack.batch_size(), &stack.shape.hidden);
        let floats = stack.shape.inputs + 2 * widths.iter().sum::<usize>() + models + 4;
        let steps = (BYTES / (4 * floats * size)).max(1);
        let at = batch.at.start..batch.order.len().min(batch.at.start + steps * size);
        let device = train.x.device();
        let order: Vec<i64> = batch.order[at.clone()].iter().map(|&row| i64::from(row)).collect();
        let order = Tensor::f_from_slice(&order)?.f_to_device(device)?;
        let mut drops = Vec::new();
        if !matches!(dropout, Dropout::None) {
            let mut uniforms = vec![Vec::new(); widths.len()];
            for (step, start) in (batch.step..).zip(at.clone().step_by(size)) {
                for (all, part) in
                    uniforms.iter_mut().zip(stack.uniforms(batch.epoch, step, at.end.min(start + size) - start))
                {
                    all.extend_from_slice(&part);
                }
            }
            for (uniforms, &width) in uniforms.iter().zip(widths) {
                let uniforms = Tensor::f_from_slice(uniforms)?.f_view([-1, width as i64])?.f_to_device(device)?;
                drops.push(dropout.prepare(&uniforms)?);
            }
        }
        Ok(Self {
            epoch: batch.epoch,
            x: train.x.f_index_select(0, &order)?,
            targets: loss.targets(
                &train.y.f_index_select(0, &order)?,
                train.weight.as_ref().map(|weight| weight.f_index_select(0, &order)).transpose()?,
            )?,
            drops,
            at,
        })
    }

    /// Whether the rows of `batch` are here.
    pub(super) fn holds(&self, batch: &Batch<'_>) -> bool {
        self.epoch == batch.epoch && self.at.start <= batch.at.start && batch.at.end <= self.at.end
    }

    /// The rows of `batch`, which are here: views, and no kernel but for masks of rates that differ.
    pub(super) fn step(&self, batch: &Batch<'_>, dropout: &Dropout) -> Result<StepRows, TchError> {
        let (start, length) = ((batch.at.start - self.at.start) as i64, batch.at.len() as i64);
        let mask = |drop: &Tensor| dropout.mask(drop.f_narrow(0, start, length)?);
        Ok(StepRows {
            x: self.x.f_narrow(0, start, length)?,
            targets: self.targets.narrow(start, length)?,
            masks: self.drops.iter().map(mask).collect::<Result<_, _>>()?,
        })
    }
}
