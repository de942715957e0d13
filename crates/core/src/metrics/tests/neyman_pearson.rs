//! Against scipy (recorded, see tests/fixtures/metrics/make_neyman_pearson.py), the definition, and draws.

use proptest::prelude::*;
use serde::Deserialize;

use super::super::*;
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

#[derive(Deserialize)]
struct Recorded {
    /// Negatives, rate, confidence, and the smallest rank, from 1.
    cases: Vec<(u64, f64, f64, Option<u64>)>,
    fewest: Vec<(f64, f64, u64)>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/metrics/neyman_pearson.json")).unwrap()
}

#[test]
fn ranks_are_those_of_scipy() {
    let Recorded { cases, fewest } = recorded();
    assert!(cases.len() > 200 && cases.iter().any(|case| case.0 >= 5_000_000));
    for (negatives, max_fpr, confidence, rank) in cases {
        let ours = most_above(negatives, max_fpr, confidence).map(|above| negatives - above);
        assert_eq!(ours, rank, "{negatives} negatives, {max_fpr} at {confidence}");
    }
    for (max_fpr, confidence, negatives) in fewest {
        assert_eq!(negatives_for_guarantee(max_fpr, confidence), negatives, "{max_fpr} at {confidence}");
    }
    assert_eq!(negatives_for_guarantee(0.001, 0.95), 2_995);
    assert_eq!((most_above(2_994, 0.001, 0.95), most_above(2_995, 0.001, 0.95)), (None, Some(0)));
    // More rows than any file has.
    assert!(most_above(u64::from(u32::MAX), 0.5, 0.95).unwrap() < u64::from(u32::MAX) / 2);
}

/// Of `draws` sets of `negatives` scores, the share in which the rule's true false-positive rate is above `max_fpr`.
/// Scores are uniform, rounded to `1 / steps` where that is asked for.
fn broken(negatives: usize, max_fpr: f64, confidence: f64, steps: Option<f64>, draws: u32) -> f64 {
    let mut times = 0;
    for draw in 0..draws {
        let mut stream = Stream::new(11, 0, Purpose::Synth, negatives as u32, draw);
        let score = |uniform: f32| steps.map_or(uniform, |steps| ((f64::from(uniform) * steps).floor() / steps) as f32);
        let raw: Vec<f32> = (0..negatives).map(|_| score(stream.uniform())).collect();
        let rows = ScoredRows { raw: &raw, scores: &raw, labels: &vec![0; negatives], weights: &[] };
        let threshold = guaranteed_threshold(rows, max_fpr, confidence).unwrap();
        // P(score >= threshold): what is rounded down to below the threshold is not flagged.
        let rate = steps.map_or(1.0 - threshold.raw, |steps| 1.0 - (threshold.raw * steps).ceil() / steps);
        times += u32::from(rate > max_fpr + 1e-9);
    }
    f64::from(times) / f64::from(draws)
}

#[test]
fn the_rate_is_kept_with_the_promised_probability() {
    const DRAWS: u32 = 20_000;
    for (negatives, max_fpr, confidence) in [(45, 0.05, 0.9), (100, 0.05, 0.9), (237, 0.05, 0.95), (500, 0.3, 0.8)] {
        let above = most_above(negatives as u64, max_fpr, confidence).unwrap();
        // P(A <= above), summed as it is written.
        let term = |j: u64| {
            let ways: f64 = (0..j).map(|i| (negatives as f64 - i as f64) / (i + 1) as f64).product();
            ways * max_fpr.powi(j as i32) * (1.0 - max_fpr).powi((negatives as u64 - j) as i32)
        };
        let exact: f64 = (0..=above).map(term).sum();
        assert!(exact <= 1.0 - confidence && exact + term(above + 1) > 1.0 - confidence, "{negatives}: {exact}");
        let noise = 4.0 * (exact * (1.0 - exact) / f64::from(DRAWS)).sqrt();
        let found = broken(negatives, max_fpr, confidence, None, DRAWS);
        assert!((found - exact).abs() < noise, "{negatives}: {found}, exactly {exact}");
        // Many that are equal: it is kept more often.
        let found = broken(negatives, max_fpr, confidence, Some(37.0), DRAWS);
        assert!(found < exact + noise, "{negatives}, with ties: {found}, at most {exact}");
    }
}

#[test]
fn too_few_negatives_or_no_guarantee_leave_the_threshold_of_the_validation_rows() {
    let raw: Vec<f32> = (0..100).map(|row| row as f32).collect();
    let scores: Vec<f32> = raw.iter().map(|raw| raw / 100.0).collect();
    let labels: Vec<u8> = (0..100).map(|row| u8::from(row % 10 == 9)).collect();
    let rows = |n: usize| ScoredRows { raw: &raw[..n], scores: &scores[..n], labels: &labels[..n], weights: &[] };
    let in_use = |point: &OperatingPoint, n: usize| {
        let chosen = validation_threshold(point, rows(100));
        (threshold_in_use(point, chosen, rows(n)), chosen)
    };
    let point = |confidence| OperatingPoint::MaxFpr { max_fpr: 0.05, confidence };
    // 90 negatives: with one above, P(A <= 1) = 0.0567; with none 0.0099. The highest of them is row 98.
    let (found, chosen) = in_use(&point(Some(0.95)), 100);
    let above = |row: usize| Threshold { raw: f64::from(raw[row].next_up()), score: f64::from(scores[row].next_up()) };
    assert_eq!(found, Some(above(98)));
    assert_eq!(in_use(&point(Some(0.94)), 100).0, Some(above(97)));
    assert_ne!(found, chosen);
    for (point, n) in [(point(Some(0.95)), 64), (point(Some(0.95)), 0), (point(None), 100)] {
        let (found, chosen) = in_use(&point, n);
        assert!(found == chosen && chosen.is_some(), "{point:?} with {n} rows");
    }
    let nan = ScoredRows { raw: &[f32::NAN; 100], scores: &scores, labels: &[0; 100], weights: &[] };
    assert_eq!(guaranteed_threshold(nan, 0.05, 0.95), None);
}

proptest! {
    #[test]
    fn a_threshold_flags_as_many_as_may_be_and_fewer_where_scores_are_equal(
        raw in prop::collection::vec(prop_oneof![-3.0_f32..3.0, (0_u8..5).prop_map(f32::from), Just(-0.0)], 45..200),
    ) {
        let rows = ScoredRows { raw: &raw, scores: &raw, labels: &vec![0; raw.len()], weights: &[] };
        let above = most_above(raw.len() as u64, 0.05, 0.9).unwrap() as usize;
        let threshold = guaranteed_threshold(rows, 0.05, 0.9).unwrap();
        let mut descending = raw.clone();
        descending.sort_by(|a, b| b.total_cmp(a));
        prop_assert_eq!(threshold.raw, f64::from((descending[above] + 0.0).next_up()));
        let flagged = raw.iter().filter(|&&raw| f64::from(raw) >= threshold.raw).count();
        let strictly = raw.iter().filter(|&&raw| raw > descending[above]).count();
        prop_assert_eq!(flagged, strictly);
        prop_assert!(flagged <= above);
    }
}
