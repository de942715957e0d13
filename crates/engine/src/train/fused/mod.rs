//! The CPU's backend: every pass over a block of rows fused, model after model, in registers and first-level cache.
//!
//! A batch is gathered once for all models and turned on its side (see [`block`]); then each model goes over it, a
//! block of rows at a time: first layer, activation and dropout as the sums leave the registers, loss and its slope,
//! and the way back. A model's arithmetic does not depend on its neighbours or their number, so it is the same to the
//! bit alone and in any stack. The libtorch backend computes the same by other means; a property test holds them
//! together.

mod block;
mod gradient;
mod math;
mod matrix;
mod optimize;
mod panels;
mod pass;
mod processor;
mod product;
mod simd;
#[cfg(test)]
mod tests;

use block::{Block, LEAST, cut, loss_cuts};
use gradient::Gradient;
use math::Terms;
use optimize::{Rule, update};
use pass::{Dropout, Model, Scratch, backward, forward};
use processor::Processor;
use product::Packed;
use simd::{Kernel, Simd};

pub use processor::{NoInstructions, instructions, use_instructions};

use super::backend::{Backend, Backends, Batch, Parameters, Part, Scored};
use super::error::TrainError;
use super::stack::Stack;
use focalsweep_core::losses::{PairTerms, TrialLoss};
use focalsweep_core::plan::Layer;
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::spec::Reduction;

/// K models in this processor's memory.
#[derive(Debug)]
pub(super) struct Fused<'a> {
    stack: &'a Stack,
    data: &'a Replicate,
    /// By how much training rows count, 1 on average; empty where each counts once.
    weights: Vec<f32>,
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
    /// Dropout rates above 0, each once.
    rates: Vec<f32>,
    scratch: Scratch,
    /// That of one model.
    gradient: Gradient,
    packed: Vec<Packed>,
    turned: Vec<Packed>,
    pairs: Pairs,
}

/// The rows of a batch for a loss of pairs, which needs all logits before it has the first gradient.
#[derive(Debug, Default)]
struct Pairs {
    logits: Vec<f32>,
    signs: Vec<f32>,
    weights: Vec<f32>,
    slopes: Vec<f32>,
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
        let layers = shape.layers();
        let room = Room {
            lanes: LEAST,
            blocks: Vec::new(),
            rates: rates(stack, slots),
            scratch: Scratch::new(LEAST, &shape.hidden, shape.activation),
            gradient: Gradient::new(&layers),
            packed: Vec::new(),
            turned: Vec::new(),
            pairs: Pairs::default(),
        };
        Self {
            stack,
            data,
            weights: data.train.loss_weights(),
            slots: slots.to_vec(),
            parameters: parameters.clone(),
            losses,
            layers,
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
}

/// A step of all models.
struct Step<'a, 'b, 's, 'd> {
    of: &'a mut Fused<'s>,
    batch: &'b Batch<'d>,
}

impl Kernel for Step<'_, '_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { of, batch } = self;
        let Fused { stack, data, weights: row_weights, slots, parameters, losses, layers, room, .. } = of;
        room.gather(simd, stack, (data, row_weights), batch);
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
                terms: Terms::of_trial(&stack.losses[slot], settings.epsilon),
                dropout: room.dropout_of(trial.dropout as f32),
            };
            let (scratch, gradient) = (&mut room.scratch, &mut room.gradient);
            *total += match &stack.losses[slot] {
                TrialLoss::Rows(_) => of_rows(simd, &model, &room.blocks, scale, scratch, gradient),
                TrialLoss::Pairs(terms) => {
                    room.pairs.backward(simd, (terms, &model), &room.blocks, scale, scratch, gradient)
                }
            };
            let rule = Rule::of(trial, batch.update);
            let (first, second) = (&mut parameters.first[at.clone()], &mut parameters.second[at]);
            let slopes = room.gradient.slopes(simd);
            if let (TrialLoss::Pairs(_), Some(bias)) = (&stack.losses[slot], slopes.last_mut()) {
                *bias = 0.0; // what pairs have in common cancels; rounding would not, and Adam would follow it
            }
            update(&rule, slopes, weights, first, second);
        }
    }
}

/// Summed loss of the rows of a batch, and its gradient.
#[inline(always)]
fn of_rows<S: Simd>(
    simd: S,
    model: &Model<'_>,
    blocks: &[Block],
    scale: f32,
    scratch: &mut Scratch,
    gradient: &mut Gradient,
) -> f64 {
    let mut loss = 0.0;
    for (place, block) in blocks.iter().enumerate() {
        forward(simd, model, block, true, scratch);
        for cut in loss_cuts(block.rows) {
            loss += scratch.loss(simd, &model.terms, scale, block, cut);
        }
        backward(simd, model, block, scratch, place == 0, gradient);
    }
    loss
}

