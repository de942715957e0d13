//! Which trials cannot be told from the winner.
//!
//! The winner was chosen on the rows that it is compared on, so its lead is the largest of many even where all trials
//! are equal. Holm's correction over the K - 1 comparisons with it, which would do for a rival named beforehand, then
//! calls some trial different in 10 to 20 % of sweeps of 49 equal trials, not 5 %. So the family is that of all pairs,
//! which holds whoever wins: see `metrics::multiple`, where the simulated rates are.

use std::collections::{HashMap, HashSet};

use super::contrast::LEVEL;
use crate::rank::{Ranked, Ranking};
use crate::read::{ReportError, Results, Row, ScoreGroup, for_each_group};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{AucComponents, covariances, holm, max_t, mcnemar_clustered, two_sided_p, two_sided_z};
use focalsweep_core::record::RunFiles;

/// Trials up to which their errors are correlated with each other; beyond, pairs are counted.
const MOST_JOINT: usize = 200;
/// Influences held for that, trials times rows: 256 MB.
const MOST_CELLS: usize = 1 << 26;

/// Which trials cannot be told from the winner. Those that were not compared are missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ties {
    of_trial: HashMap<String, Tie>,
    /// How the p-values of the AUCs were corrected.
    pub auc_by: Correction,
    /// The same of the positives missed at the operating point.
    pub missed_by: Correction,
}

/// What is known of one trial and the winner.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tie {
    /// Whether it cannot be told from the winner; `None` where not compared.
    pub tied: Option<bool>,
    /// P-value of its AUC being the winner's, corrected for the winner being the best of many; `None` where not
    /// compared.
    pub p_auc: Option<f64>,
    /// The same of the positives missed at the operating point.
    pub p_missed: Option<f64>,
}

/// How p-values are corrected for the winner having been chosen out of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// By the joint distribution of all pairs' differences.
    MaxT,
    /// By counting the pairs.
    #[default]
    Holm,
}

impl Correction {
    /// What it is called in a column's head.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxT => "max-T",
            Self::Holm => "Holm",
        }
    }
}

impl FromIterator<(String, Tie)> for Ties {
    fn from_iter<I: IntoIterator<Item = (String, Tie)>>(of_trial: I) -> Self {
        Self { of_trial: of_trial.into_iter().collect(), ..Self::default() }
    }
}

impl Ties {
    /// What is known of a trial and the winner.
    pub fn tie(&self, ranked: &Ranked) -> Tie {
        self.of_trial.get(&ranked.trial.trial_id).copied().unwrap_or_default()
    }

    /// Trials that were compared with the winner.
    pub fn compared(&self) -> usize {
        self.of_trial.values().filter(|tie| tie.tied.is_some()).count()
    }

    /// Of them those that cannot be told from it.
    pub fn tied(&self) -> usize {
        self.of_trial.values().filter(|tie| tie.tied == Some(true)).count()
    }

    /// How the p-values of a test were corrected.
    pub fn corrected_by(&self, test: Test) -> Correction {
        match test {
            Test::DeLong => self.auc_by,
            Test::McNemar => self.missed_by,
        }
    }
}

impl Tie {
    /// Its p-value of a test.
    pub fn p(&self, test: Test) -> Option<f64> {
        match test {
            Test::DeLong => self.p_auc,
            Test::McNemar => self.p_missed,
        }
    }
}

/// Compares each trial with the winner on the split that ranks, on the rows of scores.parquet: by AUC (DeLong's
/// variance) and by the positives missed at the operating point (McNemar). Tied are those that cannot be told from it
/// by that of the two which the first rank key that has a test asks for. The p-values are corrected for the winner
/// having been chosen out of all; with more than 200 trials, or where the scores of some were not kept, by Holm's
/// method over all pairs, which is stricter.
///
/// Replicates are averaged, and what a row of the source adds to the error is added up over the replicates that hold it
/// (N. A. Obuchowski 1997, Nonparametric analysis of clustered ROC curve data, Biometrics 53(2)), so that shared rows
/// are not counted twice. Thresholds are those of `results`. Trials that lack a replicate that the winner has, or whose
/// scores were not kept, are not compared; nor is anybody where no rank key has a test.
///
/// # Errors
/// scores.parquet is there but cannot be read.
pub(super) fn ties(files: &RunFiles, results: &Results, ranking: &Ranking) -> Result<Ties, ReportError> {
    let none = Ties::default();
    let Some(winner) = ranking.winner().map(|ranked| ranked.trial.clone()) else { return Ok(none) };
    let Some(test) = ranking.test() else { return Ok(none) };
    let on = ranking.on;
    let mut rows = Rows::default();
    let mut groups = Vec::new();
    for_each_group(files, &|trial, split| trial == winner.trial_id && split == on, &mut |group| {
        rows.add(&group);
        groups.push(group);
    })?;
    let thresholds = thresholds(results);
    let mut best = Member::new(&rows);
    for group in groups {
        best.add(&rows, &thresholds, &group);
    }
    if best.replicates < winner.replicates.len() || best.replicates == 0 {
        return Ok(none);
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
    for_each_group(files, &wanted, &mut |group| {
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
    let jointly_missed = whole && members.iter().all(Member::has_missed);
    let p_auc = corrected(others.iter().map(|(_, c)| Some(c.p_auc)), family, || whole.then(|| joint_auc(&members)));
    let p_missed =
        corrected(others.iter().map(|(_, c)| c.p_fn), family, || jointly_missed.then(|| joint_missed(&members)));
    let of_trial = others.into_iter().zip(p_auc.into_iter().zip(p_missed)).map(|((trial, _), (p_auc, p_missed))| {
        let tie = Tie { tied: None, p_auc, p_missed };
        (trial, Tie { tied: tie.p(test).map(|p| p >= LEVEL), ..tie })
    });
    let by = |joint: bool| if joint { Correction::MaxT } else { Correction::Holm };
    Ok(Ties { auc_by: by(whole), missed_by: by(jointly_missed), ..of_trial.collect() })
}

/// Corrected p-values of the comparisons that there are: by Holm over all pairs, or by the joint distribution where it
/// is known and says less; a count of pairs is an upper bound of it, and goes on where draws find nothing as large.
/// Never less than the p-value itself.
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

/// With McNemar's variance, which is that of no difference, and each pair's exact p-value in the place of its normal
/// one.
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

/// What rows are flagged from at the operating point, by trial and replicate: a logit, in runs of version 1 a
/// probability.
fn thresholds(results: &Results) -> HashMap<(&str, u32), f64> {
    let column = |name: &str| results.metrics.iter().position(|metric| metric == name);
    let Some(at) = column("threshold_raw").or_else(|| column("threshold")) else { return HashMap::new() };
    let of = |row: &'_ Row| row.metrics.get(at).copied().flatten();
    results.rows.iter().filter_map(|row| Some(((row.trial_id.as_str(), row.replicate), of(row)?))).collect()
}
