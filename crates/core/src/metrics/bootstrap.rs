//! How far average precision, and the counts at an operating point, may be off.
//!
//! B. Efron: Bootstrap methods: another look at the jackknife, Annals of Statistics 7(1), 1979. Stratified: positives
//! and negatives are drawn separately, as many of each as there are. Resamples are never laid out row by row: what a
//! figure needs of one (how many negatives fall into a gap between positives, how often the rows are drawn that could
//! put a threshold) is drawn from its exact distribution.

use super::interval::{logit_interval, spread};
use super::ladder::{Ladder, Rule, Weights};
use super::paired_bootstrap::{AllPlaces, Places};
use super::{Interval, any_nan};
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

/// Positives that [`average_precision_interval`] adds.
const MORE_POSITIVES: f64 = 8.0;

/// 95 % interval of average precision from `resamples` resamples. `None` when a class is absent, a score is NaN, or
/// there are fewer than two positives or resamples, or where all resamples agree.
///
/// Average precision comes out too high on few positives, and higher again on resamples of them, so percentiles cover
/// too seldom (91 % with 10 positives, 93 % with 100). Hence Efron & Tibshirani's interval from the bootstrap's
/// standard error and bias (1993, An introduction to the bootstrap, chapters 10 and 12.3), on the logit scale. Both are
/// known ill from few positives. So half of the bias is taken off; eight positives are added whose precision varies as
/// a share does, about the most there is (K. Boyd, K. H. Eng, C. D. Page 2013, ECML PKDD: their logit interval); and
/// Student's quantile is that of 2 (P - 1). Simulated coverage: `average_precision_intervals_cover` and
/// `table_of_interval_coverage` in the tests. Where positives are rarer than one in a hundred and 30, it may be 92 %.
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
            fp += gaps.draw(strata.through[place], &mut stream);
            sum += weight as f64 * (tp as f64 / (tp + fp) as f64);
        }
        sum / strata.all_positives() as f64
    };
    // An average precision of 1, or next to 0, would be infinitely far out.
    let logit = |share: f64| (share.clamp(1e-6, 1.0 - 1e-6) / (1.0 - share.clamp(1e-6, 1.0 - 1e-6))).ln();
    let seen = super::average_precision(scores, labels)?;
    let logits: Vec<f64> = (0..resamples).map(average_precision).map(logit).collect();
    let n = logits.len() as f64;
    let mean = logits.iter().sum::<f64>() / n;
    let positives = strata.all_positives() as f64;
    let variance = logits.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) * positives / (positives - 1.0);
    // Of a share of the positives, one more of each sort seen.
    let share = (positives * seen + 1.0) / (positives + 2.0);
    let of_share = 1.0 / (positives * share * (1.0 - share));
    let widened = ((positives - 1.0) * variance + MORE_POSITIVES * of_share) / (positives - 1.0 + MORE_POSITIVES);
    let centre = logit(seen) - 0.5 * (mean - logit(seen));
    (variance.is_finite() && variance > 0.0)
        .then(|| logit_interval(centre, widened.sqrt(), 2 * (strata.all_positives() - 1)))
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
/// [`threshold_for`](super::threshold_for) does, and applies it to the test rows, so that both sorts of chance are in.
/// `validation` and `test` are scores and labels. `None` when a class is absent, a score is NaN or there are no
/// resamples.
///
/// Test rows drawn with replacement would say that nobody can be missed where nobody was (with 30 positives and a true
/// recall of 0.97 such intervals hold it in 67 % of sets). So what is drawn is the share that a threshold catches,
/// given the counts that it has on the test rows: Beta(tp + 1/2, fn + 1/2), Jeffreys' interval if the threshold did not
/// vary (L. D. Brown, T. T. Cai, A. DasGupta 2001, Statistical Science 16(2)). Under a least recall the threshold is
/// the score of one of the positives, and resamples of few of them vary too little: percentiles of false alarms covered
/// in 89 to 92 % with ten positives, so their shares are spread (`interval::spread`). Simulated coverage: see
/// `operating_point_intervals_cover` and `standard_errors_and_false_alarms_of_few_positives_cover` in the tests.
pub fn operating_point_intervals(
    point: &OperatingPoint,
    validation: (&[f32], &[u8]),
    test: (&[f32], &[u8]),
    resamples: u32,
    seed: u64,
) -> Option<OperatingPointIntervals> {
    let (mut chooses, test) = (Chooses::new(point, validation.0, validation.1)?, Strata::new(test.0, test.1)?);
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 1, 0);
    let freedom = match &chooses {
        Chooses::Positives { descending, .. } => Some(descending.len().saturating_sub(1)),
        Chooses::Rows { .. } => None,
    };
    test.intervals(resamples, &mut stream, freedom, |stream| chooses.threshold(stream))
}

