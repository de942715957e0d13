//! `model` and `train` of a sweep file: the network, the optimiser, when to stop.

use crate::spec::words::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// `model`: a multi-layer perceptron with one logit out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSpec {
    /// Widths of the hidden layers; empty is logistic regression.
    #[schemars(schema_with = "crate::spec::schema::widths")]
    pub hidden: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
    /// Dropout rate after each hidden layer, in [0, 1).
    #[schemars(extend("minimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Bias of the output at the start: `prior` = ln(positives / negatives) of the rows as drawn, or a number.
    pub initial_bias: InitialBias,
}

impl Default for ModelSpec {
    fn default() -> Self {
        Self { hidden: vec![16], activation: Activation::Relu, dropout: 0.5, initial_bias: InitialBias::Prior }
    }
}

words! {
    /// Activation of the hidden layers.
    pub enum Activation {
        /// max(0, x)
        Relu = "relu",
        /// tanh(x)
        Tanh = "tanh",
    }
}

/// Bias of the output unit before training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum InitialBias {
    /// ln(positives / negatives) of the training rows as they are drawn (0 when oversampling).
    #[serde(with = "prior_word")]
    #[schemars(with = "PriorWord")]
    Prior,
    /// This number.
    Value(f64),
}

/// The word `prior` in the schema.
#[derive(JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PriorWord {
    /// ln(positives / negatives)
    Prior,
}

mod prior_word {
    use super::PriorWord;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(s: S) -> Result<S::Ok, S::Error> {
        PriorWord::Prior.serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<(), D::Error> {
        PriorWord::deserialize(d).map(|_| ())
    }
}

impl std::fmt::Display for InitialBias {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prior => f.write_str("prior"),
            Self::Value(v) => write!(f, "{v}"),
        }
    }
}

/// `train`: the optimiser and when to stop.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSpec {
    /// Most passes over the training rows; `auto`: 100, and more where they would be fewer than 3,000 steps.
    #[schemars(schema_with = "crate::spec::schema::epochs")]
    pub epochs: Epochs,
    /// Rows per step.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub batch_size: usize,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Step size.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// L2 penalty (adam, sgd) or decoupled decay (adamw), as in PyTorch.
    #[schemars(extend("minimum" = 0.0))]
    pub weight_decay: f64,
    /// Whether the loss of a batch is the sum or the mean over its rows.
    pub reduction: Reduction,
    /// Probabilities are clipped to at least this before the logarithm, as the published code does; absent: exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 0.5))]
    pub epsilon: Option<f64>,
    /// Stops a trial that no longer gets better: a rule; `none`: all epochs are run; `auto`: after 10 looks without
    /// improvement, each after at least 100 steps, at `val_auc` from 50 validation positives, else at `val_loss`.
    #[schemars(schema_with = "crate::spec::schema::stopping")]
    pub early_stopping: Stopping,
    /// What computes: the fused kernels on cores, libtorch on GPUs or on cores.
    pub backend: Backend,
}

impl Default for TrainSpec {
    fn default() -> Self {
        Self {
            epochs: Epochs::Auto,
            batch_size: 2048,
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            reduction: Reduction::Sum,
            epsilon: None,
            early_stopping: Stopping::Auto,
            backend: Backend::Auto,
        }
    }
}

impl TrainSpec {
    /// What a sweep file meant before `auto` was there: what it does not say was 100 epochs, all of which are run.
    #[must_use]
    pub fn as_before_auto(&self) -> Self {
        let epochs = if self.epochs == Epochs::Auto { Epochs::Count(Epochs::FEWEST) } else { self.epochs };
        let early_stopping =
            if self.early_stopping == Stopping::Auto { Stopping::None } else { self.early_stopping.clone() };
        Self { epochs, early_stopping, ..self.clone() }
    }
}

/// `train.epochs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epochs {
    /// As many as the rows need: see [`Epochs::FEWEST`] and [`Epochs::FEWEST_STEPS`].
    Auto,
    /// This many.
    Count(u32),
}

