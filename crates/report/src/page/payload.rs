//! What the page is given: one JSON document, written by [`super::build`] and read by assets/js.
//!
//! Lists over trials are in the order of the ranking, and a trial is named by its index there: its rank - 1, unless
//! trials before it were left out.

use serde::{Serialize, Serializer};

use super::index::Decided;
use super::notes::Node;

/// A number with at most six significant digits, as many as a plot or a table can use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Short(pub(crate) f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return serializer.serialize_none();
        }
        let rounded = six_digits(self.0);
        // Whole numbers without a fraction are shorter.
        if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
            serializer.serialize_i64(rounded as i64)
        } else {
            serializer.serialize_f64(rounded)
        }
    }
}

/// The nearest number with so many significant digits.
fn six_digits(x: f64) -> f64 {
    // A whole number by a power of ten that is exact gives the double nearest to that decimal.
    let digits = 5_i32.saturating_sub(x.abs().log10().floor() as i32);
    if x != 0.0 && (0..=22).contains(&digits) {
        let scale = 10_f64.powi(digits);
        (x * scale).round() / scale
    } else {
        format!("{x:.5e}").parse().unwrap_or(x)
    }
}

/// All of the page.
#[derive(Debug, Serialize)]
pub(crate) struct Payload {
    pub(crate) run: Run,
    pub(crate) headline: Headline,
    /// What to deploy.
    pub(crate) decision: Option<Decided>,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Words with their meanings.
    pub(crate) words: Vec<(String, String)>,
    pub(crate) ranking: RankingOf,
    pub(crate) trials: Trials,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) metrics: Vec<Metric>,
    /// Those that have maps.
    pub(crate) maps: Vec<MapOf>,
    /// Columns that the table of trials has at first.
    pub(crate) first_columns: Vec<String>,
    pub(crate) course: Vec<Course>,
    pub(crate) importance: Vec<ImportanceIn>,
    pub(crate) comparison: Option<Comparison>,
    pub(crate) methods: Option<Comparison>,
    pub(crate) intervals: Vec<Intervals>,
    pub(crate) details: Vec<Detail>,
    pub(crate) losses: Losses,
    pub(crate) timeline: Timeline,
}

/// Which run this is.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) program: String,
    pub(crate) libtorch: Option<String>,
    pub(crate) started_at: String,
    pub(crate) updated_at: String,
    pub(crate) scores: String,
    pub(crate) data_fingerprint: String,
    pub(crate) split_fingerprints: Vec<String>,
    pub(crate) data_notes: Vec<String>,
    pub(crate) rows: usize,
    pub(crate) failed: usize,
    pub(crate) jobs: usize,
    pub(crate) sweep_yaml: String,
    /// Hyperparameters that all trials share.
    pub(crate) constants: Vec<(String, String)>,
    /// What the user wrote down beside it.
    pub(crate) notes: Vec<Node>,
    /// How far it is, where it is not over.
    pub(crate) so_far: Option<SoFar>,
    /// Seconds after which the page loads itself again.
    pub(crate) reload_seconds: Option<u32>,
}

/// Of a run that is not over, what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SoFar {
    /// Rows of results that there are.
    pub rows: usize,
    /// Rows of results that there are to be.
    pub of: usize,
    /// Whether it is under way; else it ended before it was done.
    pub goes_on: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Headline {
    /// The winner's hyperparameters in words; `None` without any metrics.
    pub(crate) winner: Option<String>,
    /// How sure that is, in sentences.
    pub(crate) sure: Vec<String>,
    /// What it costs and buys, in sentences.
    pub(crate) price: Vec<String>,
    /// The figures of the winner in large type.
    pub(crate) tiles: Vec<Tile>,
}

/// A figure in large type.
#[derive(Debug, Serialize)]
pub(crate) struct Tile {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) note: String,
}

