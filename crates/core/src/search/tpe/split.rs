//! Which of the told points are good.
//!
//! One objective: the least values. Two: ranks of non-domination (Deb et al. 2002, NSGA-II), and within the rank that
//! does not fit those that together dominate most (Ozaki, Tanigaki, Watanabe & Onishi 2020, GECCO: MOTPE).

use std::collections::HashSet;

use crate::search::Outcome;

/// The share of the points that is good.
const GOOD: f64 = 0.15;
/// As many are good at most: more of them no longer say where it is best.
const MOST_GOOD: usize = 25;

/// Positions among the told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parts {
    /// The good ones with their weights, 1 on average: the better, the more.
    pub(super) good: Vec<(usize, f64)>,
    /// All others, in their order; those that failed too.
    pub(super) bad: Vec<usize>,
}

/// Splits what was told; `None`: fewer than `enough` have a result.
pub(super) fn split(outcomes: &[Outcome], enough: usize) -> Option<Parts> {
    let results: Vec<(usize, Outcome)> = outcomes.iter().copied().enumerate().filter(|(_, o)| is_result(*o)).collect();
    let is_stopped = |outcome: &Outcome| matches!(outcome, Outcome::Stopped { .. });
    let first = results.iter().find(|(_, outcome)| !is_stopped(outcome)).or(results.first())?.1;
    let alike = |outcome: &Outcome| std::mem::discriminant(outcome) == std::mem::discriminant(&first);
    let fits = |outcome: &Outcome| alike(outcome) || is_stopped(outcome);
    let results: Vec<(usize, Outcome)> = results.into_iter().filter(|(_, outcome)| fits(outcome)).collect();
    if results.len() < enough {
        return None;
    }
    let count = ((GOOD * results.len() as f64).ceil() as usize).clamp(1, MOST_GOOD);
    let good = match first {
        Outcome::Two(_) => {
            let pairs = results.iter().filter_map(|&(at, outcome)| match outcome {
                Outcome::Two(values) => Some((at, values)),
                Outcome::One(_) | Outcome::Stopped { .. } | Outcome::Failed => None,
            });
            // Points of the front are all as good.
            let mut good: Vec<(usize, f64)> =
                by_front(pairs.collect(), count).into_iter().map(|at| (at, 1.0)).collect();
            if good.len() < count {
                let stopped: Vec<_> = results.iter().copied().filter(|(_, outcome)| is_stopped(outcome)).collect();
                let room = (count - good.len()).min(stopped.len());
                good.extend(by_value(&stopped, room).into_iter().map(|(at, _)| (at, 1.0)));
            }
            good
        }
        Outcome::One(_) | Outcome::Stopped { .. } | Outcome::Failed => by_value(&results, count),
    };
    let is_good: HashSet<usize> = good.iter().map(|&(at, _)| at).collect();
    let bad = (0..outcomes.len()).filter(|at| !is_good.contains(at)).collect();
    Some(Parts { good, bad })
}

fn is_result(outcome: Outcome) -> bool {
    match outcome {
        Outcome::One(value) | Outcome::Stopped { value, .. } => !value.is_nan(),
        Outcome::Two(values) => values.iter().all(|value| !value.is_nan()),
        Outcome::Failed => false,
    }
}

/// The least, the earlier first, those that were ended early behind the rest; with weights ln(n + 1) - ln(rank), those
/// of evolution strategies (Hansen & Ostermeier 2001): of ranks, so that neither the scale nor a single value counts.
fn by_value(results: &[(usize, Outcome)], count: usize) -> Vec<(usize, f64)> {
    let place = |outcome: Outcome| match outcome {
        Outcome::One(value) => (std::cmp::Reverse(u32::MAX), value),
        Outcome::Stopped { rungs, value } => (std::cmp::Reverse(rungs), value),
        Outcome::Two(_) | Outcome::Failed => (std::cmp::Reverse(0), f64::INFINITY),
    };
    let mut ranked = results.to_vec();
    ranked.sort_by(|one, other| {
        let ((one, of_one), (other, of_other)) = (place(one.1), place(other.1));
        one.cmp(&other).then(of_one.total_cmp(&of_other))
    });
    ranked.truncate(count);
    let weight = |rank: usize| ((count as f64 + 1.0) / (rank as f64 + 1.0)).ln();
    let mean = (0..count).map(weight).sum::<f64>() / count as f64;
    ranked.into_iter().enumerate().map(|(rank, (at, _))| (at, weight(rank) / mean)).collect()
}

type Pair = (usize, [f64; 2]);

fn by_front(mut left: Vec<Pair>, count: usize) -> Vec<usize> {
    left.sort_by(|(_, one), (_, other)| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
    let mut good = Vec::new();
    while good.len() < count && !left.is_empty() {
        let (front, rest) = front(left);
        left = rest;
        let room = count - good.len();
        good.extend(if front.len() > room { widest(&front, room) } else { front.iter().map(|&(at, _)| at).collect() });
    }
    good
}

/// Those that no other dominates, and the rest, from all sorted by the first objective, then the second: each of the
/// front is less in the second than all before it; those with the same values stay together.
fn front(sorted: Vec<Pair>) -> (Vec<Pair>, Vec<Pair>) {
    let mut last: Option<[f64; 2]> = None;
    sorted.into_iter().partition(|&(_, values)| {
        let stays = last.is_none_or(|last| values[1] < last[1] || values == last);
        if stays {
            last = Some(values);
        }
        stays
    })
}

/// The `count` of a front that are chosen one after another, each adding the largest area, which comes to at least 63 %
/// of the largest that as many have (Guerreiro, Fonseca & Paquete 2016, Evol. Comput. 24).
fn widest(front: &[Pair], count: usize) -> Vec<usize> {
    // Beyond the worst by a tenth of the front's extent, so that the ends count; no scale of either objective matters.
    let worst = [0, 1].map(|axis| {
        let values = front.iter().map(|(_, values)| values[axis]).filter(|value| value.is_finite());
        let (least, most) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), value| (l.min(value), m.max(value)));
        most + 0.1 * (most - least).max(f64::MIN_POSITIVE)
    });
    let mut chosen: Vec<Pair> = Vec::new();
    let mut left = front.to_vec();
    while chosen.len() < count && !left.is_empty() {
        let area_with = |pair: &Pair| area(chosen.iter().chain([pair]).map(|&(_, values)| values).collect(), worst);
        let areas: Vec<f64> = left.iter().map(area_with).collect();
        let best = (1..left.len()).fold(0, |best, at| if areas[at] > areas[best] { at } else { best });
        chosen.push(left.remove(best));
    }
    chosen.into_iter().map(|(at, _)| at).collect()
}

/// The area that points dominate below `worst`.
fn area(mut points: Vec<[f64; 2]>, worst: [f64; 2]) -> f64 {
    points.sort_by(|one, other| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
    let mut top = worst[1];
    let mut sum = 0.0;
    for [x, y] in points {
        if y < top {
            sum += (worst[0] - x).max(0.0) * (top - y);
            top = y;
        }
    }
    sum
}
