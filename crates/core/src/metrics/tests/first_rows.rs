//! Figures of the rows with the highest scores: partial AUCs against scikit-learn (recorded, see
//! tests/fixtures/metrics/make_partial.py), the precision of the first k rows against its definition.

use proptest::prelude::*;
use serde::Deserialize;

use super::cases;
use crate::metrics::{Confusion, Ranks, ScoredRows, SplitMetrics};
use crate::spec::OperatingPoint;

#[derive(Deserialize)]
struct Recorded {
    rates: Vec<f64>,
    cases: Vec<Partial>,
}

#[derive(Deserialize)]
struct Partial {
    name: String,
    partial_auc: Vec<f64>,
}

#[test]
fn partial_aucs_are_those_of_scikit_learn() {
    let text = include_str!("../../../../../tests/fixtures/metrics/partial.json");
    let recorded: Recorded = serde_json::from_str(text).unwrap();
    let cases = cases();
    assert_eq!(recorded.cases.len(), cases.len());
    for (case, Partial { name, partial_auc }) in cases.iter().zip(&recorded.cases) {
        assert_eq!(case.name, *name);
        let ranks = Ranks::new(&case.scores, &case.labels).unwrap();
        for (&rate, &theirs) in recorded.rates.iter().zip(partial_auc) {
            let ours = ranks.partial_auc(rate).unwrap();
            assert!((ours - theirs).abs() < 1e-9, "{name} up to {rate}: {ours}, expected {theirs}");
        }
        assert!([0.0, -0.1, 1.1, f64::NAN].map(|rate| ranks.partial_auc(rate)).iter().all(Option::is_none), "{name}");
    }
}

#[test]
fn perfect_scores_have_1_and_equal_ones_one_half() {
    let labels = [0, 0, 0, 1, 1];
    let of = |scores: &[f32]| Ranks::new(scores, &labels).unwrap().partial_auc(0.1).unwrap();
    assert!((of(&[0.1, 0.2, 0.3, 0.4, 0.5]) - 1.0).abs() < 1e-15);
    assert!((of(&[0.5; 5]) - 0.5).abs() < 1e-15);
}

/// The rows of the highest scores; of those that tie at the end each with the same chance.
fn defined(scores: &[f32], labels: &[u8], k: usize) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let last = sorted[k - 1];
    let count = |of: &dyn Fn(f32) -> bool, positive: bool| {
        let rows = scores.iter().zip(labels).filter(|&(&score, &label)| of(score) && (!positive || label == 1));
        rows.count() as f64
    };
    let (above, tied) = (|score: f32| score > last, |score: f32| score == last);
    let chance = (k as f64 - count(&above, false)) / count(&tied, false);
    (count(&above, true) + chance * count(&tied, true)) / k as f64
}

proptest! {
    #[test]
    fn the_precision_of_the_first_rows_is_that_of_the_definition(
        rows in prop::collection::vec((0_u8..12, any::<bool>()), 2..60),
    ) {
        let scores: Vec<f32> = rows.iter().map(|&(score, _)| f32::from(score) - 6.0).collect();
        let labels: Vec<u8> = rows.iter().map(|&(_, positive)| u8::from(positive)).collect();
        let positives = labels.iter().filter(|&&label| label == 1).count();
        prop_assume!(positives > 0 && positives < rows.len());
        let ranks = Ranks::new(&scores, &labels).unwrap();
        for k in 1..=rows.len() {
            let (ours, expected) = (ranks.precision_at_k(k as u64).unwrap(), defined(&scores, &labels, k));
            prop_assert!((ours - expected).abs() < 1e-12, "k = {k}: {ours}, expected {expected}");
        }
        prop_assert_eq!(ranks.precision_at_k(0), None);
        prop_assert_eq!(ranks.precision_at_k(rows.len() as u64 + 1), None);
    }
}

#[test]
fn the_operating_point_says_how_far_they_go() {
    // 20 rows, the 4th, 8th, … from the top positive.
    let scores: Vec<f32> = (0..20).rev().map(|row| row as f32).collect();
    let labels: Vec<u8> = (1..=20).map(|row| u8::from(row % 4 == 0)).collect();
    let rows = ScoredRows { raw: &scores, scores: &scores, labels: &labels, weights: &[] };
    let of = |point: OperatingPoint| SplitMetrics::measured(rows, &[], None, Some(&point)).0;
    let ranks = Ranks::new(&scores, &labels).unwrap();
    let budget = of(OperatingPoint::AlertBudget { max_alerts_per_1000: 400.0 });
    assert_eq!((budget.precision_at_k, budget.partial_auc), (Some(2.0 / 8.0), ranks.partial_auc(0.4)));
    let rate = of(OperatingPoint::MaxFpr { max_fpr: 0.2, confidence: None });
    assert_eq!((rate.precision_at_k, rate.partial_auc), (Some(1.0 / 5.0), ranks.partial_auc(0.2)));
    let cost = of(OperatingPoint::Cost { fn_cost: 3.0, fp_cost: 1.0 });
    assert_eq!((cost.precision_at_k, cost.partial_auc), (Some(1.0 / 5.0), None), "costs say no rate");
    let none = SplitMetrics::measured(rows, &[], None, None).0;
    assert_eq!((none.precision_at_k, none.partial_auc), (None, None));
    assert_eq!(none.confusion, Some(Confusion::at(&scores, &labels, 0.5)), "the rest needs no point");
}
