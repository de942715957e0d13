//! A batch turned on its side: its rows in lanes of sixteen, cut into blocks.

use super::matrix::Matrix;
use super::simd::{Lane, Simd};
use focalsweep_core::prepared::Rows;

/// Lanes of the least block: 256 rows. Losses are added up in single precision over as many.
pub(super) const LEAST: usize = 16;

/// Rows of a batch.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The features, and last a column of ones (0 past the last row) for the biases.
    pub(super) x: Matrix,
    /// For each lane: 1 for positive rows, -1 for negative, 0 past the last row.
    pub(super) sign: Vec<Lane>,
    /// For each lane: by how much its rows count, 0 past the last row; empty where each counts once.
    pub(super) weight: Vec<Lane>,
    /// For each dropout rate, and of it for each hidden layer, what is kept; empty without dropout.
    pub(super) kept: Vec<Vec<Kept>>,
    /// Rows that count.
    pub(super) rows: usize,
}

impl Block {
    /// An empty block of up to `lanes` lanes for `inputs` features.
    pub(super) fn new(lanes: usize, inputs: usize) -> Self {
        Self {
            x: Matrix::new(lanes, inputs + 1),
            sign: vec![Lane::ZERO; lanes],
            weight: Vec::new(),
            kept: Vec::new(),
            rows: 0,
        }
    }

    /// Lanes that have rows.
    pub(super) fn lanes(&self) -> usize {
        self.rows.div_ceil(16)
    }

    /// Takes the rows at `places` of `rows`, or behind these of `more`.
    #[inline(always)]
    pub(super) fn gather<S: Simd>(
        &mut self,
        simd: S,
        [rows, more]: [&Rows; 2],
        places: impl ExactSizeIterator<Item = usize>,
    ) {
        let inputs = self.x.columns() - 1;
        self.rows = places.len();
        let mut places = places;
        // One lane more than there is: products take them in pairs.
        for lane in 0..self.sign.len().min(self.lanes() + 1) {
            // Lane by lane, so that a lane is written whole while its sixteen rows are at hand.
            let mut at = [None; 16];
            for (slot, place) in at.iter_mut().zip(places.by_ref()) {
                *slot = Some(place);
            }
            let mut sources: [&[f32]; 16] = [&[]; 16];
            let (mut sign, mut one) = (Lane::ZERO, Lane::ZERO);
            for (slot, place) in at.iter().enumerate() {
                let Some(place) = *place else { break };
                let (of, place) = if place < rows.len() { (rows, place) } else { (more, place - rows.len()) };
                sources[slot] = &of.x[place * inputs..(place + 1) * inputs];
                sign.0[slot] = if of.y[place] == 1 { 1.0 } else { -1.0 };
                one.0[slot] = 1.0;
            }
            let columns = self.x.lane_mut(lane);
            turn(simd, sources, &mut columns[..inputs]);
            columns[inputs] = one;
            self.sign[lane] = sign;
        }
    }

    /// Takes by how much the rows at `places` count; none of `weights` is there where each counts once.
    pub(super) fn gather_weights(&mut self, weights: &[f32], places: impl ExactSizeIterator<Item = usize>) {
        self.weight.clear();
        if weights.is_empty() {
            return;
        }
        self.weight.resize(places.len().div_ceil(16), Lane::ZERO);
        for (at, place) in places.enumerate() {
            self.weight[at / 16].0[at % 16] = weights.get(place).copied().unwrap_or(1.0);
        }
    }

    /// Takes what each of `rates` keeps of each layer's units by its uniforms, `[rows, width]`, of which this block's
    /// begin at row `first`.
    #[inline(always)]
    pub(super) fn gather_kept(&mut self, rates: &[f32], uniforms: &[Vec<f32>], widths: &[usize], first: usize) {
        self.kept.resize_with(rates.len(), Vec::new);
        for (layers, &rate) in self.kept.iter_mut().zip(rates) {
            layers.resize_with(widths.len(), Kept::default);
            for ((kept, values), &width) in layers.iter_mut().zip(uniforms).zip(widths) {
                kept.fill(&values[first * width..(first + self.rows) * width], width, rate);
            }
        }
    }
}

/// What dropout keeps of a layer's units over a block: sixteen rows to a number, row 0 the lowest bit.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// `[lanes, width]`
    bits: Vec<u16>,
    width: usize,
}

