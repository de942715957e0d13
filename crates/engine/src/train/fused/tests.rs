//! The products against plain loops in the order that they promise, on each kind of processor, to the bit.

use proptest::prelude::*;

use super::gradient::{Copies, outer};
use super::kernels::{AsItIs, Packed, product};
use super::matrix::Matrix;
use super::processor::{Check, on_each_kind};
use super::simd::{Lane, Portable, Simd};

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

struct Product(Layer);

impl Check for Product {
    #[inline(always)]
    fn check<S: Simd>(&self, simd: S, fuses: bool) {
        let Layer { inputs, outputs, lanes, turned, bias, seed } = self.0;
        let mut next = numbers(seed);
        let x = matrix(lanes + 1, inputs, &mut next);
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| next()).collect();
        let biases: Vec<f32> = (0..outputs).map(|_| next()).collect();
        let step = if turned { (1, inputs) } else { (outputs, 1) };
        let mut packed = Packed::default();
        packed.fill::<S>(&weights, inputs, outputs, step);
        let mut out = matrix(lanes + 1, outputs, &mut next);
        product(simd, &x, lanes, &packed, bias.then_some(biases.as_slice()), &mut out, &AsItIs);
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

struct Outer(Layer, bool);

impl Check for Outer {
    #[inline(always)]
    fn check<S: Simd>(&self, simd: S, fuses: bool) {
        let Self(layer, fresh) = *self;
        let Layer { inputs, outputs, lanes, seed, .. } = layer;
        let mut next = numbers(seed);
        // As in a network: deltas stand in the room of activations, beside a column of ones.
        let (x, delta) = (matrix(lanes, inputs, &mut next), matrix(lanes, outputs + 1, &mut next));
        let before: Vec<Lane> = (0..inputs * outputs).map(|_| Lane(std::array::from_fn(|_| next()))).collect();
        let mut gradient = before.clone();
        outer(simd, &x, &delta, outputs, lanes, fresh, &mut gradient, &mut Copies::default());
        for i in 0..inputs {
            for j in 0..outputs {
                for slot in 0..16 {
                    let mut sum = if fresh { 0.0 } else { before[i * outputs + j].0[slot] };
                    for t in 0..lanes {
                        sum = fuse(fuses, x.lane(t)[i].0[slot], delta.lane(t)[j].0[slot], sum);
                    }
                    let found = gradient[i * outputs + j].0[slot];
                    assert_eq!(found.to_bits(), sum.to_bits(), "input {}, unit {}", i, j);
                }
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
        on_each_kind(&Product(layer));
    }

    #[test]
    fn a_gradient_sums_lane_by_lane(layer in layer(), fresh in any::<bool>()) {
        on_each_kind(&Outer(layer, fresh));
    }
}

/// More weights than stay in a cache: strips are done in groups.
#[test]
fn a_product_of_many_inputs_is_the_same() {
    let layer = Layer { inputs: 9_001, outputs: 31, lanes: 3, turned: false, bias: true, seed: 7 };
    on_each_kind(&Product(layer));
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
