//! The products of a layer's values and weights over a block of rows, in tiles whose sums stay in registers.
//!
//! Every sum is taken in the same order whatever the tiles: a unit's from its bias on over its inputs. How large tiles
//! are is the business of the [`Simd`] kind and changes no bits.

use super::matrix::Matrix;
use super::simd::{Kernel, Lane, Simd};

/// Bytes of a product's inputs that are gone over again for each strip of units: half of a first-level cache of 32 KiB.
const NEAR: usize = 16 << 10;
/// Bytes that are gone over again and again, beside others: half of a second-level cache of 512 KiB.
const RESIDENT: usize = 256 << 10;
/// What is done with a finished sum before it is stored.
pub(super) trait Finish: Copy {
    /// What lies beside a sum.
    type Beside;

    /// What lies beside the sums of lane `t`, unit by unit; nothing where nothing does.
    fn beside(&self, t: usize) -> &[Self::Beside];
    /// The value from its sum, from what stands in its place, and from what lies beside it.
    fn finish<S: Simd>(&self, simd: S, sum: S::V, old: &Lane, beside: Option<&Self::Beside>) -> S::V;
}

/// Stores the sum as it is.
#[derive(Clone, Copy)]
pub(super) struct AsItIs;

impl Finish for AsItIs {
    type Beside = ();

    #[inline(always)]
    fn beside(&self, _: usize) -> &[()] {
        &[]
    }
    #[inline(always)]
    fn finish<S: Simd>(&self, _: S, sum: S::V, _: &Lane, _: Option<&()>) -> S::V {
        sum
    }
}

/// Starts and lengths of consecutive parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    start: u32,
    left: u32,
    length: u32,
    /// How many of the first are longer by one.
    longer: u32,
}

/// Cuts `start..end` into the fewest parts of up to `most`, as equal as can be.
#[inline(always)]
pub(super) fn parts(start: usize, end: usize, most: usize) -> Parts {
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

/// Weights in the order in which [`Product`] reads them: for each strip of units `[inputs, units of the strip]`.
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

/// `finish(bias[j] + sum over i of x[t, i] · weights[i, j])` for the lanes `t` below `lanes`, rounded up to
/// `S::LANES`, which `x` and the place of the product must have. The sum begins with the bias, or with 0, and goes up
/// with `i`, each product fused into it.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, F> {
    pub(super) x: &'a Matrix,
    pub(super) lanes: usize,
    pub(super) weights: &'a Packed,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) finish: F,
}

impl<F: Finish> Product<'_, F> {
    /// The product, `[lanes, units]`.
    #[inline(always)]
    pub(super) fn into<S: Simd>(self, simd: S, out: &mut Matrix) {
        let Self { lanes, weights, .. } = self;
        if weights.outputs == 1 {
            // One unit gives registers too little to do unless it takes many lanes.
            let most = lanes - lanes % 8;
            simd.call(Strip::<F, 8, 1> { of: self, run: (0, most), j: 0, out });
            if most < lanes {
                simd.call(Strip::<F, 1, 1> { of: self, run: (most, lanes), j: 0, out });
            }
            return;
        }
        if weights.inputs == 1 {
            simd.call(Spread { of: self, out });
            return;
        }
        let lane = size_of::<Lane>() * weights.inputs.max(1);
        let run = (NEAR / lane / S::LANES).max(1) * S::LANES;
        let resident = (RESIDENT / (size_of::<f32>() * weights.inputs.max(1) * S::UNITS)).max(1);
        let mut strips = parts(0, weights.outputs, S::UNITS);
        while strips.left > 0 {
            for from in (0..lanes).step_by(run) {
                let run = (from, lanes.min(from + run));
                for part in strips.take(resident) {
                    self.strip(simd, run, part, out);
                }
            }
            strips.by_ref().take(resident).for_each(drop);
        }
    }

    /// One strip of units over a run of lanes.
    #[inline(always)]
    fn strip<S: Simd>(self, simd: S, run: (usize, usize), (j, units): (usize, usize), out: &mut Matrix) {
        macro_rules! strips {
            ($($units:literal)*) => {
                match units {
                    // Known when it is compiled, so that a kind has no code for what it never takes.
                    $($units if const { S::UNITS >= $units } => {
                        if const { S::LANES == 1 } {
                            simd.call(Strip::<F, 1, $units> { of: self, run, j, out });
                        } else {
                            simd.call(Strip::<F, 2, $units> { of: self, run, j, out });
                        }
                    })*
                    _ => {}
                }
            };
        }
        strips!(1 2 3 4 5 6 7 8);
    }
}

/// A product of a single input: nothing to add up, so nothing to keep in registers.
struct Spread<'a, 'o, F> {
    of: Product<'a, F>,
    out: &'o mut Matrix,
}

impl<F: Finish> Kernel for Spread<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { of: Product { x, lanes, weights, bias, finish }, out } = self;
        for t in 0..lanes {
            let Some(value) = x.lane(t).first() else { return };
            let (value, beside) = (simd.load(value), finish.beside(t));
            for (j, (out, &weight)) in out.lane_mut(t).iter_mut().zip(&weights.values).enumerate() {
                let start = simd.splat(bias.map_or(0.0, |bias| bias[j]));
                let sum = simd.mul_add(simd.splat(weight), value, start);
                let value = finish.finish(simd, sum, out, beside.get(j));
                simd.store(value, out);
            }
        }
    }
}

/// `J` units of a product from `j` on over a run of lanes, `R` at a time.
struct Strip<'a, 'o, F, const R: usize, const J: usize> {
    of: Product<'a, F>,
    run: (usize, usize),
    j: usize,
    out: &'o mut Matrix,
}

impl<F: Finish, const R: usize, const J: usize> Kernel for Strip<'_, '_, F, R, J> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { of: Product { x, weights, bias, finish, .. }, run, j, out } = self;
        let inputs = weights.inputs;
        let strip = &weights.values[j * inputs..(j + J) * inputs].as_chunks::<J>().0[..inputs];
        let start: [f32; J] = bias.and_then(|b| b[j..].first_chunk().copied()).unwrap_or([0.0; J]);
        for t in (run.0..run.1).step_by(R) {
            let mut sums = [[simd.splat(0.0); R]; J];
            for jj in 0..J {
                sums[jj] = [simd.splat(start[jj]); R];
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
            #[expect(clippy::needless_range_loop, reason = "a tile's sums are stored unit by unit for each lane")]
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
}
