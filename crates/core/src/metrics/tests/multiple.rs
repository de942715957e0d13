//! How often models that are equal in truth are told from the one that came out best.

use super::super::*;
use crate::random::{Purpose, Stream};

/// Models equal in truth on `replicates` splits, each of half of the rows (of all with one replicate), that share a
/// part of their errors, and of the rest one half over the replicates.
struct Equal {
    models: usize,
    replicates: usize,
    positives: usize,
    negatives: usize,
    /// How far positives lie above negatives, in standard deviations.
    shift: f64,
    shared: f64,
}

/// AUCs and influences, the best model first.
struct Estimates {
    aucs: Vec<f64>,
    influences: Vec<Vec<f32>>,
}

impl Equal {
    fn draw(&self, stream: &mut Stream, shifts: &[f64]) -> Estimates {
        let times = if self.replicates > 1 { 2 } else { 1 };
        let (positives, negatives) = (times * self.positives, times * self.negatives);
        let labels: Vec<u8> = (0..positives + negatives).map(|row| u8::from(row < positives)).collect();
        let common: Vec<f64> = labels.iter().map(|_| stream.normal()).collect();
        let splits: Vec<Vec<usize>> = (0..self.replicates)
            .map(|_| {
                let mut of_class = |from: usize, to: usize, count: usize| {
                    let mut rows: Vec<usize> = (from..to).collect();
                    stream.shuffle(&mut rows);
                    rows.truncate(count);
                    rows
                };
                let rows = of_class(0, positives, self.positives);
                [rows, of_class(positives, positives + negatives, self.negatives)].concat()
            })
            .collect();
        let mut found: Vec<(f64, Vec<f32>)> = (0..self.models)
            .map(|model| {
                let own: Vec<f64> = labels.iter().map(|_| stream.normal()).collect();
                let (mut auc, mut influences) = (0.0, vec![0.0; labels.len()]);
                for split in &splits {
                    let half = (0.5 * (1.0 - self.shared)).sqrt();
                    let mut score = |&row: &usize| {
                        let error = self.shared.sqrt() * common[row] + half * (own[row] + stream.normal());
                        (error + shifts[model] * f64::from(labels[row])) as f32
                    };
                    let scores: Vec<f32> = split.iter().map(&mut score).collect();
                    let of_split: Vec<u8> = split.iter().map(|&row| labels[row]).collect();
                    let components = AucComponents::new(&scores, &of_split).unwrap();
                    auc += components.auc() / self.replicates as f64;
                    for (&row, influence) in split.iter().zip(components.influences(&of_split).unwrap()) {
                        influences[row] += influence / self.replicates as f32;
                    }
                }
                (auc, influences)
            })
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (aucs, influences) = found.into_iter().unzip();
        Estimates { aucs, influences }
    }
}

impl Estimates {
    /// Whether anybody is told from the best: by Holm over the comparisons with it, by a count of all pairs, by
    /// [`all_pairs`].
    fn told(&self, positives: usize, seed: u64) -> [bool; 3] {
        let influences: Vec<&[f32]> = self.influences.iter().map(Vec::as_slice).collect();
        let models = self.aucs.len();
        let covariance = covariances(&influences);
        let of = |i: usize, j: usize| covariance[i * models + j];
        let one = |j: usize, family: usize| {
            counted(self.aucs[0] - self.aucs[j], of(0, 0) + of(j, j) - 2.0 * of(0, j), positives, family).p
        };
        let alone: Vec<f64> = (1..models).map(|j| one(j, 1)).collect();
        let by_count: Vec<f64> = (1..models).map(|j| one(j, models * (models - 1) / 2)).collect();
        let jointly = all_pairs(&self.aucs, Errors::Influences(&influences), positives, seed);
        let any = |p: &[f64]| p.iter().any(|&p| p < LEVEL);
        [any(&holm(&alone)), any(&by_count), jointly.iter().any(|against| against.p < LEVEL)]
    }
}

fn rates(equal: &Equal, sets: u32) -> [f64; 3] {
    let mut stream = Stream::new(11, 0, Purpose::Synth, 0, 0);
    let mut counts = [0; 3];
    for set in 0..sets {
        let estimates = equal.draw(&mut stream, &vec![equal.shift; equal.models]);
        for (count, told) in counts.iter_mut().zip(estimates.told(equal.positives, u64::from(set))) {
            *count += u32::from(told);
        }
    }
    counts.map(|count| f64::from(count) / f64::from(sets))
}

/// The whole simulation: shares of 2,000 sets in which anybody is told from the best.
#[test]
#[ignore = "ten minutes; the one below is its small sister"]
fn rates_are_those_recorded() {
    // Models, replicates, positives, negatives, shift, errors shared; by Holm over K - 1, Holm over all pairs, max_t.
    for (models, replicates, positives, negatives, shift, shared, recorded) in [
        (2, 1, 30, 500, 2.0, 0.8, [0.051, 0.051, 0.050]),
        (10, 1, 30, 500, 2.0, 0.8, [0.090, 0.014, 0.027]),
        (49, 1, 30, 500, 2.0, 0.8, [0.146, 0.003, 0.011]),
        (49, 1, 30, 500, 2.0, 0.95, [0.104, 0.002, 0.008]),
        (49, 1, 80, 800, 2.5, 0.9, [0.121, 0.002, 0.005]),
        (2, 3, 30, 500, 2.0, 0.8, [0.048, 0.048, 0.049]),
        (10, 3, 30, 500, 2.0, 0.8, [0.109, 0.019, 0.033]),
        (49, 3, 30, 500, 2.0, 0.8, [0.203, 0.006, 0.014]),
        (49, 3, 80, 800, 2.5, 0.9, [0.183, 0.002, 0.008]),
    ] {
        let equal = Equal { models, replicates, positives, negatives, shift, shared };
        let rates = rates(&equal, 2000);
        let near = rates.iter().zip(recorded).all(|(rate, recorded)| (rate - recorded).abs() < 0.03);
        assert!(
            near,
            "{models} models, {replicates} replicates, {positives} positives: {rates:?}, recorded {recorded:?}"
        );
    }
}

