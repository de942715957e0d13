//! Counts at a threshold.

use serde::{Deserialize, Serialize};

/// Confusion counts: flagged or not, positive or not.
///
/// Ratios are `None` where they are 0/0, where scikit-learn returns its `zero_division` (0 with a warning unless told).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Positives flagged.
    pub tp: u64,
    /// Negatives flagged: false alarms.
    pub fp: u64,
    /// Negatives not flagged.
    pub tn: u64,
    /// Positives not flagged: missed.
    #[serde(rename = "fn")]
    pub fn_: u64,
}

impl Confusion {
    /// Counts when rows with `f64::from(score) >= threshold` are flagged. A NaN score is not flagged.
    pub fn at(scores: &[f32], labels: &[u8], threshold: f64) -> Self {
        let mut counts = [0_u64; 4];
        for (&score, &label) in scores.iter().zip(labels) {
            let flagged = usize::from(f64::from(score) >= threshold);
            counts[2 * flagged + usize::from(label != 0)] += 1;
        }
        let [tn, fn_, fp, tp] = counts;
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
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    /// Matthews correlation, -1 to 1. Where it is 0/0 (all rows of one class, or all or none flagged) it is 0, as
    /// scikit-learn has it; `None` without rows.
    pub fn mcc(&self) -> Option<f64> {
        let [tp, fp, tn, fn_] = [self.tp, self.fp, self.tn, self.fn_].map(|count| count as f64);
        if tp + fp + tn + fn_ == 0.0 {
            return None;
        }
        // Roots one by one: the product of four counts may be beyond 2^53.
        let scale: f64 = [tp + fp, tp + fn_, tn + fp, tn + fn_].into_iter().map(f64::sqrt).product();
        Some(if scale == 0.0 { 0.0 } else { (tp * tn - fp * fn_) / scale })
    }
}

/// `None` for 0/0.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
