//! Kernels one by one: `make bench`, or `cargo bench --bench kernels -- epoch` for some.
//!
//! The shape is that of the published work on forest cover: 286,048 rows of 10 features, 64 % of them for training,
//! features-16-1, batch 2048. Everything runs in one thread.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot be set up has nothing to say")]

use std::hint::black_box;
use std::sync::OnceLock;

use divan::{Bencher, counter::ItemsCount};
use focalsweep_core::metrics::{self, Ranks};
use focalsweep_core::plan::Trials;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{self, OperatingPoint, Spec, SynthSpec};
use focalsweep_engine::data::{Source, Splits, load, prepare, write_synthetic};
use focalsweep_engine::train::{self, Checkpoint, Ended, EpochReport, FusedKernels, Observer, SaveError, Stack};

const ROWS: u64 = 286_048;
const FEATURES: u32 = 10;
const POSITIVES: u64 = 2_747;

fn main() {
    divan::main();
}

fn spec() -> Spec {
    let text = "
name: bench
data: {source: unused.parquet, label: Class, clip: 5}
train: {epochs: 1, batch_size: 2048, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {min: 0.1, max: 0.4, count: 28}, gamma: {min: 1, max: 4, count: 28}}
";
    spec::parse("bench.yaml", text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn source() -> &'static Source {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for the data");
        let path = folder.path().join("bench.parquet");
        let shape = SynthSpec { rows: ROWS, features: FEATURES, positives: POSITIVES, seed: 0 };
        write_synthetic(&shape, &path).expect("synthetic data");
        load(&spec::DataSpec { source: path, ..spec().data }, &spec().split).expect("the data just written")
    })
}

fn splits() -> Splits<'static> {
    static SPEC: OnceLock<Spec> = OnceLock::new();
    Splits { spec: &SPEC.get_or_init(spec).split, seed: 0, replicates: 1 }
}

fn replicate() -> &'static Replicate {
    static REPLICATE: OnceLock<Replicate> = OnceLock::new();
    REPLICATE.get_or_init(|| prepare(source(), &spec().data, &splits(), 0).expect("preparable data"))
}

/// Stops after `steps` steps, keeps nothing.
struct Nobody {
    steps: std::cell::Cell<usize>,
}

impl Observer for Nobody {
    fn stop_requested(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left == 0
    }
    fn epoch(&mut self, _: &EpochReport) {}
    fn ended(&mut self, ended: Vec<Ended>) -> Result<(), SaveError> {
        black_box(ended);
        Ok(())
    }
    fn checkpoint_due(&self) -> bool {
        false
    }
    fn checkpoint(&mut self, _: &Checkpoint) -> Result<(), SaveError> {
        Ok(())
    }
}

fn stack(models: usize, epochs: u32) -> Stack {
    let spec = spec();
    let trials = Trials::new(&spec).expect("few trials");
    let trials = (0..models).map(|index| trials.get(index)).collect();
    let data = replicate();
    let settings =
        spec::TrainSpec { epochs: spec::Epochs::Count(epochs), early_stopping: spec::Stopping::None, ..spec.train };
    Stack::new(trials, settings, data, 0).expect("at least one trial")
}

fn train(stack: &Stack, steps: usize) {
    let mut observer = Nobody { steps: std::cell::Cell::new(steps) };
    let end = train::train(stack, replicate(), &OperatingPoint::default(), &FusedKernels, None, &mut observer);
    black_box(end.expect("training works"));
}

/// One step of 2,048 rows. What a stack costs before its first step is in it.
#[divan::bench(args = [1, 7, 49, 196], sample_count = 20)]
fn step(bencher: Bencher, models: usize) {
    let stack = stack(models, 2);
    bencher.counter(ItemsCount::new(models)).bench(|| train(&stack, 1));
}

/// Twenty epochs of 183,071 rows with validation after each, stopped before the last metrics; divide by 20. The items
/// are models x epochs.
#[divan::bench(args = [1, 7, 49, 196, 784], sample_count = 3, sample_size = 1)]
fn twenty_epochs(bencher: Bencher, models: usize) {
    let stack = stack(models, 1000);
    bencher.counter(ItemsCount::new(20 * models)).bench(|| train(&stack, 20 * 90));
}

/// Validation scores as they are after an epoch: 45,768 rows, 440 positives.
fn scores() -> (Vec<f32>, &'static [u8]) {
    let rows = &replicate().validation;
    let width = replicate().features.len();
    let squash = |row: &[f32]| 1.0 / (1.0 + (-row.iter().sum::<f32>()).exp());
    (rows.x.chunks_exact(width).map(squash).collect(), &rows.y)
}

#[divan::bench]
fn roc_auc(bencher: Bencher) {
    let (scores, labels) = scores();
    bencher.bench(|| metrics::roc_auc(black_box(&scores), labels));
}

#[divan::bench]
fn auc_with_error_and_average_precision(bencher: Bencher) {
    let (scores, labels) = scores();
    bencher.bench(|| Ranks::new(black_box(&scores), labels).map(|ranks| (ranks.auc(), ranks.average_precision())));
}

#[divan::bench(sample_count = 20)]
fn prepare_data(bencher: Bencher) {
    let (source, spec) = (source(), spec());
    bencher.bench(|| prepare(source, &spec.data, &splits(), black_box(0)));
}

/// What one core can move: 256 MiB read and written.
#[divan::bench(sample_count = 20)]
fn ceiling_copy(bencher: Bencher) {
    let from = vec![1.0f32; 64 << 20];
    let mut to = vec![0.0f32; 64 << 20];
    bencher.counter(divan::counter::BytesCount::new(2usize * (256 << 20))).bench_local(|| {
        to.copy_from_slice(black_box(&from));
        black_box(to[0])
    });
}
