//! Intervals of 95 %.

use super::student::student_t;

/// Standard normal quantile of 1 - 0.05 / 2.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// An interval that holds the true value with a probability of about 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// From the 2.5 % to the 97.5 % quantile of `values` (as numpy's `percentile` has it); `None` without values.
    pub(super) fn percentile(values: &mut [f64]) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let below = place.floor() as usize;
            let (low, high) = (values[below], values[(below + 1).min(last)]);
            low + (high - low) * (place - below as f64)
        };
        Some(Self { lower: at(0.025), upper: at(0.975) })
    }
}

/// Moves resamples of a share, none of them 0 or 1, apart from their median on the logit scale: they vary too little
/// where they rest on few rows. By as much as Student's quantile of `freedom` degrees of freedom is beyond the normal
/// one, and by what rows vary less about the mean of their own.
pub(super) fn spread(shares: &mut [f64], freedom: usize) {
    let logit = |share: f64| (share / (1.0 - share)).ln();
    let mut sorted = shares.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(&middle) = sorted.get(sorted.len() / 2) else { return };
    let freedom = freedom.max(1) as f64;
    let times = student_t(0.05, freedom) / Z * ((freedom + 1.0) / freedom).sqrt();
    for share in shares {
        *share = 1.0 / (1.0 + (-(logit(middle) + times * (logit(*share) - logit(middle)))).exp());
    }
}

/// Interval of a share of which `successes` of `trials` were seen, by the score test; `None` without trials.
///
/// E. B. Wilson: Probable inference, the law of succession, and statistical inference, JASA 22(158), 1927.
pub fn wilson_interval(successes: u64, trials: u64) -> Option<Interval> {
    let n = trials as f64;
    (trials > 0).then(|| score_interval(successes as f64 / n, n))
}

/// The same of a share that varies as one of `n` trials does, where `n` need not be whole.
pub(super) fn score_interval(share: f64, n: f64) -> Interval {
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Interval { lower: (centre - half).max(0.0), upper: (centre + half).min(1.0) }
}

/// On the logit scale, which keeps it inside of (0, 1): `centre` ± Student's quantile times the standard error `se`
/// there.
pub(super) fn logit_interval(centre: f64, se: f64, freedom: usize) -> Interval {
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    let half = student_t(0.05, freedom as f64) * se;
    Interval { lower: back(centre - half), upper: back(centre + half) }
}
