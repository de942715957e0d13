//! Rows that come in units: groups of rows that belong together, or days.
//!
//! N. A. Obuchowski: Nonparametric analysis of clustered ROC curve data, Biometrics 53(2), 1997: what the rows of a
//! unit add to the error of an AUC is added up before it is squared, and variances are those of units, not of rows.

use std::collections::HashSet;
use std::hash::Hash;

use super::AucComponents;

/// By what the influences of rows of each class, negatives first, are multiplied so that the squares of their sums over
/// units add up to Obuchowski's variance: the root of I / (I - 1) for I units with rows of the class, instead of that
/// for rows ([`AucComponents::influences`]). `None` where a class is in fewer than two units.
pub fn unit_factors<U: Copy + Eq + Hash>(labels: &[u8], units: &[U]) -> Option<[f64; 2]> {
    let of_class = |class: u8| {
        let rows = || labels.iter().zip(units).filter(move |(label, _)| u8::from(**label != 0) == class);
        let (n, i) = (rows().count() as f64, rows().map(|(_, unit)| *unit).collect::<HashSet<U>>().len() as f64);
        (i > 1.0).then(|| ((n - 1.0) / n * i / (i - 1.0)).sqrt())
    };
    Some([of_class(0)?, of_class(1)?])
}

/// Standard error of the AUC of rows that come in units; `units[i]` is that of row i. `None` when a class is in fewer
/// than two units or a score is NaN.
pub fn clustered_auc_error(scores: &[f32], labels: &[u8], units: &[u32]) -> Option<f64> {
    let factors = unit_factors(labels, units)?;
    let influences = AucComponents::new(scores, labels)?.influences(labels)?;
    let mut of_unit: Vec<f64> = vec![0.0; units.iter().max().map_or(0, |&last| last as usize + 1)];
    for ((&influence, &label), &unit) in influences.iter().zip(labels).zip(units) {
        of_unit[unit as usize] += f64::from(influence) * factors[usize::from(label != 0)];
    }
    Some(of_unit.iter().map(|sum| sum * sum).sum::<f64>().sqrt())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::metrics::auc_delong;

    /// Obuchowski's formula as the paper has it, with loops over all pairs.
    fn as_published(scores: &[f32], labels: &[u8], units: &[u32]) -> f64 {
        let psi = |x: f32, y: f32| f64::from(u8::from(x > y)) + 0.5 * f64::from(u8::from(x == y));
        let of = |class: u8| (0..labels.len()).filter(move |&row| labels[row] == class);
        let (m, n) = (of(1).count() as f64, of(0).count() as f64);
        let auc = of(1).flat_map(|i| of(0).map(move |j| psi(scores[i], scores[j]))).sum::<f64>() / (m * n);
        let v10 = |i: usize| of(0).map(|j| psi(scores[i], scores[j])).sum::<f64>() / n;
        let v01 = |j: usize| of(1).map(|i| psi(scores[i], scores[j])).sum::<f64>() / m;
        let mut of_unit: BTreeMap<u32, [Option<f64>; 2]> = BTreeMap::new();
        for row in 0..labels.len() {
            let class = usize::from(labels[row]);
            let value = if class == 1 { v10(row) } else { v01(row) };
            *of_unit.entry(units[row]).or_default()[class].get_or_insert(0.0) += value - auc;
        }
        let with = |class: usize| of_unit.values().filter_map(move |sums| sums[class]);
        let (i10, i01, all) = (with(1).count() as f64, with(0).count() as f64, of_unit.len() as f64);
        let s10 = i10 / ((i10 - 1.0) * m) * with(1).map(|sum| sum * sum).sum::<f64>();
        let s01 = i01 / ((i01 - 1.0) * n) * with(0).map(|sum| sum * sum).sum::<f64>();
        let both = of_unit.values().filter_map(|sums| Some(sums[0]? * sums[1]?)).sum::<f64>();
        (s10 / m + s01 / n + 2.0 / (m * n) * all / (all - 1.0) * both).max(0.0).sqrt()
    }

    proptest! {
        #[test]
        fn the_error_is_obuchowskis(
            rows in prop::collection::vec((0_u8..2, 0_u32..25, 0_i32..40), 60..200),
        ) {
            let labels: Vec<u8> = rows.iter().map(|row| row.0).collect();
            let units: Vec<u32> = rows.iter().map(|row| row.1).collect();
            // Rows of a unit and of a class have scores that are alike.
            let scores: Vec<f32> =
                rows.iter().map(|row| (row.2 + 3 * row.1 as i32 % 17 + 9 * i32::from(row.0)) as f32).collect();
            let found = clustered_auc_error(&scores, &labels, &units).unwrap();
            let expected = as_published(&scores, &labels, &units);
            // What positives and negatives of a unit have in common is scaled a little otherwise there.
            prop_assert!((found / expected - 1.0).abs() < 0.02, "{found} {expected}");
        }

        #[test]
        fn units_of_one_row_are_rows(rows in prop::collection::vec((0_u8..2, 0_i32..40), 20..100)) {
            let labels: Vec<u8> = rows.iter().map(|row| row.0).collect();
            let scores: Vec<f32> = rows.iter().map(|row| row.1 as f32).collect();
            let units: Vec<u32> = (0..rows.len() as u32).collect();
            let expected = auc_delong(&scores, &labels).and_then(|auc| auc.se);
            let found = clustered_auc_error(&scores, &labels, &units);
            prop_assert_eq!(found.is_some(), expected.is_some());
            if let Some((found, expected)) = found.zip(expected) {
                prop_assert!((found - expected).abs() < 1e-6 * (1.0 + expected), "{found} {expected}");
            }
        }
    }

    /// Each row twice, in a unit with its copy: as much is known as of one copy.
    #[test]
    fn copies_tell_nothing_new() {
        let scores: Vec<f32> = (0..40).map(|row| (row * 7 % 40) as f32).collect();
        let labels: Vec<u8> = (0..40).map(|row| u8::from(row * 5 % 9 == 0)).collect();
        let once = auc_delong(&scores, &labels).unwrap().se.unwrap();
        let units: Vec<u32> = (0..40).chain(0..40).collect();
        let twice = clustered_auc_error(&scores.repeat(2), &labels.repeat(2), &units).unwrap();
        assert!((once - twice).abs() < 1e-6, "{once} {twice}");
        assert!(auc_delong(&scores.repeat(2), &labels.repeat(2)).unwrap().se.unwrap() < 0.8 * twice);
    }
}
