//! What follows from walking down the sorted scores: average precision, and the threshold of an operating point.

use super::{any_nan, order_key};
use crate::spec::OperatingPoint;

/// Average precision as scikit-learn's `average_precision_score` has it: Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores
/// from the highest down, without interpolation. `None` without positives (scikit-learn: 0 with a warning) or when a
/// score is NaN.
pub fn average_precision(scores: &[f32], labels: &[u8]) -> Option<f64> {
    let curve = Curve::new(scores, labels)?;
    if curve.positives == 0 {
        return None;
    }
    let mut sum = 0.0;
    let mut caught = 0;
    for point in &curve.points {
        let gained = point.tp - caught;
        if gained > 0 {
            sum += gained as f64 * (point.tp as f64 / (point.tp + point.fp) as f64);
            caught = point.tp;
        }
    }
    Some(sum / curve.positives as f64)
}

/// The threshold of an operating point, to be chosen on validation rows; rows with a score of at least it are flagged.
///
/// - `max_fpr`: the lowest with a false-positive rate of at most `max_fpr`;
/// - `min_recall`: the highest with a recall of at least `min_recall`;
/// - costs: the one of least `fn * fn_cost + fp * fp_cost`, of equals the highest.
///
/// It is one of the scores, or, if nobody may be flagged, the 32-bit number just above the highest score, so that it
/// means the same whether scores are compared as 32- or 64-bit numbers. `None` without rows, when a score is NaN, or
/// when a rate is not defined: `max_fpr` without negatives, `min_recall` without positives.
pub fn threshold_for(point: &OperatingPoint, scores: &[f32], labels: &[u8]) -> Option<f64> {
    let curve = Curve::new(scores, labels)?;
    let (positives, negatives) = (curve.positives as f64, curve.negatives as f64);
    let nobody = Point { threshold: curve.points.first()?.threshold.next_up(), tp: 0, fp: 0 };
    // From the highest threshold down: false positives and recall never fall.
    let mut points = std::iter::once(&nobody).chain(&curve.points);
    let chosen = match *point {
        OperatingPoint::MaxFpr { max_fpr } if negatives > 0.0 => {
            points.take_while(|p| p.fp as f64 / negatives <= max_fpr).last()
        }
        OperatingPoint::MinRecall { min_recall } if positives > 0.0 => {
            points.find(|p| p.tp as f64 / positives >= min_recall)
        }
        OperatingPoint::MaxFpr { .. } | OperatingPoint::MinRecall { .. } => None,
        OperatingPoint::Cost { fn_cost, fp_cost } => {
            let cost = |p: &Point| (curve.positives - p.tp) as f64 * fn_cost + p.fp as f64 * fp_cost;
            // min_by keeps the first of equals, which is the highest.
            points.min_by(|a, b| cost(a).total_cmp(&cost(b)))
        }
    };
    chosen.map(|p| f64::from(p.threshold))
}

/// What is flagged when `threshold` is one of the scores.
struct Point {
    threshold: f32,
    /// Positives with at least that score.
    tp: u64,
    /// Negatives with at least that score.
    fp: u64,
}

/// A point for each distinct score, from the highest down.
struct Curve {
    points: Vec<Point>,
    positives: u64,
    negatives: u64,
}

impl Curve {
    /// `None` when a score is NaN.
    fn new(scores: &[f32], labels: &[u8]) -> Option<Self> {
        let rows = scores.len().min(labels.len());
        let (scores, labels) = (&scores[..rows], &labels[..rows]);
        if any_nan(scores) {
            return None;
        }
        // The key in the upper half, so that plain integers sort as the scores do; the lower half is the score's bits
        // and cannot disturb the order, for equal keys are equal scores.
        let mut sorted: Vec<(i64, u8)> = scores
            .iter()
            .zip(labels)
            .map(|(&s, &y)| (i64::from(order_key(s)) << 32 | i64::from(s.to_bits()), y))
            .collect();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut points: Vec<Point> = Vec::new();
        let (mut tp, mut fp) = (0, 0);
        for (packed, label) in sorted {
            if label == 0 {
                fp += 1;
            } else {
                tp += 1;
            }
            let threshold = f32::from_bits((packed & i64::from(u32::MAX)) as u32);
            match points.last_mut() {
                Some(point) if point.threshold == threshold => (point.tp, point.fp) = (tp, fp),
                _ => points.push(Point { threshold, tp, fp }),
            }
        }
        Some(Self { points, positives: tp, negatives: fp })
    }
}
