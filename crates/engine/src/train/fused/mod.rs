//! The CPU's backend: every pass over a block of rows fused, model after model, in registers and first-level cache.
//!
//! A batch is gathered once for all models and turned on its side (see [`block`]); then each model goes over it, 256
//! rows at a time: first layer, activation and dropout as the sums leave the registers, loss and its slope, and the way
//! back. A model's arithmetic does not depend on its neighbours or their number, so it is the same to the bit alone and
//! in any stack. The libtorch backend computes the same by other means; a property test holds them together.

mod block;
mod kernels;
mod math;
mod optimize;
mod pass;
mod simd;

use block::{Block, Cut, LARGE, SMALL, cut};
use math::Terms;
use optimize::{Rule, update};
use pass::{Model, Scratch, backward, forward};
use simd::{Lane, Portable, Simd};

use super::backend::{Backend, Backends, Batch, Parameters, Part, Scored};
use super::error::TrainError;
use super::stack::Stack;
use focalsweep_core::plan::Layer;
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::spec::Reduction;

/// K models in this processor's memory.
#[derive(Debug)]
pub(super) struct Fused<'a> {
    stack: &'a Stack,
    data: &'a Replicate,
    /// The stack's slots that still train.
    slots: Vec<usize>,
    parameters: Parameters,
    /// Summed loss of each model.
    losses: Vec<f64>,
    layers: Vec<Layer>,
    processor: Processor,
    room: Room,
}

/// What the processor can do.
#[derive(Debug, Clone, Copy)]
enum Processor {
    #[cfg(target_arch = "x86_64")]
    Avx512(simd::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(simd::Avx2),
    Any(Portable),
}

/// The vector instructions that the fused kernels use on this processor: `avx512`, `avx2` or `portable`.
pub fn instructions() -> &'static str {
    match Processor::detect() {
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2(_) => "avx2",
        Processor::Any(_) => "portable",
    }
}

impl Processor {
    /// Asked once for each stack.
    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = simd::Avx512::detect() {
            return Self::Avx512(simd);
        } else if let Some(simd) = simd::Avx2::detect() {
            return Self::Avx2(simd);
        }
        Self::Any(Portable)
    }
}

/// Buffers that every step uses again.
#[derive(Debug)]
struct Room {
    large: Vec<Block<LARGE>>,
    small: Vec<Block<SMALL>>,
    large_scratch: Scratch<LARGE>,
    small_scratch: Scratch<SMALL>,
    /// A lane for each parameter of one model.
    gradient: Vec<Lane>,
    turned: Vec<Vec<f32>>,
}

impl<'a> Fused<'a> {
    /// Models with these parameters, `[slots, P]`, and losses so far, `[slots]`.
    pub(super) fn new(
        stack: &'a Stack,
        data: &'a Replicate,
        slots: &[usize],
        parameters: &Parameters,
        losses: Vec<f64>,
    ) -> Self {
        let shape = &stack.shape;
        let room = Room {
            large: Vec::new(),
            small: Vec::new(),
            large_scratch: Scratch::new(&shape.hidden, shape.activation),
            small_scratch: Scratch::new(&shape.hidden, shape.activation),
            gradient: vec![Lane::ZERO; shape.parameters()],
            turned: Vec::new(),
        };
        Self {
            stack,
            data,
            slots: slots.to_vec(),
            parameters: parameters.clone(),
            losses,
            layers: shape.layers(),
            processor: Processor::detect(),
            room,
        }
    }

    /// The same on a processor without vector instructions of ours.
    #[cfg(test)]
    pub(super) fn portable(mut self) -> Self {
        self.processor = Processor::Any(Portable);
        self
    }

    /// The same on a processor that has AVX2 and no more, if this one does.
    #[cfg(all(test, target_arch = "x86_64"))]
    pub(super) fn avx2(mut self) -> Option<Self> {
        self.processor = Processor::Avx2(simd::Avx2::detect()?);
        Some(self)
    }

