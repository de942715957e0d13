//! What tests of backends share, here and in the crates that have others: rows, trials, stacks of any kind, a watcher.
//!
//! `crates/torch` compiles this file too, so it names the engine as others do.

use std::path::{Path, PathBuf};

use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::record::HistoryRow;
use focalsweep_core::spec::{
    self, Activation, Batching, Loss, OperatingPoint, Optimizer, Reduction, Sampling, SynthSpec, TrainSpec,
};
use focalsweep_engine::data::{Splits, load, prepare, write_synthetic};
use focalsweep_engine::train::{
    Backend, Backends, Batch, Checkpoint, End, Ended, EpochReport, FusedKernels, Observer, Parameters, Part, SaveError,
    Scored, Stack, train,
};
use proptest::prelude::*;
use serde_json::Value;

pub(crate) fn data(rows: u64, features: u32, positives: u64) -> Replicate {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.parquet");
    write_synthetic(&SynthSpec { rows, features, positives, seed: 5 }, &path).unwrap();
    let text = format!(
        "name: t\ndata: {{source: {}, label: Class, clip: 5}}\nparameters: {{loss: {{value: bce}}}}",
        path.display()
    );
    let spec = spec::parse("t", &text).unwrap();
    let splits = Splits { spec: &spec.split, seed: 1, replicates: 1 };
    prepare(&load(&spec.data, &spec.split).unwrap(), &spec.data, &splits, 0).unwrap()
}

pub(crate) fn trial(alpha: f64, gamma: f64) -> Hyperparameters {
    Hyperparameters {
        alpha: Some(alpha),
        gamma: Some(gamma),
        learning_rate: 0.01,
        batch_size: 64,
        hidden: vec![8],
        ..Hyperparameters::built_in(Loss::Focal)
    }
}

pub(crate) fn stack(trials: Vec<Hyperparameters>, settings: TrainSpec, data: &Replicate) -> Stack {
    Stack::new(trials, settings, data, 1).unwrap()
}

/// Keeps everything; stops after `stop_after` questions.
#[derive(Default)]
pub(crate) struct Watcher {
    pub(crate) ended: Vec<Ended>,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) asked: std::cell::Cell<usize>,
    pub(crate) stop_after: Option<usize>,
}

impl Observer for Watcher {
    fn stop_requested(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.stop_after.is_some_and(|n| self.asked.get() > n)
    }
    fn epoch(&mut self, _: &EpochReport) {}
    fn ended(&mut self, ended: Vec<Ended>) -> Result<(), SaveError> {
        self.ended.extend(ended);
        Ok(())
    }
    fn checkpoint_due(&self) -> bool {
        false
    }
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), SaveError> {
        self.checkpoint = Some(checkpoint.clone());
        Ok(())
    }
}

/// Trains with a kind of backend to the end, or to where the watcher stops it.
pub(crate) fn train_with(
    backends: &dyn Backends,
    stack: &Stack,
    data: &Replicate,
    from: Option<Checkpoint>,
    watcher: &mut Watcher,
) -> End {
    train(stack, data, &OperatingPoint::default(), backends, from, watcher).unwrap()
}

/// Trains with the fused kernels; what ended, in the order of the stack.
pub(crate) fn run(stack: &Stack, data: &Replicate) -> Vec<Ended> {
    let mut watcher = Watcher::default();
    assert_eq!(train_with(&FusedKernels, stack, data, None, &mut watcher), End::Done);
    watcher.ended.sort_by_key(|e| e.slot);
    watcher.ended
}

pub(crate) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1e-6)
}

pub(crate) fn assert_history_close(a: &[HistoryRow], b: &[HistoryRow], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        let aucs = close(a.val_auc.unwrap(), b.val_auc.unwrap(), tolerance);
        assert!(
            close(a.train_loss, b.train_loss, tolerance) && close(a.val_loss, b.val_loss, tolerance) && aucs,
            "{a:?}\n{b:?}"
        );
    }
}

