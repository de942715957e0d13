//! The scores of a few trials, and what two of them say of each other.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::read::{ReportError, ScoreGroup, for_each_group};
use focalsweep_core::metrics::{AucComponents, Interval, mcnemar_clustered, threshold_for, two_sided_p};
use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::{OperatingPoint, Split};

/// Standard normal quantile of 1 - 0.05 / 2.
const Z: f64 = 1.959_963_984_540_054;

/// Level below which a difference counts as significant.
pub(crate) const LEVEL: f64 = 0.05;

/// The scores of a trial on one replicate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReplicateScores {
    pub(super) replicate: u32,
    pub(super) validation: ScoreGroup,
    pub(super) test: ScoreGroup,
}

impl ReplicateScores {
    pub(super) fn on(&self, split: Split) -> &ScoreGroup {
        match split {
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }

    /// The threshold that the operating point has on the validation rows.
    fn threshold(&self, point: &OperatingPoint) -> Option<f64> {
        threshold_for(point, &self.validation.raw, &self.validation.labels)
    }
}

/// Reads the scores of the trials in `wanted`, each in the order of its replicates. Trials whose scores were not kept
/// are missing, and so are all where there is no scores.parquet.
///
/// # Errors
/// scores.parquet is there but cannot be read.
pub(super) fn scores_of(
    files: &RunFiles,
    wanted: &HashSet<String>,
) -> Result<HashMap<String, Vec<ReplicateScores>>, ReportError> {
    let mut found: HashMap<String, BTreeMap<u32, [Option<ScoreGroup>; 2]>> = HashMap::new();
    for_each_group(files, &|trial, _| wanted.contains(trial), &mut |group| {
        let replicates = found.entry(group.trial.clone()).or_default();
        let splits = replicates.entry(group.replicate).or_default();
        let place = usize::from(group.split == Split::Test);
        splits[place] = Some(group);
    })?;
    let whole = |(replicate, splits): (u32, [Option<ScoreGroup>; 2])| {
        let [validation, test] = splits;
        Some(ReplicateScores { replicate, validation: validation?, test: test? })
    };
    Ok(found.into_iter().map(|(trial, of)| (trial, of.into_iter().filter_map(whole).collect())).collect())
}

/// What one trial has over another on the same rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Mean over the replicates of the first AUC less the second.
    pub auc_difference: f64,
    /// Variance of that mean (DeLong; Obuchowski over replicates): rows that replicates share are not counted twice.
    pub auc_variance: f64,
    /// Paired DeLong test, two-sided.
    pub auc_p: f64,
    /// At the operating point: mean over the replicates of the positives that the first missed less those that the
    /// second missed. `None` without an operating point.
    pub missed_difference: Option<f64>,
    /// McNemar's test of that, rows clustered over the replicates.
    pub missed_p: Option<f64>,
    /// Replicates that both have.
    pub replicates: usize,
    /// Mean number of positives of a replicate.
    pub positives: u64,
}

impl Contrast {
    /// 95 % interval of the difference of the AUCs.
    pub fn auc_interval(&self) -> Interval {
        let half = Z * self.auc_variance.sqrt();
        Interval { lower: self.auc_difference - half, upper: self.auc_difference + half }
    }
}

/// Compares two trials on the replicates of which they have the same rows; `None` when there are none, or a class is
/// absent from them.
pub(super) fn contrast(
    first: &[ReplicateScores],
    second: &[ReplicateScores],
    on: Split,
    point: Option<&OperatingPoint>,
) -> Option<Contrast> {
    let mut auc = OverReplicates::default();
    let mut missed: Option<BTreeMap<i64, i64>> = point.map(|_| BTreeMap::new());
    let mut positives = 0;
    for a in first {
        let Some(b) = second.iter().find(|b| b.replicate == a.replicate) else { continue };
        let (of_a, of_b) = (a.on(on), b.on(on));
        if of_a.rows != of_b.rows || of_a.labels != of_b.labels {
            continue;
        }
        auc.add(of_a, 1.0)?;
        auc.add(of_b, -1.0)?;
        auc.replicates += 1;
        positives += of_a.labels.iter().filter(|&&label| label != 0).count();
        let thresholds = point.and_then(|point| Some((a.threshold(point)?, b.threshold(point)?)));
        match (thresholds, &mut missed) {
            (Some(thresholds), Some(missed)) => count_missed(missed, of_a, of_b, thresholds),
            _ => missed = None,
        }
    }
    let replicates = auc.replicates;
    let (auc_difference, auc_variance) = auc.mean_and_variance()?;
    let differences: Option<Vec<i64>> = missed.map(|missed| missed.into_values().collect());
    Some(Contrast {
        auc_difference,
        auc_variance,
        // Equal on every row: nothing tells them apart.
        auc_p: if auc_difference == 0.0 { 1.0 } else { two_sided_p(auc_difference / auc_variance.sqrt()) },
        missed_difference: differences.as_ref().map(|d| d.iter().sum::<i64>() as f64 / replicates as f64),
        missed_p: differences.as_ref().map(|d| mcnemar_clustered(d)),
        replicates,
        positives: (positives / replicates) as u64,
    })
}

