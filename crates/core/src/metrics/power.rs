//! What so many positives can tell, planned and not read off what was seen: the power that a test had for the
//! difference that it found says no more than its p-value (J. M. Hoenig, D. M. Heisey: The abuse of power, The American
//! Statistician 55(1), 2001). So a difference is stated beforehand, or the smallest is told that could have been found.
//!
//! Power is 80 %, the far tail left out as usual. `critical` is the quantile that the test holds its statistic against:
//! 1.96 for one comparison at 5 % of many rows, more where rows are few or it is corrected for many comparisons.

/// Standard normal quantile of 0.8.
const Z_POWER: f64 = 0.841_621_233_572_914_3;

/// The smallest difference of two AUCs that a test tells in 80 % of cases, when the variance of the difference
/// (DeLong's) is `variance`.
pub fn detectable_auc_difference(variance: f64, critical: f64) -> f64 {
    (critical + Z_POWER) * variance.sqrt()
}

/// Positives with which a test tells `difference`, one that was stated beforehand, in 80 % of cases, when the variance
/// of the difference is `variance` with `positives` positives and their share stays: the variance then falls with
/// 1 / positives. `None` where the difference is 0. As `statsmodels.stats.power.normal_sample_size_one_tail` has it
/// for α / 2.
pub fn positives_for_auc(difference: f64, variance: f64, positives: u64, critical: f64) -> Option<u64> {
    let needed = positives as f64 * (detectable_auc_difference(variance, critical) / difference).powi(2);
    needed.is_finite().then(|| needed.ceil() as u64)
}
