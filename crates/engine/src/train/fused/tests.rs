//! The products against plain loops in the order that they promise, on each kind of processor, to the bit.

use proptest::prelude::*;

use super::block::Kept;
use super::gradient::{outer, sum_tiles};
use super::matrix::Matrix;
use super::panels::{Panels, RUN};
use super::processor::{Check, on_each_kind};
use super::product::{AsItIs, Packed, Product as Of};
use super::simd::{Kernel, Lane, Portable, Simd};

/// a·b + c, fused or rounded twice.
fn fuse(fuses: bool, a: f32, b: f32, c: f32) -> f32 {
    if fuses { a.mul_add(b, c) } else { a * b + c }
}

/// Numbers that are not round, from a seed.
fn numbers(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

fn matrix(lanes: usize, columns: usize, next: &mut impl FnMut() -> f32) -> Matrix {
    let mut matrix = Matrix::new(lanes, columns);
    for t in 0..lanes {
        matrix.lane_mut(t).fill_with(|| Lane(std::array::from_fn(|_| next())));
    }
    matrix
}

/// A layer of `inputs` by `outputs` over `lanes` lanes, forward or, `turned`, with weights `[outputs, inputs]`.
#[derive(Debug, Clone, Copy)]
struct Layer {
    inputs: usize,
    outputs: usize,
    lanes: usize,
    turned: bool,
    bias: bool,
    seed: u64,
}

#[derive(Clone, Copy)]
struct Product(Layer);

impl Check for Product {
    fn check<S: Simd>(self, simd: S, fuses: bool) {
        let Layer { inputs, outputs, lanes, turned, bias, seed } = self.0;
        let mut next = numbers(seed);
        let x = matrix(lanes + 1, inputs, &mut next);
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| next()).collect();
        let biases: Vec<f32> = (0..outputs).map(|_| next()).collect();
        let step = if turned { (1, inputs) } else { (outputs, 1) };
        let mut packed = Packed::default();
        packed.fill::<S>(&weights, inputs, outputs, step);
        let mut out = matrix(lanes + 1, outputs, &mut next);
        Of { x: &x, lanes, weights: &packed, bias: bias.then_some(&biases), finish: AsItIs }.into(simd, &mut out);
        for t in 0..lanes {
            for j in 0..outputs {
                for slot in 0..16 {
                    let mut sum = if bias { biases[j] } else { 0.0 };
                    for i in 0..inputs {
                        sum = fuse(fuses, weights[i * step.0 + j * step.1], x.lane(t)[i].0[slot], sum);
                    }
                    assert_eq!(out.lane(t)[j].0[slot].to_bits(), sum.to_bits(), "lane {}, unit {}", t, j);
                }
            }
        }
    }
}

/// A gradient in lanes; over two blocks where it is not fresh.
#[derive(Clone, Copy)]
struct Outer(Layer, bool);

impl Check for Outer {
    fn check<S: Simd>(self, simd: S, fuses: bool) {
        let Self(layer, fresh) = self;
        let Layer { inputs, outputs, lanes, seed, .. } = layer;
        let mut next = numbers(seed);
        // As in a network: deltas stand in the room of activations, beside a column of ones.
        let (x, delta) = (matrix(lanes, inputs, &mut next), matrix(lanes, outputs + 1, &mut next));
        let mut gradient: Vec<Lane> = (0..inputs * outputs).map(|_| Lane([f32::NAN; 16])).collect();
        outer(simd, (&x, &delta), outputs, lanes, true, &mut gradient);
        if !fresh {
            outer(simd, (&x, &delta), outputs, lanes, false, &mut gradient);
        }
        let mut slopes = vec![0.0; inputs * outputs];
        simd.call(SumTiles { gradient: &gradient, inputs, outputs, slopes: &mut slopes });
        for i in 0..inputs {
            for j in 0..outputs {
                let mut sums = Lane::ZERO;
                for t in (0..lanes).chain(0..if fresh { 0 } else { lanes }) {
                    for slot in 0..16 {
                        let (x, delta) = (x.lane(t)[i].0[slot], delta.lane(t)[j].0[slot]);
                        sums.0[slot] = fuse(fuses, x, delta, sums.0[slot]);
                    }
                }
                assert_eq!(slopes[i * outputs + j].to_bits(), sums.sum().to_bits(), "input {i}, unit {j}");
            }
        }
    }
}

struct SumTiles<'a> {
    gradient: &'a [Lane],
    inputs: usize,
    outputs: usize,
    slopes: &'a mut [f32],
}

impl Kernel for SumTiles<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        sum_tiles(simd, self.gradient, self.inputs, self.outputs, self.slopes);
    }
}

/// A gradient in numbers; over two blocks where it is not fresh.
#[derive(Clone, Copy)]
struct InNumbers(Layer, bool);

