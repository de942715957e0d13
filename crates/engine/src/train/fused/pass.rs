//! One model over one block: forward, loss, backward.

use super::block::{Block, Cut};
use super::gradient::{Copies, outer};
use super::kernels::{AsItIs, Finish, Packed, product};
use super::math::{Terms, tanh};
use super::matrix::Matrix;
use super::simd::{Lane, Simd};
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
    /// Dropout rate; 0 keeps everything.
    pub(super) rate: f32,
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
    copies: Copies,
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
        Self { hidden: hidden.collect(), slopes, logits: Matrix::new(lanes, 1), copies: Copies::default() }
    }

    /// Logits and probabilities of the rows `cut` of a block into `raw` and `out`, and their summed loss, from the
    /// logits of [`forward`]. The cut begins with a lane.
    #[inline(always)]
    pub(super) fn evaluate<S: Simd>(
        &self,
        simd: S,
        terms: &Terms,
        sign: &[Lane],
        (first, rows): Cut,
        raw: &mut [f32],
        out: &mut [f32],
    ) -> f64 {
        let mut total = simd.splat(0.0);
        let lanes = first / 16..(first + rows).div_ceil(16);
        for (t, (raw, out)) in lanes.zip(raw.chunks_mut(16).zip(out.chunks_mut(16))) {
            let logits = &self.logits.lane(t)[0];
            let (loss, _, probability) = terms.rows(simd, simd.load(logits), simd.load(&sign[t]));
            total = simd.add(total, loss);
            let mut lane = Lane::ZERO;
            simd.store(probability, &mut lane);
            out.copy_from_slice(&lane.0[..out.len()]);
            raw.copy_from_slice(&logits.0[..raw.len()]);
        }
        sum(simd, total)
    }

    /// Summed loss of the rows `cut` of a block, which begin with a lane, and each logit replaced by its gradient times
    /// `scale`: 1 for summed losses, 1 / rows for their mean.
    #[inline(always)]
    pub(super) fn loss<S: Simd>(
        &mut self,
        simd: S,
        terms: &Terms,
        scale: f32,
        sign: &[Lane],
        (first, rows): Cut,
    ) -> f64 {
        let mut total = simd.splat(0.0);
        let lanes = first / 16..(first + rows).div_ceil(16);
        for (t, sign) in lanes.clone().zip(&sign[lanes]) {
            let logits = &mut self.logits.lane_mut(t)[0];
            let (loss, gradient, _) = terms.rows(simd, simd.load(logits), simd.load(sign));
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

/// max(0, sum), dropped where the uniform is below the rate.
struct Relu<'a> {
    uniforms: Option<&'a Matrix>,
    rate: f32,
    keep: f32,
}

impl<S: Simd> Finish<S> for Relu<'_> {
    #[inline(always)]
    fn beside(&self, t: usize) -> &[Lane] {
        self.uniforms.map_or(&[], |uniforms| uniforms.lane(t))
    }
    #[inline(always)]
    fn finish(&self, simd: S, sum: S::V, _: &Lane, uniform: Option<&Lane>) -> S::V {
        let zero = simd.splat(0.0);
        let value = simd.max(zero, sum);
        match uniform {
            None => value,
            Some(uniform) => {
                let kept = simd.mul(value, simd.splat(self.keep));
                simd.if_less(simd.load(uniform), simd.splat(self.rate), zero, kept)
            }
        }
    }
}

/// Gradient through a ReLU and its dropout: passes where the activation (`old`) is positive.
struct ReluSlope {
    keep: f32,
}

impl<S: Simd> Finish<S> for ReluSlope {
    #[inline(always)]
    fn beside(&self, _: usize) -> &[Lane] {
        &[]
    }
    #[inline(always)]
    fn finish(&self, simd: S, sum: S::V, old: &Lane, _: Option<&Lane>) -> S::V {
        let zero = simd.splat(0.0);
        simd.if_less(zero, simd.load(old), simd.mul(sum, simd.splat(self.keep)), zero)
    }
}

