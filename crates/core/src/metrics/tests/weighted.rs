//! Rows that count by their weights: scikit-learn's `sample_weight` (recorded, see
//! tests/fixtures/metrics/make_weighted.py), and rows that are there as often as they weigh.

use proptest::prelude::*;
use serde::Deserialize;

use super::{assert_close, cases};
use crate::metrics::{
    AucComponents, Confusion, RowRanks, ScoredRows, SplitMetrics, WeightedRanks, auc_delong,
    average_precision_influences, validation_threshold, weighted_average_precision, weighted_brier, weighted_roc_auc,
    weighted_threshold_for,
};
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

#[derive(Deserialize)]
struct Recorded {
    rates: Vec<f64>,
    cases: Vec<Weighted>,
}

#[derive(Deserialize)]
struct Weighted {
    name: String,
    weights: Vec<f64>,
    roc_auc: f64,
    average_precision: f64,
    partial_auc: Vec<f64>,
    brier: f64,
    confusion: Confusion,
    precision: Option<f64>,
    recall: f64,
    f1: Option<f64>,
    accuracy: f64,
    mcc: f64,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/metrics/weighted.json")).unwrap()
}

#[test]
fn weighted_figures_are_those_of_scikit_learn() {
    let Recorded { rates, cases: weighted } = recorded();
    let cases = cases();
    assert_eq!(cases.len(), weighted.len());
    for (case, theirs) in cases.iter().zip(&weighted) {
        let (name, scores, labels, weights) = (&case.name, &case.scores, &case.labels, &theirs.weights);
        assert_eq!(*name, theirs.name);
        // Probabilities whose order is that of the logits stand for these.
        let rows = ScoredRows { raw: scores, scores, labels, weights };
        let (ours, ranks) = SplitMetrics::measured(rows, &[], None, None);
        assert_close(name, ours.auc, Some(theirs.roc_auc));
        assert_close(name, weighted_roc_auc(scores, labels, weights), Some(theirs.roc_auc));
        assert_close(name, ours.average_precision, Some(theirs.average_precision));
        assert_close(name, weighted_average_precision(scores, labels, weights), Some(theirs.average_precision));
        assert_close(name, ours.brier, Some(theirs.brier));
        let (counts, expected) = (ours.confusion.unwrap(), theirs.confusion);
        for (ours, theirs) in
            [(counts.tp, expected.tp), (counts.fp, expected.fp), (counts.tn, expected.tn), (counts.fn_, expected.fn_)]
        {
            assert_close(name, Some(ours), Some(theirs));
        }
        assert_close(name, counts.precision(), theirs.precision);
        assert_close(name, counts.recall(), Some(theirs.recall));
        assert_close(name, counts.f1(), theirs.f1);
        assert_close(name, counts.accuracy(), Some(theirs.accuracy));
        assert_close(name, counts.mcc(), Some(theirs.mcc));
        let ranks = ranks.unwrap();
        for (&rate, &theirs) in rates.iter().zip(&theirs.partial_auc) {
            let ours = ranks.partial_auc(rate).unwrap();
            assert!((ours - theirs).abs() < 1e-9, "{name} up to {rate}: {ours}, expected {theirs}");
        }
    }
}

/// A row as often as it weighs.
fn repeated(rows: &[(f32, u8, u8)]) -> (Vec<f32>, Vec<u8>) {
    let all = rows.iter().flat_map(|&(score, label, times)| (0..times).map(move |_| (score, label)));
    all.unzip()
}

fn rows() -> impl Strategy<Value = Vec<(f32, u8, u8)>> {
    let score = prop_oneof![(-4_i8..5).prop_map(|s| f32::from(s) / 4.0), -1.0_f32..1.0];
    prop::collection::vec((score, 0_u8..2, 0_u8..4), 2..60)
}

fn points() -> Vec<OperatingPoint> {
    vec![
        OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: None },
        OperatingPoint::MaxFpr { max_fpr: 0.5, confidence: None },
        OperatingPoint::MinRecall { min_recall: 0.8 },
        OperatingPoint::MinRecall { min_recall: 1.0 },
        OperatingPoint::MinPrecision { min_precision: 0.6 },
        OperatingPoint::AlertBudget { max_alerts_per_1000: 250.0 },
        OperatingPoint::Cost { fn_cost: 3.0, fp_cost: 1.0 },
    ]
}

