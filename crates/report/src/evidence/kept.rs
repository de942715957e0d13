//! The scores of a few trials, kept in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::read::{CalibrationGroup, ReportError, ScoreGroup, ScoreSource};
use focalsweep_core::metrics::{AucComponents, unit_factors};
use focalsweep_core::spec::{OperatingPoint, Split};

/// The scores of a trial on one replicate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReplicateScores {
    pub(super) replicate: u32,
    pub(super) validation: ScoreGroup,
    pub(super) test: ScoreGroup,
    /// On the negatives that were set aside, where a guarantee is asked for.
    pub(super) calibration: Option<CalibrationGroup>,
}

impl ReplicateScores {
    pub(super) fn on(&self, split: Split) -> &ScoreGroup {
        match split {
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

/// Reads the scores of the trials in `wanted` on some replicates, each in the order of these, with those of negatives
/// that were set aside where `point` asks for a guarantee. Trials whose scores were not kept are missing, and so are
/// all where there is no scores.parquet.
///
/// # Errors
/// scores.parquet is there but cannot be read.
pub(super) fn scores_of(
    source: &dyn ScoreSource,
    wanted: &HashSet<String>,
    replicates: &HashSet<u32>,
    point: Option<&OperatingPoint>,
) -> Result<HashMap<String, Vec<ReplicateScores>>, ReportError> {
    let mut set_aside: HashMap<(String, u32), CalibrationGroup> = HashMap::new();
    if point.is_some_and(|point| point.guarantee().is_some()) {
        let is_wanted = |trial: &str, replicate| wanted.contains(trial) && replicates.contains(&replicate);
        source.for_each_calibration(&is_wanted, &mut |group| {
            set_aside.insert((group.trial.clone(), group.replicate), group);
        })?;
    }
    let mut found: HashMap<String, BTreeMap<u32, [Option<ScoreGroup>; 2]>> = HashMap::new();
    let is_wanted = |trial: &str, replicate: u32, _| wanted.contains(trial) && replicates.contains(&replicate);
    source.for_each(&is_wanted, &mut |group| {
        let replicates = found.entry(group.trial.clone()).or_default();
        let splits = replicates.entry(group.replicate).or_default();
        let place = usize::from(group.split == Split::Test);
        splits[place] = Some(group);
    })?;
    let mut whole = |trial: &str, replicate: u32, [validation, test]: [Option<ScoreGroup>; 2]| {
        let calibration = set_aside.remove(&(trial.to_owned(), replicate));
        Some(ReplicateScores { replicate, validation: validation?, test: test?, calibration })
    };
    let mut of_trial = HashMap::new();
    for (trial, of) in found {
        let of = of.into_iter().filter_map(|(replicate, splits)| whole(&trial, replicate, splits)).collect();
        of_trial.insert(trial, of);
    }
    Ok(of_trial)
}

/// The winner was chosen for its figures on the validation rows, so that these flatter it: its AUC there and on the
/// test rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimism {
    /// AUC on the validation rows, mean over the replicates.
    pub validation: f64,
    /// AUC on the test rows, likewise.
    pub test: f64,
    /// Standard error of the first less the second.
    pub standard_error: f64,
}

impl Optimism {
    /// Of a trial. What a row, or a unit of rows, adds to the error is added up over the replicates and splits that
    /// hold it: a row may lie
    /// in the validation rows of one replicate and in the test rows of another (N. A. Obuchowski 1997, Biometrics
    /// 53(2)).
    pub(super) fn of(scores: &[ReplicateScores]) -> Option<Self> {
        let n = scores.len() as f64;
        let mut of_rows: BTreeMap<i64, f64> = BTreeMap::new();
        let mut means = [0.0; 2];
        for replicate in scores {
            for (mean, (split, sign)) in means.iter_mut().zip([(Split::Validation, 1.0), (Split::Test, -1.0)]) {
                let group = replicate.on(split);
                let components = AucComponents::new(&group.raw, &group.labels)?;
                *mean += components.auc() / n;
                let factors =
                    if group.units.is_empty() { [1.0; 2] } else { unit_factors(&group.labels, &group.units)? };
                for (at, influence) in components.influences(&group.labels)?.into_iter().enumerate() {
                    let influence = f64::from(influence) * factors[usize::from(group.labels[at] != 0)];
                    *of_rows.entry(group.unit(at)).or_insert(0.0) += sign * influence / n;
                }
            }
        }
        let [validation, test] = means;
        let variance: f64 = of_rows.values().map(|influence| influence * influence).sum();
        (n > 0.0).then(|| Self { validation, test, standard_error: variance.sqrt() })
    }
}
