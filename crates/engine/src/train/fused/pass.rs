//! One model over one block: forward, loss, backward.

use super::block::Block;
use super::kernels::{AsItIs, Column, Finish, outer, product};
use super::math::{Terms, tanh};
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
    /// Weights of each layer but the first, turned: `[outputs, inputs]`.
    pub(super) turned: &'a [Vec<f32>],
    pub(super) terms: Terms,
    /// Dropout rate; 0 keeps everything.
    pub(super) rate: f32,
    /// What gradients are multiplied by: 1 for summed losses, 1 / rows for their mean.
    pub(super) scale: f32,
}

/// Room for a model's values over a block.
#[derive(Debug, Clone)]
pub(super) struct Scratch<const T: usize> {
    /// For each hidden layer its units and a column of ones; activations first, their gradients later.
    hidden: Vec<Vec<Column<T>>>,
    /// For tanh: the derivative of each activation.
    slopes: Vec<Vec<Column<T>>>,
    /// Logits, then their gradients.
    logits: [Column<T>; 1],
}

impl<const T: usize> Scratch<T> {
    pub(super) fn new(widths: &[usize], activation: Activation) -> Self {
        let hidden = widths.iter().map(|&width| {
            let mut columns = vec![[Lane::ZERO; T]; width];
            columns.push([Lane::ONE; T]);
            columns
        });
        let slopes = match activation {
            Activation::Relu => Vec::new(),
            Activation::Tanh => widths.iter().map(|&width| vec![[Lane::ZERO; T]; width]).collect(),
        };
        Self { hidden: hidden.collect(), slopes, logits: [[Lane::ZERO; T]] }
    }

    /// Logits and probabilities of the block's rows into `raw` and `out`, and their summed loss, from the logits of
    /// [`forward`].
    #[inline(always)]
    pub(super) fn evaluate<S: Simd>(
        &self,
        simd: S,
        terms: &Terms,
        sign: &Column<T>,
        raw: &mut [f32],
        out: &mut [f32],
    ) -> f64 {
        let mut total = simd.splat(0.0);
        let rows = raw.chunks_mut(16).zip(out.chunks_mut(16));
        for ((logits, sign), (raw, out)) in self.logits[0].iter().zip(sign).zip(rows) {
            let (loss, _, probability) = terms.rows(simd, simd.load(logits), simd.load(sign));
            total = simd.add(total, loss);
            let mut lane = Lane::ZERO;
            simd.store(probability, &mut lane);
            out.copy_from_slice(&lane.0[..out.len()]);
            raw.copy_from_slice(&logits.0[..raw.len()]);
        }
        sum(simd, total)
    }

