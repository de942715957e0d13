//! How far average precision, and the counts at an operating point, may be off.
//!
//! B. Efron: Bootstrap methods: another look at the jackknife, Annals of Statistics 7(1), 1979. Stratified: positives and
//! negatives are drawn separately, as many of each as there are. Resamples are never laid out row by row: what a figure
//! needs of one (how many negatives fall into a gap between positives, which row is the k-th) is drawn from its exact
//! distribution, so that a resample costs O(P) or O(1).

use std::ops::Range;

use super::{Interval, any_nan};
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

/// 95 % interval of average precision from `resamples` resamples. `None` when a class is absent, a score is NaN or there
/// are no resamples.
pub fn average_precision_interval(scores: &[f32], labels: &[u8], resamples: u32, seed: u64) -> Option<Interval> {
    let strata = Strata::new(scores, labels)?;
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 0, 0);
    let mut weights = Vec::new();
    let average_precision = |_| {
        strata.draw_weights(&mut stream, &mut weights);
        let (mut tp, mut fp, mut sum) = (0, 0, 0.0);
        let mut gaps = strata.gaps();
        for (place, weight) in drawn(&weights) {
            tp += weight;
            fp += gaps.draw(strata.above[place].1, &mut stream);
            sum += weight as f64 * (tp as f64 / (tp + fp) as f64);
        }
        sum / strata.all_positives() as f64
    };
    Interval::percentile(&mut (0..resamples).map(average_precision).collect::<Vec<_>>())
}

/// 95 % intervals of what an operating point does on the test rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPointIntervals {
    /// Of the positives missed, of as many as the test rows have.
    pub fn_: Interval,
    /// Of the false alarms.
    pub fp: Interval,
    /// Of the share of the positives caught.
    pub recall: Interval,
}

/// Intervals from `resamples` resamples: each draws validation rows, chooses the threshold on them as
/// [`threshold_for`](super::threshold_for) does, and applies it to test rows that are drawn anew, so that both sorts of chance are in. `validation` and `test` are
/// scores and labels. `None` when a class is absent, a score is NaN or there are no resamples.
pub fn operating_point_intervals(
    point: &OperatingPoint,
    validation: (&[f32], &[u8]),
    test: (&[f32], &[u8]),
    resamples: u32,
    seed: u64,
) -> Option<OperatingPointIntervals> {
    let (validation, test) = (Strata::new(validation.0, validation.1)?, Strata::new(test.0, test.1)?);
    let (positives, negatives) = (test.all_positives() as u64, test.negatives.len() as u64);
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 1, 0);
    let mut weights = Vec::new();
    let (mut missed, mut alarms) = (Vec::new(), Vec::new());
    let limit = validation.limit(point);
    for _ in 0..resamples {
        let threshold = validation.threshold(point, limit, &mut weights, &mut stream);
        let (caught, flagged) = test.at_least(threshold);
        missed.push(stream.binomial(positives, 1.0 - caught as f64 / positives as f64) as f64);
        alarms.push(stream.binomial(negatives, flagged as f64 / negatives as f64) as f64);
    }
    let fn_ = Interval::percentile(&mut missed)?;
    let recall = |missed: f64| 1.0 - missed / positives as f64;
    Some(OperatingPointIntervals {
        fn_,
        fp: Interval::percentile(&mut alarms)?,
        recall: Interval { lower: recall(fn_.upper), upper: recall(fn_.lower) },
    })
}

/// Rows by class, from the highest score down.
struct Strata {
    /// Distinct scores of the positives.
    positives: Vec<f32>,
    /// For each positive row the place of its score.
    place: Vec<u32>,
    /// Scores of the negatives.
    negatives: Vec<f32>,
    /// For each distinct score of positives the negatives above it, and those at or above it.
    above: Vec<(usize, usize)>,
}

/// Negatives drawn so far in a resample, from the highest score down.
struct Gaps {
    /// Rows below this place are still to be drawn.
    from: usize,
    /// As many rows.
    all: usize,
    /// As many draws.
    left: u64,
}

impl Gaps {
    /// How many draws fall between where the last call ended and `to`: a multinomial draw, by one binomial after the other
    /// given what is left.
    fn draw(&mut self, to: usize, stream: &mut Stream) -> u64 {
        if to == self.from {
            return 0;
        }
        let drawn = stream.binomial(self.left, (to - self.from) as f64 / (self.all - self.from) as f64);
        (self.left, self.from) = (self.left - drawn, to);
        drawn
    }
}

