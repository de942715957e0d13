//! Positives between those that there are: SMOTE (Chawla et al. 2002, JAIR 16), and its form for categories, SMOTE-NC.
//!
//! On prepared rows, whose numbers are on one scale. A new row lies on the line between a positive and one of its k
//! nearest, at an even place; a category of it is the one that most of the k have. Different categories are as far
//! apart as the median of the numbers' standard deviations, as in imbalanced-learn, which is held against this by a
//! test.

use focalsweep_core::prepared::{Preprocessing, Rows, Step};
use focalsweep_core::random::Stream;

/// Neighbours of a row among which another is drawn.
const NEAREST: usize = 5;

/// Which columns of the prepared rows are numbers, and which belong together as a category.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Kinds {
    numbers: Vec<usize>,
    /// First column and number of columns.
    categories: Vec<(usize, usize)>,
}

impl Kinds {
    /// Those that a preprocessing makes.
    pub(super) fn of(preprocessing: &Preprocessing) -> Self {
        let (mut kinds, mut first) = (Self::default(), 0);
        for step in &preprocessing.steps {
            let width = step.width();
            match step {
                Step::Number { .. } | Step::AgeDays { .. } | Step::Hour { .. } => {
                    kinds.numbers.extend(first..first + width);
                }
                Step::Truth { .. } | Step::Missing { .. } | Step::Category { .. } | Step::Weekday { .. } => {
                    kinds.categories.push((first, width));
                }
            }
            first += width;
        }
        kinds
    }
}

/// `count` new positives, `[count, inputs]`, from the positives of `train`; fewer than two positives are drawn again as
/// they are.
///
/// Time: positives² · inputs. Memory: the new rows.
pub(super) fn synthesise(train: &Rows, inputs: usize, kinds: &Kinds, count: usize, stream: &mut Stream) -> Vec<f32> {
    let positives: Vec<&[f32]> = (0..train.len())
        .filter(|&row| train.y[row] == 1)
        .map(|row| &train.x[row * inputs..(row + 1) * inputs])
        .collect();
    let apart = median_deviation(&positives, kinds);
    let mut nearest: Vec<Option<Vec<usize>>> = vec![None; positives.len()];
    let mut made = Vec::with_capacity(count * inputs);
    for _ in 0..count {
        let base = stream.below(positives.len() as u32) as usize;
        let near = nearest[base].get_or_insert_with(|| nearest_of(base, &positives, kinds, apart));
        let (mut pick, mut place) = (0, [0.0]);
        if !near.is_empty() {
            pick = stream.below(near.len() as u32) as usize;
            stream.fill_uniform(&mut place);
        }
        let from = positives[base];
        let to = near.get(pick).map_or(from, |&row| positives[row]);
        let first = made.len();
        made.extend_from_slice(from);
        let row: &mut [f32] = &mut made[first..];
        for &column in &kinds.numbers {
            row[column] += place[0] * (to[column] - from[column]);
        }
        for &(at, width) in &kinds.categories {
            let most = most_common(near.iter().map(|&row| &positives[row][at..at + width]));
            row[at..at + width].copy_from_slice(most.unwrap_or(&from[at..at + width]));
        }
    }
    made
}

/// The value that most have; of those that as many have the first.
fn most_common<'a>(values: impl Iterator<Item = &'a [f32]> + Clone) -> Option<&'a [f32]> {
    let mut best: Option<(&[f32], usize)> = None;
    for value in values.clone() {
        let count = values.clone().filter(|other| *other == value).count();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((value, count));
        }
    }
    best.map(|(value, _)| value)
}