proptest! {
    #[test]
    fn whole_weights_are_repeated_rows(rows in rows()) {
        let (scores, labels) = repeated(&rows);
        let weights: Vec<f64> = rows.iter().map(|&(.., times)| f64::from(times)).collect();
        let (own, classes): (Vec<f32>, Vec<u8>) = rows.iter().map(|&(score, label, _)| (score, label)).unzip();
        let (weighted, counted) = (RowRanks::new(&own, &classes, &weights), RowRanks::new(&scores, &labels, &[]));
        prop_assert_eq!(weighted.is_some(), counted.is_some());
        let (Some(weighted), Some(counted)) = (weighted, counted) else { return Ok(()) };
        let same = |a: f64, b: f64| (a - b).abs() <= 1e-12;
        prop_assert!(same(weighted.auc().auc, counted.auc().auc));
        prop_assert!(same(weighted.average_precision(), counted.average_precision()));
        for rate in [0.01, 0.2, 1.0] {
            prop_assert!(same(weighted.partial_auc(rate).unwrap(), counted.partial_auc(rate).unwrap()));
        }
        let first = OperatingPoint::MinRecall { min_recall: 0.5 };
        prop_assert!(same(weighted.precision_at(&first).unwrap(), counted.precision_at(&first).unwrap()));
        prop_assert!(same(weighted_brier(&own, &classes, &weights), super::brier(&scores, &labels)));
        for point in points() {
            let threshold = weighted_threshold_for(&point, &own, &classes, &weights).unwrap();
            prop_assert_eq!(Some(threshold), weighted_threshold_for(&point, &scores, &labels, &[]), "{:?}", point);
            prop_assert_eq!(
                Confusion::weighed(&own, &classes, &weights, threshold), Confusion::at(&scores, &labels, threshold)
            );
        }
        // A curve goes through every corner of the other that is not left out.
        let share = |corners: Vec<super::RocCorner>| {
            let last = *corners.last().unwrap();
            corners.iter().map(|c| (c.fp as f64 / last.fp as f64, c.tp as f64 / last.tp as f64)).collect::<Vec<_>>()
        };
        let (ours, theirs) = (share(weighted.roc(1e-9)), share(counted.roc(1e-9)));
        let area = |curve: &[(f64, f64)]| {
            curve.windows(2).map(|w| (w[1].0 - w[0].0) * (w[1].1 + w[0].1) / 2.0).sum::<f64>()
        };
        prop_assert!((area(&ours) - area(&theirs)).abs() < 1e-9);
        prop_assert!((area(&ours) - weighted.auc().auc).abs() < 1e-9);
    }

    /// Weights that are all equal change nothing, whatever they are: not the standard error either.
    #[test]
    fn equal_weights_are_none(rows in rows(), weight in 1e-3_f64..1e3) {
        let (scores, labels): (Vec<f32>, Vec<u8>) = rows.iter().map(|&(score, label, _)| (score, label)).unzip();
        let ours = RowRanks::new(&scores, &labels, &vec![weight; rows.len()]).map(|ranks| ranks.auc());
        let theirs = auc_delong(&scores, &labels);
        prop_assert_eq!(ours.is_some(), theirs.is_some());
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            prop_assert!((ours.auc - theirs.auc).abs() < 1e-12);
            prop_assert_eq!(ours.se.is_some(), theirs.se.is_some());
            prop_assert!(ours.se.zip(theirs.se).is_none_or(|(a, b)| (a - b).abs() < 1e-9));
            let ends = ours.interval().zip(theirs.interval());
            prop_assert!(ends.is_none_or(|(a, b)| (a.lower - b.lower).abs() + (a.upper - b.upper).abs() < 1e-8));
        }
    }

    /// The same by a loop over all pairs.
    #[test]
    fn the_standard_error_is_that_of_weighted_components(rows in rows()) {
        let (scores, labels): (Vec<f32>, Vec<u8>) = rows.iter().map(|&(score, label, _)| (score, label)).unzip();
        let weights: Vec<f64> = rows.iter().map(|&(.., times)| f64::from(times) / 3.0).collect();
        let Some(ranks) = WeightedRanks::new(&scores, &labels, &weights) else { return Ok(()) };
        let of = |class: u8| {
            let labels = &labels;
            (0..labels.len()).filter(move |&row| labels[row] == class)
        };
        let all = |class: u8| of(class).map(|row| weights[row]).sum::<f64>();
        let above = |x: f32, y: f32| f64::from(u8::from(x > y)) + 0.5 * f64::from(u8::from(x == y));
        let component = |row: usize| {
            let other = 1 - labels[row];
            let pairs = of(other).map(|against| {
                let (x, y) = if other == 0 { (row, against) } else { (against, row) };
                weights[against] * above(scores[x], scores[y])
            });
            pairs.sum::<f64>() / all(other)
        };
        let auc = of(1).map(|row| weights[row] * component(row)).sum::<f64>() / all(1);
        let variance = |class: u8| {
            let n = of(class).filter(|&row| weights[row] > 0.0).count() as f64;
            let sum: f64 = of(class).map(|row| (weights[row] * (component(row) - auc)).powi(2)).sum();
            (n > 1.0).then(|| n / (n - 1.0) * sum / all(class).powi(2))
        };
        let ours = ranks.auc();
        prop_assert!((ours.auc - auc).abs() < 1e-12);
        let expected = variance(1).zip(variance(0)).map(|(a, b)| (a + b).sqrt());
        prop_assert_eq!(ours.se.is_some(), expected.is_some());
        prop_assert!(ours.se.zip(expected).is_none_or(|(a, b)| (a - b).abs() < 1e-9), "{:?} {:?}", ours.se, expected);
    }
}

