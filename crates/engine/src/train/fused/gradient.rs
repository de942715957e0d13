//! The products of a layer's inputs and its units' gradients: the gradient of its parameters, over a block of rows.
//!
//! A parameter's gradient is a lane, added up lane by lane whatever the tiles, runs and pieces, until the batch is
//! over.

use super::kernels::{Parts, parts};
use super::matrix::Matrix;
use super::simd::{Lane, Simd};

/// Lanes over which a tile of the gradient is added up before it is put back.
const RUN: usize = 32;
/// Strips of units whose deltas over a run are gone over again for each strip of inputs.
const AGAIN: usize = 2;
/// Inputs by units of the gradient that stay in a second-level cache from run to run: 144 KiB.
const KEPT: usize = 48;

/// A side of a gradient's product over a run of lanes: its columns of lane `t` begin at `t * stride`.
#[derive(Clone, Copy)]
struct Side<'a> {
    values: &'a [Lane],
    stride: usize,
}

/// Room for both sides of a gradient's product, copied for [`outer`].
#[derive(Debug, Clone, Default)]
pub(super) struct Copies {
    x: Vec<Lane>,
    delta: Vec<Lane>,
}

/// Copies the columns of each part of `cut`, up to six, over a run of lanes, one part after the other: a part of a
/// matrix with many columns is spread over as many pages as it has lanes.
#[inline(always)]
fn copy(from: &Matrix, run: (usize, usize), cut: Parts, to: &mut Vec<Lane>) {
    let lanes = run.1 - run.0;
    let first = cut.start as usize;
    to.resize(RUN * KEPT, Lane::ZERO);
    for t in 0..lanes {
        let columns = from.lane(run.0 + t);
        for (start, length) in cut {
            let (to, from) = (&mut to[(start - first) * lanes + t * length..], &columns[start..]);
            match length {
                1 => copy_few::<1>(from, to),
                2 => copy_few::<2>(from, to),
                3 => copy_few::<3>(from, to),
                4 => copy_few::<4>(from, to),
                5 => copy_few::<5>(from, to),
                _ => copy_few::<6>(from, to),
            }
        }
    }
}

/// Copies `N` lanes; a number that is known costs no call.
#[inline(always)]
fn copy_few<const N: usize>(from: &[Lane], to: &mut [Lane]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
        *to = *from;
    }
}

/// `gradient[i, j] += x[t, i] · delta[t, j]`, lane by lane for `t` below `lanes`, row-major `[x.columns(), width]`;
/// `fresh` gradients begin with 0, whatever stands there.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "two factors, their sizes, and where to")]
pub(super) fn outer<S: Simd>(
    simd: S,
    x: &Matrix,
    delta: &Matrix,
    width: usize,
    lanes: usize,
    fresh: bool,
    gradient: &mut [Lane],
    copies: &mut Copies,
) {
    let height = x.columns();
    if height <= KEPT && width <= KEPT {
        let units = parts(0, width, S::TILE.1);
        for rows in parts(0, height, S::TILE.0) {
            let x = x.side(rows.0);
            for units in units {
                let delta = delta.side(units.0);
                tile_of(
                    simd,
                    x,
                    delta,
                    lanes,
                    fresh,
                    &mut gradient[rows.0 * width + units.0..],
                    width,
                    rows.1,
                    units.1,
                );
            }
        }
        return;
    }
    for (top, height) in parts(0, height, KEPT) {
        let rows = parts(top, top + height, S::TILE.0);
        for (left, breadth) in parts(0, width, KEPT) {
            let units = parts(left, left + breadth, S::TILE.1);
            for from in (0..lanes).step_by(RUN) {
                let run = (from, lanes.min(from + RUN));
                let (count, fresh) = (run.1 - run.0, fresh && from == 0);
                copy(x, run, rows, &mut copies.x);
                copy(delta, run, units, &mut copies.delta);
                let mut units = units;
                while units.left > 0 {
                    for (i, rows) in rows {
                        let x = Side { values: &copies.x[(i - top) * count..], stride: rows };
                        for (j, units) in units.take(AGAIN) {
                            let delta = Side { values: &copies.delta[(j - left) * count..], stride: units };
                            tile_of(simd, x, delta, count, fresh, &mut gradient[i * width + j..], width, rows, units);
                        }
                    }
                    units.by_ref().take(AGAIN).for_each(drop);
                }
            }
        }
    }
}

