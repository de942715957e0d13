//! Every row tests once in each repeat.

use proptest::prelude::*;

use super::super::split::columns::SplitColumns;
use super::super::split::{Parts, Splits};
use super::split_group::{by_group, each_row_once, grouped, groups_of, split as split_groups, with_class};
use super::*;
use focalsweep_core::spec::Folds;

fn in_folds(folds: u32, repeats: u32) -> SplitSpec {
    SplitSpec { folds: Some(Folds { folds, repeats }), ..SplitSpec::default() }
}

fn split(labels: &[u8], spec: &SplitSpec, seed: u64, replicate: u32) -> Result<Parts, DataError> {
    let splits = Splits { spec, seed, replicates: 1 };
    super::super::split::split(labels, &SplitColumns::default(), &splits, replicate).map(|dealt| dealt.parts)
}

/// Whether each row is in one of the parts.
fn are_all(parts: impl Iterator<Item = Vec<u32>>, rows: usize) -> bool {
    let mut all: Vec<u32> = parts.flatten().collect();
    all.sort_unstable();
    all == (0..rows as u32).collect::<Vec<_>>()
}

proptest! {
    #[test]
    fn each_row_tests_once_in_each_repeat(
        positives in 6_usize..60, negatives in 20_usize..400, folds in 2_u32..7, validation in 0.05..0.3, seed: u64,
        stratify: bool, calibration in prop::option::of(0.02..0.1),
    ) {
        let spec = SplitSpec { validation, stratify, calibration, ..in_folds(folds, 2) };
        let rows = positives + negatives;
        let labels: Vec<u8> = (0..rows).map(|row| u8::from(row < positives)).collect();
        let all = (0..2 * folds).map(|replicate| split(&labels, &spec, seed, replicate));
        let all: Result<Vec<Parts>, DataError> = all.collect();
        // Without regard to class a part may lack one, which is refused.
        prop_assert!(all.is_ok() || !stratify, "{:?}", all);
        let Ok(all) = all else { return Ok(()) };
        for repeat in all.chunks(folds as usize) {
            prop_assert!(are_all(repeat.iter().map(|parts| parts.test.clone()), rows));
            for parts in repeat {
                let beside = [&parts.train, &parts.validation, &parts.test, &parts.calibration];
                prop_assert!(are_all(beside.into_iter().cloned(), rows));
                // To the row, and of each class where that is asked for.
                let fair = rows as f64 / f64::from(folds);
                prop_assert!((parts.test.len() as f64 - fair).abs() < 1.0);
                let tested = parts.test.iter().filter(|&&row| (row as usize) < positives).count() as f64;
                prop_assert!(!stratify || (tested - positives as f64 / f64::from(folds)).abs() < 1.0);
                let chosen = parts.validation.len() as f64;
                prop_assert!((chosen - validation * rows as f64).abs() <= 2.0, "{chosen}");
            }
        }
        prop_assert_ne!(&all[0].test, &all[folds as usize].test);
        prop_assert_eq!(split(&labels, &spec, seed, 1).unwrap(), all[1].clone());
    }

    #[test]
    fn each_group_tests_once_in_each_repeat((groups, labels) in grouped(), folds in 2_u32..5, seed: u64) {
        let spec = SplitSpec { folds: Some(Folds { folds, repeats: 2 }), ..by_group(0.2, 0.1) };
        let least = if folds == 2 { 4 } else { folds as usize };
        let few = [0, 1].iter().any(|&class| with_class(&groups, &labels, class) < least);
        for repeat in 0..2 {
            let of = |fold| split_groups(&groups, &labels, &spec, seed, repeat * folds + fold);
            prop_assert_eq!(of(0).is_err(), few, "{:?}", of(0));
            if few { continue }
            let parts: Vec<Parts> = (0..folds).map(|fold| of(fold).unwrap().parts).collect();
            prop_assert!(are_all(parts.iter().map(|parts| parts.test.clone()), labels.len()));
            for parts in &parts {
                prop_assert!(each_row_once(parts, labels.len()));
                let of = [&parts.train, &parts.validation, &parts.test].map(|part| groups_of(part, &groups));
                prop_assert!(of[0].is_disjoint(&of[1]) && of[0].is_disjoint(&of[2]) && of[1].is_disjoint(&of[2]));
            }
        }
    }
}

#[test]
fn a_fold_without_positives_is_refused() {
    let labels: Vec<u8> = (0..60).map(|row| u8::from(row < 4)).collect();
    let text = said(&split(&labels, &in_folds(5, 1), 0, 0).unwrap_err());
    assert!(text.contains("4 positive rows: the folds") && text.contains("so 5"), "{text}");
    assert!(split(&labels, &in_folds(4, 1), 0, 0).is_ok());
    // Beside one of two folds there must be a row to train on and one to choose on.
    let labels: Vec<u8> = (0..60).map(|row| u8::from(row < 3)).collect();
    assert!(said(&split(&labels, &in_folds(2, 1), 0, 0).unwrap_err()).contains("so 4"));
    // Without regard to class it may happen.
    let labels: Vec<u8> = (0..60).map(|row| u8::from(row < 6)).collect();
    let spec = SplitSpec { stratify: false, ..in_folds(6, 1) };
    let errors = (0..6).filter_map(|replicate| split(&labels, &spec, 1, replicate).err());
    let said: Vec<String> = errors.map(|error| said(&error)).collect();
    assert!(said.iter().any(|text| text.contains("hold no positive row | set `split.stratify: true`")), "{said:?}");
}