/// 95 % bootstrap intervals of one trial on the test rows, by column.
#[derive(Debug, Serialize)]
pub(crate) struct Intervals {
    pub(crate) trial: usize,
    pub(crate) test_average_precision: Option<(Short, Short)>,
    pub(crate) test_op_fn: Option<(Short, Short)>,
    pub(crate) test_op_fp: Option<(Short, Short)>,
    pub(crate) test_op_recall: Option<(Short, Short)>,
}

/// Figures side by side.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// Heads of the columns.
    pub(crate) columns: Vec<String>,
    /// A name and its cells; what stands after a line break is the test of what stands before.
    pub(crate) rows: Vec<(String, Vec<String>)>,
    pub(crate) note: String,
}

/// How the trials were ranked.
#[derive(Debug, Serialize)]
pub(crate) struct RankingOf {
    /// The column by which rows count; absent where each counts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<String>,
    /// `val` or `test`: the prefix of the columns that rank.
    pub(crate) on: &'static str,
    /// Columns, the most important first.
    pub(crate) keys: Vec<String>,
    /// What ties are judged by, such as `AUC`; nothing where nobody was compared with the winner.
    pub(crate) told_by: Option<&'static str>,
    /// How their p-values were corrected: `max-T` or `Holm`.
    pub(crate) corrected_by: Option<&'static str>,
    pub(crate) replicates: u32,
    /// How trials were chosen: `grid`, `tpe`; `None` where the run does not say.
    pub(crate) method: Option<&'static str>,
    /// Trials that were asked for.
    pub(crate) asked: usize,
    /// What the bands of ROC curves are.
    pub(crate) roc_bands: String,
    pub(crate) swept: Vec<String>,
    pub(crate) winner: Option<usize>,
    pub(crate) baseline: Option<usize>,
    pub(crate) published: Option<Published>,
    /// All trials, those too that are not here.
    pub(crate) all: usize,
    /// Trials of which less than all is embedded.
    pub(crate) without_details: usize,
}

/// The trial nearest to alpha 0.25, gamma 2.
#[derive(Debug, Serialize)]
pub(crate) struct Published {
    pub(crate) trial: usize,
    pub(crate) exact: bool,
    /// `alpha 0.25 and gamma 2`.
    pub(crate) words: String,
}

/// A list for each thing that is known of the trials.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Trials {
    pub(crate) id: Vec<String>,
    pub(crate) rank: Vec<usize>,
    pub(crate) words: Vec<String>,
    pub(crate) front: Vec<Option<usize>>,
    pub(crate) tied: Vec<Option<bool>>,
    pub(crate) p: Vec<Option<Short>>,
    pub(crate) state: Vec<String>,
    pub(crate) error: Vec<Option<String>>,
    pub(crate) replicates: Vec<usize>,
    /// Its number among those asked for, from 1.
    pub(crate) order: Vec<usize>,
    /// Seconds of training until its last row ended, pauses not counted.
    pub(crate) trained: Vec<Option<Short>>,
    /// Seconds from the start of the run to the trial's last row.
    pub(crate) finished: Vec<Option<Short>>,
    pub(crate) devices: Vec<String>,
}

/// A hyperparameter.
#[derive(Debug, Serialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// In words.
    pub(crate) title: String,
    /// Whether losses of trials that differ in it do not compare.
    pub(crate) shapes_loss: bool,
    /// Whether it makes a way to deal with a rare class.
    pub(crate) makes_method: bool,
    /// Whether it is the bias that a trial starts from.
    pub(crate) is_start: bool,
    /// Its value in the published pair; the hyperparameters that have one are the axes of maps where both were swept.
    pub(crate) published: Option<f64>,
    pub(crate) swept: bool,
    /// Whether all values are numbers.
    pub(crate) numeric: bool,
    /// Whether its axis is logarithmic.
    pub(crate) by_factors: bool,
    /// Ends of the ranges in which maps have its numbers; empty where each value has a place of its own.
    pub(crate) ranges: Vec<f64>,
    /// Values by trial; null where the loss does not read it.
    pub(crate) values: Vec<serde_json::Value>,
}

