//! Probabilities out of scores: fitted on validation rows, applied to others.

use serde::{Deserialize, Serialize};

use super::any_nan;
use super::steps::{Step, Steps};

/// Platt scaling: P(positive) = 1 / (1 + exp(a·f + b)) with f the logit of the score.
///
/// J. Platt: Probabilistic outputs for support vector machines, 1999; H.-T. Lin, C.-J. Lin, R. C. Weng: A note on
/// Platt's probabilistic outputs for support vector machines, Machine Learning 68, 2007.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Slope: below 0 where higher scores mean more positives.
    pub a: f64,
    /// Offset.
    pub b: f64,
}

/// Logit of a score, kept finite for scores that were rounded to 0 or 1: ±ln(2⁻⁵³ of a share) is far outside what
/// 32-bit scores between tell apart.
fn logit(score: f32) -> f64 {
    let share = f64::from(score).clamp(f64::EPSILON / 2.0, 1.0 - f64::EPSILON / 2.0);
    (share / (1.0 - share)).ln()
}

impl Platt {
    /// Fits by maximum likelihood to Platt's smoothed targets, (P + 1) / (P + 2) and 1 / (N + 2), by Newton's method
    /// with backtracking (Lin et al., their pseudocode). The same optimum as scikit-learn's `_SigmoidCalibration` on
    /// logits. `None` when a class is absent or a score is NaN.
    pub fn fit(scores: &[f32], labels: &[u8]) -> Option<Self> {
        if any_nan(scores) {
            return None;
        }
        Self::fitted(scores.iter().map(|&score| logit(score)), labels)
    }

    /// The same of logits, or of any other numbers that are higher where positives are more likely. `None` when a class
    /// is absent or one of them is not finite.
    pub fn fit_logits(logits: &[f32], labels: &[u8]) -> Option<Self> {
        if !logits.iter().all(|logit| logit.is_finite()) {
            return None;
        }
        Self::fitted(logits.iter().map(|&logit| f64::from(logit)), labels)
    }

    fn fitted(logits: impl ExactSizeIterator<Item = f64>, labels: &[u8]) -> Option<Self> {
        let count = logits.len().min(labels.len());
        let positives = labels.iter().take(count).filter(|&&y| y != 0).count() as f64;
        let negatives = count as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        let rows: Vec<(f64, f64)> =
            logits.zip(labels).map(|(logit, &y)| (logit, if y != 0 { high } else { low })).collect();
        let prior = Self { a: 0.0, b: ((negatives + 1.0) / (positives + 1.0)).ln() };
        // Nearly there by a few hundred buckets of rows, so that few steps need all of them.
        let buckets = Bucket::of(&rows);
        let near = prior.descended(|fit| Slopes::of_buckets(fit, &buckets), count as f64);
        let start = if near.a.is_finite() && near.b.is_finite() { near } else { prior };
        Some(start.descended(|fit| Slopes::new(fit, &rows), count as f64))
    }

    /// The optimum of what has these slopes over so many rows.
    fn descended(self, slopes: impl Fn(Self) -> Slopes, rows: f64) -> Self {
        let mut fit = self;
        let mut now = slopes(fit);
        for _ in 0..100 {
            let Slopes { ga, gb, haa, hab, hbb, .. } = now;
            if ga.abs() < 1e-10 * rows && gb.abs() < 1e-10 * rows {
                break;
            }
            let determinant = haa * hbb - hab * hab;
            let (da, db) = (-(hbb * ga - hab * gb) / determinant, -(haa * gb - hab * ga) / determinant);
            let downhill = ga * da + gb * db;
            let tried = (0..40).map(|halvings| 0.5_f64.powi(halvings)).find_map(|step| {
                let next = Self { a: fit.a + step * da, b: fit.b + step * db };
                let there = slopes(next);
                (there.loss < now.loss + 1e-4 * step * downhill).then_some((next, there))
            });
            // No step gets lower: as far as 64 bits tell, this is the optimum.
            let Some((next, there)) = tried else { break };
            (fit, now) = (next, there);
        }
        fit
    }

    /// Probability for a score.
    pub fn apply(&self, score: f32) -> f32 {
        self.probability(logit(score)) as f32
    }

    /// Logit of the probability for a logit: -(a·f + b).
    pub fn logit(self, logit: f64) -> f64 {
        -(self.a * logit + self.b)
    }

    fn probability(self, f: f64) -> f64 {
        1.0 / (1.0 + (self.a * f + self.b).exp())
    }
}

/// The cross-entropy of a fit, its gradient and its Hessian with Lin et al.'s small ridge: one exponential a row, since
/// a step that is taken, as almost all are, needs all of them.
#[derive(Debug, Clone, Copy)]
struct Slopes {
    loss: f64,
    ga: f64,
    gb: f64,
    haa: f64,
    hab: f64,
    hbb: f64,
}

/// Rows of which ln(1 + e), e at most 1, is taken together: the product of so many stays below 2⁵¹².
const LOGGED_AT_ONCE: usize = 512;

impl Slopes {
    const NONE: Self = Self { loss: 0.0, ga: 0.0, gb: 0.0, haa: 1e-12, hab: 0.0, hbb: 1e-12 };

