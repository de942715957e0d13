//! Another operating point without training again: thresholds and counts from scores.parquet.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::error::ReportError;
use super::rows::Results;
use super::scores::{ScoreGroup, for_each_calibration_group, for_each_group};
use super::words::{column, listed, part_of, split_word, trials_count};
use focalsweep_core::metrics::catalogue::{Confused, METRICS, Metric, OfCounts, Source};
use focalsweep_core::metrics::{
    Confusion, RowRanks, ScoredRows, SplitMetrics, Threshold, guaranteed_threshold, validation_threshold,
};
use focalsweep_core::record::{RunFiles, SCORES, State};
use focalsweep_core::spec::{OperatingPoint, Split};

/// What the counts at the operating point, or the scores up to it, make of a metric.
#[derive(Clone, Copy)]
enum Measure {
    Counts(OfCounts),
    Scores(fn(&SplitMetrics) -> Option<f64>),
}

/// The metrics that follow from scores and the operating point, with how.
fn metrics_at_point() -> impl Iterator<Item = (&'static Metric, Measure)> {
    METRICS.iter().filter_map(|metric| match metric.source {
        Source::AtOperatingPoint(of_counts) => Some((metric, Measure::Counts(of_counts))),
        Source::ScoresToPoint(measure) => Some((metric, Measure::Scores(measure))),
        Source::Scores(_) | Source::AtHalf(_) | Source::Weighed(_) | Source::Training => None,
    })
}

/// The columns that [`at_operating_point`] fills, but for costs, which follow from the others.
pub fn metrics_at_operating_point() -> Vec<String> {
    let of = |on| metrics_at_point().map(move |(metric, _)| metric.column(part_of(on)).name());
    let thresholds = ["threshold", "threshold_raw"].map(str::to_owned);
    thresholds.into_iter().chain(of(Split::Validation)).chain(of(Split::Test)).collect()
}

impl Results {
    /// The own operating point, where one of these rank keys is measured up to it and the run is of a version that did
    /// not: the scores have it.
    pub fn point_to_measure(&self, by: &[String], on: Split) -> Option<OperatingPoint> {
        let is_missing = |name: &String| {
            let metric = metrics_at_point().find(|(metric, _)| metric.name == *name);
            metric.is_some_and(|(metric, _)| !self.metrics.contains(&metric.column(part_of(on)).name()))
        };
        self.operating_point.clone().filter(|_| by.iter().any(is_missing))
    }
}

