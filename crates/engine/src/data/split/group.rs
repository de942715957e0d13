//! No group has rows in two parts.

use super::super::error::DataError;
use super::columns::Groups;
use super::random::{THREE, fold_stream, least_in_folds};
use super::{BOTH, Dealt, Parts};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::{SplitSpec, TestRows};

/// Splits groups as `(seed, replicate)` has it: test groups first, training and validation groups of what is left. With
/// [`TestRows::Fixed`] the first step is that of replicate 0; with folds the test groups are those of the replicate's
/// fold.
///
/// # Errors
/// Fewer groups with rows of a class than there are parts or folds that need one.
pub(super) fn split(
    labels: &[u8],
    groups: &Groups,
    spec: &SplitSpec,
    seed: u64,
    replicate: u32,
) -> Result<Dealt, DataError> {
    let rows = groups.classes(labels);
    for &(class, value) in BOTH {
        let (parts, least) = match spec.folds {
            None => (THREE, 3),
            Some(folds) => ("the folds, and the training and validation rows beside each,", least_in_folds(folds, 2)),
        };
        let count = rows.iter().filter(|rows| rows[usize::from(value)] > 0).count();
        if count < least {
            let column = groups.column.clone();
            return Err(DataError::FewGroups { column, class, count, parts, least });
        }
    }
    let stream = |replicate| Stream::new(seed, replicate, Purpose::Split, 0, 0);
    let all: Vec<u32> = (0..groups.count as u32).collect();
    let is_fixed = spec.test_rows == TestRows::Fixed;
    let (tests, left, test_share) = match spec.folds {
        None => {
            let shares = [spec.test, 1.0 - spec.test];
            let mut held_out = stream(if is_fixed { 0 } else { replicate });
            let [tests, left] = deal(all, &rows, shares, [1, 2], spec.stratify, &mut held_out);
            (tests, left, spec.test)
        }
        Some(folds) => {
            let share = 1.0 / f64::from(folds.folds);
            let (fold, _) = folds.of_replicate(replicate);
            let mut drawn = fold_stream(folds, seed, replicate);
            let shares = vec![share; folds.folds as usize];
            let least = vec![least_in_folds(folds, 2) / folds.folds as usize; folds.folds as usize];
            let mut dealt = deal_any(all, &rows, &shares, &least, spec.stratify, &mut drawn);
            let tests = dealt.swap_remove(fold as usize);
            (tests, dealt.concat(), share)
        }
    };
    // Groups are dealt in the order of the file, whatever drew the test groups.
    let mut left = left;
    left.sort_unstable();
    let of_left = spec.validation / (1.0 - test_share);
    // The draws of replicate 0 go on where those of its test groups ended; nothing depends on that.
    let mut own = Stream::new(seed, replicate, Purpose::Split, 0, 2);
    let [validation, train] = deal(left, &rows, [of_left, 1.0 - of_left], [1, 1], spec.stratify, &mut own);

    let mut part_of = vec![0_u8; groups.count];
    for (part, of) in [(1, &validation), (2, &tests)] {
        of.iter().for_each(|&group| part_of[group as usize] = part);
    }
    let mut parts = Parts::default();
    for (row, &group) in (0_u32..).zip(&groups.of_row) {
        match part_of[group as usize] {
            0 => parts.train.push(row),
            1 => parts.validation.push(row),
            _ => parts.test.push(row),
        }
    }
    let notes = vec![format!(
        "split by group `{}`: {} groups train, {} choose, {} test{}",
        groups.column,
        train.len(),
        validation.len(),
        tests.len(),
        groups.without_a_value(),
    )];
    Ok(Dealt { parts, notes })
}

impl Groups {
    /// What to know of rows without a value, behind a sentence.
    pub(super) fn without_a_value(&self) -> String {
        match self.missing {
            0 => String::new(),
            1 => format!("; 1 row without a value of `{}` is a group of its own", self.column),
            rows => format!("; {rows} rows without a value of `{}` are groups of their own", self.column),
        }
    }
}

fn deal<const N: usize>(
    groups: Vec<u32>,
    rows: &[[u64; 2]],
    shares: [f64; N],
    least: [usize; N],
    stratify: bool,
    stream: &mut Stream,
) -> [Vec<u32>; N] {
    let mut dealt = deal_any(groups, rows, &shares, &least, stratify, stream).into_iter();
    std::array::from_fn(|_| dealt.next().unwrap_or_default())
}

