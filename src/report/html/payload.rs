//! What the page is given: one JSON document, written by [`super::build`] and read by assets/report/js.
//!
//! Lists over trials are in the order of the ranking, so that a trial is named by its index (rank - 1).

use serde::{Serialize, Serializer};

/// A number with at most six significant digits, as many as a plot or a table can use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Short(pub(super) f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return serializer.serialize_none();
        }
        // Whole numbers without a fraction are shorter.
        let rounded: f64 = format!("{:.5e}", self.0).parse().unwrap_or(self.0);
        if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
            serializer.serialize_i64(rounded as i64)
        } else {
            serializer.serialize_f64(rounded)
        }
    }
}

/// All of the page.
#[derive(Debug, Serialize)]
pub(super) struct Payload {
    pub(super) run: Run,
    pub(super) headline: Headline,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) ranking: RankingOf,
    pub(super) trials: Trials,
    pub(super) parameters: Vec<Parameter>,
    pub(super) metrics: Vec<Metric>,
    pub(super) importance: Vec<Importance>,
    pub(super) comparison: Option<Comparison>,
    pub(super) methods: Option<Comparison>,
    pub(super) intervals: Vec<Intervals>,
    pub(super) details: Vec<Detail>,
    pub(super) losses: Losses,
    pub(super) timeline: Timeline,
}

/// Which run this is.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) program: String,
    pub(super) libtorch: String,
    pub(super) started_at: String,
    pub(super) updated_at: String,
    pub(super) scores: String,
    pub(super) data_fingerprint: String,
    pub(super) split_fingerprints: Vec<String>,
    pub(super) data_notes: Vec<String>,
    pub(super) rows: usize,
    pub(super) failed: usize,
    pub(super) jobs: usize,
    pub(super) sweep_yaml: String,
    /// Hyperparameters that all trials share.
    pub(super) constants: Vec<(String, String)>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Headline {
    /// The winner's hyperparameters in words; `None` without any metrics.
    pub(super) winner: Option<String>,
    /// How sure that is, in sentences.
    pub(super) sure: Vec<String>,
    /// What it costs and buys, in sentences.
    pub(super) price: Vec<String>,
    /// The figures of the winner in large type.
    pub(super) tiles: Vec<Tile>,
}

/// A figure in large type.
#[derive(Debug, Serialize)]
pub(super) struct Tile {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) note: String,
}

/// 95 % bootstrap intervals of one trial on the test rows, by column.
#[derive(Debug, Serialize)]
pub(super) struct Intervals {
    pub(super) trial: usize,
    pub(super) test_average_precision: Option<(Short, Short)>,
    pub(super) test_op_fn: Option<(Short, Short)>,
    pub(super) test_op_fp: Option<(Short, Short)>,
    pub(super) test_op_recall: Option<(Short, Short)>,
}

/// Figures side by side.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// Heads of the columns.
    pub(super) columns: Vec<String>,
    /// A name and its cells.
    pub(super) rows: Vec<(String, Vec<String>)>,
    pub(super) note: String,
}

/// How the trials were ranked.
#[derive(Debug, Serialize)]
pub(super) struct RankingOf {
    /// `val` or `test`: the prefix of the columns that rank.
    pub(super) on: &'static str,
    /// Columns, the most important first.
    pub(super) keys: Vec<String>,
    pub(super) replicates: u32,
    pub(super) swept: Vec<String>,
    pub(super) winner: Option<usize>,
    pub(super) baseline: Option<usize>,
    pub(super) published: Option<Published>,
    /// Trials of which less than all is embedded.
    pub(super) without_details: usize,
}

/// The trial nearest to alpha 0.25, gamma 2.
#[derive(Debug, Serialize)]
pub(super) struct Published {
    pub(super) trial: usize,
    pub(super) exact: bool,
}

/// A list for each thing that is known of all trials.
#[derive(Debug, Default, Serialize)]
pub(super) struct Trials {
    pub(super) id: Vec<String>,
    pub(super) words: Vec<String>,
    pub(super) front: Vec<Option<usize>>,
    pub(super) tied: Vec<Option<bool>>,
    pub(super) p: Vec<Option<Short>>,
    pub(super) state: Vec<String>,
    pub(super) error: Vec<Option<String>>,
    pub(super) replicates: Vec<usize>,
    /// Seconds from the start of the run to the trial's last row.
    pub(super) finished: Vec<Option<Short>>,
    pub(super) devices: Vec<String>,
}

/// A hyperparameter.
#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) swept: bool,
    /// Whether all values are numbers.
    pub(super) numeric: bool,
    /// Values by trial; null where the loss does not read it.
    pub(super) values: Vec<serde_json::Value>,
}

