//! Densities over a space: a mixture with a kernel for each point told, and one for what was likely before.
//!
//! A kernel is a product over dimensions, so that what goes well together is learnt (Falkner et al. 2018). Places in
//! [0, 1] have normal kernels that are cut off there; values that are cells there have the kernel's share of the cell;
//! lists without an order have the value told, or with a small chance any (Aitchison & Aitken 1976, Biometrika 63). The
//! branch is such a list. A dimension that a point does not have is as likely there as before, so that branches learn
//! from each other what they have in common.

use super::Tuning;
use crate::random::Stream;
use crate::search::axis::Axis;
use crate::search::domain::{normal_cdf, normal_quantile};
use crate::search::space::{Point, SearchSpace};

/// The dimensions of all branches, each once.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// The column of each dimension of each branch; `None` where there is one value.
    of_branch: Vec<Vec<Option<usize>>>,
}

/// A dimension of one or more branches.
#[derive(Debug, Clone)]
pub(super) struct Column {
    axis: Axis,
    shapes: bool,
    /// Widths of the cells of a list without an order.
    likely: Vec<f64>,
}

/// A point as places: from and to in each column, or the cell of a list twice; `None` where it has no such dimension.
#[derive(Debug, Clone)]
pub(super) struct Row {
    branch: usize,
    cells: Vec<Option<(f64, f64)>>,
}

/// A mixture of kernels.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    /// Shares of the kernels, adding up to 1.
    weights: Vec<f64>,
    branches: Vec<Option<usize>>,
    /// Chance that a kernel of a branch stays there.
    branch_kept: f64,
    columns: Vec<Vec<Kernel>>,
}

#[derive(Debug, Clone, Copy)]
enum Kernel {
    Flat,
    Normal { mean: f64, sd: f64, below: f64, mass: f64 },
    List { cell: usize, kept: f64 },
}

impl Columns {
    pub(super) fn new(space: &SearchSpace) -> Self {
        let mut columns = Vec::new();
        let mut names: Vec<(&str, &Axis)> = Vec::new();
        let mut of_branch = Vec::new();
        for (branch, dimensions) in space.branches().iter().enumerate() {
            let mut own = Vec::new();
            for (dimension, axis) in dimensions.iter().zip(space.axes(branch)) {
                if axis.count() == Some(1) {
                    own.push(None);
                    continue;
                }
                let name = (dimension.name.as_str(), axis);
                let known = names.iter().position(|&known| known == name);
                own.push(Some(known.unwrap_or(names.len())));
                if known.is_none() {
                    names.push(name);
                    let likely = match axis {
                        Axis::List { edges, ordered: false, .. } => {
                            edges.windows(2).map(|two| two[1] - two[0]).collect()
                        }
                        _ => Vec::new(),
                    };
                    columns.push(Column { axis: axis.clone(), shapes: dimension.shapes_stack, likely });
                }
            }
            of_branch.push(own);
        }
        Self { columns, of_branch }
    }

    /// A point of the space as places.
    pub(super) fn row(&self, point: &Point) -> Row {
        let mut cells = vec![None; self.columns.len()];
        for (column, &value) in self.of_branch[point.branch].iter().zip(&point.values) {
            if let Some(column) = *column {
                let axis = &self.columns[column].axis;
                cells[column] = Some(if axis.is_ordered() {
                    axis.cell(value)
                } else {
                    let cell = axis.list_cell(value).unwrap_or_default() as f64;
                    (cell, cell)
                });
            }
        }
        Row { branch: point.branch, cells }
    }
}