/// One tile of the gradient, which begins with it, over `lanes` lanes.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "two factors, their sizes, and where to")]
fn tile_of<S: Simd>(
    simd: S,
    x: Side<'_>,
    delta: Side<'_>,
    lanes: usize,
    fresh: bool,
    gradient: &mut [Lane],
    width: usize,
    rows: usize,
    units: usize,
) {
    macro_rules! tiles {
        ($($rows:literal: $($units:literal)*;)*) => {
            match (rows, units) {
                $($(($rows, $units) if const { S::TILE.0 >= $rows && S::TILE.1 >= $units } => {
                    tile::<S, $rows, $units>(simd, x, delta, lanes, fresh, gradient, width);
                })*)*
                _ => {}
            }
        };
    }
    tiles!(1: 1 2 3 4; 2: 1 2 3 4; 3: 1 2 3 4; 4: 1 2 3 4; 5: 1 2 3 4; 6: 1 2 3 4;);
}

/// `I` columns of `x` by `J` of `delta`.
#[inline(always)]
fn tile<S: Simd, const I: usize, const J: usize>(
    simd: S,
    x: Side<'_>,
    delta: Side<'_>,
    lanes: usize,
    fresh: bool,
    gradient: &mut [Lane],
    width: usize,
) {
    let mut sums = [[simd.splat(0.0); J]; I];
    if !fresh {
        for ii in 0..I {
            for jj in 0..J {
                sums[ii][jj] = simd.load(&gradient[ii * width + jj]);
            }
        }
    }
    if (x.stride, delta.stride) == (I, J) {
        // Copies: nothing to check within the loop.
        let (x, delta) = (x.values.as_chunks::<I>().0, delta.values.as_chunks::<J>().0);
        for (x, delta) in x[..lanes].iter().zip(&delta[..lanes]) {
            add_lane(simd, x, delta, &mut sums);
        }
    } else {
        if x.stride < I || delta.stride < J {
            return;
        }
        let (mut x, mut delta) = (x.values.chunks_exact(x.stride), delta.values.chunks_exact(delta.stride));
        for _ in 0..lanes {
            let (Some(x), Some(delta)) = (x.next(), delta.next()) else { return };
            let (Some(x), Some(delta)) = (x.first_chunk::<I>(), delta.first_chunk::<J>()) else { return };
            add_lane(simd, x, delta, &mut sums);
        }
    }
    for ii in 0..I {
        for jj in 0..J {
            simd.store(sums[ii][jj], &mut gradient[ii * width + jj]);
        }
    }
}

#[inline(always)]
fn add_lane<S: Simd, const I: usize, const J: usize>(
    simd: S,
    x: &[Lane; I],
    delta: &[Lane; J],
    sums: &mut [[S::V; J]; I],
) {
    let mut deltas = [simd.splat(0.0); J];
    for jj in 0..J {
        deltas[jj] = simd.load(&delta[jj]);
    }
    for ii in 0..I {
        let value = simd.load(&x[ii]);
        for jj in 0..J {
            sums[ii][jj] = simd.mul_add(value, deltas[jj], sums[ii][jj]);
        }
    }
}

impl Matrix {
    /// All lanes, from column `first` on.
    #[inline(always)]
    fn side(&self, first: usize) -> Side<'_> {
        let (values, stride) = self.beginning_at(first);
        Side { values, stride }
    }
}
