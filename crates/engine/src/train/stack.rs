//! A stack: the trials of one job, what their losses read, and how their rows are drawn.

use super::loss::LossTerms;
use focalsweep_core::plan::{Hyperparameters, Shape};
use focalsweep_core::prepared::Rows;
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::{InitialBias, Optimizer, Sampling, TrainSpec};

/// Trials of one shape, sampling, batch size and optimizer, trained together on one replicate.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The trials; a trial's position is its slot.
    pub trials: Vec<Hyperparameters>,
    /// Epochs, reduction, early stopping.
    pub settings: TrainSpec,
    /// Shape of every model.
    pub shape: Shape,
    /// Seed of the sweep.
    pub seed: u64,
    /// 0-based replicate.
    pub replicate: u32,
    /// What each trial's loss reads.
    pub losses: Vec<LossTerms>,
    positives: usize,
    negatives: usize,
}

impl Stack {
    /// A stack of `trials`, which share their shape, sampling, batch size and optimizer (the planner sees to that), over
    /// training rows of `inputs` features. `None` when there is no trial.
    pub fn new(
        trials: Vec<Hyperparameters>,
        settings: TrainSpec,
        train: &Rows,
        inputs: usize,
        seed: u64,
        replicate: u32,
    ) -> Option<Self> {
        let first = trials.first()?;
        let shape = Shape { inputs, hidden: first.hidden.clone(), activation: first.activation };
        let rare = train.y.iter().filter(|&&y| y == 1).count();
        let negatives = train.y.len() - rare;
        let positives = if first.sampling == Sampling::Oversample { negatives } else { rare };
        let losses = trials.iter().map(|trial| LossTerms::of(trial, positives, negatives)).collect();
        Some(Self { settings, shape, seed, replicate, losses, positives, negatives, trials })
    }

    /// Update rule of the stack.
    pub fn optimizer(&self) -> Optimizer {
        self.trials[0].optimizer
    }

    /// Rows per step.
    pub fn batch_size(&self) -> usize {
        self.trials[0].batch_size
    }

    /// Rows drawn in an epoch; 2 · negatives when oversampling, as published.
    pub fn rows_per_epoch(&self) -> usize {
        self.positives + self.negatives
    }

    /// Parameters of every model before training, `[K, P]`.
    pub fn initial(&self) -> Vec<f32> {
        let prior = (self.positives as f64 / self.negatives as f64).ln();
        let bias = |trial: &Hyperparameters| match trial.initial_bias {
            InitialBias::Prior => prior,
            InitialBias::Value(value) => value,
        };
        self.trials.iter().flat_map(|trial| self.shape.initial(self.seed, self.replicate, bias(trial) as f32)).collect()
    }

    /// Positions in the training rows in the order in which `epoch` (0-based) draws them.
    pub fn order(&self, train: &Rows, epoch: u32) -> Vec<u32> {
        let stream = |purpose| Stream::new(self.seed, self.replicate, purpose, epoch, 0);
        let mut order: Vec<u32> = if self.trials[0].sampling == Sampling::None {
            (0..train.y.len() as u32).collect()
        } else {
            let (rare, common): (Vec<u32>, Vec<u32>) =
                (0..train.y.len() as u32).partition(|&row| train.y[row as usize] == 1);
            let mut draw = stream(Purpose::Oversample);
            let drawn = (0..common.len()).map(|_| rare[draw.below(rare.len() as u32) as usize]);
            drawn.chain(common.iter().copied()).collect()
        };
        stream(Purpose::BatchOrder).shuffle(&mut order);
        order
    }

    /// Dropout uniforms of one step for each hidden layer, `[rows, width]`; none when no model drops.
    pub fn uniforms(&self, epoch: u32, step: u32, rows: usize) -> Vec<Vec<f32>> {
        if self.trials.iter().all(|trial| trial.dropout == 0.0) {
            return Vec::new();
        }
        let layer = |(depth, &width): (usize, &usize)| {
            let mut values = vec![0.0; rows * width];
            Stream::dropout(self.seed, self.replicate, epoch, step, depth as u32).fill_uniform(&mut values);
            values
        };
        self.shape.hidden.iter().enumerate().map(layer).collect()
    }
}

/// What a trial costs beside others: parameters times the rows that an epoch draws.
pub fn cost(trial: &Hyperparameters, train: &Rows, inputs: usize) -> f64 {
    let shape = Shape { inputs, hidden: trial.hidden.clone(), activation: trial.activation };
    let rows = match trial.sampling {
        Sampling::None => train.y.len(),
        Sampling::Oversample => 2 * train.y.iter().filter(|&&y| y == 0).count(),
    };
    (shape.parameters() * rows) as f64
}