/// Rows that choose a threshold on resamples of themselves.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Chooses {
    /// Under a least recall the threshold is the score of the positive at a place, whatever the negatives are.
    Positives {
        /// Scores of the positives.
        descending: Vec<f32>,
        /// How many are to be caught.
        least: usize,
    },
    /// By any other rule, the rows that could put it.
    Rows { ladder: Ladder, rule: Rule, places: Places, weights: Weights },
}

impl Chooses {
    /// `None` when a class is absent or a score is NaN.
    fn new(point: &OperatingPoint, scores: &[f32], labels: &[u8]) -> Option<Self> {
        if let OperatingPoint::MinRecall { min_recall } = *point {
            let descending = Strata::new(scores, labels)?.all_scores_of_positives();
            let all = descending.len();
            let least = (1..=all).find(|&caught| caught as f64 / all as f64 >= min_recall).unwrap_or(all);
            return Some(Self::Positives { descending, least });
        }
        let mut places = Places::default();
        let floor = Ladder::floor(point, scores, labels);
        let ladder = Ladder::new(scores, labels, floor, |row, positive| places.place(row as i64, positive))?;
        let (positives, negatives) = ladder.classes();
        places.set_all(AllPlaces::Negatives(negatives));
        Some(Self::Rows { ladder, rule: Rule::new(point, positives, negatives), places, weights: Weights::default() })
    }

    /// The threshold of a resample, as [`threshold_for`](super::threshold_for) chooses it.
    fn threshold(&mut self, stream: &mut Stream) -> f32 {
        match self {
            Self::Positives { descending, least } => {
                let rows = descending.len();
                let row = (stream.order_statistic(*least as u64, rows as u64) * rows as f64) as usize;
                descending[row.min(rows - 1)]
            }
            Self::Rows { ladder, rule, places, weights } => {
                places.draw(weights, stream);
                ladder.threshold(*rule, weights).threshold
            }
        }
    }
}

/// Rows by class, from the highest score down.
pub(super) struct Strata {
    /// Distinct scores of the positives.
    positives: Vec<f32>,
    /// For each positive row the place of its score.
    place: Vec<u32>,
    /// Scores of the negatives.
    negatives: Vec<f32>,
    /// For each distinct score of positives the negatives at or above it.
    through: Vec<usize>,
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
    /// How many draws fall between where the last call ended and `to`: a multinomial draw, by one binomial after the
    /// other given what is left.
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
    pub(super) fn new(scores: &[f32], labels: &[u8]) -> Option<Self> {
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
        let through = positives.iter().map(|&score| at_least(&negatives, score)).collect();
        Some(Self { positives, place, negatives, through })
    }

    fn all_positives(&self) -> usize {
        self.place.len()
    }

    /// Of every positive row, descending.
    fn all_scores_of_positives(&self) -> Vec<f32> {
        self.place.iter().map(|&place| self.positives[place as usize]).collect()
    }