    #[inline(always)]
    fn step_with<S: Simd>(&mut self, simd: S, batch: &Batch<'_>) {
        let Self { stack, data, slots, parameters, losses, layers, room, .. } = self;
        room.gather(stack, &data.train, batch);
        let size = stack.shape.parameters();
        let settings = &stack.settings;
        let scale = if settings.reduction == Reduction::Mean { 1.0 / batch.at.len() as f32 } else { 1.0 };
        for (k, (&slot, total)) in slots.iter().zip(losses).enumerate() {
            let at = k * size..(k + 1) * size;
            let trial = &stack.trials[slot];
            let weights = &mut parameters.weights[at.clone()];
            turn(layers, weights, &mut room.turned);
            let model = Model {
                layers,
                activation: stack.shape.activation,
                weights,
                turned: &room.turned,
                terms: Terms::new(&stack.losses[slot], settings.epsilon),
                rate: trial.dropout as f32,
                scale,
            };
            room.gradient.fill(Lane::ZERO);
            let mut loss = 0.0;
            for block in &room.large {
                loss += there_and_back(simd, &model, block, &mut room.large_scratch, &mut room.gradient);
            }
            for block in &room.small {
                loss += there_and_back(simd, &model, block, &mut room.small_scratch, &mut room.gradient);
            }
            *total += loss;
            let rule = Rule::of(trial, batch.update);
            let (first, second) = (&mut parameters.first[at.clone()], &mut parameters.second[at]);
            update(&rule, &room.gradient, weights, first, second);
        }
    }

    #[inline(always)]
    fn score_with<S: Simd>(&self, simd: S, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
        let shape = &self.stack.shape;
        let (n, size) = (rows.y.len(), shape.parameters());
        let zeros = || vec![0.0; models.len() * n];
        let mut scored = Scored { raw: zeros(), scores: zeros(), loss: vec![0.0; models.len()] };
        let mut block = Block::<LARGE>::new(shape.inputs, &[]);
        let mut scratch = Scratch::<LARGE>::new(&shape.hidden, shape.activation);
        for first in (0..n).step_by(16 * LARGE) {
            let end = n.min(first + 16 * LARGE);
            block.gather(rows, first..end);
            for (m, &slot) in models.iter().enumerate() {
                let model = Model {
                    layers: &self.layers,
                    activation: shape.activation,
                    weights: &weights[m * size..(m + 1) * size],
                    turned: &[],
                    terms: Terms::new(&self.stack.losses[slot], self.stack.settings.epsilon),
                    rate: 0.0,
                    scale: 1.0,
                };
                forward(simd, &model, &block, false, &mut scratch);
                let at = m * n + first..m * n + end;
                let (raw, out) = (&mut scored.raw[at.clone()], &mut scored.scores[at]);
                scored.loss[m] += scratch.evaluate(simd, &model.terms, &block.sign, raw, out);
            }
        }
        for loss in &mut scored.loss {
            *loss /= n as f64;
        }
        scored
    }
}

/// Forward, loss and backward of a block; its summed loss.
#[inline(always)]
fn there_and_back<S: Simd, const T: usize>(
    simd: S,
    model: &Model<'_>,
    block: &Block<T>,
    scratch: &mut Scratch<T>,
    gradient: &mut [Lane],
) -> f64 {
    forward(simd, model, block, true, scratch);
    let loss = scratch.loss(simd, &model.terms, model.scale, &block.sign);
    backward(simd, model, block, scratch, gradient);
    loss
}

/// Weights of each layer but the first, turned to `[outputs, inputs]` for the way back.
fn turn(layers: &[Layer], weights: &[f32], turned: &mut Vec<Vec<f32>>) {
    turned.resize(layers.len().saturating_sub(1), Vec::new());
    for (layer, turned) in layers.iter().skip(1).zip(turned) {
        turned.clear();
        for output in 0..layer.outputs {
            turned.extend(weights[layer.offset + output..layer.bias()].iter().step_by(layer.outputs));
        }
    }
}

impl Room {
    fn gather(&mut self, stack: &Stack, train: &Rows, batch: &Batch<'_>) {
        let rows = batch.rows();
        let uniforms = stack.uniforms(batch.epoch, batch.step, rows.len());
        let (large, small) = cut(rows.len());
        gather(&mut self.large, &large, stack, train, rows, &uniforms);
        gather(&mut self.small, &small, stack, train, rows, &uniforms);
    }
}

