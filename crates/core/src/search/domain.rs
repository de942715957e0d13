//! What values a dimension may take and how likely each is before anything is known.
//!
//! The words are those of W&B's sweep configuration (docs.wandb.ai, "Sweep configuration options"): `uniform`,
//! `log_uniform_values`, `normal`, `log_normal` and `beta` are a [`Law`]; each with `q_` before it is the same rounded;
//! `int_uniform` is [`Domain::Integer`]; `categorical` is [`Domain::Choices`]. `inv_log_uniform_values`, whose `1 / X`
//! is log-uniform, is log-uniform itself.

use statrs::function::beta::{beta_reg, inv_beta_reg};
use statrs::function::erf::{erfc, erfc_inv};

/// A continuous distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Equally likely anywhere in `min..=max`.
    Uniform {
        /// Least value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// The logarithm is uniform; bounds are values, not exponents.
    LogUniform {
        /// Least value, above 0.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation, above 0.
        sd: f64,
    },
    /// The natural logarithm is normal.
    LogNormal {
        /// Mean of the logarithm.
        mean: f64,
        /// Standard deviation of the logarithm, above 0.
        sd: f64,
    },
    /// Beta(a, b), in 0..=1.
    Beta {
        /// First shape, above 0.
        a: f64,
        /// Second shape, above 0.
        b: f64,
    },
}

/// The values of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// Any number.
    Real(Law),
    /// The nearest multiple of `step` to a number of `law`, within the law's bounds (W&B's `q_…`).
    Rounded {
        /// What is rounded.
        law: Law,
        /// What the values are multiples of, above 0.
        step: f64,
    },
    /// Whole numbers.
    Integer {
        /// Least.
        min: i64,
        /// Largest.
        max: i64,
        /// Whether the logarithm is uniform, between those of `min` - 1/2 and `max` + 1/2; then `min` is above 0.
        log: bool,
    },
    /// Things without an order; a point has the position, from 0.
    Choices {
        /// How many.
        count: usize,
        /// How likely each is; absent: all alike.
        probabilities: Option<Vec<f64>>,
    },
    /// Things with an order, which is that of `numbers`; a point has the position among them, from 0.
    Ordered {
        /// Different numbers, in any order.
        numbers: Vec<f64>,
        /// How likely each is; absent: all alike.
        probabilities: Option<Vec<f64>>,
    },
}

/// Most different values of a whole-numbered or rounded dimension: all are exact as float64.
const MOST: f64 = 9_007_199_254_740_992.0; // 2^53

impl Law {
    /// The value with a share `u` of the distribution below it, `0 < u < 1`.
    pub fn quantile(&self, u: f64) -> f64 {
        match *self {
            Self::Uniform { min, max } => ((1.0 - u) * min + u * max).clamp(min, max),
            Self::LogUniform { min, max } => ((1.0 - u) * min.ln() + u * max.ln()).exp().clamp(min, max),
            Self::Normal { mean, sd } => mean + sd * normal_quantile(u),
            Self::LogNormal { mean, sd } => (mean + sd * normal_quantile(u)).exp(),
            Self::Beta { a, b } => inv_beta_reg(a, b, u).clamp(0.0, 1.0),
        }
    }

