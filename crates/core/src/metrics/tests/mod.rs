//! Against scikit-learn and MLstatkit (recorded, see tests/fixtures/metrics/make_metrics.py) and against definitions.

mod catalogue;
mod consistency;
mod coverage;
mod ensemble;
mod first_rows;
mod multiple;
mod neyman_pearson;
mod served;
mod statistics;
mod weighted;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::spec::OperatingPoint;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    scores: Vec<f32>,
    labels: Vec<u8>,
    roc_auc: f64,
    delong_se: Option<f64>,
    other_roc_auc: f64,
    paired_variance: Option<f64>,
    average_precision: f64,
    brier: f64,
    confusion: Confusion,
    accuracy: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    mcc: Option<f64>,
}

impl Case {
    /// Every third score kept, the others moved on by one row, as the script does it.
    fn other(&self) -> Vec<f32> {
        let mut other = self.scores.clone();
        other.rotate_right(1);
        other.iter_mut().zip(&self.scores).step_by(3).for_each(|(o, &s)| *o = s);
        other
    }
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../../../tests/fixtures/metrics/cases.json");
    serde_json::from_str::<Cases>(text).unwrap().cases
}

#[track_caller]
fn assert_close(name: &str, ours: Option<f64>, theirs: Option<f64>) {
    let close = match (ours, theirs) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * b.abs().max(1.0),
        (a, b) => a == b,
    };
    assert!(close, "{name}: {ours:?}, reference {theirs:?}");
}

#[test]
fn agrees_with_scikit_learn() {
    for case in cases() {
        let (name, scores, labels) = (&case.name, &case.scores, &case.labels);
        assert_close(name, roc_auc(scores, labels), Some(case.roc_auc));
        assert_close(name, average_precision(scores, labels), Some(case.average_precision));
        // scikit-learn sums in 64 bits after squaring in 64 bits, as we do.
        assert_close(name, Some(brier(scores, labels)), Some(case.brier));
        let counts = Confusion::at(scores, labels, 0.5);
        assert_eq!(counts, case.confusion, "{name}");
        assert_close(name, counts.accuracy(), case.accuracy);
        assert_close(name, counts.precision(), case.precision);
        assert_close(name, counts.recall(), case.recall);
        assert_close(name, counts.f1(), case.f1);
        assert_close(name, counts.mcc(), case.mcc);
    }
}

#[test]
fn agrees_with_mlstatkit_on_delong() {
    for case in cases() {
        let (name, scores, labels) = (&case.name, &case.scores, &case.labels);
        let estimate = auc_delong(scores, labels).unwrap();
        assert_eq!(Some(estimate.auc), roc_auc(scores, labels), "{name}");
        assert_close(name, estimate.se, case.delong_se);
        let components = |scores| AucComponents::new(scores, labels).unwrap();
        let paired = components(scores).compare(&components(&case.other()));
        assert_close(name, paired.map(|p| p.variance), case.paired_variance);
        if let Some(paired) = paired {
            assert_close(name, Some(paired.difference), Some(case.roc_auc - case.other_roc_auc));
        }
    }
}

#[test]
fn undefined_is_none() {
    let nan = f32::NAN;
    for (scores, labels) in [
        (&[][..], &[][..]),
        (&[0.1, 0.2], &[0, 0]),
        (&[0.1, 0.2], &[1, 1]),
        (&[0.1, nan, 0.3], &[0, 1, 1]),
        (&[nan, nan, nan], &[0, 1, 0]),
    ] {
        assert_eq!(roc_auc(scores, labels), None, "{scores:?} {labels:?}");
        assert_eq!(auc_delong(scores, labels), None, "{scores:?} {labels:?}");
    }
    assert_eq!(average_precision(&[0.1], &[0]), None);
    assert_eq!(average_precision(&[0.1, nan], &[0, 1]), None);
    let none = Confusion::default();
    let ratios = [none.accuracy(), none.precision(), none.recall(), none.fpr(), none.f1(), none.mcc()];
    assert_eq!(ratios, [None; 6]);
    let empty: (&[f32], &[u8]) = (&[], &[]);
    for point in [max_fpr(0.5), min_recall(0.5), OperatingPoint::Cost { fn_cost: 1.0, fp_cost: 1.0 }] {
        assert_eq!(threshold_for(&point, empty.0, empty.1), None);
        assert_eq!(threshold_for(&point, &[0.1, nan], &[0, 1]), None);
    }
    assert_eq!(threshold_for(&max_fpr(0.5), &[0.1], &[1]), None);
    assert_eq!(threshold_for(&min_recall(0.5), &[0.1], &[0]), None);
}

