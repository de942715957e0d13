//! The loss and its slope: against 50-digit arithmetic, other libraries, finite differences and cross-entropy.

use proptest::prelude::*;
use serde_json::Value;

use super::{Drawn, Formula, LossTerms, PairTerms, TrialLoss};
use crate::spec::{Hyperparameters, Loss, PosWeightRule};

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1e-6)
}

#[test]
fn focal_loss_agrees_with_50_digit_arithmetic_and_other_libraries() {
    let fixture = serde_json::from_str::<Value>(include_str!("../../../../tests/fixtures/loss/loss.json")).unwrap();
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect::<Vec<_>>();
    let logits = numbers(&fixture["logits"]);
    let mut compared = 0;
    for case in fixture["focal"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let positive = number("y") == 1.0;
        let terms = LossTerms::focal(number("alpha"), 1.0 - number("alpha"), number("gamma"));
        let (values, gradients) = (numbers(&case["truth"]["value"]), numbers(&case["truth"]["gradient"]));
        for (i, &z) in logits.iter().enumerate() {
            let (value, gradient) = terms.row(z, positive, None);
            let same = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs() + 1e-37;
            assert!(same(value, values[i], 1e-12), "{case}: value at {z}: {value}");
            assert!(same(gradient, gradients[i], 1e-11), "{case}: gradient at {z}: {gradient}");
            compared += 1;
        }
        for (library, figures) in case.as_object().unwrap() {
            let Some(limits) = fixture["libraries"].get(library) else { continue };
            let bound = |key: &str| limits[key].as_f64().unwrap();
            for (i, &z) in logits.iter().enumerate() {
                if z < bound("holds_from") || z > bound("holds_to") {
                    continue;
                }
                let (value, _) = terms.row(z, positive, None);
                if let Some(theirs) = figures["value"][i].as_f64() {
                    assert!(
                        (value - theirs).abs() <= 4.0 * bound("tolerance") * value.abs().max(1e-6),
                        "{library} {case} at {z}: {value} {theirs}"
                    );
                }
            }
        }
    }
    assert!(compared >= 1000, "{compared}");
}

#[test]
fn epsilon_clips_as_the_published_code_does() {
    let terms = LossTerms::focal(0.25, 0.75, 2.0);
    let (value, gradient) = terms.row(-20.0, true, Some(1e-6));
    let p = 1.0 / (1.0 + 20f64.exp());
    assert!(close(value, -0.25 * (1.0 - p).powi(2) * 1e-6f64.ln(), 1e-12));
    let step = 1e-4;
    let slope =
        (terms.row(-20.0 + step, true, Some(1e-6)).0 - terms.row(-20.0 - step, true, Some(1e-6)).0) / (2.0 * step);
    assert!((gradient - slope).abs() < 1e-9 && gradient < 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_gradient_is_the_slope_of_the_loss(
        z in -30.0..30.0f64, positive: bool, alpha in 0.01..0.99f64, gamma in 0.0..5.0f64
    ) {
        let terms = LossTerms::focal(alpha, 1.0 - alpha, gamma);
        let h = 1e-5;
        let slope = (terms.row(z + h, positive, None).0 - terms.row(z - h, positive, None).0) / (2.0 * h);
        let (value, gradient) = terms.row(z, positive, None);
        prop_assert!((gradient - slope).abs() <= 1e-7 * (1.0 + value.abs()), "{gradient} {slope}");
    }

    #[test]
    fn without_focus_it_is_weighted_cross_entropy(z in -60.0..60.0f64, positive: bool, alpha in 0.01..0.99f64) {
        let focal = LossTerms::focal(alpha, 1.0 - alpha, 0.0);
        let x = if positive { z } else { -z };
        let entropy = if x > 0.0 { (-x).exp().ln_1p() } else { x.exp().ln_1p() - x };
        let weight = if positive { alpha } else { 1.0 - alpha };
        let (value, gradient) = focal.row(z, positive, None);
        prop_assert!((value - weight * entropy).abs() <= 1e-12 * value.abs());
        let sigmoid = 1.0 / (1.0 + (-z).exp());
        let expected = weight * (sigmoid - f64::from(u8::from(positive)));
        prop_assert!((gradient - expected).abs() <= 1e-12);
    }
}

/// The logit at which the expected loss of a row is least that is positive with probability `p`: by halving, from its
/// values alone.
fn best_logit(terms: &LossTerms, p: f64) -> f64 {
    let risk = |logit: f64| p * terms.row(logit, true, None).0 + (1.0 - p) * terms.row(logit, false, None).0;
    let (mut low, mut high) = (-40.0, 40.0);
    // The golden section: the risk falls, then rises.
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..120 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if risk(a) < risk(b) { high = b } else { low = a }
    }
    (low + high) / 2.0
}