    /// The share of the distribution below `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        match *self {
            Self::Uniform { min, max } => share(min, max, x),
            Self::LogUniform { min, max } if x > 0.0 => share(min.ln(), max.ln(), x.ln()),
            Self::Normal { mean, sd } => normal_cdf((x - mean) / sd),
            Self::LogNormal { mean, sd } if x > 0.0 => normal_cdf((x.ln() - mean) / sd),
            Self::Beta { a, b } => beta_reg(a, b, x.clamp(0.0, 1.0)),
            Self::LogUniform { .. } | Self::LogNormal { .. } => 0.0,
        }
    }

    /// Least and largest value; infinite where there is none.
    pub(super) fn bounds(&self) -> (f64, f64) {
        match *self {
            Self::Uniform { min, max } | Self::LogUniform { min, max } => (min, max),
            Self::Normal { .. } => (f64::NEG_INFINITY, f64::INFINITY),
            Self::LogNormal { .. } => (0.0, f64::INFINITY),
            Self::Beta { .. } => (0.0, 1.0),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        match *self {
            Self::Uniform { min, max } if !(min.is_finite() && max.is_finite() && min <= max) => {
                Some("expected min <= max, both finite")
            }
            Self::LogUniform { min, max } if !(positive(min) && max.is_finite() && min <= max) => {
                Some("expected 0 < min <= max, both finite")
            }
            Self::Normal { mean, sd } | Self::LogNormal { mean, sd } if !(mean.is_finite() && positive(sd)) => {
                Some("expected a finite mean and a standard deviation above 0")
            }
            Self::Beta { a, b } if !(positive(a) && positive(b)) => Some("expected both shapes above 0"),
            _ => None,
        }
    }
}

impl Domain {
    /// What is wrong with it, in words.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Real(law) => law.fault(),
            Self::Rounded { law, step } => law.fault().or_else(|| {
                let (min, max) = law.bounds();
                if !(step.is_finite() && *step > 0.0) {
                    return Some("expected a step above 0");
                }
                let bounded = min.is_finite() && max.is_finite();
                if bounded && min.abs().max(max.abs()) / step >= MOST {
                    return Some("expected fewer than 2^53 steps between 0 and the bounds");
                }
                (multiples(*law, *step).is_some_and(|(first, last)| first > last))
                    .then_some("expected a multiple of the step between the bounds")
            }),
            Self::Integer { min, max, log } => {
                if min > max {
                    Some("expected min <= max")
                } else if min.unsigned_abs().max(max.unsigned_abs()) as f64 >= MOST {
                    Some("expected whole numbers below 2^53")
                } else {
                    (*log && *min < 1).then_some("expected a min above 0 where the logarithm is uniform")
                }
            }
            Self::Choices { count, probabilities } => list_fault(*count, probabilities.as_deref()),
            Self::Ordered { numbers, probabilities } => {
                let mut sorted = numbers.clone();
                sorted.sort_by(f64::total_cmp);
                if numbers.iter().any(|number| number.is_nan()) || sorted.windows(2).any(|two| two[0] == two[1]) {
                    return Some("expected different numbers");
                }
                list_fault(numbers.len(), probabilities.as_deref())
            }
        }
    }
}

/// First and last multiple of `step` within the law's bounds; `None` for a law without an end.
pub(super) fn multiples(law: Law, step: f64) -> Option<(i64, i64)> {
    // A bound that is a multiple but for rounding counts as one: 0.3 = 3 x 0.1 - 1 ulp.
    const SLACK: f64 = 1e-9;
    let (min, max) = law.bounds();
    (min.is_finite() && max.is_finite()).then(|| {
        let (low, high) = (min / step, max / step);
        ((low - SLACK * low.abs().max(1.0)).ceil() as i64, (high + SLACK * high.abs().max(1.0)).floor() as i64)
    })
}

fn list_fault(count: usize, probabilities: Option<&[f64]>) -> Option<&'static str> {
    if count == 0 {
        return Some("expected at least one value");
    }
    let probabilities = probabilities?;
    let total: f64 = probabilities.iter().sum();
    if probabilities.len() != count {
        Some("expected a probability for each value")
    } else if probabilities.iter().any(|&p| !(p.is_finite() && p >= 0.0)) || (total - 1.0).abs() > 1e-6 {
        Some("expected probabilities from 0 that add up to 1")
    } else {
        None
    }
}

fn share(min: f64, max: f64, x: f64) -> f64 {
    if max > min { ((x - min) / (max - min)).clamp(0.0, 1.0) } else { f64::from(u8::from(x >= min)) }
}

/// The standard normal's distribution function.
pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Its inverse.
pub(super) fn normal_quantile(u: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * u)
}
