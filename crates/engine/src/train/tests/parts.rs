//! Stacks that are interrupted and cut in two, against the one that is not.

use super::super::*;
use super::support::{Watcher, data, run, stack, stopping, train_with, trials};

#[test]
fn halves_of_an_interrupted_stack_go_on_to_the_same_bits() {
    let data = data(900, 5, 90);
    let whole = stack(trials(), stopping(8), &data);
    let expected = run(&whole, &data);
    for stop_after in [1, 9, 17] {
        let mut watcher = Watcher { stop_after: Some(stop_after), ..Watcher::default() };
        assert_eq!(train_with(&FusedKernels, &whole, &data, None, &mut watcher), End::Interrupted);
        let checkpoint = watcher.checkpoint.unwrap();
        let mut ended = watcher.ended;
        for slots in [0..2, 2..5] {
            let half = stack(trials()[slots.clone()].to_vec(), stopping(8), &data);
            let bytes = checkpoint.part(slots.clone()).to_bytes().unwrap();
            let mut watcher = Watcher::default();
            let part = Checkpoint::read(&bytes).unwrap();
            assert_eq!(train_with(&FusedKernels, &half, &data, Some(part), &mut watcher), End::Done);
            ended.extend(watcher.ended.into_iter().map(|end| Ended { slot: end.slot + slots.start, ..end }));
        }
        ended.sort_by_key(|end| end.slot);
        assert_eq!(ended.len(), expected.len());
        for (a, b) in expected.iter().zip(&ended) {
            assert_eq!((a.slot, &a.outcome), (b.slot, &b.outcome), "stopped after {stop_after}");
        }
    }
}
