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
        let jointly = all_pairs(&self.aucs, Errors::Influences(&influences), positives, seed).against_first;
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

#[test]
fn equal_trials_are_rarely_told_apart() {
    let shape = Equal { models: 10, replicates: 1, positives: 60, negatives: 200, shift: 1.0, shared: 0.7 };
    for (models, replicates, sets) in [(2, 1, 1000), (10, 1, 600), (10, 3, 300)] {
        let [against_best, pairs, jointly] = rates(&Equal { models, replicates, ..shape }, sets);
        assert!(pairs < 0.07 && jointly < 0.07, "{models} models, {replicates} replicates: {pairs} {jointly}");
        // The test would see it: counting K - 1 comparisons is not enough, and nothing is thrown away either.
        assert!(models == 2 || against_best > 0.075, "{models} models, {replicates} replicates: {against_best}");
        assert!(jointly > 0.002, "{models} models, {replicates} replicates: {pairs} {jointly}");
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

/// Models whose errors are independent, with a variance of 1, of so many positives that Student's distribution is
/// normal.
const MANY: usize = 1_000_001;

fn independent(models: usize) -> Vec<Vec<f32>> {
    (0..models).map(|model| (0..models).map(|row| f32::from(u8::from(row == model))).collect()).collect()
}

fn slices(of: &[Vec<f32>]) -> Vec<&[f32]> {
    of.iter().map(Vec::as_slice).collect()
}

#[test]
fn the_largest_of_independent_pairs_is_tukeys_range() {
    // scipy.stats.studentized_range.sf(3.0 * sqrt(2), 5, inf), and of 2.0 * sqrt(2): five independent estimates.
    let influences = independent(5);
    for (z, p) in [(3.0, 0.022659414002195732), (2.0, 0.2658885848176523)] {
        let estimates = [z * 2_f64.sqrt(), 0.0, 0.0, 0.0, 0.0];
        let found = all_pairs(&estimates, Errors::Influences(&slices(&influences)), MANY, 1).against_first;
        assert!(found.iter().all(|against| (against.p - p).abs() < 0.01), "{found:?}, Tukey {p}");
        // scipy.stats.studentized_range.ppf(0.95, 5, inf) = 3.857656.
        assert!(found.iter().all(|against| (against.half_width - 3.857656).abs() < 0.06), "{found:?}");
    }
    // With ten positives, so 9 + 9 * 3 / 5 degrees of freedom: scipy.stats.studentized_range.sf(3.0 * sqrt(2), 5,
    // 14.4), ppf(0.95, 5, 14.4).
    let estimates = [3.0 * 2_f64.sqrt(), 0.0, 0.0, 0.0, 0.0];
    let found = all_pairs(&estimates, Errors::Influences(&slices(&influences)), 10, 1).against_first;
    assert!(
        (found[0].p - 0.060469874564251125).abs() < 0.01 && (found[0].half_width - 4.390043326906432).abs() < 0.08,
        "{found:?}"
    );
}

#[test]
fn resamples_tell_what_influences_do() {
    let mut stream = Stream::new(8, 0, Purpose::Synth, 0, 0);
    let resamples: Vec<Vec<f32>> =
        (0..5).map(|_| (0..4000).map(|_| (stream.normal() * (1.0 - 1.0 / 40.0_f64).sqrt()) as f32).collect()).collect();
    let estimates = [3.5, 0.0, 0.5, 1.0, 0.0];
    let by_rows = all_pairs(&estimates, Errors::Influences(&slices(&independent(5))), 40, 1).against_first;
    let by_resamples = all_pairs(&estimates, Errors::Resamples(&slices(&resamples)), 40, 1).against_first;
    for (a, b) in by_rows.iter().zip(&by_resamples) {
        assert!((a.p - b.p).abs() < 0.02 && (a.half_width / b.half_width - 1.0).abs() < 0.05, "{a:?} {b:?}");
        assert_eq!(a.difference, b.difference);
    }
}

#[test]
fn variances_are_moved_half_way_to_the_median_and_drawn_so() {
    // The first two agree but for a hundredth: their own variance is a ten-thousandth of the others'.
    let influences = vec![vec![1.0, 0.0, 0.0], vec![0.99, 0.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 1.0]];
    let found = all_pairs(&[0.1, 0.0, 0.0, 0.0], Errors::Influences(&slices(&influences)), 30, 1).against_first;
    let own = counted(0.1, 1e-4, 30, 1);
    assert!(own.p < 1e-6 && found[0].p > 0.9 && (found[0].error - 1.0).abs() < 0.01, "{found:?}");
    // Where most agree, the variance of those that do not is halved; what would be told of one pair with its own
    // variance and as few positives is what is told.
    let near = vec![vec![1.0, 0.0], vec![0.999, 0.0], vec![1.001, 0.0], vec![0.998, 0.0], vec![0.0, 1.0]];
    let found = all_pairs(&[0.0; 5], Errors::Influences(&slices(&near)), 30, 1).against_first;
    let freedom = 29.0 * (1.0 + 3.0 / 5.0);
    assert!((found[3].error - 1.0).abs() < 1e-5, "{found:?}");
    let of_one = 2_f64.sqrt() * student_t(0.05, freedom);
    assert!((1.0..1.05).contains(&(found[3].half_width / of_one)), "{found:?}");
}

#[test]
fn equal_models_do_not_stand_in_the_way() {
    // The second is the first again: their pair has no variance, and the factor of the covariance is singular.
    let influences = vec![vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]];
    let estimates = [2.5 * 2_f64.sqrt(), 2.5 * 2_f64.sqrt(), 0.0];
    let found = all_pairs(&estimates, Errors::Influences(&slices(&influences)), MANY, 1).against_first;
    assert_eq!((found[0].difference, found[0].p), (0.0, 1.0));
    assert!((found[1].p - two_sided_p(2.5)).abs() < 0.004, "one comparison is left: {found:?}");
    assert!(all_pairs(&[1.0], Errors::Influences(&[&[0.5]]), MANY, 1).against_first.is_empty());
}

/// The limits of all pairs hold at once, so the largest lead of another model is below its limit for all models in 95 %
/// of sets, whoever is best in truth.
#[test]
fn nobody_is_further_behind_than_said() {
    let truth = [0.3, 0.25, 0.25, 0.0, -1.0];
    let mut stream = Stream::new(12, 0, Purpose::Synth, 0, 0);
    let influences = independent(5);
    let mut missed = [0; 2];
    for seed in 0..400 {
        let estimates: Vec<f64> = truth.iter().map(|truth| truth + stream.normal()).collect();
        let found = all_pairs(&estimates, Errors::Influences(&slices(&influences)), MANY, seed);
        for (missed, sign) in missed.iter_mut().zip([1.0, -1.0]) {
            let is_held = |model: usize| {
                let others = (0..5).filter(|&other| other != model);
                let lead = others.map(|other| sign * (truth[other] - truth[model])).fold(f64::NEG_INFINITY, f64::max);
                let Behind { more, less } = found.behind[model];
                lead <= if sign > 0.0 { more } else { less }
            };
            *missed += u32::from(!(0..5).all(is_held));
        }
        let lead = |other: usize| estimates[other] - estimates[0] + found.against_first[other - 1].half_width;
        assert!((found.behind[0].more - (1..5).map(lead).fold(f64::NEG_INFINITY, f64::max)).abs() < 1e-12);
    }
    // 5 % of 400 at most, and chance.
    assert!(missed.iter().all(|&missed| missed <= 29), "{missed:?}");
}

#[test]
fn holm_agrees_with_statsmodels() {
    // statsmodels.stats.multitest.multipletests(p, method="holm")
    let found = holm(&[0.01, 0.04, 0.03, 0.005, 0.9]);
    assert!(found.iter().zip([0.04, 0.09, 0.09, 0.025, 0.9]).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
}

/// Sums of the weights of resamples: a row drawn twice counts twice.
#[test]
fn average_precision_influences_are_its_slopes() {
    let mut stream = Stream::new(4, 0, Purpose::Synth, 0, 0);
    for tied in [false, true] {
        let labels: Vec<u8> = (0..300).map(|row| u8::from(row % 7 == 0)).collect();
        let score = |label: u8, stream: &mut Stream| {
            let score = stream.normal() + f64::from(label);
            if tied { (score * 4.0).round() / 4.0 } else { score }
        };
        let scores: Vec<f32> = labels.iter().map(|&label| score(label, &mut stream) as f32).collect();
        let influences = average_precision_influences(&scores, &labels).unwrap();
        // A row that is there ten thousand and one times where the others are ten thousand times.
        let weighted = |row: usize| {
            let weight = |at: usize| if at == row { 1.0001 } else { 1.0 };
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            let (mut caught, mut flagged, mut sum, mut all) = (0.0, 0.0, 0.0, 0.0);
            for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
                let of = |positive: bool| {
                    equal.iter().filter(|&&at| (labels[at] != 0) == positive).map(|&at| weight(at)).sum::<f64>()
                };
                caught += of(true);
                flagged += of(false);
                sum += if of(true) > 0.0 { of(true) * caught / (caught + flagged) } else { 0.0 };
                all += of(true);
            }
            sum / all
        };
        let value = average_precision(&scores, &labels).unwrap();
        let slopes: Vec<f64> = (0..300).map(|row| (weighted(row) - value) / 1e-4).collect();
        let count = |positive: bool| labels.iter().filter(|&&y| (y != 0) == positive).count() as f64;
        for positive in [true, false] {
            let n = count(positive);
            let rows: Vec<usize> = (0..300).filter(|&row| (labels[row] != 0) == positive).collect();
            let mean = rows.iter().map(|&row| slopes[row]).sum::<f64>() / n;
            for &row in &rows {
                let expected = (slopes[row] - mean) * (n / (n - 1.0)).sqrt();
                let ours = f64::from(influences[row]);
                assert!((ours - expected).abs() < 3e-5, "{tied} row {row}: {ours}, by a finite difference {expected}");
            }
        }
    }
}