#[test]
fn the_probability_that_a_logit_means_is_the_one_that_makes_it_best() {
    for gamma in [0.0, 0.5, 1.0, 2.0, 5.0] {
        for (positive, negative) in [(1.0, 1.0), (0.25, 0.75), (0.999, 0.001), (30.0, 1.0)] {
            let terms = LossTerms::focal(positive, negative, gamma);
            for p in [1e-4, 0.01, 0.2, 0.5, 0.9, 0.999] {
                let logit = best_logit(&terms, p);
                let back = terms.probability(logit);
                // Where a risk is least it is flat: a minimum is found to about the root of the precision of numbers.
                assert!((back - p).abs() < 1e-5 + 1e-5 * p, "{terms:?}: {p} is best at {logit}, which means {back}");
            }
        }
    }
    let plain = LossTerms::focal(1.0, 1.0, 0.0);
    assert!((plain.probability(-2.0) - 1.0 / (1.0 + 2.0_f64.exp())).abs() < 1e-15, "cross-entropy says probabilities");
}

#[test]
fn the_probability_rises_with_the_logit_to_the_ends() {
    let terms = LossTerms::focal(0.25, 0.75, 3.0);
    let all: Vec<f64> = (-800..=800).map(|logit| terms.probability(f64::from(logit))).collect();
    assert!(all.iter().all(|p| (0.0..=1.0).contains(p)) && all.is_sorted(), "{all:?}");
    assert!(all[0] < 1e-12 && all[1600] > 1.0 - 1e-12);
}

/// What the fixture of the losses beside focal loss has: see tests/fixtures/loss/make_rivals.py.
fn rivals() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/loss/rivals.json")).unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Holds rows against the recorded values and gradients of a case.
fn agrees(terms: &LossTerms, case: &Value, logits: &[f64]) {
    let (values, gradients) = (numbers(&case["value"]), numbers(&case["gradient"]));
    for (at, &z) in logits.iter().enumerate() {
        let (value, gradient) = terms.row(z, case["y"] == 1, None);
        let same = |a: f64, b: f64| (a - b).abs() <= 1e-8 * b.abs() + 1e-15;
        assert!(same(value, values[at]), "{case}: value at {z}: {value}");
        assert!(same(gradient, gradients[at]), "{case}: gradient at {z}: {gradient}");
    }
}