pub(crate) fn fixtures(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures").join(name)
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn trials() -> Vec<Hyperparameters> {
    let fast = Hyperparameters { learning_rate: 0.03, ..trial(0.9, 1.0) };
    vec![trial(0.25, 2.0), trial(0.5, 0.0), fast, trial(0.75, 1.0), trial(0.1, 4.0)]
}

pub(crate) fn stopping(epochs: u32) -> TrainSpec {
    let rule = spec::EarlyStopping { patience: 2, ..spec::EarlyStopping::default() };
    TrainSpec {
        epochs: spec::Epochs::Count(epochs),
        early_stopping: spec::Stopping::Rule(rule),
        ..TrainSpec::default()
    }
}

/// Trains `steps` steps on a backend and returns the parameters, the summed losses and the scores.
pub(crate) fn steps(
    stack: &Stack,
    data: &Replicate,
    backend: &mut dyn Backend,
    steps: usize,
) -> (Vec<f32>, Vec<f64>, Scored) {
    let (order, size) = (stack.order(&data.train, 0), stack.batch_size());
    for (step, start) in (0..order.len()).step_by(size).take(steps).enumerate() {
        let at = start..order.len().min(start + size);
        let batch = Batch { epoch: 0, step: step as u32, order: &order, at, update: step as u64 + 1 };
        backend.step(&batch).unwrap();
    }
    let losses = backend.take_losses().unwrap();
    assert!(backend.take_losses().unwrap().iter().all(|&loss| loss == 0.0));
    let weights = backend.parameters().unwrap().weights;
    let slots: Vec<usize> = (0..stack.trials.len()).collect();
    let scored = backend.score(&weights, &slots, Part::Validation).unwrap();
    (weights, losses, scored)
}

pub(crate) fn parameters(stack: &Stack) -> Parameters {
    let weights = stack.initial();
    let zeros = vec![0.0; weights.len()];
    Parameters { weights, first: zeros.clone(), second: zeros }
}

/// A loss with any setting of its own; of some the labels are smoothed.
fn any_loss() -> impl Strategy<Value = Hyperparameters> {
    let built_in = Hyperparameters::built_in;
    let exponent = || prop_oneof![Just(0.0), 0.1..5.0f64];
    let loss = prop_oneof![
        3 => (0.05..0.95f64, exponent()).prop_map(move |(a, g)| {
            Hyperparameters { alpha: Some(a), gamma: Some(g), ..built_in(Loss::Focal) }
        }),
        1 => Just(built_in(Loss::Bce)),
        1 => Just(built_in(Loss::WeightedBce)),
        1 => (exponent(), exponent(), prop_oneof![Just(0.0), 0.001..0.6f64]).prop_map(move |(p, n, m)| {
            Hyperparameters { gamma_pos: Some(p), gamma_neg: Some(n), margin: Some(m), ..built_in(Loss::Asymmetric) }
        }),
        1 => (0.0..2.0f64, 0.0..0.5f64).prop_map(move |(tau, gamma)| {
            Hyperparameters { vs_tau: Some(tau), vs_gamma: Some(gamma), ..built_in(Loss::Vs) }
        }),
        1 => (0.1..2.0f64).prop_map(move |margin| {
            Hyperparameters { pair_margin: Some(margin), ..built_in(Loss::Pairwise) }
        }),
    ];
    let smoothing = prop_oneof![3 => Just(0.0), 1 => 0.01..0.5f64];
    (loss, smoothing).prop_map(|(loss, label_smoothing)| Hyperparameters { label_smoothing, ..loss })
}

pub(crate) fn any_trial() -> impl Strategy<Value = Hyperparameters> {
    let decay = prop_oneof![Just(0.0), 0.001..0.1f64];
    let dropout = prop_oneof![Just(0.0), Just(0.5), 0.05..0.9f64];
    (any_loss(), decay, dropout, 1e-4..1e-2f64).prop_map(|(loss, weight_decay, dropout, learning_rate)| {
        let Hyperparameters { batch_size, hidden, .. } = trial(0.25, 2.0);
        Hyperparameters { weight_decay, dropout, learning_rate, batch_size, hidden, ..loss }
    })
}

pub(crate) fn any_stack(data: &'static Replicate) -> impl Strategy<Value = Stack> {
    let shape =
        (proptest::collection::vec(1..40usize, 0..4), prop_oneof![Just(Activation::Relu), Just(Activation::Tanh)]);
    let optimizer = prop_oneof![Just(Optimizer::Adam), Just(Optimizer::Adamw), Just(Optimizer::Sgd)];
    let train = (
        1..400usize,
        optimizer,
        prop_oneof![Just(Reduction::Sum), Just(Reduction::Mean)],
        proptest::option::of(1e-6..1e-2f64),
    );
    let rows = (
        prop_oneof![
            3 => Just((Sampling::None, None)),
            1 => (0.01..=1.0f64).prop_map(|ratio| (Sampling::Oversample, Some(ratio))),
            1 => (0.01..=1.0f64).prop_map(|ratio| (Sampling::Undersample, Some(ratio))),
            1 => (0.01..=1.0f64).prop_map(|ratio| (Sampling::Smote, Some(ratio))),
        ],
        prop_oneof![Just(Batching::Shuffled), Just(Batching::Stratified)],
    );
    (proptest::collection::vec(any_trial(), 1..65), shape, train, rows).prop_map(
        move |(
            mut trials,
            (hidden, activation),
            (batch_size, optimizer, reduction, epsilon),
            ((sampling, sampling_ratio), batching),
        )| {
            for trial in &mut trials {
                let base = trial.clone();
                *trial = Hyperparameters { hidden: hidden.clone(), activation, batch_size, optimizer, ..base };
                *trial = Hyperparameters { sampling, sampling_ratio, batching, ..trial.clone() };
                if optimizer == Optimizer::Sgd && reduction == Reduction::Sum {
                    trial.learning_rate /= batch_size as f64; // as large steps as the others
                }
            }
            stack(trials, TrainSpec { epsilon, reduction, ..TrainSpec::default() }, data)
        },
    )
}

pub(crate) fn shared_data() -> &'static Replicate {
    static DATA: std::sync::OnceLock<Replicate> = std::sync::OnceLock::new();
    DATA.get_or_init(|| data(900, 7, 90))
}

/// The same rows with weights, some of which are 0.
pub(crate) fn weighted_data() -> &'static Replicate {
    static DATA: std::sync::OnceLock<Replicate> = std::sync::OnceLock::new();
    DATA.get_or_init(|| {
        let weighted = |rows: &Rows| {
            let weights = (0..rows.len()).map(|row| (row * 7919 % 101) as f64 / 17.0);
            Rows { weights: weights.collect(), ..rows.clone() }
        };
        let data = shared_data();
        let (train, validation, test) = (weighted(&data.train), weighted(&data.validation), weighted(&data.test));
        Replicate { train, validation, test, ..data.clone() }
    })
}

/// One on these rows; SMOTE has no weights for what it makes.
pub(crate) fn any_weighted_stack() -> impl Strategy<Value = Stack> {
    let weighs = |stack: &Stack| stack.trials[0].sampling != Sampling::Smote;
    any_stack(weighted_data()).prop_filter("rows that are made have no weight", weighs)
}
