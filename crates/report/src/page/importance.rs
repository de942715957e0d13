//! Which hyperparameters matter: functional ANOVA of a random forest of the trials, with what pairs explain together
//! and what the metric is on average at each value.
//!
//! A hyperparameter that some losses do not read is looked at among the trials that read it. Only whole trials count.

use std::collections::BTreeMap;

use super::axes::Axis;
use super::decompose::{Decomposition, average_over, decompose};
use super::forest::Forest;
use super::payload::{AxisOf, Importance, ImportanceIn, Pair, PairAverage, Short, Single};
use super::scale;
use crate::rank::{Ranked, Ranking};
use crate::read::{ForEach, Value, gather, thousands};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::Spec;

/// Fewer trials than this say nothing.
const FEWEST: usize = 16;
/// Of more trials this many are drawn: a forest takes longer than in proportion.
const MOST: usize = 500;
/// Groups of trials that are looked at: all, and the largest that read something of their own.
const GROUPS: usize = 5;
/// Places at which averages are given.
const PLACES: usize = 32;
/// Places each way at which those of a pair are given.
const PAIR_PLACES: usize = 16;
/// Pairs that are named, and the least share of one.
const PAIRS: usize = 5;
const LEAST_PAIR: f64 = 0.005;

/// Trials that read the same, with what they read.
struct Group<'a> {
    /// What the others do not read; empty where it is all trials.
    own: Vec<&'a str>,
    /// How many there are, and those that are looked at.
    all: usize,
    trials: Vec<&'a Ranked>,
    names: Vec<&'a str>,
    axes: Vec<Axis>,
}

/// For each group of trials what matters for each of `columns`.
pub(super) fn importance(
    ranking: &Ranking,
    spec: Option<&Spec>,
    columns: &[String],
    for_each: ForEach<'_>,
) -> Vec<ImportanceIn> {
    let groups = groups(ranking, spec);
    let found = gather(for_each, groups.len() * columns.len(), |at| {
        let (group, column) = (&groups[at / columns.len()], &columns[at % columns.len()]);
        explain(ranking, group, column)
    });
    let mut found = found.into_iter();
    groups
        .iter()
        .map(|group| ImportanceIn {
            reads: group.own.iter().map(|&name| name.to_owned()).collect(),
            trials: group.all,
            sampled: group.trials.len(),
            axes: group.names.iter().zip(&group.axes).map(|(name, axis)| axis_of(name, axis)).collect(),
            of: found.by_ref().take(columns.len()).flatten().collect(),
        })
        .filter(|group| !group.of.is_empty())
        .collect()
}

/// All trials with what all of them read, and for what only some read, those.
fn groups<'a>(ranking: &'a Ranking, spec: Option<&Spec>) -> Vec<Group<'a>> {
    let complete: Vec<&Ranked> = ranking.trials.iter().filter(|ranked| ranked.trial.complete).collect();
    let swept = ranking.swept();
    let reads =
        |name: &str| -> Vec<bool> { complete.iter().map(|ranked| ranking.parameter(ranked, name).is_some()).collect() };
    let mut by_readers: BTreeMap<Vec<bool>, Vec<&str>> = BTreeMap::new();
    for &name in &swept {
        by_readers.entry(reads(name)).or_default().push(name);
    }
    let everybody = vec![true; complete.len()];
    by_readers.entry(everybody.clone()).or_default();
    by_readers.remove(&vec![false; complete.len()]);
    let count = |readers: &[bool]| readers.iter().filter(|&&reads| reads).count();
    let mut sets: Vec<(&Vec<bool>, &Vec<&str>)> = by_readers.iter().collect();
    sets.sort_by_key(|(readers, _)| std::cmp::Reverse(count(readers)));
    sets.truncate(GROUPS);
    sets.into_iter()
        .map(|(readers, own)| {
            let mut trials: Vec<&Ranked> =
                complete.iter().zip(readers).filter_map(|(&ranked, &reads)| reads.then_some(ranked)).collect();
            let all = trials.len();
            if all > MOST {
                Stream::new(0, 0, Purpose::Forest, 1, 0).shuffle(&mut trials);
                trials.truncate(MOST);
            }
            let read_by_all = |name: &&str| trials.iter().all(|ranked| ranking.parameter(ranked, name).is_some());
            let (mut names, mut axes) = (Vec::new(), Vec::new());
            for &name in swept.iter().filter(|name| read_by_all(name)) {
                let values: Vec<&Value> = trials.iter().filter_map(|ranked| ranking.parameter(ranked, name)).collect();
                let numbers: Vec<f64> = values.iter().filter_map(|value| value.number()).collect();
                if let Some(axis) = Axis::new(&values, scale::by_factors(spec, name, &numbers)) {
                    names.push(name);
                    axes.push(axis);
                }
            }
            let own = if *readers == everybody { Vec::new() } else { own.clone() };
            Group { own, all, trials, names, axes }
        })
        .filter(|group| !group.axes.is_empty())
        .collect()
}

