//! How many positives it would take to tell a difference of the size that was seen: at 5 %, two-sided, with a power of
//! 80 %, the far tail left out as usual.

use super::interval::Z;

/// Standard normal quantile of 0.8.
const Z_POWER: f64 = 0.841_621_233_572_914_3;

/// Positives needed to tell a difference of two AUCs that has `variance` (DeLong's, of the difference) with `positives`
/// positives, if the share of positives stays: the variance then falls with 1 / positives. `None` where the difference
/// is 0. As `statsmodels.stats.power.normal_sample_size_one_tail` has it for α / 2.
pub fn positives_for_auc(difference: f64, variance: f64, positives: u64) -> Option<u64> {
    let of_one = variance * positives as f64;
    whole(of_one * ((Z + Z_POWER) / difference).powi(2))
}

/// Positives needed to tell by McNemar's test that two models miss different shares of the positives, when of
/// `positives` the first alone missed `b` and the second alone `c`. `None` where these are equal.
///
/// R. J. Connor: Sample size for testing differences in proportions for the paired-sample design, Biometrics 43(1),
/// 1987.
pub fn positives_for_missed(b: u64, c: u64, positives: u64) -> Option<u64> {
    let all = positives as f64;
    let discordant = (b + c) as f64 / all;
    let difference = b.abs_diff(c) as f64 / all;
    let root = Z * discordant.sqrt() + Z_POWER * (discordant - difference * difference).max(0.0).sqrt();
    whole((root / difference).powi(2))
}

fn whole(needed: f64) -> Option<u64> {
    needed.is_finite().then(|| needed.ceil() as u64)
}
