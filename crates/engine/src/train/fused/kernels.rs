//! The two products of a layer over a block of rows, tiled so that sums stay in registers.
//!
//! A block is `T` lanes of 16 rows; a matrix over it is a slice of `[Lane; T]`, one for each feature or unit, so every
//! operation is vertical: no sums across a register until a batch is over.

use super::simd::{Lane, Simd};

/// A column of a block: one feature or unit over its rows.
pub(super) type Column<const T: usize> = [Lane; T];

/// What is done with a finished sum before it is stored.
pub(super) trait Finish<S: Simd> {
    /// The value for unit `j`, lane `t`, from its sum and from what stands in its place.
    fn finish(&self, simd: S, j: usize, t: usize, sum: S::V, old: &Lane) -> S::V;
}

/// Stores the sum as it is.
pub(super) struct AsItIs;

impl<S: Simd> Finish<S> for AsItIs {
    #[inline(always)]
    fn finish(&self, _: S, _: usize, _: usize, sum: S::V, _: &Lane) -> S::V {
        sum
    }
}

/// `out[j] = finish(bias[j] + sum over i of x[i] · weights[i, j])`, weights row-major `[x.len(), out.len()]`.
#[inline(always)]
pub(super) fn product<S: Simd, const T: usize>(
    simd: S,
    x: &[Column<T>],
    weights: &[f32],
    bias: Option<&[f32]>,
    out: &mut [Column<T>],
    finish: &impl Finish<S>,
) {
    let width = out.len();
    let mut j = 0;
    while j + 8 <= width {
        strip::<S, T, 2, 8>(simd, x, weights, bias, out, j, finish);
        j += 8;
    }
    if j + 4 <= width {
        strip::<S, T, 4, 4>(simd, x, weights, bias, out, j, finish);
        j += 4;
    }
    while j < width {
        strip::<S, T, 4, 1>(simd, x, weights, bias, out, j, finish);
        j += 1;
    }
}

/// `J` units at `j`, `R` lanes at a time.
#[inline(always)]
fn strip<S: Simd, const T: usize, const R: usize, const J: usize>(
    simd: S,
    x: &[Column<T>],
    weights: &[f32],
    bias: Option<&[f32]>,
    out: &mut [Column<T>],
    j: usize,
    finish: &impl Finish<S>,
) {
    let width = out.len();
    let Some(out) = out[j..].first_chunk_mut::<J>() else { return };
    let start: [f32; J] = bias.and_then(|b| b[j..].first_chunk().copied()).unwrap_or([0.0; J]);
    for tile in 0..T / R {
        let t = tile * R;
        let mut sums = [[simd.splat(0.0); R]; J];
        for (sums, start) in sums.iter_mut().zip(start) {
            *sums = [simd.splat(start); R];
        }
        for (column, weights) in x.iter().zip(weights.chunks_exact(width)) {
            let Some(weights) = weights[j..].first_chunk::<J>() else { return };
            let mut values = [simd.splat(0.0); R];
            for r in 0..R {
                values[r] = simd.load(&column[t + r]);
            }
            for jj in 0..J {
                let weight = simd.splat(weights[jj]);
                for r in 0..R {
                    sums[jj][r] = simd.mul_add(weight, values[r], sums[jj][r]);
                }
            }
        }
        for jj in 0..J {
            for r in 0..R {
                let place = &mut out[jj][t + r];
                let value = finish.finish(simd, j + jj, t + r, sums[jj][r], place);
                simd.store(value, place);
            }
        }
    }
}

/// `gradient[i, j] += x[i] · delta[j]`, lane by lane, row-major `[x.len(), delta.len()]`.
#[inline(always)]
pub(super) fn outer<S: Simd, const T: usize>(simd: S, x: &[Column<T>], delta: &[Column<T>], gradient: &mut [Lane]) {
    let width = delta.len();
    let mut j = 0;
    while j + 4 <= width {
        outer_strip::<S, T, 4>(simd, x, delta, gradient, j);
        j += 4;
    }
    while j < width {
        outer_strip::<S, T, 1>(simd, x, delta, gradient, j);
        j += 1;
    }
}

#[inline(always)]
fn outer_strip<S: Simd, const T: usize, const J: usize>(
    simd: S,
    x: &[Column<T>],
    delta: &[Column<T>],
    gradient: &mut [Lane],
    j: usize,
) {
    let width = delta.len();
    let Some(delta) = delta[j..].first_chunk::<J>() else { return };
    let mut i = 0;
    while i + 4 <= x.len() {
        outer_tile::<S, T, 4, J>(simd, &x[i..], delta, gradient, i * width + j, width);
        i += 4;
    }
    while i < x.len() {
        outer_tile::<S, T, 1, J>(simd, &x[i..], delta, gradient, i * width + j, width);
        i += 1;
    }
}

#[inline(always)]
fn outer_tile<S: Simd, const T: usize, const I: usize, const J: usize>(
    simd: S,
    x: &[Column<T>],
    delta: &[Column<T>; J],
    gradient: &mut [Lane],
    at: usize,
    width: usize,
) {
    let Some(x) = x.first_chunk::<I>() else { return };
    let mut sums = [[simd.splat(0.0); J]; I];
    for ii in 0..I {
        for jj in 0..J {
            sums[ii][jj] = simd.load(&gradient[at + ii * width + jj]);
        }
    }
    for t in 0..T {
        let mut deltas = [simd.splat(0.0); J];
        for jj in 0..J {
            deltas[jj] = simd.load(&delta[jj][t]);
        }
        for ii in 0..I {
            let value = simd.load(&x[ii][t]);
            for jj in 0..J {
                sums[ii][jj] = simd.mul_add(value, deltas[jj], sums[ii][jj]);
            }
        }
    }
    for ii in 0..I {
        for jj in 0..J {
            simd.store(sums[ii][jj], &mut gradient[at + ii * width + jj]);
        }
    }
}
