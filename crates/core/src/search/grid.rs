//! Every point of a space with an end, in an order that is spread over it: what is there after any part of it covers
//! the whole.
//!
//! Point `t` is combination `t g mod N` of `N`, with `g` without a common divisor with `N` and next to the golden
//! section of it, so that slow dimensions are gone through as evenly as a sequence can (Kronecker's, with the number
//! that is hardest to approximate; Niederreiter 1992, Random Number Generation and Quasi-Monte Carlo Methods, section
//! 3.1), and the fastest one in full turns.

use thiserror::Error;

use super::seen::Seen;
use super::space::{Point, SearchSpace};
use super::{Search, Told};

/// All points.
#[derive(Debug, Clone)]
pub struct GridSearch {
    space: SearchSpace,
    /// Points of each branch.
    counts: Vec<u64>,
    total: u64,
    step: u64,
    seen: Seen,
}

/// A space without end has no grid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0} has no end of values, so there is no grid: give it `values`, a step, or another `method`")]
pub struct Endless(pub String);

impl GridSearch {
    /// The grid of `space`.
    ///
    /// # Errors
    /// The space has no end; the first dimension without one is named.
    pub fn new(space: SearchSpace) -> Result<Self, Endless> {
        let branches = 0..space.branches().len();
        let counts: Option<Vec<u64>> = branches.clone().map(|branch| space.count(branch, |_| true)).collect();
        let (Some(counts), Some(total)) = (counts, space.len()) else {
            let all = branches.flat_map(|branch| space.branches()[branch].iter().zip(space.axes(branch)));
            let endless = all.into_iter().find(|(_, axis)| axis.count().is_none());
            return Err(Endless(endless.map_or("the space".to_owned(), |(dimension, _)| dimension.name.clone())));
        };
        Ok(Self { step: golden_step(total), space, counts, total, seen: Seen::default() })
    }

    /// The point at place `at` of the order.
    fn nth(&self, at: u64) -> Point {
        let mut index = (u128::from(at) * u128::from(self.step) % u128::from(self.total.max(1))) as u64;
        let mut branch = 0;
        while index >= self.counts[branch] && branch + 1 < self.counts.len() {
            index -= self.counts[branch];
            branch += 1;
        }
        let mut point = self.space.middle(branch);
        self.space.set_nth(&mut point, index, |_| true);
        point
    }
}

impl Search for GridSearch {
    fn ask(&self, n: usize) -> Vec<Point> {
        let left = (0..self.total).map(|at| self.nth(at)).filter(|point| !self.seen.contains(&self.space, point));
        left.take(n).collect()
    }

    fn tell(&mut self, told: &[Told]) {
        for Told { point, .. } in told.iter().filter(|told| self.space.holds(&told.point)) {
            self.seen.insert(&self.space, point);
        }
    }
}

/// The number nearest to the golden section of `total` that has no common divisor with it.
fn golden_step(total: u64) -> u64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let near = (total as f64 * GOLDEN) as u64;
    let candidates = (0..total).flat_map(|away| [near.checked_add(away), near.checked_sub(away)]);
    candidates.flatten().find(|&step| gcd(step, total) == 1).unwrap_or(1)
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}
