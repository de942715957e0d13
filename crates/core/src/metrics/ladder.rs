//! The rows of a split as a model ranks them, from the highest score down, for resamples that draw the same rows for
//! every model.

use super::any_nan;
use crate::spec::OperatingPoint;

/// How often each row is drawn, by its place in its class: negatives at the even places, positives at the odd ones, so
/// that whoever walks down a ladder looks up both alike.
#[derive(Debug, Clone, Default)]
pub(super) struct Weights(Vec<u32>);

impl Weights {
    /// Of so many places of a class; all that were there are forgotten.
    pub(super) fn clear(&mut self, places: usize) {
        self.0.clear();
        self.0.resize(2 * places, 0);
    }

    /// How often the row at a place of a class is drawn.
    pub(super) fn at(&mut self, place: u32, positive: bool) -> &mut u32 {
        &mut self.0[(2 * place + u32::from(positive)) as usize]
    }
}

/// A model's rows from the highest score down, as far as a rule for thresholds could ever look.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Descending.
    scores: Vec<f32>,
    /// Of the row with each score: its place among [`Weights`].
    places: Vec<u32>,
    /// Places of all positives there.
    positives: Vec<u32>,
    /// How many rows of the other class there are.
    negatives: usize,
}

/// What a threshold flags of weighted rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Flagged {
    /// Rows with a score of at least this are.
    pub(super) threshold: f32,
    pub(super) caught: u64,
    pub(super) alarms: u64,
}

/// How many a rule lets be flagged, or wants caught, of one split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// At most so many negatives.
    Alarms(u64),
    /// At most so many rows.
    Alerts(u64),
    /// At least this share of the positives.
    Recall(f64),
    /// As many positives as there are where at least this share of the flagged is positive.
    Precision(f64),
    /// Whatever costs least: a miss, a false alarm.
    Costs(f64, f64),
    /// Just above the highest negative that has more than so many of them at or above it.
    Above(u64),
}

impl Rule {
    /// The rule of an operating point for a split of so many rows.
    pub(super) fn new(point: &OperatingPoint, positives: usize, negatives: usize) -> Self {
        // The largest number that the point allows, as thresholds are chosen.
        let most = |all: usize, allowed: &dyn Fn(f64) -> bool| {
            (0..=all).rev().find(|&flagged| allowed(flagged as f64 / all as f64)).unwrap_or(0) as u64
        };
        match *point {
            OperatingPoint::MaxFpr { max_fpr, .. } => Self::Alarms(most(negatives, &|share| share <= max_fpr)),
            OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
                Self::Alerts(most(positives + negatives, &|share| 1000.0 * share <= max_alerts_per_1000))
            }
            OperatingPoint::MinRecall { min_recall } => Self::Recall(min_recall),
            OperatingPoint::MinPrecision { min_precision } => Self::Precision(min_precision),
            OperatingPoint::Cost { fn_cost, fp_cost } => Self::Costs(fn_cost, fp_cost),
        }
    }
}

impl Ladder {
    /// The rows whose score is at least `floor` (all without one); `place` gives a row, by its position here, its place
    /// among all rows of its class. `None` when a class is absent or a score is NaN.
    pub fn new(
        scores: &[f32],
        labels: &[u8],
        floor: Option<f32>,
        place: impl FnMut(usize, bool) -> u32,
    ) -> Option<Self> {
        Some(Self::placed(scores, labels, &Self::kept(scores, labels, floor)?, place))
    }

    /// The rows of [`new`](Self::new) from the highest score down: all of its work that needs no places.
    pub fn kept(scores: &[f32], labels: &[u8], floor: Option<f32>) -> Option<Vec<usize>> {
        let rows = scores.len().min(labels.len());
        let positives = labels[..rows].iter().filter(|&&y| y != 0).count();
        let is_whole = positives > 0 && positives < rows && !any_nan(&scores[..rows]);
        is_whole.then(|| descending(&scores[..rows], floor))
    }

