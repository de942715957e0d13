//! What the page is given: one JSON document, written by [`super::build`] and read by assets/report/js.
//!
//! Lists over trials are in the order of the ranking, so that a trial is named by its index (rank - 1).

use serde::{Serialize, Serializer};

/// A number with at most six significant digits, as many as a plot or a table can use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Short(pub(in crate::report) f64);

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
pub(in crate::report) struct Payload {
    pub(in crate::report) run: Run,
    pub(in crate::report) headline: Headline,
    pub(in crate::report) warnings: Vec<String>,
    pub(in crate::report) notes: Vec<String>,
    pub(in crate::report) ranking: RankingOf,
    pub(in crate::report) trials: Trials,
    pub(in crate::report) parameters: Vec<Parameter>,
    pub(in crate::report) metrics: Vec<Metric>,
    pub(in crate::report) importance: Vec<Importance>,
    pub(in crate::report) comparison: Option<Comparison>,
    pub(in crate::report) methods: Option<Comparison>,
    pub(in crate::report) intervals: Vec<Intervals>,
    pub(in crate::report) details: Vec<Detail>,
    pub(in crate::report) losses: Losses,
    pub(in crate::report) timeline: Timeline,
}

/// Which run this is.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Run {
    pub(in crate::report) name: String,
    pub(in crate::report) state: String,
    pub(in crate::report) program: String,
    pub(in crate::report) libtorch: String,
    pub(in crate::report) started_at: String,
    pub(in crate::report) updated_at: String,
    pub(in crate::report) scores: String,
    pub(in crate::report) data_fingerprint: String,
    pub(in crate::report) split_fingerprints: Vec<String>,
    pub(in crate::report) data_notes: Vec<String>,
    pub(in crate::report) rows: usize,
    pub(in crate::report) failed: usize,
    pub(in crate::report) jobs: usize,
    pub(in crate::report) sweep_yaml: String,
    /// Hyperparameters that all trials share.
    pub(in crate::report) constants: Vec<(String, String)>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Headline {
    /// The winner's hyperparameters in words; `None` without any metrics.
    pub(in crate::report) winner: Option<String>,
    /// How sure that is, in sentences.
    pub(in crate::report) sure: Vec<String>,
    /// What it costs and buys, in sentences.
    pub(in crate::report) price: Vec<String>,
    /// The figures of the winner in large type.
    pub(in crate::report) tiles: Vec<Tile>,
}

/// A figure in large type.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Tile {
    pub(in crate::report) label: String,
    pub(in crate::report) value: String,
    pub(in crate::report) note: String,
}

/// 95 % bootstrap intervals of one trial on the test rows, by column.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Intervals {
    pub(in crate::report) trial: usize,
    pub(in crate::report) test_average_precision: Option<(Short, Short)>,
    pub(in crate::report) test_op_fn: Option<(Short, Short)>,
    pub(in crate::report) test_op_fp: Option<(Short, Short)>,
    pub(in crate::report) test_op_recall: Option<(Short, Short)>,
}

/// Figures side by side.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Comparison {
    /// Heads of the columns.
    pub(in crate::report) columns: Vec<String>,
    /// A name and its cells; what stands after a line break is the test of what stands before.
    pub(in crate::report) rows: Vec<(String, Vec<String>)>,
    pub(in crate::report) note: String,
}

/// How the trials were ranked.
#[derive(Debug, Serialize)]
pub(in crate::report) struct RankingOf {
    /// `val` or `test`: the prefix of the columns that rank.
    pub(in crate::report) on: &'static str,
    /// Columns, the most important first.
    pub(in crate::report) keys: Vec<String>,
    /// What ties are judged by, such as `AUC`; nothing where nobody was compared with the winner.
    pub(in crate::report) told_by: Option<&'static str>,
    pub(in crate::report) replicates: u32,
    pub(in crate::report) swept: Vec<String>,
    pub(in crate::report) winner: Option<usize>,
    pub(in crate::report) baseline: Option<usize>,
    pub(in crate::report) published: Option<Published>,
    /// Trials of which less than all is embedded.
    pub(in crate::report) without_details: usize,
}

/// The trial nearest to alpha 0.25, gamma 2.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Published {
    pub(in crate::report) trial: usize,
    pub(in crate::report) exact: bool,
}

/// A list for each thing that is known of all trials.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct Trials {
    pub(in crate::report) id: Vec<String>,
    pub(in crate::report) words: Vec<String>,
    pub(in crate::report) front: Vec<Option<usize>>,
    pub(in crate::report) tied: Vec<Option<bool>>,
    pub(in crate::report) p: Vec<Option<Short>>,
    pub(in crate::report) state: Vec<String>,
    pub(in crate::report) error: Vec<Option<String>>,
    pub(in crate::report) replicates: Vec<usize>,
    /// Seconds from the start of the run to the trial's last row.
    pub(in crate::report) finished: Vec<Option<Short>>,
    pub(in crate::report) devices: Vec<String>,
}

