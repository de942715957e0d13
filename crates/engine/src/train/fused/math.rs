//! exp, log1p, the focal loss and its slope, sixteen logits at a time.

use focalsweep_core::losses::LossTerms;

use super::simd::Simd;

/// Coefficients of exp(x) on [-ln 2 / 2, ln 2 / 2], lowest first: the interpolant at Chebyshev nodes, relative error
/// 7.5e-8 in f32.
const EXP: [f32; 7] = [1.0, 1.0, 0.5, 0.166_664_15, 0.041_666_35, 0.008_375_126, 0.001_394_110_8];
/// Coefficients of ln(1 + e) / e on [0, 1], likewise: relative error 9.7e-8.
const LOG1P: [f32; 10] = [
    1.0,
    -0.499_998_93,
    0.333_297_1,
    -0.249_516_16,
    0.196_632_74,
    -0.152_696_67,
    0.105_436_236,
    -0.056_373_61,
    0.019_542_526,
    -0.003_176_057,
];
/// Below this exp is taken as at it: 1.2e-38, the least normal number.
const LEAST_EXPONENT: f32 = -87.3;

/// exp(x) for x <= 0; NaN stays NaN.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    let x = simd.max(simd.splat(LEAST_EXPONENT), x);
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::LOG2_E)));
    // ln 2 in two parts, so that the remainder is exact.
    let r = simd.mul_add(n, simd.splat(-0.693_145_75), x);
    let r = simd.mul_add(n, simd.splat(-1.428_606_8e-6), r);
    simd.mul(polynomial(simd, &EXP, r), simd.exp2(n))
}

/// ln(1 + e) for e in [0, 1].
#[inline(always)]
fn log1p<S: Simd>(simd: S, e: S::V) -> S::V {
    simd.mul(e, polynomial(simd, &LOG1P, e))
}

#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, coefficients: &[f32; N], x: S::V) -> S::V {
    let mut sum = simd.splat(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        sum = simd.mul_add(sum, x, simd.splat(coefficient));
    }
    sum
}

/// 1 / (1 + exp(-z))
#[inline(always)]
fn sigmoid<S: Simd>(simd: S, z: S::V) -> S::V {
    let zero = simd.splat(0.0);
    let minus = simd.sub(zero, z);
    let e = exp(simd, simd.min(minus, z));
    let large = simd.div(simd.splat(1.0), simd.add(simd.splat(1.0), e));
    simd.if_less(z, zero, simd.mul(e, large), large)
}

/// tanh(x) = 2 sigmoid(2x) - 1
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, x: S::V) -> S::V {
    simd.mul_add(simd.splat(2.0), sigmoid(simd, simd.add(x, x)), simd.splat(-1.0))
}

/// What a trial's loss reads, in single precision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Weight of positive rows.
    pub(super) positive: f32,
    /// Weight of negative rows.
    pub(super) negative: f32,
    /// Focusing exponent.
    pub(super) gamma: f32,
    /// -ln of the clipping epsilon; infinite without clipping.
    pub(super) limit: f32,
}

impl Terms {
    /// Those of a trial. `epsilon` is the least p_t inside the logarithm.
    pub(super) fn new(terms: &LossTerms, epsilon: Option<f64>) -> Self {
        let &LossTerms { positive, negative, gamma } = terms;
        Self {
            positive: positive as f32,
            negative: negative as f32,
            gamma: gamma as f32,
            limit: epsilon.map_or(f32::INFINITY, |e| -e.ln() as f32),
        }
    }

    /// Losses of logits, their derivatives by them, and the probabilities of the positive class. `sign` is 1 for
    /// positives, -1 for negatives, 0 for rows that do not count. The formulas are those of
    /// [`LossTerms::row`](focalsweep_core::losses::LossTerms::row).
    #[inline(always)]
    pub(super) fn rows<S: Simd>(&self, simd: S, logits: S::V, sign: S::V) -> (S::V, S::V, S::V) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let x = simd.mul(logits, sign);
        let minus = simd.sub(zero, x);
        let e = exp(simd, simd.min(minus, x));
        let log = log1p(simd, e);
        let exact = simd.add(simd.max(zero, minus), log); // -log p_t
        let large = simd.div(one, simd.add(one, e));
        let small = simd.mul(e, large);
        let p = simd.if_less(x, zero, small, large);
        let q = simd.if_less(x, zero, large, small);
        let weight = simd.if_less(zero, sign, simd.splat(self.positive), simd.splat(self.negative));
        let mut focus = simd.mul(weight, simd.mul(sign, sign));
        let gamma = simd.splat(self.gamma);
        if self.gamma != 0.0 {
            let log_q = simd.sub(zero, simd.add(simd.max(zero, x), log));
            focus = simd.mul(focus, exp(simd, simd.mul(gamma, log_q)));
        }
        let limit = simd.splat(self.limit);
        let surprise = simd.min(limit, exact);
        let log_term = simd.if_less(limit, exact, zero, q);
        let slope = simd.mul_add(simd.mul(gamma, p), surprise, log_term);
        let gradient = simd.mul(simd.mul(focus, slope), simd.sub(zero, sign));
        (simd.mul(focus, surprise), gradient, simd.if_less(zero, sign, p, q))
    }
}
