//! How the classes interleave when rows are sorted by score, counted without sorting all of them.
//!
//! Positives are rare, so only their scores are sorted; every negative is then placed between them, most of them by one
//! look into a table: O(N + P log P). AUC, its standard error, average precision and thresholds follow from the counts,
//! exactly.

use serde::{Deserialize, Serialize};

use super::ladder::Rule;
use super::{AucEstimate, any_nan, order_key};
use crate::spec::OperatingPoint;

/// Cells of the table that places negatives.
const CELLS: i64 = 1 << 14;

/// A corner of a ROC curve. Written as `[fp, tp, threshold]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, Option<f32>)", into = "(u64, u64, Option<f32>)")]
pub struct RocCorner {
    /// Negatives flagged.
    pub fp: u64,
    /// Positives flagged.
    pub tp: u64,
    /// Rows with a score of at least this are flagged; `None`: nobody is.
    pub threshold: Option<f32>,
}

impl From<(u64, u64, Option<f32>)> for RocCorner {
    fn from((fp, tp, threshold): (u64, u64, Option<f32>)) -> Self {
        Self { fp, tp, threshold }
    }
}

impl From<RocCorner> for (u64, u64, Option<f32>) {
    fn from(point: RocCorner) -> Self {
        (point.fp, point.tp, point.threshold)
    }
}

/// Counts of the classes along the scores.
#[derive(Debug, Clone)]
pub struct Ranks {
    /// Distinct scores of positives, ascending.
    scores: Vec<f32>,
    /// Positives at each of them.
    positives: Vec<u64>,
    /// At `2i`: negatives below score i and above score i - 1; at `2i + 1`: negatives equal to score i.
    negatives: Vec<u64>,
}

impl Ranks {
    /// `None` when a class is absent or a score is NaN.
    pub fn new(scores: &[f32], labels: &[u8]) -> Option<Self> {
        Self::placed(scores, labels, |_, _| {})
    }

    /// The same, and tells each row's place in their order: `2i` for a negative between the scores i - 1 and i of
    /// positives, `2i + 1` for a row of score i.
    pub(super) fn placed(scores: &[f32], labels: &[u8], mut tell: impl FnMut(usize, usize)) -> Option<Self> {
        let mut class: Vec<f32> = scores.iter().zip(labels).filter(|&(_, &y)| y != 0).map(|(&s, _)| s + 0.0).collect();
        let rows = scores.len().min(labels.len());
        if class.is_empty() || class.len() == rows || any_nan(&scores[..rows]) {
            return None;
        }
        class.sort_unstable_by(f32::total_cmp);
        let (mut distinct, mut positives) = (Vec::new(), Vec::new());
        for equal in class.chunk_by(|a, b| a == b) {
            distinct.push(equal[0]);
            positives.push(equal.len() as u64);
        }
        let table = Table::new(distinct.iter().map(|&s| order_key(s)).collect());
        let mut negatives = vec![0; 2 * distinct.len() + 1];
        for (row, (&score, &label)) in scores.iter().zip(labels).enumerate() {
            let place = table.place(order_key(score));
            negatives[place] += u64::from(label == 0);
            tell(row, place);
        }
        Some(Self { scores: distinct, positives, negatives })
    }

    /// Twice DeLong's components, by place: for a positive the negatives below it, and half of those equal to it; for
    /// a negative likewise the positives above it.
    pub(super) fn components(&self) -> Vec<[u64; 2]> {
        let (mut below, mut above) = (0, self.all_positives());
        let mut of_places = Vec::with_capacity(self.negatives.len());
        for (i, &positives) in self.positives.iter().enumerate() {
            let (between, equal) = (self.negatives[2 * i], self.negatives[2 * i + 1]);
            of_places.push([0, 2 * above]);
            above -= positives;
            below += between;
            of_places.push([2 * below + equal, 2 * above + positives]);
            below += equal;
        }
        of_places.push([0, 0]);
        of_places
    }

