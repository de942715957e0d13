//! Rows that come in units: groups of rows that belong together, or days.
//!
//! N. A. Obuchowski: Nonparametric analysis of clustered ROC curve data, Biometrics 53(2), 1997: what the rows of a
//! unit add to the error of an AUC is added up before it is squared, and variances are those of units, not of rows.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;

use super::interval::{Z, score_interval};
use super::student::student_t;
use super::{AucComponents, AucEstimate, Interval};

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

/// AUC of rows that come in units. Its interval is as that of rows that stand for themselves
/// ([`AucEstimate::interval`]), but each class counts as many units as have rows of it, and what a unit adds is added
/// up before it is squared. Simulated coverage: `table_of_unit_interval_coverage` in the tests; of few units it holds
/// the truth too often. `None` when a class is in fewer than two units or a score is NaN.
pub fn clustered_auc<U: Copy + Eq + Hash + Ord>(scores: &[f32], labels: &[u8], units: &[U]) -> Option<AucEstimate> {
    let factors = unit_factors(labels, units)?;
    let components = AucComponents::new(scores, labels)?;
    let auc = components.auc();
    // Of each class, negatives first; `None` where a unit has no row of it.
    let mut of_unit: BTreeMap<U, [Option<f64>; 2]> = BTreeMap::new();
    for ((influence, &label), &unit) in components.influences(labels)?.into_iter().zip(labels).zip(units) {
        let class = usize::from(label != 0);
        *of_unit.entry(unit).or_default()[class].get_or_insert(0.0) += f64::from(influence) * factors[class];
    }
    let of_class = |class: usize| of_unit.values().filter_map(move |sums| sums[class]);
    let counts = [0, 1].map(|class| of_class(class).count() as f64);
    let parts = [0, 1].map(|class| of_class(class).map(|sum| sum * sum).sum::<f64>());
    let variance: f64 = of_unit.values().map(|sums| sums.iter().flatten().sum::<f64>().powi(2)).sum();
    let most = auc * (1.0 - auc);
    let of_most = |value: f64| if most > 0.0 { value / most } else { 0.0 };
    // A unit and a half more that vary as much as any can, as there.
    let share = |class: usize| {
        let n = counts[class];
        ((n - 1.0) * of_most(parts[class] * n) + 1.5) / (n + 0.5) / n
    };
    let common = of_most((variance - parts[0] - parts[1]).max(0.0));
    let rows = 1.0 / (share(0) + share(1) + common);
    Some(AucEstimate { auc, se: Some(variance.sqrt()), effective_rows: Some(rows) })
}

/// Interval of 95 % of a share of rows that come in units, each with its rows that count and all its rows: that of the
/// score test of as many trials as would vary as much (Korn & Graubard 1998). Where no row counts, or all do, a unit is
/// a trial. `None` with fewer than two units with rows.
pub fn clustered_share_interval(units: &[(u64, u64)]) -> Option<Interval> {
    let count = units.iter().filter(|(_, all)| *all > 0).count() as f64;
    let [good, all] = units.iter().fold([0.0, 0.0], |[a, b], &(x, n)| [a + x as f64, b + n as f64]);
    if count < 2.0 {
        return None;
    }
    let share = good / all;
    let squares: f64 = units.iter().map(|&(x, n)| (x as f64 - share * n as f64).powi(2)).sum();
    let variance = count / (count - 1.0) * squares / (all * all);
    let trials = if variance > 0.0 { (share * (1.0 - share) / variance).min(all) } else { count };
    Some(score_interval(share, trials * few_units(count)))
}