/// Puts the threshold of every (trial, replicate) where `point` has it on the validation rows, and counts the
/// validation and the test rows again at it: the columns `threshold`, `val_op_…`, `test_op_…`, and for costs `val_cost`
/// and `test_cost`. Where `point` asks for a guarantee and the calibration rows give one, `threshold` and `test_op_…`
/// are at that threshold instead. Trials whose scores were not kept lose these figures; a warning says so.
///
/// # Errors
/// scores.parquet is there but cannot be read, or does not hold the rows that results.parquet counts.
pub fn at_operating_point(files: &RunFiles, results: &mut Results, point: &OperatingPoint) -> Result<(), ReportError> {
    let threshold_column = results.column_of("threshold");
    // Runs of version 1 have none.
    let raw_column = results.metrics.iter().position(|metric| metric == "threshold_raw");
    let mut flagged_from: HashMap<usize, Threshold> = HashMap::new();
    let of_split = [Split::Validation, Split::Test].map(|on| {
        let names = metrics_at_point().map(|(metric, _)| metric.column(part_of(on)).name());
        (on, names.map(|name| results.column_of(&name)).collect::<Vec<usize>>())
    });
    for row in &mut results.rows {
        row.metrics[threshold_column] = None;
        raw_column.into_iter().for_each(|column| row.metrics[column] = None);
        of_split.iter().flat_map(|(_, columns)| columns).for_each(|&column| row.metrics[column] = None);
    }
    let place: HashMap<(String, u32), usize> =
        results.rows.iter().enumerate().map(|(at, row)| ((row.trial_id.clone(), row.replicate), at)).collect();
    let mut strange = None;
    // The test rows need the threshold of the validation rows, which may come later in a file that somebody sorted.
    for (on, columns) in of_split {
        if on == Split::Test && results.weight.is_none() {
            strange = strange.or(guarantee_all(files, point, &place, &mut flagged_from)?);
        }
        for_each_group(files, &|_, _, split| split == on, &mut |group| {
            let Some(&at) = place.get(&(group.trial.clone(), group.replicate)) else { return };
            if !is_whole(results, at, &group) {
                strange.get_or_insert(format!(
                    "trial {}, replicate {}: {} {} rows together, but results.parquet counts others",
                    group.trial,
                    group.replicate,
                    group.rows.len(),
                    split_word(on)
                ));
                return;
            }
            let metrics = &mut results.rows[at].metrics;
            if on == Split::Validation
                && let Some(chosen) = validation_threshold(point, scored(&group))
            {
                flagged_from.insert(at, chosen);
            }
            let ranks = RowRanks::new(&group.raw, &group.labels, &group.weights);
            let to_point = ranks.map(|ranks| SplitMetrics::to_point(&ranks, point));
            for (&column, (_, measure)) in columns.iter().zip(metrics_at_point()) {
                if let (Measure::Scores(measure), Some(measured)) = (measure, &to_point) {
                    metrics[column] = measure(measured);
                }
            }
            if let Some(threshold) = flagged_from.get(&at) {
                metrics[threshold_column] = Some(threshold.score).filter(|_| !group.scores.is_empty());
                raw_column.into_iter().for_each(|column| metrics[column] = Some(threshold.raw));
                let counts = Confusion::weighed(&group.raw, &group.labels, &group.weights, threshold.raw);
                for (&column, (_, measure)) in columns.iter().zip(metrics_at_point()) {
                    if let Measure::Counts(of_counts) = measure {
                        metrics[column] = of_counts.value(&counts);
                    }
                }
            }
        })?;
    }
    if let (Some(column), true) = (&results.weight, point.guarantee().is_some()) {
        let what = "no threshold with a guarantee (`confidence`): it counts rows, which here count by";
        results.warnings.push(format!("{what} `{column}`; the threshold is that of the validation rows"));
    }
    if let Some(why) = strange {
        return Err(ReportError::Unreadable { path: files.path(SCORES), why });
    }
    let without: BTreeSet<&str> = results
        .rows
        .iter()
        .filter(|row| row.state != State::Failed && row.metrics[raw_column.unwrap_or(threshold_column)].is_none())
        .map(|row| row.trial_id.as_str())
        .collect();
    if !without.is_empty() {
        let ids: Vec<String> = without.iter().map(|&id| id.to_owned()).collect();
        results.warnings.push(format!(
            "the scores of {} were not kept: no figures at this operating point for {} (`scores: all` keeps them)",
            trials_count(ids.len()),
            listed(&ids)
        ));
    }
    results.operating_point = Some(point.clone());
    results.add_costs();
    Ok(())
}

/// Puts the thresholds that the calibration rows guarantee in the place of those that the validation rows chose, where
/// `point` asks for it. What is strange about the rows, in words.
fn guarantee_all(
    files: &RunFiles,
    point: &OperatingPoint,
    place: &HashMap<(String, u32), usize>,
    flagged_from: &mut HashMap<usize, Threshold>,
) -> Result<Option<String>, ReportError> {
    let Some((max_fpr, confidence)) = point.guarantee() else { return Ok(None) };
    let (mut seen, mut strange) = (HashSet::new(), None);
    for_each_calibration_group(files, &|_, _| true, &mut |group| {
        let Some(&at) = place.get(&(group.trial.clone(), group.replicate)) else { return };
        if !seen.insert(at) {
            let rows = format!("trial {}, replicate {}: the calibration rows", group.trial, group.replicate);
            strange.get_or_insert(format!("{rows} do not lie together"));
        }
        if let Some(threshold) = guaranteed_threshold(group.scored(), max_fpr, confidence) {
            flagged_from.insert(at, threshold);
        }
    })?;
    Ok(strange)
}

