//! From a run directory and its ranking to the payload.

use std::collections::{HashMap, HashSet};

use super::course::Order;
use super::payload::{Intervals, Parameter, Payload, Published, RankingOf, Run, Short, SoFar, Trials};
use super::{columns, curves, details, headline, importance, losses, notes, scale, timeline};
use crate::evidence::Report;
use crate::rank::{Ranked, Ranking};
use crate::read::parameters::{self, PUBLISHED};
use crate::read::{ForEach, ReportError, Results, Row, Scores, Value, column, part_of, thousands};
use crate::say::{self, glossary, in_words};
use focalsweep_core::metrics::Interval;
use focalsweep_core::record::{RESULTS, RunFiles, State};
use focalsweep_core::spec::{Spec, Word};
use focalsweep_core::text::escaped;

/// Trials of which curves, histories and the like are embedded; the best, and those that the page itself names.
const DETAILS: usize = 100;
/// Failed trials that are named with their reasons.
const FAILED: usize = 100;

/// Trials of which the figures are embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Embedded {
    /// All.
    All,
    /// As many of the best, and those that the page itself names.
    First(usize),
}

/// What a page says of a run that is not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Live {
    /// How far it is; `None` of one that is over.
    pub so_far: Option<SoFar>,
    /// Seconds after which the page loads itself again, where somebody keeps it fresh.
    pub reload_seconds: Option<u32>,
}

/// `results` are those that were ranked.
///
/// # Errors
/// A file of the run is missing or cannot be read.
pub(crate) fn payload(
    scores: &Scores<'_>,
    results: &Results,
    report: &Report,
    (embedded, live): (Embedded, Live),
    for_each: ForEach<'_>,
) -> Result<Payload, ReportError> {
    let ranking = &report.ranking;
    let rows: Vec<&Row> = results.ranked().collect();
    let published = published(ranking);
    let baseline = ranking.baseline().map(|ranked| ranked.rank - 1);
    let mut wanted: Vec<usize> = (0..ranking.trials.len().min(DETAILS)).collect();
    wanted.extend(baseline.into_iter().chain(published.as_ref().map(|published| published.trial)));
    let starts = report.answer.starts.iter().filter_map(|start| ranking.trial(&start.trial_id));
    wanted.extend(starts.map(|ranked| ranked.rank - 1));
    wanted.sort_unstable();
    wanted.dedup();
    let shown = shown(report, &rows, &wanted, embedded);
    let at = |trial: usize| shown.partition_point(|&before| before < trial);
    let mut gathered = details::details(scores, results, ranking, &wanted, for_each)?;
    gathered.details.iter_mut().for_each(|detail| detail.trial = at(detail.trial));
    let shown: Vec<&Ranked> = shown.iter().map(|&trial| &ranking.trials[trial]).collect();
    let gammas = losses::gammas(ranking);
    let claim = ranking.trials.iter().find_map(|ranked| report.against(ranked));
    // Whether it can be read was said before.
    let spec = scores.files().spec().ok();
    let course = Order::new(ranking, &rows);
    let metrics = columns::metrics(report, &shown);
    let place = |trial: usize| Some(at(trial)).filter(|&at| shown.get(at).is_some_and(|it| it.rank == trial + 1));
    let keys: Vec<String> = ranking.keys.iter().map(|key| key.column.clone()).collect();
    let mut explained = keys.clone();
    explained.extend(["auc", "average_precision", "op_fn", "fn"].map(|name| column(ranking.on, name)));
    explained.sort();
    explained.dedup();
    Ok(Payload {
        run: run(scores.files(), ranking, live)?,
        words: glossary().collect(),
        headline: headline::headline(report),
        decision: headline::decided(report),
        warnings: report.warnings().into_iter().map(str::to_owned).chain(left_out(ranking, &shown)).collect(),
        notes: say::notes(report),
        ranking: RankingOf {
            weight: ranking.weight.clone(),
            on: part_of(ranking.on).prefix(),
            keys,
            told_by: claim.map(|claim| claim.about.subject()),
            corrected_by: claim.map(|claim| claim.corrected_for.words()),
            replicates: ranking.replicates,
            method: spec.as_ref().map(|spec| spec.method.word()),
            asked: course.asked(),
            roc_bands: curves::bands_in_words(results, ranking.replicates),
            swept: ranking.swept().into_iter().map(str::to_owned).collect(),
            winner: ranking.winner().map(|ranked| ranked.rank - 1),
            baseline: baseline.map(at),
            published: published.map(|published| Published { trial: at(published.trial), ..published }),
            all: ranking.trials.len(),
            without_details: shown.len() - wanted.len(),
        },
        trials: trials(report, &shown, &rows, &course),
        parameters: parameters(ranking, spec.as_ref(), &shown),
        course: course.best_so_far(ranking, &metrics, &place),
        metrics,
        maps: columns::maps(ranking),
        first_columns: columns::first_columns(ranking),
        importance: importance::importance(ranking, spec.as_ref(), &explained, for_each),
        comparison: headline::comparison(report),
        methods: headline::methods(report),
        intervals: intervals(report, &shown),
        losses: losses::losses(&gammas, gathered.winner_positives, gathered.winner_negatives),
        details: gathered.details,
        timeline: timeline::timeline(&ranking.devices, &rows),
    })
}

