//! Suspicions, and copies of rows.

use super::super::{Source, copies_across, load, prepare};
use super::*;

/// 600 rows of these columns, by their row and label; every 12th is positive.
fn spec_of(names: &str, cells: impl Fn(usize, bool) -> String) -> (TempDir, DataSpec) {
    let label = |row: usize| (row * 7919).is_multiple_of(12);
    let rows = (0..600).map(|row| format!("{},{}\n", cells(row, label(row)), u8::from(label(row))));
    let (folder, path) = file("t.csv", format!("{names},y\n{}", rows.collect::<String>()));
    let spec = spec(&path, "y");
    (folder, spec)
}

/// Noise without order.
fn noise(row: usize) -> usize {
    (row * 104_729 + 13) * 7_907 % 99_991
}

fn expect(source: &Source, starts: &[&str]) {
    let fits = source.warnings.len() == starts.len()
        && source.warnings.iter().zip(starts).all(|(told, start)| told.contains(start));
    assert!(fits, "{:#?}\nare not\n{starts:#?}", source.warnings);
}

#[test]
fn columns_that_decide_alone_are_named() {
    let (_f, spec) = spec_of("a,b", |row, _| format!("{},{}.5", noise(row), noise(row + 7)));
    expect(&load(&spec, &SplitSpec::default()).unwrap(), &[]);
    let (_f, spec) = spec_of("a,b", |row, label| format!("{},{}", noise(row), if label { 5 } else { noise(row) % 4 }));
    expect(&load(&spec, &SplitSpec::default()).unwrap(), &["`b` alone nearly decides the label (AUC 1.0000)"]);
    // Downwards as well; a single row amiss out of 600 is nearly.
    let (_f, spec) =
        spec_of("a,b", |row, label| format!("{},{}.5", noise(row), if label || row == 1 { 0 } else { 3 + noise(row) }));
    expect(&load(&spec, &SplitSpec::default()).unwrap(), &["`b` alone nearly decides the label (AUC 0.999"]);
    let (_f, spec) = spec_of("a,b", |row, label| format!("{},{}", noise(row), if label { "u" } else { "v" }));
    expect(&load(&spec, &SplitSpec::default()).unwrap(), &["`b` alone nearly decides the label (AUC 1.0000)"]);
    let (_f, spec) = spec_of("a,b", |row, label| {
        format!("{},{}", noise(row), if label { String::new() } else { noise(row + 9).to_string() })
    });
    expect(
        &load(&spec, &SplitSpec::default()).unwrap(),
        &["whether `b` is missing alone nearly decides the label (AUC 1.0000)"],
    );
    // A level for each few rows decides nothing: rare levels share one share.
    let (_f, spec) = spec_of("a,b", |row, _| format!("{},k{}", noise(row), row % 250));
    expect(&load(&spec, &SplitSpec::default()).unwrap(), &[]);
}

#[test]
fn identifiers_copies_and_order_are_named() {
    let (_f, spec) = spec_of("id,a,b", |row, _| format!("{},{},{}.5", 10 * row + 3, noise(row), noise(row)));
    expect(
        &load(&spec, &SplitSpec::default()).unwrap(),
        &["all different whole numbers in order, so perhaps identifiers"],
    );
    let (_f, spec) = spec_of("a,b,c,d", |row, _| format!("{0},{0},u{1},u{1}", noise(row), row % 3));
    expect(
        &load(&spec, &SplitSpec::default()).unwrap(),
        &["columns that are copies of others, of no use beside them: b (of a), d (of c)"],
    );
    let rows: String = (0..600).map(|row| format!("{},{}\n", noise(row), u8::from(row > 500))).collect();
    let (_folder, path) = file("t.csv", format!("a,y\n{rows}"));
    expect(
        &load(&super::spec(&path, "y"), &SplitSpec::default()).unwrap(),
        &["the order of the rows predicts the label (AUC of the row number 1.000)"],
    );
}

#[test]
fn copies_of_rows_are_counted_and_left_out() {
    let (_f, mut spec) = spec_of("a,b", |row, _| format!("{},x{}", noise(row) % 40, row % 3));
    let source = load(&spec, &SplitSpec::default()).unwrap();
    // The plain way: all pairs.
    let cells = |row: usize| -> Vec<String> {
        let label = source.labels[row].to_string();
        source.table.columns.iter().map(|column| column.values.show(row)).chain([label]).collect()
    };
    let is_copy = |row: usize| (0..row).any(|before| cells(before) == cells(row));
    let copies: Vec<usize> = (0..600).filter(|&row| is_copy(row)).collect();
    assert!(!copies.is_empty());
    expect(&source, &[&format!("{} of 600 rows are exact copies of earlier ones", copies.len())]);
    let replicate = prepare(&source, &spec, &splits(1), 0).unwrap();
    let trains: Vec<Vec<String>> = replicate.train.source_rows.iter().map(|&row| cells(row as usize)).collect();
    let count = |rows: &[u32]| rows.iter().filter(|&&row| trains.contains(&cells(row as usize))).count();
    let told = copies_across(&source, &replicate).unwrap();
    let (test, validation) = (count(&replicate.test.source_rows), count(&replicate.validation.source_rows));
    assert!(told.starts_with(&format!("{test} of {} test rows and {validation} of", replicate.test.len())), "{told}");

    spec.deduplicate = true;
    let source = load(&spec, &SplitSpec::default()).unwrap();
    assert_eq!(source.table.rows, 600 - copies.len());
    expect(&source, &[]);
    let replicate = prepare(&source, &spec, &splits(1), 0).unwrap();
    let parts = [&replicate.train, &replicate.validation, &replicate.test];
    let kept: Vec<usize> = parts.iter().flat_map(|part| part.source_rows.iter()).map(|&row| row as usize).collect();
    assert!(kept.iter().all(|row| !copies.contains(row)), "rows keep their numbers");
    assert_eq!(kept.len(), source.table.rows);
    assert_eq!(copies_across(&source, &replicate), None);
}

#[test]
fn a_common_positive_class_is_named() {
    let rows: String =
        (0..60).map(|row| format!("{},{}\n", noise(row), u8::from(!noise(row).is_multiple_of(4)))).collect();
    let (_folder, path) = file("t.csv", format!("a,y\n{rows}"));
    let source = load(&spec(&path, "y"), &SplitSpec::default()).unwrap();
    assert!(
        source.warnings[0].contains("and so not rare; `data.positive: 0` takes the other"),
        "{:?}",
        source.warnings
    );
    let spec = DataSpec { positive: Some(focalsweep_core::spec::Scalar::Int(1)), ..spec(&path, "y") };
    expect(&load(&spec, &SplitSpec::default()).unwrap(), &[]);
}
