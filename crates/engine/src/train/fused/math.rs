//! exp, log1p, ln, the losses of rows and their slopes, sixteen logits at a time.

use focalsweep_core::losses::{Formula, LossTerms, TrialLoss};

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

/// ln(a) for normal a above 0.
#[inline(always)]
fn ln<S: Simd>(simd: S, a: S::V) -> S::V {
    let exponent = simd.exponent(a);
    let mantissa = simd.mul(a, simd.exp2(simd.sub(simd.splat(0.0), exponent)));
    let log = log1p(simd, simd.sub(mantissa, simd.splat(1.0)));
    simd.mul_add(exponent, simd.splat(std::f32::consts::LN_2), log)
}

/// What a trial's loss of a row reads, in single precision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Weight of positive rows.
    positive: f32,
    /// Weight of negative rows.
    negative: f32,
    kind: Kind,
    /// How likely the label is to be wrong.
    wrong: f32,
    /// -ln of the clipping epsilon; infinite without clipping.
    limit: f32,
}

/// [`Formula`]'s.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Focal { gamma: f32 },
    Asymmetric { positive: f32, negative: f32, margin: f32 },
    Scaled { slopes: [f32; 2], shifts: [f32; 2] },
}

/// Losses of logits, their derivatives by them, and the probabilities of the positive class.
type OfRows<V> = (V, V, V);

impl Terms {
    /// Those of a trial. `epsilon` is the least p_t inside the logarithm.
    pub(super) fn new(terms: &LossTerms, epsilon: Option<f64>) -> Self {
        let &LossTerms { positive, negative, formula, smoothing } = terms;
        let both = |pair: [f64; 2]| pair.map(|value| value as f32);
        Self {
            positive: positive as f32,
            negative: negative as f32,
            kind: match formula {
                Formula::Focal { gamma } => Kind::Focal { gamma: gamma as f32 },
                Formula::Asymmetric { gamma_positive, gamma_negative, margin } => Kind::Asymmetric {
                    positive: gamma_positive as f32,
                    negative: gamma_negative as f32,
                    margin: margin as f32,
                },
                Formula::Scaled { slopes, shifts } => Kind::Scaled { slopes: both(slopes), shifts: both(shifts) },
            },
            wrong: (smoothing / 2.0) as f32,
            limit: epsilon.map_or(f32::INFINITY, |e| -e.ln() as f32),
        }
    }

    /// Those by which rows of a trial are scored. A loss of pairs has none of a row: those of cross-entropy, whose loss
    /// nobody reads.
    pub(super) fn of_trial(loss: &TrialLoss, epsilon: Option<f64>) -> Self {
        match loss {
            TrialLoss::Rows(terms) => Self::new(terms, epsilon),
            TrialLoss::Pairs(_) => Self::new(&LossTerms::focal(1.0, 1.0, 0.0), None),
        }
    }

    /// Losses, slopes and probabilities. `sign` is 1 for positives, -1 for negatives, 0 for rows that do not count. The
    /// formulas are those of [`LossTerms::row`](focalsweep_core::losses::LossTerms::row).
    #[inline(always)]
    pub(super) fn rows<S: Simd>(&self, simd: S, logits: S::V, sign: S::V) -> OfRows<S::V> {
        let given = self.of_class(simd, logits, sign);
        if self.wrong == 0.0 {
            return given;
        }
        let other = self.of_class(simd, logits, simd.sub(simd.splat(0.0), sign));
        let (right, wrong) = (simd.splat(1.0 - self.wrong), simd.splat(self.wrong));
        let mixed = |a: S::V, b: S::V| simd.mul_add(wrong, b, simd.mul(right, a));
        (mixed(given.0, other.0), mixed(given.1, other.1), given.2)
    }

