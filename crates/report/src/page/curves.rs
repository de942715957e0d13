//! ROC and precision-recall curves over the replicates, with bands.

use std::collections::{BTreeMap, HashSet};

use super::calibration::Ordered;
use super::payload::{Curve, Short};
use crate::read::{Corner, ReportError, Results, ScoreGroup, for_each_corner};
use focalsweep_core::metrics::{
    BandPoint, PrecisionRecallPoint, RocPoint, thin_roc, unit_band, vertical_average, wilson_band,
};
use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::SplitBy;

/// Points of a curve of one replicate.
const POINTS: usize = 80;

/// The ROC curve of one split: with several replicates their mean at each false-positive rate and its 95 % interval,
/// with one its own curve and an interval of each true-positive rate: Wilson's, or that of units. `shared` is the
/// number of its rows for each training row where replicates are folds, else 0. `None` where a class is absent.
pub(super) fn roc(split: &'static str, groups: &[Ordered<'_>], shared: f64) -> Option<Curve> {
    let curves: Option<Vec<Vec<RocPoint>>> = groups.iter().map(|(_, logits)| logits.roc_curve()).collect();
    roc_of(split, &curves?, groups.first().map(|(group, _)| *group), shared)
}

/// `scores` of the only replicate, if they are known.
fn roc_of(split: &'static str, curves: &[Vec<RocPoint>], scores: Option<&ScoreGroup>, shared: f64) -> Option<Curve> {
    let points = match (curves, scores) {
        ([], _) => return None,
        ([only], Some(scores)) => band(&thin_roc(only, POINTS), scores),
        ([only], None) => {
            let without = |p: &RocPoint| BandPoint { fpr: p.fpr, tpr: p.tpr, lower: p.tpr, upper: p.tpr };
            thin_roc(only, POINTS).iter().map(without).collect()
        }
        _ => vertical_average(curves, &rates(), shared),
    };
    let banded = curves.len() > 1 || scores.is_some();
    let list = |value: fn(&BandPoint) -> f64| points.iter().map(|point| Short(value(point))).collect();
    let band = |value| if banded { list(value) } else { Vec::new() };
    Some(Curve { split, x: list(|p| p.fpr), y: list(|p| p.tpr), low: band(|p| p.lower), high: band(|p| p.upper) })
}

/// What other positives, or other units of them, would change of a curve.
fn band(curve: &[RocPoint], scores: &ScoreGroup) -> Vec<BandPoint> {
    let positives = (0..scores.labels.len()).filter(|&row| scores.labels[row] == 1);
    if scores.units.is_empty() {
        wilson_band(curve, positives.count() as u64)
    } else {
        let positives: Vec<(f32, i64)> = positives.map(|row| (scores.raw[row], scores.unit(row))).collect();
        unit_band(curve, &positives)
    }
}

/// What the bands of ROC curves are, in a sentence.
pub(super) fn bands_in_words(results: &Results, replicates: u32) -> String {
    let unit = match &results.split.by {
        _ if results.split.folds.is_some() => None,
        SplitBy::Group { .. } | SplitBy::Time { groups: Some(_), .. } => Some("groups"),
        SplitBy::Time { .. } => Some("blocks of time"),
        SplitBy::Random | SplitBy::Column { .. } => None,
    };
    let means = "Lines are means of the replicates' curves at each false-positive rate; bands are 95 % intervals of \
                 that mean over the replicates";
    match (replicates, unit) {
        (1, None) => "Bands are 95 % Wilson intervals of the true-positive rate at each threshold.".to_owned(),
        (1, Some(unit)) => {
            format!(
                "Bands are 95 % intervals of the true-positive rate at each threshold; they count {unit}, not rows."
            )
        }
        _ if results.split.folds.is_some() => {
            format!("{means}, which are folds that share training rows (Nadeau & Bengio 2003).")
        }
        (_, Some(unit)) => format!("{means}, not over {unit}, of which others would change more."),
        (_, None) => format!("{means}."),
    }
}

/// False-positive rates, closer together where they are small, which is where thresholds are put.
fn rates() -> Vec<f64> {
    (0..=POINTS).map(|i| (i as f64 / POINTS as f64).powi(3)).collect()
}

/// The precision-recall curve of one split: with several replicates their mean precision at each recall, and from the
/// lowest of them to the highest. `None` without positives.
pub(super) fn precision_recall(split: &'static str, groups: &[Ordered<'_>]) -> Option<Curve> {
    let curves: Option<Vec<Vec<PrecisionRecallPoint>>> =
        groups.iter().map(|(_, logits)| logits.precision_recall_curve()).collect();
    let curves = curves.filter(|curves| !curves.is_empty())?;
    let mut curve = Curve { split, ..Curve::default() };
    for i in 1..=POINTS {
        let recall = i as f64 / POINTS as f64;
        let precisions: Vec<f64> = curves.iter().map(|curve| precision_at(curve, recall)).collect();
        let (low, high) = precisions.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &p| (low.min(p), high.max(p)));
        curve.x.push(Short(recall));
        curve.y.push(Short(precisions.iter().sum::<f64>() / precisions.len() as f64));
        if curves.len() > 1 {
            curve.low.push(Short(low));
            curve.high.push(Short(high));
        }
    }
    Some(curve)
}

