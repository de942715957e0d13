//! Sixteen floats at a time, by what the processor has: AVX-512, AVX2 with FMA, or plain Rust.
//!
//! The width is sixteen everywhere, so that sums are taken in the same order on every processor; the two x86 kinds give
//! the same bits. This is the one module with `unsafe` arithmetic. Its proof: a value of [`Avx512`] or [`Avx2`] is made
//! only by `detect`, which asks the processor, so whoever holds one may execute those instructions; loads and stores go
//! through references to [`Lane`], which is 64 bytes and aligned to 64.
#![expect(unsafe_code, reason = "vector instructions; the proof is in the module's documentation")]

/// Sixteen floats in one cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Lane(pub(super) [f32; 16]);

impl Lane {
    pub(super) const ZERO: Self = Self([0.0; 16]);
    pub(super) const ONE: Self = Self([1.0; 16]);

    /// Sum in a fixed order.
    #[inline(always)]
    pub(super) fn sum(&self) -> f32 {
        let v = &self.0;
        let eight: [f32; 8] = std::array::from_fn(|i| v[i] + v[i + 8]);
        let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
}

/// What is compiled once for each kind, as a function of its own.
pub(super) trait Kernel {
    type Output;

    /// `inline(always)`, as all that it calls, so that it is compiled for the instructions of `S`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Arithmetic on sixteen floats.
pub(super) trait Simd: Copy {
    /// Sixteen floats in registers.
    type V: Copy;

    /// Most units that a tile of a product takes.
    const UNITS: usize;
    /// Lanes that a tile of a product takes.
    const LANES: usize;
    /// Most inputs and units that a tile of a gradient's lanes takes.
    const TILE: (usize, usize);
    /// Most inputs, and most times sixteen units, that a tile of a gradient's sums takes.
    const PANEL: (usize, usize);

    /// Calls the function that `kernel` is on this kind.
    fn call<K: Kernel>(self, kernel: K) -> K::Output;
    fn splat(self, value: f32) -> Self::V;
    fn load(self, from: &Lane) -> Self::V;
    fn store(self, value: Self::V, to: &mut Lane);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The lane's sum, in the order of [`Lane::sum`].
    #[inline(always)]
    fn sum(self, lane: &Lane) -> f32 {
        lane.sum()
    }
    /// Sixteen columns of sixteen rows turned: row `r` to `rows[r * stride]`.
    #[inline(always)]
    fn turn(self, columns: &[Lane; 16], rows: &mut [Lane], stride: usize) {
        for (r, row) in rows.iter_mut().step_by(stride).take(16).enumerate() {
            row.0 = std::array::from_fn(|c| columns[c].0[r]);
        }
    }
    /// a·b + c
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `yes` where a < b, else `no`.
    fn if_less(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// `a` where its bit, the lowest for the first, is 1; 0 elsewhere.
    fn keep(self, bits: u16, a: Self::V) -> Self::V;
    /// The nearest whole number.
    fn round(self, a: Self::V) -> Self::V;
    /// 2^n for whole n in [-126, 127].
    fn exp2(self, n: Self::V) -> Self::V;
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
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
    }
}

/// Any processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

impl Portable {
    #[inline(always)]
    fn zip(a: [f32; 16], b: [f32; 16], f: impl Fn(f32, f32) -> f32) -> [f32; 16] {
        std::array::from_fn(|i| f(a[i], b[i]))
    }
}

impl Simd for Portable {
    type V = [f32; 16];

    const UNITS: usize = 3;
    const LANES: usize = 1;
    const TILE: (usize, usize) = (2, 2);
    const PANEL: (usize, usize) = (2, 1);

    #[inline(never)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 16] {
        [value; 16]
    }
    #[inline(always)]
    fn load(self, from: &Lane) -> [f32; 16] {
        from.0
    }
    #[inline(always)]
    fn store(self, value: [f32; 16], to: &mut Lane) {
        to.0 = value;
    }
    #[inline(always)]
    fn add(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        Self::zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        Self::zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        Self::zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        Self::zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        // x86 without FMA would call a function for each number; elsewhere fusing is one instruction.
        if cfg!(target_arch = "x86_64") {
            std::array::from_fn(|i| a[i] * b[i] + c[i])
        } else {
            std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
        }
    }
    #[inline(always)]
    fn max(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        Self::zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        Self::zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn if_less(self, a: [f32; 16], b: [f32; 16], yes: [f32; 16], no: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn keep(self, bits: u16, a: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| if bits & (1 << i) == 0 { 0.0 } else { a[i] })
    }
    #[inline(always)]
    fn round(self, a: [f32; 16]) -> [f32; 16] {
        a.map(f32::round_ties_even)
    }
    #[inline(always)]
    fn exp2(self, n: [f32; 16]) -> [f32; 16] {
        n.map(|n| f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
}