/// Places and weights of the scores of positives that a resample holds, from the highest down.
fn drawn(weights: &[u64]) -> impl Iterator<Item = (usize, u64)> {
    weights.iter().copied().enumerate().filter(|&(_, weight)| weight > 0)
}

impl Strata {
    fn new(scores: &[f32], labels: &[u8]) -> Option<Self> {
        let of = |positive: bool| {
            let class = scores.iter().zip(labels).filter(|&(_, &y)| (y != 0) == positive);
            let mut class: Vec<f32> = class.map(|(&score, _)| score + 0.0).collect();
            class.sort_unstable_by(|a, b| b.total_cmp(a));
            class
        };
        let (rows, negatives) = (of(true), of(false));
        if rows.is_empty() || negatives.is_empty() || any_nan(scores) {
            return None;
        }
        let (mut positives, mut place) = (Vec::new(), Vec::new());
        for score in rows {
            if positives.last() != Some(&score) {
                positives.push(score);
            }
            place.push(positives.len() as u32 - 1);
        }
        let above = positives.iter().map(|&score| (above(&negatives, score), at_least(&negatives, score))).collect();
        Some(Self { positives, place, negatives, above })
    }

    fn all_positives(&self) -> usize {
        self.place.len()
    }

    /// Positives and negatives with a score of at least `threshold`.
    fn at_least(&self, threshold: f32) -> (usize, usize) {
        let distinct = at_least(&self.positives, threshold) as u32;
        (self.place.partition_point(|&place| place < distinct), at_least(&self.negatives, threshold))
    }

    /// How often each distinct score of positives is drawn.
    fn draw_weights(&self, stream: &mut Stream, weights: &mut Vec<u64>) {
        weights.clear();
        weights.resize(self.positives.len(), 0);
        let rows = self.all_positives() as u32;
        for _ in 0..rows {
            weights[self.place[stream.below(rows) as usize] as usize] += 1;
        }
    }

    fn gaps(&self) -> Gaps {
        Gaps { from: 0, all: self.negatives.len(), left: self.negatives.len() as u64 }
    }

