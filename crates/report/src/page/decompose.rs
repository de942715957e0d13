//! Functional analysis of variance of a forest: what each hyperparameter and each pair explains of its variance over
//! the whole space (Hutter, Hoos & Leyton-Brown 2014, An Efficient Approach for Assessing Hyperparameter Importance,
//! ICML 32, algorithm 2 and equations 5 to 9).
//!
//! The average of a tree over all axes but one is a step function of that one, and is computed exactly from its leaves.

use super::axes::Axis;
use super::forest::{Forest, Leaf};

/// The parts of the variance of a forest, as shares that are means over its trees, and its averages.
#[derive(Debug)]
pub(super) struct Decomposition {
    /// By axis: what it explains by itself.
    pub(super) alone: Vec<f64>,
    /// Of each pair of axes what both explain beyond what each does by itself.
    pub(super) pairs: Vec<((usize, usize), f64)>,
    /// By axis and cell: the average over all others, and the standard deviation of it over the trees.
    pub(super) averages: Vec<Vec<(f64, f64)>>,
}

impl Decomposition {
    /// What is left for three and more together.
    pub(super) fn rest(&self) -> f64 {
        let known = self.alone.iter().chain(self.pairs.iter().map(|(_, share)| share)).sum::<f64>();
        (1.0 - known).max(0.0)
    }
}

/// The parts of the variance; `None` where no tree has any.
pub(super) fn decompose(forest: &Forest, axes: &[Axis]) -> Option<Decomposition> {
    let d = axes.len();
    let pairs: Vec<(usize, usize)> = (0..d).flat_map(|i| (i + 1..d).map(move |j| (i, j))).collect();
    let (mut alone, mut together) = (vec![0.0; d], vec![0.0; pairs.len()]);
    let mut sums: Vec<Vec<(f64, f64)>> = axes.iter().map(|axis| vec![(0.0, 0.0); axis.weights.len()]).collect();
    let mut trees = 0.0;
    for leaves in &forest.trees {
        let tree = Tree::new(leaves, axes);
        let curves: Vec<Vec<f64>> = (0..d).map(|axis| tree.along(axis)).collect();
        for (sums, curve) in sums.iter_mut().zip(&curves) {
            for (sum, deviation) in sums.iter_mut().zip(curve) {
                let value = tree.mean + deviation;
                *sum = (sum.0 + value, sum.1 + value * value);
            }
        }
        if tree.variance <= 0.0 {
            continue;
        }
        trees += 1.0;
        let by_axis: Vec<f64> = curves.iter().zip(axes).map(|(curve, axis)| variance(curve, &axis.weights)).collect();
        for (share, variance) in alone.iter_mut().zip(&by_axis) {
            *share += variance / tree.variance;
        }
        for (share, &(i, j)) in together.iter_mut().zip(&pairs) {
            *share += (tree.variance_over(i, j) - by_axis[i] - by_axis[j]).max(0.0) / tree.variance;
        }
    }
    if trees == 0.0 {
        return None;
    }
    let all = forest.trees.len() as f64;
    let average = |(sum, squares): (f64, f64)| (sum / all, (squares / all - (sum / all).powi(2)).max(0.0).sqrt());
    Some(Decomposition {
        alone: alone.into_iter().map(|sum| sum / trees).collect(),
        pairs: pairs.into_iter().zip(together.into_iter().map(|sum| sum / trees)).collect(),
        averages: sums.into_iter().map(|sums| sums.into_iter().map(average).collect()).collect(),
    })
}

/// Σ w f², for f whose mean is 0.
fn variance(curve: &[f64], weights: &[f64]) -> f64 {
    curve.iter().zip(weights).map(|(value, weight)| weight * value * value).sum()
}

/// A tree with what its leaves weigh.
struct Tree<'a> {
    axes: &'a [Axis],
    /// The mean over the whole space, and the variance.
    mean: f64,
    variance: f64,
    leaves: Vec<Weighed>,
}

/// A leaf as a box of runs of cells.
struct Weighed {
    /// By axis: its share of it, and its cells in runs from one to before another.
    shares: Vec<f64>,
    runs: Vec<Vec<(usize, usize)>>,
    /// Its value less the tree's mean, by its share of the space.
    mass: f64,
}

