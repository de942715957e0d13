//! Curves of few points, for plots. What they show is never better than what was measured.

use std::collections::BTreeSet;

use super::{PrecisionRecallPoint, RocPoint};

/// At most `n` points (`n` counts as 4 if it is less) of a ROC curve, both ends among them.
///
/// Points are left out one by one, the least area first (Visvalingam & Whyatt 1993, The Cartographic Journal 30(1)),
/// but only such as stick out above the line between their neighbours: so the curve only ever gets worse. Where that
/// ends too early or costs more, steps under the curve at equal distances take its place, which cost at most 1 / s of
/// area with s = (n - 1) / 3 rounded down. A corner of such a step has the threshold of the point to its left.
pub fn thin_roc(curve: &[RocPoint], n: usize) -> Vec<RocPoint> {
    let n = n.max(4);
    if curve.len() <= n {
        return curve.to_vec();
    }
    let segments = (n - 1) / 3;
    let cut = cut_corners(curve, n);
    let lost = area(curve) - area(&cut);
    if cut.len() <= n && lost <= 1.0 / segments as f64 { cut } else { steps_under(curve, segments) }
}

/// Area under straight lines between the points.
fn area(curve: &[RocPoint]) -> f64 {
    curve.windows(2).map(|w| (w[1].fpr - w[0].fpr) * (w[1].tpr + w[0].tpr) / 2.0).sum()
}

fn cut_corners(curve: &[RocPoint], n: usize) -> Vec<RocPoint> {
    let last = curve.len() - 1;
    let mut before: Vec<usize> = (0..=last).map(|i| i.saturating_sub(1)).collect();
    let mut after: Vec<usize> = (0..=last).map(|i| (i + 1).min(last)).collect();
    // Twice the area that is lost without the point; below 0 where leaving it out would add some.
    let loss = |a: usize, b: usize, c: usize| {
        let (a, b, c) = (curve[a], curve[b], curve[c]);
        (b.tpr - a.tpr) * (c.fpr - a.fpr) - (b.fpr - a.fpr) * (c.tpr - a.tpr)
    };
    // Losses of at least 0 order as their bits do.
    let entry = |loss: f64, i: usize| (loss >= 0.0).then(|| (loss.abs().to_bits(), i));
    let mut losses: Vec<f64> = vec![-1.0; last + 1];
    let mut candidates = BTreeSet::new();
    for (i, of_point) in losses.iter_mut().enumerate().take(last).skip(1) {
        *of_point = loss(i - 1, i, i + 1);
        candidates.extend(entry(*of_point, i));
    }
    let mut left_out = vec![false; last + 1];
    let mut remaining = curve.len();
    while remaining > n {
        let Some((_, i)) = candidates.pop_first() else { break };
        left_out[i] = true;
        remaining -= 1;
        let (left, right) = (before[i], after[i]);
        (after[left], before[right]) = (right, left);
        for neighbour in [left, right] {
            if neighbour > 0 && neighbour < last {
                if let Some(old) = entry(losses[neighbour], neighbour) {
                    candidates.remove(&old);
                }
                losses[neighbour] = loss(before[neighbour], neighbour, after[neighbour]);
                candidates.extend(entry(losses[neighbour], neighbour));
            }
        }
    }
    curve.iter().zip(left_out).filter(|(_, out)| !out).map(|(&point, _)| point).collect()
}

/// In each stretch of equal length fpr + tpr the first and the last point of the curve, and between them the corner
/// below and to the right, which loses at most half the length squared.
fn steps_under(curve: &[RocPoint], segments: usize) -> Vec<RocPoint> {
    let segment = |p: &RocPoint| ((p.fpr + p.tpr) / 2.0 * segments as f64).floor();
    let mut out = Vec::new();
    for within in curve.chunk_by(|a, b| segment(a) == segment(b)) {
        let (first, last) = (within[0], within[within.len() - 1]);
        out.push(first);
        if within.len() > 2 && first.fpr < last.fpr && first.tpr < last.tpr {
            out.push(RocPoint { fpr: last.fpr, ..first });
        }
        if within.len() > 1 {
            out.push(last);
        }
    }
    out
}

/// At most `n` points (`n` counts as 3 if it is less) of a precision-recall curve that is drawn in steps, the precision
/// of a point holding from the recall before up to its own, as average precision sums it. Both ends are among them.
///
/// Steps are joined two by two under the lower precision, the least area first. Points that add no recall have no width
/// and are left out but for the last.
pub fn thin_precision_recall(curve: &[PrecisionRecallPoint], n: usize) -> Vec<PrecisionRecallPoint> {
    let n = n.max(3);
    let (Some(&first), Some(&last)) = (curve.first(), curve.last()) else { return Vec::new() };
    if curve.len() <= n {
        return curve.to_vec();
    }
    let mut steps: Vec<Step> = Vec::new();
    for w in curve.windows(2) {
        if w[1].recall > w[0].recall {
            steps.push(Step { from: w[0].recall, point: w[1] });
        }
    }
    // Joins of step i with the next that is left, cheapest first. All areas are at least 0, where floats order as bits.
    let mut after: Vec<usize> = (1..=steps.len()).collect();
    let mut before: Vec<usize> = (0..steps.len()).map(|i| i.wrapping_sub(1)).collect();
    let mut joins: BTreeSet<(u64, usize)> = BTreeSet::new();
    let cost = |steps: &[Step], i: usize, j: usize| (steps[i].lost_with(&steps[j]).to_bits(), i);
    joins.extend((1..steps.len()).map(|j| cost(&steps, j - 1, j)));
    let mut remaining = steps.len();
    while remaining > n - 2 {
        let Some((_, i)) = joins.pop_first() else { break };
        let j = after[i];
        let (previous, next) = (before[i], after[j]);
        if next < steps.len() {
            joins.remove(&cost(&steps, j, next));
            before[next] = i;
        }
        if previous < steps.len() {
            joins.remove(&cost(&steps, previous, i));
        }
        steps[i] = steps[i].joined(&steps[j]);
        after[i] = next;
        after[j] = usize::MAX; // joined away
        remaining -= 1;
        if next < steps.len() {
            joins.insert(cost(&steps, i, next));
        }
        if previous < steps.len() {
            joins.insert(cost(&steps, previous, i));
        }
    }
    let left = steps.iter().zip(after).filter(|&(_, after)| after != usize::MAX).map(|(step, _)| step.point);
    let mut out: Vec<_> = std::iter::once(first).chain(left).collect();
    if out.last() != Some(&last) {
        out.push(last);
    }
    out
}

/// A precision over a range of recall.
#[derive(Clone, Copy)]
struct Step {
    /// Recall where it begins; it ends at the point's.
    from: f64,
    point: PrecisionRecallPoint,
}

impl Step {
    /// Area lost by joining with the step that follows.
    fn lost_with(&self, next: &Self) -> f64 {
        let lower = self.point.precision.min(next.point.precision);
        let over = |step: &Self| (step.point.recall - step.from) * (step.point.precision - lower);
        over(self) + over(next)
    }

    fn joined(&self, next: &Self) -> Self {
        let precision = self.point.precision.min(next.point.precision);
        Self { from: self.from, point: PrecisionRecallPoint { precision, ..next.point } }
    }
}
