use proptest::prelude::*;

use super::super::split::columns::SplitColumns;
use super::super::split::{Parts, Splits};
use super::*;
use focalsweep_core::spec::{SplitSpec, TestRows};

fn labels(positives: usize, negatives: usize) -> Vec<u8> {
    // Spread over the rows, so that order and class do not go together.
    (0..positives + negatives)
        .map(|row| {
            u8::from(row * positives / (positives + negatives) != (row + 1) * positives / (positives + negatives))
        })
        .collect()
}

/// Rows drawn one by one.
fn split(labels: &[u8], spec: &SplitSpec, seed: u64, replicate: u32) -> Result<Parts, DataError> {
    let splits = Splits { spec, seed, replicates: 1 };
    super::super::split::split(labels, &SplitColumns::default(), &splits, replicate).map(|dealt| dealt.parts)
}

fn shares(test: f64, validation: f64, stratify: bool) -> SplitSpec {
    SplitSpec { test, validation, stratify, ..SplitSpec::default() }
}

fn of_class(part: &[u32], labels: &[u8], class: u8) -> usize {
    part.iter().filter(|&&row| labels[row as usize] == class).count()
}

/// Every row of every part, in order.
fn all_of(parts: &Parts) -> Vec<u32> {
    let mut all: Vec<u32> = [&parts.train[..], &parts.validation, &parts.test, &parts.calibration].concat();
    all.sort_unstable();
    all
}

proptest! {
    #[test]
    fn parts_are_disjoint_complete_and_of_the_asked_shares(
        positives in 3usize..400, negatives in 4usize..4000, test in 0.02..0.6, validation in 0.02..0.25,
        seed in any::<u64>(), replicate in 0u32..5, calibration in prop::option::of(0.02..0.14), fixed: bool,
    ) {
        let labels = labels(positives, negatives);
        let test_rows = if fixed { TestRows::Fixed } else { TestRows::Redraw };
        let spec = SplitSpec { test, validation, test_rows, calibration, ..SplitSpec::default() };
        let parts = split(&labels, &spec, seed, replicate).unwrap();
        for part in [&parts.train, &parts.validation, &parts.test, &parts.calibration] {
            prop_assert!(part.is_sorted());
        }
        prop_assert_eq!(all_of(&parts), (0..labels.len() as u32).collect::<Vec<_>>());
        prop_assert_eq!(of_class(&parts.calibration, &labels, 1), 0);
        let set_aside = of_class(&parts.calibration, &labels, 0) as f64;
        prop_assert_eq!(set_aside > 0.0, calibration.is_some());
        prop_assert!((set_aside - calibration.unwrap_or(0.0) * negatives as f64).abs() <= 1.0, "{set_aside}");
        for (class, count) in [(1, positives), (0, negatives)] {
            for (part, share) in [(&parts.test, test), (&parts.validation, validation)] {
                let got = of_class(part, &labels, class) as f64;
                prop_assert!((got - share * count as f64).abs() <= 1.0, "{got} of {count} is not {share}");
                prop_assert!(got >= 1.0);
            }
            prop_assert!(of_class(&parts.train, &labels, class) >= 1);
        }
        let again = split(&labels, &spec, seed, replicate).unwrap();
        prop_assert_eq!(again.fingerprint(), parts.fingerprint());
        prop_assert_eq!(&again, &parts);
    }
}

proptest! {
    #[test]
    fn fixed_test_rows_are_those_of_replicate_0_and_the_rest_is_dealt_anew(
        stratify: bool, seed in any::<u64>(), calibration in prop::option::of(0.05..0.3), replicate in 1u32..100_000,
    ) {
        let labels = labels(60, 600);
        let spec = SplitSpec { stratify, calibration, ..SplitSpec::default() };
        let first = split(&labels, &spec, seed, 0).unwrap();
        let redrawn = |replicate| {
            split(&labels, &SplitSpec { test_rows: TestRows::Redraw, ..spec.clone() }, seed, replicate).unwrap()
        };
        prop_assert_eq!(&first, &redrawn(0));
        let parts = split(&labels, &spec, seed, replicate).unwrap();
        prop_assert_eq!((&parts.test, &parts.calibration), (&first.test, &first.calibration));
        prop_assert_ne!(&parts.validation, &first.validation);
        prop_assert_ne!(&parts.validation, &split(&labels, &spec, seed, replicate + 1).unwrap().validation);
        prop_assert_ne!(&redrawn(replicate).test, &first.test);
        prop_assert_eq!(all_of(&parts), (0..labels.len() as u32).collect::<Vec<_>>());
        for (part, share, of) in [(&parts.test, spec.test, 660.0), (&parts.validation, spec.validation, 660.0),
                                  (&parts.calibration, calibration.unwrap_or(0.0), 600.0)] {
            // Each class is rounded by itself.
            prop_assert!((part.len() as f64 - share * of).abs() <= 1.0 + f64::from(u8::from(stratify)));
        }
        if stratify {
            prop_assert_eq!(of_class(&parts.validation, &labels, 1), 10);
        }
        prop_assert_ne!(parts.fingerprint(), first.fingerprint());
    }
}