/// A hyperparameter.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Parameter {
    pub(in crate::report) name: String,
    pub(in crate::report) swept: bool,
    /// Whether all values are numbers.
    pub(in crate::report) numeric: bool,
    /// Values by trial; null where the loss does not read it.
    pub(in crate::report) values: Vec<serde_json::Value>,
}

/// A column of results.parquet.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Metric {
    pub(in crate::report) column: String,
    /// In words: `FN on test at the operating point`.
    pub(in crate::report) title: String,
    /// The head of a table's column: `FN`.
    pub(in crate::report) short: String,
    /// What stands over several heads: `test op`.
    pub(in crate::report) group: String,
    pub(in crate::report) count: bool,
    pub(in crate::report) decimals: usize,
    /// 1: more is better, -1: less is better, 0: neither.
    pub(in crate::report) goal: i8,
    /// By trial.
    pub(in crate::report) mean: Vec<Option<Short>>,
    /// How far it may be off, by trial; empty where that is not known of any.
    pub(in crate::report) error: Vec<Option<Short>>,
}

/// How much of a metric's variation each hyperparameter explains.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Importance {
    pub(in crate::report) column: String,
    pub(in crate::report) shares: Vec<(String, Short)>,
}

/// What is only embedded for some trials.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct Detail {
    pub(in crate::report) trial: usize,
    pub(in crate::report) history: Vec<History>,
    pub(in crate::report) roc: Vec<Curve>,
    pub(in crate::report) precision_recall: Vec<Curve>,
    pub(in crate::report) thresholds: Option<Thresholds>,
    pub(in crate::report) histogram: Option<Histogram>,
    pub(in crate::report) calibration: Option<Calibration>,
}

/// The epochs of one replicate.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct History {
    pub(in crate::report) replicate: u32,
    pub(in crate::report) best_epoch: Option<u32>,
    pub(in crate::report) train_loss: Vec<Short>,
    pub(in crate::report) val_loss: Vec<Short>,
    pub(in crate::report) val_auc: Vec<Option<Short>>,
}

/// A curve with its band.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct Curve {
    /// `train`, `val` or `test`.
    pub(in crate::report) split: &'static str,
    pub(in crate::report) x: Vec<Short>,
    pub(in crate::report) y: Vec<Short>,
    pub(in crate::report) low: Vec<Short>,
    pub(in crate::report) high: Vec<Short>,
}

/// Counts at many thresholds, means over the replicates.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Thresholds {
    pub(in crate::report) threshold: Vec<Short>,
    pub(in crate::report) positives: [Short; 2],
    pub(in crate::report) negatives: [Short; 2],
    /// Validation and test.
    pub(in crate::report) tp: [Vec<Short>; 2],
    pub(in crate::report) fp: [Vec<Short>; 2],
    pub(in crate::report) recall: [Vec<Short>; 2],
    /// Null where a replicate flags nobody.
    pub(in crate::report) precision: [Vec<Option<Short>>; 2],
}

/// Test rows of each class by score, summed over the replicates.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Histogram {
    pub(in crate::report) low: Short,
    pub(in crate::report) width: Short,
    pub(in crate::report) positives: Vec<u32>,
    pub(in crate::report) negatives: Vec<u32>,
}

/// How well scores agree with what happened, on the test rows of all replicates.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Calibration {
    pub(in crate::report) kinds: Vec<CalibrationOf>,
}

/// One kind of scores: raw, Platt, isotonic.
#[derive(Debug, Serialize)]
pub(in crate::report) struct CalibrationOf {
    pub(in crate::report) name: &'static str,
    /// Mean score, share of positives and rows of each bin.
    pub(in crate::report) bins: Vec<(Short, Short, u64)>,
    /// Expected calibration error, mean over the replicates.
    pub(in crate::report) ece: Option<Short>,
    /// Brier score, likewise.
    pub(in crate::report) brier: Option<Short>,
}

/// The loss itself: figures 1 and 4 of Lin et al. 2017.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct Losses {
    pub(in crate::report) gammas: Vec<Short>,
    pub(in crate::report) p_t: Vec<Short>,
    /// By gamma, then by p_t; without alpha.
    pub(in crate::report) loss: Vec<Vec<Short>>,
    /// Shares of the rows, for the next two.
    pub(in crate::report) share: Vec<Short>,
    /// By gamma: share of the loss of the positives that these rows have, from the least to the greatest.
    pub(in crate::report) positives: Vec<Vec<Short>>,
    pub(in crate::report) negatives: Vec<Vec<Short>>,
}

/// When each job was trained, and on what.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct Timeline {
    pub(in crate::report) lanes: Vec<String>,
    pub(in crate::report) jobs: Vec<JobBar>,
}

/// A job.
#[derive(Debug, Serialize)]
pub(in crate::report) struct JobBar {
    pub(in crate::report) lane: usize,
    pub(in crate::report) job: String,
    pub(in crate::report) replicate: u32,
    pub(in crate::report) trials: usize,
    pub(in crate::report) failed: usize,
    /// Seconds from the start of the run.
    pub(in crate::report) start: Short,
    pub(in crate::report) end: Short,
}