    /// AUC and its DeLong standard error.
    pub fn auc(&self) -> AucEstimate {
        let (m, n) = (self.all_positives() as f64, self.all_negatives() as f64);
        // Twice the shares of the other class below (for positives) or above (for negatives), so that ties stay whole.
        let mut of_positives = Vec::with_capacity(self.positives.len());
        let mut of_negatives = Vec::with_capacity(self.negatives.len());
        let (mut negatives_below, mut positives_above) = (0, self.all_positives());
        for (i, &positives) in self.positives.iter().enumerate() {
            let (between, equal) = (self.negatives[2 * i], self.negatives[2 * i + 1]);
            of_negatives.push((2 * positives_above, between));
            positives_above -= positives;
            of_negatives.push((2 * positives_above + positives, equal));
            negatives_below += between;
            of_positives.push((2 * negatives_below + equal, positives));
            negatives_below += equal;
        }
        of_negatives.push((0, self.negatives[2 * self.positives.len()]));
        let twice_pairs: u64 = of_positives.iter().map(|&(twice, count)| twice * count).sum();
        let auc = twice_pairs as f64 / (2.0 * m * n);
        let variances = sample_variance(&of_positives).zip(sample_variance(&of_negatives));
        let variances = variances.map(|(s10, s01)| (s10 / (2.0 * n).powi(2), s01 / (2.0 * m).powi(2)));
        let most = auc * (1.0 - auc);
        // As a share of the most that a row can vary, with a row and a half more that vary so: see
        // AucEstimate::interval.
        let share = |s: f64, rows: f64| {
            let seen = if most > 0.0 { s / most } else { 0.0 };
            ((rows - 1.0) * seen + 1.5) / (rows + 0.5)
        };
        AucEstimate {
            auc,
            se: variances.map(|(s10, s01)| (s10 / m + s01 / n).sqrt()),
            effective_rows: variances.map(|(s10, s01)| 1.0 / (share(s10, m) / m + share(s01, n) / n)),
        }
    }

    /// Average precision as scikit-learn's `average_precision_score` has it: Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores
    /// from the highest down, without interpolation. Recall changes only at the scores of positives.
    pub fn average_precision(&self) -> f64 {
        let caught = self.descending().map(|(i, tp, fp)| self.positives[i] as f64 * (tp as f64 / (tp + fp) as f64));
        caught.sum::<f64>() / self.all_positives() as f64
    }

    /// Area under the ROC curve up to a false-positive rate, above 0 and at most 1, standardised to 0.5 for scores that
    /// say nothing and 1 for perfect ones (McClish 1989, Medical Decision Making 9(3)), as scikit-learn's
    /// `roc_auc_score(max_fpr=…)` has it. `None` for another rate.
    pub fn partial_auc(&self, max_fpr: f64) -> Option<f64> {
        if !(max_fpr > 0.0 && max_fpr <= 1.0) {
            return None;
        }
        let (all_positives, all_negatives) = (self.all_positives() as f64, self.all_negatives() as f64);
        let end = max_fpr * all_negatives;
        let (mut fp, mut tp, mut area) = (0.0, 0.0, 0.0);
        let last = self.negatives.first().map(|&negatives| (0, negatives));
        let steps = (0..self.positives.len()).rev().flat_map(|i| {
            // Negatives above the score, then those that equal it, beside its positives.
            [(0, self.negatives[2 * i + 2]), (self.positives[i], self.negatives[2 * i + 1])]
        });
        for (up, right) in steps.chain(last) {
            let (up, right) = (up as f64, right as f64);
            let within = if right > 0.0 { ((end - fp) / right).clamp(0.0, 1.0) } else { 1.0 };
            area += within * right * (tp + within * up / 2.0);
            (fp, tp) = (fp + right, tp + up);
            if fp >= end {
                break;
            }
        }
        let area = area / (all_positives * all_negatives);
        let least = max_fpr * max_fpr / 2.0;
        Some(0.5 * (1.0 + (area - least) / (max_fpr - least)))
    }

    /// Share of positives among the `k` rows of the highest scores; of rows with equal scores that not all are among
    /// them, as many positives as there are on average. `None` for no rows, or more than there are.
    pub fn precision_at_k(&self, k: u64) -> Option<f64> {
        if k == 0 || k > self.all_positives() + self.all_negatives() {
            return None;
        }
        let (mut left, mut caught) = (k, 0.0);
        for i in (0..self.positives.len()).rev() {
            left -= left.min(self.negatives[2 * i + 2]);
            let equal = self.positives[i] + self.negatives[2 * i + 1];
            let taken = left.min(equal);
            caught += self.positives[i] as f64 * (taken as f64 / equal as f64);
            left -= taken;
        }
        Some(caught / k as f64)
    }

