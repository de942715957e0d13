//! What thresholds do on resamples of the rows, for several models on the same resamples.
//!
//! B. Efron & R. J. Tibshirani 1993, An introduction to the bootstrap, chapters 8 and 13: rows are drawn with
//! replacement, positives and negatives separately, and the same rows for every model, so that differences are those of
//! paired rows. The threshold is chosen anew on each resample, as it was on the rows, so that its chance is in. A row of
//! the source that lies in the splits of several replicates is drawn as often in each (a cluster bootstrap: A. C.
//! Davison & D. V. Hinkley 1997, Bootstrap methods and their application, chapter 3.8).

use std::collections::HashMap;

use super::Interval;
use super::ladder::{Ladder, Rule, Weights};
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

/// Rows that several models and replicates rank, each with a place of its own in its class.
#[derive(Debug, Clone, Default)]
pub struct Places {
    positives: HashMap<i64, u32>,
    negatives: HashMap<i64, u32>,
    /// Rows of the negative class, of which not all need a place.
    all_negatives: usize,
}

impl Places {
    /// There are so many different negative rows in all.
    pub fn set_negatives(&mut self, all: usize) {
        self.all_negatives = all;
    }

    /// The place of a row of the source.
    pub fn place(&mut self, row: i64, positive: bool) -> u32 {
        let of_class = if positive { &mut self.positives } else { &mut self.negatives };
        let next = of_class.len() as u32;
        *of_class.entry(row).or_insert(next)
    }

    /// Draws as many rows of each class as there are. Rows without a place are drawn too, but nobody asks for them.
    fn draw(&self, weights: &mut Weights, stream: &mut Stream) {
        fn class(weights: &mut Vec<u32>, placed: usize, draws: u64, stream: &mut Stream) {
            weights.clear();
            weights.resize(placed, 0);
            for _ in 0..if placed == 0 { 0 } else { draws } {
                weights[stream.below(placed as u32) as usize] += 1;
            }
        }
        class(&mut weights.positives, self.positives.len(), self.positives.len() as u64, stream);
        let (placed, all) = (self.negatives.len(), self.all_negatives.max(self.negatives.len()));
        let draws = stream.binomial(all as u64, placed as f64 / all.max(1) as f64);
        class(&mut weights.negatives, placed, draws, stream);
    }
}

/// One replicate of a model: the rows that choose its threshold, and those that the threshold is applied to.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The rows that choose.
    pub chooses: Ladder,
    /// Where the threshold is applied; `None`: on the rows that choose.
    pub test: Option<Ladder>,
}

impl Applied {
    /// How many rows the threshold is applied to.
    pub fn rows(&self) -> usize {
        let (positives, negatives) = self.test.as_ref().unwrap_or(&self.chooses).classes();
        positives + negatives
    }

    /// Of as many positives as the rows have, however many of them were drawn.
    fn missed_and_alarms(&self, point: &OperatingPoint, weights: &[Weights; 2]) -> (f64, f64) {
        let (positives, negatives) = self.chooses.classes();
        let flagged = self.chooses.threshold(Rule::new(point, positives, negatives), &weights[0]);
        let (ladder, weights, flagged) = match &self.test {
            None => (&self.chooses, &weights[0], flagged),
            Some(test) => (test, &weights[1], test.at_least(flagged.threshold, &weights[1])),
        };
        let drawn = ladder.weight_of_positives(weights);
        let caught = if drawn == 0 { 0.0 } else { flagged.caught as f64 / drawn as f64 };
        ((1.0 - caught) * ladder.classes().0 as f64, flagged.alarms as f64)
    }
}

/// What a model misses and flags at an operating point on the rows as they are: (missed, alarms) of each replicate.
pub fn observed(point: &OperatingPoint, model: &[Applied], (chooses, test): (&Places, &Places)) -> Vec<(f64, f64)> {
    let once = |places: &Places| Weights {
        positives: vec![1; places.positives.len()],
        negatives: vec![1; places.negatives.len()],
    };
    let weights = [once(chooses), once(test)];
    model.iter().map(|replicate| replicate.missed_and_alarms(point, &weights)).collect()
}

/// What `models` miss and flag at an operating point on one resample, `number`, of the rows: (missed, alarms) of each.
/// `chooses` and `test` hold the places of the rows of their ladders. The same for the same `seed` and number.
pub fn resample(
    point: &OperatingPoint,
    models: &[Vec<Applied>],
    (chooses, test): (&Places, &Places),
    seed: u64,
    number: u32,
) -> Vec<(f32, f32)> {
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 2, number);
    let mut weights = [Weights::default(), Weights::default()];
    chooses.draw(&mut weights[0], &mut stream);
    if models.iter().flatten().any(|replicate| replicate.test.is_some()) {
        test.draw(&mut weights[1], &mut stream);
    }
    models
        .iter()
        .map(|replicates| {
            let n = replicates.len() as f64;
            let all = replicates.iter().map(|replicate| replicate.missed_and_alarms(point, &weights));
            let (missed, alarms) = all.fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
            ((missed / n) as f32, (alarms / n) as f32)
        })
        .collect()
}

/// The interval of 95 % of a difference and its two-sided p-value, from its resamples: percentiles, and twice the
/// smaller share beyond 0 (Efron & Tibshirani 1993, chapters 13.3 and 15.4). `None` without any.
pub fn percentile_test(mut differences: Vec<f64>) -> Option<(Interval, f64)> {
    let share = |beyond: &dyn Fn(f64) -> bool| {
        (differences.iter().filter(|&&difference| beyond(difference)).count() + 1) as f64
            / (differences.len() + 1) as f64
    };
    let p = (2.0 * share(&|d| d <= 0.0).min(share(&|d| d >= 0.0))).min(1.0);
    Some((Interval::percentile(&mut differences)?, p))
}