/// Deals groups with these `rows` of each class to parts with these shares of the rows, each class by itself where
/// `stratify` asks for it, and at least so many groups of each class to each part.
///
/// The idea is that of scikit-learn's `StratifiedGroupKFold`: the largest groups first, each to where it brings the
/// counts nearest to what they are to be. But among the parts that it brings nearer it is drawn, in proportion to what
/// they still lack. So every group has about the same chance to be tested on, whatever its size, where the best part
/// alone would always be the same for the largest; and the small ones, dealt last, fill up what is missing. At last
/// groups change places where that is for the better.
fn deal_any(
    mut groups: Vec<u32>,
    rows: &[[u64; 2]],
    shares: &[f64],
    least: &[usize],
    stratify: bool,
    stream: &mut Stream,
) -> Vec<Vec<u32>> {
    let classes = |group: u32| -> [f64; 2] {
        let [negatives, positives] = rows[group as usize].map(|rows| rows as f64);
        if stratify { [negatives, positives] } else { [negatives + positives, 0.0] }
    };
    let mut all = [0.0; 2];
    for &group in &groups {
        let rows = classes(group);
        all = [all[0] + rows[0], all[1] + rows[1]];
    }
    // A class counts as much as the other, however rare.
    let weights = all.map(|rows| if rows > 0.0 { 1.0 / (rows * rows) } else { 0.0 });
    let sizes: Vec<f64> = rows
        .iter()
        .enumerate()
        .map(|(group, _)| classes(group as u32).iter().zip(weights).map(|(rows, weight)| rows * rows * weight).sum())
        .collect();
    stream.shuffle(&mut groups);
    groups.sort_by(|&a, &b| sizes[b as usize].total_cmp(&sizes[a as usize]));
    let mut lacks: Vec<[f64; 2]> = shares.iter().map(|share| all.map(|rows| rows * share)).collect();
    let mut needs = Needs::new(&groups, rows, least);
    let mut dealt: Vec<Vec<u32>> = vec![Vec::new(); shares.len()];
    for group in groups {
        let of_group = classes(group);
        let may = needs.parts(rows[group as usize]);
        // By how much nearer the squared distance to the shares comes.
        let gain = |part: usize| -> f64 {
            let one = |class: usize| of_group[class] * (2.0 * lacks[part][class] - of_group[class]) * weights[class];
            one(0) + one(1)
        };
        // What it fills of what a part still lacks.
        let filled = |part: usize| -> f64 {
            let one = |class: usize| of_group[class] * lacks[part][class].max(0.0) * weights[class];
            one(0) + one(1)
        };
        let nearer: Vec<(usize, f64)> =
            may.iter().filter(|&&part| gain(part) > 0.0).map(|&part| (part, filled(part))).collect();
        let mut left = stream.uniform64() * nearer.iter().map(|(_, filled)| filled).sum::<f64>();
        let drawn = nearer.iter().find(|(_, filled)| {
            left -= filled;
            left < 0.0
        });
        let drawn = drawn.or(nearer.last()).map(|(part, _)| *part);
        let part = drawn.or_else(|| may.into_iter().max_by(|&a, &b| gain(a).total_cmp(&gain(b))));
        let part = part.unwrap_or(0);
        lacks[part] = [lacks[part][0] - of_group[0], lacks[part][1] - of_group[1]];
        needs.take(part, rows[group as usize]);
        dealt[part].push(group);
    }
    let mut exchange = Exchange { rows, least, classes: &classes, weights, lacks };
    for _ in 0..PASSES {
        exchange.pass(&mut dealt, stream);
    }
    dealt
}

/// How often every group looks for another to change places with, and with how many it tries.
const PASSES: usize = 3;
const TRIES: usize = 16;

/// Groups that change places where that brings the parts nearer to their shares.
struct Exchange<'a> {
    rows: &'a [[u64; 2]],
    least: &'a [usize],
    classes: &'a dyn Fn(u32) -> [f64; 2],
    weights: [f64; 2],
    /// What each part lacks of each class.
    lacks: Vec<[f64; 2]>,
}

