//! Which trials cannot be told from the winner.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int8Type, Int32Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::ReportError;
use super::format::split_word;
use super::rank::Ranking;
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
    let split = split_word(ranking.on);
    let mut best: HashMap<u32, Reference> = HashMap::new();
    for_each_group(&path, split, &|trial| trial == winner, &mut |group| {
        if let Some(components) = AucComponents::new(&group.scores, &group.labels) {
            best.insert(group.replicate, Reference { rows: group.rows.clone(), components });
        }
    })?;
    let mut comparisons: HashMap<String, Vec<(u32, PairedComparison)>> = HashMap::new();
    for_each_group(&path, split, &|trial| trial != winner, &mut |group| {
        let Some(best) = best.get(&group.replicate).filter(|best| best.rows == group.rows) else { return };
        let components = AucComponents::new(&group.scores, &group.labels);
        if let Some(comparison) = components.and_then(|components| components.compare(&best.components)) {
            comparisons.entry(group.trial.clone()).or_default().push((group.replicate, comparison));
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

/// The scores of one (trial, replicate) on one split.
#[derive(Default)]
struct Group {
    trial: String,
    replicate: u32,
    rows: Vec<i64>,
    labels: Vec<u8>,
    scores: Vec<f32>,
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

/// Hands on the scores of each (trial, replicate) on `split` whose trial is wanted. Rows of one that do not lie
/// together come as several groups, which then match nobody's rows.
fn for_each_group(
    path: &Path,
    split: &str,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&Group),
) -> Result<(), ReportError> {
    let unreadable = |why: String| ReportError::Unreadable { path: path.to_owned(), why };
    let file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
    let names = ["trial_id", "replicate", "split", "row", "label", "score"];
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    let reader =
        builder.with_projection(mask).with_batch_size(1 << 16).build().map_err(|e| unreadable(e.to_string()))?;
    let mut group = Group::default();
    for batch in reader {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        add_batch(path, &batch, split, wanted, &mut group, each)?;
    }
    if !group.rows.is_empty() {
        each(&group);
    }
    Ok(())
}

/// Adds a batch's rows to the group under way, and hands it on whenever another begins.
fn add_batch(
    path: &Path,
    batch: &RecordBatch,
    split: &str,
    wanted: &dyn Fn(&str) -> bool,
    group: &mut Group,
    each: &mut dyn FnMut(&Group),
) -> Result<(), ReportError> {
    let column = |name: &str, to: &DataType| {
        let missing = || ReportError::MissingColumn { path: path.to_owned(), column: name.to_owned() };
        let array = batch.column_by_name(name).ok_or_else(missing)?;
        let why =
            |why: String| ReportError::Unreadable { path: path.to_owned(), why: format!("column `{name}`: {why}") };
        if array.null_count() > 0 {
            return Err(why("a value is missing".to_owned()));
        }
        cast(array, to).map_err(|e| why(e.to_string()))
    };
    let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let (trials, splits) = (column("trial_id", &word)?, column("split", &word)?);
    let (trials, splits) = (trials.as_dictionary::<Int32Type>(), splits.as_dictionary::<Int32Type>());
    let (replicates, rows) = (column("replicate", &DataType::Int32)?, column("row", &DataType::Int64)?);
    let (labels, scores) = (column("label", &DataType::Int8)?, column("score", &DataType::Float32)?);
    let replicates = replicates.as_primitive::<Int32Type>().values();
    let rows = rows.as_primitive::<Int64Type>().values();
    let labels = labels.as_primitive::<Int8Type>().values();
    let scores = scores.as_primitive::<Float32Type>().values();
    let (trial_keys, split_keys) = (trials.keys().values(), splits.keys().values());
    let (trial_names, split_names) = (trials.values().as_string::<i32>(), splits.values().as_string::<i32>());

    let mut start = 0;
    while start < batch.num_rows() {
        let of = |row: usize| (trial_keys[row], replicates[row], split_keys[row]);
        let end = (start..batch.num_rows()).find(|&row| of(row) != of(start)).unwrap_or(batch.num_rows());
        let (trial, replicate, of_split) = of(start);
        let trial = trial_names.value(trial as usize);
        if split_names.value(of_split as usize) == split && wanted(trial) {
            if (group.trial.as_str(), group.replicate) != (trial, replicate.cast_unsigned()) {
                if !group.rows.is_empty() {
                    each(group);
                }
                *group = Group { trial: trial.to_owned(), replicate: replicate.cast_unsigned(), ..Group::default() };
            }
            group.rows.extend(&rows[start..end]);
            group.labels.extend(labels[start..end].iter().map(|&label| u8::from(label != 0)));
            group.scores.extend(&scores[start..end]);
        }
        start = end;
    }
    Ok(())
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
