//! A batch turned on its side: for each feature its rows in a column, sixteen to a lane.

use super::kernels::Column;
use super::simd::Lane;
use focalsweep_core::prepared::Rows;

/// Lanes of a large block: 256 rows, so that a model's activations over it stay in the first-level cache.
pub(super) const LARGE: usize = 16;
/// Lanes of a small block: 64 rows, for what is left of a batch.
pub(super) const SMALL: usize = 4;

/// Rows of a batch, up to 16·T.
#[derive(Debug, Clone)]
pub(super) struct Block<const T: usize> {
    /// The features, and last a column of ones (0 past the last row) for the biases.
    pub(super) x: Vec<Column<T>>,
    /// 1 for positive rows, -1 for negative, 0 past the last row.
    pub(super) sign: Column<T>,
    /// Dropout uniforms of each hidden layer, a column for each unit; empty without dropout.
    pub(super) uniforms: Vec<Vec<Column<T>>>,
    /// Rows that count.
    pub(super) rows: usize,
}

impl<const T: usize> Block<T> {
    /// An empty block for `inputs` features and hidden layers of `widths`.
    pub(super) fn new(inputs: usize, widths: &[usize]) -> Self {
        let columns = |n: usize| vec![[Lane::ZERO; T]; n];
        Self {
            x: columns(inputs + 1),
            sign: [Lane::ZERO; T],
            uniforms: widths.iter().map(|&width| columns(width)).collect(),
            rows: 0,
        }
    }

    /// Takes the rows at `places` of `rows`.
    #[inline(always)]
    pub(super) fn gather(&mut self, rows: &Rows, places: impl ExactSizeIterator<Item = usize>) {
        let inputs = self.x.len() - 1;
        self.rows = places.len();
        let mut places = places;
        for lane in 0..T {
            // Lane by lane, so that a lane is written whole while its sixteen rows are at hand.
            let mut at = [None; 16];
            for (slot, place) in at.iter_mut().zip(places.by_ref()) {
                *slot = Some(place);
            }
            let mut sources: [&[f32]; 16] = [&[]; 16];
            let (mut sign, mut one) = (Lane::ZERO, Lane::ZERO);
            for (slot, place) in at.iter().enumerate() {
                let Some(place) = *place else { break };
                sources[slot] = &rows.x[place * inputs..(place + 1) * inputs];
                sign.0[slot] = if rows.y[place] == 1 { 1.0 } else { -1.0 };
                one.0[slot] = 1.0;
            }
            for (feature, column) in self.x[..inputs].iter_mut().enumerate() {
                column[lane].0 = std::array::from_fn(|slot| sources[slot].get(feature).copied().unwrap_or(0.0));
            }
            self.x[inputs][lane] = one;
            self.sign[lane] = sign;
        }
    }

    /// Takes this block's part of each layer's uniforms, `[rows, width]`, from row `first` on.
    #[inline(always)]
    pub(super) fn gather_uniforms(&mut self, uniforms: &[Vec<f32>], first: usize) {
        for (columns, values) in self.uniforms.iter_mut().zip(uniforms) {
            let width = columns.len();
            let values = &values[first * width..(first + self.rows) * width];
            for (row, values) in values.chunks_exact(width).enumerate() {
                let (lane, slot) = (row / 16, row % 16);
                for (column, &value) in columns.iter_mut().zip(values) {
                    column[lane].0[slot] = value;
                }
            }
        }
    }
}

/// First row and number of rows of a block.
pub(super) type Cut = (usize, usize);

/// Cuts `rows` rows into large blocks and, for what is left, small ones.
pub(super) fn cut(rows: usize) -> (Vec<Cut>, Vec<Cut>) {
    let (large, small) = (16 * LARGE, 16 * SMALL);
    let mut blocks = (Vec::new(), Vec::new());
    let mut first = 0;
    while first < rows {
        let left = rows - first;
        // Three quarters of a large block are worth padding; less goes into small ones.
        let (list, size) = if left > large - small { (&mut blocks.0, large) } else { (&mut blocks.1, small) };
        list.push((first, left.min(size)));
        first += size;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_row_once() {
        for rows in 0..1200 {
            let (large, small) = cut(rows);
            let mut all: Vec<Cut> = large.into_iter().chain(small).collect();
            all.sort_unstable();
            let mut next = 0;
            for (first, count) in all {
                assert_eq!(first, next);
                next += count;
            }
            assert_eq!(next, rows);
        }
    }

    #[test]
    fn a_smaller_batch_leaves_nothing_of_a_larger_one() {
        let rows = Rows {
            x: (0..200).map(|v| v as f32 + 1.0).collect(),
            y: vec![1; 100].into(),
            source_rows: (0..100).collect(),
        };
        let mut used = Block::<SMALL>::new(2, &[]);
        used.gather(&rows, 0..64);
        used.gather(&rows, 70..90);
        let mut fresh = Block::<SMALL>::new(2, &[]);
        fresh.gather(&rows, 70..90);
        assert_eq!((used.x, used.sign, used.rows), (fresh.x, fresh.sign, 20));
    }
}
