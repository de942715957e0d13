//! Rows, what they come in, and how they are dealt to the splits of each replicate.

use std::collections::HashSet;

use focalsweep_core::random::Stream;

use super::{By, Cell};

/// Standard deviation of the logarithm of how many rows a day has, and of what share of them is positive.
const SPREAD_OF_DAYS: f64 = 0.5;
/// Share of the rows that validate beside a fold, as by default.
pub(super) const VALIDATION: f64 = 0.16;
/// Share of the rows that the windows test, as by default.
pub(super) const TESTED: f64 = 0.2;

/// Rows with their labels and units.
pub(super) struct Rows {
    pub(super) labels: Vec<u8>,
    /// Of each row; empty where rows stand for themselves.
    pub(super) units: Vec<u32>,
    /// How many units there are.
    pub(super) count: usize,
}

/// Rows of a replicate.
#[derive(Debug, Clone, Default)]
pub(super) struct Dealt {
    pub(super) validation: Vec<usize>,
    pub(super) test: Vec<usize>,
    pub(super) aside: Vec<usize>,
    /// Those that train, where it matters which.
    pub(super) train: Vec<usize>,
}

fn deal(pool: &mut Vec<usize>, count: usize, stream: &mut Stream) -> Vec<usize> {
    stream.shuffle(pool);
    pool.split_off(pool.len() - count)
}

fn deal_both(pools: &mut [Vec<usize>; 2], counts: [usize; 2], stream: &mut Stream) -> Vec<usize> {
    pools.iter_mut().zip(counts).flat_map(|(pool, count)| deal(pool, count, stream)).collect()
}

fn negatives(cell: &Cell) -> usize {
    (20 * cell.positives).max(400)
}

/// Groups without positives for the validation rows, and for the test rows.
fn other_groups(cell: &Cell) -> usize {
    (8 * cell.positives).max(80)
}

impl Rows {
    pub(super) fn new(cell: &Cell, stream: &mut Stream) -> Self {
        match cell.by {
            // As many rows as validation and test rows need, and twice as many to train on.
            By::Rows => Self::plain(4 * cell.positives, 4 * negatives(cell) + cell.set_aside),
            By::Groups => Self::groups(cell, stream),
            By::Days(days) => Self::days(cell, [days, days], [1, 1], stream),
            By::Windows(days) => {
                let windows = cell.replicates as usize;
                let before = ((VALIDATION / TESTED * windows as f64).round() as usize).max(1);
                // A window without positives would be refused.
                loop {
                    let rows = Self::days(cell, [before * days, windows * days], [before, windows], stream);
                    let mut empty: HashSet<usize> = (before..before + windows).collect();
                    for (&label, &day) in rows.labels.iter().zip(&rows.units) {
                        if label == 1 {
                            empty.remove(&(day as usize / days));
                        }
                    }
                    if empty.is_empty() {
                        return rows;
                    }
                }
            }
            By::Folds(folds, _) => {
                let folds = folds as usize;
                Self::plain(folds * cell.positives, folds * negatives(cell))
            }
        }
    }

    fn plain(positives: usize, negatives: usize) -> Self {
        let labels = (0..positives + negatives).map(|row| u8::from(row < positives)).collect();
        Self { labels, units: Vec::new(), count: 0 }
    }

    /// Groups of one to seven rows. Of those with positives, which come first, half of the rows are: labels of a group
    /// are alike.
    fn groups(cell: &Cell, stream: &mut Stream) -> Self {
        let (with, without) = (4 * cell.positives, 4 * other_groups(cell));
        let (mut labels, mut units) = (Vec::new(), Vec::new());
        for group in 0..with + without {
            let rows = 1 + stream.below(7);
            let sure = stream.below(rows);
            for row in 0..rows {
                let positive = group < with && (row == sure || stream.uniform64() < 0.5);
                labels.push(u8::from(positive));
                units.push(group as u32);
            }
        }
        Self { labels, units, count: with + without }
    }

    /// Rows of the days of two spans, each with so many times the positives of the cell. Days differ in how many rows
    /// they have, and in how many of them are positive.
    fn days(cell: &Cell, days: [usize; 2], times: [usize; 2], stream: &mut Stream) -> Self {
        let (mut labels, mut units) = (Vec::new(), Vec::new());
        let mut first = 0;
        for (days, times) in days.into_iter().zip(times) {
            let weights = |stream: &mut Stream| -> Vec<f64> {
                (0..days).map(|_| (SPREAD_OF_DAYS * stream.normal()).exp()).collect()
            };
            let (rows, rates) = (weights(stream), weights(stream));
            let positive: Vec<f64> = rows.iter().zip(&rates).map(|(rows, rate)| rows * rate).collect();
            for (count, label, weights) in [(times * cell.positives, 1, &positive), (times * negatives(cell), 0, &rows)]
            {
                let all: f64 = weights.iter().sum();
                for _ in 0..count {
                    let mut left = stream.uniform64() * all;
                    let day = weights.iter().position(|weight| {
                        left -= weight;
                        left < 0.0
                    });
                    labels.push(label);
                    units.push((first + day.unwrap_or(days - 1)) as u32);
                }
            }
            first += days;
        }
        Self { labels, units, count: first }
    }