#[test]
fn signed_zeros_and_infinities_order() {
    assert_eq!(roc_auc(&[-0.0, 0.0], &[1, 0]), Some(0.5));
    assert_eq!(auc_delong(&[-0.0, 0.0], &[1, 0]).unwrap().auc, 0.5);
    let scores = [f32::NEG_INFINITY, -1.0, -0.0, f32::MIN_POSITIVE, f32::INFINITY];
    assert_eq!(roc_auc(&scores, &[0, 0, 0, 1, 1]), Some(1.0));
    assert_eq!(roc_auc(&scores, &[1, 1, 0, 0, 0]), Some(0.0));
    let curve = average_precision(&[-0.0, 0.0], &[1, 0]);
    assert_eq!(curve, Some(0.5), "-0 and 0 are one score");
}

#[test]
fn nobody_flagged_is_just_above_the_highest_score() {
    let threshold = threshold_for(&max_fpr(0.01), &[0.2, 1.0, 1.0], &[0, 1, 0]).unwrap();
    assert_eq!(threshold, f64::from(1.0_f32.next_up()));
    assert_eq!(Confusion::at(&[0.2, 1.0, 1.0], &[0, 1, 0], threshold).fp, 0.0);
}

fn max_fpr(max_fpr: f64) -> OperatingPoint {
    OperatingPoint::MaxFpr { max_fpr, confidence: None }
}

fn min_recall(min_recall: f64) -> OperatingPoint {
    OperatingPoint::MinRecall { min_recall }
}

/// The definition: all pairs.
fn auc_of_pairs(scores: &[f32], labels: &[u8]) -> Option<f64> {
    let (mut twice, mut pairs) = (0_u64, 0_u64);
    for (a, _) in scores.iter().zip(labels).filter(|&(_, &y)| y == 1) {
        for (b, _) in scores.iter().zip(labels).filter(|&(_, &y)| y == 0) {
            twice += 2 * u64::from(a > b) + u64::from(a == b);
            pairs += 1;
        }
    }
    (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
}

/// scikit-learn's sum with precision and recall counted anew at every distinct score.
fn average_precision_of_thresholds(scores: &[f32], labels: &[u8]) -> Option<f64> {
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let mut before = 0.0;
    let mut sum = 0.0;
    for threshold in thresholds {
        let counts = Confusion::at(scores, labels, f64::from(threshold));
        sum += (counts.recall()? - before) * counts.precision()?;
        before = counts.recall()?;
    }
    labels.contains(&1).then_some(sum)
}

fn threshold_of_all(point: &OperatingPoint, scores: &[f32], labels: &[u8]) -> Option<f64> {
    let highest = scores.iter().copied().reduce(f32::max)?;
    let all = scores.iter().copied().chain([highest.next_up()]).map(f64::from);
    let at = |t: f64| Confusion::at(scores, labels, t);
    match *point {
        OperatingPoint::MaxFpr { max_fpr, .. } => {
            all.filter(|&t| at(t).fpr().is_some_and(|r| r <= max_fpr)).reduce(f64::min)
        }
        OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
            let flagged = |t: f64| at(t).tp + at(t).fp;
            all.filter(|&t| 1000.0 * flagged(t) / scores.len() as f64 <= max_alerts_per_1000).reduce(f64::min)
        }
        OperatingPoint::MinRecall { min_recall } => {
            all.filter(|&t| at(t).recall().is_some_and(|r| r >= min_recall)).reduce(f64::max)
        }
        OperatingPoint::MinPrecision { min_precision } => {
            let good = all.filter(|&t| at(t).precision().is_none_or(|share| share >= min_precision));
            let good: Vec<f64> = good.collect();
            let most = good.iter().map(|&t| at(t).tp).reduce(f64::max)?;
            // Where nobody is to be caught nobody is to be flagged either.
            good.into_iter().filter(|&t| at(t).tp == most).reduce(f64::max)
        }
        OperatingPoint::Cost { fn_cost, fp_cost } => {
            let cost = |t: f64| at(t).fn_ * fn_cost + at(t).fp * fp_cost;
            let least = all.clone().map(cost).reduce(f64::min)?;
            all.filter(|&t| cost(t) == least).reduce(f64::max)
        }
    }
}

