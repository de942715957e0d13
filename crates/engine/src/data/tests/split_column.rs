//! A column says which part a row belongs to.

use super::super::split::Splits;
use super::super::{load, prepare};
use super::*;
use focalsweep_core::spec::Scalar;

fn by_column(train: &[&str], validation: &[&str], test: &[&str]) -> SplitSpec {
    let values = |values: &[&str]| values.iter().map(|&value| Scalar::Text(value.into())).collect();
    let by = SplitBy::Column {
        column: "part".into(),
        train: values(train),
        validation: Some(values(validation)).filter(|values: &Vec<Scalar>| !values.is_empty()),
        test: values(test),
    };
    SplitSpec { by, ..SplitSpec::default() }
}

fn csv(part: impl Fn(usize) -> &'static str) -> String {
    let rows = (0..100).map(|row| format!("{row},{},{}\n", part(row), u8::from(row % 5 == 0)));
    format!("a,part,y\n{}", rows.collect::<String>())
}

fn prepared(csv: &str, split: &SplitSpec, replicate: u32) -> Result<focalsweep_core::prepared::Replicate, DataError> {
    let (_folder, path) = file("t.csv", csv);
    let data = spec(&path, "y");
    let source = load(&data, split)?;
    assert_eq!(source.table.names().collect::<Vec<_>>(), ["a"]);
    prepare(&source, &data, &Splits { spec: split, seed: 0, replicates: 3 }, replicate)
}

#[test]
fn rows_are_where_the_column_says() {
    let text = csv(|row| ["tr", "tr2", "tr", "va", "te", "te", "old", ""][row % 8]);
    let split = by_column(&["tr", "tr2"], &["va"], &["te"]);
    let replicate = prepared(&text, &split, 0).unwrap();
    let where_is =
        |parts: &[usize]| (0..100_u32).filter(|row| parts.contains(&(*row as usize % 8))).collect::<Vec<_>>();
    assert_eq!(replicate.train.source_rows.to_vec(), where_is(&[0, 1, 2]));
    assert_eq!(replicate.validation.source_rows.to_vec(), where_is(&[3]));
    assert_eq!(replicate.test.source_rows.to_vec(), where_is(&[4, 5]));
    let notes = replicate.notes.join("\n");
    assert!(notes.contains("left out, rows that are of no part by `part`: old (12)"), "{notes}");
    assert!(notes.contains("left out, rows without a value of `part`: 12"), "{notes}");
    assert!(notes.contains("all replicates have these rows, and differ by their seed"), "{notes}");
    let other = prepared(&text, &split, 2).unwrap();
    assert_eq!((other.split_fingerprint, other.index), (replicate.split_fingerprint, 2));
}

#[test]
fn validation_may_be_a_share_of_the_training_rows() {
    // Every fifth row is positive, whatever its part: 16 of the 80 training rows.
    let text = csv(|row| if row / 5 % 5 == 4 { "te" } else { "tr" });
    let split = SplitSpec { validation: 0.25, ..by_column(&["tr"], &[], &["te"]) };
    let replicates: Vec<_> = (0..3).map(|replicate| prepared(&text, &split, replicate).unwrap()).collect();
    for replicate in &replicates {
        let (train, validation) = (&replicate.train, &replicate.validation);
        assert_eq!((train.len(), validation.len()), (60, 20));
        assert_eq!((train.positives(), validation.positives()), (12, 4), "stratified");
        let mut both: Vec<u32> = train.source_rows.iter().chain(validation.source_rows.iter()).copied().collect();
        both.sort_unstable();
        assert_eq!(both, (0..100).filter(|row| row / 5 % 5 != 4).collect::<Vec<_>>());
        assert_eq!(replicate.test.source_rows, replicates[0].test.source_rows);
        assert!(replicate.notes.join("\n").contains("draw a share of 0.25 of the training rows"));
    }
    assert_ne!(replicates[0].validation.source_rows, replicates[1].validation.source_rows);
    assert_ne!(replicates[0].split_fingerprint, replicates[1].split_fingerprint);
    assert_eq!(prepared(&text, &split, 1).unwrap(), replicates[1]);
    let loose = prepared(&text, &SplitSpec { stratify: false, ..split.clone() }, 0).unwrap();
    assert_eq!(loose.validation.len(), 20);
    let text = csv(|row| if row == 5 || row % 5 > 0 && row < 60 { "tr" } else { "te" });
    let error = said(&prepared(&text, &split, 0).unwrap_err());
    assert!(error.contains("training and validation"), "{error}");
}

#[test]
fn numbers_are_values_too() {
    let split = by_column(&["1", "2"], &["3.0"], &["4"]);
    let replicate = prepared(&csv(|row| ["1", "2", "3", "4"][row % 4]), &split, 0).unwrap();
    assert_eq!([replicate.train.len(), replicate.validation.len(), replicate.test.len()], [50, 25, 25]);
}

#[test]
fn wrong_values_are_told_with_the_nearest() {
    let text = csv(|row| ["train", "train", "valid", "test"][row % 4]);
    let error = prepared(&text, &by_column(&["train"], &["validd"], &["test"]), 0).unwrap_err();
    let text_of = said(&error);
    assert!(text_of.contains("`split.validation` has `validd`, which is no value of column `part`"), "{text_of}");
    assert!(text_of.contains("did you mean `valid`?"), "{text_of}");
    let text = csv(|row| ["1", "1", "2", "3"][row % 4]);
    let error = prepared(&text, &by_column(&["1"], &["2", "1.0"], &["3"]), 0).unwrap_err();
    let text_of = said(&error);
    assert!(text_of.contains("`split.train` and `split.validation` both have the value `1`"), "{text_of}");
    let text = csv(|row| if row % 5 == 0 { "a" } else { ["a", "b", "c"][row % 3] });
    let error = prepared(&text, &by_column(&["a"], &["b"], &["c"]), 0).unwrap_err();
    let text_of = said(&error);
    assert!(text_of.contains("the validation rows of replicate 0 hold no positive row"), "{text_of}");
    assert!(text_of.contains("say under `split.train`"), "{text_of}");
}
