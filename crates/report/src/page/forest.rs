//! A random forest of regression trees over axes of cells (Breiman 2001, Machine Learning 45(1)), as functional ANOVA
//! needs it: leaves with the cells that they reach over.
//!
//! As in Optuna and scikit-learn every tree has a bootstrap of the trials, looks at all axes, and goes on until nothing
//! is left to split. Words are split in two as their means say, which is the best of all ways (Breiman et al. 1984).

use super::axes::Axis;
use focalsweep_core::random::{Purpose, Stream};

/// Trees of a forest.
const TREES: u32 = 64;
/// Less than this share of the variance is no gain.
const LEAST_GAIN: f64 = 1e-9;
/// So many standard errors a correlation has to be above zero. What trees have not seen is no independent sample, so it
/// is more than the 2.33 of a level of 1 %; what comes of it is counted below.
const SURE: f64 = 3.0;

/// Trees, and what they say of trials that they have not seen.
#[derive(Debug)]
pub(super) struct Forest {
    pub(super) trees: Vec<Vec<Leaf>>,
    /// What each trial is by the trees that have not seen it.
    unseen: Vec<Option<f64>>,
}

/// A box of cells that has one value.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// The cells that it reaches over, on each axis.
    pub(super) cells: Vec<u64>,
    /// Mean of its trials.
    pub(super) value: f64,
}

impl Leaf {
    fn holds(&self, axes: &[Axis], trial: usize) -> bool {
        self.cells.iter().zip(axes).all(|(cells, axis)| cells >> axis.of[trial] & 1 == 1)
    }
}

impl Forest {
    /// The forest of `y` over the axes, which have as many trials; the same each time. `rows` are those that count.
    pub(super) fn grow(axes: &[Axis], y: &[f64], rows: &[usize]) -> Self {
        let mut unseen = vec![(0.0, 0_u32); y.len()];
        let mut trees = Vec::with_capacity(TREES as usize);
        for tree in 0..TREES {
            let mut stream = Stream::new(0, tree, Purpose::Forest, 0, 0);
            let drawn: Vec<usize> = rows.iter().map(|_| rows[stream.below(rows.len() as u32) as usize]).collect();
            let mut is_seen = vec![false; y.len()];
            drawn.iter().for_each(|&trial| is_seen[trial] = true);
            let leaves = Grower { axes, y, stream }.tree(drawn);
            for &trial in rows.iter().filter(|&&trial| !is_seen[trial]) {
                if let Some(leaf) = leaves.iter().find(|leaf| leaf.holds(axes, trial)) {
                    unseen[trial] = (unseen[trial].0 + leaf.value, unseen[trial].1 + 1);
                }
            }
            trees.push(leaves);
        }
        let mean = |(sum, trees): (f64, u32)| (trees > 0).then(|| sum / f64::from(trees));
        Self { trees, unseen: unseen.into_iter().map(mean).collect() }
    }

    /// The share of the variance of `y` that the forest explains on trials that its trees have not seen; `None` where
    /// that is not more than chance: it is not above zero, or their correlation is not by far.
    pub(super) fn explained(&self, y: &[f64]) -> Option<f64> {
        let pairs: Vec<(f64, f64)> =
            self.unseen.iter().zip(y).filter_map(|(unseen, &y)| unseen.map(|unseen| (unseen, y))).collect();
        let n = pairs.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (a, b) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let (aa, bb) = (mean(&|pair| (pair.0 - a).powi(2)), mean(&|pair| (pair.1 - b).powi(2)));
        let r = mean(&|pair| (pair.0 - a) * (pair.1 - b)) / (aa * bb).sqrt();
        let t = r * ((n - 2.0) / (1.0 - r * r).max(f64::MIN_POSITIVE)).sqrt();
        let share = 1.0 - mean(&|pair| (pair.0 - pair.1).powi(2)) / bb;
        (t > SURE && share > 0.0).then_some(share)
    }
}

/// Grows one tree.
struct Grower<'a> {
    axes: &'a [Axis],
    y: &'a [f64],
    stream: Stream,
}

/// A split of a node.
struct Split {
    axis: usize,
    /// Cells of the one half.
    cells: u64,
    gain: f64,
}

/// Trials of a cell and the sum of their values.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: f64,
    sum: f64,
}

