//! What one set of test rows leaves open: bootstrap intervals.

use std::collections::{BTreeMap, HashMap};

use super::kept::ReplicateScores;
use crate::read::{ForEach, gather};
use focalsweep_core::metrics::{
    Interval, OperatingPointIntervals, average_precision_interval, guaranteed_intervals, guaranteed_threshold,
    most_above, operating_point_intervals,
};
use focalsweep_core::spec::OperatingPoint;

/// Resamples of a bootstrap interval from percentiles.
const RESAMPLES: u32 = 1000;
/// Of one from a standard error, which needs fewer (B. Efron & R. J. Tibshirani 1993, An introduction to the bootstrap,
/// chapter 6.4).
const RESAMPLES_OF_ERROR: u32 = 300;

/// 95 % bootstrap intervals on the test rows, each end the mean over the replicates: what one set of test rows leaves
/// open, however many replicates there are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intervals {
    /// Of average precision.
    pub average_precision: Option<Interval>,
    /// At the operating point.
    pub operating_point: Option<OperatingPointIntervals>,
}

/// Bootstrap intervals of each trial, the same numbers however many threads there are.
pub(super) fn intervals(
    scores: &HashMap<String, Vec<ReplicateScores>>,
    point: Option<&OperatingPoint>,
    for_each: ForEach<'_>,
) -> BTreeMap<String, Intervals> {
    let tasks: Vec<(&String, &ReplicateScores)> =
        scores.iter().flat_map(|(id, of)| of.iter().map(move |replicate| (id, replicate))).collect();
    let measured = gather(for_each, tasks.len(), |task: usize| {
        let scores = tasks[task].1;
        let test = (&scores.test.raw[..], &scores.test.labels[..]);
        Intervals {
            average_precision: average_precision_interval(
                test.0,
                test.1,
                RESAMPLES_OF_ERROR,
                u64::from(scores.replicate),
            ),
            operating_point: point.and_then(|point| at_point(point, scores)),
        }
    });
    let mut of_trial: BTreeMap<String, Vec<Intervals>> = BTreeMap::new();
    for ((id, _), intervals) in tasks.into_iter().zip(measured) {
        of_trial.entry(id.clone()).or_default().push(intervals);
    }
    of_trial.into_iter().map(|(id, of)| (id, Intervals::mean(&of))).collect()
}

/// Of a replicate at the threshold in use: a guaranteed one, else that of the validation rows.
fn at_point(point: &OperatingPoint, scores: &ReplicateScores) -> Option<OperatingPointIntervals> {
    let ReplicateScores { replicate, validation, test, calibration } = scores;
    let (seed, test) = (u64::from(*replicate), (&test.raw[..], &test.labels[..]));
    if let Some(((max_fpr, confidence), set_aside)) = point.guarantee().zip(calibration.as_ref())
        && guaranteed_threshold(set_aside.scored(), max_fpr, confidence).is_some()
    {
        let rows = set_aside.raw.iter().zip(&set_aside.labels);
        let negatives: Vec<f32> = rows.filter(|&(_, &label)| label == 0).map(|(&raw, _)| raw).collect();
        let above = most_above(negatives.len() as u64, max_fpr, confidence)?;
        return guaranteed_intervals(&negatives, above, test, RESAMPLES, seed);
    }
    operating_point_intervals(point, (&validation.raw, &validation.labels), test, RESAMPLES, seed)
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