impl Mixture {
    /// A kernel for each of `rows`, with its weight, and one for what was likely before.
    pub(super) fn new(columns: &Columns, rows: &[(&Row, f64)], least: f64, tuning: &Tuning) -> Self {
        let kernels = rows.len() + 1;
        let total: f64 = rows.iter().map(|(_, weight)| weight).sum::<f64>() + tuning.prior_weight;
        let weights = rows.iter().map(|(_, weight)| weight / total).chain([tuning.prior_weight / total]).collect();
        let branches = columns.of_branch.len();
        let strangers = |values: usize| tuning.category * values as f64 / kernels as f64;
        let kept = |values: usize| 1.0 / (1.0 + strangers(values));
        Self {
            weights,
            branches: rows.iter().map(|(row, _)| Some(row.branch)).chain([None]).collect(),
            branch_kept: if branches > 1 { kept(branches) } else { 1.0 },
            columns: (0..columns.columns.len())
                .map(|at| {
                    let column = &columns.columns[at];
                    if !column.axis.is_ordered() {
                        let kept = kept(column.likely.len());
                        return rows
                            .iter()
                            .map(|(row, _)| row.cells[at])
                            .map(|cell| {
                                cell.map_or(Kernel::Flat, |(cell, _)| Kernel::List { cell: cell as usize, kept })
                            })
                            .chain([Kernel::Flat])
                            .collect();
                    }
                    let centre = |(row, _): &(&Row, f64)| row.cells[at].map(|(from, to)| 0.5 * (from + to));
                    let sds = bandwidths(
                        &rows.iter().filter_map(centre).collect::<Vec<f64>>(),
                        least,
                        tuning,
                        columns.columns.len(),
                    );
                    let mut sds = sds.into_iter();
                    let normals = rows
                        .iter()
                        .map(centre)
                        .map(|mean| mean.map_or(Kernel::Flat, |mean| Kernel::normal(mean, sds.next().unwrap_or(1.0))));
                    let prior = if tuning.prior_flat { Kernel::Flat } else { Kernel::normal(0.5, 1.0) };
                    normals.chain([prior]).collect()
                })
                .collect(),
        }
    }

    /// A point of one of the kernels; within one of `shapes`, if there are any.
    pub(super) fn draw(
        &self,
        space: &SearchSpace,
        columns: &Columns,
        shapes: &[(Point, Row)],
        stream: &mut Stream,
    ) -> Point {
        if shapes.is_empty() {
            let kernel = pick(self.weights.iter().copied(), stream);
            let branches = columns.of_branch.len();
            let branch = match self.branches[kernel] {
                Some(branch) if branches == 1 || stream.uniform64() < self.branch_kept => branch,
                _ => stream.below(branches as u32) as usize,
            };
            let mut point = Point { branch, values: space.axes(branch).iter().map(|axis| axis.at(0.5)).collect() };
            self.set(columns, kernel, |_| true, &mut point, stream);
            return point;
        }
        // Kernels as likely as they make each shape.
        let shaping = |column: usize| columns.columns[column].shapes;
        let logs: Vec<f64> = shapes
            .iter()
            .flat_map(|(_, row)| (0..self.weights.len()).map(|kernel| self.log_kernel(columns, kernel, row, shaping)))
            .collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let picked = pick(logs.iter().map(|log| (log - most).exp()), stream);
        let mut point = shapes[picked / self.weights.len()].0.clone();
        self.set(columns, picked % self.weights.len(), |column| !shaping(column), &mut point, stream);
        point
    }

    fn set(
        &self,
        columns: &Columns,
        kernel: usize,
        which: impl Fn(usize) -> bool,
        point: &mut Point,
        stream: &mut Stream,
    ) {
        for (column, value) in columns.of_branch[point.branch].iter().zip(&mut point.values) {
            let Some(at) = column.filter(|&column| which(column)) else { continue };
            let Column { axis, likely, .. } = &columns.columns[at];
            *value = match self.columns[at][kernel] {
                Kernel::List { cell, kept } if stream.uniform64() < kept => axis.nth(cell as u64),
                Kernel::List { .. } => axis.nth(pick(likely.iter().copied(), stream) as u64),
                Kernel::Flat => axis.at(stream.uniform64()),
                Kernel::Normal { mean, sd, below, mass } => {
                    let share = (below + mass * stream.uniform64()).clamp(1e-300, 1.0 - 1e-16);
                    axis.at(mean + sd * normal_quantile(share))
                }
            };
        }
    }