impl Grower<'_> {
    fn tree(mut self, drawn: Vec<usize>) -> Vec<Leaf> {
        let mut leaves = Vec::with_capacity(drawn.len());
        let mut open = vec![(drawn, self.axes.iter().map(Axis::all).collect::<Vec<u64>>())];
        while let Some((rows, cells)) = open.pop() {
            match self.split(&rows) {
                None => {
                    let value = rows.iter().map(|&row| self.y[row]).sum::<f64>() / rows.len() as f64;
                    leaves.push(Leaf { cells, value });
                }
                Some(Split { axis, cells: half, .. }) => {
                    let (mut one, mut other) = (cells.clone(), cells);
                    one[axis] &= half;
                    other[axis] &= !half;
                    let of = &self.axes[axis].of;
                    let (left, right) = rows.into_iter().partition(|&row| half >> of[row] & 1 == 1);
                    open.push((left, one));
                    open.push((right, other));
                }
            }
        }
        leaves
    }

    /// The split after which the squares are least; of equally good ones any.
    fn split(&mut self, rows: &[usize]) -> Option<Split> {
        let n = rows.len() as f64;
        let (sum, squares) =
            rows.iter().fold((0.0, 0.0), |(sum, squares), &row| (sum + self.y[row], squares + self.y[row].powi(2)));
        let least = LEAST_GAIN * squares.max(f64::MIN_POSITIVE);
        if rows.len() < 2 || squares - sum * sum / n <= least {
            return None;
        }
        let mut order: Vec<usize> = (0..self.axes.len()).collect();
        self.stream.shuffle(&mut order);
        let mut best: Option<Split> = None;
        for axis in order {
            let found = self.split_on(axis, rows, (n, sum));
            let at_least = best.as_ref().map_or(least, |best| best.gain);
            best = found.filter(|found| found.gain > at_least).or(best);
        }
        best
    }

    fn split_on(&self, at: usize, rows: &[usize], (n, sum): (f64, f64)) -> Option<Split> {
        let axis = &self.axes[at];
        let mut bins = [Bin::default(); 64];
        let mut present = 0_u64;
        for &row in rows {
            let cell = usize::from(axis.of[row]);
            bins[cell].count += 1.0;
            bins[cell].sum += self.y[row];
            present |= 1 << cell;
        }
        // The cells with trials, in the order in which they are split.
        let mut cells = [0_usize; 64];
        let mut count = 0;
        while present != 0 {
            cells[count] = present.trailing_zeros() as usize;
            present &= present - 1;
            count += 1;
        }
        let cells = &mut cells[..count];
        if !axis.is_ordered {
            let mean = |cell: &usize| bins[*cell].sum / bins[*cell].count;
            cells.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
        }
        let (mut left, mut best): (_, Option<(f64, usize, bool)>) = (Bin::default(), None);
        for place in 0..cells.len().saturating_sub(1) {
            left.count += bins[cells[place]].count;
            left.sum += bins[cells[place]].sum;
            let (rest, right) = (n - left.count, sum - left.sum);
            let gain = left.sum * left.sum / left.count + right * right / rest - sum * sum / n;
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, place, left.count > rest));
            }
        }
        let (gain, place, left_is_larger) = best?;
        let half = if axis.is_ordered {
            (1 << axis.cut(cells[place], cells[place + 1])) - 1
        } else {
            // Words of which nobody is here go with the larger half.
            let set = |cells: &[usize]| cells.iter().fold(0_u64, |set, cell| set | 1 << cell);
            if left_is_larger { axis.all() & !set(&cells[place + 1..]) } else { set(&cells[..=place]) }
        };
        Some(Split { axis: at, cells: half, gain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Value;

    fn uniforms(count: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0, Purpose::Synth, 0, 0);
        (0..count).map(|_| stream.uniform64()).collect()
    }

    fn axis(values: &[f64]) -> Axis {
        let values: Vec<Value> = values.iter().map(|&v| Value::Number(v)).collect();
        Axis::new(&values.iter().collect::<Vec<_>>(), false).unwrap()
    }

    #[test]
    fn leaves_lie_beside_each_other_and_fill_the_space() {
        let words = ["a", "b", "c", "d"].map(|word| Value::Text(word.to_owned()));
        let words: Vec<&Value> = (0..120).map(|i| &words[i * 7 % 4]).collect();
        let axes = [axis(&uniforms(120, 1)), Axis::new(&words, false).unwrap(), axis(&uniforms(120, 2))];
        let y = uniforms(120, 3);
        let rows: Vec<usize> = (0..120).collect();
        let forest = Forest::grow(&axes, &y, &rows);
        assert_eq!(forest.trees.len(), 64);
        for leaves in &forest.trees {
            let volume = |leaf: &Leaf| leaf.cells.iter().zip(&axes).map(|(&c, axis)| axis.share(c)).product::<f64>();
            assert!((leaves.iter().map(volume).sum::<f64>() - 1.0).abs() < 1e-9);
            // Each trial is in one of them.
            assert!((0..120).all(|trial| leaves.iter().filter(|leaf| leaf.holds(&axes, trial)).count() == 1));
        }
    }

    #[test]
    fn a_tree_that_has_seen_trials_knows_them() {
        let axes = [axis(&uniforms(50, 1)), axis(&uniforms(50, 2))];
        let y = uniforms(50, 3);
        let stream = Stream::new(0, 0, Purpose::Forest, 0, 0);
        let leaves = Grower { axes: &axes, y: &y, stream }.tree((0..50).collect());
        for (trial, y) in y.iter().enumerate() {
            let leaf = leaves.iter().find(|leaf| leaf.holds(&axes, trial)).unwrap();
            assert!((leaf.value - y).abs() < 1e-6, "{} {y}", leaf.value);
        }
    }

    #[test]
    fn what_is_chance_is_not_said_to_explain_anything() {
        let mut told = 0;
        for seed in 0..200 {
            let n = [16, 30][seed as usize % 2];
            let axes: Vec<Axis> = (0..4).map(|at| axis(&uniforms(n, 100 * seed + at))).collect();
            let y = uniforms(n, 100 * seed + 50);
            let rows: Vec<usize> = (0..n).collect();
            told += usize::from(Forest::grow(&axes, &y, &rows).explained(&y).is_some());
        }
        assert!(told <= 4, "{told} of 200");
    }

    #[test]
    fn what_is_not_chance_is() {
        let (a, b, noise) = (uniforms(150, 1), uniforms(150, 2), uniforms(150, 3));
        let y: Vec<f64> = (0..150).map(|i| (3.0 * a[i]).sin() + b[i] + 0.1 * noise[i]).collect();
        let rows: Vec<usize> = (0..150).collect();
        let share = Forest::grow(&[axis(&a), axis(&b)], &y, &rows).explained(&y).unwrap();
        assert!((0.85..1.0).contains(&share), "{share}");
    }
}
