//! The two backends against each other, alone and stacked, and each kind of processor.

use proptest::prelude::*;

use super::super::*;
use super::{close, data, stack, trial};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Activation, Loss, Optimizer, Reduction, TrainSpec};

/// Trains `steps` steps on a backend and returns the parameters, the summed losses and the scores.
fn steps<B: backend::Backend>(
    stack: &Stack,
    data: &Replicate,
    mut backend: B,
    steps: usize,
) -> (Vec<f32>, Vec<f64>, backend::Scored) {
    let (order, size) = (stack.order(&data.train, 0), stack.batch_size());
    for (step, start) in (0..order.len()).step_by(size).take(steps).enumerate() {
        let at = start..order.len().min(start + size);
        let batch = backend::Batch { epoch: 0, step: step as u32, order: &order, at, update: step as u64 + 1 };
        backend.step(&batch).unwrap();
    }
    let losses = backend.take_losses().unwrap();
    assert!(backend.take_losses().unwrap().iter().all(|&loss| loss == 0.0));
    let weights = backend.parameters().unwrap().weights;
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    let scored = backend.score(&weights, &slots, backend::Part::Validation).unwrap();
    (weights, losses, scored)
}

fn fused<'a>(stack: &'a Stack, start: &Parameters) -> fused::Fused<'a> {
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    fused::Fused::new(stack, shared_data(), &slots, start, vec![0.0; slots.len()])
}

fn libtorch<'a>(stack: &'a Stack, data: &Replicate, start: &Parameters) -> libtorch::Libtorch<'a> {
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    let rows = uploads::OnDevice::new(data, tch::Device::Cpu).unwrap();
    libtorch::Libtorch::new(stack, rows, &slots, start, vec![0.0; slots.len()], tch::Device::Cpu).unwrap()
}

fn parameters(stack: &Stack) -> Parameters {
    let weights = stack.initial();
    let zeros = vec![0.0; weights.len()];
    Parameters { weights, first: zeros.clone(), second: zeros }
}

fn any_trial() -> impl Strategy<Value = Hyperparameters> {
    let loss = prop_oneof![
        (0.05..0.95f64, prop_oneof![Just(0.0), 0.1..5.0f64]).prop_map(|(a, g)| (Loss::Focal, Some(a), Some(g))),
        Just((Loss::Bce, None, None)),
        Just((Loss::WeightedBce, None, None)),
    ];
    let decay = prop_oneof![Just(0.0), 0.001..0.1f64];
    let dropout = prop_oneof![Just(0.0), Just(0.5), 0.05..0.9f64];
    (loss, decay, dropout, 1e-4..1e-2f64).prop_map(|((loss, alpha, gamma), weight_decay, dropout, learning_rate)| {
        Hyperparameters { loss, alpha, gamma, weight_decay, dropout, learning_rate, ..trial(0.25, 2.0) }
    })
}

fn any_stack(data: &'static Replicate) -> impl Strategy<Value = Stack> {
    let shape =
        (proptest::collection::vec(1..40usize, 0..4), prop_oneof![Just(Activation::Relu), Just(Activation::Tanh)]);
    let optimizer = prop_oneof![Just(Optimizer::Adam), Just(Optimizer::Adamw), Just(Optimizer::Sgd)];
    let train = (
        1..400usize,
        optimizer,
        prop_oneof![Just(Reduction::Sum), Just(Reduction::Mean)],
        proptest::option::of(1e-6..1e-2f64),
    );
    (proptest::collection::vec(any_trial(), 1..65), shape, train).prop_map(
        move |(mut trials, (hidden, activation), (batch_size, optimizer, reduction, epsilon))| {
            for trial in &mut trials {
                *trial = Hyperparameters { hidden: hidden.clone(), activation, batch_size, optimizer, ..trial.clone() };
                if optimizer == Optimizer::Sgd && reduction == Reduction::Sum {
                    trial.learning_rate /= batch_size as f64; // as large steps as the others
                }
            }
            stack(trials, TrainSpec { epsilon, reduction, ..TrainSpec::default() }, data)
        },
    )
}

