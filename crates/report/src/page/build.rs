//! From a run directory and its ranking to the payload.

use std::collections::HashMap;

use super::payload::{Intervals, Parameter, Payload, Published, RankingOf, Run, Short, Trials};
use super::{columns, details, headline, importance, losses, timeline};
use crate::evidence::{ForEach, Report};
use crate::rank::{Ranked, Ranking};
use crate::read::parameters::{self, PUBLISHED};
use crate::read::{ReportError, Row, Value, column, part_of, read};
use crate::say::{in_words, notes};
use focalsweep_core::metrics::Interval;
use focalsweep_core::record::{RunFiles, State};
use focalsweep_core::text::escaped;

/// Trials of which curves, histories and the like are embedded; the best, and those that the page itself names.
const DETAILS: usize = 100;

/// # Errors
/// A file of the run is missing or cannot be read.
pub(crate) fn payload(files: &RunFiles, report: &Report, for_each: ForEach<'_>) -> Result<Payload, ReportError> {
    let ranking = &report.ranking;
    let rows: Vec<Row> = read(files)?.ranked().cloned().collect();
    let published = published(ranking);
    let baseline = ranking.baseline().map(|ranked| ranked.rank - 1);
    let mut wanted: Vec<usize> = (0..ranking.trials.len().min(DETAILS)).collect();
    wanted.extend(baseline.into_iter().chain(published.as_ref().map(|published| published.trial)));
    let starts = report.answer.starts.iter().filter_map(|start| ranking.trial(&start.trial_id));
    wanted.extend(starts.map(|ranked| ranked.rank - 1));
    wanted.sort_unstable();
    wanted.dedup();
    let gathered = details::details(files, ranking, &wanted, for_each)?;
    let gammas = losses::gammas(ranking);
    let claim = ranking.trials.iter().find_map(|ranked| report.against(ranked));
    let keys: Vec<String> = ranking.keys.iter().map(|key| key.column.clone()).collect();
    let mut explained = keys.clone();
    explained.extend(["auc", "average_precision", "op_fn", "fn"].map(|name| column(ranking.on, name)));
    explained.sort();
    explained.dedup();
    Ok(Payload {
        run: run(files, ranking)?,
        headline: headline::headline(report),
        warnings: report.warnings().into_iter().map(str::to_owned).collect(),
        notes: notes(report),
        ranking: RankingOf {
            on: part_of(ranking.on).prefix(),
            keys,
            told_by: claim.map(|claim| claim.about.subject()),
            corrected_by: claim.map(|claim| claim.corrected_for.words()),
            replicates: ranking.replicates,
            swept: ranking.swept().into_iter().map(str::to_owned).collect(),
            winner: ranking.winner().map(|ranked| ranked.rank - 1),
            baseline,
            published,
            without_details: ranking.trials.len() - wanted.len(),
        },
        trials: trials(report, &rows),
        parameters: parameters(ranking),
        metrics: columns::metrics(report),
        maps: columns::maps(ranking),
        first_columns: columns::first_columns(ranking),
        importance: importance::importance(ranking, &explained),
        comparison: headline::comparison(report),
        methods: headline::methods(report),
        intervals: intervals(report),
        losses: losses::losses(&gammas, gathered.winner_positives, gathered.winner_negatives),
        details: gathered.details,
        timeline: timeline::timeline(&ranking.devices, &rows),
    })
}

fn run(files: &RunFiles, ranking: &Ranking) -> Result<Run, ReportError> {
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
    })
}

fn parameters(ranking: &Ranking) -> Vec<Parameter> {
    let swept = ranking.swept();
    let of = |name: &String| {
        let values: Vec<Option<&Value>> = ranking.trials.iter().map(|ranked| ranking.parameter(ranked, name)).collect();
        Parameter {
            name: name.clone(),
            title: parameters::title(name).to_owned(),
            shapes_loss: parameters::shapes_loss(name),
            makes_method: parameters::makes_method(name),
            is_start: name == parameters::INITIAL_BIAS,
            published: PUBLISHED.iter().find(|one| one.name == name).map(|one| one.value),
            swept: swept.contains(&name.as_str()),
            numeric: values.iter().flatten().all(|value| !matches!(value, Value::Text(_))),
            values: values
                .iter()
                .map(|value| match value {
                    None => serde_json::Value::Null,
                    Some(Value::Number(v)) => (*v).into(),
                    Some(Value::Integer(v)) => (*v).into(),
                    Some(Value::Text(v)) => v.as_str().into(),
                })
                .collect(),
        }
    };
    // One that no trial reads has nothing to show.
    let read = |parameter: &Parameter| parameter.values.iter().any(|value| !value.is_null());
    ranking.parameters.iter().map(of).filter(read).collect()
}

fn trials(report: &Report, rows: &[Row]) -> Trials {
    let ranking = &report.ranking;
    let begin = rows.iter().filter_map(|row| row.timing.as_ref()).map(|timing| timing.started_at).min().unwrap_or(0);
    let mut of_trial: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows {
        of_trial.entry(&row.trial_id).or_default().push(row);
    }
    let mut trials = Trials::default();
    for ranked in &ranking.trials {
        let of: &[&Row] = of_trial.get(ranked.trial.trial_id.as_str()).map_or(&[], Vec::as_slice);
        let timings = || of.iter().filter_map(|row| row.timing.as_ref());
        let failed = of.iter().find(|row| row.state == State::Failed);
        let mut devices: Vec<&str> = timings().map(|timing| timing.device.as_str()).collect();
        devices.sort_unstable();
        devices.dedup();
        let why = |row: &&&Row| row.error.clone().map(|error| format!("replicate {}: {error}", row.replicate));
        trials.id.push(ranked.trial.trial_id.clone());
        trials.words.push(in_words(ranking, ranked));
        trials.front.push(ranked.front);
        trials.tied.push(report.is_tied(ranked));
        trials.p.push(report.against(ranked).map(|claim| Short(claim.p)));
        trials.state.push(state(ranked, failed.is_some()).to_owned());
        trials.error.push(failed.as_ref().and_then(why));
        trials.replicates.push(ranked.trial.replicates.len());
        let last = timings().map(|timing| timing.finished_at).max();
        trials.finished.push(last.map(|last| Short((last - begin) as f64 / 1e6)));
        trials.devices.push(devices.join(", "));
    }
    trials
}

fn state(ranked: &Ranked, failed: bool) -> &'static str {
    match (ranked.trial.complete, failed) {
        (true, _) => "finished",
        (false, true) => "failed",
        (false, false) => "incomplete",
    }
}

/// 95 % bootstrap intervals of the trials that have some, by index.
fn intervals(report: &Report) -> Vec<Intervals> {
    let pair = |interval: Interval| (Short(interval.lower), Short(interval.upper));
    let of = |(trial, ranked): (usize, &Ranked)| {
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
    report.ranking.trials.iter().enumerate().filter_map(of).collect()
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