    /// Summed loss of the block's rows, and each logit replaced by its gradient.
    #[inline(always)]
    pub(super) fn loss<S: Simd>(&mut self, simd: S, terms: &Terms, scale: f32, sign: &Column<T>) -> f64 {
        let mut total = simd.splat(0.0);
        for (logits, sign) in self.logits[0].iter_mut().zip(sign) {
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
struct Relu<'a, const T: usize> {
    uniforms: Option<&'a [Column<T>]>,
    rate: f32,
    keep: f32,
}

impl<S: Simd, const T: usize> Finish<S> for Relu<'_, T> {
    #[inline(always)]
    fn finish(&self, simd: S, j: usize, t: usize, sum: S::V, _: &Lane) -> S::V {
        let zero = simd.splat(0.0);
        let value = simd.max(zero, sum);
        match self.uniforms {
            None => value,
            Some(uniforms) => {
                let kept = simd.mul(value, simd.splat(self.keep));
                simd.if_less(simd.load(&uniforms[j][t]), simd.splat(self.rate), zero, kept)
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
    fn finish(&self, simd: S, _: usize, _: usize, sum: S::V, old: &Lane) -> S::V {
        let zero = simd.splat(0.0);
        simd.if_less(zero, simd.load(old), simd.mul(sum, simd.splat(self.keep)), zero)
    }
}

/// Gradient through what was stored as a slope.
struct Slope<'a, const T: usize>(&'a [Column<T>]);

impl<S: Simd, const T: usize> Finish<S> for Slope<'_, T> {
    #[inline(always)]
    fn finish(&self, simd: S, j: usize, t: usize, sum: S::V, _: &Lane) -> S::V {
        simd.mul(sum, simd.load(&self.0[j][t]))
    }
}

/// Logits of the block into `scratch`; with dropout where `drop` says so.
#[inline(always)]
pub(super) fn forward<S: Simd, const T: usize>(
    simd: S,
    model: &Model<'_>,
    block: &Block<T>,
    drop: bool,
    scratch: &mut Scratch<T>,
) {
    let (last, before) = match model.layers.split_last() {
        Some(split) => split,
        None => return,
    };
    let drop = drop && model.rate > 0.0;
    let keep = if drop { 1.0 / (1.0 - model.rate) } else { 1.0 };
    for (depth, layer) in before.iter().enumerate() {
        let (below, above) = scratch.hidden.split_at_mut(depth);
        let out = &mut above[0][..layer.outputs];
        let x = &below.last().unwrap_or(&block.x)[..layer.inputs];
        let weights = &model.weights[layer.offset..layer.bias()];
        let bias = Some(&model.weights[layer.bias()..layer.end()]);
        let uniforms = if drop { block.uniforms.get(depth).map(Vec::as_slice) } else { None };
        match model.activation {
            Activation::Relu => product(simd, x, weights, bias, out, &Relu { uniforms, rate: model.rate, keep }),
            Activation::Tanh => {
                product(simd, x, weights, bias, out, &AsItIs);
                bend(simd, out, &mut scratch.slopes[depth], uniforms, model.rate, keep);
            }
        }
    }
    let x = &scratch.hidden.last().unwrap_or(&block.x)[..last.inputs];
    let bias = Some(&model.weights[last.bias()..last.end()]);
    product(simd, x, &model.weights[last.offset..last.bias()], bias, &mut scratch.logits, &AsItIs);
}

/// tanh and dropout in place, and their slope.
#[inline(always)]
fn bend<S: Simd, const T: usize>(
    simd: S,
    out: &mut [Column<T>],
    slopes: &mut [Column<T>],
    uniforms: Option<&[Column<T>]>,
    rate: f32,
    keep: f32,
) {
    for (j, (out, slope)) in out.iter_mut().zip(slopes).enumerate() {
        for t in 0..T {
            let value = tanh(simd, simd.load(&out[t]));
            let mask = match uniforms {
                None => simd.splat(keep),
                Some(u) => simd.if_less(simd.load(&u[j][t]), simd.splat(rate), simd.splat(0.0), simd.splat(keep)),
            };
            let steepness = simd.sub(simd.splat(1.0), simd.mul(value, value));
            simd.store(simd.mul(value, mask), &mut out[t]);
            simd.store(simd.mul(steepness, mask), &mut slope[t]);
        }
    }
}

/// Adds the block's gradient to `gradient` (a lane for each parameter). `scratch` comes from [`forward`] and
/// [`Scratch::loss`], and is used up.
#[inline(always)]
pub(super) fn backward<S: Simd, const T: usize>(
    simd: S,
    model: &Model<'_>,
    block: &Block<T>,
    scratch: &mut Scratch<T>,
    gradient: &mut [Lane],
) {
    let keep = if model.rate > 0.0 { 1.0 / (1.0 - model.rate) } else { 1.0 };
    for (depth, layer) in model.layers.iter().enumerate().rev() {
        let (below, above) = scratch.hidden.split_at_mut(depth);
        let delta = above.first().map_or(scratch.logits.as_slice(), |h| &h[..layer.outputs]);
        let gradient = &mut gradient[layer.offset..layer.end()];
        let Some(input) = below.last_mut() else {
            outer(simd, &block.x, delta, gradient);
            break;
        };
        outer(simd, input, delta, gradient);
        let (turned, input) = (&model.turned[depth - 1], &mut input[..layer.inputs]);
        match model.activation {
            Activation::Relu => product(simd, delta, turned, None, input, &ReluSlope { keep }),
            Activation::Tanh => product(simd, delta, turned, None, input, &Slope(&scratch.slopes[depth - 1])),
        }
    }
}
