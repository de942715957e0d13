//! Figures of rows that count by their weights, as scikit-learn's `sample_weight` has them: a row of weight 2 counts as
//! two rows of the same score, one of weight 0 as none. Standard errors are another matter: there a row is one row,
//! however much it weighs (see [`WeightedRanks::auc`]).

use super::ranks::RocCorner;
use super::{AucEstimate, any_nan, order_key};
use crate::spec::OperatingPoint;

/// What all rows of a class come to in a [`RocCorner`], which counts in whole numbers.
const WHOLE: f64 = (1_u64 << 40) as f64;

/// Rows of one score, by class: sums of weights, and of their squares.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    score: f32,
    positives: f64,
    negatives: f64,
    squares: [f64; 2],
}

/// The distinct scores of the rows that weigh anything, the highest first.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedRanks {
    steps: Vec<Step>,
    positives: f64,
    negatives: f64,
    /// Rows that weigh anything, positives first.
    rows: [u64; 2],
    /// Of each row its step; none of those that weigh nothing.
    places: Vec<Option<u32>>,
}

/// A place on the way down the scores: the step, and what is flagged at it or above.
type Flagged<'a> = (&'a Step, f64, f64);

impl WeightedRanks {
    /// Of rows with these scores, classes and weights, each at least 0. `None` when a class weighs nothing or a score
    /// is NaN. Time: O(n log n).
    pub fn new(scores: &[f32], labels: &[u8], weights: &[f64]) -> Option<Self> {
        if any_nan(scores) {
            return None;
        }
        // One number each, which sorts faster than scores do.
        let key = |(row, &score): (usize, &f32)| {
            let place = u64::from(order_key(score).cast_unsigned() ^ 1 << 31);
            (weights.get(row).is_some_and(|&weight| weight > 0.0)).then_some(place << 32 | row as u64)
        };
        let mut keys: Vec<u64> = scores.iter().enumerate().filter_map(key).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        let mut steps = Vec::new();
        let mut rows = [0, 0];
        let mut places = vec![None; scores.len()];
        for equal in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let mut step = Step { score: 0.0, positives: 0.0, negatives: 0.0, squares: [0.0; 2] };
            for key in equal.iter().rev() {
                let row = *key as u32 as usize;
                let (weight, class) = (weights[row], usize::from(labels[row] == 0));
                step.score = scores[row] + 0.0;
                *(if class == 0 { &mut step.positives } else { &mut step.negatives }) += weight;
                step.squares[class] += weight * weight;
                rows[class] += 1;
                places[row] = Some(steps.len() as u32);
            }
            steps.push(step);
        }
        // Added up as the way down adds them, so that its end is all of them.
        let sum = |of: fn(&Step) -> f64| steps.iter().fold(0.0, |sum, step| sum + of(step));
        let (positives, negatives) = (sum(|step| step.positives), sum(|step| step.negatives));
        (positives > 0.0 && negatives > 0.0).then_some(Self { steps, positives, negatives, rows, places })
    }

    fn descending(&self) -> impl Iterator<Item = Flagged<'_>> {
        let (mut tp, mut fp) = (0.0, 0.0);
        self.steps.iter().map(move |step| {
            tp += step.positives;
            fp += step.negatives;
            (step, tp, fp)
        })
    }

    /// Of each step what a positive's structural component is above the AUC, and a negative's.
    fn components(&self) -> (f64, Vec<[f64; 2]>) {
        let (all, others) = (self.positives, self.negatives);
        let of_step = |(step, tp, fp): Flagged<'_>| {
            [(others - fp + step.negatives / 2.0) / others, (tp - step.positives / 2.0) / all]
        };
        let mut components: Vec<[f64; 2]> = self.descending().map(of_step).collect();
        let auc = self.steps.iter().zip(&components).map(|(step, of)| step.positives * of[0]).sum::<f64>() / all;
        components.iter_mut().for_each(|of| *of = of.map(|component| component - auc));
        (auc, components)
    }

    /// How many rows of weight 1 a class is as good as, positives first: (Σ w)² / Σ w² (L. Kish 1965, Survey sampling,
    /// 11.7).
    pub fn effective_rows(&self) -> [f64; 2] {
        [(self.positives, 0), (self.negatives, 1)].map(|(sum, class)| {
            let squares: f64 = self.steps.iter().map(|step| step.squares[class]).sum();
            sum * sum / squares
        })
    }

    /// The AUC, a pair of a positive and a negative weighing the product of theirs, and its standard error over rows
    /// drawn anew with their weights: DeLong's, each row's structural component less the AUC counted by its weight over
    /// the mean weight of its class, which is what the row adds to the error of a ratio of sums (the delta method). Its
    /// interval takes each class for as many rows as it is as good as ([`WeightedRanks::effective_rows`]). With weights
    /// that are all equal it is DeLong's.
    pub fn auc(&self) -> AucEstimate {
        let (auc, components) = self.components();
        let variance = |class: usize, all: f64| {
            let n = self.rows[class] as f64;
            let squares = self.steps.iter().zip(&components);
            let squares: f64 = squares.map(|(step, of)| step.squares[class] * of[class] * of[class]).sum();
            (n > 1.0).then(|| n / (n - 1.0) * squares / (all * all))
        };
        let variances = variance(0, self.positives).zip(variance(1, self.negatives)).map(|(a, b)| [a, b]);
        let rows = self.effective_rows();
        let effective_rows = variances.map(|variances| effective(auc, variances, rows));
        AucEstimate { auc, se: variances.map(|[a, b]| (a + b).sqrt()), effective_rows }
    }

    /// [`super::AucComponents::influences`] of rows with these labels and weights, which are those that it was made of.
    pub fn influences(&self, labels: &[u8], weights: &[f64]) -> Option<Vec<f32>> {
        let (_, components) = self.components();
        let scales = self.scales()?;
        let influence = |((place, &label), &weight): ((&Option<u32>, &u8), &f64)| {
            let class = usize::from(label == 0);
            let all = if class == 0 { self.positives } else { self.negatives };
            let of = |place: u32| weight / all * components[place as usize][class] * scales[class];
            place.map_or(0.0, of) as f32
        };
        Some(self.places.iter().zip(labels).zip(weights).map(influence).collect())
    }

    /// [`super::average_precision_influences`] of the same rows: how the average precision changes with the weight of a
    /// row, times its weight.
    pub fn precision_influences(&self, labels: &[u8], weights: &[f64]) -> Option<Vec<f32>> {
        let scales = self.scales()?;
        let mean = self.average_precision();
        // Sums over the positives at or below, from the lowest up.
        let (mut given, mut taken) = (0.0, 0.0);
        let mut changes = vec![[0.0; 2]; self.steps.len()];
        let flagged: Vec<(f64, f64)> = self.descending().map(|(_, tp, fp)| (tp, fp)).collect();
        for (at, step) in self.steps.iter().enumerate().rev() {
            let (r, f) = flagged[at];
            given += step.positives * f / (r + f).powi(2);
            taken += step.positives * r / (r + f).powi(2);
            changes[at] = [r / (r + f) - mean + given, -taken].map(|change| change / self.positives);
        }
        let of_rows = || self.places.iter().zip(labels).zip(weights);
        let change = |((place, &label), &weight): ((&Option<u32>, &u8), &f64)| {
            let class = usize::from(label == 0);
            place.map(|place| (class, weight * changes[place as usize][class]))
        };
        // Less its class's mean: a class has as many rows, however they are drawn.
        let mut means = [0.0; 2];
        of_rows().filter_map(change).for_each(|(class, change)| means[class] += change);
        let means = [means[0] / self.rows[0] as f64, means[1] / self.rows[1] as f64];
        let scaled = |(class, change): (usize, f64)| (change - means[class]) * scales[class];
        Some(of_rows().map(|row| change(row).map_or(0.0, scaled) as f32).collect())
    }

    /// As with n - 1 in the sample variance, positives first. `None` with fewer than two rows of a class.
    fn scales(&self) -> Option<[f64; 2]> {
        let scale = |n: u64| (n as f64 / (n as f64 - 1.0)).sqrt();
        self.rows.iter().all(|&rows| rows > 1).then(|| self.rows.map(scale))
    }

    /// [`super::average_precision`]: Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores.
    pub fn average_precision(&self) -> f64 {
        let caught = self.descending().filter(|(step, ..)| step.positives > 0.0);
        caught.map(|(step, tp, fp)| step.positives * (tp / (tp + fp))).sum::<f64>() / self.positives
    }

    /// [`super::Ranks::partial_auc`].
    pub fn partial_auc(&self, max_fpr: f64) -> Option<f64> {
        if !(max_fpr > 0.0 && max_fpr <= 1.0) {
            return None;
        }
        let end = max_fpr * self.negatives;
        let (mut fp, mut tp, mut area) = (0.0, 0.0, 0.0);
        for step in &self.steps {
            let (up, right) = (step.positives, step.negatives);
            let within = if right > 0.0 { ((end - fp) / right).clamp(0.0, 1.0) } else { 1.0 };
            area += within * right * (tp + within * up / 2.0);
            (fp, tp) = (fp + right, tp + up);
            if fp >= end {
                break;
            }
        }
        let area = area / (self.positives * self.negatives);
        let least = max_fpr * max_fpr / 2.0;
        Some(0.5 * (1.0 + (area - least) / (max_fpr - least)))
    }

    /// Share of positives among the rows of the highest scores that weigh `k` together; a score that is not wholly
    /// among them has its share. `None` for nothing, or more than there is.
    pub fn precision_at_weight(&self, k: f64) -> Option<f64> {
        if !(k > 0.0 && k <= self.positives + self.negatives) {
            return None;
        }
        let (mut left, mut caught) = (k, 0.0);
        for step in &self.steps {
            let equal = step.positives + step.negatives;
            let taken = left.min(equal);
            caught += step.positives * (taken / equal);
            left -= taken;
        }
        Some(caught / k)
    }

    /// [`super::Ranks::rows_at_point`] as a weight: an alert budget's share of all, else what positives weigh.
    pub fn weight_at_point(&self, point: &OperatingPoint) -> f64 {
        match *point {
            OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
                max_alerts_per_1000.min(1000.0) / 1000.0 * (self.positives + self.negatives)
            }
            _ => self.positives,
        }
    }

    /// [`super::Ranks::roc`], in parts of `WHOLE` for each class.
    pub fn roc(&self, step: f64) -> Vec<RocCorner> {
        let mut curve = vec![RocCorner { fp: 0, tp: 0, threshold: None }];
        let (mut last, end) = ((0.0, 0.0), self.steps.len() - 1);
        for (at, (flagged, tp, fp)) in self.descending().enumerate() {
            let here = (fp / self.negatives, tp / self.positives);
            let moved = here.0 - last.0 + here.1 - last.1;
            if moved >= step || at == end && moved > 0.0 {
                let [fp, tp] = [here.0, here.1].map(|share| (share * WHOLE).round() as u64);
                let threshold = if at == end { f32::MIN } else { flagged.score };
                curve.push(RocCorner { fp, tp, threshold: Some(threshold) });
                last = here;
            }
        }
        curve
    }

    /// [`super::threshold_for`].
    pub fn threshold(&self, point: &OperatingPoint) -> f32 {
        let nobody = || self.steps[0].score.next_up();
        let lowest = |within: &dyn Fn(f64, f64) -> bool| {
            let allowed = self.descending().take_while(|&(_, tp, fp)| within(tp, fp));
            allowed.last().map(|(step, ..)| step.score)
        };
        let of_positives = || self.descending().filter(|(step, ..)| step.positives > 0.0);
        let all = self.positives + self.negatives;
        let threshold = match *point {
            OperatingPoint::MaxFpr { max_fpr, .. } => lowest(&|_, fp| fp / self.negatives <= max_fpr),
            OperatingPoint::AlertBudget { max_alerts_per_1000 } => {
                lowest(&|tp, fp| 1000.0 * (tp + fp) / all <= max_alerts_per_1000)
            }
            OperatingPoint::MinRecall { min_recall } => {
                of_positives().find(|&(_, tp, _)| tp / self.positives >= min_recall).map(|(step, ..)| step.score)
            }
            OperatingPoint::MinPrecision { min_precision } => {
                let precise = of_positives().filter(|&(_, tp, fp)| tp / (tp + fp) >= min_precision);
                precise.last().map(|(step, ..)| step.score)
            }
            OperatingPoint::Cost { fn_cost, fp_cost } => {
                let cost = |tp: f64, fp: f64| (self.positives - tp) * fn_cost + fp * fp_cost;
                let mut best = (cost(0.0, 0.0), None);
                for (step, tp, fp) in of_positives() {
                    if cost(tp, fp) < best.0 {
                        best = (cost(tp, fp), Some(step.score));
                    }
                }
                best.1
            }
        };
        threshold.unwrap_or_else(nobody)
    }
}

/// Trials of which a share would vary as much as an AUC with these variances of two classes of so many rows: see
/// [`AucEstimate::interval`].
fn effective(auc: f64, variances: [f64; 2], rows: [f64; 2]) -> f64 {
    let most = auc * (1.0 - auc);
    let share = |class: usize| {
        let n = rows[class];
        let seen = if most > 0.0 { variances[class] * n / most } else { 0.0 };
        ((n - 1.0) * seen + 1.5) / (n + 0.5) / n
    };
    1.0 / (share(0) + share(1))
}

/// [`super::brier`] of rows that count by their weights. NaN where they weigh nothing.
pub fn weighted_brier(scores: &[f32], labels: &[u8], weights: &[f64]) -> f64 {
    let rows = scores.iter().zip(labels).zip(weights);
    let (sum, all) = rows.fold((0.0, 0.0), |(sum, all), ((&score, &label), &weight)| {
        (sum + weight * (f64::from(score) - f64::from(label)).powi(2), all + weight)
    });
    sum / all
}