#[test]
fn the_rivals_agree_with_their_authors_formulas() {
    let fixture = rivals();
    let logits = numbers(&fixture["logits"]);
    let number = |case: &Value, key: &str| case[key].as_f64().unwrap();
    let plain = LossTerms::focal(1.0, 1.0, 0.0);
    for case in fixture["asymmetric"].as_array().unwrap() {
        let trial = Hyperparameters {
            gamma_pos: case["gamma_pos"].as_f64(),
            gamma_neg: case["gamma_neg"].as_f64(),
            margin: case["margin"].as_f64(),
            ..Hyperparameters::built_in(Loss::Asymmetric)
        };
        agrees(&rows(&trial, 1, 9), case, &logits);
    }
    for case in fixture["vs"].as_array().unwrap() {
        let both = |key: &str| [number(case, key); 2];
        let formula = Formula::Scaled { slopes: both("delta"), shifts: both("iota") };
        agrees(&LossTerms { formula, ..plain }, case, &logits);
    }
    for case in fixture["smoothed"].as_array().unwrap() {
        let smoothing = number(case, "smoothing");
        agrees(&LossTerms { positive: number(case, "pos_weight"), smoothing, ..plain }, case, &logits);
    }
    for case in fixture["effective_number"].as_array().unwrap() {
        let rule = PosWeightRule::EffectiveNumber;
        let [beta, positives, negatives] = ["beta", "positives", "negatives"].map(|key| number(case, key));
        let weight = super::weighted_bce::by_rule(rule, beta, positives, negatives);
        assert!(close(weight, number(case, "weight"), 1e-9), "{case}: {weight}");
    }
}

/// The terms of a trial whose epochs draw these rows.
fn rows(trial: &Hyperparameters, positives: usize, negatives: usize) -> LossTerms {
    match TrialLoss::of_trial(trial, Drawn { positives, negatives }) {
        TrialLoss::Rows(terms) => terms,
        TrialLoss::Pairs(terms) => panic!("{terms:?}"),
    }
}

#[test]
fn weights_follow_the_rows_by_their_rule() {
    let of = |pos_weight, rule| {
        let trial = Hyperparameters {
            pos_weight,
            pos_weight_rule: rule,
            beta: Some(0.9),
            ..Hyperparameters::built_in(Loss::WeightedBce)
        };
        let terms = rows(&trial, 4, 100);
        (terms.positive, terms.negative)
    };
    assert_eq!(of(None, None), (13.0, 0.52));
    assert_eq!(of(Some(3.0), None), (3.0, 1.0));
    assert_eq!(of(None, Some(PosWeightRule::Ratio)), (25.0, 1.0));
    assert_eq!(of(None, Some(PosWeightRule::SqrtRatio)), (5.0, 1.0));
    let (positive, _) = of(None, Some(PosWeightRule::EffectiveNumber));
    assert!(close(positive, (1.0 - 0.9f64.powi(100)) / (1.0 - 0.9f64.powi(4)), 1e-12));
}

/// Why there is no `logit_adjusted`: what is added is cross-entropy with another bias.
#[test]
fn the_additive_part_of_vs_alone_is_cross_entropy_with_a_shifted_bias() {
    let trial = Hyperparameters { vs_tau: Some(1.5), vs_gamma: Some(0.0), ..Hyperparameters::built_in(Loss::Vs) };
    let (terms, plain) = (rows(&trial, 30, 970), LossTerms::focal(1.0, 1.0, 0.0));
    let shift = 1.5 * (970.0f64 / 30.0).ln();
    for z in [-20.0, -3.0, -0.5, 0.0, 1.0, 4.0, 15.0] {
        for positive in [false, true] {
            let (ours, shifted) = (terms.row(z, positive, None), plain.row(z - shift, positive, None));
            assert!(close(ours.0, shifted.0, 1e-12) && close(ours.1, shifted.1, 1e-12), "{z}: {ours:?} {shifted:?}");
        }
    }
    // With the multiplicative part it is not: slopes of the classes differ.
    let scaled = rows(&Hyperparameters { vs_gamma: Some(0.2), ..trial }, 30, 970);
    assert!(!close(scaled.row(2.0, true, None).1, plain.row(2.0 - shift, true, None).1, 1e-3));
}

