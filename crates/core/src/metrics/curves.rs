//! ROC and precision-recall curves, as scikit-learn 1.9 has them.

use super::steps::Steps;

/// A point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Share of the negatives with a score of at least the threshold.
    pub fpr: f64,
    /// Share of the positives with a score of at least the threshold.
    pub tpr: f64,
    /// The threshold; infinite where nobody is flagged.
    pub threshold: f64,
}

/// A point of a precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Share of the positives with a score of at least the threshold.
    pub recall: f64,
    /// Share of the rows with a score of at least the threshold that are positive; 1 where nobody is flagged.
    pub precision: f64,
    /// The threshold; infinite where nobody is flagged.
    pub threshold: f64,
}

/// From nobody flagged to all, a point for each distinct score, those on a straight line between their neighbours left
/// out: `sklearn.metrics.roc_curve`. `None` when a class is absent or a score is NaN.
pub fn roc_curve(scores: &[f32], labels: &[u8]) -> Option<Vec<RocPoint>> {
    Steps::of(scores, labels)?.roc_curve()
}

/// From nobody flagged to all, a point for each distinct score: `sklearn.metrics.precision_recall_curve`, which returns
/// it the other way round. `None` without positives or when a score is NaN.
pub fn precision_recall_curve(scores: &[f32], labels: &[u8]) -> Option<Vec<PrecisionRecallPoint>> {
    Steps::of(scores, labels)?.precision_recall_curve()
}

impl Steps {
    /// As [`roc_curve`].
    pub fn roc_curve(&self) -> Option<Vec<RocPoint>> {
        let counts = self.counts();
        let (positives, negatives) = counts.last().map(|last| (last.tp, last.fp))?;
        if positives == 0 || negatives == 0 {
            return None;
        }
        let nobody = Counts { tp: 0, fp: 0, threshold: f64::INFINITY };
        let mut kept: Vec<Counts> = vec![nobody];
        for (i, &point) in counts.iter().enumerate() {
            // scikit-learn leaves out a point where both counts step as before.
            let before = if i > 0 { counts[i - 1] } else { nobody };
            let goes_on = i > 0
                && counts.get(i + 1).is_some_and(|next| {
                    (point.tp - before.tp, point.fp - before.fp) == (next.tp - point.tp, next.fp - point.fp)
                });
            if !goes_on {
                kept.push(point);
            }
        }
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        let point =
            |c: Counts| RocPoint { fpr: share(c.fp, negatives), tpr: share(c.tp, positives), threshold: c.threshold };
        Some(kept.into_iter().map(point).collect())
    }

    /// As [`precision_recall_curve`].
    pub fn precision_recall_curve(&self) -> Option<Vec<PrecisionRecallPoint>> {
        let counts = self.counts();
        let positives = counts.last().map(|last| last.tp).filter(|&positives| positives > 0)?;
        let point = |c: Counts| PrecisionRecallPoint {
            recall: c.tp as f64 / positives as f64,
            precision: c.tp as f64 / (c.tp + c.fp) as f64,
            threshold: c.threshold,
        };
        let nobody = PrecisionRecallPoint { recall: 0.0, precision: 1.0, threshold: f64::INFINITY };
        Some(std::iter::once(nobody).chain(counts.into_iter().map(point)).collect())
    }

    /// At each distinct score from the highest down.
    fn counts(&self) -> Vec<Counts> {
        let (mut tp, mut fp) = (0, 0);
        let counts = self.iter().rev().map(|step| {
            tp += u64::from(step.positives);
            fp += u64::from(step.rows - step.positives);
            Counts { tp, fp, threshold: f64::from(step.score) }
        });
        counts.collect()
    }
}

/// Rows at or above a threshold.
#[derive(Clone, Copy)]
struct Counts {
    tp: u64,
    fp: u64,
    threshold: f64,
}