    /// The ladder of what [`kept`](Self::kept) found.
    pub fn placed(scores: &[f32], labels: &[u8], kept: &[usize], mut place: impl FnMut(usize, bool) -> u32) -> Self {
        let rows = scores.len().min(labels.len());
        let mut mark = |row: usize| {
            let positive = labels[row] != 0;
            2 * place(row, positive) + u32::from(positive)
        };
        let positives = (0..rows).filter(|&row| labels[row] != 0).map(&mut mark).collect::<Vec<_>>();
        Self {
            scores: kept.iter().map(|&row| scores[row] + 0.0).collect(),
            places: kept.iter().map(|&row| mark(row)).collect(),
            negatives: rows - positives.len(),
            positives,
        }
    }

    /// Negatives that were set aside, of which `above` may have a score above the threshold, as far down as the
    /// threshold could come on any resample; `place` gives a row, by its position here, its place among all of them.
    /// `None` when there are not more than `above`, or a score is NaN.
    pub fn of_negatives(scores: &[f32], above: u64, mut place: impl FnMut(usize) -> u32) -> Option<Self> {
        if scores.len() as u64 <= above || any_nan(scores) {
            return None;
        }
        // One that is not drawn is as likely as e to the minus rows above it: 20 more leave nothing of that.
        let kept = descending(scores, nth_highest(scores.to_vec(), beyond(above as f64) + 20));
        Some(Self {
            scores: kept.iter().map(|&row| scores[row] + 0.0).collect(),
            places: kept.iter().map(|&row| 2 * place(row)).collect(),
            positives: Vec::new(),
            negatives: scores.len(),
        })
    }

    /// The lowest score that a point's threshold could come to on any resample, or so nearly any that the others do not
    /// matter: six standard deviations.
    pub fn floor(point: &OperatingPoint, scores: &[f32], labels: &[u8]) -> Option<f32> {
        let of = |wanted: &dyn Fn(bool) -> bool| -> Vec<f32> {
            let rows = scores.iter().zip(labels).filter(|&(_, &y)| wanted(y != 0));
            rows.map(|(&score, _)| score).collect()
        };
        let (positives, negatives) = (of(&|y| y), of(&|y| !y));
        let (among, depth) = match Rule::new(point, positives.len(), negatives.len()) {
            Rule::Alarms(most) | Rule::Above(most) => (negatives, beyond(most as f64)),
            Rule::Alerts(most) => (of(&|_| true), beyond(most as f64)),
            Rule::Recall(least) => {
                let depth = beyond(least * positives.len() as f64);
                (positives, depth)
            }
            // So many false alarms go with all the positives.
            Rule::Precision(least) => {
                let most = beyond(positives.len() as f64) as f64 * (1.0 - least) / least;
                (negatives, beyond(most.min(1e9)))
            }
            // More false alarms than would cost as much as missing everybody are never worth it.
            Rule::Costs(fn_cost, fp_cost) => {
                let most = beyond(positives.len() as f64) as f64 * fn_cost / fp_cost;
                (negatives, beyond(most.min(1e9)))
            }
        };
        nth_highest(among, depth)
    }

    /// Positives and other rows of the split.
    pub(super) fn classes(&self) -> (usize, usize) {
        (self.positives.len(), self.negatives)
    }

    /// The lowest score here; `None` where every row is.
    pub fn lowest(&self) -> Option<f32> {
        if self.scores.len() == self.positives.len() + self.negatives { None } else { self.scores.last().copied() }
    }

    /// How often positives are drawn in all.
    pub(super) fn weight_of_positives(&self, weights: &Weights) -> u64 {
        self.positives.iter().map(|&place| u64::from(weights.0[place as usize])).sum()
    }

    /// The threshold that a rule chooses on weighted rows, as
    /// [`threshold_for`](super::threshold_for) does, and what it flags of them.
    pub(super) fn threshold(&self, rule: Rule, weights: &Weights) -> Flagged {
        match rule {
            Rule::Alarms(most) => self.at_most(weights, |_, alarms| alarms <= most).0,
            Rule::Alerts(most) => self.at_most(weights, |caught, alarms| caught + alarms <= most).0,
            Rule::Above(most) => {
                let (flagged, next) = self.at_most(weights, |_, alarms| alarms <= most);
                Flagged { threshold: next.map_or(flagged.threshold, f32::next_up), ..flagged }
            }
            Rule::Recall(least) => self.at_recall(least, weights),
            Rule::Precision(least) => self.at_precision(least, weights),
            Rule::Costs(fn_cost, fp_cost) => self.at_least_cost((fn_cost, fp_cost), weights),
        }
    }