#[test]
fn asymmetric_loss_without_asymmetry_is_focal_loss() {
    let trial = |gamma, margin| Hyperparameters {
        gamma_pos: Some(gamma),
        gamma_neg: Some(gamma),
        margin: Some(margin),
        ..Hyperparameters::built_in(Loss::Asymmetric)
    };
    for gamma in [0.0, 0.5, 2.0] {
        let focal = LossTerms::focal(1.0, 1.0, gamma);
        for z in [-70.0, -9.0, -1.0, 0.0, 2.0, 40.0, 70.0] {
            for positive in [false, true] {
                let expected = focal.row(z, positive, None);
                assert_eq!(rows(&trial(gamma, 0.0), 1, 9).row(z, positive, None), expected);
                let near = rows(&trial(gamma, 1e-12), 1, 9).row(z, positive, None);
                assert!(z.abs() > 25.0 || (near.0 - expected.0).abs() < 1e-9 * (1.0 + expected.0), "{z} {near:?}");
                assert!(near.0.is_finite() && near.1.is_finite());
            }
        }
    }
    // Negatives up to the margin have no loss.
    let terms = rows(&trial(2.0, 0.1), 1, 9);
    assert_eq!(terms.row(-3.0, false, None), (0.0, 0.0));
    assert!(terms.row(-2.0, false, None).0 > 0.0);
}

#[test]
fn pairs_agree_with_all_pairs_one_by_one() {
    for case in rivals()["pairs"].as_array().unwrap() {
        let terms =
            PairTerms { margin: case["margin"].as_f64().unwrap(), smoothing: case["smoothing"].as_f64().unwrap() };
        let logits: Vec<f32> = numbers(&case["logits"]).iter().map(|&z| z as f32).collect();
        let labels: Vec<u8> = numbers(&case["labels"]).iter().map(|&y| y as u8).collect();
        let signs: Vec<f32> = labels.iter().map(|&y| 2.0 * f32::from(y) - 1.0).collect();
        let mut slopes = vec![f32::NAN; logits.len()];
        let value = terms.rows(&logits, &signs, &[], &mut slopes);
        let expected = case["value"][0].as_f64().unwrap();
        assert!(close(value, expected, 1e-6), "{value} {expected}");
        assert!(close(terms.mean(&logits, &labels, &[]) * logits.len() as f64, expected, 1e-6));
        for (slope, expected) in slopes.iter().zip(numbers(&case["gradient"])) {
            assert!((f64::from(*slope) - expected).abs() < 1e-5, "{slope} {expected}");
        }
    }
}

proptest! {
    /// A pair weighs the product of its rows' weights: as many pairs as rows that are there so often make.
    #[test]
    fn weighted_pairs_are_those_of_repeated_rows(
        rows in proptest::collection::vec((-300..300i32, any::<bool>(), 0..4u8), 2..30), margin in 0.1..3.0f64,
        smoothing in prop_oneof![Just(0.0), 0.01..0.9f64], scale in 0.1..9.0f32,
    ) {
        let terms = PairTerms { margin, smoothing };
        let sign = |positive: bool| if positive { 1.0_f32 } else { -1.0 };
        let (logits, signs): (Vec<f32>, Vec<f32>) =
            rows.iter().map(|&(z, positive, _)| (z as f32 / 64.0, sign(positive))).unzip();
        let weights: Vec<f32> = rows.iter().map(|&(.., times)| scale * f32::from(times)).collect();
        let repeats = rows.iter().enumerate().flat_map(|(at, &(.., times))| (0..times).map(move |_| at));
        let repeats: Vec<usize> = repeats.collect();
        prop_assume!(!repeats.is_empty());
        let of = |values: &[f32]| repeats.iter().map(|&at| values[at]).collect::<Vec<f32>>();
        let (mut slopes, mut theirs) = (vec![0.0; logits.len()], vec![0.0; repeats.len()]);
        // Both are a mean over pairs times the rows.
        let ours = terms.rows(&logits, &signs, &weights, &mut slopes) / logits.len() as f64;
        let expected = terms.rows(&of(&logits), &of(&signs), &[], &mut theirs) / repeats.len() as f64;
        prop_assert!((ours - expected).abs() <= 1e-6 * (1.0 + expected), "{ours} {expected}");
        let mut sums = vec![0.0; logits.len()];
        repeats.iter().zip(&theirs).for_each(|(&at, slope)| sums[at] += f64::from(*slope) / repeats.len() as f64);
        for (ours, theirs) in slopes.iter().zip(sums) {
            prop_assert!((f64::from(*ours) / logits.len() as f64 - theirs).abs() <= 1e-5 * (1.0 + theirs.abs()));
        }
    }
}

