//! A stack: the trials of one job, what their losses read, and how their rows are drawn.

use super::drawn::{drawn, rows_per_epoch};
use super::schedule::Schedule;
use focalsweep_core::losses::{Drawn, LossTerms};
use focalsweep_core::plan::{Hyperparameters, Shape};
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::{InitialBias, Optimizer, Sampling, TrainSpec};

/// Trials of one shape, sampling, batch size and optimizer, trained together on one replicate.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The trials; a trial's position is its slot.
    pub trials: Vec<Hyperparameters>,
    /// Reduction and clipping of the loss.
    pub settings: TrainSpec,
    /// Epochs, early stopping.
    pub schedule: Schedule,
    /// The epoch after which those trials pause that go on; absent: they train to their end.
    pub pause: Option<u32>,
    /// Shape of every model.
    pub shape: Shape,
    /// Seed of the sweep.
    pub seed: u64,
    /// 0-based replicate.
    pub replicate: u32,
    /// What each trial's loss reads.
    pub losses: Vec<LossTerms>,
    drawn: Drawn,
}

impl Stack {
    /// A stack of `trials`, which share their shape, sampling, batch size and optimizer (the planner sees to that), on
    /// the rows of `data`. `None` when there is no trial.
    pub fn new(trials: Vec<Hyperparameters>, settings: TrainSpec, data: &Replicate, seed: u64) -> Option<Self> {
        let first = trials.first()?;
        let (train, replicate) = (&data.train, data.index);
        let schedule = Schedule::of(&settings, first, data);
        let shape = Shape { inputs: data.features.len(), hidden: first.hidden.clone(), activation: first.activation };
        let drawn = drawn(first, train);
        let losses = trials.iter().map(|trial| LossTerms::of_trial(trial, drawn)).collect();
        Some(Self { settings, schedule, pause: None, shape, seed, replicate, losses, drawn, trials })
    }

    /// The same, but its trials pause after `epoch`.
    #[must_use]
    pub fn until(self, epoch: Option<u32>) -> Self {
        Self { pause: epoch, ..self }
    }

    /// Epochs to which its trials train at most.
    pub fn end(&self) -> u32 {
        self.schedule.epochs.min(self.pause.unwrap_or(u32::MAX))
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
        self.drawn.positives + self.drawn.negatives
    }

    /// Parameters of every model before training, `[K, P]`.
    pub fn initial(&self) -> Vec<f32> {
        let prior = (self.drawn.positives as f64 / self.drawn.negatives as f64).ln();
        let bias = |trial: &Hyperparameters| match trial.initial_bias {
            InitialBias::Prior => prior,
            InitialBias::Value(value) => value,
        };
        self.trials.iter().flat_map(|trial| self.shape.initial(self.seed, self.replicate, bias(trial) as f32)).collect()
    }

    /// Positions in the training rows in the order in which `epoch` (0-based) draws them.
    pub fn order(&self, train: &Rows, epoch: u32) -> Vec<u32> {
        let stream = |purpose| Stream::new(self.seed, self.replicate, purpose, epoch, 0);
        let mut order: Vec<u32> = match self.trials[0].sampling {
            Sampling::None => (0..train.y.len() as u32).collect(),
            Sampling::Oversample => {
                let (rare, common): (Vec<u32>, Vec<u32>) =
                    (0..train.y.len() as u32).partition(|&row| train.y[row as usize] == 1);
                let mut draw = stream(Purpose::Oversample);
                let drawn = (0..common.len()).map(|_| rare[draw.below(rare.len() as u32) as usize]);
                drawn.chain(common.iter().copied()).collect()
            }
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
    (shape.parameters() * rows_per_epoch(trial, train)) as f64
}
