//! The fused kernels alone and stacked, and on each kind of processor.

use proptest::prelude::*;

use super::super::*;
use super::support::{any_stack, any_trial, parameters, shared_data, stack, steps};
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::spec::{Activation, TrainSpec};

fn fused<'a>(stack: &'a Stack, start: &Parameters) -> fused::Fused<'a> {
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    fused::Fused::new(stack, shared_data(), &slots, start, vec![0.0; slots.len()])
}

/// Layers that are gone over in blocks, of widths that are multiples of nothing.
fn wide_stack() -> impl Strategy<Value = Stack> {
    let widths = proptest::collection::vec(30..170usize, 2..4);
    let kind = (widths, prop_oneof![Just(Activation::Relu), Just(Activation::Tanh)], 1..500usize);
    (proptest::collection::vec(any_trial(), 1..4), kind).prop_map(|(mut trials, (hidden, activation, batch_size))| {
        for trial in &mut trials {
            *trial = Hyperparameters { hidden: hidden.clone(), activation, batch_size, ..trial.clone() };
        }
        stack(trials, TrainSpec::default(), shared_data())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn wide_layers_have_the_same_bits_alone_in_any_blocks_and_on_every_processor(stack in wide_stack()) {
        let data = shared_data();
        let start = parameters(&stack);
        let best = steps(&stack, data, &mut fused(&stack, &start), 2);
        for lanes in [16, 32, 128] {
            let blocks = steps(&stack, data, &mut fused(&stack, &start).in_blocks(lanes), 2);
            prop_assert_eq!(&blocks, &best, "blocks of {} lanes differ", lanes);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(mut avx2) = fused(&stack, &start).avx2() {
            prop_assert_eq!(&steps(&stack, data, &mut avx2, 2), &best, "AVX2 and AVX-512 differ");
        }
        let last = stack.trials.len() - 1;
        let own = vec![stack.trials[last].clone()];
        let alone = Stack::new(own, stack.settings.clone(), data, 1).unwrap();
        let own = steps(&alone, data, &mut fused(&alone, &parameters(&alone)), 2);
        let size = stack.shape.parameters();
        prop_assert_eq!(&best.0[last * size..], own.0.as_slice());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_fused_trial_has_the_same_bits_alone(stack in any_stack(shared_data()), pick in any::<prop::sample::Index>()) {
        let data = shared_data();
        let slots: Vec<usize> = (0..stack.trials.len()).collect();
        let slot = pick.index(slots.len());
        let (own, settings) = (vec![stack.trials[slot].clone()], stack.settings.clone());
        let alone = Stack::new(own, settings, data, 1).unwrap();
        let together = steps(&stack, data, &mut fused(&stack, &parameters(&stack)), 3);
        let own = steps(&alone, data, &mut fused(&alone, &parameters(&alone)), 3);
        let (size, n) = (stack.shape.parameters(), data.validation.y.len());
        prop_assert_eq!(&together.0[slot * size..(slot + 1) * size], own.0.as_slice());
        prop_assert_eq!(&together.2.scores[slot * n..(slot + 1) * n], own.2.scores.as_slice());
        prop_assert_eq!((together.1[slot], together.2.loss[slot]), (own.1[0], own.2.loss[0]));
    }

    #[test]
    fn probabilities_are_those_of_the_logits(stack in any_stack(shared_data())) {
        let data = shared_data();
        let scored = steps(&stack, data, &mut fused(&stack, &parameters(&stack)), 3).2;
        prop_assert_eq!(scored.raw.len(), scored.scores.len());
        for (&raw, &score) in scored.raw.iter().zip(&scored.scores) {
            let exact = focalsweep_core::metrics::logistic(f64::from(raw));
            prop_assert!((exact - f64::from(score)).abs() < 1e-6, "logit {raw}, probability {score}");
            // The same rows are flagged at a half, but for logits that 32 bits cannot tell from 0 as a probability.
            prop_assert!((score >= 0.5) == (raw >= 0.0) || raw.abs() < 1e-6, "logit {raw}, probability {score}");
        }
    }

    #[test]
    fn every_processor_computes_the_same(stack in any_stack(shared_data())) {
        let data = shared_data();
        let start = parameters(&stack);
        let best = steps(&stack, data, &mut fused(&stack, &start), 3);
        #[cfg(target_arch = "x86_64")]
        if let Some(mut avx2) = fused(&stack, &start).avx2() {
            prop_assert_eq!(&steps(&stack, data, &mut avx2, 3), &best, "AVX2 and AVX-512 differ");
        }
        let portable = steps(&stack, data, &mut fused(&stack, &start).portable(), 3);
        // Where what rows say of a weight cancels, rounding says what is left of it, and Adam's first steps go as far
        // for that as for anything: by the learning rate.
        let n = data.validation.y.len();
        for (at, (a, b)) in best.2.scores.iter().zip(&portable.2.scores).enumerate() {
            let step = stack.trials[at / n].learning_rate as f32;
            prop_assert!((a - b).abs() < 2e-3 + step / 2.0, "score {a} {b}");
        }
    }
}
