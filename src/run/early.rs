//! Trials that end early: a wave trains to its first rung, and the best of it go on, rung by rung.
//!
//! Who goes on follows from the plan and from what trials came to, so that a run that is gone on with decides the same.
//! A trial that early stopping ended on all replicates stays in the race with its best epoch, and is trained no more.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::error::RunError;
use super::rungs::to_rung;
use super::search::{by_trial, mean, objectives};
use super::workload::Workload;
use focalsweep_core::metrics::catalogue::Better;
use focalsweep_core::plan::{Job, Phase, Trials, Wave};
use focalsweep_core::record::State;
use focalsweep_core::spec::{EarlyRule, EarlyTerminate, Spec};
use focalsweep_report::{Results, Row, thousands};

/// The next rung of the first wave that has one, and what it is, in words; `None` where all have come to their ends.
///
/// # Errors
/// The wave cannot be planned.
pub(super) fn next(spec: &Spec, workload: &Workload, results: &Results) -> Result<Option<(Wave, String)>, RunError> {
    let Some(early) = spec.early_terminate else { return Ok(None) };
    let rungs = early.rungs(&spec.train).len();
    let keys = objectives(spec);
    let of_trial = by_trial(results);
    let race = Race { early: &early, workload, results, of_trial: &of_trial, keys: &keys };
    let open = brackets(workload).into_iter().filter(|bracket| bracket.rung < rungs);
    let next = open.map(|bracket| (race.go_on(&bracket), bracket)).find(|(on, _)| !on.is_empty());
    let Some((on, bracket)) = next else { return Ok(None) };
    let trials = Trials::listed(on.iter().map(|&index| workload.trials.get(index)).collect());
    let (plan, epochs) = (&workload.plan, workload.epochs_of(spec, &trials));
    let wave = Wave::next(plan, &trials, (bracket.replicates, Phase::Search), &workload.sizes, epochs);
    let wave = to_rung(wave, bracket.rung + 1, spec, &workload.replicates)?;
    let (count, all) = (thousands(trials.len()), thousands(bracket.trials.len()));
    let (rung, end) = (bracket.rung + 2, thousands(wave.epochs[1]));
    let said = format!("rung {rung} of {}: {count} of {all} trials go on to epoch {end}", rungs + 1);
    Ok(Some((wave, said)))
}

/// What the wave that is under way is called, where trials may end early.
pub(super) fn stage(spec: &Spec, workload: &Workload) -> Option<String> {
    let rungs = spec.early_terminate?.rungs(&spec.train).len() + 1;
    let brackets = brackets(workload);
    let rung = brackets.last()?.rung + 1;
    let wave = if spec.method.draws() { format!("wave {}, ", brackets.len()) } else { String::new() };
    Some(format!("{wave}rung {rung} of {rungs}"))
}

/// Trials that began together, as far as they came.
struct Bracket {
    /// Places of its trials in the plan.
    trials: Vec<usize>,
    /// Ids of those that trained last.
    last: HashSet<String>,
    replicates: Vec<u32>,
    /// The rung that those came to, 0 for the first.
    rung: usize,
}

/// The waves of the search whose trials pause, in their order.
fn brackets(workload: &Workload) -> Vec<Bracket> {
    let (plan, trials) = (&workload.plan, &workload.trials);
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut of_trial: HashMap<String, usize> = HashMap::new();
    for span in plan.spans() {
        // Commands of the user's that cannot go on train to their ends.
        let judged = |job: &&Job| job.phase == Phase::Search && job.epochs.is_some();
        let jobs: Vec<&Job> = plan.jobs[span].iter().filter(judged).collect();
        let Some(first) = jobs.first() else { continue };
        let replicates: BTreeSet<u32> = jobs.iter().map(|job| job.replicate).collect();
        let places: BTreeSet<usize> = jobs.iter().flat_map(|job| job.first..job.first + job.count).collect();
        let last: HashSet<String> = places.iter().map(|&index| trials.get(index).trial_id()).collect();
        if first.goes_on() {
            let bracket = of_trial.get(&trials.get(first.first).trial_id());
            if let Some(bracket) = bracket.and_then(|&at| brackets.get_mut(at)) {
                (bracket.last, bracket.rung) = (last, bracket.rung + 1);
            }
        } else {
            of_trial.extend(last.iter().map(|id| (id.clone(), brackets.len())));
            let (trials, replicates) = (places.into_iter().collect(), replicates.into_iter().collect());
            brackets.push(Bracket { trials, last, replicates, rung: 0 });
        }
    }
    brackets
}

/// What trials are judged by.
struct Race<'a> {
    early: &'a EarlyTerminate,
    workload: &'a Workload,
    results: &'a Results,
    of_trial: &'a HashMap<&'a str, Vec<&'a Row>>,
    keys: &'a [(String, Better)],
}

/// A trial that has something to be judged by.
struct Judged {
    /// Its place in the plan.
    index: usize,
    /// The less the better, the first before the second.
    values: Vec<f64>,
    /// Whether it was still in the race.
    is_in: bool,
    /// Whether it has come to its end on all replicates.
    is_over: bool,
}

impl Race<'_> {
    /// Which trials of a bracket go on from its last rung, best first.
    fn go_on(&self, bracket: &Bracket) -> Vec<usize> {
        let mut judged: Vec<Judged> = bracket.trials.iter().filter_map(|&index| self.judged(bracket, index)).collect();
        judged.sort_by(|one, other| in_turn(&one.values, &other.values).then(one.index.cmp(&other.index)));
        let middle = judged.len().saturating_sub(1) / 2;
        let median = judged.get(middle).map(|judged| judged.values.clone()).unwrap_or_default();
        let rungs = u32::try_from(bracket.rung + 1).unwrap_or(u32::MAX);
        let room = match self.early.rule {
            EarlyRule::Hyperband => {
                (bracket.trials.len() / (self.early.halving() as usize).saturating_pow(rungs)).max(1)
            }
            EarlyRule::Median => usize::MAX,
        };
        let fits = |judged: &&Judged| match self.early.rule {
            EarlyRule::Hyperband => judged.is_in,
            EarlyRule::Median => judged.is_in && in_turn(&judged.values, &median).is_le(),
        };
        let kept = judged.iter().filter(fits).take(room);
        kept.filter(|judged| !judged.is_over).map(|judged| judged.index).collect()
    }

    /// `None` of a trial that failed, or is not there on each replicate: it is out.
    fn judged(&self, bracket: &Bracket, index: usize) -> Option<Judged> {
        let id = self.workload.trials.get(index).trial_id();
        let rows = self.of_trial.get(id.as_str()).filter(|rows| rows.len() >= bracket.replicates.len())?;
        let values = self.keys.iter().map(|key| mean(self.results, rows, key)).collect::<Option<_>>()?;
        let is_over = rows.iter().all(|row| row.state == State::Finished);
        Some(Judged { index, values, is_in: is_over || bracket.last.contains(&id), is_over })
    }
}

/// The order by the first value, then by the next.
fn in_turn(one: &[f64], other: &[f64]) -> Ordering {
    let orders = one.iter().zip(other).map(|(one, other)| one.total_cmp(other));
    orders.fold(Ordering::Equal, Ordering::then)
}
