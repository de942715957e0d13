//! One model over one block: forward, loss, backward.

use super::block::{Block, Cut, Kept};
use super::gradient::Gradient;
use super::math::{Terms, tanh};
use super::matrix::Matrix;
use super::product::{AsItIs, Finish, Packed, Product};
use super::simd::{Kernel, Lane, Simd};
use focalsweep_core::plan::Layer;
use focalsweep_core::spec::Activation;

/// What a pass needs to know of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) layers: &'a [Layer],
    pub(super) activation: Activation,
    /// Parameters in the canonical layout.
    pub(super) weights: &'a [f32],
    /// The weights of each layer.
    pub(super) packed: &'a [Packed],
    /// The weights of each layer but the first, turned: from its outputs to its inputs.
    pub(super) turned: &'a [Packed],
    pub(super) terms: Terms,
    /// Nothing where everything is kept.
    pub(super) dropout: Option<Dropout>,
}

/// A model's dropout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropout {
    pub(super) rate: f32,
    /// Which of the blocks' rates it is.
    pub(super) index: usize,
}

impl Dropout {
    /// What is kept counts so much more.
    fn scale(self) -> f32 {
        1.0 / (1.0 - self.rate)
    }
}

/// Room for a model's values over a block.
#[derive(Debug, Clone)]
pub(super) struct Scratch {
    /// For each hidden layer its units and a column of ones; activations first, their gradients later.
    hidden: Vec<Matrix>,
    /// For tanh: the derivative of each activation.
    slopes: Vec<Matrix>,
    /// Logits, then their gradients: one column.
    logits: Matrix,
}

impl Scratch {
    /// Room for blocks of up to `lanes` lanes.
    pub(super) fn new(lanes: usize, widths: &[usize], activation: Activation) -> Self {
        let hidden = widths.iter().map(|&width| {
            let mut matrix = Matrix::new(lanes, width + 1);
            (0..lanes).for_each(|t| matrix.lane_mut(t)[width] = Lane::ONE);
            matrix
        });
        let slopes = match activation {
            Activation::Relu => Vec::new(),
            Activation::Tanh => widths.iter().map(|&width| Matrix::new(lanes, width)).collect(),
        };
        Self { hidden: hidden.collect(), slopes, logits: Matrix::new(lanes, 1) }
    }

    /// Logits and probabilities of the rows of a block into `raw` and `out`, and their summed loss, from the logits of
    /// [`forward`].
    #[inline(always)]
    pub(super) fn evaluate<S: Simd>(
        &self,
        simd: S,
        terms: &Terms,
        block: &Block,
        raw: &mut [f32],
        out: &mut [f32],
    ) -> f64 {
        let mut total = simd.splat(0.0);
        for ((t, sign), (raw, out)) in block.sign.iter().enumerate().zip(raw.chunks_mut(16).zip(out.chunks_mut(16))) {
            let logits = &self.logits.lane(t)[0];
            let (mut loss, _, probability) = terms.rows(simd, simd.load(logits), simd.load(sign));
            if let Some(weight) = block.weight.get(t) {
                loss = simd.mul(loss, simd.load(weight));
            }
            total = simd.add(total, loss);
            let mut lane = Lane::ZERO;
            simd.store(probability, &mut lane);
            out.copy_from_slice(&lane.0[..out.len()]);
            raw.copy_from_slice(&logits.0[..raw.len()]);
        }
        sum(simd, total)
    }

    /// The logits of the rows of a block, from those of [`forward`], behind `logits`, their signs behind `signs`, and
    /// their weights, where they have any, behind `weights`.
    pub(super) fn append(&self, block: &Block, logits: &mut Vec<f32>, signs: &mut Vec<f32>, weights: &mut Vec<f32>) {
        for t in 0..block.lanes() {
            let count = (block.rows - 16 * t).min(16);
            logits.extend_from_slice(&self.logits.lane(t)[0].0[..count]);
            signs.extend_from_slice(&block.sign[t].0[..count]);
            if let Some(weight) = block.weight.get(t) {
                weights.extend_from_slice(&weight.0[..count]);
            }
        }
    }

    /// Each logit of a block replaced by its gradient of `slopes` times `scale`.
    pub(super) fn put(&mut self, slopes: &[f32], scale: f32) {
        for (t, slopes) in slopes.chunks(16).enumerate() {
            let lane = &mut self.logits.lane_mut(t)[0];
            *lane = Lane::ZERO;
            lane.0.iter_mut().zip(slopes).for_each(|(to, slope)| *to = slope * scale);
        }
    }

    /// Summed loss of the rows `cut` of a block, which begin with a lane, and each logit replaced by its gradient times
    /// `scale`: 1 for summed losses, 1 / rows for their mean.
    #[inline(always)]
    pub(super) fn loss<S: Simd>(
        &mut self,
        simd: S,
        terms: &Terms,
        scale: f32,
        block: &Block,
        (first, rows): Cut,
    ) -> f64 {
        let mut total = simd.splat(0.0);
        let lanes = first / 16..(first + rows).div_ceil(16);
        for (t, sign) in lanes.clone().zip(&block.sign[lanes]) {
            let logits = &mut self.logits.lane_mut(t)[0];
            let (mut loss, mut gradient, _) = terms.rows(simd, simd.load(logits), simd.load(sign));
            if let Some(weight) = block.weight.get(t) {
                let weight = simd.load(weight);
                (loss, gradient) = (simd.mul(loss, weight), simd.mul(gradient, weight));
            }
            total = simd.add(total, loss);
            simd.store(simd.mul(gradient, simd.splat(scale)), logits);
        }
        sum(simd, total)
    }
}

