//! `--set KEY=VALUE`.

use super::super::{Domain, Epochs, OperatingPoint, Stopping};
use super::{LEAST, read};

const FOCAL: &str = "
name: a
data: {source: a.csv, label: y}
train: {epochs: 5, early_stopping: {patience: 2}}
parameters: {loss: {value: focal}, alpha: {min: 0.1, max: 0.4, count: 7}}
operating_point: {max_fpr: 0.01}
";

#[test]
fn overrides_replace_and_add() {
    let spec = read(
        FOCAL,
        &[
            ("train.epochs", "7"),
            ("replicates", "2"),
            ("model.hidden", "[8, 4]"),
            ("train.early_stopping", "null"),
            ("parameters.gamma", "{values: [0, 2]}"),
            ("data.source", "b.parquet"),
            ("train.epochs", "8"),
        ],
    )
    .unwrap();
    assert_eq!((spec.train.epochs, spec.replicates, spec.model.hidden.as_slice()), (Epochs::Count(8), 2, &[8, 4][..]));
    assert_eq!(spec.train.early_stopping, Stopping::None);
    let space = &spec.parameters.spaces()[0];
    assert_eq!(space.gamma, Some(Domain::Values { values: vec![0.0, 2.0], probabilities: None }));
    assert!(matches!(space.alpha, Some(Domain::Range { count: 7, .. })));
    assert_eq!(spec.data.source.to_str(), Some("b.parquet"));
}

#[test]
fn one_form_takes_the_place_of_the_others() {
    let spec = read(FOCAL, &[("parameters.alpha.value", "0.25"), ("operating_point.min_recall", "0.9")]).unwrap();
    assert_eq!(spec.parameters.spaces()[0].alpha, Some(Domain::Value { value: 0.25 }));
    assert_eq!(spec.operating_point, OperatingPoint::MinRecall { min_recall: 0.9 });
    let spec = read(FOCAL, &[("parameters.alpha.count", "4")]).unwrap();
    assert_eq!(spec.parameters.spaces()[0].alpha, Some(Domain::Range { min: 0.1, max: 0.4, count: 4 }));
}

#[test]
fn lists_are_reached_by_index() {
    let text = "name: a\ndata: {source: a.csv, label: y}\nparameters:\n- {}\n- loss: {value: focal}\n";
    let spec = read(text, &[("parameters.1.alpha.value", "0.3")]).unwrap();
    assert_eq!(spec.parameters.spaces()[0].alpha, None);
    assert_eq!(spec.parameters.spaces()[1].alpha, Some(Domain::Value { value: 0.3 }));
    let faults = read(text, &[("parameters.2.alpha.value", "0.3"), ("parameters.alpha.value", "0.3")]).unwrap_err();
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn faults_name_the_override() {
    let cases = [
        ("train.epochs", "zero"),
        ("train.epoch", "3"),
        ("trian.epochs", "3"),
        ("name.x", "3"),
        ("", "3"),
        ("a..b", "3"),
        ("model", "{hidden: ["),
        ("model", "{hidden: [], hidden: [2]}"),
        ("parameters.alpha", "0.3"),
        ("train.epochs", ""),
    ];
    let faults: Vec<String> = cases.iter().flat_map(|case| read(LEAST, &[*case]).unwrap_err()).collect();
    insta::assert_snapshot!(faults.join("\n"));
}
