//! Which of many models differ, when the one they are held against was chosen on the same rows.
//!
//! The winner is the best of K on the very rows that it is compared on, so its lead over the others is the largest of
//! many leads even where all are equal: tests against the winner that count K - 1 comparisons call it different far too
//! often. What holds whoever wins is a family of all K (K - 1) / 2 pairs, as in J. W. Tukey's range test.
//!
//! [`all_pairs`] compares each pair's difference, in standard errors, with the largest of all pairs, with the
//! correlation of the models' errors (P. H. Westfall & S. S. Young 1993, Resampling-based multiple testing; T. Hothorn,
//! F. Bretz, P. Westfall 2008, Biometrical Journal 50(3)). Models of one sweep err alike, so this tells more apart than
//! a count of pairs, [`counted`], would. Two things make it hold with few positives:
//!
//! - *Variances are moderated.* A pair's own variance rests on few rows; of thousands of pairs some come out far too
//!   small. Each is moved half-way to the median over the pairs (the idea of V. G. Tusher, R. Tibshirani, G. Chu 2001,
//!   PNAS 98(9)). What is drawn is measured in the same units, so a pair that varies more than most, and whose variance
//!   was moved down, has its larger share in the distribution of the largest.
//! - *Student's distribution* takes the place of the normal one. A moderated variance has the degrees of freedom of
//!   both that it is the mean of, each P - 1 for P positives (G. K. Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3(1): d0
//!   + d); of those of the median, of K models, the share (K - 2) / K, since with two there is nothing to borrow from.
//!
//! The rates of false claims, and the power, are in docs/statistics.md.

use super::student::{student_p, student_t};
use crate::random::{Purpose, Stream};

/// Level of the intervals, and below which a difference counts as told.
pub const LEVEL: f64 = 0.05;

/// Draws of the largest statistic.
const DRAWS: usize = 10_000;

/// How the errors of several models' figures vary together.
#[derive(Debug, Clone, Copy)]
pub enum Errors<'a> {
    /// What each row adds to the error of each model's figure; the sum of squares is its variance. See
    /// [`AucComponents::influences`](super::AucComponents::influences).
    Influences(&'a [&'a [f32]]),
    /// The figures of each model on the same resamples of the rows.
    Resamples(&'a [&'a [f32]]),
}

/// The figure of the first model less that of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgainstFirst {
    /// The difference.
    pub difference: f64,
    /// Its standard error, of a moderated variance.
    pub error: f64,
    /// The chance to see any of all pairs differ by as many standard errors, if all were equal.
    pub p: f64,
    /// Half the width of the interval that holds all pairs' true differences at once at 95 %.
    pub half_width: f64,
}

/// What comparing all pairs of some models says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AllPairs {
    /// The first model against each other one, in their order.
    pub against_first: Vec<AgainstFirst>,
    /// How far each model is behind the best of the others.
    pub behind: Vec<Behind>,
}

/// The most by which the best of the other models is ahead of one, and of all models at once, at 95 %: the upper limit
/// of max θⱼ - θᵢ over j, as in J. C. Hsu's multiple comparisons with the best (Multiple Comparisons 1996, ch. 4), but
/// from two-sided limits of all pairs, which are wider. Below 0 it is ahead itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behind {
    /// Where more is better.
    pub more: f64,
    /// Where less is better.
    pub less: f64,
}

/// Compares the first of some models with each other one, corrected for all pairs of them, and each with the best of
/// the others. `positives`: how many rows of the rarer class the figures rest on. Same figures for the same `seed`.
/// O(K² · 10,000) for K models.
pub fn all_pairs(estimates: &[f64], errors: Errors<'_>, positives: usize, seed: u64) -> AllPairs {
    let models = estimates.len();
    let freedom = degrees_of_freedom(positives);
    let covariance = covariance(errors, positives);
    let of = |i: usize, j: usize| covariance[i * models + j];
    let own: Vec<f64> = pairs(models)
        .map(|(i, j)| {
            let variance = of(i, i) + of(j, j) - 2.0 * of(i, j);
            // Models that agree on all rows never differ.
            if variance > 1e-12 * (of(i, i) + of(j, j)) { variance } else { 0.0 }
        })
        .collect();
    let typical = median(&own);
    let moderated: Vec<f64> = own.iter().map(|own| f64::midpoint(*own, typical)).collect();
    let borrowed = freedom * (models as f64 - 2.0) / models as f64;
    let draws = Draws { freedom: freedom + borrowed, positives, seed };
    let largest = draws.largest(models, errors, &covariance, &moderated);
    let critical = largest[((1.0 - LEVEL) * largest.len() as f64) as usize];
    let family = own.len();
    let critical = if family == 1 { student_t(LEVEL, freedom) } else { critical };
    let behind = behind(estimates, &moderated, critical);
    // The pairs with the first come first.
    let against = |(other, variance): (usize, f64)| {
        let error = variance.sqrt();
        let difference = estimates[0] - estimates[other];
        let z = in_errors(difference, error);
        let as_large = largest.len() - largest.partition_point(|&other| other < z);
        let p = if family == 1 {
            student_p(z, freedom)
        } else if as_large == 0 {
            // A count of pairs goes on where draws find nothing as large.
            counted_p(z, freedom, family).min(1.0 / (largest.len() + 1) as f64)
        } else {
            (as_large + 1) as f64 / (largest.len() + 1) as f64
        };
        AgainstFirst { difference, error, p, half_width: error * critical }
    };
    AllPairs { against_first: (1..models).zip(moderated).map(against).collect(), behind }
}