/// For each positive row, adds one where the first missed it and takes one away where the second did.
fn count_missed(missed: &mut BTreeMap<i64, i64>, a: &ScoreGroup, b: &ScoreGroup, (at_a, at_b): (f64, f64)) {
    for (i, &row) in a.rows.iter().enumerate().filter(|&(i, _)| a.labels[i] != 0) {
        let misses = |group: &ScoreGroup, threshold: f64| i64::from(f64::from(group.raw[i]) < threshold);
        *missed.entry(row).or_insert(0) += misses(a, at_a) - misses(b, at_b);
    }
}

/// A sum of AUCs over replicates. What a row of the source adds to its error is added up over the replicates that hold
/// it, so that rows that they share are not counted twice: N. A. Obuchowski, Nonparametric analysis of clustered ROC
/// curve data, Biometrics 53(2), 1997. With one replicate that is DeLong's variance.
#[derive(Default)]
struct OverReplicates {
    sum: f64,
    of_rows: HashMap<i64, f64>,
    replicates: usize,
}

impl OverReplicates {
    /// `None` with fewer than two rows of a class.
    fn add(&mut self, group: &ScoreGroup, sign: f64) -> Option<()> {
        let components = AucComponents::new(&group.raw, &group.labels)?;
        self.sum += sign * components.auc();
        for (&row, influence) in group.rows.iter().zip(components.influences(&group.labels)?) {
            *self.of_rows.entry(row).or_insert(0.0) += sign * f64::from(influence);
        }
        Some(())
    }

    /// Mean over the replicates and its variance; `None` without any.
    fn mean_and_variance(self) -> Option<(f64, f64)> {
        let n = self.replicates as f64;
        // In an order of its own, so that sums are the same each time.
        let mut squares: Vec<f64> = self.of_rows.into_values().map(|influence| influence * influence).collect();
        squares.sort_unstable_by(f64::total_cmp);
        (n > 0.0).then(|| (self.sum / n, squares.iter().sum::<f64>() / (n * n)))
    }
}

