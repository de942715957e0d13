//! Densities over a space: a mixture with a kernel for each point told, and one for what was likely before.
//!
//! A kernel is a product over dimensions, so that what goes well together is learnt (Falkner et al. 2018). The branch
//! is a list without an order. A dimension that a point does not have is as likely there as before, so that branches
//! learn from each other what they have in common.

use super::columns::{Columns, Place, Row};
use super::kernel::Kernel;
use crate::random::Stream;
use crate::search::space::{Point, SearchSpace};

/// Weight of what was likely before; a told point has 1 on average.
const PRIOR: f64 = 1.0;
/// What was likely before, on an axis: nearly flat, less so at the ends.
const PRIOR_MEAN: f64 = 0.5;
const PRIOR_SD: f64 = 1.0;

/// A mixture of kernels; the last is what was likely before.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    /// Shares of the kernels, adding up to 1.
    shares: Vec<f64>,
    branches: Vec<Kernel>,
    /// Logarithms of the shares times the chance of each branch.
    log_shares: Vec<Vec<f64>>,
    /// Kernels of each column.
    columns: Vec<Vec<Kernel>>,
}

impl Mixture {
    /// Rows with their weights, and how narrow a kernel of so many rows may be at least.
    pub(super) fn new(columns: &Columns, rows: &[(&Row, f64)], least: f64) -> Self {
        let total: f64 = rows.iter().map(|(_, weight)| weight).sum::<f64>() + PRIOR;
        let shares: Vec<f64> = rows.iter().map(|(_, weight)| weight / total).chain([PRIOR / total]).collect();
        // As many strangers in a list as there are values, shared by all kernels.
        let kept = |values: usize| shares.len() as f64 / (shares.len() + values) as f64;
        let lists = |cells: Vec<Option<usize>>, values: usize| -> Vec<Kernel> {
            let kept = kept(values);
            let kernels = cells.into_iter().map(|cell| cell.map_or(Kernel::Flat, |cell| Kernel::List { cell, kept }));
            kernels.chain([Kernel::Flat]).collect()
        };
        let count = columns.of_branch.len();
        let branches = lists(rows.iter().map(|(row, _)| Some(row.branch)).collect(), if count > 1 { count } else { 0 });
        let alike = vec![1.0 / count as f64; count];
        let log_shares = (0..count).map(|branch| {
            let logs = shares.iter().zip(&branches);
            logs.map(|(share, kernel)| share.ln() + kernel.log(Place::Cell(branch), &alike)).collect()
        });
        let of_column = |at: usize| {
            let places = rows.iter().map(|(row, _)| row.places[at]);
            if !columns.all[at].axis.is_ordered() {
                let cells = places.map(|place| match place? {
                    Place::Cell(cell) => Some(cell),
                    Place::At(_) | Place::Between(..) => None,
                });
                return lists(cells.collect(), columns.all[at].likely.len());
            }
            let means: Vec<Option<f64>> = places.map(|place| place.and_then(Place::middle)).collect();
            let mut widths = bandwidths(&means.iter().flatten().copied().collect::<Vec<_>>(), least).into_iter();
            let kernels = means.into_iter().map(|mean| match mean {
                Some(mean) => Kernel::normal(mean, widths.next().unwrap_or(1.0)),
                None => Kernel::Flat,
            });
            kernels.chain([Kernel::normal(PRIOR_MEAN, PRIOR_SD)]).collect()
        };
        Self {
            log_shares: log_shares.collect(),
            columns: (0..columns.all.len()).map(of_column).collect(),
            shares,
            branches,
        }
    }

    /// A point of one of the kernels.
    pub(super) fn draw(&self, space: &SearchSpace, columns: &Columns, stream: &mut Stream) -> Point {
        let kernel = pick(&self.shares, stream);
        let count = columns.of_branch.len();
        let branch = match self.branches[kernel] {
            Kernel::List { cell, kept } if count == 1 || stream.uniform64() < kept => cell,
            _ => stream.below(count as u32) as usize,
        };
        let mut point = space.middle(branch);
        self.set(columns, kernel, |_| true, &mut point, stream);
        point
    }

    /// How likely each kernel makes each of `shapes`: those of the first shape first.
    pub(super) fn shares_of_shapes(&self, columns: &Columns, shapes: &[Row]) -> Vec<f64> {
        let shaping = |column: usize| columns.all[column].shapes;
        let logs: Vec<f64> = shapes.iter().flat_map(|row| self.log_kernels(columns, row, shaping)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logs.iter().map(|log| (log - most).exp()).collect()
    }

    /// A point of one of the kernels within one of `shapes`, whose shares are [`Mixture::shares_of_shapes`].
    pub(super) fn draw_within(
        &self,
        columns: &Columns,
        shapes: &[Point],
        shares: &[f64],
        stream: &mut Stream,
    ) -> Point {
        let picked = pick(shares, stream);
        let mut point = shapes[picked / self.shares.len()].clone();
        self.set(columns, picked % self.shares.len(), |column| !columns.all[column].shapes, &mut point, stream);
        point
    }

    /// Sets the values of those columns that `which` says.
    fn set(
        &self,
        columns: &Columns,
        kernel: usize,
        which: impl Fn(usize) -> bool,
        point: &mut Point,
        stream: &mut Stream,
    ) {
        for (column, value) in columns.of_branch[point.branch].iter().zip(&mut point.values) {
            if let Some(at) = column.filter(|&column| which(column)) {
                *value = self.columns[at][kernel].draw(&columns.all[at].axis, stream);
            }
        }
    }

    /// Logarithm of the density at `row`.
    pub(super) fn log_density(&self, columns: &Columns, row: &Row) -> f64 {
        let logs = self.log_kernels(columns, row, |_| true);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
    }

    /// Logarithms of the weighted kernels at `row`, in the columns that `which` says.
    fn log_kernels(&self, columns: &Columns, row: &Row, which: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut logs = self.log_shares[row.branch].clone();
        for (at, column) in columns.all.iter().enumerate().filter(|(at, _)| which(*at)) {
            if let Some(place) = row.places[at] {
                for (log, kernel) in logs.iter_mut().zip(&self.columns[at]) {
                    *log += kernel.log(place, &column.likely);
                }
            }
        }
        logs
    }
}

/// How wide the kernel of each mean is: as far as the farther neighbour (Bergstra et al. 2011), at the ends as far as
/// the one neighbour, but at least `least` and at most the whole axis.
fn bandwidths(means: &[f64], least: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|&one, &other| means[one].total_cmp(&means[other]));
    let mut widths = vec![1.0; means.len()];
    for (rank, &at) in order.iter().enumerate() {
        let below = rank.checked_sub(1).map(|rank| means[at] - means[order[rank]]);
        let above = order.get(rank + 1).map(|&next| means[next] - means[at]);
        let farther = match (below, above) {
            (Some(below), Some(above)) => below.max(above),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => means[at].max(1.0 - means[at]),
        };
        widths[at] = farther.clamp(least.min(1.0), 1.0);
    }
    widths
}

/// A position, as likely as its share.
fn pick(shares: &[f64], stream: &mut Stream) -> usize {
    let mut left = stream.uniform64() * shares.iter().sum::<f64>();
    let mut last = 0;
    for (at, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        last = at;
        if left < share {
            break;
        }
        left -= share;
    }
    last
}
