//! How sure a ROC curve is, point by point.

use std::collections::BTreeMap;

use super::student::student_t;
use super::{RocPoint, clustered_share_interval, wilson_interval};

/// A point of a ROC curve with a band of 95 % around its true-positive rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandPoint {
    /// Share of the negatives that are flagged.
    pub fpr: f64,
    /// Share of the positives that are flagged.
    pub tpr: f64,
    /// Lower end of its interval.
    pub lower: f64,
    /// Upper end of its interval.
    pub upper: f64,
}

/// The mean of the replicates' curves at each of the false-positive rates `fprs`, with Student's interval of the mean
/// over the replicates: how much another seed and split would change it. Empty with fewer than two curves.
///
/// T. Fawcett: An introduction to ROC analysis, Pattern Recognition Letters 27(8), 2006, vertical averaging. Replicates
/// whose splits share rows differ less than new data would. Of folds, whose models share training rows, `shared` is the
/// number of rows of the curve for each training row, by which the variance of the mean is more (C. Nadeau & Y. Bengio
/// 2003, Machine Learning 52); else 0.
pub fn vertical_average(curves: &[Vec<RocPoint>], fprs: &[f64], shared: f64) -> Vec<BandPoint> {
    let n = curves.len() as f64;
    if curves.len() < 2 {
        return Vec::new();
    }
    let student = student_t(0.05, n - 1.0);
    let band = |&fpr: &f64| {
        let rates: Vec<f64> = curves.iter().map(|curve| tpr_at(curve, fpr)).collect();
        let mean = rates.iter().sum::<f64>() / n;
        let squares: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
        let half = student * (squares / (n - 1.0) * (1.0 / n + shared)).sqrt();
        BandPoint { fpr, tpr: mean, lower: (mean - half).max(0.0), upper: (mean + half).min(1.0) }
    };
    fprs.iter().map(band).collect()
}

/// The true-positive rate of a curve at a false-positive rate: the highest there, linear between points.
fn tpr_at(curve: &[RocPoint], fpr: f64) -> f64 {
    let after = curve.partition_point(|point| point.fpr <= fpr);
    match (after.checked_sub(1).and_then(|i| curve.get(i)), curve.get(after)) {
        (Some(a), Some(b)) => a.tpr + (b.tpr - a.tpr) * (fpr - a.fpr) / (b.fpr - a.fpr),
        (Some(only), None) | (None, Some(only)) => only.tpr,
        (None, None) => 0.0,
    }
}

/// Wilson's interval for the true-positive rate at each threshold of one curve that was measured on `positives` rows:
/// how much other positives would change it, the thresholds fixed. Pointwise, and for the true-positive rate alone.
pub fn wilson_band(curve: &[RocPoint], positives: u64) -> Vec<BandPoint> {
    let band = |point: &RocPoint| {
        let caught = (point.tpr * positives as f64).round() as u64;
        let interval = wilson_interval(caught, positives)?;
        Some(BandPoint { fpr: point.fpr, tpr: point.tpr, lower: interval.lower, upper: interval.upper })
    };
    curve.iter().filter_map(band).collect()
}

/// The same where positives come in units: `positives` are the score and the unit of each, the scores those of the
/// curve. What is known of units is known of their shares ([`clustered_share_interval`]); with positives in one unit
/// only nothing is.
pub fn unit_band(curve: &[RocPoint], positives: &[(f32, i64)]) -> Vec<BandPoint> {
    let band = |point: &RocPoint| {
        let mut units: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for &(score, unit) in positives {
            let (caught, all) = units.entry(unit).or_default();
            *caught += u64::from(f64::from(score) >= point.threshold);
            *all += 1;
        }
        let units: Vec<(u64, u64)> = units.into_values().collect();
        let (lower, upper) = clustered_share_interval(&units).map_or((0.0, 1.0), |of| (of.lower, of.upper));
        BandPoint { fpr: point.fpr, tpr: point.tpr, lower: lower.min(point.tpr), upper: upper.max(point.tpr) }
    };
    curve.iter().map(band).collect()
}
