//! What is claimed of an average: against the trial that ranks first, and against plain cross-entropy.

use std::collections::HashSet;

use super::{ENSEMBLE, Ensemble};
use crate::evidence::claim::Claim;
use crate::evidence::judge::StandardErrors;
use crate::evidence::kept::{ReplicateScores, scores_of};
use crate::evidence::members::{Asked, Wanted, read_members};
use crate::evidence::named::named_against;
use crate::rank::{Ranked, Ranking};
use crate::read::{CalibrationGroup, ForEach, ReportError, Results, ScoreGroup, ScoreSource};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::spec::Split;

/// Resamples of the rows.
const RESAMPLES: u32 = 1000;

/// Scores of a few trials and of an average of some.
struct Held<'a>(Vec<&'a ReplicateScores>);

impl ScoreSource for Held<'_> {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        let groups = self.0.iter().flat_map(|of| [&of.validation, &of.test]);
        let groups = groups.filter(|group| wanted(&group.trial, group.replicate, group.split));
        groups.for_each(|group| each(group.clone()));
        Ok(())
    }

    fn for_each_calibration(
        &self,
        wanted: &dyn Fn(&str, u32) -> bool,
        each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        let groups = self.0.iter().filter_map(|of| of.calibration.as_ref());
        groups.filter(|group| wanted(&group.trial, group.replicate)).for_each(|group| each(group.clone()));
        Ok(())
    }
}

impl Ensemble {
    /// Claims about it as a model on the test rows, which chose neither it nor the trials it is held against: the one
    /// that ranks first, and plain cross-entropy; and the standard error of its AUC there, which is added. None at the
    /// operating point where a rank key of it chose the trials: these take a lucky threshold along, the average has one
    /// of its own.
    ///
    /// # Errors
    /// The scores are there but cannot be read.
    pub fn claims(
        &self,
        source: &dyn ScoreSource,
        (results, ranking): (&Results, &Ranking),
        errors: &mut StandardErrors,
        for_each: ForEach<'_>,
    ) -> Result<Vec<Claim>, ReportError> {
        let of_trial = |ranked: &Ranked| ranked.trial.trial_id.clone();
        let mut against: Vec<String> = ranking.winner().into_iter().chain(ranking.baseline()).map(of_trial).collect();
        against.dedup();
        let mut trials: HashSet<String> = against.iter().cloned().collect();
        let replicates = self.ranked.trial.replicates.iter().copied().collect();
        let chosen_at_point = ranking.test().is_some_and(Test::is_at_point);
        let point = ranking.operating_point.as_ref().filter(|_| !chosen_at_point);
        let rivals = scores_of(source, &trials, &replicates, point)?;
        let of_average = self.replicates.iter().map(|replicate| &replicate.scores);
        // In an order of their own: rows are resampled by the places that they get as they come.
        let rivals = against.iter().filter_map(|trial| rivals.get(trial)).flatten();
        let held = Held(of_average.chain(rivals).collect());
        let asked = Asked { on: Split::Test, point, average_precision: true };
        trials.insert(ENSEMBLE.to_owned());
        let members = read_members(&held, &Wanted { trials: &trials, replicates: &replicates }, &asked, for_each)?;
        errors.add(&members, Split::Test, results);
        let against: Vec<&str> = against.iter().map(String::as_str).collect();
        Ok(named_against((ENSEMBLE, &against), RESAMPLES, &members, &asked, for_each))
    }
}
