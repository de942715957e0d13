//! The gradient of a large layer, a number for each parameter: sixteen units to a lane, row after row.
//!
//! The usual matrix product (Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3),
//! 2008): the units' gradients are turned, so that a row's stand side by side, in panels that stay in a first-level
//! cache while all inputs go by. A sum goes up with the rows of a [`RUN`], and runs are added up in their order,
//! whatever the blocks, the tiles and the processor.

use super::matrix::Matrix;
use super::product::parts;
use super::simd::{Kernel, Lane, Simd};

/// Lanes over which a tile is added up in registers: 128 rows, so that a panel of 48 units takes 24 KiB.
pub(super) const RUN: usize = 8;

/// Sums `[inputs, units]`, and a panel of the units' gradients.
#[derive(Debug, Clone)]
pub(super) struct Panels {
    /// `[height, width / 16 rounded up]`
    sums: Vec<Lane>,
    height: usize,
    width: usize,
    /// `[rows of a run, lanes of the panel]`
    panel: Vec<Lane>,
}

impl Panels {
    /// Zeros.
    pub(super) fn new(height: usize, width: usize) -> Self {
        Self { sums: vec![Lane::ZERO; height * width.div_ceil(16)], height, width, panel: Vec::new() }
    }

    /// Adds `x[row, i] · delta[row, j]` over the rows of the lanes below `lanes`; `fresh` sums begin with 0.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, simd: S, (x, delta): (&Matrix, &Matrix), lanes: usize, fresh: bool) {
        let width = self.width.div_ceil(16);
        self.panel.resize(RUN * 16 * S::PANEL.1, Lane::ZERO);
        for from in (0..lanes).step_by(RUN) {
            let run = (from, lanes.min(from + RUN));
            let fresh = fresh && from == 0;
            for (j, breadth) in parts(0, width, S::PANEL.1) {
                let panel = &mut self.panel[..(run.1 - run.0) * 16 * breadth];
                simd.call(Turn { delta, run, first: 16 * j, units: self.width - 16 * j, breadth, panel });
                let of = Run { x, run, panel, fresh, width };
                for (i, rows) in parts(0, self.height, S::PANEL.0) {
                    of.tile(simd, i, (rows, breadth), &mut self.sums[i * width + j..]);
                }
            }
        }
    }

    /// Copies the sums, row-major, to the beginning of `slopes`, and gives back what comes after.
    #[inline(always)]
    pub(super) fn copy_to<'a>(&self, slopes: &'a mut [f32]) -> &'a mut [f32] {
        let (to, after) = slopes.split_at_mut(self.height * self.width);
        for (to, from) in to.chunks_exact_mut(self.width).zip(self.sums.chunks_exact(self.width.div_ceil(16))) {
            for (to, from) in to.chunks_mut(16).zip(from) {
                to.copy_from_slice(&from.0[..to.len()]);
            }
        }
        after
    }
}

/// Turns the columns of `delta` from `first` on, `units` at most, over a run of lanes into `panel`, `[rows, breadth]`.
struct Turn<'a> {
    delta: &'a Matrix,
    run: (usize, usize),
    first: usize,
    units: usize,
    breadth: usize,
    panel: &'a mut [Lane],
}

impl Kernel for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { delta, run, first, units, breadth, panel } = self;
        for (t, rows) in (run.0..run.1).zip(panel.chunks_exact_mut(16 * breadth)) {
            let columns = &delta.lane(t)[first..];
            let columns = &columns[..units.min(columns.len())];
            for (v, columns) in columns.chunks(16).take(breadth).enumerate() {
                if let Some(columns) = columns.first_chunk() {
                    simd.turn(columns, &mut rows[v..], breadth);
                } else {
                    let mut some = [Lane::ZERO; 16];
                    some[..columns.len()].copy_from_slice(columns);
                    simd.turn(&some, &mut rows[v..], breadth);
                }
            }
        }
    }
}

/// Both factors of a tile over a run, and how many lanes a row of the sums has.
#[derive(Clone, Copy)]
struct Run<'a> {
    x: &'a Matrix,
    run: (usize, usize),
    panel: &'a [Lane],
    fresh: bool,
    width: usize,
}

impl Run<'_> {
    /// The tile of the inputs from `i` on with which `sums` begins.
    #[inline(always)]
    fn tile<S: Simd>(self, simd: S, i: usize, (rows, breadth): (usize, usize), sums: &mut [Lane]) {
        macro_rules! tiles {
            ($($rows:literal: $($breadth:literal)*;)*) => {
                match (rows, breadth) {
                    $($(($rows, $breadth) if const { S::PANEL.0 >= $rows && S::PANEL.1 >= $breadth } => {
                        simd.call(Tile::<$rows, $breadth> { of: self, i, sums });
                    })*)*
                    _ => {}
                }
            };
        }
        tiles!(1: 1 2 3; 2: 1 2 3; 3: 1 2 3; 4: 1 2 3; 5: 1 2 3; 6: 1 2 3; 7: 1 2 3; 8: 1 2 3;);
    }
}

/// `I` columns of `x` from `i` on by `J` times sixteen units.
struct Tile<'a, 's, const I: usize, const J: usize> {
    of: Run<'a>,
    i: usize,
    sums: &'s mut [Lane],
}

impl<const I: usize, const J: usize> Kernel for Tile<'_, '_, I, J> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { of: Run { x, run, panel, fresh, width }, i, sums: to } = self;
        let mut sums = [[simd.splat(0.0); J]; I];
        for (t, rows) in (run.0..run.1).zip(panel.as_chunks::<J>().0.as_chunks::<16>().0) {
            let Some(x) = x.lane(t)[i..].first_chunk::<I>() else { return };
            for (row, delta) in rows.iter().enumerate() {
                let mut deltas = [simd.splat(0.0); J];
                for jj in 0..J {
                    deltas[jj] = simd.load(&delta[jj]);
                }
                for ii in 0..I {
                    let value = simd.splat(x[ii].0[row]);
                    for jj in 0..J {
                        sums[ii][jj] = simd.mul_add(value, deltas[jj], sums[ii][jj]);
                    }
                }
            }
        }
        for ii in 0..I {
            for jj in 0..J {
                let to = &mut to[ii * width + jj];
                let sum = if fresh { sums[ii][jj] } else { simd.add(simd.load(to), sums[ii][jj]) };
                simd.store(sum, to);
            }
        }
    }
}