/// A trial's AUC on a split: mean over the replicates, and variance of that mean.
pub(super) fn mean_auc(scores: &[ReplicateScores], on: Split) -> Option<(f64, f64)> {
    let mut auc = OverReplicates::default();
    for replicate in scores {
        auc.add(replicate.on(on), 1.0)?;
        auc.replicates += 1;
    }
    auc.mean_and_variance()
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::metrics::{Confusion, mcnemar, roc_auc};

    /// 400 rows, every tenth positive; `noise` tells the models apart.
    fn scores(replicate: u32, noise: f32) -> ReplicateScores {
        let group = |split, shift: i64| {
            let rows: Vec<i64> = (0..400).map(|i| i + shift + 100 * i64::from(replicate)).collect();
            let labels: Vec<u8> = rows.iter().map(|row| u8::from(row % 10 == 0)).collect();
            let score = |row: i64, label: u8| {
                let even = (row * 7919 % 1009) as f32 / 1009.0;
                let own = (row * 104_729 % 997) as f32 / 997.0;
                (0.5 * even + noise * own + 0.3 * f32::from(label)) / (0.8 + noise)
            };
            let scores: Vec<f32> = rows.iter().zip(&labels).map(|(&row, &label)| score(row, label)).collect();
            ScoreGroup { trial: "t".into(), replicate, split, rows, labels, raw: scores.clone(), scores }
        };
        ReplicateScores { replicate, validation: group(Split::Validation, 0), test: group(Split::Test, 5000) }
    }

    const POINT: OperatingPoint = OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: None };

    #[test]
    fn one_replicate_is_delong_and_mcnemar_themselves() {
        let (a, b) = (scores(0, 0.1), scores(0, 0.6));
        let found = contrast(std::slice::from_ref(&a), std::slice::from_ref(&b), Split::Test, Some(&POINT)).unwrap();
        let components = |s: &ReplicateScores| AucComponents::new(&s.test.scores, &s.test.labels).unwrap();
        let delong = components(&a).compare(&components(&b)).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-5 * b.abs();
        assert!(near(found.auc_difference, delong.difference) && near(found.auc_variance, delong.variance));
        let (auc_a, variance) = mean_auc(std::slice::from_ref(&a), Split::Test).unwrap();
        let alone = focalsweep_core::metrics::auc_delong(&a.test.scores, &a.test.labels).unwrap();
        assert!(near(auc_a, alone.auc) && near(variance.sqrt(), alone.se.unwrap()));
        let auc = |s: &ReplicateScores| roc_auc(&s.test.scores, &s.test.labels).unwrap();
        assert!((found.auc_difference - (auc(&a) - auc(&b))).abs() < 1e-12 && found.auc_difference > 0.0);
        let missed = |s: &ReplicateScores| -> Vec<bool> {
            let threshold = threshold_for(&POINT, &s.validation.scores, &s.validation.labels).unwrap();
            let positives = s.test.scores.iter().zip(&s.test.labels).filter(|&(_, &y)| y != 0);
            positives.map(|(&score, _)| f64::from(score) < threshold).collect()
        };
        let (of_a, of_b) = (missed(&a), missed(&b));
        let only = |x: &[bool], y: &[bool]| x.iter().zip(y).filter(|&(&x, &y)| x && !y).count() as u64;
        assert_eq!(found.missed_p, Some(mcnemar(only(&of_a, &of_b), only(&of_b, &of_a))));
        let count = |s: &ReplicateScores| {
            let threshold = threshold_for(&POINT, &s.validation.scores, &s.validation.labels).unwrap();
            Confusion::at(&s.test.scores, &s.test.labels, threshold).fn_ as f64
        };
        assert_eq!(found.missed_difference, Some(count(&a) - count(&b)));
        assert_eq!((found.positives, found.replicates), (40, 1));
    }

    #[test]
    fn a_replicate_of_the_same_rows_adds_nothing_and_one_of_others_does() {
        let twin = |s: ReplicateScores| ReplicateScores { replicate: 7, ..s };
        let one = contrast(&[scores(0, 0.1)], &[scores(0, 0.6)], Split::Test, Some(&POINT)).unwrap();
        let same = contrast(
            &[scores(0, 0.1), twin(scores(0, 0.1))],
            &[scores(0, 0.6), twin(scores(0, 0.6))],
            Split::Test,
            Some(&POINT),
        );
        let same = same.unwrap();
        assert!((same.auc_variance - one.auc_variance).abs() < 1e-12 && (same.auc_p - one.auc_p).abs() < 1e-12);
        assert_eq!(same.missed_difference, one.missed_difference);
        // 300 of 400 rows in common.
        let other = |noise| [scores(0, noise), scores(1, noise)];
        let two = contrast(&other(0.1), &other(0.6), Split::Test, Some(&POINT)).unwrap();
        assert!(two.auc_variance < 0.95 * one.auc_variance && two.auc_variance > 0.5 * one.auc_variance);
    }

    #[test]
    fn a_trial_is_equal_to_itself_and_other_rows_are_not_compared() {
        let a = [scores(0, 0.1)];
        let itself = contrast(&a, &a, Split::Validation, Some(&POINT)).unwrap();
        assert_eq!((itself.auc_difference, itself.auc_p), (0.0, 1.0));
        assert_eq!((itself.missed_difference, itself.missed_p), (Some(0.0), Some(1.0)));
        let other = [ReplicateScores { replicate: 0, ..scores(3, 0.1) }];
        assert_eq!(contrast(&a, &other, Split::Test, Some(&POINT)), None);
        assert_eq!(contrast(&a, &[scores(1, 0.1)], Split::Test, None), None);
        let bare = contrast(&a, &a, Split::Test, None).unwrap();
        assert_eq!((bare.missed_difference, bare.missed_p), (None, None));
    }
}
