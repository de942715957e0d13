//! What thresholds do on resamples of the rows, for several models on the same resamples.
//!
//! B. Efron & R. J. Tibshirani 1993, An introduction to the bootstrap, chapters 8 and 13: rows are drawn with
//! replacement, positives and negatives separately, and the same rows for every model, so that differences are those of
//! paired rows. The threshold is chosen anew on each resample, as it was on the rows (validation rows, or negatives
//! that were set aside for a guarantee), so that its chance is in. A row of the source that lies in the splits of
//! several replicates is drawn as often in each (a cluster bootstrap: A. C. Davison & D. V. Hinkley 1997, Bootstrap
//! methods and their application, chapter 3.8).

use std::collections::HashMap;

use super::Interval;
use super::ladder::{Ladder, Rule, Weights};
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

/// Rows that several models and replicates rank, each with a place of its own in its class; or units of rows, each with
/// a place in both.
#[derive(Debug, Clone, Default)]
pub struct Places {
    positives: HashMap<i64, u32>,
    negatives: HashMap<i64, u32>,
    /// Of which not all need a place.
    all: AllPlaces,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllPlaces {
    /// Rows, positives and negatives separately; so many different negatives are there in all.
    Negatives(usize),
    /// Units, with all of their rows; so many are there in all.
    Units(usize),
}

impl Default for AllPlaces {
    fn default() -> Self {
        Self::Negatives(0)
    }
}

impl Places {
    /// There are so many rows or units in all.
    pub fn set_all(&mut self, all: AllPlaces) {
        self.all = all;
    }

    /// As many places as the class with more has.
    fn most(&self) -> usize {
        self.positives.len().max(self.negatives.len())
    }

    /// How often each place of the two classes is there without a resample.
    fn once(&self) -> Weights {
        let mut weights = Weights::default();
        weights.clear(self.most());
        for (places, positive) in [(&self.positives, true), (&self.negatives, false)] {
            (0..places.len() as u32).for_each(|place| *weights.at(place, positive) = 1);
        }
        weights
    }

    /// The place of a row of the source.
    pub fn place(&mut self, row: i64, positive: bool) -> u32 {
        let of_class = if positive { &mut self.positives } else { &mut self.negatives };
        let next = of_class.len() as u32;
        *of_class.entry(row).or_insert(next)
    }

    /// Draws as many rows of each class as there are. Rows without a place are drawn too, but nobody asks for them.
    /// Units are drawn with all of their rows, so that how many rows of a class there are varies.
    pub(super) fn draw(&self, weights: &mut Weights, stream: &mut Stream) {
        let draws_of = |placed: usize, all: usize, stream: &mut Stream| {
            let all = all.max(placed);
            stream.binomial(all as u64, placed as f64 / all.max(1) as f64)
        };
        weights.clear(self.most());
        match self.all {
            AllPlaces::Negatives(all) => {
                let (positives, negatives) = (self.positives.len() as u32, self.negatives.len() as u32);
                (0..positives).for_each(|_| *weights.at(stream.below(positives), true) += 1);
                let draws = draws_of(negatives as usize, all, stream);
                (0..draws).for_each(|_| *weights.at(stream.below(negatives), false) += 1);
            }
            AllPlaces::Units(all) => {
                // Places of units that have rows of both classes and of those that have one, in a fixed order.
                let mut units: Vec<i64> = self.positives.keys().chain(self.negatives.keys()).copied().collect();
                units.sort_unstable();
                units.dedup();
                for _ in 0..draws_of(units.len(), all, stream) {
                    let unit = units[stream.below(units.len() as u32) as usize];
                    for (places, positive) in [(&self.positives, true), (&self.negatives, false)] {
                        if let Some(&place) = places.get(&unit) {
                            *weights.at(place, positive) += 1;
                        }
                    }
                }
            }
        }
    }
}

/// The places of all rows that models choose their thresholds on, or are tested on.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    /// Validation rows, which choose.
    pub validation: Places,
    /// Negatives that were set aside, which choose a threshold with a guarantee.
    pub calibration: Places,
    /// Rows that thresholds are applied to.
    pub test: Places,
}

/// How often each row is drawn.
#[derive(Debug, Default)]
struct Drawn {
    validation: Weights,
    calibration: Weights,
    test: Weights,
}

