//! All that is claimed of a run's trials.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::claim::{Claim, Claims, Correction};
use super::folds::over_folds;
use super::members::{Asked, Members, Wanted, read_members};
use super::methods::Method;
use super::named::{named, named_against};
use super::pairs::{AllBehind, against_all};
use super::procedure::Parts;
use super::settings::settings;
use super::windows::{over_windows, windows};
use crate::rank::{Ranked, Ranking};
use crate::read::parameters::PLAIN;
use crate::read::{ForEach, ReportError, Results, Row, ScoreSource, part_of};
use focalsweep_core::metrics::catalogue::{Metric, Part, Test};
use focalsweep_core::metrics::{Behind, holm};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::State;
use focalsweep_core::spec::Split;

/// Influences that are held at once, trials times rows: 512 MB.
const MOST_CELLS: usize = 1 << 27;
/// Trials that are held against the winner, the best first: what is beyond a screenful of screenfuls nobody asks for,
/// and each keeps its order of scores for the resamples.
const MOST_COMPARED: usize = 2_000;
/// Resamples of the rows of the winner and the best of each other method.
const RESAMPLES: u32 = 1000;

/// What was found out about a run's trials.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judged {
    /// All that is claimed.
    pub claims: Claims,
    /// Standard errors of the AUCs.
    pub errors: StandardErrors,
    /// Whether trials were trained afresh.
    pub confirmed: Confirmed,
    /// How far each trial is behind the best of the others at most, by the first rank key that has a test; empty where
    /// not all pairs were compared at once.
    pub(super) behind: HashMap<String, Behind>,
}

/// Standard errors of mean AUCs, of rows and of trainings, by trial: on the validation and on the test rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StandardErrors(BTreeMap<(String, bool), f64>);

impl StandardErrors {
    /// That of a trial's mean AUC; `None` where its scores were not looked at.
    pub fn of(&self, trial: &str, on: Split) -> Option<f64> {
        self.0.get(&(trial.to_owned(), on == Split::Test)).copied()
    }

    /// Of folds at least what they differ by says: their trainings share rows, so that what they have in common does
    /// not show in the differences.
    pub(super) fn add(&mut self, members: &Members, on: Split, results: &Results) {
        let folds = Parts::of(results).filter(|parts| matches!(parts, Parts::Folds(_)));
        for (trial, member) in &members.of {
            let of_folds = folds.and_then(|folds| folds.standard_error(results, &member.auc.of_replicate));
            let error = member.auc.standard_error().max(of_folds.unwrap_or(0.0));
            self.0.insert((trial.clone(), on == Split::Test), error);
        }
    }
}

/// Whether trials were trained afresh, so that something can be said of their settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirmed {
    /// None were.
    #[default]
    No,
    /// The winner, and the baseline if there is one, were.
    Yes,
    /// Others than now win were.
    Others,
}

