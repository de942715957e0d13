//! What a run says beyond its ranking: what the winner buys, how sure that is, and what it is worth as a probability.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::calibration::Calibration;
use super::edge::edges;
use super::evidence::{Contrast, LEVEL, ReplicateScores, contrast, mean_auc, scores_of};
use super::format::{split_word, thousands};
use super::history::validation_losses;
use super::methods::{Method, PLAIN, methods};
use super::rank::{Ranked, Ranking, Test, rank};
use super::rows::{Results, Value};
use super::{Options, ReportError};
use focalsweep_core::metrics::{
    Interval, OperatingPointIntervals, average_precision_interval, operating_point_intervals, positives_for_auc,
};
use focalsweep_core::spec::{OperatingPoint, Split};

/// Resamples of a bootstrap interval.
const RESAMPLES: u32 = 1000;
/// What the scores of a run say of its ranking. Empty where they were not kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The winner against plain cross-entropy, on the test rows.
    pub against_baseline: Option<Contrast>,
    /// What the winner's AUC lost on rows that did not choose it.
    pub optimism: Option<Optimism>,
    /// Whether the winner's scores are probabilities.
    pub calibration: Option<Calibration>,
    /// 95 % intervals on the test rows, by trial.
    pub intervals: BTreeMap<String, Intervals>,
    /// The best trial of each method; empty where there is one method only.
    pub methods: Vec<Method>,
    /// Plain cross-entropy from different starting biases; empty where one was tried.
    pub starts: Vec<Start>,
    /// What is worth knowing, sentence by sentence.
    pub notes: Vec<String>,
}

/// The winner was chosen for its figures on the validation rows, so that these flatter it: its AUC there and on the test
/// rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimism {
    /// AUC on the validation rows, mean over the replicates.
    pub validation: f64,
    /// AUC on the test rows, likewise.
    pub test: f64,
    /// DeLong standard error of the first less the second.
    pub standard_error: f64,
}

/// 95 % bootstrap intervals on the test rows, each end the mean over the replicates: what one set of test rows leaves
/// open, however many replicates there are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intervals {
    /// Of average precision.
    pub average_precision: Option<Interval>,
    /// At the operating point.
    pub operating_point: Option<OperatingPointIntervals>,
}

/// A trial of plain cross-entropy and the bias that it started from.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// `prior` or a number.
    pub initial_bias: String,
    /// The trial.
    pub trial_id: String,
    /// Mean validation loss after each epoch, from the first.
    pub validation_losses: Vec<f64>,
    /// Mean epoch whose weights were kept.
    pub best_epoch: Option<f64>,
}

/// Calls a function for each of 0..n and returns what it returned, in order. Who calls decides on how many threads.
pub type ForEach<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) -> Intervals + Sync)) -> Vec<Intervals>;

/// Fills in [`Ranking::answer`] and adds what it warns of. `results` are those that were ranked; call it after
/// [`compare_with_best`](super::compare_with_best). The winner, the baseline, the methods' trials and the first
/// `with_intervals` of the trials shown have intervals.
///
/// # Errors
/// scores.parquet or history.parquet is there but cannot be read.
pub fn answer(
    run_dir: &Path,
    results: &Results,
    ranking: &mut Ranking,
    with_intervals: usize,
    for_each: ForEach<'_>,
) -> Result<(), ReportError> {
    let edges = edges(ranking);
    let mut answer = Answer { notes: edges.notes, ..Answer::default() };
    let mut warnings = edges.warnings;
    let id = |ranked: Option<&Ranked>| ranked.map(|ranked| ranked.trial.trial_id.clone());
    let Some(winner) = id(ranking.winner()) else {
        ranking.answer = answer;
        return Ok(());
    };
    let baseline = id(ranking.baseline()).filter(|baseline| *baseline != winner);
    let rival = baseline.clone().or_else(|| weakest_tied(ranking));
    answer.methods = match ranking.on {
        Split::Validation => methods(ranking),
        Split::Test => {
            let by = ranking.keys.iter().map(|key| key.name.clone()).collect();
            methods(&rank(results, &Options { by, on: Split::Validation, top: None })?)
        }
    };
    let shown = ranking.shown().iter().take(with_intervals).map(|ranked| ranked.trial.trial_id.clone());
    let wanted: HashSet<String> = shown
        .chain([winner.clone()])
        .chain(baseline.clone())
        .chain(rival.clone())
        .chain(answer.methods.iter().map(|method| method.trial_id.clone()))
        .collect();
    let scores = scores_of(run_dir, &wanted)?;
    let of = |id: &Option<String>| id.as_ref().and_then(|id| scores.get(id));
    let point = ranking.operating_point.as_ref();
    if let Some(of_winner) = scores.get(&winner) {
        answer.against_baseline = of(&baseline).and_then(|other| contrast(of_winner, other, Split::Test, point));
        let seen = of(&rival).and_then(|other| contrast(of_winner, other, ranking.on, None));
        let against = rival.as_ref().and_then(|id| ranking.trial(id)).map(|rival| match &baseline {
            Some(_) => PLAIN.to_owned(),
            None => format!("the trial at rank {}", rival.rank),
        });
        warnings.extend(seen.zip(against).and_then(|(seen, against)| too_few(&seen, ranking.on, &against)));
        answer.optimism = optimism_of(of_winner);
        answer.calibration = Calibration::of(of_winner);
        warnings.extend(answer.calibration.filter(Calibration::misleads).map(|c| misleading(&c)));
    }
    let plain = answer.methods.iter().find(|method| method.name == PLAIN).map(|method| method.trial_id.clone());
    for method in answer.methods.iter_mut().filter(|method| Some(&method.trial_id) != plain.as_ref()) {
        let both = scores.get(&method.trial_id).zip(of(&plain));
        method.against_plain = both.and_then(|(first, second)| contrast(first, second, Split::Test, point));
    }
    answer.intervals = intervals(&scores, point, for_each);
    answer.starts = starts(run_dir, ranking)?;
    ranking.warnings.extend(warnings);
    ranking.answer = answer;
    Ok(())
}