    #[inline(always)]
    fn of_class<S: Simd>(&self, simd: S, logits: S::V, sign: S::V) -> OfRows<S::V> {
        match self.kind {
            Kind::Focal { gamma } => self.focal(simd, logits, sign, gamma),
            Kind::Asymmetric { positive, negative, margin } => {
                self.asymmetric(simd, logits, sign, (positive, negative), margin)
            }
            Kind::Scaled { slopes, shifts } => {
                let zero = simd.splat(0.0);
                let by_class = |[a, b]: [f32; 2]| simd.if_less(zero, sign, simd.splat(a), simd.splat(b));
                let slope = by_class(slopes);
                // s (slope · s z - shift) = slope · z - s · shift, so that the sign makes of it what it does of a
                // logit.
                let moved = simd.sub(simd.mul(slope, logits), simd.mul(sign, by_class(shifts)));
                let (loss, gradient, _) = self.focal(simd, moved, sign, 0.0);
                (loss, simd.mul(slope, gradient), sigmoid(simd, logits))
            }
        }
    }

    #[inline(always)]
    fn focal<S: Simd>(&self, simd: S, logits: S::V, sign: S::V, exponent: f32) -> OfRows<S::V> {
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
        let gamma = simd.splat(exponent);
        if exponent != 0.0 {
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

    /// Positives are focal; of negatives the probability is shifted.
    #[inline(always)]
    fn asymmetric<S: Simd>(&self, simd: S, logits: S::V, sign: S::V, gammas: (f32, f32), margin: f32) -> OfRows<S::V> {
        const LEAST_SHIFTED: f32 = 1e-30;
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let by_class = |of_positives: S::V, of_negatives: S::V| simd.if_less(zero, sign, of_positives, of_negatives);
        let x = simd.mul(logits, sign);
        let minus = simd.sub(zero, x);
        let e = exp(simd, simd.min(minus, x));
        let log = log1p(simd, e);
        let large = simd.div(one, simd.add(one, e));
        let small = simd.mul(e, large);
        let p = simd.if_less(x, zero, small, large);
        let q = simd.if_less(x, zero, large, small);
        let weight = by_class(simd.splat(self.positive), simd.splat(self.negative));
        let gamma = by_class(simd.splat(gammas.0), simd.splat(gammas.1));
        let (mut exact, mut log_base) =
            (simd.add(simd.max(zero, minus), log), simd.sub(zero, simd.add(simd.max(zero, x), log)));
        let (mut pull, mut log_term) = (p, q);
        let mut counts = simd.mul(sign, sign);
        if margin != 0.0 {
            // Of a negative q is its probability p of the paper: u = p - m, and 1 - u = (1 - p) + m does not cancel.
            let shifted = simd.sub(q, simd.splat(margin));
            let u = simd.max(simd.splat(LEAST_SHIFTED), shifted);
            let inverse = simd.div(one, simd.add(p, simd.splat(margin)));
            // -ln(1 - u) = ln(inverse): of less than 2 by u · inverse = inverse - 1, which does not cancel either.
            let exponent = simd.exponent(inverse);
            let scaled = simd.mul(inverse, simd.exp2(simd.sub(zero, exponent)));
            let beyond_one = simd.if_less(exponent, one, simd.mul(u, inverse), simd.sub(scaled, one));
            let surprise = simd.mul_add(exponent, simd.splat(std::f32::consts::LN_2), log1p(simd, beyond_one));
            let both = simd.mul(p, q);
            exact = by_class(exact, surprise);
            log_base = by_class(log_base, ln(simd, u));
            pull = by_class(pull, simd.div(both, u));
            log_term = by_class(log_term, simd.mul(both, inverse));
            counts = by_class(counts, simd.if_less(zero, shifted, counts, zero));
        }
        let focus = simd.mul(simd.mul(weight, counts), exp(simd, simd.mul(gamma, simd.min(zero, log_base))));
        let limit = simd.splat(self.limit);
        let surprise = simd.min(limit, exact);
        let log_term = simd.if_less(limit, exact, zero, log_term);
        let slope = simd.mul_add(simd.mul(gamma, pull), surprise, log_term);
        let gradient = simd.mul(simd.mul(focus, slope), simd.sub(zero, sign));
        (simd.mul(focus, surprise), gradient, by_class(p, q))
    }
}
