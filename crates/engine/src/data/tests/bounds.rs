//! Files that would take more memory than anybody meant to give.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::prepare::prepare_some;
use super::super::{Again, load, prepare, prepare_first};
use super::*;
use crate::memory::{Budget, Short};
use focalsweep_core::spec::SplitSpec;

/// `size` bytes, packed.
fn packed(size: usize, block: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..size / block.len() {
        encoder.write_all(block).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_record_that_does_not_end_is_refused() {
    let zeros = packed(80 << 20, &[0; 1 << 20]);
    let (_folder, path) = file("t.csv.gz", &zeros);
    let told = said(&read_table(&path, Pick::AllBut(&[]), &[]).unwrap_err());
    assert!(told.contains("record 1 is longer than 64 MiB"), "{told}");

    let mut open_quote = packed(4, b"a,b\n");
    open_quote.extend(packed(8, b"1,2\n3,4\n"));
    open_quote.extend(packed(3, b"5,\""));
    open_quote.extend(packed(80 << 20, &[b'x'; 1 << 20]));
    let (_folder, path) = file("t.csv.gz", &open_quote);
    let told = said(&read_table(&path, Pick::AllBut(&[]), &[]).unwrap_err());
    assert!(told.contains("record 4 is longer than 64 MiB"), "{told}");
}

#[test]
fn many_columns_and_long_rows_are_read_in_small_batches() {
    let columns = 5_000;
    let header: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
    let row = |row: usize| (0..columns).map(|at| (row * at % 97).to_string()).collect::<Vec<_>>().join(",");
    let content: String = std::iter::once(header.join(",")).chain((0..600).map(row)).map(|line| line + "\n").collect();
    let table = read_csv(content).unwrap();
    assert_eq!((table.rows, table.columns.len()), (600, columns));
    let right = |row: usize, at: usize| match &table.columns[at].values {
        Values::Number(values) => values[row] == (row * at % 97) as f64,
        _ => false,
    };
    assert!((0..600).all(|row| (0..columns).step_by(71).all(|at| right(row, at))));

    let long = "x".repeat(100_000);
    let content: String = (0..700).map(|row| format!("{row},{long}{row}\n")).collect();
    let table = read_csv(format!("a,b\n{content}")).unwrap();
    assert_eq!((table.rows, table.column("b").unwrap().values.show(699)), (700, format!("{long}699")));
}

#[test]
fn replicates_that_do_not_fit_are_refused_before_they_are_made() {
    let rows: String = (0..2_000).map(|row| format!("{},{}\n", row % 7, u8::from(row % 10 == 0))).collect();
    let (_folder, path) = file("t.csv", format!("a,y\n{rows}"));
    let spec = spec(&path, "y");
    let source = load(&spec, &SplitSpec::default()).unwrap();
    let error = prepare_first(1, &source, &spec, &splits(0), u32::MAX).unwrap_err();
    let told = said(&error);
    assert!(matches!(error, DataError::Memory { .. }), "{told}");
    assert!(told.starts_with("4294967295 replicates of 2000 rows with 1 features would take about 39.1 TiB"), "{told}");
    assert!(
        told.contains("fewer `replicates`") && told.contains("`data.drop`") && told.contains("more memory"),
        "{told}"
    );
    let some = prepare_first(3, &source, &spec, &splits(0), 3).unwrap();
    for (index, replicate) in (0..).zip(&some) {
        assert_eq!(**replicate, prepare(&source, &spec, &splits(0), index).unwrap());
    }
    // Many that would take too much together let go of their features, and have them again when they are asked for.
    let small = Budget::of(60_000);
    assert!(prepare_some(&small, 0..4, (&source, &spec), &splits(0), 6).is_err(), "labels take 60 kB");
    let some = prepare_some(&small, 0..3, (&source, &spec), &splits(0), 3).unwrap();
    let again = Again::new(&source, &spec, splits(0));
    for (index, replicate) in (0..).zip(&some) {
        let expected = prepare(&source, &spec, &splits(0), index).unwrap();
        assert!(!replicate.has_features());
        assert_eq!(**replicate, expected.without_features());
        let whole = again.whole(replicate).unwrap();
        assert_eq!(*whole, expected);
        assert!(Arc::ptr_eq(&whole, &again.whole(replicate).unwrap()), "who asks for the same has the same");
        assert!(Arc::ptr_eq(&whole, &again.whole(&whole).unwrap()), "who has them keeps them");
    }
    let [first, second] = [&some[0], &some[1]].map(|of| Arc::downgrade(&again.whole(of).unwrap()));
    assert!(first.upgrade().is_none() && second.upgrade().is_some(), "only the last is kept");
}

#[test]
fn a_table_that_does_not_fit_says_how_to_read_less() {
    let short = Budget::of(1 << 20).take(3 << 30).unwrap_err();
    assert_eq!(short, Short { need: 3 << 30, most: 1 << 20 });
    let told = said(&DataError::table_memory("d.csv: 7 rows of 3 columns".into(), short));
    assert!(
        told.starts_with("d.csv: 7 rows of 3 columns would take about 3.0 GiB of memory, and 1.0 MiB may"),
        "{told}"
    );
    assert!(told.contains("`data.drop`"), "{told}");
}