/// Judges the trials of a ranking by their scores.
///
/// On the rows that ranked, the winner is held against all others, corrected for having been chosen there. On test rows
/// that no replicate chose on, it is held against the baseline, and the best trial of each method against the plain
/// one, as trials that were named beforehand; where each replicate has test rows of its own, which chose in another,
/// again corrected over all pairs. Folds and windows have models of their own: of those nothing is claimed on the test
/// rows, but of the [`Procedure`](super::Procedure) that chose them; over several windows such a claim was too often
/// false (docs/statistics.md). A ranking on the test rows of folds tells trials apart over the folds. At the operating
/// point the rows that chose the thresholds are resampled: for the test rows negatives that were set aside, where there
/// are enough for the guarantee that is asked for. A trial that was ranked by what its threshold gave was chosen for
/// that threshold and takes it along, so its claims at the operating point are corrected over all pairs on any test
/// rows. Of rows that have weights nothing is claimed at the operating point.
///
/// # Errors
/// The scores are there but cannot be read.
pub fn judge(
    source: &dyn ScoreSource,
    results: &Results,
    ranking: &Ranking,
    methods: &[Method],
    for_each: ForEach<'_>,
) -> Result<Judged, ReportError> {
    let mut judged = Judged::default();
    let Some(winner) = ranking.winner() else { return Ok(judged) };
    let id = |ranked: &Ranked| ranked.trial.trial_id.clone();
    let (first, baseline) = (id(winner), ranking.baseline().map(id).filter(|baseline| *baseline != id(winner)));
    let is_as_far = |method: &&Method| ranking.trial(&method.trial_id).is_none_or(|ranked| ranking.is_as_far(ranked));
    let methods: Vec<&Method> = methods.iter().filter(is_as_far).collect();
    let plain = methods.iter().find(|method| method.name == PLAIN).map(|method| method.trial_id.clone());
    let rivals: BTreeSet<String> =
        methods.iter().map(|method| method.trial_id.clone()).filter(|rival| Some(rival) != plain.as_ref()).collect();
    let few: HashSet<String> = [&first].into_iter().chain(&baseline).chain(&plain).chain(&rivals).cloned().collect();
    // Those that might have won in its place; of very many the first, and those that are asked about anyway.
    let might_have = |ranked: &&Ranked| {
        ranked.front.is_some() && ranked.trial.complete == winner.trial.complete && ranking.is_as_far(ranked)
    };
    let contenders = ranking.trials.iter().filter(might_have).count();
    let mut compared: HashSet<String> =
        ranking.trials.iter().filter(might_have).take(most_held(results, ranking)).map(id).collect();
    compared.extend(ranking.trials.iter().filter(might_have).map(id).filter(|trial| few.contains(trial)));
    let replicates: HashSet<u32> = winner.trial.replicates.iter().copied().collect();
    let about = tests(ranking);
    let asked = |on| Asked {
        on,
        // Resamples count rows.
        point: ranking.operating_point.as_ref().filter(|_| ranking.weight.is_none()),
        average_precision: on == Split::Test || about.contains(&Test::AveragePrecision),
    };
    let all = Wanted { trials: &compared, replicates: &replicates };
    let members = read_members(source, &all, &asked(ranking.on), for_each)?;
    judged.errors.add(&members, ranking.on, results);
    let over = results.split.folds.is_some() && ranking.on == Split::Test;
    let (claims, mut behind) = if over {
        (over_folds(&first, &compared, contenders, (results, ranking), &about), AllBehind::new())
    } else {
        against_all(&first, &members, contenders, &asked(ranking.on), &about, for_each)
    };
    judged.claims.extend(claims);
    judged.behind = ranking.test().and_then(|test| behind.remove(&test)).unwrap_or_default();

    let asked = asked(Split::Test);
    let mut members = if ranking.on == Split::Test {
        members
    } else {
        read_members(source, &Wanted { trials: &few, replicates: &replicates }, &asked, for_each)?
    };
    judged.errors.add(&members, Split::Test, results);
    let is_fixed = ranking.on == Split::Validation && members.rows.is_fixed();
    let chosen_at_point = ranking.test().is_some_and(Test::is_at_point);
    if is_fixed {
        let asked = Asked { point: asked.point.filter(|_| !chosen_at_point), ..asked };
        if let Some(baseline) = &baseline {
            judged.claims.extend(named(&first, baseline, &members, &asked, for_each));
        }
        if let Some(plain) = &plain {
            let found = of_methods(&rivals, plain, &members, &asked, for_each);
            judged.claims.extend_new(found);
        }
        // Which of the others is best, validation rows said; that there are several is corrected for.
        let is_other = |method: &&&Method| method.trial_id != first;
        let others: Vec<&str> = methods.iter().filter(is_other).map(|method| method.trial_id.as_str()).collect();
        if others.len() + 1 == methods.len() && others.len() > 1 {
            let found = named_against((&first, &others), RESAMPLES, &members, &asked, for_each);
            judged.claims.extend_new(corrected_for_methods(found));
        }
    }
    let chose = if is_fixed { at_point(&asked).filter(|_| chosen_at_point) } else { Some(everything(&asked)) };
    // Each fold or window has models of its own, and a winner: see `procedure`.
    let several = results.planned_replicates > 1 && Parts::of(results) == Some(Parts::Windows);
    let chose = chose.filter(|_| results.split.folds.is_none() && !several);
    if let Some(about) = chose {
        if ranking.on == Split::Validation {
            members = read_members(source, &all, &asked, for_each)?;
        }
        // Methods are held against the plain one, not the other way round.
        let of_baseline: Vec<&String> = baseline.iter().collect();
        for (one, others, is_turned) in
            [(Some(&first), of_baseline, false), (plain.as_ref(), rivals.iter().collect(), true)]
        {
            let Some(one) = one.filter(|_| !others.is_empty()) else { continue };
            let (found, _) = against_all(one, &members, contenders, &asked, &about, for_each);
            let found = found.into_iter().filter(|claim| others.contains(&&claim.against));
            judged.claims.extend_new(found.map(|claim| if is_turned { claim.turned() } else { claim }));
        }
    }
    // Afresh all are trained to their ends.
    let plain = ranking.best_plain().map(id).filter(|plain| *plain != first);
    judged.confirm(source, results, ranking, &first, plain.as_deref(), &asked, for_each)?;
    Ok(judged)
}

