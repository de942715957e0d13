//! The words of a sweep file as Rust types, defaults filled in.
//!
//! The types serialise back to the YAML that they were read from (that is the resolved `sweep.yaml` of a run
//! directory) and describe themselves as JSON Schema.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole sweep file.
///
/// Ranges of numbers stand in the schema attributes for editors; the reader has them in its own words, and a test holds
/// the two together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "focalsweep sweep file", description = "What to train on, what to sweep and how to rank it.")]
pub struct Spec {
    /// Name of the sweep; the run directory is `runs/<name>` unless told otherwise.
    #[schemars(regex(pattern = r"^[^\s/\\.-][^\s/\\]*$"), length(max = 100))]
    pub name: String,
    /// Where the rows come from and how they are prepared.
    pub data: DataSpec,
    /// Shares of the rows held out.
    #[serde(default)]
    pub split: SplitSpec,
    /// Number of replicates (seeds and splits) on which every trial is trained; at least 1.
    #[serde(default = "defaults::replicates")]
    #[schemars(range(min = 1, max = 10_000))]
    pub replicates: u32,
    /// Seed of every random stream.
    #[serde(default)]
    pub seed: u64,
    /// The network.
    #[serde(default)]
    pub model: ModelSpec,
    /// How it is trained.
    #[serde(default)]
    pub train: TrainSpec,
    /// How trials are chosen from `parameters`.
    #[serde(default)]
    pub method: Method,
    /// What is swept: a mapping, or a list of mappings whose union is swept.
    pub parameters: Parameters,
    /// Where the decision threshold is put, chosen on the validation rows.
    #[serde(default)]
    pub operating_point: OperatingPoint,
    /// How trials are ranked in the report.
    #[serde(default)]
    pub rank: RankSpec,
    /// Where jobs run.
    #[serde(default)]
    pub launch: LaunchSpec,
    /// Whose scores are kept in scores.parquet; absent: all up to 50 million scores, else the best 50 trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
}

/// `data`: the source, the label and the preparation.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// `.csv`, `.csv.gz` or `.parquet`, relative to the working directory.
    #[schemars(regex(pattern = r"\.([cC][sS][vV](\.[gG][zZ])?|[pP][aA][rR][qQ][uU][eE][tT])$"))]
    pub source: PathBuf,
    /// Fetched once when `source` is missing; needs `sha256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://\S+$"))]
    pub url: Option<String>,
    /// SHA-256 of the file behind `url`, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// Synthesised once when `source` is missing (as `focalsweep data synth` does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synth: Option<SynthSpec>,
    /// Name of the label column.
    pub label: String,
    /// The label value that is the rare class; absent: 1 or true, else the rarer of two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<Scalar>,
    /// Columns that are not features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Columns replaced by ln(x + offset): column name to offset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "super::schema::log_offsets")]
    pub log: BTreeMap<String, f64>,
    /// Columns taken as categories though their values are numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<String>,
    /// Levels seen on fewer training rows than this are pooled into one level.
    #[serde(default = "defaults::min_level_count")]
    pub min_level_count: u32,
    /// Numeric columns are centred and scaled to unit variance by the training rows.
    #[serde(default = "defaults::yes")]
    pub standardize: bool,
    /// Numeric columns are clipped to [-clip, clip] after standardising.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip: Option<f64>,
}

/// A YAML scalar as written: `1`, `true`, `dead`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
        }
    }
}

/// `data.synth`: shape of a synthetic source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SynthSpec {
    /// Rows in all.
    #[schemars(range(min = 2, max = 10_000_000_000_u64))]
    pub rows: u64,
    /// Numeric feature columns.
    #[schemars(range(min = 1, max = 100_000))]
    pub features: u32,
    /// Rows of the rare class.
    #[schemars(range(min = 1, max = 10_000_000_000_u64))]
    pub positives: u64,
    /// Seed of the generator.
    #[serde(default)]
    pub seed: u64,
}

/// `split`: shares of all rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSpec {
    /// Share of the rows held out for the test metrics, in (0, 1).
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub test: f64,
    /// Share of the rows for early stopping, thresholds and ranking, in (0, 1).
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub validation: f64,
    /// Keep the share of positives equal in the parts.
    pub stratify: bool,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { test: 0.2, validation: 0.16, stratify: true }
    }
}

/// `model`: a multi-layer perceptron with one logit out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSpec {
    /// Widths of the hidden layers; empty is logistic regression.
    #[schemars(schema_with = "super::schema::widths")]
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

/// Activation of the hidden layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// tanh(x)
    Tanh,
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
    /// Most passes over the training rows.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u32,
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
    /// Stops a trial that no longer gets better; absent: all epochs are run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
}

impl Default for TrainSpec {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: 2048,
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            reduction: Reduction::Sum,
            epsilon: None,
            early_stopping: None,
        }
    }
}

/// Update rule of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Kingma & Ba 2015, arXiv 1412.6980, with Keras' constants: betas 0.9 and 0.999, eps 1e-7.
    Adam,
    /// Adam with decoupled weight decay: Loshchilov & Hutter 2019, arXiv 1711.05101.
    Adamw,
    /// Plain gradient steps.
    Sgd,
}

/// How the losses of a batch's rows become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their sum, as the published focal-loss experiment has it.
    Sum,
    /// Their mean.
    Mean,
}

/// `train.early_stopping`.
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

/// A metric that is measured after each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// ROC AUC on the validation rows.
    ValAuc,
    /// Mean loss on the validation rows.
    ValLoss,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// More is better.
    Maximize,
    /// Less is better.
    Minimize,
}