/// A column of results.parquet.
#[derive(Debug, Serialize)]
pub(crate) struct Metric {
    pub(crate) column: String,
    /// Its name on any rows: `op_fn`.
    pub(crate) name: &'static str,
    /// `train`, `val`, `test`, or nothing.
    pub(crate) split: &'static str,
    /// Whether it is offered for the axes of plots.
    pub(crate) plotted: bool,
    /// Whether its mean stands in the table with how far it may be off.
    pub(crate) with_error: bool,
    /// In words: `FN on test at the operating point`.
    pub(crate) title: String,
    /// The head of a table's column: `FN`.
    pub(crate) short: &'static str,
    /// What stands over several heads: `test op`.
    pub(crate) group: &'static str,
    pub(crate) count: bool,
    pub(crate) decimals: usize,
    /// 1: more is better, -1: less is better, 0: neither.
    pub(crate) goal: i8,
    /// By trial.
    pub(crate) mean: Vec<Option<Short>>,
    /// How far it may be off, by trial; empty where that is not known of any.
    pub(crate) error: Vec<Option<Short>>,
}

/// A metric that has a map over two hyperparameters.
#[derive(Debug, Serialize)]
pub(crate) struct MapOf {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

/// What matters among some of the trials.
#[derive(Debug, Serialize)]
pub(crate) struct ImportanceIn {
    /// Hyperparameters that these trials read and others do not; empty where it is all trials.
    pub(crate) reads: Vec<String>,
    /// How many trials there are, and how many of them were drawn to be looked at.
    pub(crate) trials: usize,
    pub(crate) sampled: usize,
    pub(crate) axes: Vec<AxisOf>,
    /// By metric.
    pub(crate) of: Vec<Importance>,
}

/// A hyperparameter and the values at which averages are given.
#[derive(Debug, Serialize)]
pub(crate) struct AxisOf {
    pub(crate) name: String,
    pub(crate) at: Vec<serde_json::Value>,
}

/// What a model of the trials says of a metric.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Importance {
    pub(crate) column: String,
    /// Trials that have it.
    pub(crate) trials: usize,
    /// Why nothing can be said, in a sentence; then all that follows is empty.
    pub(crate) why_not: Option<String>,
    /// Share of the variance that the model explains on trials that it has not seen.
    pub(crate) explained: Option<Short>,
    /// Shares of the variance of the model, the largest first.
    pub(crate) alone: Vec<Single>,
    pub(crate) together: Vec<Pair>,
    /// What is left for three and more together.
    pub(crate) rest: Option<Short>,
}

/// What a hyperparameter explains by itself.
#[derive(Debug, Serialize)]
pub(crate) struct Single {
    pub(crate) name: String,
    pub(crate) share: Short,
    /// Mean of the metric over all else at the places of its axis, and its standard deviation over the trees.
    pub(crate) average: Vec<Short>,
    pub(crate) spread: Vec<Short>,
}

/// What two explain beyond what each does by itself.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) names: [String; 2],
    pub(crate) share: Short,
    /// Of the first pair alone.
    pub(crate) average: Option<PairAverage>,
}

/// Mean of a metric over all else, along two hyperparameters.
#[derive(Debug, Serialize)]
pub(crate) struct PairAverage {
    /// Values of both.
    pub(crate) at: [Vec<serde_json::Value>; 2],
    /// By the value of the first, then of the second.
    pub(crate) value: Vec<Vec<Short>>,
}

/// The best until then by one metric on the validation rows.
#[derive(Debug, Serialize)]
pub(crate) struct Course {
    pub(crate) column: String,
    /// In the order in which trials were asked for.
    pub(crate) by_order: Vec<Step>,
    /// In the order in which they ended; empty where times are not known.
    pub(crate) by_time: Vec<Step>,
}

/// A trial that was better than all before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Step {
    /// Its index, where it is in the page.
    pub(crate) trial: Option<usize>,
    /// Its number among those asked for, from 1.
    pub(crate) order: usize,
    /// Seconds of training until it ended.
    pub(crate) trained: Option<Short>,
    pub(crate) value: Short,
    /// The same metric on the test rows.
    pub(crate) test: Option<Short>,
}

