//! All that is known of each metric, once: rank keys, columns of results.parquet, tables, page and figures read it
//! here.
//!
//! A metric is an entry of [`METRICS`]; without its measurement the entry does not compile. A figure that nobody has
//! measured yet is a field of [`SplitMetrics`] as well.

use super::confusion::Confusion;
use super::split::SplitMetrics;
use crate::spec::OperatingPoint;

/// A figure that says how good a trained trial is, or how its training went.
#[derive(Debug)]
pub struct Metric {
    /// Without the prefix of the rows: `auc`, `op_fn`.
    pub name: &'static str,
    /// In words: `ROC AUC`.
    pub title: &'static str,
    /// The head of a narrow column: `AUC`.
    pub short: &'static str,
    /// What people call it elsewhere.
    pub aliases: &'static [&'static str],
    /// Which way is better; `None` where neither is, so that it cannot rank.
    pub better: Option<Better>,
    /// How it is written.
    pub written: Written,
    /// Where it comes from, which says on which rows there is one.
    pub source: Source,
    /// The standard error that its rows have by themselves: the column beside it, whose name ends in `_se`.
    pub standard_error: Option<fn(&SplitMetrics) -> Option<f64>>,
    /// What tells two trials apart by it.
    pub test: Option<Test>,
    /// Whether the page offers it for the axes of plots: it says how well scores separate the classes.
    pub plotted: bool,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The more, the better.
    More,
    /// The less, the better.
    Less,
}

/// How a metric's numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// A number of rows: without decimals where it is whole, else, a mean, with one.
    Rows,
    /// Another whole number, likewise.
    Whole,
    /// With so many decimals.
    Decimals(usize),
}

/// Where a metric comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The scores of the rows; no threshold is asked.
    Scores(fn(&SplitMetrics) -> Option<f64>),
    /// The rows flagged at threshold 0.5.
    AtHalf(OfCounts),
    /// The scores of the rows, up to where the operating point's rule goes; `None` where the rule has no such place.
    ScoresToPoint(fn(&SplitMetrics) -> Option<f64>),
    /// The rows flagged at the operating point's threshold.
    AtOperatingPoint(OfCounts),
    /// The same, weighed by what the operating point says of misses and false alarms; `None` where it says nothing. Not
    /// in results.parquet.
    Weighed(fn(&OperatingPoint, &Confused) -> Option<f64>),
    /// The training itself: one for all rows.
    Training,
}

/// Counts at a threshold, or their means over replicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confused {
    /// Positives flagged.
    pub tp: f64,
    /// Negatives flagged.
    pub fp: f64,
    /// Negatives not flagged.
    pub tn: f64,
    /// Positives not flagged.
    pub fn_: f64,
}

impl From<Confusion> for Confused {
    fn from(Confusion { tp, fp, tn, fn_ }: Confusion) -> Self {
        Self { tp, fp, tn, fn_ }
    }
}

impl Confused {
    /// Rows.
    pub fn rows(&self) -> f64 {
        self.tp + self.fp + self.tn + self.fn_
    }

    /// What the errors cost per 1,000 rows; `None` where the operating point says no costs.
    pub fn cost(&self, point: &OperatingPoint) -> Option<f64> {
        let OperatingPoint::Cost { fn_cost, fp_cost } = *point else { return None };
        Some(1000.0 * (self.fn_ * fn_cost + self.fp * fp_cost) / self.rows())
    }

    /// Net benefit (Vickers & Elkin 2006, Medical Decision Making 26(6)): positives caught less false alarms at what
    /// one of these is worth of those, as a share of the rows. `None` where the operating point does not say what.
    pub fn net_benefit(&self, point: &OperatingPoint) -> Option<f64> {
        Some((self.tp - self.fp * point.false_alarm_weight()?) / self.rows())
    }
}

/// What is made of the counts at a threshold.
#[derive(Debug, Clone, Copy)]
pub enum OfCounts {
    /// One of them.
    Count(fn(&Confusion) -> f64),
    /// A share of some among others; `None` where it is 0/0.
    Share(fn(&Confusion) -> Option<f64>),
}