proptest! {
    /// Weights that are all equal: what rows without weights add to the errors of both figures.
    #[test]
    fn influences_of_equal_weights_are_those_of_rows(rows in rows(), weight in 1e-2_f64..1e2) {
        let (scores, labels): (Vec<f32>, Vec<u8>) = rows.iter().map(|&(score, label, _)| (score, label)).unzip();
        let weights = vec![weight; rows.len()];
        let ranks = WeightedRanks::new(&scores, &labels, &weights);
        let near = |ours: Option<Vec<f32>>, theirs: Option<Vec<f32>>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-5),
            (ours, theirs) => ours == theirs,
        };
        let of = |ranks: &WeightedRanks| ranks.influences(&labels, &weights);
        let components = AucComponents::new(&scores, &labels);
        prop_assert!(near(ranks.as_ref().and_then(of), components.and_then(|of| of.influences(&labels))));
        let of = |ranks: &WeightedRanks| ranks.precision_influences(&labels, &weights);
        prop_assert!(near(ranks.as_ref().and_then(of), average_precision_influences(&scores, &labels)));
    }

    /// The squares of influences add up to the variance, and an influence is what a little more weight changes.
    #[test]
    fn influences_are_slopes(rows in rows(), pick in any::<prop::sample::Index>()) {
        let (scores, labels): (Vec<f32>, Vec<u8>) = rows.iter().map(|&(score, label, _)| (score, label)).unzip();
        let weights: Vec<f64> = rows.iter().map(|&(.., times)| f64::from(times) / 3.0).collect();
        let Some(ranks) = WeightedRanks::new(&scores, &labels, &weights) else { return Ok(()) };
        let precision = ranks.precision_influences(&labels, &weights);
        let Some((auc, precision)) = ranks.influences(&labels, &weights).zip(precision) else { return Ok(()) };
        let squares: f64 = auc.iter().map(|&of| f64::from(of).powi(2)).sum();
        prop_assert!((squares.sqrt() - ranks.auc().se.unwrap()).abs() < 1e-5);
        let at = pick.index(rows.len());
        let counts = |&row: &usize| labels[row] == labels[at] && weights[row] > 0.0;
        let class: Vec<usize> = (0..rows.len()).filter(counts).collect();
        let n = class.len() as f64;
        let scale = (n / (n - 1.0)).sqrt();
        let h = 1e-5;
        let moved = |by: f64| {
            let mut weights = weights.clone();
            weights[at] *= 1.0 + by;
            let ranks = WeightedRanks::new(&scores, &labels, &weights).unwrap();
            (ranks.auc().auc, ranks.average_precision())
        };
        let (above, below) = (moved(h), moved(-h));
        let slope = (above.0 - below.0) / (2.0 * h) * scale;
        prop_assert!((f64::from(auc[at]) - slope).abs() < 1e-4, "{} {slope}", auc[at]);
        // Of the average precision less the mean of its class, which adds up to nothing.
        let sum: f64 = class.iter().map(|&row| f64::from(precision[row])).sum();
        prop_assert!(sum.abs() < 1e-4, "{sum}");
        let one = class.iter().copied().find(|&row| row != at && weights[at] > 0.0);
        if let Some(other) = one {
            let moved = |row: usize, by: f64| {
                let mut weights = weights.clone();
                weights[row] *= 1.0 + by;
                WeightedRanks::new(&scores, &labels, &weights).unwrap().average_precision()
            };
            let slope = |row: usize| (moved(row, h) - moved(row, -h)) / (2.0 * h) * scale;
            let found = f64::from(precision[at]) - f64::from(precision[other]);
            prop_assert!((found - (slope(at) - slope(other))).abs() < 1e-4, "{found}");
        }
    }
}

