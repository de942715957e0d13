//! What a step of each loss costs beside focal loss's: the figures of docs/losses.md.
//!
//!     cargo run --release -p focalsweep-engine --example loss_steps
//!
//! Stacks of 16 networks (30 inputs, 16 hidden units, dropout 0.5, adam) step over batches of 2,048 rows with 2 %
//! positives, one thread, the losses in turn; of each the median of its rounds.

#![expect(clippy::print_stdout, reason = "its figures")]

use std::time::Instant;

use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::spec::{self, Batching, Loss, SynthSpec, TrainSpec};
use focalsweep_engine::data::{Splits, load, prepare, write_synthetic};
use focalsweep_engine::train::{Backends, Batch, FusedKernels, Parameters, Stack};

const MODELS: usize = 16;
const ROUNDS: usize = 41;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("loss_steps-{}.parquet", std::process::id()));
    write_synthetic(&SynthSpec { rows: 60_000, features: 30, positives: 1_200, seed: 1 }, &path)?;
    let source = path.display();
    let text = format!("name: t\ndata: {{source: {source}, label: Class}}\nparameters: {{loss: {{value: bce}}}}");
    let spec = spec::parse("t", &text)?;
    let splits = Splits { spec: &spec.split, seed: 1, replicates: 1 };
    let data = prepare(&load(&spec.data, &spec.split)?, &spec.data, &splits, 0)?;
    std::fs::remove_file(&path)?;
    let of = |loss: Loss| Hyperparameters { batching: Batching::Stratified, ..Hyperparameters::built_in(loss) };
    let smooth = |loss: Loss| Hyperparameters { label_smoothing: 0.1, ..of(loss) };
    let losses = [
        ("focal", of(Loss::Focal)),
        ("bce", of(Loss::Bce)),
        ("weighted_bce", of(Loss::WeightedBce)),
        ("asymmetric", of(Loss::Asymmetric)),
        ("vs", of(Loss::Vs)),
        ("focal, smoothed", smooth(Loss::Focal)),
        ("asymmetric, smoothed", smooth(Loss::Asymmetric)),
        ("pairwise", of(Loss::Pairwise)),
        ("pairwise, smoothed", smooth(Loss::Pairwise)),
    ];
    let stack = |trial: &Hyperparameters| Stack::new(vec![trial.clone(); MODELS], TrainSpec::default(), &data, 1);
    let stacks: Vec<Stack> = losses.iter().filter_map(|(_, trial)| stack(trial)).collect();
    let slots: Vec<usize> = (0..MODELS).collect();
    let mut backends = Vec::new();
    for stack in &stacks {
        let weights = stack.initial();
        let zeros = vec![0.0; weights.len()];
        let parameters = Parameters { weights, first: zeros.clone(), second: zeros };
        backends.push(FusedKernels.open(stack, &data, &slots, &parameters, vec![0.0; MODELS])?);
    }
    let mut seconds = vec![Vec::new(); losses.len()];
    for round in 0..ROUNDS {
        for ((stack, backend), seconds) in stacks.iter().zip(&mut backends).zip(&mut seconds) {
            let (order, size) = (stack.order(&data.train, 0), stack.batch_size());
            let step = round % (order.len() / size);
            let at = step * size..(step + 1) * size;
            let batch = Batch { epoch: 0, step: step as u32, order: &order, at, update: round as u64 + 1 };
            let begin = Instant::now();
            backend.step(&batch)?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
    }
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let medians: Vec<f64> = seconds.into_iter().map(median).collect();
    for ((name, _), of) in losses.iter().zip(&medians) {
        println!("{name:<22} {:7.3} ms a step, {:.2} of focal", 1e3 * of, of / medians[0]);
    }
    Ok(())
}
