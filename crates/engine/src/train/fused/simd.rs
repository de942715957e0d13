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
    /// The whole n with 2^n ≤ a < 2^(n+1), for normal a above 0.
    fn exponent(self, a: Self::V) -> Self::V;
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86;

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
    #[inline(always)]
    fn exponent(self, a: [f32; 16]) -> [f32; 16] {
        a.map(|a| ((a.to_bits() >> 23) as i32 - 127) as f32)
    }
}
