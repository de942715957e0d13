//! The loss over tensors: against 50-digit arithmetic, and clipped as the published code does.

use focalsweep_core::losses::{LossTerms, TrialLoss};
use serde_json::Value;

use super::support::{close, fixtures, json};
use crate::loss::StackedLoss;

/// Value and gradient of the stacked loss for one model, `[1, N]`.
fn stacked_loss(terms: LossTerms, logits: &[f32], positive: bool, epsilon: Option<f64>) -> (Vec<f32>, Vec<f32>) {
    let stacked = StackedLoss::new(&[TrialLoss::Rows(terms)], epsilon, tch::Device::Cpu).unwrap();
    let labels = tch::Tensor::from_slice(&vec![f32::from(u8::from(positive)); logits.len()]);
    let (value, gradient) = stacked
        .rows(&tch::Tensor::from_slice(logits).unsqueeze(0), &stacked.targets(&labels, None).unwrap(), true)
        .unwrap();
    let host = |t: tch::Tensor| Vec::<f32>::try_from(t.squeeze_dim(0)).unwrap();
    (host(value), host(gradient.unwrap()))
}

#[test]
fn the_stacked_loss_agrees_with_50_digit_arithmetic() {
    let fixture = json(&fixtures("loss/loss.json"));
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect::<Vec<_>>();
    let logits = numbers(&fixture["logits"]);
    let narrow: Vec<f32> = logits.iter().map(|&z| z as f32).collect();
    let mut compared = 0;
    for case in fixture["focal"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let terms = LossTerms::focal(number("alpha"), 1.0 - number("alpha"), number("gamma"));
        let (values, gradients) = (numbers(&case["truth"]["value"]), numbers(&case["truth"]["gradient"]));
        let (found, slopes) = stacked_loss(terms, &narrow, number("y") == 1.0, None);
        let same = |a: f32, b: f64| (f64::from(a) - b).abs() <= 3e-5 * b.abs() + 1e-37;
        for (i, &z) in logits.iter().enumerate().filter(|&(_, &z)| f64::from(z as f32) == z) {
            assert!(same(found[i], values[i]), "{case}: value at {z}: {}", found[i]);
            assert!(same(slopes[i], gradients[i]), "{case}: gradient at {z}: {}", slopes[i]);
            compared += 1;
        }
    }
    assert!(compared >= 500, "{compared}");
}

#[test]
fn epsilon_clips_as_one_row_does() {
    let terms = LossTerms::focal(0.25, 0.75, 2.0);
    let (value, gradient) = terms.row(-20.0, true, Some(1e-6));
    let (values, gradients) = stacked_loss(terms, &[-20.0], true, Some(1e-6));
    assert!(close(f64::from(values[0]), value, 1e-5) && close(f64::from(gradients[0]) * 1e6, gradient * 1e6, 1e-4));
}