/// Of the trials that cannot be told from the winner the one whose AUC is the furthest from it.
fn weakest_tied(ranking: &Ranking) -> Option<String> {
    ranking.test().filter(|test| *test == Test::Auc)?;
    let column = super::metric::column(ranking.on, "auc");
    let tied = ranking.trials.iter().filter(|ranked| ranked.tied_with_best == Some(true));
    let aucs = tied.filter_map(|ranked| Some((ranking.mean(ranked, &column)?, ranked)));
    aucs.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, ranked)| ranked.trial.trial_id.clone())
}

/// Warns of a difference that so few positives cannot tell.
fn too_few(seen: &Contrast, on: Split, against: &str) -> Option<String> {
    let needed = positives_for_auc(seen.auc_difference, seen.auc_variance, seen.positives)?;
    (seen.auc_p >= LEVEL && needed > seen.positives).then(|| {
        format!(
            "too few positives to tell the winner's AUC from that of {against}: {} has {}, a difference of {:.4} would \
             need about {} (5 %, power 80 %)",
            split_word(on),
            thousands(seen.positives),
            seen.auc_difference.abs(),
            thousands(rounded(needed)),
        )
    })
}

/// Two significant digits: a sample size is an estimate.
fn rounded(n: u64) -> u64 {
    let step = 10_u64.pow(n.checked_ilog10().unwrap_or(0).saturating_sub(1));
    n.div_ceil(step) * step
}

fn misleading(calibration: &Calibration) -> String {
    format!(
        "the winner's scores are no probabilities: they are off by {:.3} on average where {:.3} of the rows are positive; \
         Platt scaling fitted on the validation rows leaves {:.3}, isotonic regression {:.3}",
        calibration.raw.ece, calibration.prevalence, calibration.platt.ece, calibration.isotonic.ece
    )
}

fn optimism_of(winner: &[ReplicateScores]) -> Option<Optimism> {
    let (validation, of_validation) = mean_auc(winner, Split::Validation)?;
    let (test, of_test) = mean_auc(winner, Split::Test)?;
    // A replicate's validation and test rows are different rows.
    Some(Optimism { validation, test, standard_error: (of_validation + of_test).sqrt() })
}