#[test]
fn equal_trials_are_rarely_told_apart() {
    let shape = Equal { models: 10, replicates: 1, positives: 60, negatives: 200, shift: 1.0, shared: 0.7 };
    for (models, replicates, sets) in [(2, 1, 1000), (10, 1, 600), (10, 3, 300)] {
        let [against_best, pairs, max_t] = rates(&Equal { models, replicates, ..shape }, sets);
        assert!(pairs < 0.07 && max_t < 0.07, "{models} models, {replicates} replicates: {pairs} {max_t}");
        // The test would see it: counting K - 1 comparisons is not enough, and nothing is thrown away either.
        assert!(models == 2 || against_best > 0.075, "{models} models, {replicates} replicates: {against_best}");
        assert!(max_t >= pairs && max_t > 0.01, "{models} models, {replicates} replicates: {pairs} {max_t}");
    }
}

#[test]
fn influences_give_delongs_variance() {
    let equal = Equal { models: 2, replicates: 1, positives: 40, negatives: 300, shift: 2.0, shared: 0.5 };
    let mut stream = Stream::new(3, 0, Purpose::Synth, 0, 0);
    let scores: Vec<Vec<f32>> = (0..2).map(|_| (0..340).map(|_| stream.normal() as f32).collect()).collect();
    let labels: Vec<u8> = (0..340).map(|row| u8::from(row % 9 == 0)).collect();
    let components: Vec<AucComponents> = scores.iter().map(|s| AucComponents::new(s, &labels).unwrap()).collect();
    let influences: Vec<Vec<f32>> = components.iter().map(|c| c.influences(&labels).unwrap()).collect();
    let covariance = covariances(&[&influences[0], &influences[1]]);
    let paired = components[0].compare(&components[1]).unwrap();
    let ours = covariance[0] + covariance[3] - 2.0 * covariance[1];
    assert!((ours / paired.variance - 1.0).abs() < 1e-5, "{ours} {paired:?}");
    // And so does the estimate of a simulated set.
    let estimates = equal.draw(&mut stream, &[2.0, 2.0]);
    assert!(estimates.aucs[0] >= estimates.aucs[1]);
}

#[test]
fn the_largest_of_independent_pairs_is_tukeys_range() {
    // scipy.stats.studentized_range.sf(3.0 * sqrt(2), 5, inf), and of 2.0 * sqrt(2): five independent estimates.
    let identity: Vec<f64> = (0..25).map(|i| f64::from(u8::from(i % 6 == 0))).collect();
    for (z, p) in [(3.0, 0.022659414002195732), (2.0, 0.2658885848176523)] {
        // The first pair differs by z, the others not at all: the step down ends where it begins.
        let adjusted = max_t(5, &identity, &|i, j| if (i, j) == (0, 1) { z } else { 0.0 }, 1);
        assert!((adjusted[0] - p).abs() < 0.01, "{adjusted:?}, Tukey {p}");
        assert_eq!(adjusted[1..], [1.0; 3]);
    }
    // The next pair no longer counts the first one: P(two pairs with one in common >= 2), 4,000,000 draws of numpy.
    let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let z = |i: usize, j: usize| match (i, j) {
        (0, 1) => 9.0,
        (0, 2) => 2.0,
        _ => 1.0,
    };
    let adjusted = max_t(3, &identity, &z, 1);
    assert!(adjusted[0] < 0.001 && (adjusted[1] - 0.0827).abs() < 0.01, "{adjusted:?}");
}

#[test]
fn equal_models_do_not_stand_in_the_way() {
    // The second is the first again: their pair has no variance, and the factor of the covariance is singular.
    let covariance = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let adjusted = max_t(3, &covariance, &|i, j| if (i, j) == (0, 1) { 0.0 } else { 2.5 }, 1);
    assert_eq!(adjusted[0], 1.0);
    assert!((adjusted[1] - two_sided_p(2.5)).abs() < 0.004, "one comparison is left: {adjusted:?}");
    assert_eq!(max_t(1, &[1.0], &|_, _| 0.0, 1), [0.0; 0]);
}

#[test]
fn holm_agrees_with_statsmodels_and_counts_what_is_not_there() {
    let p = [0.01, 0.04, 0.03, 0.005, 0.9];
    // statsmodels.stats.multitest.multipletests(p, method="holm")
    let near = |ours: &[f64], theirs: &[f64]| ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(near(&holm(&p, 5), &[0.04, 0.09, 0.09, 0.025, 0.9]));
    // With three more of 1 the multipliers are 8, 7, 6 …: multipletests(p + [1, 1, 1]).
    assert!(near(&holm(&p, 8), &[0.07, 0.2, 0.18, 0.04, 1.0]));
}