#[test]
fn a_class_that_weighs_nothing_has_no_figures() {
    let (scores, labels) = ([0.1_f32, 0.2, 0.3], [0_u8, 1, 0]);
    assert!(WeightedRanks::new(&scores, &labels, &[1.0, 0.0, 1.0]).is_none());
    assert!(WeightedRanks::new(&[0.1, f32::NAN, 0.3], &labels, &[1.0; 3]).is_none());
    assert_eq!(Confusion::weighed(&scores, &labels, &[0.5, 0.0, 0.25], 0.2).precision(), Some(0.0));
    let point = OperatingPoint::Cost { fn_cost: 1.0, fp_cost: 9.0 };
    let rows = ScoredRows { raw: &scores, scores: &scores, labels: &labels, weights: &[1.0, 1.0, 1.0] };
    // Nobody is flagged where that costs least.
    assert_eq!(validation_threshold(&point, rows).unwrap().raw, f64::from(0.3_f32.next_up()));
}

/// The standard error is that of rows drawn anew with their weights: over many sets its square is the variance of the
/// AUC, also where weights hang together with scores.
#[test]
fn standard_errors_of_weighted_rows_are_as_large_as_they_vary() {
    const SETS: u32 = 3000;
    for (rows, positives) in [(400, 60), (600, 20)] {
        let (mut aucs, mut variances, mut covered) = (Vec::new(), 0.0, 0);
        for set in 0..SETS {
            let mut stream = Stream::new(29, set, Purpose::Split, 0, 0);
            let mut normal = || stream.normal();
            let labels: Vec<u8> = (0..rows).map(|row| u8::from(row < positives)).collect();
            let (mut scores, mut weights) = (Vec::new(), Vec::new());
            for &label in &labels {
                let score = normal() + f64::from(label);
                scores.push(score as f32);
                weights.push((0.3 * score + 0.4 * normal()).exp());
            }
            let auc = WeightedRanks::new(&scores, &labels, &weights).unwrap().auc();
            aucs.push(auc.auc);
            variances += auc.se.unwrap().powi(2) / f64::from(SETS);
            // Weights e^(0.3 s) move both normal distributions by 0.3: the AUC stays Φ(1 / √2).
            covered += u32::from((auc.auc - 0.760_250).abs() <= 1.96 * auc.se.unwrap());
        }
        let mean = aucs.iter().sum::<f64>() / f64::from(SETS);
        let variance = aucs.iter().map(|auc| (auc - mean).powi(2)).sum::<f64>() / f64::from(SETS - 1);
        // A ratio of sums is off by a share of 1 / positives.
        assert!((mean - 0.760_250).abs() < 0.2 / positives as f64, "{mean}");
        let covered = f64::from(covered) / f64::from(SETS);
        assert!((0.9..0.97).contains(&covered), "{covered}");
        let least = if positives > 50 { 0.93 } else { 0.8 };
        assert!((least..1.1).contains(&(variances / variance)), "{}", variances / variance);
    }
}
