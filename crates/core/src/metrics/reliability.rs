//! Whether a score of 0.3 means three of ten.

use super::steps::Steps;

/// How scores are put into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binning {
    /// Bins of equal width over [0, 1].
    EqualWidth,
    /// Bins of as many rows as can be without parting equal scores.
    EqualMass,
}

/// Rows whose scores lie together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Rows in it, at least 1.
    pub count: u64,
    /// Mean of their scores.
    pub mean_score: f64,
    /// Share of them that are positive.
    pub share_positive: f64,
}

/// A reliability diagram of at most `bins` bins, ascending; empty bins are left out.
///
/// A. Niculescu-Mizil, R. Caruana: Predicting good probabilities with supervised learning, ICML 2005. Equal widths as
/// scikit-learn's `calibration_curve` has them (the upper end belongs to the bin), equal mass by the place in the
/// order. Empty when a score is NaN or there are no rows or no bins.
pub fn reliability(scores: &[f32], labels: &[u8], bins: usize, binning: Binning) -> Vec<ReliabilityBin> {
    Steps::of(scores, labels).map(|steps| steps.reliability(bins, binning)).unwrap_or_default()
}

impl Steps {
    /// As [`reliability()`].
    pub fn reliability(&self, bins: usize, binning: Binning) -> Vec<ReliabilityBin> {
        if bins == 0 {
            return Vec::new();
        }
        let all = self.rows() as usize;
        // Inner edges belong to the bin below.
        let place = |score: f64| (0..bins - 1).take_while(|&i| (i + 1) as f64 / (bins as f64) < score).count();
        let mut of_bins = vec![(0_u64, 0.0, 0_u64); bins];
        let mut before = 0;
        for step in self.iter() {
            let (score, equal) = (f64::from(step.score), step.rows as usize);
            let at = match binning {
                Binning::EqualWidth => place(score),
                Binning::EqualMass => equal_mass_bin(before, equal, all, bins),
            };
            let (count, sum, positives) = &mut of_bins[at];
            *count += u64::from(step.rows);
            *sum += score * f64::from(step.rows);
            *positives += u64::from(step.positives);
            before += equal;
        }
        let of_bins = of_bins.into_iter().filter(|&(count, ..)| count > 0);
        of_bins
            .map(|(count, sum, positives)| ReliabilityBin {
                count,
                mean_score: sum / count as f64,
                share_positive: positives as f64 / count as f64,
            })
            .collect()
    }
}

/// The bin of equal mass of `equal` rows of one score, of which `before` of `all` rows have a lower one: by the middle
/// of the run, so that runs over an edge go to where most of them lie.
pub(super) fn equal_mass_bin(before: usize, equal: usize, all: usize, bins: usize) -> usize {
    ((2 * before + equal) * bins / (2 * all)).min(bins - 1)
}

/// Expected calibration error: mean over the rows of |mean score - share of positives| of their bin; `None` without
/// rows.
///
/// M. P. Naeini, G. F. Cooper, M. Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning, AAAI
/// 2015.
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> Option<f64> {
    let rows: u64 = bins.iter().map(|bin| bin.count).sum();
    let off: f64 = bins.iter().map(|bin| bin.count as f64 * (bin.mean_score - bin.share_positive).abs()).sum();
    (rows > 0).then(|| off / rows as f64)
}
