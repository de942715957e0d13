//! Against scikit-learn (recorded, see tests/fixtures/splits/make_splits.py).

use serde::Deserialize;

use super::super::split::columns::SplitColumns;
use super::super::split::{Parts, Splits};
use super::*;
use focalsweep_core::spec::{Folds, Span};

#[derive(Deserialize)]
struct Recorded {
    grouped: Vec<Grouped>,
    series: Vec<Series>,
    stratified: Vec<Stratified>,
}

#[derive(Deserialize)]
struct Grouped {
    name: String,
    folds: u32,
    groups: Vec<u32>,
    labels: Vec<u8>,
    off_share: Vec<f64>,
    off_size: Vec<f64>,
}

#[derive(Deserialize)]
struct Series {
    rows: usize,
    windows: u32,
    size: usize,
    gap: f64,
    /// Where training rows end, where test rows begin, where they end.
    parts: Vec<[usize; 3]>,
}

#[derive(Deserialize)]
struct Stratified {
    positives: usize,
    negatives: usize,
    folds: u32,
    counts: Vec<[usize; 2]>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/splits/splits.json")).unwrap()
}

fn in_folds(folds: u32, by: SplitBy) -> SplitSpec {
    SplitSpec { by, folds: Some(Folds { folds, repeats: 1 }), ..SplitSpec::default() }
}

fn tests_of(labels: &[u8], columns: &SplitColumns, spec: &SplitSpec, seed: u64, replicates: u32) -> Vec<Parts> {
    let splits = Splits { spec, seed, replicates };
    let part = |replicate| super::super::split::split(labels, columns, &splits, replicate).unwrap().parts;
    (0..replicates).map(part).collect()
}

/// Folds are about as alike as those of `StratifiedGroupKFold`, which always takes the best place for a group: on
/// average over the seeds the worst fold's share of positives is off by at most half as much again, and its size by
/// that and 2 %.
#[test]
fn groups_are_dealt_about_as_evenly_as_scikit_learn_deals_them() {
    for Grouped { name, folds, groups, labels, off_share, off_size } in recorded().grouped {
        let spec = in_folds(folds, SplitBy::Group { column: "g".into() });
        let cells: Vec<String> = groups.iter().map(u32::to_string).collect();
        let cells: Vec<Option<&str>> = cells.iter().map(|cell| Some(cell.as_str())).collect();
        let mut table = Table { rows: groups.len(), columns: vec![text("g", &cells)] };
        let columns =
            SplitColumns::take(&mut table, &super::spec(Path::new("t.csv"), "y"), &spec, &Default::default()).unwrap();
        let share =
            |rows: &[u32]| rows.iter().map(|&row| f64::from(labels[row as usize])).sum::<f64>() / rows.len() as f64;
        let all = share(&(0..labels.len() as u32).collect::<Vec<_>>());
        let (mut shares, mut sizes) = (Vec::new(), Vec::new());
        for seed in 0..off_share.len() as u64 {
            let parts = tests_of(&labels, &columns, &spec, seed, folds);
            let fair = labels.len() as f64 / f64::from(folds);
            let worst = |of: &dyn Fn(&Parts) -> f64| parts.iter().map(of).fold(0.0, f64::max);
            shares.push(worst(&|parts| (share(&parts.test) - all).abs()));
            sizes.push(worst(&|parts| (parts.test.len() as f64 / fair - 1.0).abs()));
        }
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        for (what, ours, theirs, slack) in [("share", &shares, &off_share, 0.0), ("size", &sizes, &off_size, 0.02)] {
            let (ours, theirs) = (mean(ours), mean(theirs));
            println!("{name}, {what}: {ours:.4}, scikit-learn {theirs:.4}");
            assert!(ours <= 1.5 * theirs + slack, "{name}, {what}: {ours} {theirs}");
        }
    }
}

#[test]
fn windows_are_those_of_time_series_split() {
    for Series { rows, windows, size, gap, parts } in recorded().series {
        let by =
            SplitBy::Time { column: "t".into(), gap: Span::number(gap), label_delay: None, window: None, groups: None };
        let test = (windows as usize * size) as f64 / rows as f64;
        let spec = SplitSpec { by, test, validation: 0.1, ..SplitSpec::default() };
        let times: Vec<f64> = (0..rows).map(|row| row as f64).collect();
        let mut table = Table { rows, columns: vec![number("t", times)] };
        let columns =
            SplitColumns::take(&mut table, &super::spec(Path::new("t.csv"), "y"), &spec, &Default::default()).unwrap();
        let labels: Vec<u8> = (0..rows).map(|row| u8::from(row % 2 == 0)).collect();
        for (ours, [end, first, last]) in tests_of(&labels, &columns, &spec, 0, windows).iter().zip(parts) {
            assert_eq!(ours.test, (first as u32..last as u32).collect::<Vec<_>>());
            // Validation rows are the last of what scikit-learn trains on.
            assert_eq!(ours.validation.last(), Some(&(end as u32 - 1)));
        }
    }
}

#[test]
fn folds_have_the_rows_of_each_class_that_stratified_k_fold_has() {
    for Stratified { positives, negatives, folds, counts } in recorded().stratified {
        let labels: Vec<u8> = (0..positives + negatives).map(|row| u8::from(row < positives)).collect();
        let spec = in_folds(folds, SplitBy::Random);
        let parts = tests_of(&labels, &SplitColumns::default(), &spec, 3, folds);
        let count = |parts: &Parts| {
            let caught = parts.test.iter().filter(|&&row| (row as usize) < positives).count();
            [caught, parts.test.len() - caught]
        };
        let ours: Vec<[usize; 2]> = parts.iter().map(count).collect();
        for class in [0, 1] {
            let of = |counts: &[[usize; 2]]| {
                let mut of: Vec<usize> = counts.iter().map(|counts| counts[class]).collect();
                of.sort_unstable();
                of
            };
            assert_eq!(of(&ours), of(&counts));
        }
    }
}