    /// Logarithm of the density at `row`.
    pub(super) fn log_density(&self, columns: &Columns, row: &Row) -> f64 {
        let logs: Vec<f64> =
            (0..self.weights.len()).map(|kernel| self.log_kernel(columns, kernel, row, |_| true)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if most == f64::NEG_INFINITY {
            return most;
        }
        most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
    }

    fn log_kernel(&self, columns: &Columns, kernel: usize, row: &Row, which: impl Fn(usize) -> bool) -> f64 {
        let branches = self.branches_of(columns);
        let same = f64::from(u8::from(self.branches[kernel] == Some(row.branch)));
        let kept = if self.branches[kernel].is_some() { self.branch_kept } else { 0.0 };
        let mut log = (self.weights[kernel] * (kept * same + (1.0 - kept) / branches)).ln();
        for at in (0..row.cells.len()).filter(|&column| which(column)) {
            if let Some(cell) = row.cells[at] {
                log += self.columns[at][kernel].log(cell, &columns.columns[at].likely);
            }
        }
        log
    }

    fn branches_of(&self, columns: &Columns) -> f64 {
        columns.of_branch.len() as f64
    }
}

impl Kernel {
    fn normal(mean: f64, sd: f64) -> Self {
        let below = normal_cdf(-mean / sd);
        Self::Normal { mean, sd, below, mass: normal_cdf((1.0 - mean) / sd) - below }
    }

    fn log(self, (from, to): (f64, f64), likely: &[f64]) -> f64 {
        const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_7;
        match self {
            Self::Flat if !likely.is_empty() => likely[from as usize].ln(),
            Self::Flat if from == to => 0.0,
            Self::Flat => (to - from).ln(),
            Self::Normal { mean, sd, mass, .. } if from == to => {
                let z = (from - mean) / sd;
                -0.5 * z * z - HALF_LOG_TAU - (sd * mass).ln()
            }
            Self::Normal { mean, sd, mass, .. } => {
                // From the side where both tails are small, lest they cancel.
                let (low, high) = ((from - mean) / sd, (to - mean) / sd);
                let share =
                    if low > 0.0 { normal_cdf(-low) - normal_cdf(-high) } else { normal_cdf(high) - normal_cdf(low) };
                (share.max(1e-300) / mass).ln()
            }
            Self::List { cell, kept } => {
                let same = f64::from(u8::from(cell == from as usize));
                (kept * same + (1.0 - kept) * likely[from as usize]).ln()
            }
        }
    }
}

fn bandwidths(centres: &[f64], least: f64, tuning: &Tuning, dims: usize) -> Vec<f64> {
    let n = centres.len();
    let least = least.max((1.0 / (2.0 + n as f64)).powf(tuning.least_power)).min(1.0);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&one, &other| centres[one].total_cmp(&centres[other]));
    let mut sds = vec![1.0; n];
    match tuning.bandwidth {
        0 => {
            for (rank, &at) in order.iter().enumerate() {
                let below = if rank == 0 { 0.0 } else { centres[order[rank - 1]] };
                let above = if rank + 1 == n { 1.0 } else { centres[order[rank + 1]] };
                let (left, right) = (centres[at] - below, above - centres[at]);
                let wide = if n >= 2 && rank == 0 {
                    right
                } else if n >= 2 && rank + 1 == n {
                    left
                } else {
                    left.max(right)
                };
                sds[at] = (wide * tuning.factor).clamp(least, 1.0);
            }
        }
        _ => {
            let mean = centres.iter().sum::<f64>() / n as f64;
            let sd = (centres.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n.max(2) - 1) as f64).sqrt();
            let q = |p: f64| if n == 0 { 0.0 } else { centres[order[((n - 1) as f64 * p).round() as usize]] };
            let iqr = (q(0.75) - q(0.25)) / 1.34;
            let spread = if tuning.bandwidth == 2 {
                sd
            } else if iqr > 0.0 {
                sd.min(iqr)
            } else {
                sd
            };
            let power = if tuning.bandwidth == 3 { -1.0 / (dims as f64 + 4.0) } else { -0.2 };
            let all = (1.06 * tuning.factor * spread * (n as f64).powf(power)).clamp(least, 1.0);
            sds.fill(all);
        }
    }
    sds
}

/// A position, as likely as its weight.
fn pick(weights: impl Iterator<Item = f64> + Clone, stream: &mut Stream) -> usize {
    let mut left = stream.uniform64() * weights.clone().sum::<f64>();
    let mut last = 0;
    for (at, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = at;
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    last
}