/// Gradient through what was stored as a slope.
struct Slope<'a>(&'a Matrix);

impl<S: Simd> Finish<S> for Slope<'_> {
    #[inline(always)]
    fn beside(&self, t: usize) -> &[Lane] {
        self.0.lane(t)
    }
    #[inline(always)]
    fn finish(&self, simd: S, sum: S::V, _: &Lane, slope: Option<&Lane>) -> S::V {
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
    let drop = drop && model.rate > 0.0;
    let keep = if drop { 1.0 / (1.0 - model.rate) } else { 1.0 };
    let lanes = block.lanes();
    for (depth, layer) in before.iter().enumerate() {
        let (below, above) = scratch.hidden.split_at_mut(depth);
        let (x, out, weights) = (below.last().unwrap_or(&block.x), &mut above[0], &model.packed[depth]);
        let bias = Some(&model.weights[layer.bias()..layer.end()]);
        let uniforms = if drop { block.uniforms.get(depth) } else { None };
        match model.activation {
            Activation::Relu => {
                product(simd, x, lanes, weights, bias, out, &Relu { uniforms, rate: model.rate, keep });
            }
            Activation::Tanh => {
                product(simd, x, lanes, weights, bias, out, &AsItIs);
                bend(simd, out, &mut scratch.slopes[depth], lanes, uniforms, model.rate, keep);
            }
        }
    }
    let (x, weights) = (scratch.hidden.last().unwrap_or(&block.x), &model.packed[before.len()]);
    let bias = Some(&model.weights[last.bias()..last.end()]);
    product(simd, x, lanes, weights, bias, &mut scratch.logits, &AsItIs);
}

/// tanh and dropout in place, and their slope.
#[inline(always)]
fn bend<S: Simd>(
    simd: S,
    out: &mut Matrix,
    slopes: &mut Matrix,
    lanes: usize,
    uniforms: Option<&Matrix>,
    rate: f32,
    keep: f32,
) {
    for t in 0..lanes {
        for (j, (out, slope)) in out.lane_mut(t).iter_mut().zip(slopes.lane_mut(t)).enumerate() {
            let value = tanh(simd, simd.load(out));
            let mask = match uniforms {
                None => simd.splat(keep),
                Some(u) => simd.if_less(simd.load(&u.lane(t)[j]), simd.splat(rate), simd.splat(0.0), simd.splat(keep)),
            };
            let steepness = simd.sub(simd.splat(1.0), simd.mul(value, value));
            simd.store(simd.mul(value, mask), out);
            simd.store(simd.mul(steepness, mask), slope);
        }
    }
}

/// Adds the block's gradient to `gradient` (a lane for each parameter), or begins it where it is `fresh`. `scratch`
/// comes from [`forward`] and [`Scratch::loss`], and is used up.
#[inline(always)]
pub(super) fn backward<S: Simd>(
    simd: S,
    model: &Model<'_>,
    block: &Block,
    scratch: &mut Scratch,
    fresh: bool,
    gradient: &mut [Lane],
) {
    let keep = if model.rate > 0.0 { 1.0 / (1.0 - model.rate) } else { 1.0 };
    let lanes = block.lanes();
    for (depth, layer) in model.layers.iter().enumerate().rev() {
        let (below, above) = scratch.hidden.split_at_mut(depth);
        let delta = above.first().unwrap_or(&scratch.logits);
        let gradient = &mut gradient[layer.offset..layer.end()];
        let Some(input) = below.last_mut() else {
            outer(simd, &block.x, delta, layer.outputs, lanes, fresh, gradient, &mut scratch.copies);
            break;
        };
        outer(simd, input, delta, layer.outputs, lanes, fresh, gradient, &mut scratch.copies);
        let turned = &model.turned[depth - 1];
        match model.activation {
            Activation::Relu => product(simd, delta, lanes, turned, None, input, &ReluSlope { keep }),
            Activation::Tanh => product(simd, delta, lanes, turned, None, input, &Slope(&scratch.slopes[depth - 1])),
        }
    }
}
