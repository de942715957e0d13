//! The numbers of a `min`, `max`, `count` range, by equal steps or by equal factors.

use super::types::{Domain, InitialBias};

/// `count` numbers from `min` to `max`, both included, equally spaced.
///
/// Floating noise is taken off: 0.1 to 0.4 in 7 steps is 0.1, 0.15, 0.2 …, not 0.15000000000000002. A number that is
/// not within noise of a decimal of 12 significant digits (relative to the larger end), such as 1/3, keeps its full
/// precision. `count` 1 is `min` alone.
pub fn linspace(min: f64, max: f64, count: u32) -> Vec<f64> {
    let scale = min.abs().max(max.abs());
    spaced(min, max, count, |t| without_noise(min * (1.0 - t) + max * t, scale))
}

/// `count` numbers from `min` to `max`, both above 0 and included, each the same multiple of the one before: 1e-4 to
/// 1e-1 in 4 steps is 1e-4, 1e-3, 1e-2, 1e-1. Floating noise is taken off as in [`linspace`].
pub(super) fn geomspace(min: f64, max: f64, count: u32) -> Vec<f64> {
    let (from, to) = (min.ln(), max.ln());
    spaced(min, max, count, |t| {
        let x = (from * (1.0 - t) + to * t).exp();
        // Logarithms of the largest and the smallest numbers lose some 1e-13 of them.
        match format!("{x:.11e}").parse::<f64>() {
            Ok(rounded) if (rounded - x).abs() <= 2e-13 * x => rounded,
            _ => x,
        }
    })
}

/// `count` numbers: `min`, `max`, and between them what `at` has for equal steps from 0 to 1.
fn spaced(min: f64, max: f64, count: u32, at: impl Fn(f64) -> f64) -> Vec<f64> {
    let last = count.saturating_sub(1);
    let number = |i: u32| match i {
        0 => min,
        i if i == last => max,
        i => at(f64::from(i) / f64::from(last)),
    };
    (0..count).map(number).collect()
}

/// The decimal of 12 significant digits of `scale` that is within rounding error of `x`, else `x`.
fn without_noise(x: f64, scale: f64) -> f64 {
    let magnitude = scale.log10().floor();
    if !magnitude.is_finite() {
        return x;
    }
    let decimals = (11.0 - magnitude).clamp(0.0, 320.0) as usize;
    match format!("{x:.decimals$}").parse::<f64>() {
        // + 0.0 turns -0 into 0.
        Ok(rounded) if (rounded - x).abs() <= 4.0 * f64::EPSILON * scale => rounded + 0.0,
        _ => x,
    }
}

/// What a number of a range means to a parameter.
pub trait FromNumber: Sized {
    /// The parameter's value, or `None` where that number cannot be one.
    fn from_number(_number: f64) -> Option<Self> {
        None
    }
}

impl FromNumber for f64 {
    fn from_number(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl FromNumber for usize {
    fn from_number(number: f64) -> Option<Self> {
        let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        whole.then_some(number as Self)
    }
}

impl FromNumber for InitialBias {
    fn from_number(number: f64) -> Option<Self> {
        Some(Self::Value(number))
    }
}

impl FromNumber for Vec<usize> {}

impl<T: Clone + FromNumber> Domain<T> {
    /// Whether it has more values than can be counted.
    pub(super) fn is_endless(&self) -> bool {
        match self {
            Self::Drawn(drawn) => drawn.domain(T::from_number(0.5).is_none()).count().is_none(),
            Self::Value { .. } | Self::Values { .. } | Self::Range { .. } | Self::LogRange { .. } => false,
        }
    }

    /// The values in order; none of a distribution. [`parse`](super::parse) lets ranges through only where each number
    /// is a value.
    pub fn expand(&self) -> Vec<T> {
        match self {
            Self::Value { value } => vec![value.clone()],
            Self::Values { values, .. } => values.clone(),
            Self::Range { min, max, count } => {
                linspace(*min, *max, *count).into_iter().filter_map(T::from_number).collect()
            }
            Self::LogRange { min, max, count, .. } => {
                geomspace(*min, *max, *count).into_iter().filter_map(T::from_number).collect()
            }
            // As many as there are numbers.
            Self::Drawn(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Domain, geomspace, linspace};
    use proptest::prelude::*;

    #[test]
    fn published_grid_is_exact() {
        assert_eq!(linspace(0.1, 0.4, 7), [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]);
        assert_eq!(linspace(0.1, 0.9, 9), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
        assert_eq!(linspace(-0.3, 0.3, 7), [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]);
        assert!(linspace(-0.3, 0.3, 7).iter().all(|x| x.to_bits() != (-0.0_f64).to_bits()));
    }

    #[test]
    fn thirds_keep_full_precision() {
        assert_eq!(linspace(0.0, 1.0, 4), [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]);
    }

    #[test]
    fn small_and_degenerate_ranges() {
        assert_eq!(linspace(1e-5, 5e-5, 5), [1e-5, 2e-5, 3e-5, 4e-5, 5e-5]);
        assert_eq!(linspace(2.0, 3.0, 1), [2.0]);
        assert_eq!(linspace(2.0, 2.0, 3), [2.0, 2.0, 2.0]);
        assert_eq!(linspace(0.0, 0.0, 3), [0.0, 0.0, 0.0]);
        assert!(linspace(0.0, 1.0, 0).is_empty());
        assert!(linspace(-f64::MAX, f64::MAX, 5).iter().all(|x| x.is_finite()));
    }

    #[test]
    fn factors_are_equal_and_decimals_exact() {
        assert_eq!(geomspace(1e-4, 1e-1, 4), [1e-4, 1e-3, 1e-2, 1e-1]);
        assert_eq!(geomspace(1e-300, 1e300, 3), [1e-300, 1.0, 1e300]);
        assert_eq!(geomspace(32.0, 1024.0, 6), [32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]);
        assert_eq!(geomspace(0.1, 0.9, 3), [0.1, 0.3, 0.9]);
        assert!((geomspace(1.0, 2.0, 3)[1] - 2.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn expands_whole_numbers() {
        let domain = Domain::<usize>::Range { min: 256.0, max: 1024.0, count: 4 };
        assert_eq!(domain.expand(), [256, 512, 768, 1024]);
    }

    proptest! {
        /// The oracle is integer arithmetic: every number is (start + i step) / 10^digits, read by the standard
        /// library.
        #[test]
        fn decimals_are_exact(
            start in -1_000_000_i64..1_000_000, step in 1_i64..1_000_000, count in 2_u32..60, digits in 0_u32..10,
        ) {
            let decimal = |whole: i64| format!("{whole}e-{digits}").parse::<f64>().unwrap() + 0.0;
            let expected: Vec<f64> = (0..i64::from(count)).map(|i| decimal(start + i * step)).collect();
            let actual = linspace(expected[0], expected[count as usize - 1], count);
            prop_assert_eq!(actual, expected);
        }

        /// Whatever the ends, the numbers are evenly spaced to rounding error.
        #[test]
        fn any_ends_are_evenly_spaced(a in -1e3..1e3_f64, b in -1e3..1e3_f64, count in 2_u32..60) {
            let (min, max) = (a.min(b), a.max(b));
            let actual = linspace(min, max, count);
            prop_assert_eq!((actual[0], actual[count as usize - 1]), (min, max));
            for (i, x) in actual.iter().enumerate() {
                let exact = min + (max - min) * i as f64 / f64::from(count - 1);
                prop_assert!((x - exact).abs() <= 1e-15 * 8.0 * min.abs().max(max.abs()));
            }
        }
    }
}