/// See [`Behind`]; `variances` of the pairs' differences, in the order of [`pairs`].
fn behind(estimates: &[f64], variances: &[f64], critical: f64) -> Vec<Behind> {
    let none = Behind { more: f64::NEG_INFINITY, less: f64::NEG_INFINITY };
    let mut behind = vec![none; estimates.len()];
    for ((i, j), variance) in pairs(estimates.len()).zip(variances) {
        let (ahead, half_width) = (estimates[j] - estimates[i], critical * variance.sqrt());
        for (of, ahead) in [(i, ahead), (j, -ahead)] {
            behind[of].more = behind[of].more.max(ahead + half_width);
            behind[of].less = behind[of].less.max(half_width - ahead);
        }
    }
    behind
}

/// Of the variance of a figure that rests on so many positives.
fn degrees_of_freedom(positives: usize) -> f64 {
    positives.saturating_sub(1).max(1) as f64
}

/// Compares one model with another of a `family` of pairs of which nothing else is known (C. E. Bonferroni 1936); with
/// a family of one, a plain test. `variance` is that of the difference.
pub fn counted(difference: f64, variance: f64, positives: usize, family: usize) -> AgainstFirst {
    let (freedom, error) = (degrees_of_freedom(positives), variance.max(0.0).sqrt());
    AgainstFirst {
        difference,
        error,
        p: counted_p(in_errors(difference, error), freedom, family),
        half_width: error * student_t(LEVEL / family.max(1) as f64, freedom),
    }
}

fn counted_p(z: f64, freedom: f64, family: usize) -> f64 {
    (student_p(z, freedom) * family as f64).min(1.0)
}

/// How many standard errors a difference is.
fn in_errors(difference: f64, error: f64) -> f64 {
    // Equal on every row: nothing tells them apart.
    if difference == 0.0 { 0.0 } else { difference.abs() / error }
}

/// Places of all pairs of `models`, the first of a pair less than the second.
fn pairs(models: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..models).flat_map(move |i| (i + 1..models).map(move |j| (i, j)))
}

/// The middle one of the values, of two the mean; 0 without any.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// How the largest statistic is drawn.
struct Draws {
    /// Degrees of freedom of the variances.
    freedom: f64,
    positives: usize,
    seed: u64,
}

impl Draws {
    /// The largest statistic of all pairs, with these `variances`, if all models were equal: ascending.
    fn largest(&self, models: usize, errors: Errors<'_>, covariance: &[f64], variances: &[f64]) -> Vec<f64> {
        let scales: Vec<f64> =
            variances.iter().map(|&variance| if variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 }).collect();
        let factor = Factor::new(models, covariance);
        let mut stream = Stream::new(self.seed, 0, Purpose::MaxStatistic, 0, 0);
        let (mut normals, mut drawn) = (vec![0.0; models], vec![0.0; models]);
        let centred = match errors {
            Errors::Influences(_) => Vec::new(),
            Errors::Resamples(of) => centred(of, self.positives),
        };
        let mut largest: Vec<f64> = (0..DRAWS)
            .map(|draw| {
                match errors {
                    Errors::Influences(_) => {
                        normals.fill_with(|| stream.normal());
                        factor.times(&normals, &mut drawn);
                    }
                    Errors::Resamples(of) => {
                        let resample = draw % of[0].len();
                        drawn
                            .iter_mut()
                            .zip(&centred)
                            .for_each(|(drawn, of_model)| *drawn = f64::from(of_model[resample]));
                    }
                }
                let student = (self.freedom / stream.chi_squared(self.freedom)).sqrt();
                student * farthest(&drawn, &scales)
            })
            .collect();
        largest.sort_unstable_by(f64::total_cmp);
        largest
    }
}

/// The largest difference of two of `drawn`, each times its scale, in the order of [`pairs`].
fn farthest(drawn: &[f64], scales: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut largest = [0.0; LANES];
    let mut rest = scales;
    for (i, one) in drawn.iter().enumerate() {
        let others = &drawn[i + 1..];
        let (scales, after) = rest.split_at(others.len());
        rest = after;
        let larger = |largest: &mut f64, other: &f64, scale: &f64| {
            let errors = (one - other).abs() * scale;
            *largest = if errors > *largest { errors } else { *largest };
        };
        let ((others, last), (scales, last_scales)) = (others.as_chunks::<LANES>(), scales.as_chunks::<LANES>());
        for (others, scales) in others.iter().zip(scales) {
            for lane in 0..LANES {
                larger(&mut largest[lane], &others[lane], &scales[lane]);
            }
        }
        last.iter().zip(last_scales).for_each(|(other, scale)| larger(&mut largest[0], other, scale));
    }
    largest.into_iter().fold(0.0, f64::max)
}

