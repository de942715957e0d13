//! The words of a sweep file as Rust types, defaults filled in.
//!
//! The types serialise back to the YAML that they were read from (that is the resolved `sweep.yaml` of a run
//! directory) and describe themselves as JSON Schema.

mod data;
mod early;
mod launch;
mod margin;
mod model;
mod parameters;
mod search;
mod span;
mod split;
mod trainer;

pub use data::*;
pub use early::{EarlyRule, EarlyTerminate, Rungs};
pub use launch::*;
pub use margin::Margins;
pub use model::*;
pub use parameters::*;
pub(in crate::spec) use search::Form;
pub use search::{Distribution, Drawn, Method, Target};
pub use span::Span;
pub use split::{By, ByWords, Folds, KnownGroups, SplitBy, SplitSpec, TestRows};

pub use trainer::{Inputs, Output, STACK, TrainerSpec};

use crate::spec::words::words;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Serialize;

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
    /// How the rows are dealt to training, validation and test.
    #[serde(default)]
    pub split: SplitSpec,
    /// Number of replicates (seeds and splits) on which every trial is trained; at least 1. Where the split has folds,
    /// there are as many as folds times repeats.
    #[serde(default = "defaults::replicates")]
    #[schemars(range(min = 1, max = 10_000))]
    pub replicates: u32,
    /// Trains the best trials and the baseline afresh when the search is over, for claims about settings; absent: not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<ConfirmSpec>,
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
    /// How many trials there are in all; absent: as many as `budget` or `target` allow, or the space has.
    /// Of a grid so many are trained, spread over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub run_cap: Option<u32>,
    /// How many trials are asked for at once; absent: from the space. Not in a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub wave: Option<u32>,
    /// Longest training, such as `10m`, over all resumes; what is done by then is ranked and reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::budget")]
    pub budget: Option<Span>,
    /// A metric on the validation rows at which no more trials are asked for, such as `{val_auc: 0.98}`. Not in a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Ends trials early that do worse than others, so that the rest get the time; absent: every trial trains to its
    /// end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_terminate: Option<EarlyTerminate>,
    /// Commands of your own that train trials, by name; see `trainer` under `parameters`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trainers: BTreeMap<String, TrainerSpec>,
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

/// `confirm`: what is trained afresh, on replicates that did not choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSpec {
    /// How many trials: the best by the rank keys. Plain cross-entropy is trained beside them, if the sweep has it.
    #[serde(default = "defaults::confirm_trials")]
    #[schemars(range(min = 1, max = 50))]
    pub trials: u32,
    /// New replicates (seeds and splits) on which each of them is trained.
    #[serde(default = "defaults::confirm_replicates")]
    #[schemars(range(min = 2, max = 1_000))]
    pub replicates: u32,
    /// Whether the best trial of each method (loss and sampling, or trainer) is trained beside them.
    #[serde(default)]
    pub methods: bool,
}

impl ConfirmSpec {
    /// How many trials it may be.
    pub const TRIALS: RangeInclusive<u32> = 1..=50;
    /// How many replicates: one says nothing of how much trainings differ.
    pub const REPLICATES: RangeInclusive<u32> = 2..=1_000;
}

impl Default for ConfirmSpec {
    fn default() -> Self {
        Self { trials: defaults::confirm_trials(), replicates: defaults::confirm_replicates(), methods: false }
    }
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
        /// Probability with which that is to hold for rows to come, in (0.5, 1); needs `split.calibration`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("exclusiveMinimum" = 0.5), extend("exclusiveMaximum" = 1.0))]
        confidence: Option<f64>,
    },
    /// As few false alarms as a recall of at least this allows.
    MinRecall {
        /// Lowest share of the positives that must be caught, in (0, 1].
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("maximum" = 1.0))]
        min_recall: f64,
    },
    /// As few positives missed as a precision of at least this allows.
    MinPrecision {
        /// Lowest share of the flagged rows that must be positive, in (0, 1].
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("maximum" = 1.0))]
        min_precision: f64,
    },
    /// As many positives caught as this many alerts allow.
    AlertBudget {
        /// Most rows of 1,000 that may be flagged, whatever their class, in (0, 1000].
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("maximum" = 1000.0))]
        max_alerts_per_1000: f64,
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
        Self::MaxFpr { max_fpr: 0.01, confidence: None }
    }
}

/// `rank`: keys of the report's order.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankSpec {
    /// Metric columns without their `val_`/`test_` prefix, the most important first.
    #[schemars(schema_with = "crate::spec::schema::metrics")]
    pub by: Vec<String>,
    /// Whose metrics rank.
    pub on: Split,
    /// What comes before what.
    #[serde(skip_serializing_if = "Order::is_default")]
    pub order: Order,
    /// Up to how much worse a simpler trial may be to be deployed.
    #[serde(skip_serializing_if = "Margins::is_empty")]
    pub margin: Margins,
}

impl Default for RankSpec {
    fn default() -> Self {
        Self {
            by: vec!["auc".into(), "op_fn".into()],
            on: Split::Validation,
            order: Order::default(),
            margin: Margins::default(),
        }
    }
}

words! {
    /// `rank.order`: what comes before what.
    #[derive(Default)]
    pub enum Order {
        /// Whoever is better by the first rank key; where that is equal, by the next.
        #[default]
        Keys = "keys",
        /// Fronts first: nobody is beaten by a later one on all rank keys. Within one as above.
        Front = "front",
    }
}

impl Order {
    /// Whether it is the usual one. Files do not say so, for programs that know no other.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

words! {
    /// Rows on which a metric is measured.
    pub enum Split {
        /// Rows that choose: early stopping, threshold, rank.
        Validation = "validation",
        /// Rows that nothing was chosen on.
        Test = "test",
    }
}

words! {
    /// `scores`: whose scores are kept.
    pub enum Scores {
        /// Every trial's.
        All = "all",
        /// Those of the 50 best trials.
        Best = "best",
        /// Nobody's.
        None = "none",
    }
}

pub(super) mod defaults {
    pub(in super::super) fn replicates() -> u32 {
        1
    }
    pub(in super::super) fn confirm_trials() -> u32 {
        3
    }
    pub(in super::super) fn confirm_replicates() -> u32 {
        10
    }
    pub(in super::super) fn min_level_count() -> u32 {
        20
    }
    pub(in super::super) fn yes() -> bool {
        true
    }
}