fn run(files: &RunFiles, ranking: &Ranking, live: Live) -> Result<Run, ReportError> {
    let manifest = files.manifest().clone();
    let constants = ranking.constants().into_iter().map(|(name, value)| (name.to_owned(), value.to_string()));
    Ok(Run {
        name: escaped(&ranking.name).into_owned(),
        state: format!("{:?}", manifest.state).to_lowercase(),
        program: manifest.program,
        libtorch: manifest.libtorch,
        started_at: manifest.started_at,
        updated_at: manifest.updated_at,
        scores: manifest.scores,
        data_fingerprint: manifest.data_fingerprint,
        split_fingerprints: manifest.split_fingerprints,
        data_notes: manifest.notes,
        rows: manifest.counts.rows,
        failed: manifest.counts.failed,
        jobs: manifest.counts.jobs,
        // Shown as it is; a run without one has nothing to show.
        sweep_yaml: files.spec_text()?.unwrap_or_default(),
        constants: constants.collect(),
        notes: notes::notes(files.root()),
        so_far: live.so_far,
        reload_seconds: live.reload_seconds,
    })
}

/// The trials whose figures are embedded, by index in the ranking: all, or the first of them, those `wanted`, the best
/// of each method, those with intervals and the first that failed.
fn shown(report: &Report, rows: &[&Row], wanted: &[usize], embedded: Embedded) -> Vec<usize> {
    let trials = &report.ranking.trials;
    let Embedded::First(first) = embedded else { return (0..trials.len()).collect() };
    let mut shown: Vec<usize> = (0..trials.len().min(first)).chain(wanted.iter().copied()).collect();
    if first < trials.len() {
        let failed = rows.iter().filter(|row| row.state == State::Failed).map(|row| row.trial_id.as_str());
        let named = report.answer.methods.iter().map(|method| method.trial_id.as_str());
        let ids: HashSet<&str> =
            named.chain(report.answer.intervals.keys().map(String::as_str)).chain(failed.take(FAILED)).collect();
        let named = trials.iter().enumerate().filter(|(_, ranked)| ids.contains(ranked.trial.trial_id.as_str()));
        shown.extend(named.map(|(trial, _)| trial));
    }
    shown.sort_unstable();
    shown.dedup();
    shown
}

/// What to know of a page that does not have all trials.
fn left_out(ranking: &Ranking, shown: &[&Ranked]) -> Option<String> {
    let (all, here) = (ranking.trials.len(), shown.len());
    (here < all).then(|| {
        format!(
            "this page has {} of {} trials, the best and those that it names: its table, maps and plots are of them; \
             all are in {RESULTS} and report.md",
            thousands(here as u64),
            thousands(all as u64)
        )
    })
}

