//! What few units of rows, groups or days, say of how much they vary.

use focalsweep_core::metrics::{LEVEL, student_t};

/// How many units of one size say as much as these, of which each has so many rows: (Σ n)² / Σ n² (L. Kish 1965, Survey
/// sampling, 11.7). Of seven days of which one has half of the positives less than seven are known; as many degrees of
/// freedom as there are units tell too much (A. V. Carter, K. T. Schnepel & D. G. Steigerwald 2017, Review of Economics
/// and Statistics 99(4)).
pub(super) fn as_of_one_size(rows: impl Iterator<Item = u32>) -> usize {
    let add = |(sum, squares): (f64, f64), rows: u32| (sum + f64::from(rows), squares + f64::from(rows).powi(2));
    let (sum, squares) = rows.fold((0.0, 0.0), add);
    if squares > 0.0 { (sum * sum / squares).round() as usize } else { 0 }
}

/// Moves resamples of a difference apart from their median: those of few units vary too little, by as much as Student's
/// quantile is beyond the normal one and as units vary less about the mean of their own (T. C. Hesterberg 2015, What
/// teachers should know about the bootstrap, The American Statistician 69(4), 5.3). `units`: as [`as_of_one_size`] has
/// it, at least 2.
pub(super) fn spread(differences: &mut [f64], units: usize) {
    differences.sort_unstable_by(f64::total_cmp);
    let Some(&middle) = differences.get(differences.len() / 2) else { return };
    let freedom = units as f64 - 1.0;
    let times = student_t(LEVEL, freedom) / student_t(LEVEL, f64::from(u32::MAX)) * (1.0 + 1.0 / freedom).sqrt();
    differences.iter_mut().for_each(|difference| *difference = middle + times * (*difference - middle));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_different_sizes_count_for_fewer() {
        assert_eq!(as_of_one_size([3; 7].into_iter()), 7);
        // (6 + 6 · 1)² / (36 + 6) = 3.4.
        assert_eq!(as_of_one_size([6, 1, 1, 1, 1, 1, 1].into_iter()), 3);
        assert_eq!(as_of_one_size([0, 5, 0, 5].into_iter()), 2, "those without rows of the class are none");
        assert_eq!(as_of_one_size([0; 4].into_iter()), 0);
    }

    #[test]
    fn resamples_of_few_units_are_moved_apart() {
        // scipy.stats.t.ppf(0.975, 4) / norm.ppf(0.975) · √(5 / 4) = 2.7764451 / 1.9599640 · 1.1180340.
        let mut differences = vec![2.0, -1.0, 0.0, 1.0, -2.0];
        spread(&mut differences, 5);
        let expected = 2.776_445_1 / 1.959_964 * 1.118_034;
        for (found, at) in differences.into_iter().zip([-2.0, -1.0, 0.0, 1.0, 2.0]) {
            assert!((found - at * expected).abs() < 1e-5, "{found}");
        }
    }
}