    /// The k of [`Ranks::precision_at_k`] under an operating point: the rows that an alert budget allows, under any
    /// other rule as many as there are positives.
    pub fn rows_at_point(&self, point: &OperatingPoint) -> u64 {
        let (positives, negatives) = (self.all_positives(), self.all_negatives());
        match Rule::new(point, positives as usize, negatives as usize) {
            Rule::Alerts(most) => most,
            _ => positives,
        }
    }

    /// The ROC curve from (0, 0), where nobody is flagged, to all rows, as corners that straight lines join; sloped
    /// only where scores are tied across the classes. Thinned: of corners less than `step` apart (|Δ fpr| + |Δ tpr|)
    /// the first is kept, so that there are at most 2 / `step` + 2 and no place of the curve is further than `step`
    /// from the lines.
    pub fn roc(&self, step: f64) -> Vec<RocCorner> {
        let (negatives, positives) = (self.all_negatives(), self.all_positives());
        let mut curve = vec![RocCorner { fp: 0, tp: 0, threshold: None }];
        let mut last = curve[0];
        let mut add = |point: RocCorner| {
            let right = (point.fp - last.fp) as f64 / negatives as f64;
            let up = (point.tp - last.tp) as f64 / positives as f64;
            let is_end = point.fp == negatives && point.tp == positives;
            if right + up >= step || is_end && right + up > 0.0 {
                curve.push(point);
                last = point;
            }
        };
        for (i, tp, fp) in self.descending() {
            let score = self.scores[i];
            // All above the score, but not the score itself.
            let above = Some(score.next_up());
            add(RocCorner { fp: fp - self.negatives[2 * i + 1], tp: tp - self.positives[i], threshold: above });
            add(RocCorner { fp, tp, threshold: Some(score) });
        }
        add(RocCorner { fp: negatives, tp: positives, threshold: Some(f32::MIN) });
        curve
    }

    /// From the highest score of a positive down: its index, and the counts at or above it.
    fn descending(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let (mut tp, mut fp) = (0, 0);
        (0..self.positives.len()).rev().map(move |i| {
            tp += self.positives[i];
            fp += self.negatives[2 * i + 2] + self.negatives[2 * i + 1];
            (i, tp, fp)
        })
    }

    fn all_positives(&self) -> u64 {
        self.positives.iter().sum()
    }

    fn all_negatives(&self) -> u64 {
        self.negatives.iter().sum()
    }
}

/// Sample variance of counted values, with n - 1; `None` with fewer than two.
fn sample_variance(counted: &[(u64, u64)]) -> Option<f64> {
    let n = counted.iter().map(|&(_, count)| count).sum::<u64>() as f64;
    let mean = counted.iter().map(|&(value, count)| value as f64 * count as f64).sum::<f64>() / n;
    let sum: f64 = counted.iter().map(|&(value, count)| (value as f64 - mean).powi(2) * count as f64).sum();
    (n > 1.0).then(|| sum / (n - 1.0))
}

/// Places keys among ascending distinct ones.
struct Table {
    keys: Vec<i32>,
    /// First index of a key in each cell or a later one; one more entry than cells.
    first: Vec<u32>,
    shift: u32,
}

impl Table {
    /// `keys` is not empty.
    fn new(keys: Vec<i32>) -> Self {
        let (lowest, highest) = (i64::from(keys[0]), i64::from(keys[keys.len() - 1]));
        let shift = ((highest - lowest) / CELLS + 1).cast_unsigned().next_power_of_two().trailing_zeros();
        let cells = ((highest - lowest) >> shift) as usize + 1;
        let mut this = Self { first: vec![0; cells + 1], shift, keys };
        for key in this.keys.clone() {
            let cell = this.cell(key);
            this.first[cell + 1] += 1;
        }
        for cell in 0..cells {
            this.first[cell + 1] += this.first[cell];
        }
        this
    }

    /// The cell of a key from the lowest to the highest.
    fn cell(&self, key: i32) -> usize {
        (key.wrapping_sub(self.keys[0]).cast_unsigned() >> self.shift) as usize
    }

    /// `2i` for a key between keys i - 1 and i, `2i + 1` for key i itself.
    #[inline]
    fn place(&self, key: i32) -> usize {
        if key < self.keys[0] {
            return 0;
        }
        if key > self.keys[self.keys.len() - 1] {
            return 2 * self.keys.len();
        }
        let cell = self.cell(key);
        let (start, end) = (self.first[cell] as usize, self.first[cell + 1] as usize);
        let at = start + self.keys[start..end].partition_point(|&k| k < key);
        2 * at + usize::from(self.keys.get(at) == Some(&key))
    }
}

