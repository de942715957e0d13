//! The loss and its slope: against 50-digit arithmetic, other libraries, finite differences and cross-entropy.

use proptest::prelude::*;
use serde_json::Value;

use super::LossTerms;

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
        let terms = LossTerms { positive: number("alpha"), negative: 1.0 - number("alpha"), gamma: number("gamma") };
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
    let terms = LossTerms { positive: 0.25, negative: 0.75, gamma: 2.0 };
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
        let terms = LossTerms { positive: alpha, negative: 1.0 - alpha, gamma };
        let h = 1e-5;
        let slope = (terms.row(z + h, positive, None).0 - terms.row(z - h, positive, None).0) / (2.0 * h);
        let (value, gradient) = terms.row(z, positive, None);
        prop_assert!((gradient - slope).abs() <= 1e-7 * (1.0 + value.abs()), "{gradient} {slope}");
    }

    #[test]
    fn without_focus_it_is_weighted_cross_entropy(z in -60.0..60.0f64, positive: bool, alpha in 0.01..0.99f64) {
        let focal = LossTerms { positive: alpha, negative: 1.0 - alpha, gamma: 0.0 };
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
            let terms = LossTerms { positive, negative, gamma };
            for p in [1e-4, 0.01, 0.2, 0.5, 0.9, 0.999] {
                let logit = best_logit(&terms, p);
                let back = terms.probability(logit);
                // Where a risk is least it is flat: a minimum is found to about the root of the precision of numbers.
                assert!((back - p).abs() < 1e-5 + 1e-5 * p, "{terms:?}: {p} is best at {logit}, which means {back}");
            }
        }
    }
    let plain = LossTerms { positive: 1.0, negative: 1.0, gamma: 0.0 };
    assert!((plain.probability(-2.0) - 1.0 / (1.0 + 2.0_f64.exp())).abs() < 1e-15, "cross-entropy says probabilities");
}

#[test]
fn the_probability_rises_with_the_logit_to_the_ends() {
    let terms = LossTerms { positive: 0.25, negative: 0.75, gamma: 3.0 };
    let all: Vec<f64> = (-800..=800).map(|logit| terms.probability(f64::from(logit))).collect();
    assert!(all.iter().all(|p| (0.0..=1.0).contains(p)) && all.is_sorted(), "{all:?}");
    assert!(all[0] < 1e-12 && all[1600] > 1.0 - 1e-12);
}
