//! A column says by how much rows count.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float32Array, Int64Array, RecordBatch};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::Folds;
use parquet::arrow::ArrowWriter;

use super::super::{load, prepare, prepare_all};
use super::*;

/// 100 rows, every fifth of them positive, and their weights.
fn csv(weight: impl Fn(usize) -> String) -> String {
    let rows = (0..100).map(|row| format!("{},{},{}\n", row * 37 % 101, weight(row), u8::from(row % 5 == 0)));
    format!("a,w,y\n{}", rows.collect::<String>())
}

fn weighted(path: &Path) -> DataSpec {
    DataSpec { weight: Some("w".to_owned()), ..spec(path, "y") }
}

fn refused(csv: &str) -> String {
    let (_folder, path) = file("t.csv", csv);
    let data = weighted(&path);
    let found = load(&data, &SplitSpec::default()).and_then(|source| prepare(&source, &data, &splits(0), 0));
    said(&found.unwrap_err())
}

fn assert_weights(replicate: &Replicate, of: impl Fn(u32) -> f64) {
    for part in [&replicate.train, &replicate.validation, &replicate.test] {
        let expected: Vec<f64> = part.source_rows.iter().map(|&row| of(row)).collect();
        assert_eq!(part.weights.to_vec(), expected);
        assert!((part.loss_weights().iter().sum::<f32>() / part.len() as f32 - 1.0).abs() < 1e-5);
    }
}

#[test]
fn rows_have_the_weights_of_their_column_whatever_the_split() {
    let weight = |row: u32| f64::from(row % 7) * 0.5;
    let (_folder, path) = file("t.csv", csv(|row| weight(row as u32).to_string()));
    let data = weighted(&path);
    let source = load(&data, &SplitSpec::default()).unwrap();
    assert_eq!(source.table.names().collect::<Vec<_>>(), ["a"], "it is no feature");
    assert!(source.notes.iter().any(|note| note == "rows count by `w`, from 0 to 3"), "{:?}", source.notes);
    for replicate in 0..2 {
        assert_weights(&prepare(&source, &data, &Splits { replicates: 2, ..splits(3) }, replicate).unwrap(), weight);
    }
    let folds = SplitSpec { folds: Some(Folds { folds: 4, repeats: 1 }), ..SplitSpec::default() };
    let of_folds = Splits { spec: &folds, seed: 1, replicates: 4 };
    for replicate in 0..4 {
        assert_weights(&prepare(&source, &data, &of_folds, replicate).unwrap(), weight);
    }
    let all = prepare_all(&source, &data, &splits(0), 0).unwrap().train;
    assert_eq!(all.weights.to_vec(), (0..100).map(weight).collect::<Vec<_>>());
    // Without the key it is a feature as any other, and rows have none.
    let plain = spec(&path, "y");
    let without = load(&plain, &SplitSpec::default()).unwrap();
    assert_eq!(without.table.names().collect::<Vec<_>>(), ["a", "w"]);
    assert!(prepare(&without, &plain, &splits(0), 0).unwrap().train.weights.is_empty());
}

#[test]
fn other_weights_are_other_data() {
    let of = |text: String| {
        let (_folder, path) = file("t.csv", text);
        load(&weighted(&path), &SplitSpec::default()).unwrap().fingerprint
    };
    let (one, other) = (of(csv(|_| "1".into())), of(csv(|row| if row == 50 { "2" } else { "1" }.into())));
    assert_ne!(one, other);
    assert_eq!(one, of(csv(|_| "1.0".into())));
}

#[test]
fn weights_of_parquet_are_numbers_of_any_kind() {
    let rows = 0..100_i64;
    let kinds: [ArrayRef; 3] = [
        Arc::new(rows.clone().map(|row| 1 + row % 3).collect::<Int64Array>()),
        Arc::new(rows.clone().map(|row| (1 + row % 3) as f32).collect::<Float32Array>()),
        Arc::new(
            rows.clone()
                .map(|row| i128::from(1 + row % 3) * 100)
                .collect::<Decimal128Array>()
                .with_precision_and_scale(9, 2)
                .unwrap(),
        ),
    ];
    for weights in kinds {
        let label: ArrayRef = Arc::new(rows.clone().map(|row| i64::from(row % 5 == 0)).collect::<Int64Array>());
        let feature: ArrayRef = Arc::new(rows.clone().map(|row| row * 37 % 101).collect::<Int64Array>());
        let batch = RecordBatch::try_from_iter([("a", feature), ("w", weights), ("y", label)]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let data = weighted(&path);
        let source = load(&data, &SplitSpec::default()).unwrap();
        assert_weights(&prepare(&source, &data, &splits(0), 0).unwrap(), |row| f64::from(1 + row % 3));
    }
}

#[test]
fn weights_that_are_none_are_refused_with_their_row() {
    let at = |row: usize, cell: &'static str| csv(move |other| if other == row { cell.into() } else { "1".into() });
    insta::assert_snapshot!(
        [
            refused(&at(7, "")),
            refused(&at(8, "-0.5")),
            refused(&at(9, "inf")),
            refused(&at(10, "heavy")),
            refused(&csv(|row| if row % 5 == 0 { "0".into() } else { "1".into() })),
            refused(&csv(|row| if row % 5 == 0 { "1".into() } else { "0".into() })),
            refused("a,v,y\n1,2,0\n2,2,1\n"),
        ]
        .join("\n")
    );
    let (_folder, path) = file("t.csv", csv(|_| "1".into()));
    let conflict = |data: DataSpec, split: &SplitSpec| said(&load(&data, split).unwrap_err());
    let by_weight = SplitSpec { by: SplitBy::Group { column: "w".into() }, ..SplitSpec::default() };
    insta::assert_snapshot!(
        [
            conflict(weighted(&path), &by_weight),
            conflict(DataSpec { weight: Some("y".into()), ..weighted(&path) }, &SplitSpec::default()),
        ]
        .join("\n")
    );
}

/// A pattern of `data.drop` does not take it away: it is read for what it says.
#[test]
fn a_pattern_that_fits_it_leaves_it_there() {
    let (_folder, path) = file("t.csv", csv(|_| "2".into()));
    let data = DataSpec { drop: strings(["w*"]), ..weighted(&path) };
    let source = load(&data, &SplitSpec::default()).unwrap();
    assert_eq!((source.weights.len(), source.table.columns.len()), (100, 1));
}