/// How trials are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Every combination of the values.
    #[default]
    Grid,
}

/// `parameters`: one space, or several whose union is swept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one in a sweep")]
pub enum Parameters {
    /// A mapping.
    One(Space),
    /// A list of mappings.
    Union(Vec<Space>),
}

impl Parameters {
    /// The spaces in the order of the file.
    pub fn spaces(&self) -> &[Space] {
        match self {
            Self::One(space) => std::slice::from_ref(space),
            Self::Union(spaces) => spaces,
        }
    }
}

/// One mapping under `parameters`: every combination of its values is a trial.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Space {
    /// The loss; `bce` unless swept or set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::loss")]
    pub loss: Option<Domain<Loss>>,
    /// Focal loss: weight of the positives (1 - alpha is that of the negatives), in (0, 1); 0.25 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::alpha")]
    pub alpha: Option<Domain<f64>>,
    /// Focal loss: focusing exponent, at least 0; 2 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::gamma")]
    pub gamma: Option<Domain<f64>>,
    /// weighted_bce: weight of the positives when negatives weigh 1; unless set, n / (2 n_class) for each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::pos_weight")]
    pub pos_weight: Option<Domain<f64>>,
    /// How training rows are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::sampling")]
    pub sampling: Option<Domain<Sampling>>,
    /// Overrides `train.learning_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::learning_rate")]
    pub learning_rate: Option<Domain<f64>>,
    /// Overrides `train.weight_decay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::weight_decay")]
    pub weight_decay: Option<Domain<f64>>,
    /// Overrides `model.dropout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::dropout")]
    pub dropout: Option<Domain<f64>>,
    /// Overrides `train.batch_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::batch_size")]
    pub batch_size: Option<Domain<usize>>,
    /// Overrides `model.hidden`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::hidden")]
    pub hidden: Option<Domain<Vec<usize>>>,
    /// Overrides `model.activation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::activation")]
    pub activation: Option<Domain<Activation>>,
    /// Overrides `train.optimizer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::optimizer")]
    pub optimizer: Option<Domain<Optimizer>>,
    /// Overrides `model.initial_bias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::space::initial_bias")]
    pub initial_bias: Option<Domain<InitialBias>>,
}

/// The values that one parameter takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Domain<T> {
    /// One value.
    Value {
        /// The value.
        value: T,
    },
    /// These values, in this order.
    Values {
        /// The values.
        values: Vec<T>,
    },
    /// `count` numbers from `min` to `max`, both included, equally spaced. Numeric parameters only.
    Range {
        /// First number.
        min: f64,
        /// Last number.
        max: f64,
        /// How many, at least 2.
        count: u32,
    },
}

/// Training loss of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Focal loss, Lin et al. 2017, arXiv 1708.02002.
    Focal,
    /// Binary cross-entropy.
    Bce,
    /// Binary cross-entropy with class weights.
    WeightedBce,
}

/// How training rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every row once an epoch.
    None,
    /// Positives drawn with replacement until there are as many as negatives.
    Oversample,
}

/// `operating_point`: the rule by which the decision threshold is chosen on the validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum OperatingPoint {
    /// As many positives caught as a false-positive rate of at most this allows.
    MaxFpr {
        /// Highest share of the negatives that may be flagged, in (0, 1).
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
        max_fpr: f64,
    },
    /// As few false alarms as a recall of at least this allows.
    MinRecall {
        /// Lowest share of the positives that must be caught, in (0, 1].
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("maximum" = 1.0))]
        min_recall: f64,
    },
    /// The threshold of least cost.
    Cost {
        /// Cost of a missed positive, above 0.
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        fn_cost: f64,
        /// Cost of a false alarm, above 0.
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        fp_cost: f64,
    },
}

impl Default for OperatingPoint {
    fn default() -> Self {
        Self::MaxFpr { max_fpr: 0.01 }
    }
}

/// `rank`: keys of the report's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankSpec {
    /// Metric columns without their `val_`/`test_` prefix, the most important first.
    #[schemars(schema_with = "super::schema::metrics")]
    pub by: Vec<String>,
    /// Whose metrics rank.
    pub on: Split,
}

impl Default for RankSpec {
    fn default() -> Self {
        Self { by: vec!["auc".into(), "fn".into()], on: Split::Validation }
    }
}

/// Rows on which a metric is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Rows that choose: early stopping, threshold, rank.
    Validation,
    /// Rows that nothing was chosen on.
    Test,
}

/// `launch`: devices and launcher.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LaunchSpec {
    /// `auto`, `cpu`, `cuda`, or a list such as `[cpu, cuda:0]`.
    #[schemars(schema_with = "super::schema::devices")]
    pub devices: Devices,
    /// Where jobs run.
    pub launcher: Launcher,
}

/// `launch.devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Devices {
    /// `auto`, `cpu`, `cuda` or one device.
    Word(String),
    /// Several devices by name.
    List(Vec<String>),
}

impl Default for Devices {
    fn default() -> Self {
        Self::Word("auto".into())
    }
}

/// `launch.launcher`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Launcher {
    /// This machine's cores and GPUs.
    #[default]
    Local,
}

/// `scores`: whose scores are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Every trial's.
    All,
    /// Those of the 50 best trials.
    Best,
    /// Nobody's.
    None,
}

pub(super) mod defaults {
    pub(in super::super) fn replicates() -> u32 {
        1
    }
    pub(in super::super) fn min_level_count() -> u32 {
        20
    }
    pub(in super::super) fn yes() -> bool {
        true
    }
}