/// What trials are compared by on the rows that rank them: the AUC, what the first rank key that has a test asks for,
/// and what the operating point's rule leaves open.
fn tests(ranking: &Ranking) -> Vec<Test> {
    let mut about = vec![Test::Auc];
    let of_rule = ranking.operating_point.as_ref().map(Test::of_rule);
    for test in ranking.test().into_iter().chain(of_rule) {
        if !about.contains(&test) {
            about.push(test);
        }
    }
    about.retain(|test| ranking.weight.is_none() || !test.is_at_point());
    about
}

fn everything(asked: &Asked<'_>) -> Vec<Test> {
    let mut about = vec![Test::Auc, Test::AveragePrecision];
    about.extend(at_point(asked).unwrap_or_default());
    about
}

fn at_point(asked: &Asked<'_>) -> Option<Vec<Test>> {
    asked.point.map(|point| Test::at_point(point).to_vec())
}

/// The best trial of each method against the plain one, corrected by Holm over the methods.
fn of_methods(
    rivals: &BTreeSet<String>,
    plain: &str,
    members: &Members,
    asked: &Asked<'_>,
    for_each: ForEach<'_>,
) -> Vec<Claim> {
    let each = rivals.iter().flat_map(|rival| named(rival, plain, members, asked, for_each));
    corrected_for_methods(each.collect())
}

/// Corrects the claims about each figure by Holm.
fn corrected_for_methods(claims: Vec<Claim>) -> Vec<Claim> {
    let mut by_figure: BTreeMap<&str, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        by_figure.entry(claim.about.about()).or_default().push(claim);
    }
    let corrected = |mut claims: Vec<Claim>| {
        let p: Vec<f64> = claims.iter().map(|claim| claim.p).collect();
        if claims.len() > 1 {
            for (claim, p) in claims.iter_mut().zip(holm(&p)) {
                (claim.p, claim.corrected_for, claim.interval) = (p, Correction::Methods, None);
            }
        }
        claims
    };
    by_figure.into_values().flat_map(corrected).collect()
}

