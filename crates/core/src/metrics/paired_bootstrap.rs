//! What thresholds do on resamples of the rows, for several models on the same resamples.
//!
//! B. Efron & R. J. Tibshirani 1993, An introduction to the bootstrap, chapters 8 and 13: rows are drawn with
//! replacement, positives and negatives separately, and the same rows for every model, so that differences are those of
//! paired rows. The threshold is chosen anew on each resample, as it was on the rows, so that its chance is in. A row
//! of the source that lies in the splits of several replicates is drawn as often in each (a cluster bootstrap: A. C.
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
    chooses: Ladder,
    /// By what.
    rule: Rule,
    /// Where the threshold is applied; `None`: on the rows that choose.
    test: Option<Ladder>,
}

impl Applied {
    /// The rows that choose a threshold by an operating point, and those that it is applied to; without any, those that
    /// choose.
    pub fn new(point: &OperatingPoint, chooses: Ladder, test: Option<Ladder>) -> Self {
        let (positives, negatives) = chooses.classes();
        Self { rule: Rule::new(point, positives, negatives), chooses, test }
    }

    /// How many rows the threshold is applied to.
    pub fn rows(&self) -> usize {
        let (positives, negatives) = self.test.as_ref().unwrap_or(&self.chooses).classes();
        positives + negatives
    }

    /// Of as many positives as the rows have, however many of them were drawn.
    fn missed_and_alarms(&self, weights: &[Weights; 2]) -> (f64, f64) {
        let flagged = self.chooses.threshold(self.rule, &weights[0]);
        let (ladder, weights, flagged) = match &self.test {
            None => (&self.chooses, &weights[0], flagged),
            Some(test) => (test, &weights[1], test.at_least(flagged.threshold, &weights[1])),
        };
        let drawn = ladder.weight_of_positives(weights);
        let caught = if drawn == 0 { 0.0 } else { flagged.caught as f64 / drawn as f64 };
        ((1.0 - caught) * ladder.classes().0 as f64, flagged.alarms as f64)
    }
}

/// What a model misses and flags at its operating point on the rows as they are: (missed, alarms) of each replicate.
pub fn observed(model: &[Applied], (chooses, test): (&Places, &Places)) -> Vec<(f64, f64)> {
    let once = |places: &Places| Weights {
        positives: vec![1; places.positives.len()],
        negatives: vec![1; places.negatives.len()],
    };
    let weights = [once(chooses), once(test)];
    model.iter().map(|replicate| replicate.missed_and_alarms(&weights)).collect()
}

