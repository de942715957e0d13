//! Samplings with a ratio, batches with their share of positives, pairs, and scores made probabilities.

use super::super::*;
use super::support::{Watcher, data, run, stack, train_with, trial};
use focalsweep_core::metrics::{Confusion, Platt, logistic, roc_auc};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Batching, Correction, Epochs, Loss, Sampling, Stopping, TrainSpec};

fn settings(epochs: u32) -> TrainSpec {
    TrainSpec { epochs: Epochs::Count(epochs), early_stopping: Stopping::None, ..TrainSpec::default() }
}

/// Cross-entropy with the widths and step size of the other tests.
fn of_loss(loss: Loss) -> Hyperparameters {
    let Hyperparameters { learning_rate, batch_size, hidden, .. } = trial(0.25, 2.0);
    Hyperparameters { learning_rate, batch_size, hidden, dropout: 0.0, ..Hyperparameters::built_in(loss) }
}

fn sampled(sampling: Sampling, ratio: f64) -> Hyperparameters {
    Hyperparameters { sampling, sampling_ratio: Some(ratio), ..of_loss(Loss::Bce) }
}

/// Rows of each class in an epoch's order, and how many different ones.
fn drawn(stack: &Stack, data: &Replicate, epoch: u32) -> [(usize, usize); 2] {
    let order = stack.order(&data.train, epoch);
    [1, 0].map(|class| {
        let mut rows: Vec<u32> = order.iter().copied().filter(|&row| data.train.y[row as usize] == class).collect();
        let all = rows.len();
        rows.sort_unstable();
        rows.dedup();
        (all, rows.len())
    })
}

#[test]
fn an_epoch_draws_the_ratio_that_is_asked_for() {
    let data = data(1000, 5, 50);
    let (positives, negatives) = (data.train.positives(), data.train.len() - data.train.positives());
    let of = |trial| stack(vec![trial], settings(1), &data);
    let under = of(sampled(Sampling::Undersample, 0.25));
    assert_eq!(drawn(&under, &data, 0), [(positives, positives), (4 * positives, 4 * positives)]);
    assert_eq!(under.rows_per_epoch(), 5 * positives);
    // Others in each epoch, so that in the end all have trained.
    let negatives_of = |epoch| {
        let mut rows = under.order(&data.train, epoch);
        rows.retain(|&row| data.train.y[row as usize] == 0);
        rows.sort_unstable();
        rows
    };
    assert_ne!(negatives_of(0), negatives_of(1));
    let over = of(sampled(Sampling::Oversample, 0.5));
    let [(rare, different), common] = drawn(&over, &data, 0);
    assert_eq!((rare, common), ((negatives as f64 / 2.0).round() as usize, (negatives, negatives)));
    assert!(different <= positives);
    // Where there are as many already, rows are as they are.
    for sampling in [Sampling::Undersample, Sampling::Oversample] {
        let there = of(sampled(sampling, 0.001));
        assert_eq!(drawn(&there, &data, 0), [(positives, positives), (negatives, negatives)], "{sampling:?}");
    }
}

#[test]
fn smote_trains_on_rows_that_are_made_once() {
    let data = data(1000, 5, 50);
    let (n, positives) = (data.train.len(), data.train.positives());
    let whole = stack(vec![sampled(Sampling::Smote, 0.5)], settings(3), &data);
    let made = whole.synthetic(&data);
    assert_eq!(made.positives(), made.len());
    assert_eq!(positives + made.len(), ((n - positives) as f64 / 2.0).round() as usize);
    let mut order = whole.order(&data.train, 1);
    assert_ne!(order, whole.order(&data.train, 2));
    order.sort_unstable();
    assert_eq!(order, (0..(n + made.len()) as u32).collect::<Vec<_>>(), "every row once");
    assert_eq!(stack(whole.trials.clone(), settings(3), &data).synthetic(&data), made);
    // What is measured has none of them: there are as many training rows as before.
    let outcome = run(&whole, &data).remove(0).outcome.unwrap();
    let Confusion { tp, fp, tn, fn_ } = outcome.train.unwrap().confusion.unwrap();
    assert_eq!((tp + fp + tn + fn_) as usize, n);
}

#[test]
fn stratified_batches_have_their_share_of_positives() {
    let data = data(1000, 5, 50);
    let with = |batching| Hyperparameters { batching, ..of_loss(Loss::Bce) };
    let stack_of = |batching| stack(vec![with(batching)], settings(1), &data);
    let counts = |batching| {
        let order = stack_of(batching).order(&data.train, 3);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..data.train.len() as u32).collect::<Vec<_>>(), "every row once");
        let batches = order.chunks_exact(64);
        batches.map(|rows| rows.iter().filter(|&&row| data.train.y[row as usize] == 1).count()).collect::<Vec<_>>()
    };
    let share = 64.0 * data.train.positives() as f64 / data.train.len() as f64;
    let stratified = counts(Batching::Stratified);
    assert!(stratified.iter().all(|&count| (count as f64 - share).abs() < 1.0), "{stratified:?} of {share}");
    assert!(counts(Batching::Shuffled).iter().any(|&count| (count as f64 - share).abs() >= 1.0));
    assert_ne!(
        stack_of(Batching::Stratified).order(&data.train, 3),
        stack_of(Batching::Stratified).order(&data.train, 4)
    );
    assert!(!with(Batching::Stratified).stacks_with(&with(Batching::Shuffled)));
}