/// What matters for a metric; `None` where these trials do not have it.
fn explain(ranking: &Ranking, group: &Group<'_>, column: &str) -> Option<Importance> {
    let place = ranking.place_of(column)?;
    let values: Vec<Option<f64>> = group.trials.iter().map(|ranked| ranked.mean_at(Some(place))).collect();
    let rows: Vec<usize> = (0..values.len()).filter(|&row| values[row].is_some_and(f64::is_finite)).collect();
    if rows.is_empty() {
        return None;
    }
    let mut found = Importance { column: column.to_owned(), trials: rows.len(), ..Importance::default() };
    if rows.len() < FEWEST {
        found.why_not = Some(format!("{} trials say nothing of what matters: it takes {FEWEST} at least.", rows.len()));
        return Some(found);
    }
    let mean = rows.iter().filter_map(|&row| values[row]).sum::<f64>() / rows.len() as f64;
    // Less the mean, so that squares do not drown in it.
    let y: Vec<f64> = values.iter().map(|value| value.map_or(0.0, |value| value - mean)).collect();
    if rows.iter().all(|&row| y[row].abs() <= 1e-12 * mean.abs()) {
        found.why_not = Some("It is the same in all of these trials.".to_owned());
        return Some(found);
    }
    let forest = Forest::grow(&group.axes, &y, &rows);
    let (Some(explained), Some(parts)) = (forest.explained(&y), decompose(&forest, &group.axes)) else {
        found.why_not = Some(format!(
            "Of {} trials nothing can be said: a forest of the others tells no trial's figure better than chance.",
            thousands(rows.len() as u64)
        ));
        return Some(found);
    };
    found.explained = Some(Short(explained));
    found.add(group, &forest, &parts, mean);
    Some(found)
}

impl Importance {
    fn add(&mut self, group: &Group<'_>, forest: &Forest, parts: &Decomposition, mean: f64) {
        let names = &group.names;
        let curve = |at: usize| {
            let axis = &group.axes[at];
            let thinned = |of: &dyn Fn(&(f64, f64)) -> f64| -> Vec<Short> {
                spans(axis, PLACES)
                    .into_iter()
                    .map(|(from, to)| {
                        let cells = || parts.averages[at][from..to].iter().zip(&axis.weights[from..to]);
                        let weight: f64 = cells().map(|(_, weight)| weight).sum();
                        Short(cells().map(|(cell, weight)| of(cell) * weight).sum::<f64>() / weight)
                    })
                    .collect()
            };
            (thinned(&|cell| mean + cell.0), thinned(&|cell| cell.1))
        };
        self.alone = (0..names.len())
            .map(|at| {
                let (average, spread) = curve(at);
                Single { name: names[at].to_owned(), share: Short(parts.alone[at]), average, spread }
            })
            .collect();
        self.alone.sort_by(|a, b| b.share.0.total_cmp(&a.share.0));
        let mut pairs = parts.pairs.clone();
        pairs.retain(|&(_, share)| share >= LEAST_PAIR);
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
        pairs.truncate(PAIRS);
        let named = |(at, ((i, j), share)): (usize, ((usize, usize), f64))| Pair {
            names: [names[i].to_owned(), names[j].to_owned()],
            share: Short(share),
            average: (at == 0).then(|| {
                let cells = average_over(forest, &group.axes, (i, j));
                averages_of_pair(&cells, [&group.axes[i], &group.axes[j]], mean)
            }),
        };
        self.together = pairs.into_iter().enumerate().map(named).collect();
        self.rest = Some(Short(parts.rest()));
    }
}

/// The averages over all but two axes at a few places of both.
fn averages_of_pair(cells: &[f64], axes: [&Axis; 2], mean: f64) -> PairAverage {
    let [across, down] = axes.map(|axis| spans(axis, PAIR_PLACES));
    let weigh = |axis: &Axis, (from, to): (usize, usize)| -> f64 { axis.weights[from..to].iter().sum() };
    let average = |x: (usize, usize), y: (usize, usize)| {
        let row = |i: usize| (y.0..y.1).map(move |j| cells[i * axes[1].weights.len() + j] * axes[1].weights[j]);
        let sum: f64 = (x.0..x.1).map(|i| axes[0].weights[i] * row(i).sum::<f64>()).sum();
        Short(mean + sum / (weigh(axes[0], x) * weigh(axes[1], y)))
    };
    PairAverage {
        value: across.iter().map(|&x| down.iter().map(|&y| average(x, y)).collect()).collect(),
        at: axes.map(|axis| places(axis, PAIR_PLACES)),
    }
}

/// Cells of an axis in as many neighbours as are shown as one.
fn spans(axis: &Axis, most: usize) -> Vec<(usize, usize)> {
    let cells = axis.weights.len();
    let each = if axis.is_ordered { cells.div_ceil(most) } else { 1 };
    (0..cells).step_by(each).map(|from| (from, (from + each).min(cells))).collect()
}

/// The values in their middles.
fn places(axis: &Axis, most: usize) -> Vec<serde_json::Value> {
    let middle = |(from, to): (usize, usize)| match &axis.at[from..to] {
        [Value::Number(first), .., Value::Number(last)] => Value::Number(f64::midpoint(*first, *last)),
        [first, ..] => first.clone(),
        [] => Value::Integer(0),
    };
    spans(axis, most).into_iter().map(|span| middle(span).to_shown()).collect()
}

fn axis_of(name: &str, axis: &Axis) -> AxisOf {
    AxisOf { name: name.to_owned(), at: places(axis, PLACES) }
}

#[cfg(test)]
mod tests;