fn parameters(ranking: &Ranking, spec: Option<&Spec>, shown: &[&Ranked]) -> Vec<Parameter> {
    let swept = ranking.swept();
    let of = |name: &String| {
        let values: Vec<Option<&Value>> = shown.iter().map(|ranked| ranking.parameter(ranked, name)).collect();
        let numeric = values.iter().flatten().all(|value| !matches!(value, Value::Text(_)));
        let numbers: Vec<f64> = values.iter().flatten().filter_map(|value| value.number()).collect();
        let by_factors = numeric && scale::by_factors(spec, name, &numbers);
        Parameter {
            name: name.clone(),
            title: parameters::title(name).to_owned(),
            shapes_loss: parameters::shapes_loss(name),
            makes_method: parameters::makes_method(name),
            is_start: name == parameters::INITIAL_BIAS,
            published: PUBLISHED.iter().find(|one| one.name == name).map(|one| one.value),
            swept: swept.contains(&name.as_str()),
            numeric,
            by_factors,
            ranges: if numeric { scale::ranges(&numbers, by_factors) } else { Vec::new() },
            values: values.iter().map(|value| value.map_or(serde_json::Value::Null, Value::to_shown)).collect(),
        }
    };
    // One that no trial reads has nothing to show.
    let read = |parameter: &Parameter| parameter.values.iter().any(|value| !value.is_null());
    ranking.parameters.iter().map(of).filter(read).collect()
}

fn trials(report: &Report, shown: &[&Ranked], rows: &[&Row], course: &Order) -> Trials {
    let ranking = &report.ranking;
    let begin = rows.iter().filter_map(|row| row.timing.as_ref()).map(|timing| timing.started_at).min().unwrap_or(0);
    let mut of_trial: HashMap<&str, Vec<&Row>> =
        shown.iter().map(|ranked| (ranked.trial.trial_id.as_str(), Vec::new())).collect();
    for &row in rows {
        of_trial.entry(&row.trial_id).and_modify(|of| of.push(row));
    }
    let mut trials = Trials::default();
    for ranked in shown {
        let of: &[&Row] = of_trial.get(ranked.trial.trial_id.as_str()).map_or(&[], Vec::as_slice);
        let timings = || of.iter().filter_map(|row| row.timing.as_ref());
        let failed = of.iter().find(|row| row.state == State::Failed);
        let mut devices: Vec<&str> = timings().map(|timing| timing.device.as_str()).collect();
        devices.sort_unstable();
        devices.dedup();
        let why = |row: &&&Row| row.reason().map(|error| format!("replicate {}: {error}", row.replicate));
        trials.id.push(ranked.trial.trial_id.clone());
        trials.rank.push(ranked.rank);
        trials.words.push(in_words(ranking, ranked));
        trials.front.push(ranked.front);
        trials.tied.push(report.is_tied(ranked));
        trials.p.push(report.against(ranked).map(|claim| Short(claim.p)));
        trials.state.push(state(ranked, failed.is_some()).to_owned());
        trials.error.push(failed.as_ref().and_then(why));
        trials.replicates.push(ranked.trial.replicates.len());
        let last = timings().map(|timing| timing.finished_at).max();
        let (order, trained) = course.of(ranked);
        trials.order.push(order);
        trials.trained.push(trained.map(Short));
        trials.finished.push(last.map(|last| Short((last - begin) as f64 / 1e6)));
        trials.devices.push(devices.join(", "));
    }
    trials
}

fn state(ranked: &Ranked, failed: bool) -> &'static str {
    match (ranked.trial.complete, ranked.trial.stopped, failed) {
        (true, ..) => "finished",
        (false, Some(_), _) => "stopped",
        (false, None, true) => "failed",
        (false, None, false) => "incomplete",
    }
}

/// 95 % bootstrap intervals of the trials that have some, by index.
fn intervals(report: &Report, shown: &[&Ranked]) -> Vec<Intervals> {
    let pair = |interval: Interval| (Short(interval.lower), Short(interval.upper));
    let of = |(trial, ranked): (usize, &&Ranked)| {
        let found = report.answer.intervals.get(&ranked.trial.trial_id)?;
        let point = found.operating_point;
        Some(Intervals {
            trial,
            test_average_precision: found.average_precision.map(pair),
            test_op_fn: point.map(|point| pair(point.fn_)),
            test_op_fp: point.map(|point| pair(point.fp)),
            test_op_recall: point.map(|point| pair(point.recall)),
        })
    };
    shown.iter().enumerate().filter_map(of).collect()
}