/// What a paired test of two trials on the same rows is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// The AUC: DeLong's variance.
    Auc,
    /// Average precision: the infinitesimal jackknife's variance.
    AveragePrecision,
    /// The positives missed at the operating point: a bootstrap in which thresholds are chosen anew.
    Missed,
    /// The false alarms there, likewise.
    Alarms,
    /// What both cost, likewise.
    Cost,
}

/// Rows on which a metric is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those that were trained on.
    Training,
    /// Those that choose.
    Validation,
    /// Those that only measure.
    Test,
}

/// A column of results.parquet that holds a metric.
#[derive(Debug, Clone, Copy)]
pub struct MetricColumn {
    /// The metric.
    pub metric: &'static Metric,
    /// Its rows; `None` for figures of the training itself.
    pub part: Option<Part>,
    /// Whether it is the metric's standard error instead.
    pub is_error: bool,
}

/// What most metrics are; each entry says what else it is.
const PLAIN: Metric = Metric {
    name: "",
    title: "",
    short: "",
    aliases: &[],
    better: None,
    written: Written::Decimals(3),
    source: Source::Training,
    standard_error: None,
    test: None,
    plotted: false,
};

const fn scores(measure: fn(&SplitMetrics) -> Option<f64>) -> Source {
    Source::Scores(measure)
}

const fn count_at_half(count: fn(&Confusion) -> f64) -> Source {
    Source::AtHalf(OfCounts::Count(count))
}

const fn share_at_half(share: fn(&Confusion) -> Option<f64>) -> Source {
    Source::AtHalf(OfCounts::Share(share))
}

const fn count_at_point(count: fn(&Confusion) -> f64) -> Source {
    Source::AtOperatingPoint(OfCounts::Count(count))
}

const fn share_at_point(share: fn(&Confusion) -> Option<f64>) -> Source {
    Source::AtOperatingPoint(OfCounts::Share(share))
}

