//! The engine against references that it did not make, and against itself: alone, stacked, interrupted.

mod backends;
mod parts;
mod support;
mod treatments;
mod weights;

use std::path::Path;

use super::*;
use focalsweep_core::metrics::SplitMetrics;
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{HistoryRow, from_le_bytes, le_bytes};
use focalsweep_core::spec::{self, Activation, InitialBias, Loss, Optimizer, Reduction, Sampling, TrainSpec};
use support::{Watcher, assert_history_close, close, data, fixtures, json, run, stack, train_with, trial};

/// The configurations of tests/fixtures/torch_loop: hyperparameters, reduction, and the folder's name.
fn reference_cases() -> Vec<(&'static str, Hyperparameters, Reduction)> {
    let base = trial(0.25, 2.0);
    vec![
        (
            "focal_two_layers",
            Hyperparameters { hidden: vec![8, 4], weight_decay: 0.01, ..base.clone() },
            Reduction::Sum,
        ),
        (
            "focal_tanh_adamw",
            Hyperparameters {
                activation: Activation::Tanh,
                optimizer: Optimizer::Adamw,
                weight_decay: 0.1,
                alpha: Some(0.7),
                gamma: Some(0.5),
                ..base.clone()
            },
            Reduction::Mean,
        ),
        (
            "weighted_logistic_sgd",
            Hyperparameters {
                loss: Loss::WeightedBce,
                hidden: vec![],
                optimizer: Optimizer::Sgd,
                learning_rate: 0.1,
                ..base.clone()
            },
            Reduction::Mean,
        ),
        (
            "bce_no_dropout",
            Hyperparameters { loss: Loss::Bce, dropout: 0.0, initial_bias: InitialBias::Value(0.0), ..base },
            Reduction::Sum,
        ),
    ]
}

