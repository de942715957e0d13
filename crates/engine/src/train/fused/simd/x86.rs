//! AVX-512, and AVX2 with FMA.

use super::{Kernel, Lane, Simd};
use std::arch::x86_64::*;

/// [`Lane::sum`] by the instructions of AVX, which compilers do not find by themselves.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn sum(lane: &Lane) -> f32 {
    unsafe {
        let eight = _mm256_add_ps(_mm256_load_ps(lane.0.as_ptr()), _mm256_load_ps(lane.0[8..].as_ptr()));
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// [`Simd::turn`] in four squares of eight by eight.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn turn(columns: &[Lane; 16], rows: &mut [Lane], stride: usize) {
    for below in [0, 8] {
        for beside in [0, 8] {
            // SAFETY: the processor has AVX; eight floats from `below` or `beside` on lie within a lane.
            unsafe {
                let mut square = [_mm256_setzero_ps(); 8];
                for c in 0..8 {
                    square[c] = _mm256_load_ps(columns[beside + c].0[below..].as_ptr());
                }
                let square = turn_square(square);
                for r in 0..8 {
                    _mm256_store_ps(rows[(below + r) * stride].0[beside..].as_mut_ptr(), square[r]);
                }
            }
        }
    }
}

/// Eight columns of eight rows turned.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn turn_square(a: [__m256; 8]) -> [__m256; 8] {
    unsafe {
        let (near, far) = (turn_half([a[0], a[1], a[2], a[3]]), turn_half([a[4], a[5], a[6], a[7]]));
        [
            _mm256_permute2f128_ps::<0x20>(near[0], far[0]),
            _mm256_permute2f128_ps::<0x20>(near[1], far[1]),
            _mm256_permute2f128_ps::<0x20>(near[2], far[2]),
            _mm256_permute2f128_ps::<0x20>(near[3], far[3]),
            _mm256_permute2f128_ps::<0x31>(near[0], far[0]),
            _mm256_permute2f128_ps::<0x31>(near[1], far[1]),
            _mm256_permute2f128_ps::<0x31>(near[2], far[2]),
            _mm256_permute2f128_ps::<0x31>(near[3], far[3]),
        ]
    }
}

/// Four columns of eight rows turned: rows 0 and 4, 1 and 5, 2 and 6, 3 and 7.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn turn_half(a: [__m256; 4]) -> [__m256; 4] {
    unsafe {
        let (low, high) = (_mm256_unpacklo_ps(a[0], a[1]), _mm256_unpackhi_ps(a[0], a[1]));
        let (low2, high2) = (_mm256_unpacklo_ps(a[2], a[3]), _mm256_unpackhi_ps(a[2], a[3]));
        [
            _mm256_shuffle_ps::<0x44>(low, low2),
            _mm256_shuffle_ps::<0xEE>(low, low2),
            _mm256_shuffle_ps::<0x44>(high, high2),
            _mm256_shuffle_ps::<0xEE>(high, high2),
        ]
    }
}

/// The processor has AVX-512F.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Avx512(());