/// Every metric, in the order of the columns of results.parquet.
pub static METRICS: &[Metric] = &[
    Metric {
        name: "loss",
        title: "Own loss",
        short: "loss",
        better: Some(Better::Less),
        written: Written::Decimals(4),
        source: scores(|m| m.loss),
        ..PLAIN
    },
    Metric {
        name: "auc",
        title: "ROC AUC",
        short: "AUC",
        aliases: &["roc_auc", "auroc"],
        better: Some(Better::More),
        written: Written::Decimals(4),
        source: scores(|m| m.auc),
        standard_error: Some(|m| m.auc_se),
        test: Some(Test::Auc),
        plotted: true,
    },
    Metric {
        name: "average_precision",
        title: "Average precision",
        short: "AP",
        aliases: &["ap", "pr_auc", "auprc"],
        better: Some(Better::More),
        written: Written::Decimals(4),
        source: scores(|m| m.average_precision),
        test: Some(Test::AveragePrecision),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "tp",
        title: "True positives",
        short: "TP",
        better: Some(Better::More),
        written: Written::Rows,
        source: count_at_half(|c| c.tp),
        ..PLAIN
    },
    Metric {
        name: "fp",
        title: "False positives",
        short: "FP",
        aliases: &["false_positives", "fpr"],
        better: Some(Better::Less),
        written: Written::Rows,
        source: count_at_half(|c| c.fp),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "tn",
        title: "True negatives",
        short: "TN",
        better: Some(Better::More),
        written: Written::Rows,
        source: count_at_half(|c| c.tn),
        ..PLAIN
    },
    Metric {
        name: "fn",
        title: "False negatives",
        short: "FN",
        aliases: &["false_negatives", "fnr", "missed"],
        better: Some(Better::Less),
        written: Written::Rows,
        source: count_at_half(|c| c.fn_),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "accuracy",
        title: "Accuracy",
        short: "accuracy",
        better: Some(Better::More),
        source: share_at_half(Confusion::accuracy),
        ..PLAIN
    },
    Metric {
        name: "precision",
        title: "Precision",
        short: "precision",
        better: Some(Better::More),
        source: share_at_half(Confusion::precision),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "recall",
        title: "Recall",
        short: "recall",
        aliases: &["sensitivity", "tpr"],
        better: Some(Better::More),
        source: share_at_half(Confusion::recall),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "f1",
        title: "F1",
        short: "F1",
        better: Some(Better::More),
        source: share_at_half(Confusion::f1),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "mcc",
        title: "Matthews correlation",
        short: "MCC",
        better: Some(Better::More),
        source: share_at_half(Confusion::mcc),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "brier",
        title: "Brier score",
        short: "brier",
        better: Some(Better::Less),
        written: Written::Decimals(4),
        source: scores(|m| m.brier),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "op_tp",
        title: "True positives",
        short: "TP",
        better: Some(Better::More),
        written: Written::Rows,
        source: count_at_point(|c| c.tp),
        test: Some(Test::Missed),
        ..PLAIN
    },
    Metric {
        name: "op_fp",
        title: "False positives",
        short: "FP",
        better: Some(Better::Less),
        written: Written::Rows,
        source: count_at_point(|c| c.fp),
        test: Some(Test::Alarms),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "op_tn",
        title: "True negatives",
        short: "TN",
        better: Some(Better::More),
        written: Written::Rows,
        source: count_at_point(|c| c.tn),
        ..PLAIN
    },
    Metric {
        name: "op_fn",
        title: "False negatives",
        short: "FN",
        better: Some(Better::Less),
        written: Written::Rows,
        source: count_at_point(|c| c.fn_),
        test: Some(Test::Missed),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "op_precision",
        title: "Precision",
        short: "precision",
        better: Some(Better::More),
        source: share_at_point(Confusion::precision),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "op_recall",
        title: "Recall",
        short: "recall",
        better: Some(Better::More),
        source: share_at_point(Confusion::recall),
        test: Some(Test::Missed),
        plotted: true,
        ..PLAIN
    },
    Metric {
        name: "op_fpr",
        title: "False-positive rate",
        short: "FPR",
        better: Some(Better::Less),
        written: Written::Decimals(5),
        source: share_at_point(Confusion::fpr),
        ..PLAIN
    },
    Metric {
        name: "partial_auc",
        title: "Partial ROC AUC up to the operating point's false-positive rate, standardised",
        short: "pAUC",
        aliases: &["pauc"],
        better: Some(Better::More),
        written: Written::Decimals(4),
        source: Source::ScoresToPoint(|m| m.partial_auc),
        ..PLAIN
    },
    Metric {
        name: "precision_at_k",
        title: "Precision among the first k rows",
        short: "P@k",
        aliases: &["p_at_k", "precision@k", "r_precision"],
        better: Some(Better::More),
        source: Source::ScoresToPoint(|m| m.precision_at_k),
        ..PLAIN
    },
    Metric {
        name: "cost",
        title: "Cost per 1,000 rows",
        short: "cost",
        better: Some(Better::Less),
        written: Written::Decimals(1),
        source: Source::Weighed(|point, counts| counts.cost(point)),
        test: Some(Test::Cost),
        ..PLAIN
    },
    Metric {
        name: "net_benefit",
        title: "Net benefit",
        short: "net benefit",
        better: Some(Better::More),
        written: Written::Decimals(5),
        source: Source::Weighed(|point, counts| counts.net_benefit(point)),
        ..PLAIN
    },
    Metric {
        name: "epochs_run",
        title: "Epochs run",
        short: "epochs",
        better: Some(Better::Less),
        written: Written::Whole,
        ..PLAIN
    },
    Metric { name: "best_epoch", title: "Best epoch", short: "best epoch", ..PLAIN },
    Metric { name: "train_seconds", title: "Training time, seconds", short: "train (s)", ..PLAIN },
    Metric { name: "threshold", title: "Threshold of the operating point", short: "threshold", ..PLAIN },
    Metric { name: "threshold_raw", title: "Logit of that threshold", short: "threshold (logit)", ..PLAIN },
];

impl Metric {
    /// The metric of a name without prefix.
    pub fn named(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// Names that may rank, in the order of the catalogue.
    pub fn rank_names() -> Vec<&'static str> {
        METRICS.iter().filter(|metric| metric.better.is_some()).map(|metric| metric.name).collect()
    }

    /// Whether it counts rows.
    pub fn counts_rows(&self) -> bool {
        self.written == Written::Rows
    }

    /// Whether its threshold is that of the operating point.
    pub fn at_operating_point(&self) -> bool {
        matches!(self.source, Source::AtOperatingPoint(_) | Source::Weighed(_))
    }

