//! What the best of fewer trials would have been: methods that had unequally many trials, compared at equal numbers.
//!
//! J. Dodge, S. Gururangan, D. Card, R. Schwartz & N. A. Smith: Show your work: Improved reporting of experimental
//! results, EMNLP 2019, have the expected best of n trials drawn with replacement. R. Tang, J. Lee, J. Xin, X. Liu, Y.
//! Yu & J. Lin: Showing your work doesn't always work, ACL 2020, show that to be biased and draw without, as here: the
//! mean over all subsets of n of the trials there are.

/// A figure of the best of n trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedBest {
    /// Its mean over all subsets.
    pub mean: f64,
    /// Its standard deviation over them.
    pub deviation: f64,
}

/// The figures of the trial that is best of `n`, over all subsets of `n` of the trials. `figures` are those of all
/// trials, of the best first: by whatever trials are chosen by, which need not be this figure. `None` where `n` is 0 or
/// more than there are.
pub fn expected_best(figures: &[f64], n: usize) -> Option<ExpectedBest> {
    let total = figures.len();
    if n == 0 || n > total {
        return None;
    }
    // The one at place i is the best of C(total - 1 - i, n - 1) of the C(total, n) subsets.
    let mut share = n as f64 / total as f64;
    let (mut mean, mut square) = (0.0, 0.0);
    for (at, figure) in figures.iter().enumerate().take(total - n + 1) {
        // About the first, so that little is rounded away.
        let from_first = figure - figures[0];
        mean += share * from_first;
        square += share * from_first * from_first;
        share *= (total - n - at) as f64 / (total - 1 - at).max(1) as f64;
    }
    Some(ExpectedBest { mean: figures[0] + mean, deviation: (square - mean * mean).max(0.0).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By looking at every subset.
    fn by_brute_force(figures: &[f64], n: usize) -> (f64, f64) {
        let subsets = (0_u32..1 << figures.len()).filter(|subset| subset.count_ones() as usize == n);
        let best: Vec<f64> = subsets.map(|subset| figures[subset.trailing_zeros() as usize]).collect();
        let mean = best.iter().sum::<f64>() / best.len() as f64;
        let variance = best.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / best.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn it_is_the_mean_over_all_subsets() {
        let figures = [0.91, 0.93, 0.9, 0.85, 0.885, 0.7, 0.71, 0.2, 0.95];
        for n in 1..=figures.len() {
            let found = expected_best(&figures, n).unwrap();
            let (mean, deviation) = by_brute_force(&figures, n);
            assert!((found.mean - mean).abs() < 1e-12 && (found.deviation - deviation).abs() < 1e-9, "{n}: {found:?}");
        }
        assert_eq!(expected_best(&figures, 9), Some(ExpectedBest { mean: 0.91, deviation: 0.0 }));
        assert_eq!(
            (expected_best(&figures, 0), expected_best(&figures, 10), expected_best(&[], 1)),
            (None, None, None)
        );
    }

    /// Ten of a thousand: C(1000, 10) is too many to look at and a large number to divide by. Of the numbers 1 to N the
    /// largest of n drawn without replacement is n (N + 1) / (n + 1) on average, with the variance
    /// n (N - n) (N + 1) / ((n + 1)² (n + 2)) (H. A. David & H. N. Nagaraja 2003, Order statistics, 3.7).
    #[test]
    fn of_numbers_in_a_row_the_largest_is_known() {
        let (total, n) = (1000.0, 10.0);
        let figures: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        let found = expected_best(&figures, 10).unwrap();
        assert!((found.mean - n * (total + 1.0) / (n + 1.0)).abs() < 1e-8, "{found:?}");
        let variance = n * (total - n) * (total + 1.0) / ((n + 1.0_f64).powi(2) * (n + 2.0));
        assert!((found.deviation - variance.sqrt()).abs() < 1e-6, "{found:?}");
    }
}
