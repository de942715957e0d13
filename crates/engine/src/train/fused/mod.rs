//! The CPU's backend: every pass over a block of rows fused, model after model, in registers and first-level cache.
//!
//! A batch is gathered once for all models and turned on its side (see [`block`]); then each model goes over it, a
//! block of rows at a time: first layer, activation and dropout as the sums leave the registers, loss and its slope,
//! and the way back. A model's arithmetic does not depend on its neighbours or their number, so it is the same to the
//! bit alone and in any stack. The libtorch backend computes the same by other means; a property test holds them
//! together.

mod block;
mod gradient;
mod kernels;
mod math;
mod matrix;
mod optimize;
mod pass;
mod processor;
mod simd;
#[cfg(test)]
mod tests;

use block::{Block, LEAST, cut, loss_cuts};
use kernels::{Packed, RESIDENT};
use math::Terms;
use optimize::{Rule, update};
use pass::{Model, Scratch, backward, forward};
use processor::Processor;
use simd::{Lane, Simd};

pub use processor::{NoInstructions, instructions, use_instructions};

use super::backend::{Backend, Backends, Batch, Parameters, Part, Scored};
use super::error::TrainError;
use super::stack::Stack;
use focalsweep_core::plan::{Layer, Shape};
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

/// Buffers that every step uses again.
#[derive(Debug)]
struct Room {
    /// Lanes of a block.
    lanes: usize,
    blocks: Vec<Block>,
    scratch: Scratch,
    /// A lane for each parameter of one model.
    gradient: Vec<Lane>,
    packed: Vec<Packed>,
    turned: Vec<Packed>,
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
        let lanes = block_lanes(shape).min(stack.batch_size().div_ceil(16).next_multiple_of(LEAST));
        let room = Room {
            lanes,
            blocks: Vec::new(),
            scratch: Scratch::new(lanes, &shape.hidden, shape.activation),
            gradient: vec![Lane::ZERO; shape.parameters()],
            packed: Vec::new(),
            turned: Vec::new(),
        };
        Self {
            stack,
            data,
            slots: slots.to_vec(),
            parameters: parameters.clone(),
            losses,
            layers: shape.layers(),
            processor: Processor::used(),
            room,
        }
    }

    /// The same on a processor without vector instructions of ours.
    #[cfg(test)]
    pub(super) fn portable(mut self) -> Self {
        self.processor = Processor::Any(simd::Portable);
        self
    }

    /// The same on a processor that has AVX2 and no more, if this one does.
    #[cfg(all(test, target_arch = "x86_64"))]
    pub(super) fn avx2(mut self) -> Option<Self> {
        self.processor = Processor::Avx2(simd::Avx2::detect()?);
        Some(self)
    }

    /// The same in blocks of `lanes` lanes.
    #[cfg(test)]
    pub(super) fn in_blocks(mut self, lanes: usize) -> Self {
        let shape = &self.stack.shape;
        self.room.lanes = lanes;
        self.room.scratch = Scratch::new(lanes, &shape.hidden, shape.activation);
        self
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
            pack::<S>(layers, weights, &mut room.packed);
            turn::<S>(layers, weights, &mut room.turned);
            let model = Model {
                layers,
                activation: stack.shape.activation,
                weights,
                packed: &room.packed,
                turned: &room.turned,
                terms: Terms::new(&stack.losses[slot], settings.epsilon),
                rate: trial.dropout as f32,
            };
            let mut loss = 0.0;
            for (place, block) in room.blocks.iter().enumerate() {
                forward(simd, &model, block, true, &mut room.scratch);
                for cut in loss_cuts(block.rows) {
                    loss += room.scratch.loss(simd, &model.terms, scale, &block.sign, cut);
                }
                backward(simd, &model, block, &mut room.scratch, place == 0, &mut room.gradient);
            }
            *total += loss;
            let rule = Rule::of(trial, batch.update);
            let (first, second) = (&mut parameters.first[at.clone()], &mut parameters.second[at]);
            update(simd, &rule, &room.gradient, weights, first, second);
        }
    }

    #[inline(always)]
    fn score_with<S: Simd>(&self, simd: S, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
        let shape = &self.stack.shape;
        let (n, size) = (rows.y.len(), shape.parameters());
        let zeros = || vec![0.0; models.len() * n];
        let mut scored = Scored { raw: zeros(), scores: zeros(), loss: vec![0.0; models.len()] };
        let lanes = block_lanes(shape).min(n.div_ceil(16).next_multiple_of(LEAST));
        let mut block = Block::new(lanes, shape.inputs, &[]);
        let mut scratch = Scratch::new(lanes, &shape.hidden, shape.activation);
        let packed = weights.chunks_exact(size).map(|weights| {
            let mut packed = Vec::new();
            pack::<S>(&self.layers, weights, &mut packed);
            packed
        });
        let packed: Vec<Vec<Packed>> = packed.collect();
        for (first, rows_of) in cut(n, 16 * lanes) {
            block.gather(rows, first..first + rows_of);
            for (m, &slot) in models.iter().enumerate() {
                let model = Model {
                    layers: &self.layers,
                    activation: shape.activation,
                    weights: &weights[m * size..(m + 1) * size],
                    packed: &packed[m],
                    turned: &[],
                    terms: Terms::new(&self.stack.losses[slot], self.stack.settings.epsilon),
                    rate: 0.0,
                };
                forward(simd, &model, &block, false, &mut scratch);
                for (start, count) in cut(rows_of, 16 * LEAST) {
                    let at = m * n + first + start..m * n + first + start + count;
                    let (raw, out) = (&mut scored.raw[at.clone()], &mut scored.scores[at]);
                    scored.loss[m] += scratch.evaluate(simd, &model.terms, &block.sign, (start, count), raw, out);
                }
            }
        }
        for loss in &mut scored.loss {
            *loss /= n as f64;
        }
        scored
    }
}

