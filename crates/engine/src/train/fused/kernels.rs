//! The products of a layer over a block of rows, in tiles whose sums stay in registers.
//!
//! Every sum is taken in the same order whatever the tiles: a unit's from its bias on over its inputs, a parameter's
//! gradient lane by lane. How large tiles are is the business of the [`Simd`] kind and changes no bits.

use super::matrix::Matrix;
use super::simd::{Lane, Simd};

/// Bytes of a product's inputs that are gone over again for each strip of units: half of a first-level cache of 32 KiB.
const NEAR: usize = 16 << 10;
/// Bytes that are gone over again and again, beside others: half of a second-level cache of 512 KiB.
pub(super) const RESIDENT: usize = 256 << 10;
/// Lanes over which a tile of the gradient is added up before it is put back.
const RUN: usize = 32;
/// Strips of units whose deltas over a run are gone over again for each strip of inputs.
const AGAIN: usize = 2;
/// Inputs by units of the gradient that stay in a second-level cache from run to run: 144 KiB.
const KEPT: usize = 48;

/// What is done with a finished sum before it is stored.
pub(super) trait Finish<S: Simd> {
    /// What lies beside the sums of lane `t`, unit by unit; nothing where nothing does.
    fn beside(&self, t: usize) -> &[Lane];
    /// The value from its sum, from what stands in its place, and from what lies beside it.
    fn finish(&self, simd: S, sum: S::V, old: &Lane, beside: Option<&Lane>) -> S::V;
}

/// Stores the sum as it is.
pub(super) struct AsItIs;

impl<S: Simd> Finish<S> for AsItIs {
    #[inline(always)]
    fn beside(&self, _: usize) -> &[Lane] {
        &[]
    }
    #[inline(always)]
    fn finish(&self, _: S, sum: S::V, _: &Lane, _: Option<&Lane>) -> S::V {
        sum
    }
}

/// Starts and lengths of consecutive parts.
#[derive(Debug, Clone, Copy)]
struct Parts {
    start: u32,
    left: u32,
    length: u32,
    /// How many of the first are longer by one.
    longer: u32,
}

/// Cuts `start..end` into the fewest parts of up to `most`, as equal as can be.
#[inline(always)]
fn parts(start: usize, end: usize, most: usize) -> Parts {
    // 32 bits, since it is done for each block of a small network, and processors take three times as long for 64.
    let (start, all) = (start as u32, (end - start) as u32);
    if all as usize <= most {
        return Parts { start, left: all.min(1), length: all, longer: 0 };
    }
    let left = all.div_ceil(most as u32);
    Parts { start, left, length: all / left, longer: all % left }
}

impl Iterator for Parts {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        self.left = self.left.checked_sub(1)?;
        let longer = self.longer.min(1);
        self.longer -= longer;
        let (start, length) = (self.start, self.length + longer);
        self.start += length;
        Some((start as usize, length as usize))
    }
}

/// Weights in the order in which [`product`] reads them: for each strip of units `[inputs, units of the strip]`.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    values: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl Packed {
    /// Takes weights whose value from input `i` to output `j` stands at `i * step.0 + j * step.1`.
    pub(super) fn fill<S: Simd>(&mut self, weights: &[f32], inputs: usize, outputs: usize, step: (usize, usize)) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.values.resize(inputs * outputs, 0.0);
        for (j, units) in parts(0, outputs, S::UNITS) {
            let strip = &mut self.values[j * inputs..(j + units) * inputs];
            for (i, values) in strip.chunks_exact_mut(units).enumerate() {
                let from = &weights[i * step.0 + j * step.1..];
                for (value, &weight) in values.iter_mut().zip(from.iter().step_by(step.1)) {
                    *value = weight;
                }
            }
        }
    }
}