/// Bootstrap intervals of each trial, the same numbers however many threads there are.
fn intervals(
    scores: &HashMap<String, Vec<ReplicateScores>>,
    point: Option<&OperatingPoint>,
    for_each: ForEach<'_>,
) -> BTreeMap<String, Intervals> {
    let tasks: Vec<(&String, &ReplicateScores)> =
        scores.iter().flat_map(|(id, of)| of.iter().map(move |replicate| (id, replicate))).collect();
    let measured = for_each(tasks.len(), &|task| {
        let ReplicateScores { replicate, validation, test } = tasks[task].1;
        let (seed, validation) = (u64::from(*replicate), (&validation.raw[..], &validation.labels[..]));
        let test = (&test.raw[..], &test.labels[..]);
        Intervals {
            average_precision: average_precision_interval(test.0, test.1, RESAMPLES, seed),
            operating_point: point
                .and_then(|point| operating_point_intervals(point, validation, test, RESAMPLES, seed)),
        }
    });
    let mut of_trial: BTreeMap<String, Vec<Intervals>> = BTreeMap::new();
    for ((id, _), intervals) in tasks.into_iter().zip(measured) {
        of_trial.entry(id.clone()).or_default().push(intervals);
    }
    of_trial.into_iter().map(|(id, of)| (id, Intervals::mean(&of))).collect()
}

impl Intervals {
    /// A figure that is not defined for one replicate is not defined for the mean.
    fn mean(of: &[Self]) -> Self {
        let mean = |of: Vec<Interval>| {
            let n = of.len() as f64;
            Interval {
                lower: of.iter().map(|i| i.lower).sum::<f64>() / n,
                upper: of.iter().map(|i| i.upper).sum::<f64>() / n,
            }
        };
        let average_precision: Option<Vec<Interval>> = of.iter().map(|i| i.average_precision).collect();
        let at_point: Option<Vec<OperatingPointIntervals>> = of.iter().map(|i| i.operating_point).collect();
        Self {
            average_precision: average_precision.map(mean),
            operating_point: at_point.map(|at| OperatingPointIntervals {
                fn_: mean(at.iter().map(|i| i.fn_).collect()),
                fp: mean(at.iter().map(|i| i.fp).collect()),
                recall: mean(at.iter().map(|i| i.recall).collect()),
            }),
        }
    }
}

/// Trials of plain cross-entropy that differ from the best of them in nothing but the starting bias.
fn starts(run_dir: &Path, ranking: &Ranking) -> Result<Vec<Start>, ReportError> {
    let bias_of = |ranked: &Ranked| ranking.parameter(ranked, "initial_bias").map(ToString::to_string);
    let plain = ranking
        .baseline()
        .filter(|best| ranking.parameter(best, "loss") == Some(&Value::Text("bce".into())) && bias_of(best).is_some());
    let Some(best) = plain else { return Ok(Vec::new()) };
    let at = ranking.parameters.iter().position(|name| name == "initial_bias");
    let same = |ranked: &&Ranked| {
        let pairs = ranked.trial.parameters.iter().zip(&best.trial.parameters).enumerate();
        pairs.into_iter().all(|(i, (a, b))| Some(i) == at || a == b) && ranked.front.is_some()
    };
    let trials: Vec<&Ranked> = ranking.trials.iter().filter(same).collect();
    if trials.len() < 2 {
        return Ok(Vec::new());
    }
    let ids = trials.iter().map(|ranked| ranked.trial.trial_id.clone()).collect();
    let mut losses = validation_losses(run_dir, &ids)?;
    let start = |ranked: &&Ranked| {
        Some(Start {
            initial_bias: bias_of(ranked)?,
            trial_id: ranked.trial.trial_id.clone(),
            validation_losses: losses.remove(&ranked.trial.trial_id)?,
            best_epoch: ranking.mean(ranked, "best_epoch"),
        })
    };
    Ok(trials.iter().filter_map(start).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sample_sizes_rounded_up() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(thousands), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 7, 42, 101, 9_234, 99_999].map(rounded), [0, 7, 42, 110, 9_300, 100_000]);
    }

    #[test]
    fn a_difference_is_warned_of_only_where_more_positives_would_tell_it() {
        let seen = Contrast {
            auc_difference: 0.01,
            auc_variance: 1e-4,
            auc_p: 0.32,
            missed_difference: None,
            missed_p: None,
            replicates: 1,
            positives: 100,
        };
        // 100 · (2.8016 · 0.01 / 0.01)² = 785.
        assert_eq!(
            too_few(&seen, Split::Validation, "rank 4").unwrap(),
            "too few positives to tell the winner's AUC from that of rank 4: validation has 100, a difference of 0.0100 \
             would need about 790 (5 %, power 80 %)"
        );
        assert_eq!(too_few(&Contrast { auc_p: 0.01, ..seen }, Split::Validation, "rank 4"), None);
        let none = Contrast { auc_difference: 0.0, auc_variance: 0.0, auc_p: 1.0, ..seen };
        assert_eq!(too_few(&none, Split::Validation, "rank 4"), None, "equal: no number of positives tells them apart");
    }
}