    /// How many a rule allows to be flagged, or of the positives wants caught.
    fn limit(&self, point: &OperatingPoint) -> u64 {
        let (positives, negatives) = (self.all_positives() as u64, self.negatives.len() as u64);
        let all = positives + negatives;
        match *point {
            OperatingPoint::MaxFpr { max_fpr } => {
                (0..=negatives).rev().find(|&fp| fp as f64 / negatives as f64 <= max_fpr).unwrap_or(0)
            }
            OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
                (0..=all).rev().find(|&n| 1000.0 * n as f64 / all as f64 <= max_alerts_per_1000).unwrap_or(0)
            }
            OperatingPoint::MinRecall { min_recall } => {
                (1..=positives).find(|&tp| tp as f64 / positives as f64 >= min_recall).unwrap_or(positives)
            }
            OperatingPoint::Cost { .. } => 0,
        }
    }

    /// The threshold that the rule chooses on a resample; `limit` is [`Strata::limit`]'s.
    fn threshold(&self, point: &OperatingPoint, limit: u64, weights: &mut Vec<u64>, stream: &mut Stream) -> f32 {
        match *point {
            OperatingPoint::MaxFpr { .. } => self.lowest_within(limit, false, weights, stream),
            OperatingPoint::AlertBudget { .. } => self.lowest_within(limit, true, weights, stream),
            OperatingPoint::MinRecall { .. } => {
                let rows = self.all_positives();
                let row = (stream.order_statistic(limit, rows as u64) * rows as f64) as usize;
                self.positives[self.place[row.min(rows - 1)] as usize]
            }
            OperatingPoint::Cost { fn_cost, fp_cost } => self.cheapest(fn_cost, fp_cost, weights, stream),
        }
    }

    /// The threshold of least cost on a resample.
    fn cheapest(&self, fn_cost: f64, fp_cost: f64, weights: &mut Vec<u64>, stream: &mut Stream) -> f32 {
        self.draw_weights(stream, weights);
        let all = self.all_positives() as u64;
        let (mut tp, mut fp) = (0, 0);
        let mut best = (all as f64 * fn_cost, None);
        // The highest score of positives, and how many negatives are not below it.
        let mut top = None;
        let mut gaps = self.gaps();
        for (place, weight) in drawn(weights) {
            tp += weight;
            fp += gaps.draw(self.above[place].1, stream);
            top = top.or(Some((place, fp)));
            let cost = (all - tp) as f64 * fn_cost + fp as f64 * fp_cost;
            if cost < best.0 {
                best = (cost, Some(place));
            }
        }
        match (best.1, top) {
            (Some(place), _) => self.positives[place],
            // Nobody: just above the highest row drawn.
            (None, Some((place, fp))) if fp > 0 => {
                self.kth(&(0..self.above[place].1), 1, fp, stream).0.max(self.positives[place]).next_up()
            }
            (None, top) => self.positives[top.map_or(0, |(place, _)| place)].next_up(),
        }
    }

    /// The lowest score of a resample that flags at most `most` negatives, or, with `all`, at most as many rows.
    fn lowest_within(&self, most: u64, all: bool, weights: &mut Vec<u64>, stream: &mut Stream) -> f32 {
        self.draw_weights(stream, weights);
        let negatives = self.negatives.len();
        if most >= negatives as u64 + if all { self.all_positives() as u64 } else { 0 } {
            let lowest = self.kth(&(0..negatives), negatives as u64, negatives as u64, stream).0;
            return drawn(weights).last().map_or(lowest, |(place, _)| lowest.min(self.positives[place]));
        }
        let mut gaps = self.gaps();
        let mut flagged = 0;
        // The lowest score drawn so far.
        let mut before = None;
        let end = std::iter::once((self.positives.len(), 0));
        for (place, weight) in drawn(weights).chain(end) {
            let &(above, through) = self.above.get(place).unwrap_or(&(negatives, negatives));
            let gap = gaps.from..above;
            let between = gaps.draw(above, stream);
            if flagged + between > most {
                let (too_many, next) = self.kth_and_next(&gap, most - flagged + 1, between, stream);
                return next.or(before).unwrap_or(too_many.next_up());
            }
            let equal = gaps.draw(through, stream) + if all { weight } else { 0 };
            if flagged + between + equal > most {
                let lowest_between = (between > 0).then(|| self.kth(&gap, between, between, stream).0);
                return lowest_between.or(before).unwrap_or(self.positives[place].next_up());
            }
            flagged += between + equal;
            before = self.positives.get(place).copied();
        }
        // Not reached: all rows are more than `most`.
        before.unwrap_or(0.0)
    }

    /// The `k`-th highest of `n` draws from negatives in the range of places, and where in the range it lies.
    fn kth(&self, range: &Range<usize>, k: u64, n: u64, stream: &mut Stream) -> (f32, f64) {
        let depth = stream.order_statistic(k, n) * range.len() as f64;
        (self.negatives[(range.start + depth as usize).min(range.end - 1)], depth)
    }

    /// The `k`-th highest of `n` draws from negatives in the range of places, and the lowest of the draws above it.
    fn kth_and_next(&self, range: &Range<usize>, k: u64, n: u64, stream: &mut Stream) -> (f32, Option<f32>) {
        let (score, depth) = self.kth(range, k, n, stream);
        // The k - 1 draws before are spread evenly over what is before; those of the same score do not count.
        let higher = range.start..above(&self.negatives, score).max(range.start);
        let count = stream.binomial(k - 1, higher.len() as f64 / depth);
        (score, (count > 0).then(|| self.kth(&higher, count, count, stream).0))
    }
}

/// How many of descending scores are above a score.
fn above(descending: &[f32], score: f32) -> usize {
    descending.partition_point(|&other| other > score)
}