    /// As many from the highest score down as are `allowed`, and the score of the next, where there is one. All that
    /// have a score go together. This is what resamples mostly do, so it looks at rows and not at steps.
    fn at_most(&self, weights: &Weights, allowed: impl Fn(u64, u64) -> bool) -> (Flagged, Option<f32>) {
        let (mut caught, mut alarms) = (0, 0);
        let over = self.places.iter().position(|&place| {
            let of_row = of_classes(place, weights);
            (caught, alarms) = (caught + of_row.0, alarms + of_row.1);
            !allowed(caught, alarms)
        });
        let end = over.map_or(self.places.len(), |over| {
            let start =
                self.scores[..over].iter().rposition(|&score| score != self.scores[over]).map_or(0, |at| at + 1);
            let too_much = drawn(&self.places[start..=over], weights);
            (caught, alarms) = (caught - too_much.0, alarms - too_much.1);
            start
        });
        let is_drawn = |&place: &u32| weights.0[place as usize] > 0;
        let lowest = self.places[..end].iter().rposition(is_drawn).map(|at| self.scores[at]);
        let threshold = lowest.unwrap_or_else(|| self.nobody(weights));
        (Flagged { threshold, caught, alarms }, over.map(|over| self.scores[over]))
    }

    fn at_recall(&self, least: f64, weights: &Weights) -> Flagged {
        let all = self.weight_of_positives(weights);
        let mut flagged = Flagged { threshold: self.nobody(weights), caught: 0, alarms: 0 };
        for (score, caught, alarms) in self.steps(weights) {
            flagged = Flagged { threshold: score, caught: flagged.caught + caught, alarms: flagged.alarms + alarms };
            if all > 0 && flagged.caught as f64 / all as f64 >= least {
                break;
            }
        }
        flagged
    }

    fn at_precision(&self, least: f64, weights: &Weights) -> Flagged {
        let mut best = Flagged { threshold: self.nobody(weights), caught: 0, alarms: 0 };
        let (mut caught, mut alarms) = (0, 0);
        for (threshold, here_caught, here_alarms) in self.steps(weights) {
            (caught, alarms) = (caught + here_caught, alarms + here_alarms);
            if caught > best.caught && caught as f64 / (caught + alarms) as f64 >= least {
                best = Flagged { threshold, caught, alarms };
            }
        }
        best
    }

    fn at_least_cost(&self, (fn_cost, fp_cost): (f64, f64), weights: &Weights) -> Flagged {
        let all = self.weight_of_positives(weights);
        let mut cheapest = all as f64 * fn_cost;
        let mut best = Flagged { threshold: self.nobody(weights), caught: 0, alarms: 0 };
        let (mut caught, mut alarms) = (0, 0);
        for (threshold, here_caught, here_alarms) in self.steps(weights) {
            (caught, alarms) = (caught + here_caught, alarms + here_alarms);
            let cost = (all - caught) as f64 * fn_cost + alarms as f64 * fp_cost;
            if here_caught > 0 && cost < cheapest {
                (cheapest, best) = (cost, Flagged { threshold, caught, alarms });
            }
            if alarms as f64 * fp_cost >= cheapest {
                break;
            }
        }
        best
    }

    /// A threshold that flags nobody: just above the highest score that is drawn.
    fn nobody(&self, weights: &Weights) -> f32 {
        let highest = self.places.iter().position(|&place| weights.0[place as usize] > 0);
        highest.map_or(f32::INFINITY, |at| self.scores[at].next_up())
    }

    /// What a threshold flags of weighted rows.
    pub(super) fn at_least(&self, threshold: f32, weights: &Weights) -> Flagged {
        let above = self.scores.partition_point(|&score| score >= threshold);
        let (caught, alarms) = drawn(&self.places[..above], weights);
        Flagged { threshold, caught, alarms }
    }

