//! What is embedded of the best trials only: epochs, curves, counts by threshold, calibration.

use std::collections::HashMap;

use super::calibration::calibration;
use super::curves::{precision_recall, roc, training_roc};
use super::history::histories;
use super::payload::Detail;
use super::thresholds::{histogram, thresholds};
use crate::rank::Ranking;
use crate::read::{ReportError, ScoreGroup, for_each_group};
use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::Split;

/// The details, and p_t of the winner's test rows by class.
pub(super) struct Gathered {
    pub(super) details: Vec<Detail>,
    pub(super) winner_positives: Vec<f64>,
    pub(super) winner_negatives: Vec<f64>,
}

/// Details of the trials `wanted` (by index in the ranking, in ascending order), of the replicates that rank them.
///
/// # Errors
/// A file of the run is there but cannot be read.
pub(super) fn details(files: &RunFiles, ranking: &Ranking, wanted: &[usize]) -> Result<Gathered, ReportError> {
    let at: HashMap<&str, usize> =
        wanted.iter().enumerate().map(|(at, &trial)| (ranking.trials[trial].trial.trial_id.as_str(), at)).collect();
    let mut gathered = Gathered {
        details: wanted.iter().map(|&trial| Detail { trial, ..Detail::default() }).collect(),
        winner_positives: Vec::new(),
        winner_negatives: Vec::new(),
    };
    for (trial, history) in histories(files, &|trial| at.contains_key(trial))? {
        if let Some(&at) = at.get(trial.as_str()) {
            gathered.details[at].history = history;
        }
    }
    let ranks = |trial: &str, replicate: u32| {
        let at = at.get(trial).map(|&at| &ranking.trials[wanted[at]].trial);
        at.is_some_and(|trial| trial.replicates.contains(&replicate))
    };
    let ids = at.keys().map(|&id| id.to_owned()).collect();
    for (trial, curve) in training_roc(files, ids, &ranks)? {
        if let Some(&at) = at.get(trial.as_str()) {
            gathered.details[at].roc.push(curve);
        }
    }
    // The groups of a trial lie together, so one trial's are in memory at a time.
    let mut under_way: Vec<ScoreGroup> = Vec::new();
    let wanted = |trial: &str, replicate: u32, _| ranks(trial, replicate);
    for_each_group(files, &wanted, &mut |group| {
        if under_way.first().is_some_and(|first| first.trial != group.trial) {
            add(&mut gathered, &at, &std::mem::take(&mut under_way), ranking);
        }
        under_way.push(group);
    })?;
    add(&mut gathered, &at, &under_way, ranking);
    Ok(gathered)
}

/// Adds what the scores of one trial say.
fn add(gathered: &mut Gathered, at: &HashMap<&str, usize>, groups: &[ScoreGroup], ranking: &Ranking) {
    let Some(&at) = groups.first().and_then(|group| at.get(group.trial.as_str())) else { return };
    let of = |split: Split| -> Vec<&ScoreGroup> { groups.iter().filter(|group| group.split == split).collect() };
    let (validation, test) = (of(Split::Validation), of(Split::Test));
    let detail = &mut gathered.details[at];
    let operating_point = ranking.mean(&ranking.trials[detail.trial], "threshold");
    detail.thresholds = thresholds(&validation, &test, operating_point);
    detail.histogram = histogram(&test);
    detail.calibration = calibration(&validation, &test);
    for (split, groups) in [("val", &validation), ("test", &test)] {
        detail.roc.extend(roc(split, groups));
        detail.precision_recall.extend(precision_recall(split, groups));
    }
    if detail.trial == 0 {
        for group in &test {
            for (&score, &label) in group.scores.iter().zip(&group.labels) {
                let score = f64::from(score);
                if label == 1 {
                    gathered.winner_positives.push(score);
                } else {
                    gathered.winner_negatives.push(1.0 - score);
                }
            }
        }
    }
}