/// What `models` miss and flag at their operating point on one resample, `number`, of the rows: (missed, alarms) of
/// each. `chooses` and `test` hold the places of the rows of their ladders. The same for the same `seed` and number.
pub fn resample(models: &[&[Applied]], (chooses, test): (&Places, &Places), seed: u64, number: u32) -> Vec<(f32, f32)> {
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 2, number);
    let mut weights = [Weights::default(), Weights::default()];
    chooses.draw(&mut weights[0], &mut stream);
    if models.iter().copied().flatten().any(|replicate| replicate.test.is_some()) {
        test.draw(&mut weights[1], &mut stream);
    }
    models
        .iter()
        .map(|replicates| {
            let n = replicates.len() as f64;
            let all = replicates.iter().map(|replicate| replicate.missed_and_alarms(&weights));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Confusion, threshold_for};

    /// Scores of rows that both models rank, the second with errors of its own.
    fn rows(stream: &mut Stream) -> (Vec<u8>, [Vec<f32>; 2]) {
        let labels: Vec<u8> = (0..600).map(|row| u8::from(row < 40)).collect();
        let first: Vec<f32> = labels.iter().map(|&y| (stream.normal() + 1.5 * f64::from(y)) as f32).collect();
        let second = first.iter().map(|&score| score + (0.7 * stream.normal()) as f32).collect();
        (labels, [first, second])
    }

    /// Means and variances of the differences of two models, and the variance of the first by itself.
    fn moments(figures: &[[f64; 2]]) -> [f64; 3] {
        let n = figures.len() as f64;
        let of = |value: &dyn Fn(&[f64; 2]) -> f64| {
            let mean = figures.iter().map(value).sum::<f64>() / n;
            (mean, figures.iter().map(|of| (value(of) - mean).powi(2)).sum::<f64>() / n)
        };
        let (mean, variance) = of(&|of| of[0] - of[1]);
        [mean, variance, of(&|of| of[0]).1]
    }

    #[test]
    fn pairs_vary_as_rows_drawn_one_by_one_do() {
        const DRAWS: u32 = 3000;
        let mut stream = Stream::new(9, 0, Purpose::Synth, 0, 0);
        let (labels, validation) = rows(&mut stream);
        let (_, test) = rows(&mut stream);
        for point in [
            OperatingPoint::MaxFpr { max_fpr: 0.05, confidence: None },
            OperatingPoint::MinRecall { min_recall: 0.7 },
            OperatingPoint::Cost { fn_cost: 8.0, fp_cost: 1.0 },
        ] {
            let (mut chooses, mut tested) = (Places::default(), Places::default());
            let models: Vec<Vec<Applied>> = (0..2)
                .map(|model| {
                    let floor = Ladder::floor(&point, &validation[model], &labels);
                    let place = |row: usize, positive: bool| chooses.place(row as i64, positive);
                    let ladder = Ladder::new(&validation[model], &labels, floor, place).unwrap();
                    let place = |row: usize, positive: bool| tested.place(row as i64, positive);
                    let test = Ladder::new(&test[model], &labels, ladder.lowest(), place);
                    vec![Applied::new(&point, ladder, test)]
                })
                .collect();
            chooses.set_negatives(560);
            tested.set_negatives(560);
            let seen = observed(&models[0], (&chooses, &tested))[0];
            let threshold = threshold_for(&point, &validation[0], &labels).unwrap();
            let counted = Confusion::at(&test[0], &labels, threshold);
            assert!((seen.0 - counted.fn_ as f64).abs() < 1e-9 && seen.1 == counted.fp as f64, "{point:?} {seen:?}");

            let slices: Vec<&[Applied]> = models.iter().map(Vec::as_slice).collect();
            let ours: Vec<Vec<(f32, f32)>> =
                (0..DRAWS).map(|number| resample(&slices, (&chooses, &tested), 1, number)).collect();
            let drawn: Vec<[Confusion; 2]> = (0..DRAWS)
                .map(|_| {
                    let mut draw = || -> Vec<usize> {
                        let of = |from: u32, count: u32, stream: &mut Stream| (from + stream.below(count)) as usize;
                        (0..600)
                            .map(|at| if at < 40 { of(0, 40, &mut stream) } else { of(40, 560, &mut stream) })
                            .collect()
                    };
                    let (choose, apply) = (draw(), draw());
                    [0, 1].map(|model: usize| {
                        let of =
                            |rows: &[usize], scores: &[f32]| rows.iter().map(|&row| scores[row]).collect::<Vec<_>>();
                        let threshold = threshold_for(&point, &of(&choose, &validation[model]), &labels).unwrap();
                        Confusion::at(&of(&apply, &test[model]), &labels, threshold)
                    })
                })
                .collect();
            for missed in [true, false] {
                let of_ours = |of: &(f32, f32)| if missed { of.0 } else { of.1 };
                let of_drawn = |of: &Confusion| if missed { of.fn_ } else { of.fp };
                let ours: Vec<[f64; 2]> =
                    ours.iter().map(|of| [of_ours(&of[0]).into(), of_ours(&of[1]).into()]).collect();
                let drawn: Vec<[f64; 2]> = drawn.iter().map(|of| of.each_ref().map(|of| of_drawn(of) as f64)).collect();
                let (ours, drawn) = (moments(&ours), moments(&drawn));
                let error = (drawn[1] / f64::from(DRAWS)).sqrt();
                assert!((ours[0] - drawn[0]).abs() < 5.0 * error, "{point:?}: {ours:?} {drawn:?}");
                for at in [1, 2] {
                    assert!((ours[at] / drawn[at] - 1.0).abs() < 0.15, "{point:?}: {ours:?} {drawn:?}");
                }
            }
        }
    }

    #[test]
    fn a_percentile_test_is_by_hand_what_it_is() {
        let differences: Vec<f64> = (0..99).map(|at| f64::from(at) - 9.5).collect();
        // Ten of 99 are below 0: twice eleven hundredths.
        let (interval, p) = percentile_test(differences).unwrap();
        assert!((p - 0.22).abs() < 1e-12 && (interval.lower + 7.05).abs() < 1e-9 && interval.upper > 80.0);
        assert_eq!(percentile_test(vec![0.0; 50]).unwrap().1, 1.0);
        assert!(percentile_test(Vec::new()).is_none());
    }
}
