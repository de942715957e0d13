//! What is embedded of the best trials only: epochs, curves, counts by threshold, calibration.

use std::collections::HashMap;

use super::calibration::{Ordered, calibration};
use super::curves::{precision_recall, roc, training_roc};
use super::history::histories;
use super::payload::Detail;
use super::thresholds::{histogram, thresholds};
use crate::evidence::shared_rows;
use crate::rank::Ranking;
use crate::read::{ForEach, ReportError, Results, ScoreGroup, Scores, each_trial, part_of};
use focalsweep_core::losses::LossTerms;
use focalsweep_core::metrics::Steps;
use focalsweep_core::spec::Split;

/// The details, and p_t of the winner's test rows by class.
pub(super) struct Gathered {
    pub(super) details: Vec<Detail>,
    pub(super) winner_positives: Vec<f64>,
    pub(super) winner_negatives: Vec<f64>,
}

/// Details of `trials` (by index in the ranking, in ascending order), of the replicates that rank them.
///
/// # Errors
/// A file of the run is there but cannot be read.
pub(super) fn details(
    scores: &Scores<'_>,
    results: &Results,
    ranking: &Ranking,
    trials: &[usize],
    for_each: ForEach<'_>,
) -> Result<Gathered, ReportError> {
    let at: HashMap<&str, usize> =
        trials.iter().enumerate().map(|(at, &trial)| (ranking.trials[trial].trial.trial_id.as_str(), at)).collect();
    let mut gathered = Gathered {
        details: trials.iter().map(|&trial| Detail { trial, ..Detail::default() }).collect(),
        winner_positives: Vec::new(),
        winner_negatives: Vec::new(),
    };
    for (trial, history) in histories(scores.files(), &|trial| at.contains_key(trial))? {
        if let Some(&at) = at.get(trial.as_str()) {
            gathered.details[at].history = history;
        }
    }
    let ranks = |trial: &str, replicate: u32| {
        let at = at.get(trial).map(|&at| &ranking.trials[trials[at]].trial);
        at.is_some_and(|trial| trial.replicates.contains(&replicate))
    };
    let ids = at.keys().map(|&id| id.to_owned()).collect();
    for (trial, curve) in training_roc(scores.files(), ids, &ranks, shared_rows(results, Split::Test))? {
        if let Some(&at) = at.get(trial.as_str()) {
            gathered.details[at].roc.push(curve);
        }
    }
    // The groups of a trial lie together.
    let wanted = |trial: &str, replicate: u32, _| ranks(trial, replicate);
    let details = |groups: &[ScoreGroup]| {
        let &at = at.get(groups.first()?.trial.as_str())?;
        let ranked = &ranking.trials[trials[at]];
        let of_trial = (ranking.mean(ranked, "threshold"), ranking.improper_loss(ranked));
        Some((at, of_scores(groups, results, of_trial)))
    };
    each_trial(scores, &wanted, for_each, details, |groups, found| {
        let Some((at, found)) = found else { return };
        gathered.add(at, found);
        if trials[at] == 0 {
            gathered.add_winner(&groups);
        }
    })?;
    Ok(gathered)
}

/// What the scores of one trial say; its history is empty.
fn of_scores(
    groups: &[ScoreGroup],
    results: &Results,
    (operating_point, loss): (Option<f64>, Option<LossTerms>),
) -> Detail {
    // Logits and probabilities in order, once for all that is made of them; nothing without an order.
    let in_order = groups.iter().map(|group| Steps::of_both(&group.raw, &group.scores, &group.labels));
    let Some(in_order) = in_order.collect::<Option<Vec<[Steps; 2]>>>() else { return Detail::default() };
    let of = |split: Split, which: usize| -> Vec<Ordered<'_>> {
        let of_split = groups.iter().zip(&in_order).filter(|(group, _)| group.split == split);
        of_split.map(|(group, steps)| (group, &steps[which])).collect()
    };
    let (validation, test) = (of(Split::Validation, SCORES), of(Split::Test, SCORES));
    let mut detail = Detail {
        thresholds: thresholds(&validation, &test, operating_point),
        histogram: histogram(&test),
        calibration: calibration(&validation, &test, (&of(Split::Test, RAW), loss)),
        ..Detail::default()
    };
    for split in [Split::Validation, Split::Test] {
        let (groups, shared) = (of(split, RAW), shared_rows(results, split));
        let split = part_of(split).prefix();
        detail.roc.extend(roc(split, &groups, shared));
        detail.precision_recall.extend(precision_recall(split, &groups));
    }
    detail
}

/// Which of [`Steps::of_both`].
const RAW: usize = 0;
const SCORES: usize = 1;

impl Gathered {
    /// Adds what the scores of a trial say.
    fn add(&mut self, at: usize, found: Detail) {
        let Detail { thresholds, histogram, calibration, roc, precision_recall, .. } = found;
        let detail = &mut self.details[at];
        (detail.thresholds, detail.histogram, detail.calibration) = (thresholds, histogram, calibration);
        detail.roc.extend(roc);
        detail.precision_recall.extend(precision_recall);
    }

    fn add_winner(&mut self, groups: &[ScoreGroup]) {
        for group in groups.iter().filter(|group| group.split == Split::Test) {
            for (&score, &label) in group.scores.iter().zip(&group.labels) {
                let score = f64::from(score);
                if label == 1 {
                    self.winner_positives.push(score);
                } else {
                    self.winner_negatives.push(1.0 - score);
                }
            }
        }
    }
}
