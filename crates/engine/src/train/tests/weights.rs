//! Rows that count by their weights: in the loss, in what chooses, in figures.

use focalsweep_core::losses::{Mass, TrialLoss};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::spec::{
    Activation, InitialBias, Loss, Optimizer, PosWeightRule, Reduction, Sampling, Stopping, TrainSpec,
};
use proptest::prelude::*;

use super::settings;
use super::support::{
    any_weighted_stack, close, data, fixtures, json, parameters, run, stack, steps, trial, weighted_data,
};
use crate::train::{Backend, Backends, Ended, FusedKernels, Part, Stack};

/// How often a row is there: some never, those of the rare class in another rhythm.
fn times(rows: &Rows) -> Vec<usize> {
    let of = |(row, &label): (usize, &u8)| if label == 1 { row / 2 % 3 } else { row / 3 % 4 };
    rows.y.iter().enumerate().map(of).collect()
}

fn each_part(data: &Replicate, change: impl Fn(&Rows) -> Rows) -> Replicate {
    let (train, validation, test) = (change(&data.train), change(&data.validation), change(&data.test));
    Replicate { train, validation, test, ..data.clone() }
}

fn weighed(data: &Replicate) -> Replicate {
    each_part(data, |rows| {
        let weights = times(rows).into_iter().map(|times| times as f64 * 0.25);
        Rows { weights: weights.collect(), ..rows.clone() }
    })
}

fn repeated(data: &Replicate) -> Replicate {
    let inputs = data.features.len();
    each_part(data, |rows| {
        let of_row = |(row, times): (usize, usize)| std::iter::repeat_n(row, times);
        let all: Vec<usize> = times(rows).into_iter().enumerate().flat_map(of_row).collect();
        Rows {
            x: all.iter().flat_map(|row| &rows.x[row * inputs..(row + 1) * inputs]).copied().collect(),
            y: all.iter().map(|&row| rows.y[row]).collect(),
            source_rows: (0..all.len() as u32).collect(),
            ..Rows::default()
        }
    })
}

/// One of each loss, with all that depends on how many rows a class has.
fn losses() -> Vec<Hyperparameters> {
    let of = |loss| Hyperparameters {
        batch_size: 1 << 20,
        hidden: vec![5],
        activation: Activation::Tanh,
        dropout: 0.0,
        optimizer: Optimizer::Sgd,
        learning_rate: 0.5,
        ..Hyperparameters::built_in(loss)
    };
    let ratio = Some(PosWeightRule::SqrtRatio);
    vec![
        Hyperparameters { alpha: Some(0.7), gamma: Some(1.5), ..of(Loss::Focal) },
        Hyperparameters { initial_bias: InitialBias::Prior, label_smoothing: 0.1, ..of(Loss::Bce) },
        of(Loss::WeightedBce),
        Hyperparameters { pos_weight_rule: ratio, initial_bias: InitialBias::Prior, ..of(Loss::WeightedBce) },
        Hyperparameters { gamma_pos: Some(0.0), gamma_neg: Some(2.0), margin: Some(0.05), ..of(Loss::Asymmetric) },
        Hyperparameters { vs_tau: Some(1.0), vs_gamma: Some(0.2), ..of(Loss::Vs) },
        Hyperparameters { pair_margin: Some(1.0), learning_rate: 0.05, ..of(Loss::Pairwise) },
    ]
}

#[test]
fn whole_weights_are_repeated_rows_in_full_batches() {
    let data = data(700, 4, 120);
    let (weighed, repeated) = (weighed(&data), repeated(&data));
    let of = |data: &Replicate| -> Vec<Ended> {
        let each = losses().into_iter().map(|trial| run(&stack(vec![trial], settings(Reduction::Mean, 4), data), data));
        each.flatten().collect()
    };
    for ((ours, theirs), trial) in of(&weighed).iter().zip(of(&repeated)).zip(losses()) {
        for (a, b) in ours.history.iter().zip(&theirs.history) {
            let same = (a.train_loss - b.train_loss).abs() < 1e-6 && (a.val_loss - b.val_loss).abs() < 1e-6;
            assert!(same && close(a.val_auc.unwrap(), b.val_auc.unwrap(), 1e-4), "{trial:?}\n{a:?}\n{b:?}");
        }
        let (ours, theirs) = (ours.outcome.as_ref().unwrap(), theirs.outcome.unwrap());
        for (a, b) in ours.weights.iter().zip(&theirs.weights) {
            assert!((a - b).abs() < 1e-6, "{a} {b}: {trial:?}");
        }
        assert!((ours.threshold_raw.unwrap() - theirs.threshold_raw.unwrap()).abs() < 1e-5, "{trial:?}");
        for (a, b) in [(&ours.test_op, &theirs.test_op), (&ours.val_op, &theirs.val_op)] {
            let (a, b) = (a.unwrap(), b.unwrap());
            assert_eq!([a.tp, a.fp, a.tn, a.fn_].map(|sum| sum * 4.0), [b.tp, b.fp, b.tn, b.fn_], "{trial:?}");
        }
        let (a, b) = (&ours.test, &theirs.test);
        assert!(close(a.auc.unwrap(), b.auc.unwrap(), 1e-6) && close(a.brier.unwrap(), b.brier.unwrap(), 1e-5));
        assert!(close(a.average_precision.unwrap(), b.average_precision.unwrap(), 1e-6), "{trial:?}");
        assert_eq!(a.confusion.unwrap().recall(), b.confusion.unwrap().recall());
    }
}