impl Avx512 {
    pub(in super::super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

impl Simd for Avx512 {
    type V = __m512;

    const UNITS: usize = 8;
    const LANES: usize = 2;
    const TILE: (usize, usize) = (6, 4);
    const PANEL: (usize, usize) = (8, 3);

    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f")]
        #[inline(never)]
        fn compiled<K: Kernel>(simd: Avx512, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: a token exists only where its instructions do.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    fn load(self, from: &Lane) -> __m512 {
        unsafe { _mm512_load_ps(from.0.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, value: __m512, to: &mut Lane) {
        unsafe { _mm512_store_ps(to.0.as_mut_ptr(), value) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn sum(self, lane: &Lane) -> f32 {
        unsafe { sum(lane) }
    }
    #[inline(always)]
    fn turn(self, columns: &[Lane; 16], rows: &mut [Lane], stride: usize) {
        unsafe { turn(columns, rows, stride) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn if_less(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), no, yes) }
    }
    #[inline(always)]
    fn keep(self, bits: u16, a: __m512) -> __m512 {
        unsafe { _mm512_maskz_mov_ps(bits, a) }
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn exp2(self, n: __m512) -> __m512 {
        unsafe {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        }
    }
    #[inline(always)]
    fn exponent(self, a: __m512) -> __m512 {
        unsafe {
            let biased = _mm512_srli_epi32::<23>(_mm512_castps_si512(a));
            _mm512_cvtepi32_ps(_mm512_sub_epi32(biased, _mm512_set1_epi32(127)))
        }
    }
}

/// The processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Avx2(());

impl Avx2 {
    pub(in super::super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// The lower eight and the upper eight.
type Pair = (__m256, __m256);

impl Simd for Avx2 {
    type V = Pair;

    const UNITS: usize = 6;
    const LANES: usize = 1;
    const TILE: (usize, usize) = (3, 2);
    const PANEL: (usize, usize) = (6, 1);

    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<K: Kernel>(simd: Avx2, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: a token exists only where its instructions do.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Pair {
        let half = unsafe { _mm256_set1_ps(value) };
        (half, half)
    }
    #[inline(always)]
    fn load(self, from: &Lane) -> Pair {
        unsafe { (_mm256_load_ps(from.0.as_ptr()), _mm256_load_ps(from.0[8..].as_ptr())) }
    }
    #[inline(always)]
    fn store(self, value: Pair, to: &mut Lane) {
        unsafe {
            _mm256_store_ps(to.0.as_mut_ptr(), value.0);
            _mm256_store_ps(to.0[8..].as_mut_ptr(), value.1);
        }
    }
    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        unsafe { (_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)) }
    }
    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        unsafe { (_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)) }
    }
    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        unsafe { (_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1)) }
    }
    #[inline(always)]
    fn div(self, a: Pair, b: Pair) -> Pair {
        unsafe { (_mm256_div_ps(a.0, b.0), _mm256_div_ps(a.1, b.1)) }
    }
    #[inline(always)]
    fn sum(self, lane: &Lane) -> f32 {
        unsafe { sum(lane) }
    }
    #[inline(always)]
    fn turn(self, columns: &[Lane; 16], rows: &mut [Lane], stride: usize) {
        unsafe { turn(columns, rows, stride) }
    }
    #[inline(always)]
    fn mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        unsafe { (_mm256_fmadd_ps(a.0, b.0, c.0), _mm256_fmadd_ps(a.1, b.1, c.1)) }
    }
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        unsafe { (_mm256_max_ps(a.0, b.0), _mm256_max_ps(a.1, b.1)) }
    }
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        unsafe { (_mm256_min_ps(a.0, b.0), _mm256_min_ps(a.1, b.1)) }
    }
    #[inline(always)]
    fn if_less(self, a: Pair, b: Pair, yes: Pair, no: Pair) -> Pair {
        unsafe {
            (
                _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0)),
                _mm256_blendv_ps(no.1, yes.1, _mm256_cmp_ps::<_CMP_LT_OQ>(a.1, b.1)),
            )
        }
    }
    #[inline(always)]
    fn keep(self, bits: u16, a: Pair) -> Pair {
        unsafe {
            let of = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let (low, high) = (_mm256_set1_epi32(i32::from(bits)), _mm256_set1_epi32(i32::from(bits >> 8)));
            let low = _mm256_cmpeq_epi32(_mm256_and_si256(low, of), of);
            let high = _mm256_cmpeq_epi32(_mm256_and_si256(high, of), of);
            (_mm256_and_ps(_mm256_castsi256_ps(low), a.0), _mm256_and_ps(_mm256_castsi256_ps(high), a.1))
        }
    }
    #[inline(always)]
    fn round(self, a: Pair) -> Pair {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        unsafe { (_mm256_round_ps::<NEAREST>(a.0), _mm256_round_ps::<NEAREST>(a.1)) }
    }
    #[inline(always)]
    fn exp2(self, n: Pair) -> Pair {
        unsafe {
            let bias = _mm256_set1_epi32(127);
            let low = _mm256_add_epi32(_mm256_cvtps_epi32(n.0), bias);
            let high = _mm256_add_epi32(_mm256_cvtps_epi32(n.1), bias);
            (_mm256_castsi256_ps(_mm256_slli_epi32::<23>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<23>(high)))
        }
    }
    #[inline(always)]
    fn exponent(self, a: Pair) -> Pair {
        unsafe {
            let bias = _mm256_set1_epi32(127);
            let low = _mm256_sub_epi32(_mm256_srli_epi32::<23>(_mm256_castps_si256(a.0)), bias);
            let high = _mm256_sub_epi32(_mm256_srli_epi32::<23>(_mm256_castps_si256(a.1)), bias);
            (_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high))
        }
    }
}