fn gather<const T: usize>(
    blocks: &mut Vec<Block<T>>,
    cuts: &[Cut],
    stack: &Stack,
    train: &Rows,
    rows: &[u32],
    uniforms: &[Vec<f32>],
) {
    let widths = if uniforms.is_empty() { &[] } else { stack.shape.hidden.as_slice() };
    blocks.resize_with(cuts.len(), || Block::new(stack.shape.inputs, widths));
    for (block, &(first, count)) in blocks.iter_mut().zip(cuts) {
        block.gather(train, rows[first..first + count].iter().map(|&row| row as usize));
        block.gather_uniforms(uniforms, first);
    }
}

/// Compiles the generic passes once for each kind of processor.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calls of functions that need instructions; the token proves that they are there")]
mod compiled {
    use super::*;

    #[target_feature(enable = "avx512f")]
    fn step_avx512(simd: simd::Avx512, stack: &mut Fused<'_>, batch: &Batch<'_>) {
        stack.step_with(simd, batch);
    }

    #[target_feature(enable = "avx2,fma")]
    fn step_avx2(simd: simd::Avx2, stack: &mut Fused<'_>, batch: &Batch<'_>) {
        stack.step_with(simd, batch);
    }

    #[target_feature(enable = "avx512f")]
    fn score_avx512(simd: simd::Avx512, stack: &Fused<'_>, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
        stack.score_with(simd, weights, models, rows)
    }

    #[target_feature(enable = "avx2,fma")]
    fn score_avx2(simd: simd::Avx2, stack: &Fused<'_>, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
        stack.score_with(simd, weights, models, rows)
    }

    pub(super) fn step(stack: &mut Fused<'_>, batch: &Batch<'_>) {
        // SAFETY: each token exists only where its instructions do.
        match stack.processor {
            Processor::Avx512(simd) => unsafe { step_avx512(simd, stack, batch) },
            Processor::Avx2(simd) => unsafe { step_avx2(simd, stack, batch) },
            Processor::Any(simd) => stack.step_with(simd, batch),
        }
    }

    pub(super) fn score(stack: &Fused<'_>, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
        // SAFETY: each token exists only where its instructions do.
        match stack.processor {
            Processor::Avx512(simd) => unsafe { score_avx512(simd, stack, weights, models, rows) },
            Processor::Avx2(simd) => unsafe { score_avx2(simd, stack, weights, models, rows) },
            Processor::Any(simd) => stack.score_with(simd, weights, models, rows),
        }
    }
}

/// Elsewhere the target has its vector instructions always.
#[cfg(not(target_arch = "x86_64"))]
mod compiled {
    use super::*;

    pub(super) fn step(stack: &mut Fused<'_>, batch: &Batch<'_>) {
        let Processor::Any(simd) = stack.processor;
        stack.step_with(simd, batch);
    }

    pub(super) fn score(stack: &Fused<'_>, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
        let Processor::Any(simd) = stack.processor;
        stack.score_with(simd, weights, models, rows)
    }
}

/// The fused kernels, on the thread that calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct FusedKernels;

impl Backends for FusedKernels {
    fn open<'a>(
        &self,
        stack: &'a Stack,
        data: &'a Replicate,
        slots: &[usize],
        parameters: &Parameters,
        losses: Vec<f64>,
    ) -> Result<Box<dyn Backend + 'a>, TrainError> {
        Ok(Box::new(Fused::new(stack, data, slots, parameters, losses)))
    }
}

impl Backend for Fused<'_> {
    fn step(&mut self, batch: &Batch<'_>) -> Result<(), TrainError> {
        compiled::step(self, batch);
        Ok(())
    }

    fn take_losses(&mut self) -> Result<Vec<f64>, TrainError> {
        let zeros = vec![0.0; self.losses.len()];
        Ok(std::mem::replace(&mut self.losses, zeros))
    }

    fn parameters(&self) -> Result<Parameters, TrainError> {
        Ok(self.parameters.clone())
    }

    fn score(&self, weights: &[f32], models: &[usize], part: Part) -> Result<Scored, TrainError> {
        Ok(compiled::score(self, weights, models, part.of(self.data)))
    }

    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError> {
        self.parameters.retain(keep, self.stack.shape.parameters());
        self.slots = keep.iter().map(|&k| self.slots[k]).collect();
        self.losses = keep.iter().map(|&k| self.losses[k]).collect();
        Ok(())
    }
}