/// Precision where at least `recall` is reached for the first time: as average precision sums it, without
/// interpolation.
fn precision_at(curve: &[PrecisionRecallPoint], recall: f64) -> f64 {
    // A share of counts may miss its decimal by a rounding.
    let at = curve.partition_point(|point| point.recall < recall - 1e-12);
    curve.get(at).or(curve.last()).map_or(0.0, |point| point.precision)
}

/// The training rows' ROC curves by trial, of the (trial, replicate) that are wanted, whose trials are among `ids`.
/// Nothing where curves.parquet is missing, as in runs of earlier versions. `shared` as for [`roc`].
///
/// # Errors
/// curves.parquet is there but cannot be read, or lacks a column.
pub(super) fn training_roc(
    files: &RunFiles,
    ids: HashSet<String>,
    wanted: &dyn Fn(&str, u32) -> bool,
    shared: f64,
) -> Result<Vec<(String, Curve)>, ReportError> {
    let mut of: BTreeMap<String, Vec<(u32, Vec<RocPoint>)>> = BTreeMap::new();
    for_each_corner(files, ids, &mut |&Corner { trial, replicate, fpr, tpr }| {
        if !wanted(trial, replicate) {
            return;
        }
        if !of.contains_key(trial) {
            of.insert(trial.to_owned(), Vec::new());
        }
        let Some(curves) = of.get_mut(trial) else { return };
        if curves.last().is_none_or(|(of, _)| *of != replicate) {
            curves.push((replicate, Vec::new()));
        }
        if let Some((_, curve)) = curves.last_mut() {
            curve.push(RocPoint { fpr, tpr, threshold: f64::NAN });
        }
    })?;
    let curve = |(trial, curves): (String, Vec<(u32, Vec<RocPoint>)>)| {
        let curves: Vec<Vec<RocPoint>> = curves.into_iter().map(|(_, curve)| curve).collect();
        Some((trial, roc_of("train", &curves, None, shared)?))
    };
    Ok(of.into_iter().filter_map(curve).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::calibration::in_order;
    use focalsweep_core::metrics::{average_precision, roc_auc};
    use focalsweep_core::spec::Split;

    fn group(replicate: u32) -> ScoreGroup {
        let scores: Vec<f32> = (0..500_u16).map(|i| f32::from(i * 37 % 500) / 500.0).collect();
        let labels =
            scores.iter().enumerate().map(|(i, s)| u8::from(*s > 0.5 && (i + replicate as usize).is_multiple_of(5)));
        let labels = labels.collect();
        ScoreGroup {
            units: Vec::new(),
            weights: Vec::new(),
            trial: "t".into(),
            replicate,
            split: Split::Test,
            rows: (0..500).collect(),
            labels,
            raw: scores.clone(),
            scores,
        }
    }

    fn area(curve: &Curve) -> f64 {
        let points: Vec<(f64, f64)> = curve.x.iter().zip(&curve.y).map(|(x, y)| (x.0, y.0)).collect();
        points.windows(2).map(|p| (p[1].0 - p[0].0) * (p[1].1 + p[0].1) / 2.0).sum()
    }

    #[test]
    fn a_thinned_curve_has_the_area_of_the_metric() {
        let groups = [group(0), group(1)];
        let aucs: Vec<f64> = groups.iter().map(|g| roc_auc(&g.scores, &g.labels).unwrap()).collect();
        let steps = in_order(&groups);
        let both: Vec<Ordered<'_>> = groups.iter().zip(&steps).collect();
        let one = roc("test", &both[..1], 0.0).unwrap();
        assert!((area(&one) - aucs[0]).abs() < 0.01, "{} {}", area(&one), aucs[0]);
        // Rows of a unit that are alike tell less, of the curve itself the same.
        let units: Vec<i64> =
            (0..500).map(|row| i64::from(groups[0].scores[row] > 0.75) + 2 * (row as i64 % 9)).collect();
        let of_units = roc("test", &[(&ScoreGroup { units, ..groups[0].clone() }, &steps[0])], 0.0).unwrap();
        assert_eq!((&of_units.x, &of_units.y), (&one.x, &one.y));
        let width = |curve: &Curve| curve.high.iter().zip(&curve.low).map(|(h, l)| h.0 - l.0).sum::<f64>();
        assert!(width(&of_units) > 1.2 * width(&one), "{} {}", width(&of_units), width(&one));
        let mean = roc("test", &both, 0.0).unwrap();
        assert!((area(&mean) - (aucs[0] + aucs[1]) / 2.0).abs() < 0.01);
        let folds = roc("test", &both, 0.25).unwrap();
        assert!(width(&folds) > width(&mean));
        assert!(mean.low.iter().zip(&mean.y).zip(&mean.high).all(|((l, y), h)| l.0 <= y.0 && y.0 <= h.0));
    }

    #[test]
    fn precision_over_recall_sums_to_average_precision() {
        let only = group(0);
        let curve = precision_recall("test", &[(&only, &in_order(std::slice::from_ref(&only))[0])]).unwrap();
        let summed = curve.y.iter().map(|y| y.0).sum::<f64>() / POINTS as f64;
        let expected = average_precision(&only.scores, &only.labels).unwrap();
        assert!((summed - expected).abs() < 0.02, "{summed} {expected}");
        assert!(curve.low.is_empty());
    }
}
