//! Stacks that are interrupted, cut in two, or trained by libtorch, against the one that is not.

use super::super::*;
use super::{Watcher, assert_history_close, close, data, run, stack, trial};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{self, OperatingPoint, TrainSpec};

fn trials() -> Vec<Hyperparameters> {
    let fast = Hyperparameters { learning_rate: 0.03, ..trial(0.9, 1.0) };
    vec![trial(0.25, 2.0), trial(0.5, 0.0), fast, trial(0.75, 1.0), trial(0.1, 4.0)]
}

fn stopping(epochs: u32) -> TrainSpec {
    let rule = spec::EarlyStopping { patience: 2, ..spec::EarlyStopping::default() };
    TrainSpec { epochs, early_stopping: Some(rule), ..TrainSpec::default() }
}

fn on_the_cpu(stack: &Stack, data: &Replicate, from: Option<Checkpoint>, watcher: &mut Watcher) -> End {
    train(stack, data, &OperatingPoint::default(), (tch::Device::Cpu, &Uploads::default()), from, watcher).unwrap()
}

/// By libtorch on the CPU: all that a GPU does, but for the device.
fn by_libtorch(stack: &Stack, data: &Replicate, from: Option<Checkpoint>, watcher: &mut Watcher) -> End {
    engine::train_with(stack, data, &OperatingPoint::default(), from, watcher, |slots, parameters, losses| {
        let rows = uploads::OnDevice::new(data, tch::Device::Cpu)?;
        libtorch::Libtorch::new(stack, rows, slots, parameters, losses, tch::Device::Cpu)
    })
    .unwrap()
}

#[test]
fn halves_of_an_interrupted_stack_go_on_to_the_same_bits() {
    let data = data(900, 5, 90);
    let whole = stack(trials(), stopping(8), &data);
    let expected = run(&whole, &data);
    for stop_after in [1, 9, 17] {
        let mut watcher = Watcher { stop_after: Some(stop_after), ..Watcher::default() };
        assert_eq!(on_the_cpu(&whole, &data, None, &mut watcher), End::Interrupted);
        let checkpoint = watcher.checkpoint.unwrap();
        let mut ended = watcher.ended;
        for slots in [0..2, 2..5] {
            let half = stack(trials()[slots.clone()].to_vec(), stopping(8), &data);
            let bytes = checkpoint.part(slots.clone()).to_bytes().unwrap();
            let mut watcher = Watcher::default();
            let part = Checkpoint::read(&bytes).unwrap();
            assert_eq!(on_the_cpu(&half, &data, Some(part), &mut watcher), End::Done);
            ended.extend(watcher.ended.into_iter().map(|end| Ended { slot: end.slot + slots.start, ..end }));
        }
        ended.sort_by_key(|end| end.slot);
        assert_eq!(ended.len(), expected.len());
        for (a, b) in expected.iter().zip(&ended) {
            assert_eq!((a.slot, &a.outcome), (b.slot, &b.outcome), "stopped after {stop_after}");
        }
    }
}

/// The tolerance that is promised between devices: history within 1e-3 for 5 epochs, AUC within 1e-3 at the end.
#[test]
fn libtorch_follows_the_fused_kernels_through_epochs_stops_and_interruptions() {
    let data = data(900, 5, 90);
    let whole = stack(trials(), TrainSpec { epochs: 5, ..TrainSpec::default() }, &data);
    let expected = run(&whole, &data);
    let mut watcher = Watcher::default();
    assert_eq!(by_libtorch(&whole, &data, None, &mut watcher), End::Done);
    watcher.ended.sort_by_key(|end| end.slot);
    for (a, b) in expected.iter().zip(&watcher.ended) {
        assert_history_close(&a.history, &b.history, 1e-3);
        let auc = |end: &Ended| end.outcome.as_ref().unwrap().test.auc.unwrap();
        assert!(close(auc(a), auc(b), 1e-3));
    }
    // With trials that leave the stack, and an interruption in the middle of an epoch.
    let whole = stack(trials(), stopping(12), &data);
    let mut uninterrupted = Watcher::default();
    assert_eq!(by_libtorch(&whole, &data, None, &mut uninterrupted), End::Done);
    let epochs: std::collections::HashSet<usize> = uninterrupted.ended.iter().map(|end| end.history.len()).collect();
    assert!(epochs.len() > 1, "no trial left the stack before others");
    let mut first = Watcher { stop_after: Some(6), ..Watcher::default() };
    assert_eq!(by_libtorch(&whole, &data, None, &mut first), End::Interrupted);
    let mut second = Watcher::default();
    assert_eq!(by_libtorch(&whole, &data, first.checkpoint, &mut second), End::Done);
    let mut ended = first.ended;
    ended.extend(second.ended);
    ended.sort_by_key(|end| end.slot);
    uninterrupted.ended.sort_by_key(|end| end.slot);
    for (a, b) in uninterrupted.ended.iter().zip(&ended) {
        assert_eq!((a.slot, &a.outcome), (b.slot, &b.outcome));
    }
}