impl Kept {
    /// Keeps where a uniform, `[rows, width]`, is not below the rate.
    #[inline(always)]
    pub(super) fn fill(&mut self, uniforms: &[f32], width: usize, rate: f32) {
        self.width = width;
        self.bits.clear();
        self.bits.resize((uniforms.len() / width).div_ceil(16) * width, 0);
        for (bits, lane) in self.bits.chunks_exact_mut(width).zip(uniforms.chunks(16 * width)) {
            for (row, uniforms) in lane.chunks_exact(width).enumerate() {
                for (bits, &uniform) in bits.iter_mut().zip(uniforms) {
                    *bits |= u16::from(uniform >= rate) << row;
                }
            }
        }
    }

    /// The units of lane `t`; none where there is no such lane.
    #[inline(always)]
    pub(super) fn lane(&self, t: usize) -> &[u16] {
        self.bits.get(t * self.width..(t + 1) * self.width).unwrap_or(&[])
    }
}

/// The rows of a lane into its columns, sixteen by sixteen; 0 where there is no row.
#[inline(always)]
fn turn<S: Simd>(simd: S, rows: [&[f32]; 16], columns: &mut [Lane]) {
    let whole = columns.len() / 16 * 16;
    let (squares, rest) = columns.split_at_mut(whole);
    for (square, columns) in squares.chunks_exact_mut(16).enumerate() {
        let of_row = |row: &[f32]| row[16 * square..].first_chunk().map_or(Lane::ZERO, |values| Lane(*values));
        simd.turn(&rows.map(|row| if row.is_empty() { Lane::ZERO } else { of_row(row) }), columns, 1);
    }
    for (place, column) in (whole..).zip(rest) {
        column.0 = std::array::from_fn(|slot| rows[slot].get(place).copied().unwrap_or(0.0));
    }
}

/// First row and number of rows of a part of a batch or block.
pub(super) type Cut = (usize, usize);

/// Cuts `rows` rows into blocks of `size`, the last as large as is left.
pub(super) fn cut(rows: usize, size: usize) -> impl ExactSizeIterator<Item = Cut> {
    (0..rows).step_by(size).map(move |first| (first, size.min(rows - first)))
}

/// The parts of a block of `rows` rows whose losses are added up in single precision: 256 rows each, and of less than
/// three quarters of that 64 each. The record hangs on it.
pub(super) fn loss_cuts(rows: usize) -> impl Iterator<Item = Cut> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = rows - first;
        let size = left.min(if left > 16 * LEAST * 3 / 4 { 16 * LEAST } else { 16 * LEAST / 4 });
        first += size;
        (size > 0).then_some((first - size, size))
    })
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::*;

    #[test]
    fn parts_cover_every_row_once() {
        for rows in 0..1200 {
            for cuts in [cut(rows, 256).collect::<Vec<_>>(), loss_cuts(rows).collect()] {
                let mut next = 0;
                for (first, count) in cuts {
                    assert_eq!((first, first % 16), (next, 0));
                    next += count;
                }
                assert_eq!(next, rows);
            }
        }
    }

    /// Narrower than a square of the turn, one, and some with a rest.
    #[test]
    fn rows_are_turned_whatever_their_number_and_width() {
        for inputs in [1, 3, 15, 16, 17, 40] {
            let rows = Rows {
                x: (0..50 * inputs).map(|v| v as f32 + 1.0).collect(),
                y: vec![1; 50].into(),
                source_rows: (0..50).collect(),
                ..Rows::default()
            };
            let mut block = Block::new(3, inputs);
            let places: Vec<usize> = (0..37).map(|at| at * 7 % 50).collect();
            block.gather(Portable, [&rows, &rows], places.iter().copied());
            for (at, column) in (0..48).flat_map(|at| (0..=inputs).map(move |column| (at, column))) {
                let expected = match places.get(at) {
                    None => 0.0,
                    Some(_) if column == inputs => 1.0,
                    Some(place) => rows.x[place * inputs + column],
                };
                assert_eq!(block.x.lane(at / 16)[column].0[at % 16], expected, "row {at}, column {column} of {inputs}");
            }
        }
    }

    #[test]
    fn a_smaller_batch_leaves_nothing_of_a_larger_one() {
        let rows = Rows {
            x: (0..200).map(|v| v as f32 + 1.0).collect(),
            y: vec![1; 100].into(),
            source_rows: (0..100).collect(),
            ..Rows::default()
        };
        let both = [&rows, &rows];
        let mut used = Block::new(4, 2);
        used.gather(Portable, both, 0..64);
        used.gather(Portable, both, 70..90);
        let mut fresh = Block::new(4, 2);
        fresh.gather(Portable, both, 170..190); // those from 70 on of the second
        assert_eq!((used.lanes(), used.rows), (2, 20));
        for lane in 0..3 {
            assert_eq!((used.x.lane(lane), used.sign[lane]), (fresh.x.lane(lane), fresh.sign[lane]));
        }
    }
}