fn shared_data() -> &'static Replicate {
    static DATA: std::sync::OnceLock<Replicate> = std::sync::OnceLock::new();
    DATA.get_or_init(|| data(900, 7, 90))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn fused_and_libtorch_agree(stack in any_stack(shared_data())) {
        device::use_one_thread();
        let data = shared_data();
        let start = parameters(&stack);
        // Adam divides by the root of the second moment, so a gradient that is rounding noise around zero moves a weight
        // by the learning rate whatever its size, and that moves the others in later steps. So the first step shows the
        // gradient and Adam's arithmetic, and the next ones are held more loosely; plain steps tightly all along. Where
        // dropout multiplies what is left by more than 2.5 in each layer, rounding grows too, and only the first step is
        // compared. How many steps; weights by the learning rate; losses; scores:
        let plain = stack.trials[0].optimizer == Optimizer::Sgd;
        let (size, rows) = (stack.shape.parameters(), data.validation.y.len());
        for (done, of_step, of_loss, of_score) in [(1, 1e-3, 2e-5, 1e-3), (2, 0.02, 2e-4, 2e-3), (4, 0.1, 5e-3, 2e-2)] {
            let ours = steps(&stack, data, fused(&stack, &start), done);
            let theirs = steps(&stack, data, libtorch(&stack, data, &start), done);
            let (allowed, of_step, of_loss, of_score) = if plain { (0.0, 0.0, 2e-4, 2e-3) } else { (0.15, of_step, of_loss, of_score) };
            for (k, trial) in stack.trials.iter().enumerate() {
                if done > 1 && trial.dropout > 0.6 {
                    continue;
                }
                let at = k * size..(k + 1) * size;
                let slack = 1e-5 + of_step * trial.learning_rate as f32;
                let differs = |(a, b): &(&f32, &f32)| (**a - **b).abs() > 1e-4 * b.abs() + slack;
                let far = ours.0[at.clone()].iter().zip(&theirs.0[at]).filter(differs).count();
                prop_assert!(far as f64 <= allowed * size as f64, "after {done}, {far} of {size} weights differ: {trial:?}");
                prop_assert!(close(ours.1[k], theirs.1[k], of_loss), "after {done}, loss {} {}: {trial:?}", ours.1[k], theirs.1[k]);
                let (a, b) = (ours.2.loss[k], theirs.2.loss[k]);
                prop_assert!(close(a, b, of_loss.max(1e-3)), "after {done}, validation loss {a} {b}: {trial:?}");
                let at = k * rows..(k + 1) * rows;
                for (a, b) in ours.2.scores[at.clone()].iter().zip(&theirs.2.scores[at]) {
                    prop_assert!((a - b).abs() < of_score, "after {done}, score {a} {b}: {trial:?}");
                }
            }
        }
    }

    #[test]
    fn a_fused_trial_has_the_same_bits_alone(stack in any_stack(shared_data()), pick in any::<prop::sample::Index>()) {
        let data = shared_data();
        let slots: Vec<usize> = (0..stack.trials.len()).collect();
        let slot = pick.index(slots.len());
        let alone = Stack::new(vec![stack.trials[slot].clone()], stack.settings.clone(), &data.train, data.features.len(), 1, 0).unwrap();
        let together = steps(&stack, data, fused(&stack, &parameters(&stack)), 3);
        let own = steps(&alone, data, fused(&alone, &parameters(&alone)), 3);
        let (size, n) = (stack.shape.parameters(), data.validation.y.len());
        prop_assert_eq!(&together.0[slot * size..(slot + 1) * size], own.0.as_slice());
        prop_assert_eq!(&together.2.scores[slot * n..(slot + 1) * n], own.2.scores.as_slice());
        prop_assert_eq!((together.1[slot], together.2.loss[slot]), (own.1[0], own.2.loss[0]));
    }

    #[test]
    fn every_processor_computes_the_same(stack in any_stack(shared_data())) {
        let data = shared_data();
        let start = parameters(&stack);
        let best = steps(&stack, data, fused(&stack, &start), 3);
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = fused(&stack, &start).avx2() {
            prop_assert_eq!(&steps(&stack, data, avx2, 3), &best, "AVX2 and AVX-512 differ");
        }
        let portable = steps(&stack, data, fused(&stack, &start).portable(), 3);
        for (a, b) in best.2.scores.iter().zip(&portable.2.scores) {
            prop_assert!((a - b).abs() < 2e-3, "score {a} {b}");
        }
    }
}