    /// Name without the mark of the operating point: `fn` of `op_fn`.
    pub fn bare_name(&self) -> &'static str {
        self.name.strip_prefix("op_").unwrap_or(self.name)
    }

    /// Its column on these rows; that of the training itself is the same for all.
    pub fn column(&'static self, part: Part) -> MetricColumn {
        let has_rows = !matches!(self.source, Source::Training);
        MetricColumn { metric: self, part: has_rows.then_some(part), is_error: false }
    }

    /// Rows on which it is measured; none for figures of the training itself.
    pub fn parts(&self) -> &'static [Part] {
        match self.source {
            Source::Scores(_) | Source::AtHalf(_) => &Part::ALL,
            Source::ScoresToPoint(_) | Source::AtOperatingPoint(_) | Source::Weighed(_) => {
                &[Part::Validation, Part::Test]
            }
            Source::Training => &[],
        }
    }
}

impl OfCounts {
    /// Its value for these counts.
    pub fn value(self, counts: &Confusion) -> Option<f64> {
        match self {
            Self::Count(count) => Some(count(counts)),
            Self::Share(share) => share(counts),
        }
    }
}

impl Part {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 3] = [Self::Training, Self::Validation, Self::Test];

    /// What columns begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Training => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }

    /// The rows in words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl Test {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Auc, Self::AveragePrecision, Self::Missed, Self::Alarms, Self::Cost];

    /// The metric that stands for it in a claim.
    pub fn about(self) -> &'static str {
        match self {
            Self::Auc => "auc",
            Self::AveragePrecision => "average_precision",
            Self::Missed => "op_fn",
            Self::Alarms => "op_fp",
            Self::Cost => "cost",
        }
    }

    /// What it is about: `AUC`, `misses at the operating point`.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Auc => "AUC",
            Self::AveragePrecision => "average precision",
            Self::Missed => "misses at the operating point",
            Self::Alarms => "false alarms at the operating point",
            Self::Cost => "cost at the operating point",
        }
    }

    /// In the plural: `AUCs`, `misses`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Auc => "AUCs",
            Self::AveragePrecision => "average precisions",
            Self::Missed => "misses",
            Self::Alarms => "false alarms",
            Self::Cost => "costs",
        }
    }

    /// In short: `AUC`, `misses`.
    pub fn short(self) -> &'static str {
        match self {
            Self::Auc => "AUC",
            Self::AveragePrecision => "AP",
            Self::Missed => "misses",
            Self::Alarms => "false alarms",
            Self::Cost => "cost per 1,000 rows",
        }
    }

    /// `DeLong's variance`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auc => "DeLong's variance",
            Self::AveragePrecision => "infinitesimal jackknife",
            Self::Missed | Self::Alarms | Self::Cost => "paired bootstrap, thresholds chosen anew",
        }
    }

    /// Whether it is at the operating point.
    pub fn is_at_point(self) -> bool {
        match self {
            Self::Auc | Self::AveragePrecision => false,
            Self::Missed | Self::Alarms | Self::Cost => true,
        }
    }

    /// What a rule for thresholds leaves open, and so is compared under it.
    pub fn of_rule(point: &OperatingPoint) -> Self {
        match point {
            OperatingPoint::MaxFpr { .. }
            | OperatingPoint::MinPrecision { .. }
            | OperatingPoint::AlertBudget { .. } => Self::Missed,
            OperatingPoint::MinRecall { .. } => Self::Alarms,
            OperatingPoint::Cost { .. } => Self::Cost,
        }
    }

    /// What is compared at an operating point: what its rule leaves open first, then the other side.
    pub fn at_point(point: &OperatingPoint) -> &'static [Self] {
        match Self::of_rule(point) {
            Self::Alarms => &[Self::Alarms, Self::Missed],
            Self::Cost => &[Self::Cost, Self::Missed, Self::Alarms],
            Self::Missed | Self::Auc | Self::AveragePrecision => &[Self::Missed, Self::Alarms],
        }
    }
}

/// Why a metric is not there under an operating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// The rules that have it, in words.
    pub needs: &'static str,
    /// One of them, as a sweep file has it within braces.
    pub instead: &'static str,
}

impl Lack {
    /// The rule of [`Lack::instead`] as `--operating-point` takes it.
    pub fn option(&self) -> String {
        self.instead.replace(": ", "=").replace(", ", ",")
    }
}