    /// Distinct scores that are drawn, from the highest down, with the positives and the negatives drawn there.
    fn steps<'a>(&'a self, weights: &'a Weights) -> impl Iterator<Item = (f32, u64, u64)> + 'a {
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(&score) = self.scores.get(at) {
                let start = at;
                at += self.scores[at..].iter().take_while(|&&other| other == score).count();
                let (caught, alarms) = drawn(&self.places[start..at], weights);
                if caught + alarms > 0 {
                    return Some((score, caught, alarms));
                }
            }
            None
        })
    }
}

/// Rows with a score of at least `floor` (all without one), from the highest down.
fn descending(scores: &[f32], floor: Option<f32>) -> Vec<usize> {
    let mut kept: Vec<usize> =
        (0..scores.len()).filter(|&row| floor.is_none_or(|floor| scores[row] >= floor)).collect();
    kept.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    kept
}

/// How far down a count of so many comes on a resample: six standard deviations.
fn beyond(count: f64) -> usize {
    (count + 6.0 * count.sqrt() + 10.0).ceil() as usize
}

/// The score that `depth` others are above, or before it where they are equal; `None` where there are no more.
fn nth_highest(mut scores: Vec<f32>, depth: usize) -> Option<f32> {
    if depth >= scores.len() {
        return None;
    }
    let (_, &mut score, _) = scores.select_nth_unstable_by(depth, |a, b| b.total_cmp(a));
    Some(score)
}

/// How many positives and negatives are drawn at some places.
fn drawn(places: &[u32], weights: &Weights) -> (u64, u64) {
    let of_rows = places.iter().map(|&place| of_classes(place, weights));
    of_rows.fold((0, 0), |sum, of_row| (sum.0 + of_row.0, sum.1 + of_row.1))
}