/// A column of results.parquet.
#[derive(Debug, Serialize)]
pub(super) struct Metric {
    pub(super) column: String,
    /// In words: `FN on test at the operating point`.
    pub(super) title: String,
    /// The head of a table's column: `FN`.
    pub(super) short: String,
    /// What stands over several heads: `test op`.
    pub(super) group: String,
    pub(super) count: bool,
    pub(super) decimals: usize,
    /// 1: more is better, -1: less is better, 0: neither.
    pub(super) goal: i8,
    /// By trial.
    pub(super) mean: Vec<Option<Short>>,
    /// How far it may be off, by trial; empty where that is not known of any.
    pub(super) error: Vec<Option<Short>>,
}

/// How much of a metric's variation each hyperparameter explains.
#[derive(Debug, Serialize)]
pub(super) struct Importance {
    pub(super) column: String,
    pub(super) shares: Vec<(String, Short)>,
}

/// What is only embedded for some trials.
#[derive(Debug, Default, Serialize)]
pub(super) struct Detail {
    pub(super) trial: usize,
    pub(super) history: Vec<History>,
    pub(super) roc: Vec<Curve>,
    pub(super) precision_recall: Vec<Curve>,
    pub(super) thresholds: Option<Thresholds>,
    pub(super) histogram: Option<Histogram>,
    pub(super) calibration: Option<Calibration>,
}

/// The epochs of one replicate.
#[derive(Debug, Default, Serialize)]
pub(super) struct History {
    pub(super) replicate: u32,
    pub(super) best_epoch: Option<u32>,
    pub(super) train_loss: Vec<Short>,
    pub(super) val_loss: Vec<Short>,
    pub(super) val_auc: Vec<Option<Short>>,
}

/// A curve with its band.
#[derive(Debug, Default, Serialize)]
pub(super) struct Curve {
    /// `train`, `val` or `test`.
    pub(super) split: &'static str,
    pub(super) x: Vec<Short>,
    pub(super) y: Vec<Short>,
    pub(super) low: Vec<Short>,
    pub(super) high: Vec<Short>,
}

/// Counts at many thresholds, means over the replicates.
#[derive(Debug, Serialize)]
pub(super) struct Thresholds {
    pub(super) threshold: Vec<Short>,
    pub(super) positives: [Short; 2],
    pub(super) negatives: [Short; 2],
    /// Validation and test.
    pub(super) tp: [Vec<Short>; 2],
    pub(super) fp: [Vec<Short>; 2],
    pub(super) recall: [Vec<Short>; 2],
    /// Null where a replicate flags nobody.
    pub(super) precision: [Vec<Option<Short>>; 2],
}

/// Test rows of each class by score, summed over the replicates.
#[derive(Debug, Serialize)]
pub(super) struct Histogram {
    pub(super) low: Short,
    pub(super) width: Short,
    pub(super) positives: Vec<u32>,
    pub(super) negatives: Vec<u32>,
}

/// How well scores agree with what happened, on the test rows of all replicates.
#[derive(Debug, Serialize)]
pub(super) struct Calibration {
    pub(super) kinds: Vec<CalibrationOf>,
}

/// One kind of scores: raw, Platt, isotonic.
#[derive(Debug, Serialize)]
pub(super) struct CalibrationOf {
    pub(super) name: &'static str,
    /// Mean score, share of positives and rows of each bin.
    pub(super) bins: Vec<(Short, Short, u64)>,
    /// Expected calibration error, mean over the replicates.
    pub(super) ece: Option<Short>,
    /// Brier score, likewise.
    pub(super) brier: Option<Short>,
}

/// The loss itself: figures 1 and 4 of Lin et al. 2017.
#[derive(Debug, Default, Serialize)]
pub(super) struct Losses {
    pub(super) gammas: Vec<Short>,
    pub(super) p_t: Vec<Short>,
    /// By gamma, then by p_t; without alpha.
    pub(super) loss: Vec<Vec<Short>>,
    /// Shares of the rows, for the next two.
    pub(super) share: Vec<Short>,
    /// By gamma: share of the loss of the positives that these rows have, from the least to the greatest.
    pub(super) positives: Vec<Vec<Short>>,
    pub(super) negatives: Vec<Vec<Short>>,
}

/// When each job was trained, and on what.
#[derive(Debug, Default, Serialize)]
pub(super) struct Timeline {
    pub(super) lanes: Vec<String>,
    pub(super) jobs: Vec<JobBar>,
}

/// A job.
#[derive(Debug, Serialize)]
pub(super) struct JobBar {
    pub(super) lane: usize,
    pub(super) job: String,
    pub(super) replicate: u32,
    pub(super) trials: usize,
    pub(super) failed: usize,
    /// Seconds from the start of the run.
    pub(super) start: Short,
    pub(super) end: Short,
}