impl Exchange<'_> {
    /// Each group in turn changes places with the best of a few groups of another part, drawn at random, if that is for
    /// the better.
    fn pass(&mut self, dealt: &mut [Vec<u32>], stream: &mut Stream) {
        let with = |part: &Vec<u32>, class: usize| part.iter().filter(|&&g| self.rows[g as usize][class] > 0).count();
        let mut have: Vec<[usize; 2]> = dealt.iter().map(|part| [with(part, 0), with(part, 1)]).collect();
        for from in 0..dealt.len() {
            for place in 0..dealt[from].len() {
                let group = dealt[from][place];
                let mut best: Option<(f64, usize, usize)> = None;
                for _ in 0..TRIES {
                    let to = stream.below(dealt.len() as u32) as usize;
                    let other = stream.below(dealt[to].len() as u32) as usize;
                    if to == from || dealt[to].is_empty() {
                        continue;
                    }
                    let change = self.change(from, to, group, dealt[to][other]);
                    if change < best.map_or(-1e-12, |best| best.0)
                        && self.keeps(&have, (from, group), (to, dealt[to][other]))
                    {
                        best = Some((change, to, other));
                    }
                }
                let Some((_, to, other)) = best else { continue };
                let theirs = std::mem::replace(&mut dealt[to][other], group);
                dealt[from][place] = theirs;
                let (ours, others) = ((self.classes)(group), (self.classes)(theirs));
                for class in [0, 1] {
                    self.lacks[from][class] += ours[class] - others[class];
                    self.lacks[to][class] += others[class] - ours[class];
                    let has = |group: u32| usize::from(self.rows[group as usize][class] > 0);
                    have[from][class] = have[from][class] + has(theirs) - has(group);
                    have[to][class] = have[to][class] + has(group) - has(theirs);
                }
            }
        }
    }

    /// By how much the squared distance to the shares grows where two groups change places.
    fn change(&self, from: usize, to: usize, group: u32, other: u32) -> f64 {
        let (ours, others) = ((self.classes)(group), (self.classes)(other));
        let one = |class: usize| {
            let moved = ours[class] - others[class];
            2.0 * moved * (moved + self.lacks[from][class] - self.lacks[to][class]) * self.weights[class]
        };
        one(0) + one(1)
    }

    /// Whether both parts still have as many groups of each class as they need.
    fn keeps(&self, have: &[[usize; 2]], (from, group): (usize, u32), (to, other): (usize, u32)) -> bool {
        let has = |group: u32, class: usize| self.rows[group as usize][class] > 0;
        [0, 1].into_iter().all(|class| {
            let loses = |part: usize, one: u32, another: u32| {
                has(one, class) && !has(another, class) && have[part][class] <= self.least[part]
            };
            !loses(from, group, other) && !loses(to, other, group)
        })
    }
}

/// How many groups with rows of each class parts still have to get, and how many are left to be dealt.
struct Needs {
    of_part: Vec<[usize; 2]>,
    left: [usize; 2],
}

impl Needs {
    fn new(groups: &[u32], rows: &[[u64; 2]], least: &[usize]) -> Self {
        let with = |class: usize| groups.iter().filter(|&&group| rows[group as usize][class] > 0).count();
        Self { of_part: least.iter().map(|&least| [least; 2]).collect(), left: [with(0), with(1)] }
    }

    /// The parts that a group may go to: those that need one, where no more are left than are needed. The rare class
    /// first: groups without it are seldom short.
    fn parts(&self, rows: [u64; 2]) -> Vec<usize> {
        let all: Vec<usize> = (0..self.of_part.len()).collect();
        [1, 0].into_iter().fold(all, |parts, class| {
            let needed: usize = self.of_part.iter().map(|needs| needs[class]).sum();
            let wanting: Vec<usize> = parts.iter().copied().filter(|&part| self.of_part[part][class] > 0).collect();
            if rows[class] > 0 && needed >= self.left[class] && !wanting.is_empty() { wanting } else { parts }
        })
    }

    fn take(&mut self, part: usize, rows: [u64; 2]) {
        for class in [0, 1] {
            if rows[class] > 0 {
                self.of_part[part][class] = self.of_part[part][class].saturating_sub(1);
                self.left[class] -= 1;
            }
        }
    }
}