impl Epochs {
    /// The word of [`Epochs::Auto`].
    pub const AUTO: &'static str = "auto";
    /// Epochs that `auto` has at least.
    pub const FEWEST: u32 = 100;
    /// Steps of the optimizer that `auto` has at least.
    pub const FEWEST_STEPS: u64 = 3_000;

    /// This many, or as many as `auto` has at least: those of whoever knows no steps, as a command of the user's.
    pub fn at_least(self) -> u32 {
        match self {
            Self::Auto => Self::FEWEST,
            Self::Count(count) => count,
        }
    }
}

impl Serialize for Epochs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(Self::AUTO),
            Self::Count(count) => serializer.serialize_u32(*count),
        }
    }
}

impl std::fmt::Display for Epochs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str(Self::AUTO),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// `train.early_stopping`.
#[derive(Debug, Clone, PartialEq)]
pub enum Stopping {
    /// By a rule that follows from the rows.
    Auto,
    /// All epochs are run.
    None,
    /// By this rule.
    Rule(EarlyStopping),
}

impl Stopping {
    /// Its words, beside a rule.
    pub const WORDS: [&'static str; 2] = ["auto", "none"];
    /// Validation positives from which `auto` watches the AUC: one of fewer says little of one epoch against another.
    pub const POSITIVES_FOR_AUC: usize = 50;
    /// Steps of the optimizer between two looks of `auto`.
    pub const STEPS_OF_A_LOOK: u64 = 100;
}

impl Serialize for Stopping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(Self::WORDS[0]),
            Self::None => serializer.serialize_str(Self::WORDS[1]),
            Self::Rule(rule) => rule.serialize(serializer),
        }
    }
}

words! {
    /// What trains a stack.
    #[derive(Default)]
    pub enum Backend {
        /// The fused kernels on cores, libtorch on GPUs.
        #[default]
        Auto = "auto",
        /// The fused kernels, which know no GPU.
        Fused = "fused",
        /// libtorch, on cores too.
        Libtorch = "libtorch",
    }
}

words! {
    /// Update rule of the weights.
    pub enum Optimizer {
        /// Kingma & Ba 2015, arXiv 1412.6980, with Keras' constants: betas 0.9 and 0.999, eps 1e-7.
        Adam = "adam",
        /// Adam with decoupled weight decay: Loshchilov & Hutter 2019, arXiv 1711.05101.
        Adamw = "adamw",
        /// Plain gradient steps.
        Sgd = "sgd",
    }
}

words! {
    /// How the losses of a batch's rows become one number.
    pub enum Reduction {
        /// Their sum, as the published focal-loss experiment has it.
        Sum = "sum",
        /// Their mean.
        Mean = "mean",
    }
}

/// A rule of `train.early_stopping`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// What is watched, after each epoch, on the validation rows.
    pub metric: Monitor,
    /// Whether more or less of it is better; absent: as the metric has it.
    pub goal: Goal,
    /// Epochs without improvement before a trial stops; at least 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub patience: u32,
    /// Least change that counts as an improvement.
    #[schemars(extend("minimum" = 0.0))]
    pub min_delta: f64,
    /// Go back to the weights of the best epoch.
    pub restore_best_weights: bool,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { metric: Monitor::ValAuc, goal: Goal::Maximize, patience: 10, min_delta: 0.0, restore_best_weights: true }
    }
}

words! {
    /// A metric that is measured after each epoch.
    pub enum Monitor {
        /// ROC AUC on the validation rows.
        ValAuc = "val_auc",
        /// Average precision on the validation rows.
        ValAveragePrecision = "val_average_precision",
        /// AUC up to the false alarms of the operating point, on the validation rows.
        ValPartialAuc = "val_partial_auc",
        /// Mean loss on the validation rows.
        ValLoss = "val_loss",
    }
}

impl Monitor {
    /// Which way is better.
    pub fn goal(self) -> Goal {
        match self {
            Self::ValAuc | Self::ValAveragePrecision | Self::ValPartialAuc => Goal::Maximize,
            Self::ValLoss => Goal::Minimize,
        }
    }
}

words! {
    /// Which way is better.
    pub enum Goal {
        /// More is better.
        Maximize = "maximize",
        /// Less is better.
        Minimize = "minimize",
    }
}
