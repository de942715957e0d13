//! Which of many models differ, when the one they are held against was chosen on the same rows.
//!
//! The winner is the best of K on the very rows that it is compared on, so its lead over the others is the largest of
//! many leads even where all are equal: tests against the winner that count K - 1 comparisons call it different far too
//! often. Simulated on 2,000 sets of models that are equal in truth (30 positives, 80 % of their errors shared), some
//! trial is told from the winner in
//!
//! | models, replicates | Holm over K - 1 | Holm over all pairs | [`max_t`] |
//! |---|---|---|---|
//! | 2, 1 | 5.1 % | 5.1 % | 5.0 % |
//! | 10, 1 | 9.0 % | 1.4 % | 2.7 % |
//! | 49, 1 | 14.6 % | 0.3 % | 1.1 % |
//! | 2, 3 | 4.8 % | 4.8 % | 4.9 % |
//! | 10, 3 | 10.9 % | 1.9 % | 3.3 % |
//! | 49, 3 | 20.3 % | 0.6 % | 1.4 % |
//!
//! That `max_t` stays below 5 % with many models is not the family's doing: where few positives decide, a large
//! difference comes with a large standard error, so the largest of many statistics is less large than normal ones would
//! be.
//!
//! What holds whoever wins is a family of all K (K - 1) / 2 pairs, as in J. W. Tukey's range test. Two ways to keep its
//! rate of false claims at 5 %:
//!
//! - [`max_t`]: steps down through the largest of the pairs' statistics, with the correlation of the models' errors
//!   (P. H. Westfall & S. S. Young 1993, Resampling-based multiple testing; T. Hothorn, F. Bretz, P. Westfall 2008,
//!   Biometrical Journal 50(3)). Models of one sweep err alike, so this tells more apart than a count of pairs would.
//! - [`holm`]: S. Holm 1979, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
//!   Statistics 6(2), over all pairs, of which only some need be known. Needs no correlations, and is stricter.

use crate::random::{Purpose, Stream};

/// Draws of the largest statistic.
const DRAWS: u32 = 10_000;

/// Places of all pairs of `models`, the first of a pair less than the second.
fn pairs(models: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..models).flat_map(move |i| (i + 1..models).map(move |j| (i, j)))
}

/// Adjusted p-values of all pairs with model 0, for models 1, 2, …: the chance to see any pair of all that were not
/// told apart before differ by as many standard errors, if they were equal.
///
/// `covariance` is that of the models' estimates, row after row; `z(i, j)` how many standard errors the estimates of
/// two models differ, at least 0. O(K² · 10,000) for K models. Same figures for the same `seed`.
pub fn max_t(models: usize, covariance: &[f64], z: &dyn Fn(usize, usize) -> f64, seed: u64) -> Vec<f64> {
    let of = |i: usize, j: usize| covariance[i * models + j];
    // From the largest statistic down.
    let mut order: Vec<(f64, usize, usize, f64)> = pairs(models)
        .map(|(i, j)| {
            let variance = of(i, i) + of(j, j) - 2.0 * of(i, j);
            // Models that agree on all rows never differ.
            let scale = if variance > 1e-12 * (of(i, i) + of(j, j)) { 1.0 / variance.sqrt() } else { 0.0 };
            (z(i, j), i, j, scale)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let factor = Factor::new(models, covariance);
    let mut stream = Stream::new(seed, 0, Purpose::MaxStatistic, 0, 0);
    let mut as_large = vec![0_u32; order.len()];
    let (mut normals, mut errors) = (vec![0.0; models], vec![0.0; models]);
    for _ in 0..DRAWS {
        normals.fill_with(|| stream.normal());
        factor.times(&normals, &mut errors);
        let mut largest: f64 = 0.0;
        for (&(z, i, j, scale), count) in order.iter().zip(&mut as_large).rev() {
            largest = largest.max((errors[i] - errors[j]).abs() * scale);
            *count += u32::from(largest >= z);
        }
    }
    let mut adjusted = vec![1.0; models.saturating_sub(1)];
    let mut before: f64 = 0.0;
    for (&(_, i, j, _), count) in order.iter().zip(as_large) {
        before = before.max(f64::from(count + 1) / f64::from(DRAWS + 1));
        if i == 0 {
            adjusted[j - 1] = before;
        }
    }
    adjusted
}

/// Covariances of estimates from what each row adds to the error of each; see [`AucComponents::influences`].
///
/// [`AucComponents::influences`]: super::AucComponents::influences
pub fn covariances(influences: &[&[f32]]) -> Vec<f64> {
    let models = influences.len();
    let mut covariance = vec![0.0; models * models];
    for (i, a) in influences.iter().enumerate() {
        for (j, b) in influences.iter().enumerate().take(i + 1) {
            let sum = dot(a, b);
            covariance[i * models + j] = sum;
            covariance[j * models + i] = sum;
        }
    }
    covariance
}

/// Σ a b, in 64 bits, several products at a time.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0_f64; LANES];
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
}

/// Lower triangular root of a covariance that may be singular.
struct Factor {
    models: usize,
    /// Row after row.
    lower: Vec<f64>,
}

impl Factor {
    fn new(models: usize, covariance: &[f64]) -> Self {
        let mut lower = vec![0.0; models * models];
        for j in 0..models {
            let rest = |lower: &[f64], i: usize| {
                let known: f64 = (0..j).map(|k| lower[i * models + k] * lower[j * models + k]).sum();
                covariance[i * models + j] - known
            };
            let pivot = rest(&lower, j);
            // Nothing left of its own: the model is a combination of those before.
            if pivot <= 1e-12 * covariance[j * models + j] {
                continue;
            }
            for i in j..models {
                lower[i * models + j] = rest(&lower, i) / pivot.sqrt();
            }
        }
        Self { models, lower }
    }

    fn times(&self, normals: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            let row = &self.lower[i * self.models..=i * self.models + i];
            *out = row.iter().zip(normals).map(|(l, x)| l * x).sum();
        }
    }
}

/// Holm's adjusted p-values, in the order given, of some of a family of `family` hypotheses (at least as many as there
/// are p-values): what the others are does not matter, these figures are at least as large as with all of them.
pub fn holm(p: &[f64], family: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (before, i) in order.into_iter().enumerate() {
        largest = largest.max(p[i] * family.saturating_sub(before) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}
