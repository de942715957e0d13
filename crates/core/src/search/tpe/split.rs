//! Which of the told points are good.
//!
//! One objective: the least values. Two: ranks of non-domination (Deb et al. 2002), and within the rank that does not fit
//! those that together dominate most (Ozaki, Tanigaki, Watanabe & Onishi 2020, GECCO: MOTPE).

use super::Tuning;
use crate::search::{Outcome, Told};

/// Positions among the told, with weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parts {
    pub(super) good: Vec<(usize, f64)>,
    pub(super) bad: Vec<(usize, f64)>,
    pub(super) known: usize,
}

/// Splits what was told; `None`: too little came of it.
pub(super) fn split(told: &[Told], tuning: &Tuning) -> Option<Parts> {
    let values: Vec<Option<Value>> = told.iter().map(|told| value(told.outcome)).collect();
    let kind = values.iter().flatten().next()?.1;
    let alike = |at: &usize| values[*at].is_some_and(|value| value.1 == kind);
    let known: Vec<usize> = (0..told.len()).filter(alike).collect();
    if known.len() < tuning.startup {
        return None;
    }
    let n = known.len() as f64;
    let share = if tuning.good_sqrt > 0.0 { tuning.good_sqrt * n.sqrt() } else { tuning.good_share * n };
    let good_count = (share.ceil() as usize).clamp(1, tuning.good_most);
    let of = |at: usize| values[at].map_or([f64::INFINITY; 2], |value| value.0);
    let ranked = if kind == 1 { by_value(&known, of) } else { by_front(&known, of, good_count) };
    let mut good: Vec<usize> = ranked[..good_count.min(ranked.len())].to_vec();
    let weights = weights_of_good(&good, &ranked, good_count, of, tuning, kind);
    let is_good: std::collections::HashSet<usize> = good.iter().copied().collect();
    let bad: Vec<usize> = (0..told.len()).filter(|at| !is_good.contains(at)).collect();
    let bad_weights = ramp(bad.len(), tuning.ramp);
    Some(Parts {
        good: good.drain(..).zip(weights).collect(),
        bad: bad.into_iter().zip(bad_weights).collect(),
        known: known.len(),
    })
}

fn weights_of_good(
    good: &[usize],
    ranked: &[usize],
    count: usize,
    of: impl Fn(usize) -> [f64; 2],
    tuning: &Tuning,
    kind: u8,
) -> Vec<f64> {
    let n = good.len();
    match tuning.good_weights {
        1 if kind == 1 => {
            let threshold = ranked.get(count).map_or(of(good[n - 1])[0], |&at| of(at)[0]);
            let raw: Vec<f64> = good.iter().map(|&at| (threshold - of(at)[0]).max(0.0)).collect();
            let mean = raw.iter().sum::<f64>() / n as f64;
            if mean > 0.0 && mean.is_finite() { raw.iter().map(|w| w / mean).collect() } else { vec![1.0; n] }
        }
        2 => {
            let raw: Vec<f64> =
                (0..n).map(|rank| ((n as f64 + 1.0).ln() - (rank as f64 + 1.0).ln()).max(0.0)).collect();
            let mean = raw.iter().sum::<f64>() / n as f64;
            raw.iter().map(|w| w / mean).collect()
        }
        3 => {
            let raw: Vec<f64> = (0..n).map(|rank| (n - rank) as f64).collect();
            let mean = raw.iter().sum::<f64>() / n as f64;
            raw.iter().map(|w| w / mean).collect()
        }
        _ => vec![1.0; n],
    }
}

fn ramp(n: usize, full: usize) -> Vec<f64> {
    if n <= full {
        return vec![1.0; n];
    }
    let rising = n - full;
    (0..n)
        .map(|at| {
            if at >= rising {
                1.0
            } else {
                1.0 / n as f64 + at as f64 * (1.0 - 1.0 / n as f64) / (rising.max(2) - 1) as f64
            }
        })
        .collect()
}

/// Values, and how many of them count.
type Value = ([f64; 2], u8);

fn value(outcome: Outcome) -> Option<Value> {
    match outcome {
        Outcome::One(value) if !value.is_nan() => Some(([value, 0.0], 1)),
        Outcome::Two(values) if !values.iter().any(|value| value.is_nan()) => Some((values, 2)),
        _ => None,
    }
}

fn by_value(known: &[usize], of: impl Fn(usize) -> [f64; 2]) -> Vec<usize> {
    let mut ranked = known.to_vec();
    ranked.sort_by(|&one, &other| of(one)[0].total_cmp(&of(other)[0]));
    ranked
}

fn by_front(known: &[usize], of: impl Fn(usize) -> [f64; 2], count: usize) -> Vec<usize> {
    let mut left = known.to_vec();
    let mut ranked = Vec::new();
    while ranked.len() < count && !left.is_empty() {
        let front = front(&left, &of);
        left.retain(|at| !front.contains(at));
        let room = count - ranked.len();
        ranked.extend(if front.len() > room { widest(&front, &of, room) } else { front });
    }
    ranked
}

/// Those that no other dominates: sorted by the first objective, each less in the second than all before it; those
/// with the same values stay together.
fn front(left: &[usize], of: impl Fn(usize) -> [f64; 2]) -> Vec<usize> {
    let mut sorted = left.to_vec();
    sorted.sort_by(|&one, &other| of(one)[0].total_cmp(&of(other)[0]).then(of(one)[1].total_cmp(&of(other)[1])));
    let mut found: Vec<usize> = Vec::new();
    for at in sorted {
        if found.last().is_none_or(|&last| of(at)[1] < of(last)[1] || of(at) == of(last)) {
            found.push(at);
        }
    }
    found
}

/// The `count` of a front that are chosen one after another, each adding the largest area (greedy hypervolume subset
/// selection, within 1 - 1/e of the best: Guerreiro, Fonseca & Paquete 2016).
fn widest(front: &[usize], of: impl Fn(usize) -> [f64; 2], count: usize) -> Vec<usize> {
    let worst = [0, 1].map(|axis| {
        let worst = front.iter().map(|&at| of(at)[axis]).fold(f64::NEG_INFINITY, f64::max);
        let reference = (1.1 * worst).max(0.9 * worst);
        if reference == 0.0 { 1e-12 } else { reference }
    });
    let mut chosen: Vec<usize> = Vec::new();
    for _ in 0..count {
        let gains = front.iter().filter(|at| !chosen.contains(at)).map(|&at| {
            let mut with: Vec<[f64; 2]> = chosen.iter().map(|&at| of(at)).collect();
            with.push(of(at));
            (at, area(with, worst))
        });
        let best = gains.fold(None, |best: Option<(usize, f64)>, gain| match best {
            Some(best) if best.1 >= gain.1 => Some(best),
            _ => Some(gain),
        });
        chosen.extend(best.map(|(at, _)| at));
    }
    chosen
}

/// Area that points dominate below `worst`.
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
