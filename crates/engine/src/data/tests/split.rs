use proptest::prelude::*;

use super::super::split::{Parts, split};
use super::*;
use focalsweep_core::spec::SplitSpec;

fn labels(positives: usize, negatives: usize) -> Vec<u8> {
    // Spread over the rows, so that order and class do not go together.
    (0..positives + negatives)
        .map(|row| {
            u8::from(row * positives / (positives + negatives) != (row + 1) * positives / (positives + negatives))
        })
        .collect()
}

fn shares(test: f64, validation: f64, stratify: bool) -> SplitSpec {
    SplitSpec { test, validation, stratify, ..SplitSpec::default() }
}

fn of_class(part: &[u32], labels: &[u8], class: u8) -> usize {
    part.iter().filter(|&&row| labels[row as usize] == class).count()
}

proptest! {
    #[test]
    fn parts_are_disjoint_complete_and_of_the_asked_shares(
        positives in 3usize..400, negatives in 3usize..4000, test in 0.02..0.6, validation in 0.02..0.39,
        seed in any::<u64>(), replicate in 0u32..5,
    ) {
        let labels = labels(positives, negatives);
        let spec = shares(test, validation, true);
        let parts = split(&labels, &spec, seed, replicate).unwrap();
        for part in [&parts.train, &parts.validation, &parts.test] {
            prop_assert!(part.is_sorted());
        }
        let mut all: Vec<u32> = [&parts.train[..], &parts.validation, &parts.test].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..labels.len() as u32).collect::<Vec<_>>());
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
        for row in split(&labels, &SplitSpec::default(), 5, replicate).unwrap().test {
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
    assert!(split(&labels(3, 3), &shares(0.9, 0.09, true), 0, 0).is_ok(), "three rows are enough for any shares");
    assert!(split(&labels(100, 900), &shares(0.2, 0.2, false), 0, 0).is_ok());
}
