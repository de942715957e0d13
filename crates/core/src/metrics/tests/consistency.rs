//! Whether the test of calibration has its level, and its draws their distribution.

use super::super::*;
use crate::random::{Purpose, Stream};

/// As the report counts them.
const BINS: usize = 10;
const LEVEL: f64 = 0.05;

/// Replicates of one set of rows: each scores them with a share of its own in what it sees, and its scores are the
/// probabilities given that. Of so many rows a share of `prevalence` is positive.
struct Perfect {
    rows: usize,
    prevalence: f64,
    replicates: usize,
    /// Share of what replicates see that they see alike.
    alike: f64,
}

/// Scores by replicate, and labels.
type Scored = (Vec<Vec<f32>>, Vec<u8>);

impl Perfect {
    /// What is seen of a row is N(0, 1), of a positive N(1.5, 1), so that its probability is logistic in it.
    fn draw(&self, stream: &mut Stream) -> Scored {
        const SHIFT: f64 = 1.5;
        let prior = (self.prevalence / (1.0 - self.prevalence)).ln();
        let mut scores = vec![Vec::new(); self.replicates];
        let mut labels = Vec::new();
        for _ in 0..self.rows {
            let label = stream.uniform64() < self.prevalence;
            let common = stream.normal();
            for of_replicate in &mut scores {
                let noise = self.alike.sqrt() * common + (1.0 - self.alike).sqrt() * stream.normal();
                let seen = noise + SHIFT * f64::from(u8::from(label));
                of_replicate.push(logistic(prior + SHIFT * seen - SHIFT * SHIFT / 2.0) as f32);
            }
            labels.push(u8::from(label));
        }
        (scores, labels)
    }
}

fn tested((scores, labels): &Scored, resamples: u32) -> CalibrationTest {
    let replicates: Vec<Predicted<'_>> = scores.iter().map(|scores| Predicted { scores, labels }).collect();
    calibration_test(&replicates, BINS, resamples).unwrap()
}

#[test]
fn perfect_scores_are_told_wrong_in_five_of_a_hundred_sets_at_most() {
    const SETS: u32 = 500;
    for (positives, rows) in [(15_u32, 1000), (30, 1000), (200, 2000)] {
        for (replicates, alike) in [(1, 1.0), (3, 1.0), (3, 0.5)] {
            let prevalence = f64::from(positives) / rows as f64;
            let perfect = Perfect { rows, prevalence, replicates, alike };
            let mut stream = Stream::new(positives.into(), replicates as u32, Purpose::Synth, 0, 0);
            let (mut told, mut warned, mut of_chance) = (0, 0, 0.0);
            for _ in 0..SETS {
                let set = perfect.draw(&mut stream);
                let test = tested(&set, 199);
                told += u32::from(test.p <= LEVEL);
                let seen = set.1.iter().map(|&label| f64::from(label)).sum::<f64>() / rows as f64;
                warned += u32::from(test.p < LEVEL && test.error > seen / 2.0);
                of_chance += test.error / test.expected;
            }
            let share = |of: u32| f64::from(of) / f64::from(SETS);
            let cell = format!("{positives} positives, {replicates} replicates alike by {alike}");
            // Two standard errors above 5 %.
            assert!(share(told) <= 0.07, "{cell}: {}", share(told));
            assert!(share(warned) <= LEVEL, "{cell}: {}", share(warned));
            if alike == 1.0 {
                let ratio = of_chance / f64::from(SETS);
                assert!(share(told) >= 0.028 && (0.97..1.03).contains(&ratio), "{cell}: {} {ratio}", share(told));
            }
        }
    }
}

#[test]
fn scores_whose_odds_are_twenty_times_too_high_are_always_told() {
    for (positives, rows) in [(15_u32, 1000), (200, 2000)] {
        for replicates in [1, 3] {
            let perfect = Perfect { rows, prevalence: f64::from(positives) / rows as f64, replicates, alike: 0.8 };
            let mut stream = Stream::new(1, replicates as u32, Purpose::Synth, 0, 0);
            for _ in 0..50 {
                let mut set = perfect.draw(&mut stream);
                for score in set.0.iter_mut().flatten() {
                    *score = 20.0 * *score / (1.0 + 19.0 * *score);
                }
                let test = tested(&set, 199);
                assert!(test.p <= 1.0 / 200.0 && test.error > 5.0 * test.expected, "{positives}: {test:?}");
            }
        }
    }
}

#[test]
fn draws_are_bernoulli_and_replicates_are_off_together() {
    // One bin, so that the error is |mean score - share of positives|: E|Binomial(n, p) - np| / n.
    let (n, p) = (40_usize, 0.3_f64);
    let choose = |k: usize| (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product::<f64>();
    let expected: f64 = (0..=n)
        .map(|k| choose(k) * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32) * (k as f64 - n as f64 * p).abs())
        .sum::<f64>()
        / n as f64;
    let scores = vec![p as f32; n];
    let first = |positives: usize| -> Vec<u8> { (0..n).map(|i| u8::from(i < positives)).collect() };
    let (right, off) = (first(12), first(18));
    let of = |labels| Predicted { scores: &scores, labels };
    let one = calibration_test(&[of(&right)], 1, 100_000).unwrap();
    assert!((one.expected / expected - 1.0).abs() < 0.01, "{one:?} {expected}");
    assert!(one.error < 1e-7 && one.p == 1.0, "{one:?}");
    // P(|Binomial(40, 0.3) - 12| >= 6) = 0.0557; two more replicates of the same rows tell no more.
    let p = |replicates: &[Predicted<'_>]| calibration_test(replicates, 1, 100_000).unwrap().p;
    assert!((p(&[of(&off)]) - 0.0557).abs() < 0.003, "{}", p(&[of(&off)]));
    assert!((p(&[of(&off); 3]) - 0.0557).abs() < 0.003, "{}", p(&[of(&off); 3]));
    assert!(p(&[of(&off), of(&right)]) > 0.2);
}

#[test]
fn ends_and_nothing_at_all() {
    let of = |scores: &'static [f32], labels: &'static [u8]| Predicted { scores, labels };
    let sure = calibration_test(&[of(&[0.0, 1.0, 1.0], &[0, 1, 1])], BINS, 99).unwrap();
    assert_eq!(sure, CalibrationTest { error: 0.0, expected: 0.0, p: 1.0 });
    let wrong = calibration_test(&[of(&[0.0, 1.0, 1.0], &[1, 1, 1])], BINS, 99).unwrap();
    assert_eq!((wrong.expected, wrong.p), (0.0, 0.01));
    assert_eq!(calibration_test(&[of(&[f32::NAN, 1.0, 1.0], &[0, 1, 1])], BINS, 99), None);
    assert_eq!(calibration_test(&[], BINS, 99), None);
    assert_eq!(calibration_test(&[of(&[0.5; 3], &[0, 1, 1])], BINS, 0), None);
    let same = of(&[0.2, 0.7, 0.4], &[0, 1, 0]);
    let bins = reliability(same.scores, same.labels, BINS, Binning::EqualMass);
    let error = calibration_test(&[same], BINS, 1).unwrap().error;
    assert!((error - expected_calibration_error(&bins).unwrap()).abs() < 1e-12);
}
