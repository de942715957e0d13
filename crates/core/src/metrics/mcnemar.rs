//! Whether two models miss the same positives.
//!
//! Q. McNemar: Note on the sampling error of the difference between correlated proportions or percentages,
//! Psychometrika 12(2), 1947; for rows that come in clusters, here a row of the source that lies in the splits of
//! several replicates: V. L. Durkalski, Y. Y. Palesch, S. R. Lipsitz, P. F. Rust: Analysis of clustered matched-pair
//! data, Statistics in Medicine 22(15), 2003.

use std::collections::BTreeMap;

use super::two_sided_p;

/// Clusters that differ (one replicate: discordant pairs) below which a test is exact.
const EXACT_BELOW: usize = 25;

/// Two-sided p-value for `b` rows on which only the first model is wrong and `c` on which only the second is.
///
/// Exact (binomial) for `b + c < 25`, else χ² with Edwards' continuity correction, which comes near to the exact test;
/// both as `statsmodels.stats.contingency_tables.mcnemar` has them.
pub fn mcnemar(b: u64, c: u64) -> f64 {
    let discordant = b + c;
    if discordant >= EXACT_BELOW as u64 {
        return two_sided_p((b.abs_diff(c) as f64 - 1.0).max(0.0) / (discordant as f64).sqrt());
    }
    // P(X <= min) of X ~ Binomial(b + c, 1/2), twice.
    let mut ways = 1.0;
    let mut tail = 0.0;
    for k in 0..=b.min(c) {
        tail += ways;
        ways *= (discordant - k) as f64 / (k + 1) as f64;
    }
    (2.0 * tail / 2_f64.powi(discordant as i32)).min(1.0)
}

/// McNemar's test for several replicates whose splits share rows. `differences` holds for each row of the source the
/// replicates in which the first model missed it less those in which the second did. Two-sided.
///
/// With at least 25 rows that differ z² = (|Σd| - 1)² / Σd², Durkalski's statistic with McNemar's continuity correction
/// (the sums step by two). With fewer it is exact: the share of all 2ⁿ ways to flip the signs whose sum is as far from
/// 0. With one replicate it is [`mcnemar`].
pub fn mcnemar_clustered(differences: &[i64]) -> f64 {
    let differing: Vec<i64> = differences.iter().copied().filter(|&d| d != 0).collect();
    let sum = differing.iter().sum::<i64>().abs();
    if differing.len() >= EXACT_BELOW {
        let squares: i64 = differing.iter().map(|d| d * d).sum();
        return two_sided_p((sum as f64 - 1.0).max(0.0) / (squares as f64).sqrt());
    }
    // Mostly the binomial of one replicate: signs of equal steps.
    if differing.windows(2).all(|w| w[0].abs() == w[1].abs()) {
        let positive = differing.iter().filter(|&&d| d > 0).count();
        return mcnemar(positive as u64, (differing.len() - positive) as u64);
    }
    // Sums of the signs so far, with their probabilities.
    let mut sums = BTreeMap::from([(0_i64, 1.0)]);
    for d in differing {
        let mut next = BTreeMap::new();
        for (sum, p) in sums {
            *next.entry(sum + d).or_insert(0.0) += 0.5 * p;
            *next.entry(sum - d).or_insert(0.0) += 0.5 * p;
        }
        sums = next;
    }
    sums.into_iter().filter(|(other, _)| other.abs() >= sum).map(|(_, p)| p).sum::<f64>().min(1.0)
}