    /// Intervals of what thresholds do on these rows: see [`operating_point_intervals`]. `freedom`: where positives put
    /// the threshold among the negatives, as many less one.
    pub(super) fn intervals(
        &self,
        resamples: u32,
        stream: &mut Stream,
        freedom: Option<usize>,
        mut threshold: impl FnMut(&mut Stream) -> f32,
    ) -> Option<OperatingPointIntervals> {
        let (positives, negatives) = (self.all_positives(), self.negatives.len());
        let (mut recall, mut fpr) = (Vec::new(), Vec::new());
        for _ in 0..resamples {
            let (caught, flagged) = self.at_least(threshold(stream));
            recall.push(stream.beta(caught as f64 + 0.5, (positives - caught) as f64 + 0.5));
            match freedom {
                None => fpr.push(stream.beta(flagged as f64 + 0.5, (negatives - flagged) as f64 + 0.5)),
                Some(_) => fpr.push((flagged as f64 + 0.5) / (negatives as f64 + 1.0)),
            }
        }
        if let Some(freedom) = freedom {
            spread(&mut fpr, freedom);
            let all = negatives as f64 + 1.0;
            fpr.iter_mut().for_each(|share| *share = stream.beta(*share * all, (1.0 - *share) * all));
        }
        let (recall, fpr) = (Interval::percentile(&mut recall)?, Interval::percentile(&mut fpr)?);
        let (positives, negatives) = (positives as f64, negatives as f64);
        Some(OperatingPointIntervals {
            fn_: Interval { lower: (1.0 - recall.upper) * positives, upper: (1.0 - recall.lower) * positives },
            fp: Interval { lower: fpr.lower * negatives, upper: fpr.upper * negatives },
            recall,
        })
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
}

/// How many of descending scores are at least a score.
fn at_least(descending: &[f32], score: f32) -> usize {
    descending.partition_point(|&other| other >= score)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::metrics::{average_precision, threshold_for};

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

    const JEFFREYS: [f64; 4] = [0.651422289141546, 0.9558686580248441, 0.0028192294594307716, 0.019691618104500958];

    const POINTS: [OperatingPoint; 11] = [
        OperatingPoint::MaxFpr { max_fpr: 0.01, confidence: None },
        OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: None },
        OperatingPoint::MaxFpr { max_fpr: 0.999, confidence: None },
        OperatingPoint::MinRecall { min_recall: 0.8 },
        OperatingPoint::MinPrecision { min_precision: 0.3 },
        OperatingPoint::MinPrecision { min_precision: 0.9 },
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
            for point in &POINTS {
                let mut chooses = Chooses::new(point, &scores, &labels).unwrap();
                let mut stream = Stream::new(5, 0, Purpose::Bootstrap, 9, 0);
                let mut counts: HashMap<u32, [f64; 2]> = HashMap::new();
                for _ in 0..DRAWS {
                    let ours = chooses.threshold(&mut stream);
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
    fn average_precision_varies_as_with_rows_drawn_one_by_one() {
        for tied in [false, true] {
            let (scores, labels) = rows(tied);
            let mut stream = Stream::new(6, 0, Purpose::Bootstrap, 9, 0);
            let logit = |share: f64| (share.min(1.0 - 1e-6) / (1.0 - share).max(1e-6)).ln();
            let draw = |_| logit(average_precision(&resample(&scores, &labels, &mut stream), &labels).unwrap());
            let plain: Vec<f64> = (0..8_000).map(draw).collect();
            let n = plain.len() as f64;
            let mean = plain.iter().sum::<f64>() / n;
            let se = (plain.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n * 12.0 / 11.0).sqrt();
            let expected = logit_interval(2.0 * logit(average_precision(&scores, &labels).unwrap()) - mean, se, 11);
            let ours = average_precision_interval(&scores, &labels, 8_000, 1).unwrap();
            let off = (ours.lower - expected.lower).abs().max((ours.upper - expected.upper).abs());
            assert!(off < 0.015, "{tied}: {ours:?}, row by row {expected:?}");
        }
    }

    #[test]
    fn a_threshold_that_does_not_vary_gives_jeffreys_intervals() {
        // One score of positives and one of negatives: every resample chooses the same threshold.
        let validation: (&[f32], &[u8]) = (&[0.9, 0.9, 0.1, 0.1], &[1, 1, 0, 0]);
        let scores: Vec<f32> = (0..500).map(|i| if i < 17 || (20..24).contains(&i) { 0.95 } else { 0.2 }).collect();
        let labels: Vec<u8> = (0..500).map(|i| u8::from(i < 20)).collect();
        let point = OperatingPoint::MinRecall { min_recall: 1.0 };
        let found = operating_point_intervals(&point, validation, (&scores, &labels), 40_000, 3).unwrap();
        // statsmodels.stats.proportion.proportion_confint(17, 20, method="jeffreys"), (4, 480) of the false alarms.
        let near =
            |ours: f64, theirs: f64, tolerance: f64| assert!((ours - theirs).abs() < tolerance, "{ours} {theirs}");
        near(found.recall.lower, JEFFREYS[0], 0.005);
        near(found.recall.upper, JEFFREYS[1], 0.005);
        near(found.fn_.lower, 20.0 * (1.0 - JEFFREYS[1]), 0.1);
        near(found.fn_.upper, 20.0 * (1.0 - JEFFREYS[0]), 0.1);
        near(found.fp.lower, 480.0 * JEFFREYS[2], 0.1);
        near(found.fp.upper, 480.0 * JEFFREYS[3], 0.2);
    }
}