/// Average precision; see [`Ranks::average_precision`]. `None` without positives or when a score is NaN.
pub fn average_precision(scores: &[f32], labels: &[u8]) -> Option<f64> {
    let rows = scores.len().min(labels.len());
    if rows > 0 && labels[..rows].iter().all(|&y| y != 0) && !any_nan(&scores[..rows]) {
        return Some(1.0); // nobody else to flag
    }
    Ranks::new(scores, labels).map(|ranks| ranks.average_precision())
}

/// The threshold of an operating point, to be chosen on validation rows; rows with a score of at least it are flagged.
///
/// - `max_fpr`: the lowest with a false-positive rate of at most `max_fpr`;
/// - `max_alerts_per_1000`: the lowest that flags at most this many of 1,000 rows, whatever their class;
/// - `min_recall`: the highest with a recall of at least `min_recall`;
/// - `min_precision`: of those at which at least `min_precision` of the flagged rows are positive, the one that catches
///   most of them, of equals the highest; where there is none, nobody is flagged;
/// - costs: the one of least `fn * fn_cost + fp * fp_cost`, of equals the highest.
///
/// It is one of the scores, or, if nobody may be flagged, the 32-bit number just above the highest score, so that it
/// means the same whether scores are compared as 32- or 64-bit numbers. `None` when a class is absent or a score is
/// NaN.
pub fn threshold_for(point: &OperatingPoint, scores: &[f32], labels: &[u8]) -> Option<f64> {
    let rows = scores.len().min(labels.len());
    let scores = &scores[..rows];
    let ranks = Ranks::new(scores, labels)?;
    let highest = || scores.iter().copied().max_by(f32::total_cmp);
    let nobody = || highest().map(|score| (score + 0.0).next_up());
    let threshold = match *point {
        OperatingPoint::MaxFpr { max_fpr, .. } => {
            let negatives = scores.iter().zip(labels).filter(|&(_, &y)| y == 0).map(|(&score, _)| score);
            let within = |flagged: usize, all: usize| flagged as f64 / all as f64 <= max_fpr;
            lowest_within(scores, negatives.collect(), within).or_else(nobody)
        }
        OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
            let within = |flagged: usize, all: usize| 1000.0 * flagged as f64 / all as f64 <= max_alerts_per_1000;
            lowest_within(scores, scores.to_vec(), within).or_else(nobody)
        }
        OperatingPoint::MinRecall { min_recall } => {
            let all = ranks.all_positives() as f64;
            ranks.descending().find(|&(_, tp, _)| tp as f64 / all >= min_recall).map(|(i, ..)| ranks.scores[i])
        }
        OperatingPoint::MinPrecision { min_precision } => {
            let mut best = (0, None);
            for (i, tp, fp) in ranks.descending() {
                if tp > best.0 && tp as f64 / (tp + fp) as f64 >= min_precision {
                    best = (tp, Some(ranks.scores[i]));
                }
            }
            best.1.or_else(nobody)
        }
        OperatingPoint::Cost { fn_cost, fp_cost } => {
            // A lower threshold is better only if it catches somebody: the best is a positive's score, or nobody's.
            let all = ranks.all_positives();
            let cost = |tp: u64, fp: u64| (all - tp) as f64 * fn_cost + fp as f64 * fp_cost;
            let mut best = (cost(0, 0), None);
            for (i, tp, fp) in ranks.descending() {
                if cost(tp, fp) < best.0 {
                    best = (cost(tp, fp), Some(ranks.scores[i]));
                }
            }
            best.1.or_else(nobody)
        }
    };
    threshold.map(f64::from)
}

/// The lowest score that flags of the scores `counted` only as many as are `within(flagged, all)`; `None` if even the
/// highest flags too many.
fn lowest_within(scores: &[f32], mut counted: Vec<f32>, within: impl Fn(usize, usize) -> bool) -> Option<f32> {
    let all = counted.len();
    let most = (0..=all).rev().find(|&flagged| within(flagged, all)).unwrap_or(0);
    if most == all {
        return scores.iter().copied().min_by(f32::total_cmp);
    }
    // One more than may be flagged: every score above it will do.
    let (_, &mut too_many, _) = counted.select_nth_unstable_by(most, |a, b| (b + 0.0).total_cmp(&(a + 0.0)));
    scores.iter().copied().filter(|&score| score > too_many).min_by(f32::total_cmp)
}
