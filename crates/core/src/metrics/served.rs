//! What a model's scores and flags are worth on rows whose label is known: rows that it was not trained on, one set,
//! its threshold fixed beforehand.

use serde::{Serialize, Serializer};

use super::{Confusion, Interval, Ranks, average_precision, average_precision_interval, wilson_interval};

/// Resamples of the interval of average precision, which is of a standard error.
const RESAMPLES: u32 = 300;

/// A figure with its interval of 95 %; `None`: not defined on these rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Its interval.
    #[serde(serialize_with = "as_pair")]
    pub interval: Option<Interval>,
}

fn as_pair<S: Serializer>(interval: &Option<Interval>, serializer: S) -> Result<S::Ok, S::Error> {
    interval.map(|interval| [interval.lower, interval.upper]).serialize(serializer)
}

/// Figures of one set of labelled rows. Intervals take the rows as independent of one another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Served {
    /// Rows with a label.
    pub rows: u64,
    /// Those of the rare class.
    pub positives: u64,
    /// ROC AUC ([`super::AucEstimate::interval`]); `None` without both classes.
    pub auc: Option<Figure>,
    /// Average precision ([`average_precision_interval`]); `None` without positives.
    pub average_precision: Option<Figure>,
    /// At the model's threshold; `None` where it has none.
    pub at_threshold: Option<AtThreshold>,
}

/// Figures of flags. The threshold is no figure of these rows, so that shares are those of independent draws, and their
/// intervals Wilson's; those of a count are of as many rows of its class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtThreshold {
    /// Share of the positives that are flagged.
    pub recall: Option<Figure>,
    /// Share of the flagged that are positive.
    pub precision: Option<Figure>,
    /// Share of the negatives that are flagged.
    pub fpr: Option<Figure>,
    /// Positives not flagged.
    #[serde(rename = "fn")]
    pub fn_: Figure,
    /// Negatives flagged.
    pub fp: Figure,
    /// Positives flagged.
    pub tp: Figure,
    /// Negatives not flagged.
    pub tn: Figure,
}

impl Served {
    /// Of rows with logits `raw`, their `labels`, and whether each is `flagged`, `None` without a threshold.
    pub fn of(raw: &[f32], labels: &[u8], flagged: Option<&[bool]>) -> Self {
        let positives = labels.iter().filter(|&&label| label != 0).count() as u64;
        let auc = Ranks::new(raw, labels).map(|ranks| ranks.auc());
        let interval = || average_precision_interval(raw, labels, RESAMPLES, 0);
        Self {
            rows: labels.len() as u64,
            positives,
            auc: auc.map(|auc| Figure { value: auc.auc, interval: auc.interval() }),
            average_precision: average_precision(raw, labels).map(|value| Figure { value, interval: interval() }),
            at_threshold: flagged.map(|flagged| AtThreshold::of(flagged, labels)),
        }
    }
}

impl AtThreshold {
    fn of(flagged: &[bool], labels: &[u8]) -> Self {
        let mut counts = Confusion::default();
        for (&flagged, &label) in flagged.iter().zip(labels) {
            *match (flagged, label != 0) {
                (true, true) => &mut counts.tp,
                (true, false) => &mut counts.fp,
                (false, true) => &mut counts.fn_,
                (false, false) => &mut counts.tn,
            } += 1.0;
        }
        let Confusion { tp, fp, tn, fn_ } = counts;
        let [tp, fp, tn, fn_] = [tp, fp, tn, fn_].map(|count| count as u64);
        let share = |part: u64, whole: u64| {
            wilson_interval(part, whole)
                .map(|interval| Figure { value: part as f64 / whole as f64, interval: Some(interval) })
        };
        let count = |part: u64, whole: u64| {
            let times = |interval: Interval| Interval {
                lower: interval.lower * whole as f64,
                upper: interval.upper * whole as f64,
            };
            Figure { value: part as f64, interval: wilson_interval(part, whole).map(times) }
        };
        Self {
            recall: share(tp, tp + fn_),
            precision: share(tp, tp + fp),
            fpr: share(fp, fp + tn),
            fn_: count(fn_, tp + fn_),
            fp: count(fp, fp + tn),
            tp: count(tp, tp + fn_),
            tn: count(tn, fp + tn),
        }
    }
}
