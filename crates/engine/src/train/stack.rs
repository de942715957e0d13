//! A stack: the trials of one job, what their losses read, and how their rows are drawn.

use std::sync::OnceLock;

use super::drawn::{drawn, mass, rows_per_epoch, there};
use super::schedule::Schedule;
use super::smote::{Kinds, synthesise};
use focalsweep_core::losses::{Drawn, Mass, TrialLoss};
use focalsweep_core::plan::{Hyperparameters, Shape};
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::samplings;
use focalsweep_core::spec::{Batching, InitialBias, Optimizer, Sampling, TrainSpec};

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
    pub losses: Vec<TrialLoss>,
    drawn: Drawn,
    mass: Mass,
    synthetic: OnceLock<Rows>,
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
        let mass = mass(drawn, train);
        let losses = trials.iter().map(|trial| TrialLoss::of_trial(trial, mass)).collect();
        Some(Self {
            settings,
            schedule,
            pause: None,
            shape,
            seed,
            replicate,
            losses,
            drawn,
            mass,
            synthetic: OnceLock::new(),
            trials,
        })
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

    /// Rows drawn in an epoch; 2 · negatives when oversampling to a ratio of 1, as published.
    pub fn rows_per_epoch(&self) -> usize {
        self.drawn.positives + self.drawn.negatives
    }

    /// Parameters of every model before training, `[K, P]`.
    pub fn initial(&self) -> Vec<f32> {
        let prior = (self.mass.positives / self.mass.negatives).ln();
        let bias = |trial: &Hyperparameters| match trial.initial_bias {
            InitialBias::Prior => prior,
            InitialBias::Value(value) => value,
        };
        self.trials.iter().flat_map(|trial| self.shape.initial(self.seed, self.replicate, bias(trial) as f32)).collect()
    }

    /// Positions in the training rows, and behind them in those that were made, in the order in which `epoch` (0-based)
    /// draws them.
    pub fn order(&self, train: &Rows, epoch: u32) -> Vec<u32> {
        let stream = |purpose| Stream::new(self.seed, self.replicate, purpose, epoch, 0);
        let classes = || (0..train.y.len() as u32).partition(|&row| train.y[row as usize] == 1);
        let mut order: Vec<u32> = match self.trials[0].sampling {
            Sampling::None => (0..train.y.len() as u32).collect(),
            // As many as are wanted are there: none is drawn twice.
            Sampling::Oversample if self.drawn == there(train) && self.trials[0].sampling_ratio != Some(1.0) => {
                (0..train.y.len() as u32).collect()
            }
            Sampling::Oversample => {
                let (rare, common): (Vec<u32>, Vec<u32>) = classes();
                let mut draw = stream(Purpose::Oversample);
                let drawn = (0..self.drawn.positives).map(|_| rare[draw.below(rare.len() as u32) as usize]);
                drawn.chain(common.iter().copied()).collect()
            }
            Sampling::Undersample => {
                let (rare, mut common): (Vec<u32>, Vec<u32>) = classes();
                stream(Purpose::Undersample).shuffle(&mut common);
                common.truncate(self.drawn.negatives);
                rare.into_iter().chain(common).collect()
            }
            // Those that were made come behind the training rows: see `synthetic`.
            Sampling::Smote => (0..self.rows_per_epoch() as u32).collect(),
        };
        stream(Purpose::BatchOrder).shuffle(&mut order);
        match self.trials[0].batching {
            Batching::Shuffled => order,
            Batching::Stratified => spread(order, train),
        }
    }

    /// The rows that are made of those of `data`: all of them positive, the same in every epoch. In an epoch's order
    /// they come behind the training rows; none where the sampling makes none.
    pub fn synthetic(&self, data: &Replicate) -> &Rows {
        self.synthetic.get_or_init(|| {
            let count = match self.trials[0].sampling {
                Sampling::Smote => self.drawn.positives - data.train.positives(),
                Sampling::None | Sampling::Oversample | Sampling::Undersample => return Rows::default(),
            };
            let mut stream = Stream::new(self.seed, self.replicate, Purpose::Smote, 0, 0);
            let kinds = Kinds::of(&data.preprocessing);
            let x = synthesise(&data.train, self.shape.inputs, &kinds, count, &mut stream);
            Rows { x: x.into(), y: vec![1; count].into(), ..Rows::default() }
        })
    }

    /// Puts the mean loss over pairs into `loss` where the models in the stack's slots `models` have a loss of pairs:
    /// `raw` has their logits over rows with the labels `y` and these weights, if any.
    pub fn score_pairs(&self, models: &[usize], (raw, y, weights): (&[f32], &[u8], &[f32]), loss: &mut [f64]) {
        for (m, &slot) in models.iter().enumerate() {
            if let TrialLoss::Pairs(terms) = &self.losses[slot] {
                loss[m] = terms.mean(&raw[m * y.len()..(m + 1) * y.len()], y, weights);
            }
        }
    }

    /// What the sampling of these trials adds to the logits of a model that is trained on `train`: see
    /// [`samplings::shift`].
    pub(super) fn shift(&self, train: &Rows) -> f64 {
        samplings::shift(&self.trials[0], there(train))
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

/// The rows of `order` so that any stretch of them has its share of positives, to within one; those of a class stay in
/// their order.
fn spread(order: Vec<u32>, train: &Rows) -> Vec<u32> {
    // What was made comes behind the training rows, and is positive.
    let is_rare = |row: &u32| train.y.get(*row as usize).is_none_or(|&y| y == 1);
    let (rare, common): (Vec<u32>, Vec<u32>) = order.into_iter().partition(is_rare);
    let (positives, all) = (rare.len() as u64, (rare.len() + common.len()) as u64);
    let (mut rare, mut common) = (rare.into_iter(), common.into_iter());
    // Of the first n rows round(n · share) are positives.
    let placed = |n: u64| (2 * n * positives + all) / (2 * all);
    let row = |n: u64| if placed(n + 1) > placed(n) { rare.next() } else { common.next() };
    (0..all).filter_map(row).collect()
}

/// What a trial costs beside others: parameters times the rows that an epoch draws.
pub fn cost(trial: &Hyperparameters, train: &Rows, inputs: usize) -> f64 {
    let shape = Shape { inputs, hidden: trial.hidden.clone(), activation: trial.activation };
    (shape.parameters() * rows_per_epoch(trial, train)) as f64
}
