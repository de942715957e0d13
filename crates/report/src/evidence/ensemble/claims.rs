//! What is claimed of an average: against the trial that ranks first, and against plain cross-entropy.

use std::collections::{HashMap, HashSet};

use super::{ENSEMBLE, Ensemble};
use crate::evidence::claim::Claim;
use crate::evidence::judge::StandardErrors;
use crate::evidence::kept::ReplicateScores;
use crate::evidence::members::{Asked, Wanted, read_members};
use crate::evidence::named::named_against;
use crate::rank::Ranking;
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

/// Claims about an average as a model on the test rows, which chose neither it nor the trials it is held against, and
/// the standard error of its AUC there. None at the operating point where a rank key of it chose the trials: these
/// take a lucky threshold along, the average has one of its own.
///
/// # Errors
/// None that scores in memory have.
pub(in crate::evidence) fn claims(
    ensemble: &Ensemble,
    against: &[&str],
    scores: &HashMap<String, Vec<ReplicateScores>>,
    (results, ranking): (&Results, &Ranking),
    errors: &mut StandardErrors,
    for_each: ForEach<'_>,
) -> Result<Vec<Claim>, ReportError> {
    let rivals = against.iter().filter_map(|&trial| scores.get(trial)).flatten();
    let held = Held(ensemble.replicates.iter().map(|replicate| &replicate.scores).chain(rivals).collect());
    let chosen_at_point = ranking.test().is_some_and(Test::is_at_point);
    let point = ranking.operating_point.as_ref().filter(|_| !chosen_at_point);
    let asked = Asked { on: Split::Test, point, average_precision: true };
    let trials: HashSet<String> = against.iter().map(|&trial| trial.to_owned()).chain([ENSEMBLE.to_owned()]).collect();
    let replicates = ensemble.ranked.trial.replicates.iter().copied().collect();
    let members = read_members(&held, &Wanted { trials: &trials, replicates: &replicates }, &asked, for_each)?;
    errors.add(&members, Split::Test, results);
    Ok(named_against((ENSEMBLE, against), RESAMPLES, &members, &asked, for_each))
}
