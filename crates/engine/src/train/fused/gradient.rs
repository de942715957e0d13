//! The gradient of a model's parameters: the products of each layer's inputs and its units' gradients, added up over a
//! batch.
//!
//! A small layer's parameters have a lane each, added up lane by lane whatever the tiles and blocks, and a lane is
//! summed when the batch is over: no values are turned, and all of it stays in cache. A large layer's have a number
//! each ([`Panels`]): a sixteenth of the memory.

use super::matrix::Matrix;
use super::panels::Panels;
use super::product::parts;
use super::simd::{Kernel, Lane, Simd};
use focalsweep_core::plan::Layer;

/// Most parameters of a layer whose gradient is kept in lanes: 144 KiB of them. The record of larger layers hangs on
/// it.
const MOST: usize = 48 * 48;
/// Least units of a layer whose gradient is kept in numbers, sixteen units together.
const LEAST_UNITS: usize = 8;

/// A gradient over the blocks of a batch.
#[derive(Debug, Clone)]
pub(super) struct Gradient {
    layers: Vec<Sums>,
    /// `[P]`, once a batch is over.
    slopes: Vec<f32>,
}

/// Those of one layer, `[inputs + 1, outputs]`, the biases last.
#[derive(Debug, Clone)]
enum Sums {
    Lanes { values: Vec<Lane>, height: usize, width: usize },
    Numbers(Panels),
}

impl Gradient {
    /// Room for a model of these layers.
    pub(super) fn new(layers: &[Layer]) -> Self {
        let sums = layers.iter().map(|layer| {
            let (height, width) = (layer.inputs + 1, layer.outputs);
            if height * width <= MOST || width < LEAST_UNITS {
                Sums::Lanes { values: vec![Lane::ZERO; height * width], height, width }
            } else {
                Sums::Numbers(Panels::new(height, width))
            }
        });
        Self { layers: sums.collect(), slopes: vec![0.0; layers.last().map_or(0, Layer::end)] }
    }

    /// Adds `x[t, i] · delta[t, j]` over the lanes `t` below `lanes` to the gradient of layer `depth`, where `x` has
    /// the layer's inputs and a column of ones; `fresh` gradients begin with 0.
    #[inline(always)]
    pub(super) fn add<S: Simd>(
        &mut self,
        simd: S,
        depth: usize,
        (x, delta): (&Matrix, &Matrix),
        lanes: usize,
        fresh: bool,
    ) {
        match &mut self.layers[depth] {
            Sums::Lanes { values, width, .. } => outer(simd, (x, delta), *width, lanes, fresh, values),
            Sums::Numbers(panels) => panels.add(simd, (x, delta), lanes, fresh),
        }
    }

    /// The gradient, `[P]` in the order of the parameters.
    #[inline(always)]
    pub(super) fn slopes<S: Simd>(&mut self, simd: S) -> &mut [f32] {
        let mut rest = self.slopes.as_mut_slice();
        for sums in &self.layers {
            match sums {
                &Sums::Lanes { ref values, height, width } => {
                    let (slopes, after) = rest.split_at_mut(values.len());
                    sum_tiles(simd, values, height, width, slopes);
                    rest = after;
                }
                Sums::Numbers(panels) => rest = panels.copy_to(rest),
            }
        }
        &mut self.slopes
    }
}

/// `gradient[i, j] += x[t, i] · delta[t, j]`, lane by lane for `t` below `lanes`; `[x.columns(), width]`, tile after
/// tile, and row by row within one.
#[inline(always)]
pub(super) fn outer<S: Simd>(
    simd: S,
    (x, delta): (&Matrix, &Matrix),
    width: usize,
    lanes: usize,
    fresh: bool,
    gradient: &mut [Lane],
) {
    let mut rest = gradient;
    let units = parts(0, width, S::TILE.1);
    for (i, rows) in parts(0, x.columns(), S::TILE.0) {
        for (j, units) in units {
            let (tile, after) = rest.split_at_mut(rows * units);
            Outer { x: x.side(i), delta: delta.side(j), lanes, fresh }.tile(simd, (rows, units), tile);
            rest = after;
        }
    }
}

/// The sums of lanes that [`outer`] added up, `[height, width]` row-major.
#[inline(always)]
pub(super) fn sum_tiles<S: Simd>(simd: S, gradient: &[Lane], height: usize, width: usize, slopes: &mut [f32]) {
    let mut rest = gradient;
    let units = parts(0, width, S::TILE.1);
    for (i, rows) in parts(0, height, S::TILE.0) {
        for (j, units) in units {
            let (tile, after) = rest.split_at(rows * units);
            for (row, lanes) in tile.chunks_exact(units).enumerate() {
                let slopes = &mut slopes[(i + row) * width + j..][..units];
                for (slope, lane) in slopes.iter_mut().zip(lanes) {
                    *slope = simd.sum(lane);
                }
            }
            rest = after;
        }
    }
}

/// A side of a gradient's product: its columns of lane `t` begin at `t * stride`.
#[derive(Clone, Copy)]
struct Side<'a> {
    values: &'a [Lane],
    stride: usize,
}

impl Matrix {
    /// All lanes, from column `first` on.
    #[inline(always)]
    fn side(&self, first: usize) -> Side<'_> {
        let (values, stride) = self.beginning_at(first);
        Side { values, stride }
    }
}

/// Both factors of a tile's products.
#[derive(Clone, Copy)]
struct Outer<'a> {
    x: Side<'a>,
    delta: Side<'a>,
    lanes: usize,
    fresh: bool,
}

impl Outer<'_> {
    /// The tile `[rows, units]`.
    #[inline(always)]
    fn tile<S: Simd>(self, simd: S, (rows, units): (usize, usize), gradient: &mut [Lane]) {
        macro_rules! tiles {
            ($($rows:literal: $($units:literal)*;)*) => {
                match (rows, units) {
                    $($(($rows, $units) if const { S::TILE.0 >= $rows && S::TILE.1 >= $units } => {
                        simd.call(Tile::<$rows, $units> { of: self, gradient });
                    })*)*
                    _ => {}
                }
            };
        }
        tiles!(1: 1 2 3 4; 2: 1 2 3 4; 3: 1 2 3 4; 4: 1 2 3 4; 5: 1 2 3 4; 6: 1 2 3 4;);
    }
}

/// `I` columns of `x` by `J` of `delta`.
struct Tile<'a, 'g, const I: usize, const J: usize> {
    of: Outer<'a>,
    gradient: &'g mut [Lane],
}

impl<const I: usize, const J: usize> Kernel for Tile<'_, '_, I, J> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { of: Outer { x, delta, lanes, fresh }, gradient } = self;
        let Some(gradient) = gradient.as_chunks_mut::<J>().0.first_chunk_mut::<I>() else { return };
        if x.stride < I || delta.stride < J {
            return;
        }
        let mut sums = [[simd.splat(0.0); J]; I];
        if !fresh {
            for ii in 0..I {
                for jj in 0..J {
                    sums[ii][jj] = simd.load(&gradient[ii][jj]);
                }
            }
        }
        let (mut x, mut delta) = (x.values.chunks_exact(x.stride), delta.values.chunks_exact(delta.stride));
        for _ in 0..lanes {
            let (Some(x), Some(delta)) = (x.next(), delta.next()) else { return };
            let (Some(x), Some(delta)) = (x.first_chunk::<I>(), delta.first_chunk::<J>()) else { return };
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
        for ii in 0..I {
            for jj in 0..J {
                simd.store(sums[ii][jj], &mut gradient[ii][jj]);
            }
        }
    }
}