/// One replicate of a model: the rows that choose its threshold, and those that the threshold is applied to.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The rows that choose: negatives that were set aside where the rule is [`Rule::Above`], else validation rows.
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

    /// Negatives that were set aside, of which `above` may be above the threshold as it was guaranteed
    /// ([`most_above`](super::most_above)), and the rows that it is applied to.
    pub fn guaranteed(above: u64, negatives: Ladder, test: Ladder) -> Self {
        Self { chooses: negatives, rule: Rule::Above(above), test: Some(test) }
    }

    /// How many rows the threshold is applied to.
    pub fn rows(&self) -> usize {
        let (positives, negatives) = self.test.as_ref().unwrap_or(&self.chooses).classes();
        positives + negatives
    }

    fn is_guaranteed(&self) -> bool {
        matches!(self.rule, Rule::Above(_))
    }

    /// Of as many positives as the rows have, however many of them were drawn.
    fn missed_and_alarms(&self, drawn: &Drawn) -> (f64, f64) {
        let chooses = if self.is_guaranteed() { &drawn.calibration } else { &drawn.validation };
        let flagged = self.chooses.threshold(self.rule, chooses);
        let (ladder, weights, flagged) = match &self.test {
            None => (&self.chooses, chooses, flagged),
            Some(test) => (test, &drawn.test, test.at_least(flagged.threshold, &drawn.test)),
        };
        let drawn = ladder.weight_of_positives(weights);
        let caught = if drawn == 0 { 0.0 } else { flagged.caught as f64 / drawn as f64 };
        ((1.0 - caught) * ladder.classes().0 as f64, flagged.alarms as f64)
    }
}

/// What a model misses and flags at its operating point on the rows as they are: (missed, alarms) of each replicate.
pub fn observed(model: &[Applied], placed: &Placed) -> Vec<(f64, f64)> {
    let drawn = Drawn {
        validation: placed.validation.once(),
        calibration: placed.calibration.once(),
        test: placed.test.once(),
    };
    model.iter().map(|replicate| replicate.missed_and_alarms(&drawn)).collect()
}

