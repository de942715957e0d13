//! The waves of a search: what its trials came to is told to its sampler, which is asked for the next.

use std::collections::HashMap;

use super::error::RunError;
use super::rungs::to_rung;
use super::workload::Workload;
use focalsweep_core::metrics::catalogue::{Better, Metric, Part};
use focalsweep_core::plan::{Phase, Sampler, Trials, Wave};
use focalsweep_core::record::{Ended, Manifest, State};
use focalsweep_core::search::Outcome;
use focalsweep_core::spec::{Hyperparameters, Spec};
use focalsweep_report::{Results, Row, thousands};

/// What a search does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Trains one more wave.
    Wave(Wave),
    /// Ends.
    Over(Ended),
}

/// Whether the training of a run has used up the time that its sweep gives it.
pub(super) fn is_spent(spec: &Spec, manifest: &Manifest) -> bool {
    seconds_left(spec, manifest).is_some_and(|left| left <= 0.0)
}

/// Seconds that are left to train; `None` without a budget.
pub(super) fn seconds_left(spec: &Spec, manifest: &Manifest) -> Option<f64> {
    Some(spec.budget?.seconds()? - manifest.training_seconds)
}

/// What comes after all of the plan of a sweep that draws its trials, by what these came to.
///
/// # Errors
/// The sweep has no sampler.
pub(super) fn next(spec: &Spec, workload: &Workload, results: &Results, manifest: &Manifest) -> Result<Next, RunError> {
    if reached(spec, results) {
        return Ok(Next::Over(Ended::Target));
    }
    if is_spent(spec, manifest) {
        return Ok(Next::Over(Ended::Budget));
    }
    let told = told(spec, workload, results);
    if spec.run_cap.is_some_and(|cap| told.len() >= cap as usize) {
        return Ok(Next::Over(Ended::RunCap));
    }
    let mut sampler = Sampler::new(spec)?;
    sampler.tell(&told);
    let trials = sampler.ask();
    if trials.is_empty() {
        return Ok(Next::Over(Ended::Complete));
    }
    let (plan, sizes, epochs) = (&workload.plan, &workload.sizes, workload.epochs_of(spec, &trials));
    let wave = Wave::next(plan, &trials, (plan.search_replicates(), Phase::Search), sizes, epochs);
    Ok(Next::Wave(to_rung(wave, 0, spec, &workload.replicates)?))
}

/// The trials of the search in the order in which they were asked for, each with what its rank keys came to.
fn told(spec: &Spec, workload: &Workload, results: &Results) -> Vec<(Hyperparameters, Outcome)> {
    let of_trial = by_trial(results);
    let keys = objectives(spec);
    let of_rows = |rows: &[&Row], rungs: u32| -> Outcome {
        let objectives: Option<Vec<f64>> = keys.iter().map(|key| mean(results, rows, key)).collect();
        let is_stopped = rows.iter().any(|row| row.state == State::Stopped);
        match objectives.as_deref() {
            Some(&[value, ..]) if is_stopped => Outcome::Stopped { rungs, value },
            Some(&[one]) => Outcome::One(one),
            Some(&[one, two]) => Outcome::Two([one, two]),
            _ => Outcome::Failed,
        }
    };
    searched(workload)
        .into_iter()
        .map(|(trial, rungs)| {
            let rows = of_trial.get(trial.trial_id().as_str()).map(Vec::as_slice).unwrap_or_default();
            (trial, of_rows(rows, rungs))
        })
        .collect()
}

/// The distinct trials of the search, in the order of the plan, and how many waves each is in.
fn searched(workload: &Workload) -> Vec<(Hyperparameters, u32)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<(Hyperparameters, u32)> = Vec::new();
    let first = workload.plan.search_replicates().into_iter().next();
    let mut jobs: Vec<_> = workload.plan.jobs.iter().filter(|job| job.phase == Phase::Search).collect();
    jobs.sort_by_key(|job| job.first);
    for job in jobs {
        for index in job.first..job.first + job.count {
            let trial = workload.trials.get(index);
            let place = *places.entry(trial.trial_id()).or_insert(found.len());
            if place == found.len() {
                found.push((trial, 0));
            }
            found[place].1 += u32::from(Some(job.replicate) == first);
        }
    }
    found
}

/// What trials are judged by: the first two rank keys on the validation rows, and which way each is better.
pub(super) fn objectives(spec: &Spec) -> Vec<(String, Better)> {
    spec.rank.by.iter().take(2).filter_map(|key| objective(key)).collect()
}

/// A rank key on the validation rows, and which way is better.
fn objective(key: &str) -> Option<(String, Better)> {
    let metric = Metric::named(key)?;
    Some((metric.column(Part::Validation).name(), metric.better?))
}

/// The mean of a figure over a trial's rows, the less the better; `None` where one of them failed or has none.
pub(super) fn mean(results: &Results, rows: &[&Row], (column, better): &(String, Better)) -> Option<f64> {
    let of_row = |row: &&Row| results.value(row, column).filter(|_| row.state != State::Failed);
    let values: Vec<f64> = rows.iter().map(of_row).collect::<Option<_>>()?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mean = match better {
        Better::More => -mean,
        Better::Less => mean,
    };
    mean.is_finite().then_some(mean)
}

/// The best AUC on the validation rows, mean of the replicates, and whose it is.
pub(super) fn best(workload: &Workload, results: &Results) -> Option<(f64, String)> {
    let key = objective("auc")?;
    let of_trial = by_trial(results);
    let found = of_trial.iter().filter_map(|(id, rows)| Some((-mean(results, rows, &key)?, *id)));
    let (auc, id) = found.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))?;
    let &place = workload.trials.places().get(id)?;
    Some((auc, workload.trials.get(place).label()))
}

/// Rows of the search by trial.
pub(super) fn by_trial(results: &Results) -> HashMap<&str, Vec<&Row>> {
    let mut of_trial: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in results.rows.iter().filter(|row| row.phase == Phase::Search) {
        of_trial.entry(&row.trial_id).or_default().push(row);
    }
    of_trial
}

/// Whether a trial has what the sweep looks for, on the mean of its replicates.
fn reached(spec: &Spec, results: &Results) -> bool {
    let Some(target) = &spec.target else { return false };
    let name = target.metric.strip_prefix("val_").unwrap_or(&target.metric);
    let Some(key) = objective(name) else { return false };
    let value = match key.1 {
        Better::More => -target.value,
        Better::Less => target.value,
    };
    by_trial(results).values().any(|rows| mean(results, rows, &key).is_some_and(|found| found <= value))
}

/// What a wave adds to a search, in words.
pub(super) fn in_words(wave: &Wave, spec: &Spec, done: usize) -> String {
    let of_first = wave.jobs.iter().filter(|job| Some(&job.replicate) == wave.replicates.first());
    let trials: usize = of_first.map(|job| job.count).sum();
    let all = spec.run_cap.map_or_else(String::new, |cap| format!(" of {}", thousands(cap)));
    format!("wave {}: trials {} to {}{all}", wave.wave + 1, thousands(done + 1), thousands(done + trials))
}

/// The trials of the search as one list.
pub(super) fn as_asked(workload: &Workload) -> Trials {
    Trials::listed(searched(workload).into_iter().map(|(trial, _)| trial).collect())
}