/// Replicates of the runs that version 1 made (tests/fixtures/run-v1): they, and replicate 0 ever since, are as they
/// were.
#[test]
fn redrawn_splits_are_those_of_earlier_versions() {
    let labels: Vec<u8> = (0..240).map(|row| u8::from(row % 8 == 0)).collect();
    let of = |test_rows, replicate| {
        split(&labels, &SplitSpec { test_rows, ..SplitSpec::default() }, 0, replicate).unwrap().fingerprint()
    };
    assert_eq!([0, 1].map(|replicate| of(TestRows::Redraw, replicate)), ["ff56f9979df4898b", "a638eea02a9eefd5"]);
    assert_eq!(of(TestRows::Fixed, 0), "ff56f9979df4898b");
    assert_ne!(of(TestRows::Fixed, 1), "a638eea02a9eefd5");
}

#[test]
fn rows_set_aside_are_told_by_the_fingerprint() {
    let labels = labels(30, 300);
    let of = |calibration| split(&labels, &SplitSpec { calibration, ..SplitSpec::default() }, 0, 0).unwrap();
    let (without, with) = (of(None), of(Some(0.1)));
    assert_eq!((&without.test, with.calibration.len()), (&with.test, 30));
    assert_ne!(without.fingerprint(), with.fingerprint());
    let moved = Parts { calibration: with.calibration[1..].to_vec(), ..with.clone() };
    assert_ne!(moved.fingerprint(), with.fingerprint());
}

#[test]
fn seeds_and_replicates_split_differently() {
    let labels = labels(30, 300);
    let of = |seed, replicate| split(&labels, &SplitSpec::default(), seed, replicate).unwrap();
    let all: Vec<Parts> = vec![of(0, 0), of(0, 1), of(1, 0), of(1, 1)];
    for (at, parts) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|other| other != parts && other.fingerprint() != parts.fingerprint()));
    }
}

#[test]
fn every_row_is_as_likely_to_be_held_out() {
    let labels = labels(10, 90);
    let mut times = vec![0u32; 100];
    for replicate in 0..2_000 {
        let spec = SplitSpec { test_rows: TestRows::Redraw, ..SplitSpec::default() };
        for row in split(&labels, &spec, 5, replicate).unwrap().test {
            times[row as usize] += 1;
        }
    }
    // Binomial(2000, 0.2): mean 400, standard deviation 18.
    assert!(times.iter().all(|&times| (310..490).contains(&times)), "{times:?}");
}

#[test]
fn classes_too_small_are_refused() {
    let fault = |labels: &[u8], spec| said(&split(labels, &spec, 0, 0).unwrap_err());
    let told = fault(&labels(2, 50), shares(0.2, 0.2, true));
    assert!(told.starts_with("2 positive rows: training, validation and test rows need at least one each, so 3"));
    let told = fault(&labels(50, 1), shares(0.2, 0.2, true));
    assert!(told.starts_with("1 negative rows"), "{told}");
    let told = fault(&labels(3, 500), shares(0.1, 0.1, false));
    assert!(told.contains("hold no positive row | set `split.stratify: true`"), "{told}");
    let set_aside = SplitSpec { calibration: Some(0.1), ..shares(0.2, 0.2, true) };
    let told = fault(&labels(50, 3), set_aside.clone());
    assert!(
        told.starts_with("3 negative rows: training, validation, test and calibration rows need at least one each")
    );
    assert!(split(&labels(50, 4), &set_aside, 0, 7).is_ok(), "four are enough");
    assert!(split(&labels(3, 3), &shares(0.9, 0.09, true), 0, 0).is_ok(), "three rows are enough for any shares");
    assert!(split(&labels(100, 900), &shares(0.2, 0.2, false), 0, 0).is_ok());
}