/// How many of descending scores are at least a score.
fn at_least(descending: &[f32], score: f32) -> usize {
    descending.partition_point(|&other| other >= score)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::metrics::{Confusion, average_precision, threshold_for};

    /// 60 rows with ties within and between the classes.
    fn rows(tied: bool) -> (Vec<f32>, Vec<u8>) {
        let scores = (0..60_u32).map(|i| ((i * 37 % 61) as f32 / 61.0 + 0.4 * f32::from(u8::from(i < 12))) / 1.4);
        let scores = scores.map(|s| if tied { (s * 12.0).round() / 12.0 } else { s });
        (scores.collect(), (0..60).map(|i| u8::from(i < 12)).collect())
    }

    /// Row by row.
    fn resample(scores: &[f32], labels: &[u8], stream: &mut Stream) -> Vec<f32> {
        let of = |label: u8| (0..labels.len()).filter(|&i| labels[i] == label).collect::<Vec<_>>();
        let (positives, negatives) = (of(1), of(0));
        let mut draw = |label: &u8| {
            let class = if *label == 1 { &positives } else { &negatives };
            scores[class[stream.below(class.len() as u32) as usize]]
        };
        labels.iter().map(&mut draw).collect()
    }

    const POINTS: [OperatingPoint; 9] = [
        OperatingPoint::MaxFpr { max_fpr: 0.01 },
        OperatingPoint::MaxFpr { max_fpr: 0.1 },
        OperatingPoint::MaxFpr { max_fpr: 0.999 },
        OperatingPoint::MinRecall { min_recall: 0.8 },
        OperatingPoint::AlertBudget { max_alerts_per_1000: 10.0 },
        OperatingPoint::AlertBudget { max_alerts_per_1000: 250.0 },
        OperatingPoint::AlertBudget { max_alerts_per_1000: 1000.0 },
        OperatingPoint::Cost { fn_cost: 2.0, fp_cost: 1.0 },
        OperatingPoint::Cost { fn_cost: 0.3, fp_cost: 1.0 },
    ];

    #[test]
    fn thresholds_are_distributed_as_with_rows_drawn_one_by_one() {
        const DRAWS: usize = 8_000;
        for tied in [false, true] {
            let (scores, labels) = rows(tied);
            let strata = Strata::new(&scores, &labels).unwrap();
            for point in &POINTS {
                let mut stream = Stream::new(5, 0, Purpose::Bootstrap, 9, 0);
                let mut counts: HashMap<u32, [f64; 2]> = HashMap::new();
                let mut weights = Vec::new();
                for _ in 0..DRAWS {
                    let ours = strata.threshold(point, strata.limit(point), &mut weights, &mut stream);
                    counts.entry(ours.to_bits()).or_default()[0] += 1.0;
                    let plain = threshold_for(point, &resample(&scores, &labels, &mut stream), &labels).unwrap() as f32;
                    counts.entry(plain.to_bits()).or_default()[1] += 1.0;
                }
                // χ² of two samples; thresholds that are rare together count as one.
                let (rare, common): (Vec<[f64; 2]>, Vec<_>) = counts.into_values().partition(|[a, b]| a + b < 20.0);
                let rare = rare.iter().fold([0.0, 0.0], |sum, of| [sum[0] + of[0], sum[1] + of[1]]);
                let cells = common.iter().chain([&rare]).filter(|[a, b]| a + b > 0.0);
                let chi: f64 = cells.clone().map(|[a, b]| (a - b).powi(2) / (a + b)).sum();
                let freedom = cells.count() as f64 - 1.0;
                assert!(chi < freedom + 4.5 * (2.0 * freedom).sqrt() + 6.0, "{point:?} {tied}: χ² {chi} of {freedom}");
            }
        }
    }

    #[test]
    fn intervals_are_those_of_rows_drawn_one_by_one() {
        for tied in [false, true] {
            let (scores, labels) = rows(tied);
            let mut stream = Stream::new(6, 0, Purpose::Bootstrap, 9, 0);
            let near = |name: &str, ours: Interval, mut plain: Vec<f64>, tolerance: f64| {
                let plain = Interval::percentile(&mut plain).unwrap();
                let off = (ours.lower - plain.lower).abs().max((ours.upper - plain.upper).abs());
                assert!(off <= tolerance, "{name} {tied}: {ours:?}, row by row {plain:?}");
            };
            let mut draw = || resample(&scores, &labels, &mut stream);
            let plain = (0..8_000).map(|_| average_precision(&draw(), &labels).unwrap()).collect();
            near("ap", average_precision_interval(&scores, &labels, 8_000, 1).unwrap(), plain, 0.012);
            for point in &POINTS {
                let rows = (&scores[..], &labels[..]);
                let ours = operating_point_intervals(point, rows, rows, 8_000, 1).unwrap();
                let counts = |_| {
                    let threshold = threshold_for(point, &draw(), &labels).unwrap();
                    Confusion::at(&draw(), &labels, threshold)
                };
                let plain: Vec<Confusion> = (0..8_000).map(counts).collect();
                near("fn", ours.fn_, plain.iter().map(|c| c.fn_ as f64).collect(), 1.0);
                near("fp", ours.fp, plain.iter().map(|c| c.fp as f64).collect(), 1.0);
                near("recall", ours.recall, plain.iter().map(|c| c.recall().unwrap()).collect(), 1.0 / 12.0 + 1e-12);
            }
        }
    }
}
