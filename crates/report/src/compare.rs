//! Which trials cannot be told from the winner.
//!
//! The winner was chosen on the rows that it is compared on, so its lead is the largest of many even where all trials are
//! equal. Holm's correction over the K - 1 comparisons with it, which would do for a rival named beforehand, then calls
//! some trial different in 10 to 20 % of sweeps of 49 equal trials, not 5 %. So the family is that of all pairs, which
//! holds whoever wins: see `metrics::multiple`, where the simulated rates are.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::ReportError;
use super::rank::{Ranking, Test};
use super::rows::Results;
use super::scores::{ScoreGroup, for_each_group};
use focalsweep_core::metrics::{AucComponents, covariances, holm, max_t, mcnemar_clustered, two_sided_p, two_sided_z};

/// Level below which a difference counts as told.
const LEVEL: f64 = 0.05;
/// Trials up to which their errors are correlated with each other; beyond, pairs are counted.
const MOST_JOINT: usize = 200;
/// Influences held for that, trials times rows: 256 MB.
const MOST_CELLS: usize = 1 << 26;

/// Compares each trial with the winner on the split that ranks, on the rows of scores.parquet, and sets `p_vs_best`
/// (AUC, DeLong's variance), `p_fn_vs_best` (positives missed at the operating point, McNemar), and `tied_with_best` by that of
/// the two which the first rank key that has a test asks for: `auc`, or `op_fn`, `op_tp`, `op_recall`. The p-values are corrected for the winner having been chosen out of all; with more than 200 trials, or where the scores of
/// some were not kept, by Holm's method over all pairs, which is stricter.
///
/// Replicates are averaged, and what a row of the source adds to the error is added up over the replicates that hold it
/// (N. A. Obuchowski 1997, Nonparametric analysis of clustered ROC curve data, Biometrics 53(2)), so that shared rows are
/// not counted twice. Thresholds are those of `results`. Trials that lack a replicate that the winner has, or whose scores
/// were not kept, are not compared; nor is anybody where no rank key has a test.
///
/// # Errors
/// scores.parquet is there but cannot be read.
pub fn compare_with_best(run_dir: &Path, results: &Results, ranking: &mut Ranking) -> Result<(), ReportError> {
    let path = run_dir.join("scores.parquet");
    let Some(winner) = ranking.winner().map(|ranked| ranked.trial.clone()) else { return Ok(()) };
    let Some(test) = ranking.test().filter(|_| path.is_file()) else { return Ok(()) };
    let on = ranking.on;
    let mut rows = Rows::default();
    let mut groups = Vec::new();
    for_each_group(&path, &|trial, split| trial == winner.trial_id && split == on, &mut |group| {
        rows.add(&group);
        groups.push(group);
    })?;
    let thresholds = thresholds(results);
    let mut best = Member::new(&rows);
    for group in groups {
        best.add(&rows, &thresholds, &group);
    }
    if best.replicates < winner.replicates.len() || best.replicates == 0 {
        return Ok(());
    }

    // Those that might have won in its place.
    let contenders: HashSet<&str> = ranking
        .trials
        .iter()
        .filter(|ranked| ranked.front.is_some() && ranked.trial.complete == winner.complete)
        .map(|ranked| ranked.trial.trial_id.as_str())
        .collect();
    let joint = contenders.len() <= MOST_JOINT && contenders.len() * rows.places.len() <= MOST_CELLS;
    let mut under_way: HashMap<String, Member> = HashMap::new();
    let mut others: Vec<(String, Compared)> = Vec::new();
    let mut members = Vec::new();
    let wanted = |trial: &str, split| split == on && trial != winner.trial_id && contenders.contains(trial);
    for_each_group(&path, &wanted, &mut |group| {
        let member = under_way.entry(group.trial.clone()).or_insert_with(|| Member::new(&rows));
        member.add(&rows, &thresholds, &group);
        if member.replicates == best.replicates
            && let Some(member) = under_way.remove(&group.trial)
        {
            others.push((group.trial, Compared::new(&best, &member)));
            if joint {
                members.push(member);
            }
        }
    })?;

    let family = contenders.len() * (contenders.len() - 1) / 2;
    let whole = joint && members.len() + 1 == contenders.len();
    members.insert(0, best);
    let p_auc = corrected(others.iter().map(|(_, c)| Some(c.p_auc)), family, || whole.then(|| joint_auc(&members)));
    let p_fn = corrected(others.iter().map(|(_, c)| c.p_fn), family, || {
        (whole && members.iter().all(Member::has_missed)).then(|| joint_missed(&members))
    });
    let place: HashMap<&str, usize> = others.iter().enumerate().map(|(i, (trial, _))| (trial.as_str(), i)).collect();
    for ranked in &mut ranking.trials {
        let Some(&i) = place.get(ranked.trial.trial_id.as_str()) else { continue };
        ranked.p_vs_best = p_auc[i];
        let p = match test {
            Test::Auc => p_auc[i],
            Test::Missed => p_fn[i],
        };
        ranked.tied_with_best = p.map(|p| p >= LEVEL);
        ranked.p_fn_vs_best = p_fn[i];
    }
    Ok(())
}

/// Corrected p-values of the comparisons that there are: by Holm over all pairs, or by the joint distribution where it is
/// known and says less; a count of pairs is an upper bound of it, and goes on where draws find nothing as large. Never
/// less than the p-value itself.
fn corrected(
    raw: impl Iterator<Item = Option<f64>>,
    family: usize,
    joint: impl FnOnce() -> Option<Vec<f64>>,
) -> Vec<Option<f64>> {
    let raw: Vec<Option<f64>> = raw.collect();
    let there: Vec<f64> = raw.iter().copied().flatten().collect();
    let joint = joint().unwrap_or_else(|| vec![1.0; raw.len()]);
    let mut counted = holm(&there, family).into_iter();
    let corrected = |(raw, joint): (&Option<f64>, f64)| raw.and_then(|p| Some(counted.next()?.min(joint.max(p))));
    raw.iter().zip(joint).map(corrected).collect()
}