/// By what fewer trials a variance that is known of few units is as good as.
fn few_units(count: f64) -> f64 {
    (Z / student_t(0.05, count - 1.0)).powi(2)
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

    proptest! {
        #[test]
        fn an_auc_of_units_of_one_row_is_that_of_rows(
            rows in prop::collection::vec((0_u8..2, 0_i32..40), 40..400),
        ) {
            let labels: Vec<u8> = rows.iter().map(|row| row.0).collect();
            let positives = labels.iter().filter(|&&label| label == 1).count();
            prop_assume!(positives > 1 && positives + 1 < labels.len());
            let scores: Vec<f32> = rows.iter().map(|row| (row.1 + 15 * i32::from(row.0)) as f32).collect();
            let units: Vec<u32> = (0..rows.len() as u32).collect();
            let (found, expected) =
                (clustered_auc(&scores, &labels, &units).unwrap(), auc_delong(&scores, &labels).unwrap());
            prop_assert_eq!(found.auc, expected.auc);
            let (found, expected) = (found.interval().unwrap(), expected.interval().unwrap());
            prop_assert!((found.lower - expected.lower).abs() < 1e-6, "{:?} {:?}", found, expected);
            prop_assert!((found.upper - expected.upper).abs() < 1e-6, "{:?} {:?}", found, expected);
        }
    }

    /// How often intervals hold the truth in `sets` sets of `groups` groups of 12 rows, a fourth of them positive,
    /// whose rows have a score in common that varies as much as their own: that of the AUC of units, that of rows, and
    /// that of a share of half of the rows.
    fn coverage(groups: u32, sets: u32) -> [f64; 3] {
        let mut stream = crate::random::Stream::new(7, 0, crate::random::Purpose::Bootstrap, 0, 0);
        // Positives have a mean of 1.5 more, and a row the variance 2: Φ(1.5 / √4).
        let auc = 0.773_372_6;
        let holds = |interval: Option<Interval>, truth: f64| {
            u32::from(interval.is_some_and(|of| of.lower <= truth && truth <= of.upper))
        };
        let mut held = [0; 3];
        for _ in 0..sets {
            let (mut scores, mut labels, mut units, mut shares) = (vec![], vec![], vec![], vec![]);
            for unit in 0..groups {
                let (label, common) = (u8::from(unit % 4 == 0), stream.normal());
                let mean = 1.5 * f64::from(label);
                let own: Vec<f64> = (0..12).map(|_| mean + common + stream.normal()).collect();
                shares.push((own.iter().filter(|&&score| score >= mean).count() as u64, 12));
                scores.extend(own.into_iter().map(|score| score as f32));
                labels.extend([label; 12]);
                units.extend([unit; 12]);
            }
            held[0] += holds(clustered_auc(&scores, &labels, &units).and_then(|of| of.interval()), auc);
            held[1] += holds(auc_delong(&scores, &labels).and_then(|of| of.interval()), auc);
            held[2] += holds(clustered_share_interval(&shares), 0.5);
        }
        held.map(|held| f64::from(held) / f64::from(sets))
    }

    #[test]
    fn intervals_of_units_cover() {
        let [auc, of_rows, share] = coverage(24, 400);
        assert!(auc > 0.93 && share > 0.93, "{auc} {share}");
        assert!(of_rows < 0.8, "{of_rows}: there is something to hold");
    }

    #[test]
    #[ignore = "a table of docs/statistics.md"]
    fn table_of_unit_interval_coverage() {
        for groups in [12, 24, 60, 200] {
            let [auc, of_rows, share] = coverage(groups, 2000).map(|share| 100.0 * share);
            println!("| {groups} | {} | {auc:.1} | {of_rows:.1} | {share:.1} |", groups / 4);
        }
    }

    #[test]
    fn shares_of_units() {
        // Each unit one row: Wilson's, but for Student's quantile.
        let rows: Vec<(u64, u64)> = (0..400).map(|row| (u64::from(row % 5 == 0), 1)).collect();
        let (found, wilson) =
            (clustered_share_interval(&rows).unwrap(), crate::metrics::wilson_interval(80, 400).unwrap());
        assert!((found.lower - wilson.lower).abs() < 1e-3 && (found.upper - wilson.upper).abs() < 1e-3, "{found:?}");
        // Rows that go together tell no more than one.
        let copies: Vec<(u64, u64)> = (0..20).map(|unit| if unit % 5 == 0 { (50, 50) } else { (0, 50) }).collect();
        let once: Vec<(u64, u64)> = (0..20).map(|unit| (u64::from(unit % 5 == 0), 1)).collect();
        let (copies, once) = (clustered_share_interval(&copies).unwrap(), clustered_share_interval(&once).unwrap());
        assert!((copies.lower - once.lower).abs() < 1e-9 && (copies.upper - once.upper).abs() < 1e-9);
        // Nobody of ten units: as none of ten, or fewer.
        let none = clustered_share_interval(&[(0, 30); 10]).unwrap();
        assert!(none.lower == 0.0 && none.upper > crate::metrics::wilson_interval(0, 10).unwrap().upper);
        assert_eq!(clustered_share_interval(&[(3, 30), (0, 0)]), None);
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