/// What `models` miss and flag at their operating point on one resample, `number`, of the rows: (missed, alarms) of
/// each. `placed` holds the places of the rows of their ladders. The same for the same `seed` and number.
pub fn resample(models: &[&[Applied]], placed: &Placed, seed: u64, number: u32) -> Vec<(f32, f32)> {
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 2, number);
    let mut drawn = Drawn::default();
    let any = |of: &dyn Fn(&Applied) -> bool| models.iter().copied().flatten().any(of);
    placed.validation.draw(&mut drawn.validation, &mut stream);
    if any(&|replicate| replicate.test.is_some()) {
        placed.test.draw(&mut drawn.test, &mut stream);
    }
    if any(&Applied::is_guaranteed) {
        placed.calibration.draw(&mut drawn.calibration, &mut stream);
    }
    models
        .iter()
        .map(|replicates| {
            let n = replicates.len() as f64;
            let all = replicates.iter().map(|replicate| replicate.missed_and_alarms(&drawn));
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
    use crate::metrics::{Confusion, ScoredRows, guaranteed_threshold, most_above, threshold_for};

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
            let mut placed = Placed::default();
            let models: Vec<Vec<Applied>> = (0..2)
                .map(|model| {
                    let floor = Ladder::floor(&point, &validation[model], &labels);
                    let place = |row: usize, positive: bool| placed.validation.place(row as i64, positive);
                    let ladder = Ladder::new(&validation[model], &labels, floor, place).unwrap();
                    let place = |row: usize, positive: bool| placed.test.place(row as i64, positive);
                    let test = Ladder::new(&test[model], &labels, ladder.lowest(), place);
                    vec![Applied::new(&point, ladder, test)]
                })
                .collect();
            placed.validation.set_all(AllPlaces::Negatives(560));
            placed.test.set_all(AllPlaces::Negatives(560));
            let seen = observed(&models[0], &placed)[0];
            let threshold = threshold_for(&point, &validation[0], &labels).unwrap();
            let counted = Confusion::at(&test[0], &labels, threshold);
            assert!((seen.0 - counted.fn_).abs() < 1e-9 && seen.1 == counted.fp, "{point:?} {seen:?}");

            let slices: Vec<&[Applied]> = models.iter().map(Vec::as_slice).collect();
            let ours: Vec<Vec<(f32, f32)>> = (0..DRAWS).map(|number| resample(&slices, &placed, 1, number)).collect();
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
            same_moments(&ours, &drawn, &format!("{point:?}"));
        }
    }

    /// Whether resamples of two models have the moments of counts on rows drawn one by one.
    fn same_moments(ours: &[Vec<(f32, f32)>], drawn: &[[Confusion; 2]], what: &str) {
        for missed in [true, false] {
            let of_ours = |of: &(f32, f32)| if missed { of.0 } else { of.1 };
            let of_drawn = |of: &Confusion| if missed { of.fn_ } else { of.fp };
            let ours: Vec<[f64; 2]> = ours.iter().map(|of| [of_ours(&of[0]).into(), of_ours(&of[1]).into()]).collect();
            let drawn: Vec<[f64; 2]> = drawn.iter().map(|of| of.each_ref().map(of_drawn)).collect();
            let error = (moments(&drawn)[1] / drawn.len() as f64).sqrt();
            let (ours, drawn) = (moments(&ours), moments(&drawn));
            assert!((ours[0] - drawn[0]).abs() < 5.0 * error, "{what}: {ours:?} {drawn:?}");
            for at in [1, 2] {
                assert!((ours[at] / drawn[at] - 1.0).abs() < 0.15, "{what}: {ours:?} {drawn:?}");
            }
        }
    }

    #[test]
    fn pairs_at_guaranteed_thresholds_vary_as_rows_drawn_one_by_one_do() {
        const DRAWS: u32 = 3000;
        let mut stream = Stream::new(10, 0, Purpose::Synth, 0, 0);
        let (labels, aside) = rows(&mut stream);
        // The negatives alone.
        let aside = aside.map(|scores| scores[40..].to_vec());
        let (_, test) = rows(&mut stream);
        for (max_fpr, negatives) in [(0.05, 560), (0.05, 160), (0.3, 40)] {
            let above = most_above(negatives, max_fpr, 0.95).unwrap();
            let count = negatives as usize;
            let mut placed = Placed::default();
            let models = [0, 1].map(|model: usize| {
                let places = &mut placed.calibration;
                let ladder =
                    Ladder::of_negatives(&aside[model][..count], above, |row| places.place(row as i64, false)).unwrap();
                let place = |row: usize, positive: bool| placed.test.place(row as i64, positive);
                let test = Ladder::new(&test[model], &labels, ladder.lowest(), place).unwrap();
                vec![Applied::guaranteed(above, ladder, test)]
            });
            placed.calibration.set_all(AllPlaces::Negatives(count));
            placed.test.set_all(AllPlaces::Negatives(560));
            let threshold = |raw: &[f32]| {
                let labels = vec![0; raw.len()];
                guaranteed_threshold(ScoredRows { raw, scores: raw, labels: &labels, weights: &[] }, max_fpr, 0.95)
                    .unwrap()
                    .raw
            };
            for (model, test) in models.iter().zip(&test) {
                let at = models.iter().position(|other| other == model).unwrap();
                let counted = Confusion::at(test, &labels, threshold(&aside[at][..count]));
                let seen = observed(model, &placed)[0];
                assert!((seen.0 - counted.fn_).abs() < 1e-9 && seen.1 == counted.fp, "{seen:?}");
            }
            let slices = models.each_ref().map(Vec::as_slice);
            let ours: Vec<Vec<(f32, f32)>> = (0..DRAWS).map(|number| resample(&slices, &placed, 1, number)).collect();
            let drawn: Vec<[Confusion; 2]> = (0..DRAWS)
                .map(|_| {
                    let mut some = |from: u32, of: u32, n: usize| -> Vec<usize> {
                        (0..n).map(|_| (from + stream.below(of)) as usize).collect()
                    };
                    let choose = some(0, negatives as u32, count);
                    let apply = [some(0, 40, 40), some(40, 560, 560)].concat();
                    [0, 1].map(|model: usize| {
                        let of =
                            |rows: &[usize], scores: &[f32]| rows.iter().map(|&row| scores[row]).collect::<Vec<_>>();
                        Confusion::at(&of(&apply, &test[model]), &labels, threshold(&of(&choose, &aside[model])))
                    })
                })
                .collect();
            same_moments(&ours, &drawn, &format!("{above} of {negatives}"));
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
