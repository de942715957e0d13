//! libtorch against the fused kernels, on the CPU: all that a GPU does, but for the device.

mod loss;
#[path = "../../../engine/src/train/tests/support.rs"]
mod support;

use focalsweep_core::metrics::logistic;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Epochs, Loss, Optimizer, Stopping, TrainSpec};
use focalsweep_engine::train::{Backend, Backends, End, Ended, FusedKernels, Parameters, Stack};
use proptest::prelude::*;

use super::LibtorchOn;
use super::device::use_one_thread;
use support::{
    Watcher, any_stack, any_weighted_stack, assert_history_close, close, data, parameters, run, shared_data, stack,
    steps, stopping, train_with, trials, weighted_data,
};

fn open<'a>(
    backends: &dyn Backends,
    stack: &'a Stack,
    data: &'a Replicate,
    start: &Parameters,
) -> Box<dyn Backend + 'a> {
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    backends.open(stack, data, &slots, start, vec![0.0; slots.len()]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn fused_and_libtorch_agree(stack in any_stack(shared_data())) {
        agree(&stack, shared_data())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn fused_and_libtorch_weigh_rows_alike(stack in any_weighted_stack()) {
        agree(&stack, weighted_data())?;
    }
}

fn agree(stack: &Stack, data: &Replicate) -> Result<(), TestCaseError> {
    use_one_thread();
    let (start, libtorch) = (parameters(stack), LibtorchOn::new(tch::Device::Cpu));
    // Adam divides by the root of the second moment, so a gradient that is rounding noise around zero moves a
    // weight by the learning rate whatever its size, and that moves the others in later steps. So the first step
    // shows the gradient and Adam's arithmetic, and the next ones are held more loosely; plain steps tightly all
    // along. Where dropout multiplies what is left by more than 2.5 in each layer, rounding grows too, and only
    // the first step is compared. How many steps; weights by the learning rate; losses; scores:
    let plain = stack.trials[0].optimizer == Optimizer::Sgd;
    let (size, rows) = (stack.shape.parameters(), data.validation.y.len());
    for (done, of_step, of_loss, of_score) in [(1, 1e-3, 2e-5, 1e-3), (2, 0.02, 2e-4, 2e-3), (4, 0.1, 5e-3, 2e-2)] {
        let ours = steps(stack, data, &mut *open(&FusedKernels, stack, data, &start), done);
        let theirs = steps(stack, data, &mut *open(&libtorch, stack, data, &start), done);
        let adam = (0.15, of_step, of_loss, of_score);
        let (allowed, of_step, of_loss, of_score): (f64, f32, f64, f32) =
            if plain { (0.0, 0.0, 2e-4, 2e-3) } else { adam };
        for (k, trial) in stack.trials.iter().enumerate() {
            if done > 1 && trial.dropout > 0.6 {
                continue;
            }
            let at = k * size..(k + 1) * size;
            // A positive's slope over pairs is that of all the negatives of its batch: plain steps are larger, and
            // so is what rounding makes of them.
            let least = if plain && trial.loss == Loss::Pairwise { 2e-4 } else { 1e-5 };
            let slack = least + of_step * trial.learning_rate as f32;
            let differs = |(a, b): &(&f32, &f32)| (**a - **b).abs() > 1e-4 * b.abs() + slack;
            let far = ours.0[at.clone()].iter().zip(&theirs.0[at.clone()]).filter(differs).count();
            let few = far as f64 <= allowed * size as f64;
            let worst = ours.0[at.clone()].iter().zip(&theirs.0[at.clone()]).map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            prop_assert!(few, "after {done}, {far} of {size} weights differ, by up to {worst}: {trial:?}");
            // Of few pairs in a batch many gradients are noise; the first loss is of before the first step.
            let pairs_by_adam = if !plain && trial.loss == Loss::Pairwise { 1e-2 } else { 0.0 };
            let (a, b) = (ours.1[k], theirs.1[k]);
            let of_training = if done > 1 { of_loss.max(pairs_by_adam) } else { of_loss };
            prop_assert!(close(a, b, of_training), "after {done}, loss {a} {b}: {trial:?}");
            let (a, b) = (ours.2.loss[k], theirs.2.loss[k]);
            let of_validation = of_loss.max(1e-3).max(pairs_by_adam);
            prop_assert!(close(a, b, of_validation), "after {done}, validation loss {a} {b}: {trial:?}");
            let at = k * rows..(k + 1) * rows;
            if trial.loss == Loss::Pairwise {
                // It does not see what all logits have in common: where a unit passes all rows, the gradient of its
                // bias is rounding noise, and Adam follows it.
                let both = || ours.2.raw[at.clone()].iter().zip(&theirs.2.raw[at.clone()]);
                let common = both().map(|(a, b)| f64::from(a - b)).sum::<f64>() / rows as f64;
                for (a, b) in both() {
                    let (a, b) = (logistic(f64::from(*a) - common), logistic(f64::from(*b)));
                    prop_assert!((a - b).abs() < f64::from(of_score), "after {done}, score {a} {b}: {trial:?}");
                }
                continue;
            }
            for (a, b) in ours.2.scores[at.clone()].iter().zip(&theirs.2.scores[at]) {
                prop_assert!((a - b).abs() < of_score, "after {done}, score {a} {b}: {trial:?}");
            }
        }
    }
    Ok(())
}

/// The tolerance that is promised between devices: history within 1e-3 for 5 epochs, AUC within 1e-3 at the end.
#[test]
fn libtorch_follows_the_fused_kernels_through_epochs_stops_and_interruptions() {
    let data = data(900, 5, 90);
    use_one_thread();
    let libtorch = LibtorchOn::new(tch::Device::Cpu);
    let whole = stack(
        trials(),
        TrainSpec { epochs: Epochs::Count(5), early_stopping: Stopping::None, ..TrainSpec::default() },
        &data,
    );
    let expected = run(&whole, &data);
    let mut watcher = Watcher::default();
    assert_eq!(train_with(&libtorch, &whole, &data, None, &mut watcher), End::Done);
    watcher.ended.sort_by_key(|end| end.slot);
    for (a, b) in expected.iter().zip(&watcher.ended) {
        assert_history_close(&a.history, &b.history, 1e-3);
        let auc = |end: &Ended| end.outcome.as_ref().unwrap().test.auc.unwrap();
        assert!(close(auc(a), auc(b), 1e-3));
    }
    // With trials that leave the stack, and an interruption in the middle of an epoch.
    let whole = stack(trials(), stopping(12), &data);
    let mut uninterrupted = Watcher::default();
    assert_eq!(train_with(&libtorch, &whole, &data, None, &mut uninterrupted), End::Done);
    let epochs: std::collections::HashSet<usize> = uninterrupted.ended.iter().map(|end| end.history.len()).collect();
    assert!(epochs.len() > 1, "no trial left the stack before others");
    let mut first = Watcher { stop_after: Some(6), ..Watcher::default() };
    assert_eq!(train_with(&libtorch, &whole, &data, None, &mut first), End::Interrupted);
    let mut second = Watcher::default();
    assert_eq!(train_with(&libtorch, &whole, &data, first.checkpoint, &mut second), End::Done);
    let mut ended = first.ended;
    ended.extend(second.ended);
    ended.sort_by_key(|end| end.slot);
    uninterrupted.ended.sort_by_key(|end| end.slot);
    for (a, b) in uninterrupted.ended.iter().zip(&ended) {
        assert_eq!((a.slot, &a.outcome), (b.slot, &b.outcome));
    }
}