#[test]
fn a_batch_of_one_class_has_no_pairs() {
    let terms = PairTerms { margin: 1.0, smoothing: 0.1 };
    let mut slopes = vec![9.0; 3];
    assert_eq!((terms.rows(&[1.0, -2.0, 0.5], &[-1.0; 3], &[], &mut slopes), slopes), (0.0, vec![0.0; 3]));
    let broken = terms.rows(&[1.0, f32::NAN], &[1.0, -1.0], &[], &mut [0.0; 2]);
    assert!(broken.is_nan(), "{broken}");
}

/// Any terms of rows.
fn any_terms() -> impl Strategy<Value = LossTerms> {
    let formula = prop_oneof![
        (0.0..5.0f64).prop_map(|gamma| Formula::Focal { gamma }),
        (0.0..5.0f64, 0.0..5.0f64, 0.001..0.9f64).prop_map(|(gamma_positive, gamma_negative, margin)| {
            Formula::Asymmetric { gamma_positive, gamma_negative, margin }
        }),
        ([0.01..1.0f64, 0.01..1.0], [-5.0..5.0f64, -5.0..5.0])
            .prop_map(|(slopes, shifts)| Formula::Scaled { slopes, shifts }),
    ];
    (0.1..20.0f64, 0.1..2.0f64, formula, prop_oneof![Just(0.0), 0.01..0.9f64])
        .prop_map(|(positive, negative, formula, smoothing)| LossTerms { positive, negative, formula, smoothing })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_gradient_is_the_slope_of_its_loss(z in -20.0..20.0f64, positive: bool, terms in any_terms()) {
        if let Formula::Asymmetric { margin, .. } = terms.formula {
            // There is a corner where the probability is the margin.
            prop_assume!((1.0 / (1.0 + (-z).exp()) - margin).abs() > 1e-3);
        }
        let h = 1e-5;
        let slope = (terms.row(z + h, positive, None).0 - terms.row(z - h, positive, None).0) / (2.0 * h);
        let (value, gradient) = terms.row(z, positive, None);
        prop_assert!((gradient - slope).abs() <= 1e-6 * (1.0 + value.abs()), "{gradient} {slope}");
    }

    #[test]
    fn the_gradient_of_pairs_is_the_slope_of_their_loss(
        rows in proptest::collection::vec((-300..300i32, any::<bool>()), 2..40), margin in 0.1..3.0f64,
        smoothing in prop_oneof![Just(0.0), 0.01..0.9f64], pick in any::<prop::sample::Index>(),
    ) {
        let terms = PairTerms { margin, smoothing };
        // Steps that 32 bits have exactly.
        let mut logits: Vec<f32> = rows.iter().map(|(z, _)| *z as f32 / 64.0).collect();
        let signs: Vec<f32> = rows.iter().map(|(_, positive)| if *positive { 1.0 } else { -1.0 }).collect();
        let mut slopes = vec![0.0; logits.len()];
        let value = terms.rows(&logits, &signs, &[], &mut slopes);
        prop_assert!(slopes.iter().map(|&slope| f64::from(slope)).sum::<f64>().abs() < 1e-3 * (1.0 + value));
        let at = pick.index(logits.len());
        let (h, slope, mut other) = (1.0 / 1024.0, f64::from(slopes[at]), slopes.clone());
        logits[at] += h;
        let above = terms.rows(&logits, &signs, &[], &mut other);
        logits[at] -= 2.0 * h;
        let below = terms.rows(&logits, &signs, &[], &mut other);
        let found = (above - below) / (2.0 * f64::from(h));
        prop_assert!((slope - found).abs() <= 0.02 * (1.0 + slope.abs()), "{slope} {found}");
    }
}