#[test]
fn a_loss_of_pairs_learns_an_order_and_leaves_the_bias_alone() {
    let data = data(2000, 5, 200);
    let trial = Hyperparameters { batching: Batching::Stratified, ..of_loss(Loss::Pairwise) };
    let whole = stack(vec![trial], settings(15), &data);
    let ended = run(&whole, &data);
    let fitted = ended[0].outcome.as_ref().unwrap();
    let before = whole.initial();
    let untrained = score_rows(&whole.trials[0], data.features.len(), &before, data.test.x.to_vec()).unwrap();
    let before_auc = roc_auc(&untrained.raw, &data.test.y).unwrap();
    let auc = fitted.test.auc.unwrap();
    assert!(auc > before_auc + 0.05 && auc > 0.7, "{before_auc} {auc}");
    assert_eq!(fitted.weights.last(), before.last());
    let losses: Vec<f64> = ended[0].history.iter().map(|row| row.val_loss).collect();
    assert!(losses[14] < losses[0], "{losses:?}");
}

/// What a trial came to, and its logits on validation and test rows.
fn fitted(trial: Hyperparameters, data: &Replicate) -> Fitted {
    run(&stack(vec![trial], settings(6), data), data).remove(0).outcome.unwrap()
}

#[test]
fn the_prior_is_taken_off_the_intercept() {
    let data = data(2000, 5, 100);
    for (sampling, ratio) in [(Sampling::Oversample, 1.0), (Sampling::Oversample, 0.4), (Sampling::Undersample, 0.5)] {
        let with = |correction| fitted(Hyperparameters { correction, ..sampled(sampling, ratio) }, &data);
        let (plain, corrected) = (with(Correction::None), with(Correction::Prior));
        let share = data.train.positives() as f64 / (data.train.len() - data.train.positives()) as f64;
        let shift = ratio.ln() - share.ln();
        let last = plain.weights.len() - 1;
        assert_eq!(plain.weights[..last], corrected.weights[..last]);
        // Rows are whole, so the ratio is not exactly what was asked for.
        assert!(
            (f64::from(plain.weights[last] - corrected.weights[last]) - shift).abs() < 0.01,
            "{sampling:?} {ratio}"
        );
        for (a, b) in plain.test_rows.raw.iter().zip(&corrected.test_rows.raw) {
            assert!((f64::from(a - b) - shift).abs() < 0.01);
        }
        for (raw, score) in corrected.test_rows.raw.iter().zip(&corrected.test_rows.scores) {
            assert!((logistic(f64::from(*raw)) - f64::from(*score)).abs() < 1e-6);
        }
        // Closer to the rows as they are.
        let mean =
            |of: &Fitted| of.test_rows.scores.iter().map(|&s| f64::from(s)).sum::<f64>() / data.test.len() as f64;
        let prevalence = data.test.positives() as f64 / data.test.len() as f64;
        assert!((mean(&corrected) - prevalence).abs() < 0.2 * (mean(&plain) - prevalence).abs());
        assert!((corrected.test.auc.unwrap() - plain.test.auc.unwrap()).abs() < 1e-3);
        // A model that is measured again is what it was.
        let trial = Hyperparameters { correction: Correction::Prior, ..sampled(sampling, ratio) };
        let again = measure_again(&trial, &corrected.weights, &data, &settings(6), &Default::default()).unwrap();
        assert_eq!((again.test_rows, again.test), (corrected.test_rows, corrected.test));
        // And one that is trained on all rows has it too.
        let all = fit_all(&trial, (&settings(6), 1), &data, 6).unwrap();
        let not = fit_all(&sampled(sampling, ratio), (&settings(6), 1), &data, 6).unwrap();
        assert!((f64::from(not[last] - all[last]) - shift).abs() < 0.01);
    }
}

#[test]
fn platt_scaling_goes_into_the_output_layer() {
    let data = data(2000, 5, 100);
    for base in [sampled(Sampling::Oversample, 1.0), of_loss(Loss::Pairwise), of_loss(Loss::Asymmetric)] {
        let with = |correction| fitted(Hyperparameters { correction, ..base.clone() }, &data);
        let (plain, corrected) = (with(Correction::None), with(Correction::Platt));
        let Platt { a, b } = Platt::fit_logits(&plain.validation.raw, &data.validation.y).unwrap();
        for (before, after) in plain.test_rows.raw.iter().zip(&corrected.test_rows.raw) {
            let expected = -(a * f64::from(*before) + b);
            assert!(
                (f64::from(*after) - expected).abs() < 1e-3 * (1.0 + expected.abs()),
                "{before} {after} {expected}"
            );
        }
        // Nothing is left to scale.
        let left = Platt::fit_logits(&corrected.validation.raw, &data.validation.y).unwrap();
        assert!((left.a + 1.0).abs() < 1e-3 && left.b.abs() < 1e-3, "{left:?}");
    }
    let trial = Hyperparameters { correction: Correction::Platt, ..of_loss(Loss::Bce) };
    let error = fit_all(&trial, (&settings(2), 1), &data, 2).unwrap_err().to_string();
    assert!(error.contains("validation rows"), "{error}");
}

/// A stack that is interrupted goes on from weights that nothing corrected.
#[test]
fn a_correction_is_no_part_of_training() {
    let data = data(1000, 5, 80);
    let trial = Hyperparameters { correction: Correction::Prior, ..sampled(Sampling::Undersample, 0.5) };
    let whole = stack(vec![trial], settings(4), &data);
    let uninterrupted = run(&whole, &data);
    let mut first = Watcher { stop_after: Some(5), ..Watcher::default() };
    assert_eq!(train_with(&FusedKernels, &whole, &data, None, &mut first), End::Interrupted);
    let mut second = Watcher::default();
    assert_eq!(train_with(&FusedKernels, &whole, &data, first.checkpoint, &mut second), End::Done);
    assert_eq!(second.ended[0].outcome, uninterrupted[0].outcome);
}
