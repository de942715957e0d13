//! An average that leaves its run scores rows as the report has it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use assert_cmd::Command;
use focalsweep_core::metrics::{Confusion, roc_auc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

const SWEEP: &str = "
name: tiny
data: {source: data/crash.parquet, label: dead, positive: dead, clip: 5}
replicates: 2
model: {hidden: [4]}
train: {epochs: 1, batch_size: 512, learning_rate: 1e-2, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {values: [0.3, 0.7]}, gamma: {values: [0, 2]}}
operating_point: {max_fpr: 0.05}
launch: {devices: cpu}
";

fn focalsweep(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("focalsweep").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) -> (String, String) {
    let output = focalsweep(arguments);
    let [out, talk] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{arguments:?}: {talk}");
    (out, talk)
}

fn refused(arguments: &[&str]) -> String {
    let output = focalsweep(arguments);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    talk.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn text(batch: &RecordBatch, name: &str) -> Vec<String> {
    let array = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    array.as_string::<i32>().iter().map(|value| value.unwrap().to_owned()).collect()
}

fn floats(batch: &RecordBatch, name: &str) -> Vec<f64> {
    let array = cast(batch.column_by_name(name).unwrap(), &DataType::Float64).unwrap();
    array.as_primitive::<Float64Type>().values().to_vec()
}

fn card(model: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new(model).join("model.json")).unwrap()).unwrap()
}

#[test]
fn an_exported_average_scores_as_the_report_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [spec, run, model, scores] = ["tiny.yaml", "run", "average", "scores.parquet"].map(inside);
    fs::write(&spec, SWEEP).unwrap();
    succeed(&["run", &spec, "--out", &run, "--no-progress"]);
    let (_, said) = succeed(&["export", &run, "--trial", "ensemble", "--replicate", "1", "--out", &model]);
    assert!(said.contains("exported an average of "), "{said}");

    let of_average = card(&model);
    assert_eq!((&of_average["kind"], &of_average["replicate"]), (&Value::from("ensemble"), &Value::from(1)));
    let members = of_average["members"].as_array().unwrap();
    assert!(members.len() > 1, "{of_average:#}");
    let (_, said) = succeed(&["predict", &model, "data/crash.parquet", "--out", &scores]);
    assert!(said.contains("scored 26,217 rows"), "{said}");
    let predicted = read(Path::new(&scores));
    let [raw, probability] = ["raw", "score"].map(|name| floats(&predicted, name));

    // By hand, from the scores that the run recorded of the members.
    let recorded = read(&Path::new(&run).join("scores.parquet"));
    let [trials, splits] = ["trial_id", "split"].map(|name| text(&recorded, name));
    let replicates = recorded.column_by_name("replicate").unwrap().as_primitive::<Int32Type>().values().clone();
    let rows = recorded.column_by_name("row").unwrap().as_primitive::<Int64Type>().values().clone();
    let labels = floats(&recorded, "label");
    let logits = floats(&recorded, "raw");
    let number = |value: &Value| value.as_f64().unwrap();
    let mut by_hand: HashMap<(String, usize), (f64, u8)> = HashMap::new();
    for member in members {
        let (weight, a, b) = (number(&member["weight"]), number(&member["platt"]["a"]), number(&member["platt"]["b"]));
        let is_its = |&at: &usize| trials[at] == member["trial_id"] && replicates[at] == 1;
        for at in (0..rows.len()).filter(is_its) {
            let of_row = by_hand.entry((splits[at].clone(), rows[at] as usize)).or_default();
            *of_row = (of_row.0 - weight * (a * logits[at] + b), labels[at] as u8);
        }
    }
    assert_eq!(by_hand.len(), 4195 + 5243);
    for ((_, row), (average, _)) in &by_hand {
        assert!((raw[*row] - average).abs() < 1e-6 * average.abs().max(1.0), "row {row}: {} {average}", raw[*row]);
        assert!((probability[*row] - 1.0 / (1.0 + (-average).exp())).abs() < 1e-6, "row {row}");
    }

    // What the card says that it is worth is what these scores are.
    let threshold = number(&of_average["threshold_raw"]);
    for split in ["validation", "test"] {
        let of_split = by_hand.iter().filter(|((of, _), _)| of == split);
        let (own, labels): (Vec<f32>, Vec<u8>) =
            of_split.map(|((_, row), (_, label))| (raw[*row] as f32, *label)).unzip();
        let figure = |name: &str| number(&of_average[split][name]);
        assert!((roc_auc(&own, &labels).unwrap() - figure("auc")).abs() < 1e-9, "{split}");
        let counts = Confusion::at(&own, &labels, threshold);
        assert_eq!((counts.fn_, counts.fp), (figure("op_fn"), figure("op_fp")), "{split}");
    }
    let flagged = predicted.column_by_name("flagged").unwrap().as_boolean();
    assert!((0..raw.len()).all(|row| flagged.value(row) == (raw[row] >= threshold)));

    // A member is a model by itself.
    let member = format!("{model}/members/{}", members[0]["trial_id"].as_str().unwrap());
    succeed(&["predict", &member, "data/crash.parquet", "--out", &inside("alone.csv")]);
    // Where the report has a row of it, these are its means.
    let (report, _) = succeed(&["report", &run, "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    if !report["ensemble"].is_null() {
        let other = inside("other");
        succeed(&["export", &run, "--trial", "ensemble", "--replicate", "0", "--out", &other]);
        let of_both = (number(&card(&other)["test"]["auc"]) + number(&of_average["test"]["auc"])) / 2.0;
        assert!((number(&report["ensemble"]["metrics"]["test_auc"]) - of_both).abs() < 1e-9);
    }

    assert!(refused(&["export", &run, "--trial", "ensemble", "--out", &model]).contains("is there already"));
    let asked =
        ["export", &run, "--trial", "ensemble", "--replicate", "7", "--out", &inside("seven")].map(str::to_owned);
    let said = refused(&asked.each_ref().map(String::as_str));
    assert!(said.contains("--replicate 7: the average has no such replicate") && said.contains("0, 1"), "{said}");
    damaged(&model, &inside("x.csv"));
}

/// What of the directory is damaged is named, and scores nothing.
fn damaged(model: &str, out: &str) {
    let path = Path::new(model).join("model.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replacen("\"weight\": 0.", "\"weight\": 1.", 1)).unwrap();
    let said = refused(&["predict", model, "data/crash.parquet", "--out", out]);
    assert!(said.contains("model.json"), "{said}");
    fs::write(&path, &whole).unwrap();
    let first = card(model)["members"][0]["trial_id"].as_str().unwrap().to_owned();
    let own = Path::new(model).join("members").join(&first).join("model.json");
    let text = fs::read_to_string(&own).unwrap();
    fs::write(&own, text.replace("\"replicate\": 1", "\"replicate\": 0")).unwrap();
    let said = refused(&["predict", model, "data/crash.parquet", "--out", out]);
    assert!(said.contains(&first), "{said}");
    fs::remove_file(&own).unwrap();
    let said = refused(&["predict", model, "data/crash.parquet", "--out", out]);
    assert!(said.contains(&first), "{said}");
}