/// The rows of a case as they were when the case was recorded.
fn recorded_rows(folder: &Path) -> Replicate {
    let bytes = std::fs::read(folder.join("input.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let values = |name: &str| from_le_bytes(tensors.tensor(name).unwrap().data());
    let rows = |part: &str| {
        let y: Vec<u8> = values(&format!("y_{part}")).iter().map(|&y| y as u8).collect();
        focalsweep_core::prepared::Rows {
            x: values(&format!("x_{part}")).into(),
            source_rows: (0..y.len() as u32).collect(),
            y: y.into(),
            ..Default::default()
        }
    };
    Replicate { train: rows("train"), validation: rows("val"), ..data(600, 5, 60) }
}

fn settings(reduction: Reduction, epochs: u32) -> TrainSpec {
    TrainSpec {
        epochs: spec::Epochs::Count(epochs),
        early_stopping: spec::Stopping::None,
        reduction,
        ..TrainSpec::default()
    }
}

#[test]
fn follows_a_plain_pytorch_loop() {
    for (name, trial, reduction) in reference_cases() {
        let data = recorded_rows(&fixtures("torch_loop").join(name));
        // Trained in the middle of a stack of others, as in a sweep.
        let others = |a| Hyperparameters { alpha: trial.alpha.map(|_| a), ..trial.clone() };
        let stack = stack(vec![others(0.9), trial.clone(), others(0.1)], settings(reduction, 3), &data);
        let ended = run(&stack, &data);
        let expected = json(&fixtures("torch_loop").join(name).join("expected.json"));
        let history = expected["history"].as_array().unwrap();
        assert_eq!(history.len(), 3);
        for (ours, theirs) in ended[1].history.iter().zip(history) {
            let number = |key: &str| theirs[key].as_f64().unwrap();
            assert!(close(ours.train_loss, number("train_loss"), 1e-4), "{name}: {ours:?} {theirs}");
            assert!(close(ours.val_loss, number("val_loss"), 1e-4), "{name}: {ours:?} {theirs}");
            assert!(close(ours.val_auc.unwrap(), number("val_auc"), 1e-4), "{name}: {ours:?} {theirs}");
        }
        let weights = &ended[1].outcome.as_ref().unwrap().weights;
        let mut at = 0;
        for (tensor, dims) in stack.shape.tensors() {
            let values = &weights[at..at + dims.iter().product::<usize>()];
            at += values.len();
            let squares: f64 = values.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
            let expected = expected["weights"][&tensor]["sum_of_squares"].as_f64().unwrap();
            assert!(close(squares, expected, 1e-4), "{name}: {tensor}: {squares} {expected}");
        }
    }
}

/// Writes what tests/fixtures/torch_loop/torch_loop.py reads: the rows, orders, uniforms and initial weights of this
/// engine.
#[test]
#[ignore = "writes the input of a fixture: see tests/fixtures/torch_loop/README.md"]
fn write_the_input_of_the_pytorch_loop() {
    use safetensors::tensor::{Dtype, TensorView};
    let data = data(600, 5, 60);
    for (name, trial, reduction) in reference_cases() {
        let stack = stack(vec![trial.clone()], settings(reduction, 3), &data);
        let labels = |y: &[u8]| y.iter().map(|&y| f32::from(y)).collect::<Vec<_>>();
        let width = data.features.len();
        let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = vec![
            ("x_train".into(), vec![data.train.y.len(), width], data.train.x.to_vec()),
            ("y_train".into(), vec![data.train.y.len()], labels(&data.train.y)),
            ("x_val".into(), vec![data.validation.y.len(), width], data.validation.x.to_vec()),
            ("y_val".into(), vec![data.validation.y.len()], labels(&data.validation.y)),
        ];
        let initial = stack.initial();
        let mut at = 0;
        for (tensor, dims) in stack.shape.tensors() {
            let length = dims.iter().product::<usize>();
            tensors.push((tensor, dims, initial[at..at + length].to_vec()));
            at += length;
        }
        for epoch in 0..3 {
            let order = stack.order(&data.train, epoch);
            for (step, rows) in order.chunks(trial.batch_size).enumerate() {
                for (layer, values) in stack.uniforms(epoch, step as u32, rows.len()).into_iter().enumerate() {
                    tensors.push((
                        format!("uniform.{epoch}.{step}.{layer}"),
                        vec![rows.len(), trial.hidden[layer]],
                        values,
                    ));
                }
            }
            tensors.push((format!("order.{epoch}"), vec![order.len()], order.iter().map(|&row| row as f32).collect()));
        }
        let bytes: Vec<_> = tensors.into_iter().map(|(name, dims, values)| (name, dims, le_bytes(&values))).collect();
        let views = bytes
            .iter()
            .map(|(name, dims, bytes)| (name.clone(), TensorView::new(Dtype::F32, dims.clone(), bytes).unwrap()));
        let folder = fixtures("torch_loop").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("input.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
        let mut config = serde_json::to_value(&trial).unwrap();
        config["reduction"] = serde_json::to_value(reduction).unwrap();
        config["epochs"] = 3.into();
        std::fs::write(folder.join("config.json"), format!("{config:#}\n")).unwrap();
    }
}

#[test]
fn a_trial_is_the_same_alone_and_in_a_stack_of_49() {
    let data = data(2000, 6, 100);
    let settings = settings(Reduction::Sum, 5);
    let trials: Vec<_> = (0..49).map(|i| trial(0.1 + 0.05 * f64::from(i % 7), 1.0 + 0.5 * f64::from(i / 7))).collect();
    let together = run(&stack(trials.clone(), settings.clone(), &data), &data);
    assert_eq!(together.len(), 49);
    for slot in [0, 17, 48] {
        let alone = run(&stack(vec![trials[slot].clone()], settings.clone(), &data), &data);
        assert_history_close(&alone[0].history, &together[slot].history, 1e-4);
        let (alone, together) = (alone[0].outcome.as_ref().unwrap(), together[slot].outcome.as_ref().unwrap());
        assert!(close(alone.test.auc.unwrap(), together.test.auc.unwrap(), 1e-4));
    }
    // Different trials are different.
    assert_ne!(together[0].history, together[48].history);
}

#[test]
fn learning_rate_decay_and_dropout_are_each_trials_own() {
    let data = data(600, 5, 60);
    let base = trial(0.25, 2.0);
    let trials = vec![
        base.clone(),
        Hyperparameters { learning_rate: 0.05, ..base.clone() },
        Hyperparameters { dropout: 0.0, ..base.clone() },
        Hyperparameters { weight_decay: 0.3, ..base.clone() },
        Hyperparameters { loss: Loss::Bce, alpha: None, gamma: None, ..base },
    ];
    let together = run(&stack(trials.clone(), settings(Reduction::Sum, 3), &data), &data);
    for (slot, own) in trials.iter().enumerate() {
        let alone = run(&stack(vec![own.clone()], settings(Reduction::Sum, 3), &data), &data);
        assert_history_close(&alone[0].history, &together[slot].history, 1e-4);
        for other in slot + 1..trials.len() {
            assert_ne!(
                together[slot].history.last().unwrap().val_loss,
                together[other].history.last().unwrap().val_loss
            );
        }
    }
}

#[test]
fn a_diverging_trial_fails_alone() {
    let data = data(600, 5, 60);
    let wild = Hyperparameters { learning_rate: 1e38, optimizer: Optimizer::Sgd, ..trial(0.25, 2.0) };
    let tame = Hyperparameters { learning_rate: 1e-3, ..wild.clone() };
    let alone = run(&stack(vec![tame.clone()], settings(Reduction::Sum, 4), &data), &data);
    let ended = run(&stack(vec![wild, tame], settings(Reduction::Sum, 4), &data), &data);
    let reason = ended[0].outcome.as_ref().unwrap_err();
    assert!(reason.starts_with("diverged"), "{reason}");
    assert_history_close(&ended[1].history, &alone[0].history, 1e-4);
}

#[test]
fn stopped_trials_leave_and_keep_their_best_weights() {
    let data = data(2000, 6, 100);
    let rule = spec::EarlyStopping { patience: 2, ..spec::EarlyStopping::default() };
    let settings = TrainSpec {
        epochs: spec::Epochs::Count(40),
        early_stopping: spec::Stopping::Rule(rule),
        ..TrainSpec::default()
    };
    let rates = [0.1, 0.03, 0.01, 0.001];
    let trials = rates.map(|learning_rate| Hyperparameters { learning_rate, ..trial(0.5, 1.0) }).to_vec();
    let ended = run(&stack(trials, settings, &data), &data);
    let lengths: std::collections::HashSet<_> = ended.iter().map(|e| e.history.len()).collect();
    assert!(lengths.len() > 1, "all stopped together: {lengths:?}");
    for end in &ended {
        let fitted = end.outcome.as_ref().unwrap();
        let best = end.history.iter().map(|h| h.val_auc.unwrap()).fold(0.0, f64::max);
        assert!(close(fitted.val.auc.unwrap(), best, 1e-4), "{best} {:?}", fitted.val.auc);
        assert_eq!(end.history[fitted.best_epoch as usize - 1].val_auc, Some(best));
        assert!(end.history.len() == 40 || end.history.len() == fitted.best_epoch as usize + 2);
    }
}

/// 4 steps an epoch: a look each 25 epochs, of the loss, as there are few validation positives.
#[test]
fn auto_looks_seldom_where_epochs_are_short_and_alike_alone_and_in_a_stack() {
    let data = data(400, 5, 30);
    let settings = TrainSpec { epochs: spec::Epochs::Count(510), ..TrainSpec::default() };
    let trials = [0.3, 0.02, 1e-5].map(|learning_rate| Hyperparameters { learning_rate, ..trial(0.5, 1.0) }).to_vec();
    let together = run(&stack(trials.clone(), settings.clone(), &data), &data);
    let lengths: std::collections::HashSet<_> = together.iter().map(|end| end.history.len()).collect();
    assert!(lengths.len() > 1, "all stopped together: {lengths:?}");
    for (slot, end) in together.iter().enumerate() {
        let (fitted, epochs) = (end.outcome.as_ref().unwrap(), end.history.len());
        let loss = |epoch: usize| end.history[epoch - 1].val_loss;
        let looks = (1..=epochs).filter(|epoch| epoch % 25 == 0 || *epoch == 510);
        let best = looks.clone().reduce(|best, look| if loss(look) < loss(best) { look } else { best }).unwrap();
        assert_eq!(fitted.best_epoch as usize, best);
        assert!(close(fitted.val.loss.unwrap(), loss(best), 1e-9));
        assert!(epochs == 510 || epochs == best + 250, "{epochs} {best}");
        let alone = run(&stack(vec![trials[slot].clone()], settings.clone(), &data), &data);
        assert_eq!(alone[0].outcome, end.outcome);
    }
}

/// That the best epoch of a trial that watches `metric` is the one after which `value` is most.
fn watches(metric: spec::Monitor, value: impl Fn(&SplitMetrics) -> Option<f64>) {
    let data = data(900, 5, 90);
    let rule = spec::EarlyStopping { metric, ..spec::EarlyStopping::default() };
    let watched = TrainSpec {
        epochs: spec::Epochs::Count(8),
        early_stopping: spec::Stopping::Rule(rule),
        ..TrainSpec::default()
    };
    let trial = Hyperparameters { learning_rate: 0.1, ..trial(0.5, 1.0) };
    let ended = run(&stack(vec![trial.clone()], watched, &data), &data);
    let fitted = ended[0].outcome.as_ref().unwrap();
    // What it is after each number of epochs, measured when these are over.
    let after: Vec<f64> = (1..=8)
        .map(|epochs| {
            let ended = run(&stack(vec![trial.clone()], settings(Reduction::Sum, epochs), &data), &data);
            value(&ended[0].outcome.as_ref().unwrap().val).unwrap()
        })
        .collect();
    let best = after.iter().copied().fold(0.0, f64::max);
    assert_eq!(after.iter().position(|value| *value == best).unwrap() + 1, fitted.best_epoch as usize, "{after:?}");
    assert_eq!(value(&fitted.val), Some(best));
}

#[test]
fn average_precision_and_the_first_part_of_the_auc_may_be_watched() {
    watches(spec::Monitor::ValAveragePrecision, |val| val.average_precision);
    watches(spec::Monitor::ValPartialAuc, |val| val.partial_auc);
}

#[test]
fn an_interrupted_stack_goes_on_to_the_same_bits() {
    let data = data(900, 5, 90);
    let rule = spec::EarlyStopping { patience: 2, ..spec::EarlyStopping::default() };
    let settings = TrainSpec {
        epochs: spec::Epochs::Count(6),
        early_stopping: spec::Stopping::Rule(rule),
        ..TrainSpec::default()
    };
    let trials = vec![trial(0.25, 2.0), trial(0.5, 0.0), Hyperparameters { learning_rate: 0.1, ..trial(0.9, 1.0) }];
    let stack = stack(trials, settings, &data);
    let whole = run(&stack, &data);
    let steps = stack.rows_per_epoch().div_ceil(stack.batch_size());
    for stop_after in [0, 1, steps - 1, steps, steps + 3, 3 * steps + 2] {
        let mut ended = Vec::new();
        let mut checkpoint = None;
        let mut rounds = 0;
        loop {
            let mut watcher = Watcher { stop_after: (rounds == 0).then_some(stop_after), ..Watcher::default() };
            let end = train_with(&FusedKernels, &stack, &data, checkpoint, &mut watcher);
            ended.extend(watcher.ended);
            if end == End::Done {
                break;
            }
            let bytes = watcher.checkpoint.unwrap().to_bytes().unwrap();
            checkpoint = Some(Checkpoint::from_bytes(&bytes, stack.shape.parameters()).unwrap());
            rounds += 1;
        }
        assert_eq!(rounds, 1);
        ended.sort_by_key(|e| e.slot);
        for (a, b) in whole.iter().zip(&ended) {
            assert_eq!(a.outcome, b.outcome, "stopped after {stop_after} steps");
            let numbers = |h: &HistoryRow| (h.epoch, h.train_loss, h.val_loss, h.val_auc);
            assert!(a.history.iter().map(numbers).eq(b.history.iter().map(numbers)));
        }
    }
}

#[test]
fn a_broken_checkpoint_is_refused() {
    let data = data(600, 5, 60);
    let stack = stack(vec![trial(0.25, 2.0)], settings(Reduction::Sum, 2), &data);
    let mut watcher = Watcher { stop_after: Some(1), ..Watcher::default() };
    assert_eq!(train_with(&FusedKernels, &stack, &data, None, &mut watcher), End::Interrupted);
    let bytes = watcher.checkpoint.unwrap().to_bytes().unwrap();
    let size = stack.shape.parameters();
    assert!(Checkpoint::from_bytes(&bytes, size).is_ok());
    assert!(Checkpoint::from_bytes(&bytes, size + 1).is_err());
    for cut in [0, 7, 8, 100, bytes.len() - 1] {
        assert!(Checkpoint::from_bytes(&bytes[..cut], size).is_err(), "cut at {cut}");
    }
}

#[test]
fn oversampling_draws_half_and_half() {
    let data = data(1000, 5, 50);
    let trial = Hyperparameters { sampling: Sampling::Oversample, loss: Loss::Bce, ..trial(0.25, 2.0) };
    let stack = stack(vec![trial], settings(Reduction::Sum, 1), &data);
    let negatives = data.train.y.iter().filter(|&&y| y == 0).count();
    let order = stack.order(&data.train, 0);
    assert_eq!(order.len(), 2 * negatives);
    let drawn = order.iter().filter(|&&row| data.train.y[row as usize] == 1).count();
    assert_eq!(drawn, negatives);
    let mut common: Vec<u32> = order.iter().copied().filter(|&row| data.train.y[row as usize] == 0).collect();
    common.sort_unstable();
    common.dedup();
    assert_eq!(common.len(), negatives, "every negative once");
    assert_ne!(order, stack.order(&data.train, 1));
    // The prior of the rows as drawn is one half: the output bias starts at 0, as published.
    assert_eq!(stack.initial().last(), Some(&0.0));
    assert!(run(&stack, &data)[0].outcome.is_ok());
}