/// Sum of the lanes in double precision.
#[inline(always)]
fn sum<S: Simd>(simd: S, lanes: S::V) -> f64 {
    let mut lane = Lane::ZERO;
    simd.store(lanes, &mut lane);
    lane.0.iter().map(|&value| f64::from(value)).sum()
}

/// max(0, sum), and what dropout keeps of it.
#[derive(Clone, Copy)]
struct Relu<'a> {
    kept: Option<&'a Kept>,
    scale: f32,
}

impl Finish for Relu<'_> {
    type Beside = u16;

    #[inline(always)]
    fn beside(&self, t: usize) -> &[u16] {
        self.kept.map_or(&[], |kept| kept.lane(t))
    }
    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, sum: S::V, _: &Lane, kept: Option<&u16>) -> S::V {
        let value = simd.max(simd.splat(0.0), sum);
        match kept {
            None => value,
            Some(&kept) => simd.keep(kept, simd.mul(value, simd.splat(self.scale))),
        }
    }
}

/// Gradient through a ReLU and its dropout: passes where the activation (`old`) is positive.
#[derive(Clone, Copy)]
struct ReluSlope {
    scale: f32,
}

impl Finish for ReluSlope {
    type Beside = ();

    #[inline(always)]
    fn beside(&self, _: usize) -> &[()] {
        &[]
    }
    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, sum: S::V, old: &Lane, _: Option<&()>) -> S::V {
        let zero = simd.splat(0.0);
        simd.if_less(zero, simd.load(old), simd.mul(sum, simd.splat(self.scale)), zero)
    }
}

/// Gradient through what was stored as a slope.
#[derive(Clone, Copy)]
struct Slope<'a>(&'a Matrix);

impl Finish for Slope<'_> {
    type Beside = Lane;

    #[inline(always)]
    fn beside(&self, t: usize) -> &[Lane] {
        self.0.lane(t)
    }
    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, sum: S::V, _: &Lane, slope: Option<&Lane>) -> S::V {
        slope.map_or(sum, |slope| simd.mul(sum, simd.load(slope)))
    }
}

/// Logits of the block into `scratch`; with dropout where `drop` says so.
#[inline(always)]
pub(super) fn forward<S: Simd>(simd: S, model: &Model<'_>, block: &Block, drop: bool, scratch: &mut Scratch) {
    let (last, before) = match model.layers.split_last() {
        Some(split) => split,
        None => return,
    };
    let dropout = model.dropout.filter(|_| drop);
    let scale = dropout.map_or(1.0, Dropout::scale);
    let lanes = block.lanes();
    for (depth, layer) in before.iter().enumerate() {
        let (below, above) = scratch.hidden.split_at_mut(depth);
        let (x, out, weights) = (below.last().unwrap_or(&block.x), &mut above[0], &model.packed[depth]);
        let bias = Some(&model.weights[layer.bias()..layer.end()]);
        let kept = dropout.and_then(|dropout| block.kept.get(dropout.index)?.get(depth));
        match model.activation {
            Activation::Relu => Product { x, lanes, weights, bias, finish: Relu { kept, scale } }.into(simd, out),
            Activation::Tanh => {
                Product { x, lanes, weights, bias, finish: AsItIs }.into(simd, out);
                simd.call(Bend { out, slopes: &mut scratch.slopes[depth], lanes, kept, scale });
            }
        }
    }
    let (x, weights) = (scratch.hidden.last().unwrap_or(&block.x), &model.packed[before.len()]);
    let bias = Some(&model.weights[last.bias()..last.end()]);
    Product { x, lanes, weights, bias, finish: AsItIs }.into(simd, &mut scratch.logits);
}

/// tanh and dropout in place, and their slope.
struct Bend<'a> {
    out: &'a mut Matrix,
    slopes: &'a mut Matrix,
    lanes: usize,
    kept: Option<&'a Kept>,
    scale: f32,
}

impl Kernel for Bend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { out, slopes, lanes, kept, scale } = self;
        let scale = simd.splat(scale);
        for t in 0..lanes {
            let kept = kept.map_or(&[][..], |kept| kept.lane(t));
            for (j, (out, slope)) in out.lane_mut(t).iter_mut().zip(slopes.lane_mut(t)).enumerate() {
                let value = tanh(simd, simd.load(out));
                let mask = kept.get(j).map_or(scale, |&kept| simd.keep(kept, scale));
                let steepness = simd.sub(simd.splat(1.0), simd.mul(value, value));
                simd.store(simd.mul(value, mask), out);
                simd.store(simd.mul(steepness, mask), slope);
            }
        }
    }
}

/// Adds the block's gradient to `gradient`, or begins it where it is `fresh`. `scratch` comes from [`forward`] and
/// [`Scratch::loss`], and is used up.
#[inline(always)]
pub(super) fn backward<S: Simd>(
    simd: S,
    model: &Model<'_>,
    block: &Block,
    scratch: &mut Scratch,
    fresh: bool,
    gradient: &mut Gradient,
) {
    let scale = model.dropout.map_or(1.0, Dropout::scale);
    let lanes = block.lanes();
    for depth in (0..model.layers.len()).rev() {
        let (below, above) = scratch.hidden.split_at_mut(depth);
        let x = above.first().unwrap_or(&scratch.logits);
        let Some(out) = below.last_mut() else {
            gradient.add(simd, depth, (&block.x, x), lanes, fresh);
            break;
        };
        gradient.add(simd, depth, (out, x), lanes, fresh);
        let (weights, bias) = (&model.turned[depth - 1], None);
        match model.activation {
            Activation::Relu => Product { x, lanes, weights, bias, finish: ReluSlope { scale } }.into(simd, out),
            Activation::Tanh => {
                Product { x, lanes, weights, bias, finish: Slope(&scratch.slopes[depth - 1]) }.into(simd, out);
            }
        }
    }
}