fn open<'a>(stack: &'a Stack, data: &'a Replicate) -> Box<dyn Backend + 'a> {
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    FusedKernels.open(stack, data, &slots, &parameters(stack), vec![0.0; slots.len()]).unwrap()
}

#[test]
fn a_step_goes_down_the_slope_of_the_weighted_loss() {
    let data = weighed(&data(400, 3, 90));
    for trial in losses() {
        let stack = stack(vec![Hyperparameters { learning_rate: 1.0, ..trial }], settings(Reduction::Mean, 1), &data);
        let (start, mut backend) = (parameters(&stack).weights, open(&stack, &data));
        let loss = |weights: &[f32]| backend.score(weights, &[0], Part::Train).unwrap().loss[0];
        let h = 1e-2_f32;
        let slopes: Vec<f64> = (0..start.len())
            .map(|at| {
                let [mut above, mut below] = [start.clone(), start.clone()];
                (above[at], below[at]) = (above[at] + h, below[at] - h);
                (loss(&above) - loss(&below)) / f64::from(above[at] - below[at])
            })
            .collect();
        let (moved, ..) = steps(&stack, &data, &mut *backend, 1);
        for ((before, after), slope) in start.iter().zip(&moved).zip(slopes) {
            let step = f64::from(before - after);
            assert!((step - slope).abs() < 2e-3 * (1.0 + slope.abs()), "{step} {slope}: {:?}", stack.trials);
        }
    }
}

/// tests/fixtures/metrics/make_weighted.py: `log_loss` and `compute_class_weight` with `sample_weight`.
#[test]
fn losses_and_class_weights_are_those_of_scikit_learn() {
    let (cases, weighted) = (json(&fixtures("metrics/cases.json")), json(&fixtures("metrics/weighted.json")));
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let base = data(60, 1, 20);
    for (case, theirs) in cases["cases"].as_array().unwrap().iter().zip(weighted["cases"].as_array().unwrap()) {
        let scores = numbers(&case["scores"]).into_iter().map(|score| f64::from(score as f32).clamp(1e-6, 1.0 - 1e-6));
        let rows = Rows {
            x: scores.map(|score| (score / (1.0 - score)).ln() as f32).collect(),
            y: numbers(&case["labels"]).into_iter().map(|label| label as u8).collect(),
            weights: numbers(&theirs["weights"]).into(),
            ..Rows::default()
        };
        let [positives, negatives] = rows.mean_weights();
        let count = rows.positives() as f64;
        let mass = Mass { positives: positives * count, negatives: negatives * (rows.len() as f64 - count) };
        let weighted_bce = Hyperparameters::built_in(Loss::WeightedBce);
        let TrialLoss::Rows(terms) = TrialLoss::of_trial(&weighted_bce, mass) else { panic!("a loss of rows") };
        let balanced = numbers(&theirs["balanced"]);
        assert!(close(terms.positive, balanced[0], 1e-9) && close(terms.negative, balanced[1], 1e-9), "{theirs}");

        let data = Replicate { train: rows.clone(), validation: rows, ..base.clone() };
        let logistic = Hyperparameters { hidden: vec![], ..Hyperparameters::built_in(Loss::Bce) };
        let stack = stack(vec![logistic], settings(Reduction::Mean, 1), &data);
        let loss = open(&stack, &data).score(&[1.0, 0.0], &[0], Part::Validation).unwrap().loss[0];
        let expected = theirs["log_loss"].as_f64().unwrap();
        assert!(close(loss, expected, 1e-5), "{}: {loss}, scikit-learn {expected}", case["name"]);
    }
}