impl Judged {
    /// Claims about settings, from the trainings that did not choose.
    #[expect(clippy::too_many_arguments, reason = "what a run is asked, and where its answer comes from")]
    fn confirm(
        &mut self,
        source: &dyn ScoreSource,
        results: &Results,
        ranking: &Ranking,
        winner: &str,
        baseline: Option<&str>,
        asked: &Asked<'_>,
        for_each: ForEach<'_>,
    ) -> Result<(), ReportError> {
        let mut of: HashMap<&str, BTreeSet<u32>> = HashMap::new();
        for row in results.rows.iter().filter(|row| row.phase == Phase::Confirm && row.state == State::Finished) {
            of.entry(&row.trial_id).or_default().insert(row.replicate);
        }
        if of.is_empty() {
            return Ok(());
        }
        let against = baseline.unwrap_or(winner);
        let (Some(common), Some(_)) = (of.get(against), of.get(winner)) else {
            self.confirmed = Confirmed::Others;
            return Ok(());
        };
        // Replicates that the winner and the one it is held against have; others that have them too are compared.
        let common: HashSet<u32> = common.iter().copied().filter(|replicate| of[winner].contains(replicate)).collect();
        let has_all = |trial: &str| common.iter().all(|replicate| of[trial].contains(replicate));
        let place = |trial: &&str| ranking.trial(trial).map_or(usize::MAX, |ranked| ranked.rank);
        let mut trials: Vec<&str> = of.keys().copied().filter(|&trial| trial != against && has_all(trial)).collect();
        trials.sort_by_key(place);
        self.confirmed = Confirmed::Yes;
        if windows(results).is_some() {
            self.claims.extend(over_windows(&trials, against, &common, results, asked.point));
            return Ok(());
        }
        let wanted: HashSet<String> = trials.iter().chain([&against]).map(|&trial| trial.to_owned()).collect();
        let members = read_members(source, &Wanted { trials: &wanted, replicates: &common }, asked, for_each)?;
        let redrawn = if members.rows.is_fixed() { None } else { test_rows_for_each_training_row(results) };
        self.claims.extend(settings(&trials, against, &members, asked, redrawn, for_each));
        Ok(())
    }
}

/// Trials whose influences fit into memory at once.
fn most_held(results: &Results, ranking: &Ranking) -> usize {
    let rows_of = |row: &Row| rows_of(results, row, part_of(ranking.on));
    let rows = results.ranked().filter(|row| row.state == State::Finished).find_map(rows_of).unwrap_or(0.0);
    let cells = rows as usize * ranking.replicates as usize;
    (MOST_CELLS / cells.max(1)).clamp(2, MOST_COMPARED)
}

/// Test rows for each training row of a replicate.
fn test_rows_for_each_training_row(results: &Results) -> Option<f64> {
    let row = results.rows.iter().find(|row| row.state == State::Finished)?;
    Some(rows_of(results, row, Part::Test)? / rows_of(results, row, Part::Training)?)
}

/// How many rows were counted at threshold 0.5.
fn rows_of(results: &Results, row: &Row, part: Part) -> Option<f64> {
    let counts = ["tp", "fp", "tn", "fn"].iter().filter_map(|name| Metric::named(name));
    counts.map(|count| results.value(row, &count.column(part).name())).sum()
}

/// What rows are flagged from at the operating point, by trial and replicate: a logit, in runs of version 1 a
/// probability.
pub(super) fn thresholds(results: &Results) -> HashMap<(&str, u32), f64> {
    let of = |row: &Row| results.value(row, "threshold_raw").or_else(|| results.value(row, "threshold"));
    results.rows.iter().filter_map(|row| Some(((row.trial_id.as_str(), row.replicate), of(row)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::{Options, rank};
    use crate::tests::{results, row};

    #[test]
    fn of_very_many_trials_the_first_are_compared() {
        let results = results(vec![row("a", 0, "bce", None, 0.9, 1.0), row("a", 1, "bce", None, 0.9, 1.0)]);
        let on = |on| rank(&results, &Options::new(vec!["auc".to_owned()], on)).unwrap();
        // 420 test rows, on two replicates; how many validation rows there are, these results do not say.
        assert_eq!(most_held(&results, &on(Split::Test)), MOST_COMPARED);
        assert_eq!(most_held(&results, &on(Split::Validation)), MOST_COMPARED);
        let many = |scale: f64| {
            let mut results = results.clone();
            results.rows.iter_mut().flat_map(|row| row.metrics.iter_mut().flatten()).for_each(|value| *value *= scale);
            results
        };
        let rows = 420.0 * 1000.0;
        assert_eq!(most_held(&many(1000.0), &on(Split::Test)), MOST_CELLS / (2 * rows as usize));
    }
}