impl Check for InNumbers {
    fn check<S: Simd>(self, simd: S, fuses: bool) {
        let Self(layer, fresh) = self;
        let Layer { inputs, outputs, lanes, seed, .. } = layer;
        let mut next = numbers(seed);
        let (x, delta) = (matrix(lanes, inputs, &mut next), matrix(lanes, outputs + 1, &mut next));
        let mut panels = Panels::new(inputs, outputs);
        // What stands there from the batch before does not count.
        panels.add(simd, (&x, &delta), 1, true);
        panels.add(simd, (&x, &delta), lanes, true);
        if !fresh {
            panels.add(simd, (&x, &delta), lanes, false);
        }
        let mut slopes = vec![0.0; inputs * outputs];
        assert!(panels.copy_to(&mut slopes).is_empty());
        for i in 0..inputs {
            for j in 0..outputs {
                let mut total: Option<f32> = None;
                for _ in 0..if fresh { 1 } else { 2 } {
                    for from in (0..lanes).step_by(RUN) {
                        let mut sum = 0.0;
                        for t in from..lanes.min(from + RUN) {
                            for slot in 0..16 {
                                sum = fuse(fuses, x.lane(t)[i].0[slot], delta.lane(t)[j].0[slot], sum);
                            }
                        }
                        total = Some(total.map_or(sum, |total| total + sum));
                    }
                }
                let total = total.unwrap();
                assert_eq!(slopes[i * outputs + j].to_bits(), total.to_bits(), "input {i}, unit {j}");
            }
        }
    }
}

/// Sizes that are multiples of nothing, below and above what tiles, runs and caches take.
fn layer() -> impl Strategy<Value = Layer> {
    let size = || prop_oneof![1..20usize, 40..150usize];
    (size(), size(), 1..75usize, any::<(bool, bool, u64)>()).prop_map(|(inputs, outputs, lanes, flags)| Layer {
        inputs,
        outputs,
        lanes,
        turned: flags.0,
        bias: flags.1,
        seed: flags.2,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_product_sums_from_its_bias_over_its_inputs(layer in layer()) {
        on_each_kind(Product(layer));
    }

    #[test]
    fn a_gradient_sums_lane_by_lane(layer in layer(), fresh in any::<bool>()) {
        on_each_kind(Outer(layer, fresh));
    }

    #[test]
    fn a_large_gradient_sums_runs_of_rows(layer in layer(), fresh in any::<bool>()) {
        on_each_kind(InNumbers(layer, fresh));
    }

    #[test]
    fn what_dropout_keeps_is_by_its_uniforms(width in 1..40usize, rows in 1..70usize, rate in 0.0..1f32, seed: u64) {
        let mut next = numbers(seed);
        let uniforms: Vec<f32> = (0..rows * width).map(|_| next().abs()).collect();
        let mut kept = Kept::default();
        kept.fill(&uniforms, width, rate);
        for row in 0..rows {
            for unit in 0..width {
                let bit = kept.lane(row / 16)[unit] >> (row % 16) & 1;
                prop_assert_eq!(bit == 1, uniforms[row * width + unit] >= rate);
            }
        }
        prop_assert_eq!(kept.lane(rows.div_ceil(16)), <[u16; 0]>::default());
    }
}

/// More weights than stay in a cache: strips are done in groups.
#[test]
fn a_product_of_many_inputs_is_the_same() {
    let layer = Layer { inputs: 9_001, outputs: 31, lanes: 3, turned: false, bias: true, seed: 7 };
    on_each_kind(Product(layer));
}

#[test]
fn a_lane_is_summed_in_one_order() {
    let mut next = numbers(3);
    for _ in 0..1000 {
        let lane = Lane(std::array::from_fn(|_| next()));
        let v = lane.0;
        let eight: Vec<f32> = (0..8).map(|i| v[i] + v[i + 8]).collect();
        let sum = ((eight[0] + eight[4]) + (eight[2] + eight[6])) + ((eight[1] + eight[5]) + (eight[3] + eight[7]));
        assert_eq!(Portable.sum(&lane).to_bits(), sum.to_bits());
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = super::simd::Avx2::detect() {
            assert_eq!(simd.sum(&lane).to_bits(), sum.to_bits());
        }
    }
}

#[derive(Clone, Copy)]
struct Turned;

impl Check for Turned {
    fn check<S: Simd>(self, simd: S, _: bool) {
        let mut next = numbers(5);
        let columns: [Lane; 16] = std::array::from_fn(|_| Lane(std::array::from_fn(|_| next())));
        for stride in 1..4 {
            let mut rows = vec![Lane::ZERO; 15 * stride + 1];
            simd.turn(&columns, &mut rows, stride);
            for (at, row) in rows.iter().enumerate() {
                let turned = Lane(std::array::from_fn(|c| columns[c].0[at / stride]));
                assert_eq!(*row, if at % stride == 0 { turned } else { Lane::ZERO });
            }
        }
        for bits in [0, 1, 0x8000, 0x0ff0, 0x1234, 0xffff] {
            let mut kept = Lane::ZERO;
            simd.store(simd.keep(bits, simd.load(&columns[0])), &mut kept);
            let expected = std::array::from_fn(|i| if bits >> i & 1 == 1 { columns[0].0[i] } else { 0.0 });
            assert_eq!(kept.0, expected, "{bits:x}");
        }
    }
}

#[test]
fn columns_are_turned_and_rows_kept() {
    on_each_kind(Turned);
}

#[test]
fn what_cannot_be_used_is_said() {
    use super::processor::{NoInstructions, instructions, use_instructions};
    let unknown = use_instructions("avx3").unwrap_err().to_string();
    assert_eq!(unknown, "\"avx3\" names no vector instructions: known are avx512, avx2, portable");
    let used = instructions();
    use_instructions(&format!(" {} ", used.to_uppercase())).unwrap();
    let other = if used == "portable" { return } else { "portable" };
    assert!(matches!(use_instructions(other), Err(NoInstructions::Settled { .. })));
}
