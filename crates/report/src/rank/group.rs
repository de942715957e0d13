//! From rows to trials: which rows may be compared, and what a trial's replicates say together.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::read::{Results, Row, Value, listed, trials_count};
use focalsweep_core::record::State;

/// A trial over its replicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Content-hash id of the hyperparameters.
    pub trial_id: String,
    /// By [`Results::parameters`].
    pub parameters: Vec<Option<Value>>,
    /// Replicates whose metrics count, in ascending order.
    pub replicates: Vec<u32>,
    /// By [`Results::metrics`]: mean over the replicates; `None` unless defined in each of them.
    pub means: Vec<Option<f64>>,
    /// Whether every replicate is there and finished.
    pub complete: bool,
    /// Where `early_terminate` ended it: the epochs that it came to, the mean of its replicates.
    pub stopped: Option<f64>,
}

/// Trials in the order of their first rows.
pub(super) struct Grouped {
    pub(super) trials: Vec<Trial>,
    /// Replicates that a complete trial has.
    pub(super) replicates: u32,
    pub(super) warnings: Vec<String>,
}

/// Groups the rows of the search that may be compared.
pub(super) fn group(results: &Results) -> Grouped {
    let mut warnings = Vec::new();
    let searched: Vec<&Row> = results.ranked().collect();
    let rows = comparable(&searched, &mut warnings);
    let seen = rows.iter().map(|row| row.replicate).collect::<HashSet<u32>>().len() as u32;
    let replicates = results.planned_replicates.max(seen);
    let mut order: Vec<&str> = Vec::new();
    let mut of_trial: HashMap<&str, Vec<&Row>> = HashMap::new();
    for &row in &rows {
        of_trial.entry(&row.trial_id).or_insert_with(|| {
            order.push(&row.trial_id);
            Vec::new()
        });
        if let Some(rows) = of_trial.get_mut(row.trial_id.as_str()) {
            rows.push(row);
        }
    }
    let mut trials = Vec::with_capacity(order.len());
    // Why trials are incomplete; one reason each, the gravest.
    let (mut failed, mut missing) = (Vec::new(), Vec::new());
    for id in order {
        let mut rows = of_trial.remove(id).unwrap_or_default();
        rows.sort_by_key(|row| row.replicate);
        rows.dedup_by_key(|row| row.replicate);
        if let Some(row) = rows.iter().find(|row| row.state == State::Failed) {
            let why = row.reason().unwrap_or("no reason recorded");
            failed.push(format!("{id} (replicate {}: {why})", row.replicate));
        } else if (rows.len() as u32) < replicates {
            missing.push(format!("{id} ({} of {replicates})", rows.len()));
        }
        trials.push(Trial::new(results, &rows, replicates));
    }
    let rank_after = "ranked after those complete";
    for (what, which) in [("with failed replicates", failed), ("with missing replicates", missing)] {
        if !which.is_empty() {
            warnings.push(format!("{} {what}, {rank_after}: {}", trials_count(which.len()), listed(&which)));
        }
    }
    if trials.len() < results.planned_trials {
        warnings.push(format!(
            "{} of {} trials have results: the run is not finished (`focalsweep run … --resume` goes on)",
            trials.len(),
            results.planned_trials
        ));
    }
    Grouped { trials, replicates, warnings }
}

/// Rows of the most frequent data fingerprint, of each replicate's most frequent split, and of each trainer's most
/// frequent program. Rows of others are other questions: their figures differ for reasons that are not the trial's.
fn comparable<'a>(rows: &[&'a Row], warnings: &mut Vec<String>) -> Vec<&'a Row> {
    let data = most_frequent(rows.iter().map(|row| row.data_fingerprint.as_str()));
    let of_data: Vec<&Row> = rows.iter().copied().filter(|row| Some(row.data_fingerprint.as_str()) == data).collect();
    let mut splits: HashMap<u32, Vec<&str>> = HashMap::new();
    for row in &of_data {
        splits.entry(row.replicate).or_default().push(&row.split_fingerprint);
    }
    let split_of: HashMap<u32, Option<&str>> =
        splits.into_iter().map(|(replicate, of)| (replicate, most_frequent(of.into_iter()))).collect();
    let same_split = |row: &&Row| split_of.get(&row.replicate) == Some(&Some(row.split_fingerprint.as_str()));
    let of_split: Vec<&Row> = of_data.iter().copied().filter(same_split).collect();
    let mut programs: HashMap<&str, Vec<&str>> = HashMap::new();
    for row in &of_split {
        if let Some((trainer, program)) = program_of(row) {
            programs.entry(trainer).or_default().push(program);
        }
    }
    let program: HashMap<&str, Option<&str>> =
        programs.into_iter().map(|(trainer, of)| (trainer, most_frequent(of.into_iter()))).collect();
    let same_program = |row: &&Row| program_of(row).is_none_or(|(trainer, of)| program.get(trainer) == Some(&Some(of)));
    let kept: Vec<&Row> = of_split.iter().copied().filter(same_program).collect();
    for (left_out, what) in [
        (rows.len() - of_data.len(), "other data"),
        (of_data.len() - of_split.len(), "another split of the data"),
        (of_split.len() - kept.len(), "another version of their trainer"),
    ] {
        if left_out > 0 {
            warnings.push(format!(
                "{left_out} of {} rows are of {what} and are left out: they cannot be ranked with the rest",
                rows.len()
            ));
        }
    }
    kept
}

/// The command that trained a row, and which program that was.
fn program_of(row: &Row) -> Option<(&str, &str)> {
    Some((row.trainer.as_deref()?, row.trainer_fingerprint.as_deref()?))
}

/// Of equally frequent items the one that comes first.
fn most_frequent<T: Copy + Eq + Hash>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: HashMap<T, (usize, usize)> = HashMap::new();
    for (at, item) in items.enumerate() {
        counts.entry(item).or_insert((0, at)).0 += 1;
    }
    let most = counts.into_iter().max_by_key(|&(_, (count, at))| (count, std::cmp::Reverse(at)));
    most.map(|(item, _)| item)
}

impl Trial {
    /// `rows` are of one trial, one a replicate.
    fn new(results: &Results, rows: &[&Row], planned: u32) -> Self {
        let measured: Vec<&&Row> = rows.iter().filter(|row| row.state != State::Failed).collect();
        let columns = rows.first().map_or(0, |row| row.metrics.len());
        let mean = |column: usize| -> Option<f64> {
            let values: Vec<f64> = measured.iter().map(|row| row.metrics[column]).collect::<Option<_>>()?;
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let means = (0..columns).map(mean).collect();
        let all = rows.len() as u32 >= planned && rows.iter().all(|row| row.state != State::Failed);
        let is_stopped = all && rows.iter().any(|row| row.state == State::Stopped);
        let epochs = || rows.iter().filter_map(|row| results.value(row, "epochs_run")).sum::<f64>();
        Self {
            trial_id: rows.first().map(|row| row.trial_id.clone()).unwrap_or_default(),
            parameters: rows.first().map(|row| row.parameters.clone()).unwrap_or_default(),
            replicates: measured.iter().map(|row| row.replicate).collect(),
            means,
            complete: all && !is_stopped,
            stopped: is_stopped.then(|| epochs() / rows.len() as f64),
        }
    }
}
