//! The words of a sweep file as Rust types, defaults filled in.
//!
//! The types serialise back to the YAML that they were read from (that is the resolved `sweep.yaml` of a run
//! directory) and describe themselves as JSON Schema.

mod launch;
mod model;
mod parameters;

pub use launch::*;
pub use model::*;
pub use parameters::*;

use crate::spec::words::words;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

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
    /// Shares of the rows held out.
    #[serde(default)]
    pub split: SplitSpec,
    /// Number of replicates (seeds and splits) on which every trial is trained; at least 1.
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
}

impl ConfirmSpec {
    /// How many trials it may be.
    pub const TRIALS: RangeInclusive<u32> = 1..=50;
    /// How many replicates: one says nothing of how much trainings differ.
    pub const REPLICATES: RangeInclusive<u32> = 2..=1_000;
}

impl Default for ConfirmSpec {
    fn default() -> Self {
        Self { trials: defaults::confirm_trials(), replicates: defaults::confirm_replicates() }
    }
}

/// `data`: the source, the label and the preparation.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// `.csv`, `.csv.gz` or `.parquet`; a relative path is looked for beside the sweep file, then in the working
    /// directory.
    #[schemars(regex(pattern = r"\.([cC][sS][vV](\.[gG][zZ])?|[pP][aA][rR][qQ][uU][eE][tT])$"))]
    pub source: PathBuf,
    /// No key: the sweep file's folder, where it is another than the working directory and the source is not there.
    #[serde(skip)]
    pub beside: Option<PathBuf>,
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
    /// Columns that are not features: names, or patterns such as `tmp_*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Columns replaced by ln(x + offset): column name to offset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::spec::schema::log_offsets")]
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
    /// Whether the replicates share their test rows.
    pub test_rows: TestRows,
    /// Share of the negatives set aside, in (0, 1), that neither train, stop, rank nor choose: what
    /// `operating_point.confidence` needs; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub calibration: Option<f64>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { test: 0.2, validation: 0.16, stratify: true, test_rows: TestRows::Fixed, calibration: None }
    }
}

words! {
    /// `split.test_rows`: which replicates have the same test rows.
    pub enum TestRows {
        /// All: replicates draw training and validation rows from what is left.
        Fixed = "fixed",
        /// None: each replicate draws all of its rows anew.
        Redraw = "redraw",
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankSpec {
    /// Metric columns without their `val_`/`test_` prefix, the most important first.
    #[schemars(schema_with = "crate::spec::schema::metrics")]
    pub by: Vec<String>,
    /// Whose metrics rank.
    pub on: Split,
}

impl Default for RankSpec {
    fn default() -> Self {
        Self { by: vec!["auc".into(), "fn".into()], on: Split::Validation }
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
