//! The label of a file that a model scores is read as it was when the model was trained, or not at all.

use super::super::{ServedLabel, Splits, load, prepare, read_served};
use super::*;
use focalsweep_core::prepared::Preprocessing;
use focalsweep_core::spec::Scalar;

/// What is fitted to 40 rows whose labels are these in turn.
fn fitted(labels: &[&str], positive: Option<&str>) -> Preprocessing {
    let rows: String = (0..40).map(|row| format!("{}.5,{}\n", row * 7 % 11, labels[row % labels.len()])).collect();
    let (_folder, path) = file("t.csv", format!("x,y\n{rows}"));
    let mut spec = spec(&path, "y");
    spec.positive = positive.map(|text| Scalar::Text(text.to_owned()));
    let split = SplitSpec::default();
    let source = load(&spec, &split).unwrap();
    prepare(&source, &spec, &Splits { spec: &split, seed: 0, replicates: 1 }, 0).unwrap().preprocessing
}

/// The classes of a file whose column y holds these cells, or why there are none.
fn served(model: &Preprocessing, cells: &[&str], keep: &[&str]) -> Result<Vec<Option<u8>>, String> {
    let rows: String = cells.iter().enumerate().map(|(row, cell)| format!("{row}.5,{cell}\n")).collect();
    let (_folder, path) = file("new.csv", format!("x,y\n{rows}"));
    let keep: Vec<String> = keep.iter().map(|&name| name.to_owned()).collect();
    match read_served(model, &path, &keep).unwrap() {
        (read, ServedLabel::Read(_, classes)) => {
            assert_eq!(read.table.rows, cells.len());
            Ok(classes)
        }
        (read, ServedLabel::Unusable(_, why)) => {
            assert_eq!(read.table.rows, cells.len(), "rows are there all the same");
            Err(why)
        }
        (_, other) => panic!("{other:?}"),
    }
}

#[test]
fn labels_are_read_as_in_training() {
    let numbers = fitted(&["0", "0", "1"], None);
    let known = Ok(vec![Some(1), None, Some(0)]);
    for keep in [&[][..], &["y"]] {
        for cells in [["1", "", "0"], ["1.0", "NA", "0.0"], ["true", "", "False"], ["1", "nan", "0"]] {
            assert_eq!(served(&numbers, &cells, keep), known, "{cells:?} {keep:?}");
        }
    }
    assert_eq!(served(&numbers, &["0", "0"], &[]), Ok(vec![Some(0), Some(0)]), "the rarer value is none here");
    assert_eq!(served(&numbers, &["", ""], &[]), Ok(vec![None, None]));
    assert_eq!(
        served(&numbers, &["0", "2", "1", "x"], &[]),
        Err("label `y` holds 2, x, but the model knows 1 and 0".to_owned())
    );
    // As in training, words that may be levels are some among words.
    let words = fitted(&["ok", "ok", "fraud"], Some("fraud"));
    assert_eq!(served(&words, &["fraud", "ok", ""], &[]), Ok(vec![Some(1), Some(0), None]));
    for (cells, told) in [
        (&["Fraud", "ok"][..], "label `y` holds Fraud, but the model knows fraud and ok"),
        (
            &["fraud", "Fraud", "ok"],
            "label `y` has values that differ only by case or blanks: `fraud` (1), `Fraud` (1)",
        ),
        (&["fraud", "NA"], "label `y` holds NA, but the model knows fraud and ok"),
    ] {
        assert_eq!(served(&words, cells, &[]), Err(told.to_owned()));
    }
    // Where training took all other values as one class, so does this, but for spellings of the positive.
    let several = fitted(&["dead", "alive", "gone"], Some("dead"));
    assert_eq!(served(&several, &["moved", "dead", "alive"], &[]), Ok(vec![Some(0), Some(1), Some(0)]));
    assert_eq!(
        served(&several, &["Dead", "alive"], &[]),
        Err("label `y` holds Dead, but the model knows dead".to_owned())
    );
}

#[test]
fn a_label_that_is_none_stands_in_nobodys_way() {
    let model = fitted(&["0", "0", "1"], None);
    let (_folder, path) = file("new.csv", "x\n1.5\n2.5\n");
    let (read, label) = read_served(&model, &path, &[]).unwrap();
    assert!(matches!(label, ServedLabel::Absent(_)) && read.table.rows == 2, "{label:?}");
    let told = read_served(&model, &path, &["y".to_owned()]).unwrap_err().to_string();
    assert!(told.contains("--keep` names `y`"), "{told}");
    // An infinite number is an error of a column that is read.
    let (_folder, path) = file("inf.csv", "x,y\n1.5,inf\n2.5,0\n");
    let (read, label) = read_served(&model, &path, &[]).unwrap();
    assert!(matches!(label, ServedLabel::Unusable(..)) && read.table.rows == 2, "{label:?}");
    // Faults of other columns are told as ever.
    let (_folder, path) = file("bad.csv", "x,y\n1.5,1\nwhat,0\n");
    assert!(read_served(&model, &path, &[]).is_err());
    // A model of an earlier version.
    let old = Preprocessing { reading: None, ..model };
    let (_folder, path) = file("old.csv", "x,y\n1.5,1\n");
    assert_eq!(read_served(&old, &path, &[]).unwrap().1, ServedLabel::Unknown);
}