/// Scores from a few values (ties), spread, crowded into one cell of the table, or anywhere.
fn rows() -> impl Strategy<Value = (Vec<f32>, Vec<u8>)> {
    let score = prop_oneof![
        (0_u8..6).prop_map(|i| f32::from(i) / 5.0),
        0.0_f32..1.0,
        (0_u8..40).prop_map(|i| 0.7 + f32::from(i) * f32::EPSILON),
        proptest::num::f32::NORMAL | proptest::num::f32::ZERO | proptest::num::f32::INFINITE,
    ];
    (0.0_f64..1.0).prop_flat_map(move |share| {
        prop::collection::vec((score.clone(), prop::bool::weighted(share)), 0..150)
            .prop_map(|rows| rows.into_iter().map(|(s, y)| (s, u8::from(y))).unzip())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn roc_auc_is_its_definition((scores, labels) in rows()) {
        prop_assert_eq!(roc_auc(&scores, &labels), auc_of_pairs(&scores, &labels));
    }

    #[test]
    fn corners_of_the_roc_curve_are_counts_and_enclose_the_auc((scores, labels) in rows()) {
        let Some(ranks) = Ranks::new(&scores, &labels) else { return Ok(()) };
        let count = |positive: bool| labels.iter().take(scores.len()).filter(|&&y| (y != 0) == positive).count() as f64;
        let (positives, negatives) = (count(true), count(false));
        let place = |c: &RocCorner| (c.fp as f64 / negatives, c.tp as f64 / positives);
        let whole = ranks.roc(0.0);
        for corner in &whole {
            let counts = corner.threshold.map_or(Confusion::default(), |threshold| {
                Confusion::at(&scores, &labels, f64::from(threshold))
            });
            // Nothing finite lies above or below an infinite score.
            if scores.iter().all(|score| score.is_finite()) {
                prop_assert_eq!((corner.fp as f64, corner.tp as f64), (counts.fp, counts.tp));
            }
        }
        let area: f64 = whole.windows(2).map(|pair| {
            let ((x0, y0), (x1, y1)) = (place(&pair[0]), place(&pair[1]));
            (x1 - x0) * (y0 + y1) / 2.0
        }).sum();
        prop_assert!((area - roc_auc(&scores, &labels).unwrap()).abs() < 1e-12);
        let thin = ranks.roc(0.25);
        prop_assert!(thin.len() <= 10, "{}", thin.len());
        prop_assert_eq!((place(&thin[0]), place(&thin[thin.len() - 1])), ((0.0, 0.0), (1.0, 1.0)));
        for (x, y) in whole.iter().map(place) {
            let near = thin.iter().map(place).any(|(u, v)| (x - u).abs() + (y - v).abs() < 0.25);
            prop_assert!(near, "({x}, {y}) is far from {thin:?}");
        }
    }

    #[test]
    fn delong_auc_is_the_same((scores, labels) in rows()) {
        prop_assert_eq!(auc_delong(&scores, &labels).map(|e| e.auc), roc_auc(&scores, &labels));
    }

    #[test]
    fn average_precision_is_its_definition((scores, labels) in rows()) {
        let (ours, slow) = (average_precision(&scores, &labels), average_precision_of_thresholds(&scores, &labels));
        prop_assert_eq!(ours.is_some(), slow.is_some());
        prop_assert!((ours.unwrap_or(0.0) - slow.unwrap_or(0.0)).abs() < 1e-12);
    }

    #[test]
    fn threshold_is_the_best_of_all(
        (scores, labels) in rows(), rate in 0.0_f64..=1.0, costs in (0_u8..5, 0_u8..5)
    ) {
        // Just above infinity there is nothing.
        let scores: Vec<f32> = scores.iter().map(|s| s.clamp(-9.0, 9.0)).collect();
        let cost = OperatingPoint::Cost { fn_cost: f64::from(costs.0), fp_cost: f64::from(costs.1) };
        let both = labels.contains(&0) && labels.contains(&1);
        let budget = OperatingPoint::AlertBudget { max_alerts_per_1000: 1000.0 * rate };
        let precision = OperatingPoint::MinPrecision { min_precision: rate };
        for point in [max_fpr(rate), min_recall(rate), precision, budget, cost] {
            let expected = threshold_of_all(&point, &scores, &labels).filter(|_| both);
            prop_assert_eq!(threshold_for(&point, &scores, &labels), expected);
        }
    }
}
