//! An average of the trials that rank first, from the scores that the run has.
//!
//! Chosen on validation rows alone: members, their weights, the rule by which they are put together, and on each
//! replicate the maps that make their scores comparable. So its validation figures flatter it, as the winner's do, and
//! more; test figures do not, as long as test rows choose nothing. Whether averaging buys anything is asked on
//! validation rows that the choice did not see (`choose`); only where it seems to does it have a row in the report, and
//! claims.

mod choose;
mod claims;
mod figures;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::kept::{ReplicateScores, scores_of};
use crate::rank::{FEW_POSITIVES, Ranked, Ranking};
use crate::read::{ForEach, ReportError, Results, ScoreSource};
use choose::{Candidate, Chosen, FOLDS, candidates, choose};
use figures::measured;
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{LEVEL, Rule, Scale, Threshold, student_t};
use focalsweep_core::spec::Split;

/// What stands for its id in claims, tables and on the command line.
pub const ENSEMBLE: &str = "ensemble";
/// Trials that may be members, the best by the rank keys.
const MOST_CANDIDATES: usize = 20;

/// An average of trials.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// How it was put together.
    pub rule: Rule,
    /// Its members, the heaviest first.
    pub members: Vec<EnsembleMember>,
    /// Trials that might have been.
    pub candidates: usize,
    /// The figure that it was chosen for: the AUC or the average precision.
    pub aim: Test,
    /// By how much that figure was higher than that of the best trial by itself, on validation rows that had chosen
    /// neither.
    pub gain: f64,
    /// Standard error of the gain.
    pub gain_error: f64,
    /// On each replicate.
    pub replicates: Vec<EnsembleReplicate>,
    /// Its means, as those of a trial; its rank and front say nothing.
    pub ranked: Ranked,
}

/// A trial of an average.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleMember {
    /// The trial.
    pub trial_id: String,
    /// Its share of the average.
    pub weight: f64,
}

/// An average on one replicate.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleReplicate {
    /// The replicate.
    pub replicate: u32,
    /// What makes the members' scores comparable, by member.
    pub scales: Vec<Scale>,
    /// Where rows are flagged from at the operating point.
    pub threshold: Option<Threshold>,
    /// Its figures by [`Results::metrics`].
    pub metrics: Vec<Option<f64>>,
    /// Its scores.
    scores: ReplicateScores,
}

impl Ensemble {
    /// The average that the validation rows of a run choose, by the scores of its trials; why there is none, in words.
    ///
    /// # Errors
    /// The scores are there but cannot be read.
    pub fn of(
        source: &dyn ScoreSource,
        results: &Results,
        ranking: &Ranking,
        for_each: ForEach<'_>,
    ) -> Result<Result<Self, String>, ReportError> {
        let Some(winner) = ranking.winner() else { return Ok(Err("no trial has any metrics".to_owned())) };
        let wanted = Self::might_be(ranking).collect();
        let replicates = winner.trial.replicates.iter().copied().collect();
        let scores = scores_of(source, &wanted, &replicates, ranking.operating_point.as_ref())?;
        Ok(Self::chosen(&scores, results, ranking, for_each))
    }

    /// Ids of the trials whose scores [`Ensemble::chosen`] looks at.
    pub(super) fn might_be(ranking: &Ranking) -> impl Iterator<Item = String> + '_ {
        let ranked = ranking.trials.iter().filter(|ranked| ranked.front.is_some() && ranked.trial.complete);
        ranked.take(MOST_CANDIDATES).map(|ranked| ranked.trial.trial_id.clone())
    }

    /// The same of scores that were read.
    pub(super) fn chosen(
        scores: &HashMap<String, Vec<ReplicateScores>>,
        results: &Results,
        ranking: &Ranking,
        for_each: ForEach<'_>,
    ) -> Result<Self, String> {
        if let Some(column) = &ranking.weight {
            return Err(format!("rows count by `{column}`, and the validation rows that choose one would count once"));
        }
        if ranking.on == Split::Test {
            return Err("trials are ranked on the test rows, which then measure no average of them".to_owned());
        }
        let candidates = candidates(scores, ranking, for_each);
        let [first, _, ..] = &candidates[..] else {
            return Err("that takes the scores of two complete trials or more on the same rows".to_owned());
        };
        if !has_fixed_test_rows(first.scores) {
            return Err("replicates have test rows of their own, which choose in other replicates".to_owned());
        }
        let aim = match ranking.test() {
            Some(Test::AveragePrecision) => Test::AveragePrecision,
            _ => Test::Auc,
        };
        let Some(Chosen { rule, weights, gain, gain_error }) = choose(&candidates, aim, for_each) else {
            return Err(format!("it takes {FEW_POSITIVES} validation positives to choose one"));
        };
        let mut at: Vec<usize> = (0..candidates.len()).filter(|&at| weights[at] > 0.0).collect();
        at.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        let members: Vec<(&Candidate<'_>, f64)> = at.into_iter().map(|at| (&candidates[at], weights[at])).collect();
        let (replicates, ranked) = measured(&members, results, ranking);
        let named = |(candidate, weight): &(&Candidate<'_>, f64)| EnsembleMember {
            trial_id: candidate.trial_id.to_owned(),
            weight: *weight,
        };
        Ok(Self {
            rule,
            members: members.iter().map(named).collect(),
            candidates: candidates.len(),
            aim,
            gain,
            gain_error,
            replicates,
            ranked,
        })
    }

    /// Whether logits are averaged, so that it says probabilities; else places.
    pub fn is_of_logits(&self) -> bool {
        let scales = self.replicates.iter().flat_map(|replicate| &replicate.scales);
        scales.into_iter().all(|scale| matches!(scale, Scale::Platt(_)))
    }

    /// Whether averaging seems to buy anything: by a one-sided t-test over the folds, at 5 %, the gain on rows that did
    /// not choose is more than none.
    pub fn earns_its_row(&self) -> bool {
        self.gain > student_t(2.0 * LEVEL, FOLDS as f64 - 1.0) * self.gain_error
    }
}

/// Whether every replicate has the same test rows.
fn has_fixed_test_rows(scores: &[ReplicateScores]) -> bool {
    let mut rows = scores.iter().map(|replicate| &replicate.test.rows);
    rows.next().is_none_or(|first| rows.all(|other| other == first))
}
