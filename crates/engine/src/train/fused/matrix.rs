//! Values over a block of rows: sixteen rows to a lane, and for each lane its columns one after another.
//!
//! So a product reads a lane's columns in the order in which it adds them up, and rows in lanes keep every operation
//! vertical: no sums across a register until a batch is over.

use super::simd::Lane;

/// `[lanes, columns]`, row-major: one feature or unit of sixteen rows in each [`Lane`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    /// With one lane more, so that a side of a product may begin at any column.
    values: Vec<Lane>,
    columns: usize,
    /// Columns, and one more where their number is even: lanes a power of two apart would fall into the same few sets
    /// of a cache.
    stride: usize,
}

impl Matrix {
    /// Zeros.
    pub(super) fn new(lanes: usize, columns: usize) -> Self {
        let stride = columns | 1;
        Self { values: vec![Lane::ZERO; (lanes + 1) * stride], columns, stride }
    }

    /// How many columns it has.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The columns of lane `t`.
    #[inline(always)]
    pub(super) fn lane(&self, t: usize) -> &[Lane] {
        &self.values[t * self.stride..][..self.columns]
    }

    /// The columns of lane `t`.
    #[inline(always)]
    pub(super) fn lane_mut(&mut self, t: usize) -> &mut [Lane] {
        &mut self.values[t * self.stride..][..self.columns]
    }

    /// All values from column `first` of lane 0 on, and how far apart its lanes are.
    #[inline(always)]
    pub(super) fn beginning_at(&self, first: usize) -> (&[Lane], usize) {
        (&self.values[first..], self.stride)
    }
}