impl Pairs {
    /// Loss of the pairs of a batch, and its gradient. Of more than one block the way forward is gone twice.
    #[inline(always)]
    fn backward<S: Simd>(
        &mut self,
        simd: S,
        (terms, model): (&PairTerms, &Model<'_>),
        blocks: &[Block],
        scale: f32,
        scratch: &mut Scratch,
        gradient: &mut Gradient,
    ) -> f64 {
        self.logits.clear();
        self.signs.clear();
        self.weights.clear();
        for block in blocks {
            forward(simd, model, block, true, scratch);
            scratch.append(block, &mut self.logits, &mut self.signs, &mut self.weights);
        }
        self.slopes.resize(self.logits.len(), 0.0);
        let loss = terms.rows(&self.logits, &self.signs, &self.weights, &mut self.slopes);
        let mut first = 0;
        for (place, block) in blocks.iter().enumerate() {
            if blocks.len() > 1 {
                forward(simd, model, block, true, scratch);
            }
            scratch.put(&self.slopes[first..first + block.rows], scale);
            first += block.rows;
            backward(simd, model, block, scratch, place == 0, gradient);
        }
        loss
    }
}

/// Scores of `models` with `weights`.
struct Score<'a, 's> {
    of: &'a Fused<'s>,
    weights: &'a [f32],
    models: &'a [usize],
    rows: &'a Rows,
}

impl Kernel for Score<'_, '_> {
    type Output = Scored;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Scored {
        let Self { of: Fused { stack, layers, .. }, weights, models, rows } = self;
        let shape = &stack.shape;
        let (n, size) = (rows.y.len(), shape.parameters());
        let zeros = || vec![0.0; models.len() * n];
        let mut scored = Scored { raw: zeros(), scores: zeros(), loss: vec![0.0; models.len()] };
        let mut block = Block::new(LEAST, shape.inputs);
        let mut scratch = Scratch::new(LEAST, &shape.hidden, shape.activation);
        let packed = weights.chunks_exact(size).map(|weights| {
            let mut packed = Vec::new();
            pack::<S>(layers, weights, &mut packed);
            packed
        });
        let packed: Vec<Vec<Packed>> = packed.collect();
        let (none, row_weights) = (Rows::default(), rows.loss_weights());
        for (first, rows_of) in cut(n, 16 * LEAST) {
            block.gather(simd, [rows, &none], first..first + rows_of);
            block.gather_weights(&row_weights, first..first + rows_of);
            for (m, &slot) in models.iter().enumerate() {
                let model = Model {
                    layers,
                    activation: shape.activation,
                    weights: &weights[m * size..(m + 1) * size],
                    packed: &packed[m],
                    turned: &[],
                    terms: Terms::of_trial(&stack.losses[slot], stack.settings.epsilon),
                    dropout: None,
                };
                forward(simd, &model, &block, false, &mut scratch);
                let at = m * n + first..m * n + first + rows_of;
                let (raw, out) = (&mut scored.raw[at.clone()], &mut scored.scores[at]);
                scored.loss[m] += scratch.evaluate(simd, &model.terms, &block, raw, out);
            }
        }
        for loss in &mut scored.loss {
            *loss /= n as f64;
        }
        stack.score_pairs(models, (&scored.raw, &rows.y, &row_weights), &mut scored.loss);
        scored
    }
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
    #[inline(always)]
    fn gather<S: Simd>(&mut self, simd: S, stack: &Stack, (data, weights): (&Replicate, &[f32]), batch: &Batch<'_>) {
        let (rows, of) = (batch.rows(), [&data.train, stack.synthetic(data)]);
        let uniforms = stack.uniforms(batch.epoch, batch.step, rows.len());
        let cuts = cut(rows.len(), 16 * self.lanes);
        self.blocks.resize_with(cuts.len(), || Block::new(self.lanes, stack.shape.inputs));
        for (block, (first, count)) in self.blocks.iter_mut().zip(cuts) {
            let places = || rows[first..first + count].iter().map(|&row| row as usize);
            block.gather(simd, of, places());
            block.gather_weights(weights, places());
            block.gather_kept(&self.rates, &uniforms, &stack.shape.hidden, first);
        }
    }

    fn dropout_of(&self, rate: f32) -> Option<Dropout> {
        self.rates.iter().position(|&of| of == rate).map(|index| Dropout { rate, index })
    }
}

/// The dropout rates above 0 of the trials in `slots`, each once.
fn rates(stack: &Stack, slots: &[usize]) -> Vec<f32> {
    let mut rates: Vec<f32> = slots.iter().map(|&slot| stack.trials[slot].dropout as f32).collect();
    rates.retain(|&rate| rate > 0.0);
    rates.sort_by(f32::total_cmp);
    rates.dedup();
    rates
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
        self.processor.call(Step { of: self, batch });
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
        Ok(self.processor.call(Score { of: self, weights, models, rows: part.of(self.data) }))
    }

    fn retain(&mut self, keep: &[usize]) -> Result<(), TrainError> {
        self.parameters.retain(keep, self.stack.shape.parameters());
        self.slots = keep.iter().map(|&k| self.slots[k]).collect();
        self.losses = keep.iter().map(|&k| self.losses[k]).collect();
        self.room.rates = rates(self.stack, &self.slots);
        Ok(())
    }
}