fn scored(group: &ScoreGroup) -> ScoredRows<'_> {
    ScoredRows { raw: &group.raw, scores: &group.scores, labels: &group.labels, weights: &group.weights }
}

/// Whether the group has as many rows as were counted at threshold 0.5.
fn is_whole(results: &Results, at: usize, group: &ScoreGroup) -> bool {
    let count = |name: &str| {
        let column = column(group.split, name);
        results.rows[at].metrics[results.metrics.iter().position(|metric| *metric == column)?]
    };
    let counted: Option<f64> = ["tp", "fp", "tn", "fn"].into_iter().map(count).sum();
    let expected = if group.weights.is_empty() { group.rows.len() as f64 } else { group.weights.iter().sum() };
    // Sums of weights depend on the order in which they were added.
    let slack = if group.weights.is_empty() { 0.0 } else { 1e-9 * expected };
    counted.is_none_or(|counted| (counted - expected).abs() <= slack)
}

impl Results {
    /// The column of a metric, made if there is none.
    fn column_of(&mut self, name: &str) -> usize {
        if let Some(at) = self.metrics.iter().position(|metric| metric == name) {
            return at;
        }
        self.metrics.push(name.to_owned());
        self.rows.iter_mut().for_each(|row| row.metrics.push(None));
        self.metrics.len() - 1
    }

    /// What the operating point weighs: the cost of the errors per 1,000 rows, `val_cost` and `test_cost`, and the net
    /// benefit likewise; none where it does not say what errors are worth.
    pub fn add_costs(&mut self) {
        for metric in METRICS {
            let Source::Weighed(weigh) = metric.source else { continue };
            let point = self.operating_point.clone().filter(|point| point.lacks(metric.name).is_none());
            for on in [Split::Validation, Split::Test] {
                let name = column(on, metric.name);
                match &point {
                    Some(point) => self.weigh(on, &name, &|counts| weigh(point, counts)),
                    // Those of another operating point.
                    None => self.drop_column(&name),
                }
            }
        }
    }

    fn weigh(&mut self, on: Split, name: &str, weigh: &dyn Fn(&Confused) -> Option<f64>) {
        let counts = ["op_tp", "op_fp", "op_tn", "op_fn"].map(|count| self.column_of(&column(on, count)));
        let at = self.column_of(name);
        for row in &mut self.rows {
            let [tp, fp, tn, fn_] = counts.map(|at| row.metrics[at]);
            let counts = tp.zip(fp).zip(tn.zip(fn_));
            let counts = counts.map(|((tp, fp), (tn, fn_))| Confused { tp, fp, tn, fn_ });
            row.metrics[at] = counts.as_ref().and_then(weigh);
        }
    }

    fn drop_column(&mut self, name: &str) {
        if let Some(at) = self.metrics.iter().position(|metric| metric == name) {
            self.metrics.remove(at);
            for row in &mut self.rows {
                row.metrics.remove(at);
            }
        }
    }
}

/// The operating point in words: `at most 1 % false alarms`.
pub fn operating_point_in_words(point: &OperatingPoint) -> String {
    match point {
        OperatingPoint::MaxFpr { max_fpr, .. } => format!("at most {} % false alarms", percent(*max_fpr)),
        OperatingPoint::MinRecall { min_recall } => {
            format!("at least {} % of the positives caught", percent(*min_recall))
        }
        OperatingPoint::MinPrecision { min_precision } => {
            format!("a precision of at least {} %", percent(*min_precision))
        }
        OperatingPoint::Cost { fn_cost, fp_cost } => {
            format!("least cost, a miss at {fn_cost} and a false alarm at {fp_cost}")
        }
        OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
            format!("at most {max_alerts_per_1000} alerts in 1,000 rows")
        }
    }
}

/// Up to six significant figures, without trailing zeros.
pub(crate) fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}