/// How often a row is drawn as a positive, and as a negative: one of them is 0. Without a branch, which nobody could
/// foretell.
fn of_classes(place: u32, weights: &Weights) -> (u64, u64) {
    let weight = u64::from(weights.0[place as usize]);
    let positive = weight * u64::from(place & 1);
    (positive, weight - positive)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::{Confusion, ScoredRows, guaranteed_threshold, most_above, threshold_for};

    fn points() -> impl Strategy<Value = OperatingPoint> {
        prop_oneof![
            (0.0..1.0_f64).prop_map(|max_fpr| OperatingPoint::MaxFpr { max_fpr, confidence: None }),
            (0.01..=1.0_f64).prop_map(|min_recall| OperatingPoint::MinRecall { min_recall }),
            (0.01..=1.0_f64).prop_map(|min_precision| OperatingPoint::MinPrecision { min_precision }),
            (0.0..1000.0_f64).prop_map(|max_alerts_per_1000| OperatingPoint::AlertBudget { max_alerts_per_1000 }),
            (0.1..30.0_f64, 0.1..3.0_f64).prop_map(|(fn_cost, fp_cost)| OperatingPoint::Cost { fn_cost, fp_cost }),
        ]
    }

    proptest! {
        #[test]
        fn weighted_rows_have_the_threshold_of_rows_written_out(
            rows in prop::collection::vec((0_u32..20, any::<bool>(), 0_u32..4), 4..60),
            point in points(),
        ) {
            let scores: Vec<f32> = rows.iter().map(|&(score, ..)| score as f32 / 20.0).collect();
            let labels: Vec<u8> = rows.iter().map(|&(_, positive, _)| u8::from(positive)).collect();
            let mut counts = [0_u32; 2];
            let mut weights = Weights::default();
            weights.clear(rows.len());
            let places: Vec<u32> = rows.iter().map(|&(_, positive, weight)| {
                let place = &mut counts[usize::from(positive)];
                *weights.at(*place, positive) = weight;
                *place += 1;
                *place - 1
            }).collect();
            let written: Vec<(f32, u8)> = rows.iter().zip(&scores).flat_map(|(&(_, positive, weight), &score)| {
                std::iter::repeat_n((score, u8::from(positive)), weight as usize)
            }).collect();
            let (out_scores, out_labels): (Vec<f32>, Vec<u8>) = written.into_iter().unzip();
            let Some(threshold) = threshold_for(&point, &out_scores, &out_labels) else { return Ok(()) };
            let Some(ladder) = Ladder::new(&scores, &labels, None, |row, _| places[row]) else { return Ok(()) };
            let positives = out_labels.iter().filter(|&&y| y != 0).count();
            let rule = Rule::new(&point, positives, out_labels.len() - positives);
            let flagged = ladder.threshold(rule, &weights);
            prop_assert_eq!(f64::from(flagged.threshold), threshold, "{:?}", point);
            let counted = Confusion::at(&out_scores, &out_labels, threshold);
            prop_assert_eq!((flagged.caught as f64, flagged.alarms as f64), (counted.tp, counted.fp));
            prop_assert_eq!(ladder.at_least(flagged.threshold, &weights), flagged);
        }

        #[test]
        fn weighted_negatives_have_the_guaranteed_threshold_of_negatives_written_out(
            rows in prop::collection::vec((0_u32..40, 0_u32..4), 4..90),
            max_fpr in 0.02..0.6_f64,
            confidence in 0.51..0.99_f64,
        ) {
            let scores: Vec<f32> = rows.iter().map(|&(score, _)| score as f32 / 20.0 - 0.7).collect();
            let mut weights = Weights::default();
            weights.clear(rows.len());
            (0..).zip(&rows).for_each(|(row, &(_, weight))| *weights.at(row, false) = weight);
            let raw: Vec<f32> = rows.iter().zip(&scores)
                .flat_map(|(&(_, weight), &score)| std::iter::repeat_n(score, weight as usize)).collect();
            let labels = vec![0; raw.len()];
            let written = ScoredRows { raw: &raw, scores: &raw, labels: &labels, weights: &[] };
            let Some(threshold) = guaranteed_threshold(written, max_fpr, confidence) else { return Ok(()) };
            let above = most_above(raw.len() as u64, max_fpr, confidence).unwrap();
            let Some(ladder) = Ladder::of_negatives(&scores, above, |row| row as u32) else { return Ok(()) };
            let flagged = ladder.threshold(Rule::Above(above), &weights);
            prop_assert_eq!(f64::from(flagged.threshold), threshold.raw);
            let counted = Confusion::at(&raw, &labels, threshold.raw);
            prop_assert_eq!((flagged.caught, flagged.alarms as f64), (0, counted.fp));
            prop_assert_eq!(ladder.at_least(flagged.threshold, &weights), flagged);
        }
    }

    #[test]
    fn a_floor_leaves_every_threshold_that_comes() {
        use crate::random::{Purpose, Stream};
        let mut stream = Stream::new(3, 0, Purpose::Synth, 0, 0);
        let labels: Vec<u8> = (0..3000).map(|row| u8::from(row < 60)).collect();
        let scores: Vec<f32> = labels.iter().map(|&y| (stream.normal() + f64::from(y)) as f32).collect();
        for point in [
            OperatingPoint::MaxFpr { max_fpr: 0.02, confidence: None },
            OperatingPoint::MinRecall { min_recall: 0.2 },
            OperatingPoint::MinPrecision { min_precision: 0.4 },
            OperatingPoint::AlertBudget { max_alerts_per_1000: 30.0 },
            OperatingPoint::Cost { fn_cost: 3.0, fp_cost: 1.0 },
        ] {
            let floor = Ladder::floor(&point, &scores, &labels);
            let place = |row: usize, positive: bool| (if positive { row } else { row - 60 }) as u32;
            let whole = Ladder::new(&scores, &labels, None, place).unwrap();
            let cut = Ladder::new(&scores, &labels, floor, place).unwrap();
            assert!(cut.scores.len() < 2 * whole.scores.len() / 3, "{point:?}: {}", cut.scores.len());
            assert_eq!((whole.lowest(), cut.lowest()), (None, cut.scores.last().copied()));
            let rule = Rule::new(&point, 60, 2940);
            for _ in 0..200 {
                let mut weights = Weights::default();
                weights.clear(2940);
                (0..60).for_each(|_| *weights.at(stream.below(60), true) += 1);
                (0..2940).for_each(|_| *weights.at(stream.below(2940), false) += 1);
                assert_eq!(whole.threshold(rule, &weights), cut.threshold(rule, &weights), "{point:?}");
            }
        }
    }
}