fn joint_auc(members: &[Member]) -> Vec<f64> {
    let influences: Vec<&[f32]> = members.iter().map(|member| member.influences.as_slice()).collect();
    let covariance = covariances(&influences);
    let k = members.len();
    let z = |i: usize, j: usize| {
        let variance = covariance[i * k + i] + covariance[j * k + j] - 2.0 * covariance[i * k + j];
        standard_errors(members[i].auc - members[j].auc, variance)
    };
    max_t(k, &covariance, &z, 0)
}

/// With McNemar's variance, which is that of no difference, and each pair's exact p-value in the place of its normal one.
fn joint_missed(members: &[Member]) -> Vec<f64> {
    let missed: Vec<Vec<f32>> =
        members.iter().map(|member| member.missed.iter().map(|&times| f32::from(times)).collect()).collect();
    let missed: Vec<&[f32]> = missed.iter().map(Vec::as_slice).collect();
    max_t(members.len(), &covariances(&missed), &|i, j| two_sided_z(p_of_missed(&members[i], &members[j])), 0)
}

fn p_of_missed(a: &Member, b: &Member) -> f64 {
    let differences: Vec<i64> = a.missed.iter().zip(&b.missed).map(|(&a, &b)| i64::from(a) - i64::from(b)).collect();
    mcnemar_clustered(&differences)
}

/// How many standard errors a difference is.
fn standard_errors(difference: f64, variance: f64) -> f64 {
    // Equal on every row: nothing tells them apart.
    if difference == 0.0 { 0.0 } else { difference.abs() / variance.max(0.0).sqrt() }
}

/// The p-values of a trial against the winner, not corrected.
struct Compared {
    p_auc: f64,
    /// `None` without thresholds.
    p_fn: Option<f64>,
}

impl Compared {
    fn new(best: &Member, other: &Member) -> Self {
        let squares = best.influences.iter().zip(&other.influences).map(|(&a, &b)| f64::from(a - b).powi(2));
        let p_fn = (best.has_missed() && other.has_missed()).then(|| p_of_missed(best, other));
        Self { p_auc: two_sided_p(standard_errors(best.auc - other.auc, squares.sum())), p_fn }
    }
}

/// The winner's rows, for all replicates together.
#[derive(Default)]
struct Rows {
    /// Rows of each replicate.
    of_replicate: HashMap<u32, Vec<i64>>,
    /// Each row's place among all rows of the replicates.
    places: HashMap<i64, usize>,
    /// Each positive row's place among all positive rows.
    positives: HashMap<i64, usize>,
}

impl Rows {
    fn add(&mut self, group: &ScoreGroup) {
        for (&row, &label) in group.rows.iter().zip(&group.labels) {
            let next = self.places.len();
            self.places.entry(row).or_insert(next);
            if label != 0 {
                let next = self.positives.len();
                self.positives.entry(row).or_insert(next);
            }
        }
        self.of_replicate.insert(group.replicate, group.rows.clone());
    }
}

/// A trial over its replicates.
struct Member {
    /// Replicates added so far.
    replicates: usize,
    /// Of them those with a threshold.
    with_threshold: usize,
    /// Mean AUC over all replicates of the winner.
    auc: f64,
    /// What each row adds to its error.
    influences: Vec<f32>,
    /// In how many replicates each positive row was missed at the operating point.
    missed: Vec<u8>,
}

impl Member {
    fn new(rows: &Rows) -> Self {
        let (influences, missed) = (vec![0.0; rows.places.len()], vec![0; rows.positives.len()]);
        Self { replicates: 0, with_threshold: 0, auc: 0.0, influences, missed }
    }

    /// Adds a replicate, if it is on the winner's rows and has an AUC with a variance.
    fn add(&mut self, rows: &Rows, thresholds: &HashMap<(&str, u32), f64>, group: &ScoreGroup) {
        if rows.of_replicate.get(&group.replicate) != Some(&group.rows) {
            return;
        }
        let Some(components) = AucComponents::new(&group.raw, &group.labels) else { return };
        let Some(influences) = components.influences(&group.labels) else { return };
        let replicates = rows.of_replicate.len();
        self.auc += components.auc() / replicates as f64;
        for (row, influence) in group.rows.iter().zip(influences) {
            if let Some(&place) = rows.places.get(row) {
                self.influences[place] += influence / replicates as f32;
            }
        }
        self.replicates += 1;
        let Some(&threshold) = thresholds.get(&(group.trial.as_str(), group.replicate)) else { return };
        self.with_threshold += 1;
        for (row, &raw) in group.rows.iter().zip(&group.raw) {
            if f64::from(raw) < threshold
                && let Some(&place) = rows.positives.get(row)
            {
                self.missed[place] = self.missed[place].saturating_add(1);
            }
        }
    }

    fn has_missed(&self) -> bool {
        self.with_threshold == self.replicates
    }
}

/// What rows are flagged from at the operating point, by trial and replicate: a logit, in runs of version 1 a probability.
fn thresholds(results: &Results) -> HashMap<(&str, u32), f64> {
    let column = |name: &str| results.metrics.iter().position(|metric| metric == name);
    let Some(at) = column("threshold_raw").or_else(|| column("threshold")) else { return HashMap::new() };
    let of = |row: &'_ super::Row| row.metrics.get(at).copied().flatten();
    results.rows.iter().filter_map(|row| Some(((row.trial_id.as_str(), row.replicate), of(row)?))).collect()
}
