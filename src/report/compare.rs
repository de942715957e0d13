//! Which trials cannot be told from the winner.

use std::collections::HashMap;
use std::path::Path;

use super::ReportError;
use super::rank::Ranking;
use super::scores::for_each_group;
use crate::metrics::{AucComponents, PairedComparison, two_sided_p};

/// Level below which a difference counts as told.
const LEVEL: f64 = 0.05;

/// Compares each trial's AUC with the winner's on the split that ranks, by paired DeLong tests on the rows of
/// scores.parquet, and sets `p_vs_best` (Holm-corrected over all trials compared) and `tied_with_best`.
///
/// Replicates are combined: the differences are averaged, and the variance of their mean counts the rows that the
/// replicates' splits share (two estimates from rows of which a share ρ is the same correlate by about ρ).
/// Trials whose scores were not kept are not compared; nor is anybody where AUC is no rank key.
///
/// # Errors
/// scores.parquet is there but cannot be read.
pub fn compare_with_best(run_dir: &Path, ranking: &mut Ranking) -> Result<(), ReportError> {
    let path = run_dir.join("scores.parquet");
    let Some(winner) = ranking.winner().map(|ranked| ranked.trial.trial_id.clone()) else { return Ok(()) };
    if !ranking.keys.iter().any(|key| key.name == "auc") || !path.is_file() {
        return Ok(());
    }
    let on = ranking.on;
    let mut best: HashMap<u32, Reference> = HashMap::new();
    for_each_group(&path, &|trial, split| trial == winner && split == on, &mut |group| {
        if let Some(components) = AucComponents::new(&group.scores, &group.labels) {
            best.insert(group.replicate, Reference { rows: group.rows, components });
        }
    })?;
    let mut comparisons: HashMap<String, Vec<(u32, PairedComparison)>> = HashMap::new();
    for_each_group(&path, &|trial, split| trial != winner && split == on, &mut |group| {
        let Some(best) = best.get(&group.replicate).filter(|best| best.rows == group.rows) else { return };
        let components = AucComponents::new(&group.scores, &group.labels);
        if let Some(comparison) = components.and_then(|components| components.compare(&best.components)) {
            comparisons.entry(group.trial).or_default().push((group.replicate, comparison));
        }
    })?;

    let shared = shared_rows(&best);
    let p_of: HashMap<&str, f64> =
        comparisons.iter().map(|(trial, of)| (trial.as_str(), p_of_mean(of, &shared))).collect();
    let compared: Vec<usize> =
        (0..ranking.trials.len()).filter(|&i| p_of.contains_key(ranking.trials[i].trial.trial_id.as_str())).collect();
    let raw: Vec<f64> = compared.iter().map(|&i| p_of[ranking.trials[i].trial.trial_id.as_str()]).collect();
    for (i, p) in compared.into_iter().zip(holm(&raw)) {
        ranking.trials[i].p_vs_best = Some(p);
        ranking.trials[i].tied_with_best = Some(p >= LEVEL);
    }
    Ok(())
}

/// The winner on one replicate.
struct Reference {
    rows: Vec<i64>,
    components: AucComponents,
}

/// Share of rows that the splits of two replicates have in common.
fn shared_rows(best: &HashMap<u32, Reference>) -> HashMap<(u32, u32), f64> {
    let sorted: HashMap<u32, Vec<i64>> = best
        .iter()
        .map(|(&replicate, reference)| {
            let mut rows = reference.rows.clone();
            rows.sort_unstable();
            (replicate, rows)
        })
        .collect();
    let mut shares = HashMap::new();
    for (&a, rows_a) in &sorted {
        for (&b, rows_b) in &sorted {
            let common = rows_a.iter().filter(|row| rows_b.binary_search(row).is_ok()).count();
            shares.insert((a, b), common as f64 / ((rows_a.len() * rows_b.len()) as f64).sqrt());
        }
    }
    shares
}

/// Two-sided p-value of the mean difference over the replicates.
fn p_of_mean(comparisons: &[(u32, PairedComparison)], shared: &HashMap<(u32, u32), f64>) -> f64 {
    let n = comparisons.len() as f64;
    let difference = comparisons.iter().map(|(_, c)| c.difference).sum::<f64>() / n;
    let mut variance = 0.0;
    for (a, of_a) in comparisons {
        for (b, of_b) in comparisons {
            let share = if a == b { 1.0 } else { shared.get(&(*a, *b)).copied().unwrap_or(0.0) };
            variance += share * (of_a.variance * of_b.variance).sqrt() / (n * n);
        }
    }
    // Equal on every row: nothing tells them apart.
    if difference == 0.0 { 1.0 } else { two_sided_p(difference / variance.sqrt()) }
}

/// Holm 1979, A simple sequentially rejective multiple test procedure: adjusted p-values in the order given.
fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (before, i) in order.into_iter().enumerate() {
        largest = largest.max(p[i] * (p.len() - before) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_agrees_with_statsmodels() {
        // statsmodels.stats.multitest.multipletests(p, method="holm")
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, 0.9]);
        let recorded = [0.04, 0.09, 0.09, 0.025, 0.9];
        assert!(adjusted.iter().zip(recorded).all(|(a, b)| (a - b).abs() < 1e-12), "{adjusted:?}");
    }

    #[test]
    fn replicates_on_the_same_rows_add_nothing_and_on_others_much() {
        let one = PairedComparison { difference: 0.02, variance: 1e-4 };
        let p = |share: f64| p_of_mean(&[(0, one), (1, one)], &HashMap::from([((0, 1), share), ((1, 0), share)]));
        assert!((p(1.0) - two_sided_p(2.0)).abs() < 1e-12);
        assert!((p(0.0) - two_sided_p(2.0 * 2_f64.sqrt())).abs() < 1e-12);
    }
}