/// Median of the standard deviations (population) of the numbers.
fn median_deviation(rows: &[&[f32]], kinds: &Kinds) -> f64 {
    let n = rows.len() as f64;
    let deviation = |column: usize| {
        let values = || rows.iter().map(|row| f64::from(row[column]));
        let mean = values().sum::<f64>() / n;
        (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    let mut all: Vec<f64> = kinds.numbers.iter().map(|&column| deviation(column)).collect();
    all.sort_unstable_by(f64::total_cmp);
    let middle = all.len() / 2;
    match (all.len(), all.len() % 2) {
        (0, _) => 1.0,
        (_, 1) => all[middle],
        _ => f64::midpoint(all[middle - 1], all[middle]),
    }
}

/// The rows nearest to row `base`, the nearest first, of equals the first.
fn nearest_of(base: usize, rows: &[&[f32]], kinds: &Kinds, apart: f64) -> Vec<usize> {
    let from = rows[base];
    let distance = |to: &[f32]| {
        let numbers = kinds.numbers.iter().map(|&column| (f64::from(from[column]) - f64::from(to[column])).powi(2));
        let differ = |&&(at, width): &&(usize, usize)| from[at..at + width] != to[at..at + width];
        numbers.sum::<f64>() + kinds.categories.iter().filter(differ).count() as f64 * apart * apart
    };
    let mut all: Vec<(f64, usize)> =
        (0..rows.len()).filter(|&row| row != base).map(|row| (distance(rows[row]), row)).collect();
    let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let kept = NEAREST.min(all.len());
    if kept < all.len() {
        all.select_nth_unstable_by(kept, order);
        all.truncate(kept);
    }
    all.sort_unstable_by(order);
    all.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use focalsweep_core::random::Purpose;
    use serde_json::Value;

    use super::*;

    fn fixture() -> Value {
        serde_json::from_str(include_str!("../../../../tests/fixtures/samplings/smote.json")).unwrap()
    }

    fn matrix(of: &Value) -> Vec<Vec<f32>> {
        let row = |row: &Value| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        of.as_array().unwrap().iter().map(row).collect()
    }

    fn rows(positives: &[Vec<f32>]) -> Rows {
        // Negatives between them are not looked at.
        let (inputs, n) = (positives[0].len(), positives.len());
        let x: Vec<f32> = positives.iter().flat_map(|row| row.iter().copied().chain(vec![9.0; inputs])).collect();
        Rows { x: x.into(), y: [1, 0].repeat(n).into(), source_rows: (0..2 * n as u32).collect(), ..Rows::default() }
    }

    /// Whether `made` can have come of one of the rows and one of its nearest.
    fn lies_between(made: &[f32], all: &[&[f32]], kinds: &Kinds, apart: f64) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() < 2e-5;
        (0..all.len()).any(|base| {
            let near = nearest_of(base, all, kinds, apart);
            let mut counts = kinds.categories.iter().map(|&(at, width)| {
                let of = |value: &[f32]| near.iter().filter(|&&row| &all[row][at..at + width] == value).count();
                let most = near.iter().map(|&row| of(&all[row][at..at + width])).max().unwrap();
                of(&made[at..at + width]) == most
            });
            counts.all(|is_most| is_most)
                && near.iter().any(|&to| {
                    let (from, to) = (all[base], all[to]);
                    let wide = |&&a: &&usize, &&b: &&usize| (to[a] - from[a]).abs().total_cmp(&(to[b] - from[b]).abs());
                    let widest = *kinds.numbers.iter().max_by(wide).unwrap();
                    let place = f64::from(made[widest] - from[widest]) / f64::from(to[widest] - from[widest]);
                    (-1e-4..=1.0001).contains(&place)
                        && kinds.numbers.iter().all(|&at| {
                            close(f64::from(made[at]), f64::from(from[at]) + place * f64::from(to[at] - from[at]))
                        })
                })
        })
    }

    fn mixed() -> Kinds {
        Kinds { numbers: vec![0, 1], categories: vec![(2, 3), (5, 2)] }
    }

    #[test]
    fn the_nearest_are_those_of_imbalanced_learn() {
        let fixture = &fixture()["numbers"];
        let positives = matrix(&fixture["rows"]);
        let all: Vec<&[f32]> = positives.iter().map(Vec::as_slice).collect();
        let kinds = Kinds { numbers: vec![0, 1, 2], categories: Vec::new() };
        for (base, near) in fixture["nearest"].as_array().unwrap().iter().enumerate() {
            let near: Vec<usize> = near.as_array().unwrap().iter().map(|row| row.as_u64().unwrap() as usize).collect();
            assert_eq!(nearest_of(base, &all, &kinds, 1.0), near, "row {base}");
        }
    }

    #[test]
    fn rows_of_imbalanced_learn_and_ours_lie_between_the_same() {
        for (name, kinds) in [("numbers", Kinds { numbers: vec![0, 1, 2], categories: Vec::new() }), ("mixed", mixed())]
        {
            let fixture = &fixture()[name];
            let positives = matrix(&fixture["rows"]);
            let all: Vec<&[f32]> = positives.iter().map(Vec::as_slice).collect();
            let apart = median_deviation(&all, &kinds);
            if let Some(theirs) = fixture["median_deviation"].as_f64() {
                assert!((apart - theirs).abs() < 1e-6, "{apart} {theirs}");
            }
            let theirs = matrix(&fixture["made"]);
            assert_eq!(theirs.len(), 200);
            for row in &theirs {
                assert!(lies_between(row, &all, &kinds, apart), "theirs: {row:?}");
            }
            let inputs = positives[0].len();
            let mut stream = Stream::new(3, 0, Purpose::Smote, 0, 0);
            let ours = synthesise(&rows(&positives), inputs, &kinds, 200, &mut stream);
            let mut bases = std::collections::BTreeSet::new();
            for row in ours.chunks_exact(inputs) {
                assert!(lies_between(row, &all, &kinds, apart), "ours: {row:?}");
                bases.insert(row.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
            }
            assert!(bases.len() > 190, "{} different rows", bases.len());
        }
    }

    #[test]
    fn few_positives_are_enough() {
        for n in 1..8 {
            let positives: Vec<Vec<f32>> = (0..n).map(|i| vec![i as f32, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]).collect();
            let mut stream = Stream::new(3, 0, Purpose::Smote, 0, 0);
            let made = synthesise(&rows(&positives), 7, &mixed(), 20, &mut stream);
            assert_eq!(made.len(), 140);
            assert!(
                made.chunks_exact(7)
                    .all(|row| (0.0..=(n - 1) as f32).contains(&row[0]) && row[1..] == positives[0][1..])
            );
        }
    }
}