/// `out[t, j] = finish(bias[j] + sum over i of x[t, i] · weights[i, j])` for the lanes `t` below `lanes`, rounded up to
/// `S::LANES`, which both matrices must have. The sum begins with the bias, or with 0, and goes up with `i`, each
/// product fused into it.
#[inline(always)]
pub(super) fn product<S: Simd>(
    simd: S,
    x: &Matrix,
    lanes: usize,
    weights: &Packed,
    bias: Option<&[f32]>,
    out: &mut Matrix,
    finish: &impl Finish<S>,
) {
    let lane = size_of::<Lane>() * weights.inputs.max(1);
    if weights.outputs == 1 {
        // One unit gives registers too little to do unless it takes many lanes.
        let most = lanes - lanes % 8;
        strip::<S, 8, 1>(simd, x, (0, most), weights, bias, out, 0, finish);
        strip::<S, 1, 1>(simd, x, (most, lanes), weights, bias, out, 0, finish);
        return;
    }
    let run = (NEAR / lane / S::LANES).max(1) * S::LANES;
    let resident = (RESIDENT / (size_of::<f32>() * weights.inputs.max(1) * S::UNITS)).max(1);
    let mut strips = parts(0, weights.outputs, S::UNITS);
    while strips.left > 0 {
        for from in (0..lanes).step_by(run) {
            let run = (from, lanes.min(from + run));
            for part in strips.take(resident) {
                strip_of(simd, x, run, weights, bias, out, part, finish);
            }
        }
        strips.by_ref().take(resident).for_each(drop);
    }
}

/// One strip of units over a run of lanes.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "those of a product, and where in it")]
fn strip_of<S: Simd>(
    simd: S,
    x: &Matrix,
    run: (usize, usize),
    weights: &Packed,
    bias: Option<&[f32]>,
    out: &mut Matrix,
    (j, units): (usize, usize),
    finish: &impl Finish<S>,
) {
    macro_rules! strips {
        ($($units:literal)*) => {
            match units {
                $($units if S::UNITS >= $units => match S::LANES {
                    1 => strip::<S, 1, $units>(simd, x, run, weights, bias, out, j, finish),
                    _ => strip::<S, 2, $units>(simd, x, run, weights, bias, out, j, finish),
                },)*
                _ => {}
            }
        };
    }
    strips!(1 2 3 4 5 6 7 8 9 10 11 12);
}

/// `J` units from `j` on over a run of lanes, `R` at a time.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "those of a product, and where in it")]
fn strip<S: Simd, const R: usize, const J: usize>(
    simd: S,
    x: &Matrix,
    run: (usize, usize),
    weights: &Packed,
    bias: Option<&[f32]>,
    out: &mut Matrix,
    j: usize,
    finish: &impl Finish<S>,
) {
    let inputs = weights.inputs;
    let strip = &weights.values[j * inputs..(j + J) * inputs].as_chunks::<J>().0[..inputs];
    let start: [f32; J] = bias.and_then(|b| b[j..].first_chunk().copied()).unwrap_or([0.0; J]);
    for t in (run.0..run.1).step_by(R) {
        let mut sums = [[simd.splat(0.0); R]; J];
        for (sums, start) in sums.iter_mut().zip(start) {
            *sums = [simd.splat(start); R];
        }
        let x: [&[Lane]; R] = std::array::from_fn(|r| &x.lane(t + r)[..inputs]);
        for (i, weights) in strip.iter().enumerate() {
            let mut values = [simd.splat(0.0); R];
            for r in 0..R {
                values[r] = simd.load(&x[r][i]);
            }
            for jj in 0..J {
                let weight = simd.splat(weights[jj]);
                for r in 0..R {
                    sums[jj][r] = simd.mul_add(weight, values[r], sums[jj][r]);
                }
            }
        }
        for r in 0..R {
            let beside = finish.beside(t + r).get(j..j + J).and_then(|beside| beside.first_chunk::<J>());
            let Some(out) = out.lane_mut(t + r)[j..].first_chunk_mut::<J>() else { return };
            for jj in 0..J {
                let value = finish.finish(simd, sums[jj][r], &out[jj], beside.map(|beside| &beside[jj]));
                simd.store(value, &mut out[jj]);
            }
        }
    }
}

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
                $($(($rows, $units) if S::TILE.0 >= $rows && S::TILE.1 >= $units => {
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
        let (values, stride) = self.from_column(first);
        Side { values, stride }
    }
}