impl<'a> Tree<'a> {
    fn new(leaves: &[Leaf], axes: &'a [Axis]) -> Self {
        let shares =
            |leaf: &Leaf| -> Vec<f64> { leaf.cells.iter().zip(axes).map(|(&cells, axis)| axis.share(cells)).collect() };
        let shares: Vec<Vec<f64>> = leaves.iter().map(shares).collect();
        let volumes: Vec<f64> = shares.iter().map(|shares| shares.iter().product()).collect();
        let weighed = || leaves.iter().map(|leaf| leaf.value).zip(&volumes);
        let mean: f64 = weighed().map(|(value, volume)| value * volume).sum();
        Self {
            axes,
            mean,
            variance: weighed().map(|(value, volume)| (value - mean).powi(2) * volume).sum(),
            leaves: leaves
                .iter()
                .zip(shares)
                .zip(&volumes)
                .map(|((leaf, shares), volume)| Weighed {
                    shares,
                    runs: leaf.cells.iter().map(|&cells| runs(cells)).collect(),
                    mass: (leaf.value - mean) * volume,
                })
                .collect(),
        }
    }

    /// The average over all axes but one, less the mean, in each cell of that one.
    fn along(&self, axis: usize) -> Vec<f64> {
        // What begins and ends at each cell; the sums over it are what there is.
        let mut steps = vec![0.0; self.axes[axis].weights.len() + 1];
        for leaf in &self.leaves {
            let height = leaf.mass / leaf.shares[axis];
            for &(from, to) in &leaf.runs[axis] {
                steps[from] += height;
                steps[to] -= height;
            }
        }
        steps.pop();
        let mut height = 0.0;
        steps
            .iter()
            .map(|step| {
                height += step;
                height
            })
            .collect()
    }

    /// The average over all axes but two, less the mean, in each of their cells: those of the second one after the
    /// other, for each of the first.
    fn over(&self, i: usize, j: usize) -> Vec<f64> {
        let (across, down) = (self.axes[i].weights.len(), self.axes[j].weights.len());
        let width = down + 1;
        let mut steps = vec![0.0; (across + 1) * width];
        for leaf in &self.leaves {
            let height = leaf.mass / (leaf.shares[i] * leaf.shares[j]);
            for &(left, right) in &leaf.runs[i] {
                for &(top, bottom) in &leaf.runs[j] {
                    steps[left * width + top] += height;
                    steps[left * width + bottom] -= height;
                    steps[right * width + top] -= height;
                    steps[right * width + bottom] += height;
                }
            }
        }
        let mut columns = vec![0.0; down];
        let mut cells = Vec::with_capacity(across * down);
        for steps in steps.chunks(width).take(across) {
            let mut height = 0.0;
            for (step, column) in steps.iter().zip(&mut columns) {
                *column += step;
                height += *column;
                cells.push(height);
            }
        }
        cells
    }

    /// Variance of that.
    fn variance_over(&self, i: usize, j: usize) -> f64 {
        let down = &self.axes[j].weights;
        let rows = self.over(i, j);
        rows.chunks(down.len()).zip(&self.axes[i].weights).map(|(row, across)| across * variance(row, down)).sum()
    }
}

/// The average over all axes but two in each of their cells, mean over the trees: those of the second axis one after
/// the other, for each of the first.
pub(super) fn average_over(forest: &Forest, axes: &[Axis], (i, j): (usize, usize)) -> Vec<f64> {
    let mut sums = vec![0.0; axes[i].weights.len() * axes[j].weights.len()];
    for leaves in &forest.trees {
        let tree = Tree::new(leaves, axes);
        sums.iter_mut().zip(tree.over(i, j)).for_each(|(sum, deviation)| *sum += tree.mean + deviation);
    }
    sums.into_iter().map(|sum| sum / forest.trees.len() as f64).collect()
}

/// The set bits as runs from one to before another.
fn runs(mut cells: u64) -> Vec<(usize, usize)> {
    let mut runs = Vec::with_capacity(1);
    while cells != 0 {
        let from = cells.trailing_zeros();
        let length = (!(cells >> from)).trailing_zeros();
        runs.push((from as usize, (from + length) as usize));
        cells &= if from + length >= 64 { 0 } else { u64::MAX << (from + length) };
    }
    runs
}

#[cfg(test)]
mod tests;
