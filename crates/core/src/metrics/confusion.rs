//! Counts at a threshold.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Confusion counts: flagged or not, positive or not. Of rows that have weights they are sums of these, as
/// scikit-learn's `confusion_matrix(sample_weight=…)` has them.
///
/// Ratios are `None` where they are 0/0, where scikit-learn returns its `zero_division` (0 with a warning unless told).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Positives flagged.
    #[serde(with = "whole")]
    pub tp: f64,
    /// Negatives flagged: false alarms.
    #[serde(with = "whole")]
    pub fp: f64,
    /// Negatives not flagged.
    #[serde(with = "whole")]
    pub tn: f64,
    /// Positives not flagged: missed.
    #[serde(rename = "fn", with = "whole")]
    pub fn_: f64,
}

impl Confusion {
    /// Counts when rows with `f64::from(score) >= threshold` are flagged. A NaN score is not flagged.
    pub fn at(scores: &[f32], labels: &[u8], threshold: f64) -> Self {
        let mut counts = [0_u64; 4];
        for (&score, &label) in scores.iter().zip(labels) {
            let flagged = usize::from(f64::from(score) >= threshold);
            counts[2 * flagged + usize::from(label != 0)] += 1;
        }
        let [tn, fn_, fp, tp] = counts.map(|count| count as f64);
        Self { tp, fp, tn, fn_ }
    }

    /// The same of rows that count by their weights; each once where there are none.
    pub fn weighed(scores: &[f32], labels: &[u8], weights: &[f64], threshold: f64) -> Self {
        if weights.is_empty() {
            return Self::at(scores, labels, threshold);
        }
        let mut sums = [0.0; 4];
        for ((&score, &label), &weight) in scores.iter().zip(labels).zip(weights) {
            let flagged = usize::from(f64::from(score) >= threshold);
            sums[2 * flagged + usize::from(label != 0)] += weight;
        }
        let [tn, fn_, fp, tp] = sums;
        Self { tp, fp, tn, fn_ }
    }

    /// Share of the rows that are right; `None` without rows.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.tp + self.tn, self.tp + self.fp + self.tn + self.fn_)
    }

    /// Share of the flagged that are positive; `None` when nobody is flagged.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// Share of the positives that are flagged (sensitivity); `None` without positives.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// Share of the negatives that are flagged; `None` without negatives.
    pub fn fpr(&self) -> Option<f64> {
        ratio(self.fp, self.fp + self.tn)
    }

    /// Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn); `None` when there are neither positives nor
    /// flagged rows.
    pub fn f1(&self) -> Option<f64> {
        ratio(2.0 * self.tp, 2.0 * self.tp + self.fp + self.fn_)
    }

    /// Matthews correlation, -1 to 1. Where it is 0/0 (all rows of one class, or all or none flagged) it is 0, as
    /// scikit-learn has it; `None` without rows.
    pub fn mcc(&self) -> Option<f64> {
        let Self { tp, fp, tn, fn_ } = *self;
        if tp + fp + tn + fn_ == 0.0 {
            return None;
        }
        // Roots one by one: the product of four counts may be beyond 2^53.
        let scale: f64 = [tp + fp, tp + fn_, tn + fp, tn + fn_].into_iter().map(f64::sqrt).product();
        Some(if scale == 0.0 { 0.0 } else { (tp * tn - fp * fn_) / scale })
    }
}

/// `None` for 0/0.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Counts are written as the whole numbers that they are, sums of weights as numbers.
mod whole {
    use super::{Deserialize, Deserializer, Serializer};

    /// From here on not every whole number is one of 64 bits.
    const MOST: f64 = 9_007_199_254_740_992.0;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(count: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if *count >= 0.0 && *count < MOST && count.fract() == 0.0 {
            serializer.serialize_u64(*count as u64)
        } else {
            serializer.serialize_f64(*count)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        f64::deserialize(deserializer)
    }
}