impl OperatingPoint {
    /// The rate of false alarms up to which a partial AUC goes: that of `max_fpr`; an alert budget's share of the rows,
    /// which no more negatives than that can be flagged in. `None` for rules that say no rate.
    pub fn false_alarm_rate(&self) -> Option<f64> {
        match *self {
            Self::MaxFpr { max_fpr, .. } => Some(max_fpr),
            Self::AlertBudget { max_alerts_per_1000 } => Some((max_alerts_per_1000 / 1000.0).min(1.0)),
            Self::MinRecall { .. } | Self::MinPrecision { .. } | Self::Cost { .. } => None,
        }
    }

    /// What a false alarm weighs, as a share of a positive caught: the ratio of the costs; for `min_precision` p the
    /// p / (1 - p) at which a precision of p breaks even. `None` for rules that say no such thing.
    pub fn false_alarm_weight(&self) -> Option<f64> {
        match *self {
            Self::Cost { fn_cost, fp_cost } => Some(fp_cost / fn_cost),
            Self::MinPrecision { min_precision } if min_precision < 1.0 => Some(min_precision / (1.0 - min_precision)),
            Self::MinPrecision { .. } | Self::MaxFpr { .. } | Self::MinRecall { .. } | Self::AlertBudget { .. } => None,
        }
    }

    /// What a metric lacks under the rule, if anything.
    pub fn lacks(&self, metric: &str) -> Option<Lack> {
        let costs = "fn_cost: 100, fp_cost: 1";
        let (needs, instead) = match metric {
            "cost" if !matches!(self, Self::Cost { .. }) => ("an operating point of costs", costs),
            "net_benefit" if self.false_alarm_weight().is_none() => {
                ("an operating point of costs, or `min_precision` below 1", costs)
            }
            "partial_auc" if self.false_alarm_rate().is_none() => {
                ("an operating point of `max_fpr` or `max_alerts_per_1000`", "max_fpr: 0.01")
            }
            _ => return None,
        };
        Some(Lack { needs, instead })
    }
}

impl MetricColumn {
    /// What a column of results.parquet holds; `None` where it is no metric.
    pub fn named(column: &str) -> Option<Self> {
        let (name, is_error) = column.strip_suffix("_se").map_or((column, false), |name| (name, true));
        // `train_seconds` begins as a column of the training rows does, and is none.
        let of_training = Metric::named(name).filter(|metric| metric.parts().is_empty());
        let found = of_training.map(|metric| (metric, None)).or_else(|| {
            Part::ALL.into_iter().find_map(|part| {
                let bare = name.strip_prefix(part.prefix())?.strip_prefix('_')?;
                Some((Metric::named(bare).filter(|metric| metric.parts().contains(&part))?, Some(part)))
            })
        });
        let (metric, part) = found?;
        (!is_error || metric.standard_error.is_some()).then_some(Self { metric, part, is_error })
    }

    /// Its name in results.parquet: `val_auc`, `test_op_fn`, `epochs_run`.
    pub fn name(&self) -> String {
        let prefix = self.part.map(|part| format!("{}_", part.prefix())).unwrap_or_default();
        format!("{prefix}{}{}", self.metric.name, if self.is_error { "_se" } else { "" })
    }

    /// In words: `False negatives, test at the operating point`.
    pub fn title(&self) -> String {
        let Some(part) = self.part else { return self.metric.title.to_owned() };
        let threshold = match self.metric.source {
            Source::AtHalf(_) => " at 0.5",
            Source::AtOperatingPoint(_) | Source::Weighed(_) => " at the operating point",
            Source::Scores(_) | Source::ScoresToPoint(_) | Source::Training => "",
        };
        format!("{}, {}{threshold}", self.metric.title, part.word())
    }

    /// What stands over a narrow head: `val`, `test op`, or nothing.
    pub fn group(&self) -> &'static str {
        match (self.part, self.metric.at_operating_point()) {
            (None, _) => "",
            (Some(Part::Training), _) => "train",
            (Some(Part::Validation), false) => "val",
            (Some(Part::Validation), true) => "val op",
            (Some(Part::Test), false) => "test",
            (Some(Part::Test), true) => "test op",
        }
    }
}