/// The trial nearest to the published pair, if it lies among those swept or within a step of them.
fn published(ranking: &Ranking) -> Option<Published> {
    // Steps away from the pair; what is further than one is another pair.
    let distance = |ranked: &Ranked| {
        let steps = PUBLISHED.iter().map(|one| Some((ranking.number(ranked, one.name)? - one.value) / one.step));
        steps.collect::<Option<Vec<f64>>>().map(|steps| steps.into_iter().fold(0.0, f64::hypot))
    };
    let distances = ranking.trials.iter().enumerate().filter_map(|(at, ranked)| Some((at, distance(ranked)?)));
    let (trial, distance) = distances.min_by(|a, b| a.1.total_cmp(&b.1))?;
    (distance <= 1.0).then(|| Published { trial, exact: distance < 1e-6, words: parameters::published_in_words() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::evidence::Report;
    use crate::read::run_files;
    use crate::tests::{ranked, results, row, write_run};

    /// Forty settings of focal loss, the best first; plain cross-entropy comes last but for one that failed.
    fn of_many() -> Results {
        let name = |at: u32| format!("t{at:02}");
        let focal = |at: u32| row(&name(at), 0, "focal", Some((0.9, f64::from(at))), 0.9 - f64::from(at) / 100.0, 1.0);
        let mut rows: Vec<Row> = (0..40).map(focal).collect();
        rows.push(row("plain", 0, "bce", None, 0.4, 1.0));
        let why = Some("diverged".to_owned());
        rows.push(Row { state: State::Failed, error: why, ..row("broken", 0, "focal", Some((0.8, 1.0)), 0.3, 1.0) });
        results(rows)
    }

    #[test]
    fn of_very_many_trials_the_first_are_there_and_those_that_the_page_names() {
        let mut results = of_many();
        let more = |at: u32| row(&format!("u{at:03}"), 0, "focal", Some((0.9, 9.0)), 0.45 - f64::from(at) / 1e5, 1.0);
        results.rows.extend((0..200).map(more));
        let folder = tempfile::tempdir().unwrap();
        write_run(folder.path(), &results);
        let files = run_files(folder.path()).unwrap();
        let report = Report::bare(ranked(&results, &["auc"]));
        let in_turn = |n: usize, each: &(dyn Fn(usize) + Sync)| (0..n).for_each(each);
        let of =
            |embedded| payload(&Scores::of(&files), &results, &report, (embedded, Live::default()), &in_turn).unwrap();
        let (all, few) = (of(Embedded::All), of(Embedded::First(120)));
        let named: BTreeSet<&str> = few.trials.id.iter().skip(120).map(String::as_str).collect();
        assert_eq!(named, BTreeSet::from(["broken", "plain"]));
        assert_eq!(few.trials.id[few.ranking.baseline.unwrap()], "plain");
        assert_eq!(few.trials.id[few.ranking.winner.unwrap()], "t00");
        let warning = few.warnings.last().unwrap();
        assert!(warning.starts_with("this page has 122 of 242 trials"), "{warning}");
        for (at, id) in few.trials.id.iter().enumerate() {
            let there = all.trials.id.iter().position(|other| other == id).unwrap();
            assert_eq!(few.trials.rank[at], there + 1);
            assert_eq!(few.trials.words[at], all.trials.words[there]);
            assert_eq!(few.trials.error[at], all.trials.error[there]);
            for (few, all) in few.metrics.iter().zip(&all.metrics) {
                assert_eq!((&few.column, few.mean[at]), (&all.column, all.mean[there]));
            }
            for (few, all) in few.parameters.iter().zip(&all.parameters) {
                assert_eq!((&few.name, &few.values[at]), (&all.name, &all.values[there]));
            }
        }
        let with_details: Vec<&str> = few.details.iter().map(|detail| few.trials.id[detail.trial].as_str()).collect();
        let those: Vec<&str> = all.details.iter().map(|detail| all.trials.id[detail.trial].as_str()).collect();
        assert_eq!(with_details, those);
        assert_eq!((few.ranking.all, few.ranking.without_details), (242, 122 - few.details.len()));
    }
}