    /// At `fit`, of rows (logit, target).
    fn new(fit: Platt, rows: &[(f64, f64)]) -> Self {
        let mut sum = Self::NONE;
        for rows in rows.chunks(LOGGED_AT_ONCE) {
            let mut product = 1.0;
            for &(f, target) in rows {
                product *= sum.add(fit, (f, target), 1.0);
            }
            sum.loss += product.ln();
        }
        sum
    }

    fn of_buckets(fit: Platt, buckets: &[Bucket]) -> Self {
        let mut sum = Self::NONE;
        for &Bucket { rows, logits, targets } in buckets.iter().filter(|bucket| bucket.rows > 0.0) {
            let to_log = sum.add(fit, (logits / rows, targets / rows), rows);
            sum.loss += rows * to_log.ln();
        }
        sum
    }

    /// Adds so many rows of a logit and a target, but for the logarithm of what is returned.
    fn add(&mut self, fit: Platt, (f, target): (f64, f64), rows: f64) -> f64 {
        let x = fit.a * f + fit.b;
        // 1 + exp(x) without overflow: of the smaller side.
        let e = (-x.abs()).exp();
        let large = 1.0 / (1.0 + e);
        let p = if x >= 0.0 { e * large } else { large };
        self.loss += rows * if x >= 0.0 { target * x } else { (target - 1.0) * x };
        let (slope, curve) = (rows * (target - p), rows * p * (1.0 - p));
        (self.ga, self.gb) = (self.ga + f * slope, self.gb + slope);
        (self.haa, self.hab, self.hbb) = (self.haa + f * f * curve, self.hab + f * curve, self.hbb + curve);
        1.0 + e
    }
}

/// Buckets of equal width over the logits.
const BUCKETS: usize = 512;

/// Rows whose logits lie together: how many, and the sums of their logits and targets.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    rows: f64,
    logits: f64,
    targets: f64,
}

impl Bucket {
    fn of(rows: &[(f64, f64)]) -> Vec<Self> {
        let ends = rows.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &(f, _)| (a.min(f), b.max(f)));
        let scale = BUCKETS as f64 / (ends.1 - ends.0).max(f64::MIN_POSITIVE);
        let mut buckets = vec![Self::default(); BUCKETS];
        for &(f, target) in rows {
            let bucket = &mut buckets[(((f - ends.0) * scale) as usize).min(BUCKETS - 1)];
            bucket.rows += 1.0;
            (bucket.logits, bucket.targets) = (bucket.logits + f, bucket.targets + target);
        }
        buckets
    }
}

/// Isotonic regression: the non-decreasing function nearest to the labels, by pooling adjacent violators.
///
/// M. Ayer et al.: An empirical distribution function for sampling with incomplete information, Annals of Mathematical
/// Statistics 26(4), 1955; B. Zadrozny, C. Elkan: Transforming classifier scores into accurate multiclass probability
/// estimates, KDD 2002. As scikit-learn's `IsotonicRegression(out_of_bounds="clip")`: linear between the scores fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// Ends of the steps as (score, probability), both ascending; not empty.
    knots: Vec<(f64, f64)>,
}

impl Isotonic {
    /// `None` without rows or when a score is NaN.
    pub fn fit(scores: &[f32], labels: &[u8]) -> Option<Self> {
        Self::fit_steps(&Steps::of(scores, labels)?)
    }

    /// The same of rows in order.
    pub fn fit_steps(steps: &Steps) -> Option<Self> {
        /// Rows whose mean is a step.
        struct Pool {
            positives: u64,
            count: u64,
            lowest: f32,
            highest: f32,
        }
        let mut pools: Vec<Pool> = Vec::new();
        for &Step { score, rows, positives } in steps.iter() {
            let (positives, count) = (u64::from(positives), u64::from(rows));
            let mut pool = Pool { positives, count, lowest: score, highest: score };
            // A step is not below the one before: compared as fractions, so that equal steps are found equal.
            while let Some(before) =
                pools.pop_if(|before| before.positives * pool.count >= pool.positives * before.count)
            {
                pool.positives += before.positives;
                pool.count += before.count;
                pool.lowest = before.lowest;
            }
            pools.push(pool);
        }
        let mut knots = Vec::with_capacity(2 * pools.len());
        for pool in &pools {
            let share = pool.positives as f64 / pool.count as f64;
            knots.push((f64::from(pool.lowest), share));
            if pool.highest > pool.lowest {
                knots.push((f64::from(pool.highest), share));
            }
        }
        (!knots.is_empty()).then_some(Self { knots })
    }

    /// Probability for a score.
    pub fn apply(&self, score: f32) -> f32 {
        let score = f64::from(score);
        let above = self.knots.partition_point(|&(x, _)| x < score);
        let last = self.knots.len() - 1;
        let ((x0, y0), (x1, y1)) = (self.knots[above.saturating_sub(1)], self.knots[above.min(last)]);
        if score >= x1 || x1 <= x0 {
            return y1 as f32;
        }
        (y0 + (y1 - y0) * (score - x0) / (x1 - x0)) as f32
    }
}