/// By what a variance over resamples is too small: rows vary about the mean of their own.
fn stretch(positives: usize) -> f64 {
    positives as f64 / (positives as f64 - 1.0).max(1.0)
}

/// Variance of a figure from its resamples; `positives` as for [`all_pairs`].
pub fn variance_of_resamples(resamples: impl Iterator<Item = f64> + Clone, positives: usize) -> f64 {
    let n = resamples.clone().count() as f64;
    let mean = resamples.clone().sum::<f64>() / n;
    resamples.map(|figure| (figure - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) * stretch(positives)
}

/// Resamples less their means, with the variance that they should have.
fn centred(resamples: &[&[f32]], positives: usize) -> Vec<Vec<f32>> {
    let stretch = stretch(positives).sqrt();
    resamples
        .iter()
        .map(|of_model| {
            let mean = of_model.iter().map(|&figure| f64::from(figure)).sum::<f64>() / of_model.len() as f64;
            of_model.iter().map(|&figure| ((f64::from(figure) - mean) * stretch) as f32).collect()
        })
        .collect()
}

/// Covariances of the models' figures, row after row.
fn covariance(errors: Errors<'_>, positives: usize) -> Vec<f64> {
    match errors {
        Errors::Influences(of) => covariances(of),
        Errors::Resamples(of) => {
            let centred = centred(of, positives);
            let slices: Vec<&[f32]> = centred.iter().map(Vec::as_slice).collect();
            let count = of.first().map_or(1, |of_model| of_model.len().saturating_sub(1).max(1)) as f64;
            covariances(&slices).into_iter().map(|sum| sum / count).collect()
        }
    }
}

/// Sums of products of all pairs of rows of a matrix, row after row.
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
    /// Column after column, of each what is not above the diagonal.
    columns: Vec<Vec<f64>>,
}

impl Factor {
    fn new(models: usize, covariance: &[f64]) -> Self {
        let mut columns: Vec<Vec<f64>> = Vec::with_capacity(models);
        for j in 0..models {
            let mut left: Vec<f64> = (j..models).map(|i| covariance[i * models + j]).collect();
            for (k, column) in columns.iter().enumerate() {
                let known = &column[j - k..];
                left.iter_mut().zip(known).for_each(|(left, l)| *left -= l * known[0]);
            }
            // Nothing left of its own: the model is a combination of those before.
            let pivot = left[0];
            let scale = if pivot > 1e-12 * covariance[j * models + j] { 1.0 / pivot.sqrt() } else { 0.0 };
            left.iter_mut().for_each(|left| *left *= scale);
            columns.push(left);
        }
        Self { models, columns }
    }

    fn times(&self, normals: &[f64], out: &mut [f64]) {
        out[..self.models].fill(0.0);
        for ((j, column), normal) in self.columns.iter().enumerate().zip(normals) {
            out[j..].iter_mut().zip(column).for_each(|(out, l)| *out += l * normal);
        }
    }
}

/// Holm's adjusted p-values of a whole family, in the order given (S. Holm 1979, A simple sequentially rejective
/// multiple test procedure, Scandinavian Journal of Statistics 6(2)).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (before, i) in order.into_iter().enumerate() {
        largest = largest.max(p[i] * (p.len() - before) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_farthest_of_all_pairs_is_found(
            (drawn, scales) in prop::collection::vec(-9.0..9.0_f64, 1..40).prop_flat_map(|drawn| {
                let pairs = drawn.len() * (drawn.len() - 1) / 2;
                (Just(drawn), prop::collection::vec(0.0..3.0_f64, pairs))
            }),
        ) {
            let each = pairs(drawn.len()).zip(&scales).map(|((i, j), scale)| (drawn[i] - drawn[j]).abs() * scale);
            prop_assert_eq!(farthest(&drawn, &scales), each.fold(0.0, f64::max));
        }

        #[test]
        fn a_factor_times_itself_is_the_covariance(
            (models, influences) in (1_usize..12, 1_usize..9).prop_flat_map(|(models, rows)| {
                (Just(models), prop::collection::vec(prop::collection::vec(-2.0..2.0_f32, rows), models))
            }),
        ) {
            let slices: Vec<&[f32]> = influences.iter().map(Vec::as_slice).collect();
            let covariance = covariances(&slices);
            let factor = Factor::new(models, &covariance);
            // Its columns, one by one: what it makes of unit vectors.
            let column = |at: usize| {
                let unit: Vec<f64> = (0..models).map(|other| f64::from(u8::from(other == at))).collect();
                let mut out = vec![f64::NAN; models];
                factor.times(&unit, &mut out);
                out
            };
            let columns: Vec<Vec<f64>> = (0..models).map(column).collect();
            for i in 0..models {
                for j in 0..models {
                    let product: f64 = columns.iter().map(|column| column[i] * column[j]).sum();
                    let expected = covariance[i * models + j];
                    prop_assert!((product - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{product} {expected}");
                }
            }
        }
    }
}