#[test]
fn weights_that_are_all_equal_change_little() {
    let plain = data(600, 4, 60);
    let equal = each_part(&plain, |rows| Rows { weights: vec![3.0; rows.len()].into(), ..rows.clone() });
    let train = |data: &Replicate| run(&stack(vec![trial(0.25, 2.0)], settings(Reduction::Mean, 3), data), data);
    let (ours, theirs) = (train(&equal).remove(0), train(&plain).remove(0));
    // 3 times a third is 1 to the bit.
    assert_eq!(ours.outcome.as_ref().unwrap().weights, theirs.outcome.as_ref().unwrap().weights);
    let counts = |ended: &Ended| ended.outcome.as_ref().unwrap().test.confusion.unwrap();
    assert_eq!(counts(&ours).tn, 3.0 * counts(&theirs).tn);
}

/// Early stopping watches weighted figures: of rows that weigh nothing it does not know.
#[test]
fn what_weighs_nothing_chooses_nothing() {
    let plain = data(600, 4, 60);
    let half = |rows: &Rows| Rows {
        weights: (0..rows.len()).map(|row| f64::from(u8::from(row % 2 == 0))).collect(),
        ..rows.clone()
    };
    let spoilt = |rows: &Rows| {
        let inputs = plain.features.len();
        let x = rows.x.iter().enumerate().map(|(at, &x)| if (at / inputs).is_multiple_of(2) { x } else { 3.0 - x });
        Rows { x: x.collect(), ..half(rows) }
    };
    let with = |change: &dyn Fn(&Rows) -> Rows| {
        let data = Replicate { validation: change(&plain.validation), ..plain.clone() };
        let settings = TrainSpec { early_stopping: Stopping::Auto, ..settings(Reduction::Mean, 30) };
        run(&stack(vec![trial(0.5, 1.0)], settings, &data), &data).remove(0)
    };
    let (ours, theirs) = (with(&half), with(&spoilt));
    let chosen = |ended: &Ended| {
        let fitted = ended.outcome.as_ref().unwrap();
        (fitted.best_epoch, fitted.threshold_raw, fitted.val.auc, fitted.val.average_precision, fitted.val_op)
    };
    assert_eq!(chosen(&ours), chosen(&theirs));
}

/// Sampling draws rows, whatever they weigh, and they keep their weights.
#[test]
fn drawn_rows_keep_their_weights() {
    let data = weighed(&data(400, 3, 80));
    for sampling in [Sampling::Oversample, Sampling::Undersample] {
        let drawn = Hyperparameters { sampling, sampling_ratio: Some(0.5), ..losses().remove(1) };
        let stack = stack(vec![drawn], settings(Reduction::Sum, 1), &data);
        let order = stack.order(&data.train, 0);
        let (_, losses, _) = steps(&stack, &data, &mut *open(&stack, &data), 1);
        // Before the first step all logits are those of the start: the loss by hand.
        let scored = open(&stack, &data).score(&parameters(&stack).weights, &[0], Part::Train).unwrap();
        let TrialLoss::Rows(terms) = stack.losses[0] else { panic!("a loss of rows") };
        let weights = data.train.loss_weights();
        let of_row = |&row: &u32| {
            let row = row as usize;
            let (loss, _) = terms.row(f64::from(scored.raw[row]), data.train.y[row] == 1, None);
            f64::from(weights[row]) * loss
        };
        let expected: f64 = order.iter().map(of_row).sum();
        assert!(close(losses[0], expected, 1e-5), "{} {expected}", losses[0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_weighted_trial_has_the_same_bits_alone(stack in any_weighted_stack(), pick in any::<prop::sample::Index>()) {
        let data = weighted_data();
        let slot = pick.index(stack.trials.len());
        let alone = Stack::new(vec![stack.trials[slot].clone()], stack.settings.clone(), data, 1).unwrap();
        let together = steps(&stack, data, &mut *open(&stack, data), 3);
        let own = steps(&alone, data, &mut *open(&alone, data), 3);
        let size = stack.shape.parameters();
        prop_assert_eq!(&together.0[slot * size..(slot + 1) * size], own.0.as_slice());
        prop_assert_eq!((together.1[slot], together.2.loss[slot]), (own.1[0], own.2.loss[0]));
    }
}