/// Lanes of a block of models of `shape`: 256 rows, so that a small network's values stay in the first-level cache;
/// 2,048 where the gradient's lanes leave the second-level cache, so that they are seldom gone over.
fn block_lanes(shape: &Shape) -> usize {
    if shape.parameters() * size_of::<Lane>() <= RESIDENT { LEAST } else { 8 * LEAST }
}

/// Weights of each layer as products read them.
fn pack<S: Simd>(layers: &[Layer], weights: &[f32], packed: &mut Vec<Packed>) {
    packed.resize(layers.len(), Packed::default());
    for (layer, packed) in layers.iter().zip(packed) {
        let steps = (layer.outputs, 1);
        packed.fill::<S>(&weights[layer.offset..layer.bias()], layer.inputs, layer.outputs, steps);
    }
}

/// Weights of each layer but the first, from its outputs to its inputs, for the way back.
fn turn<S: Simd>(layers: &[Layer], weights: &[f32], turned: &mut Vec<Packed>) {
    turned.resize(layers.len().saturating_sub(1), Packed::default());
    for (layer, turned) in layers.iter().skip(1).zip(turned) {
        let steps = (1, layer.outputs);
        turned.fill::<S>(&weights[layer.offset..layer.bias()], layer.outputs, layer.inputs, steps);
    }
}

impl Room {
    fn gather(&mut self, stack: &Stack, train: &Rows, batch: &Batch<'_>) {
        let rows = batch.rows();
        let uniforms = stack.uniforms(batch.epoch, batch.step, rows.len());
        let widths = if uniforms.is_empty() { &[] } else { stack.shape.hidden.as_slice() };
        let cuts = cut(rows.len(), 16 * self.lanes);
        self.blocks.resize_with(cuts.len(), || Block::new(self.lanes, stack.shape.inputs, widths));
        for (block, (first, count)) in self.blocks.iter_mut().zip(cuts) {
            block.gather(train, rows[first..first + count].iter().map(|&row| row as usize));
            block.gather_uniforms(&uniforms, first);
        }
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
        processor::step(self, batch);
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
        Ok(processor::score(self, weights, models, part.of(self.data)))
    }

    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError> {
        self.parameters.retain(keep, self.stack.shape.parameters());
        self.slots = keep.iter().map(|&k| self.slots[k]).collect();
        self.losses = keep.iter().map(|&k| self.losses[k]).collect();
        Ok(())
    }
}