/// What is only embedded for some trials.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Detail {
    pub(crate) trial: usize,
    pub(crate) history: Vec<History>,
    pub(crate) roc: Vec<Curve>,
    pub(crate) precision_recall: Vec<Curve>,
    pub(crate) thresholds: Option<Thresholds>,
    pub(crate) histogram: Option<Histogram>,
    pub(crate) calibration: Option<Calibration>,
}

/// The epochs of one replicate.
#[derive(Debug, Default, Serialize)]
pub(crate) struct History {
    pub(crate) replicate: u32,
    pub(crate) best_epoch: Option<u32>,
    pub(crate) train_loss: Vec<Short>,
    pub(crate) val_loss: Vec<Short>,
    pub(crate) val_auc: Vec<Option<Short>>,
}

/// A curve with its band.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Curve {
    /// `train`, `val` or `test`.
    pub(crate) split: &'static str,
    pub(crate) x: Vec<Short>,
    pub(crate) y: Vec<Short>,
    pub(crate) low: Vec<Short>,
    pub(crate) high: Vec<Short>,
}

/// Counts at many thresholds, means over the replicates.
#[derive(Debug, Serialize)]
pub(crate) struct Thresholds {
    pub(crate) threshold: Vec<Short>,
    pub(crate) positives: [Short; 2],
    pub(crate) negatives: [Short; 2],
    /// Validation and test.
    pub(crate) tp: [Vec<Short>; 2],
    pub(crate) fp: [Vec<Short>; 2],
    pub(crate) recall: [Vec<Short>; 2],
    /// Null where a replicate flags nobody.
    pub(crate) precision: [Vec<Option<Short>>; 2],
}

/// Test rows of each class by score, summed over the replicates.
#[derive(Debug, Serialize)]
pub(crate) struct Histogram {
    pub(crate) low: Short,
    pub(crate) width: Short,
    pub(crate) positives: Vec<u32>,
    pub(crate) negatives: Vec<u32>,
}

/// How well scores agree with what happened, on the test rows of all replicates.
#[derive(Debug, Serialize)]
pub(crate) struct Calibration {
    pub(crate) kinds: Vec<CalibrationOf>,
}

/// One kind of scores: raw, Platt, isotonic, what the loss says.
#[derive(Debug, Serialize)]
pub(crate) struct CalibrationOf {
    pub(crate) name: &'static str,
    /// Mean score, share of positives and rows of each bin.
    pub(crate) bins: Vec<(Short, Short, u64)>,
    /// Expected calibration error, mean over the replicates.
    pub(crate) ece: Option<Short>,
    /// Brier score, likewise.
    pub(crate) brier: Option<Short>,
}

/// The loss itself: figures 1 and 4 of Lin et al. 2017.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Losses {
    pub(crate) gammas: Vec<Short>,
    pub(crate) p_t: Vec<Short>,
    /// By gamma, then by p_t; without alpha.
    pub(crate) loss: Vec<Vec<Short>>,
    /// Shares of the rows, for the next two.
    pub(crate) share: Vec<Short>,
    /// By gamma: share of the loss of the positives that these rows have, from the least to the greatest.
    pub(crate) positives: Vec<Vec<Short>>,
    pub(crate) negatives: Vec<Vec<Short>>,
}

/// When each job was trained, and on what.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timeline {
    pub(crate) lanes: Vec<String>,
    pub(crate) jobs: Vec<JobBar>,
}

/// A job.
#[derive(Debug, Serialize)]
pub(crate) struct JobBar {
    pub(crate) lane: usize,
    pub(crate) job: String,
    pub(crate) replicate: u32,
    pub(crate) trials: usize,
    pub(crate) failed: usize,
    /// Seconds from the start of the run.
    pub(crate) start: Short,
    pub(crate) end: Short,
}