    /// The rows of all replicates.
    pub(super) fn deal(&self, cell: &Cell, stream: &mut Stream) -> Vec<Dealt> {
        let mut dealt = match cell.by {
            By::Rows => {
                let positives = 4 * cell.positives;
                let pools = [(0..positives).collect(), (positives..self.labels.len()).collect()];
                at_random(cell, &pools, [cell.positives, negatives(cell)], stream)
            }
            By::Groups => {
                let with = 4 * cell.positives;
                let pools = [(0..with).collect(), (with..self.count).collect()];
                let mut of_group = vec![Vec::new(); self.count];
                for (row, &unit) in self.units.iter().enumerate() {
                    of_group[unit as usize].push(row);
                }
                let rows = |groups: Vec<usize>| groups.into_iter().flat_map(|group| of_group[group].clone()).collect();
                let dealt = at_random(cell, &pools, [cell.positives, other_groups(cell)], stream);
                let of = |dealt: Dealt| Dealt {
                    validation: rows(dealt.validation),
                    test: rows(dealt.test),
                    ..Dealt::default()
                };
                dealt.into_iter().map(of).collect()
            }
            By::Days(days) => {
                let dealt =
                    Dealt { validation: self.between(0, days), test: self.between(days, 2 * days), ..Dealt::default() };
                vec![dealt; (cell.replicates + cell.confirm) as usize]
            }
            By::Windows(days) => {
                let windows = cell.replicates as usize;
                let before = self.count - windows * days;
                let of = |window: usize| {
                    let first = before + window * days;
                    Dealt {
                        validation: self.between(first - before, first),
                        test: self.between(first, first + days),
                        ..Dealt::default()
                    }
                };
                (0..windows).map(of).collect()
            }
            By::Folds(folds, repeats) => self.folds(folds as usize, repeats as usize, stream),
        };
        for Dealt { validation, test, aside, .. } in &mut dealt {
            [validation, test, aside].into_iter().for_each(|rows| rows.sort_unstable());
        }
        dealt
    }

    /// Rows of the days from one on until another.
    fn between(&self, first: usize, end: usize) -> Vec<usize> {
        (0..self.labels.len()).filter(|&row| (first..end).contains(&(self.units[row] as usize))).collect()
    }

    fn folds(&self, folds: usize, repeats: usize, stream: &mut Stream) -> Vec<Dealt> {
        let mut dealt = Vec::new();
        for _ in 0..repeats {
            let first = dealt.len();
            dealt.resize(first + folds, Dealt::default());
            for class in [1, 0] {
                let mut rows: Vec<usize> = (0..self.labels.len()).filter(|&row| self.labels[row] == class).collect();
                stream.shuffle(&mut rows);
                for fold in 0..folds {
                    let mut left = Vec::new();
                    for (at, &row) in rows.iter().enumerate() {
                        if at % folds == fold { dealt[first + fold].test.push(row) } else { left.push(row) }
                    }
                    let count = (VALIDATION * rows.len() as f64).round() as usize;
                    dealt[first + fold].validation.extend(deal(&mut left, count, stream));
                    dealt[first + fold].train.extend(left);
                }
            }
        }
        dealt
    }
}

/// Deals rows, or groups: those with positives, and the others. Test rows once, unless each replicate has its own.
fn at_random(cell: &Cell, all: &[Vec<usize>; 2], counts: [usize; 2], stream: &mut Stream) -> Vec<Dealt> {
    let mut pools = all.clone();
    let fixed = deal_both(&mut pools, counts, stream);
    let fixed_aside = if cell.set_aside > 0 { deal(&mut pools[1], cell.set_aside, stream) } else { Vec::new() };
    (0..cell.replicates + cell.confirm)
        .map(|_| {
            let mut pools = pools.clone();
            let (test, aside) = if cell.redraw {
                pools.clone_from(all);
                let test = deal_both(&mut pools, counts, stream);
                let aside = if cell.set_aside > 0 { deal(&mut pools[1], cell.set_aside, stream) } else { Vec::new() };
                (test, aside)
            } else {
                (fixed.clone(), fixed_aside.clone())
            };
            Dealt { validation: deal_both(&mut pools, counts, stream), test, aside, train: Vec::new() }
        })
        .collect()
}
