//! A sweep whose rows have weights: files, figures, and what is not claimed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read folders too")]
mod common;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use arrow::datatypes::DataType;
use common::{Said, focalsweep};
use focalsweep_core::metrics::{
    Confusion, weighted_average_precision, weighted_brier, weighted_roc_auc, weighted_threshold_for,
};
use focalsweep_core::spec::OperatingPoint;
use table::Table;

const SWEEP: &str = "
name: weighted
data: {source: rows.csv, label: y, weight: w}
replicates: 2
confirm: {trials: 1, replicates: 2}
model: {hidden: [4]}
train: {epochs: 3, batch_size: 64, learning_rate: 1e-2}
parameters:
  - {loss: {values: [bce, weighted_bce, pairwise]}}
  - {loss: {value: focal}, alpha: {values: [0.3, 0.7]}, gamma: {values: [0, 2]}, sampling: {value: oversample}}
operating_point: {max_fpr: 0.1}
rank: {by: [op_fn, auc]}
launch: {devices: cpu}
";

/// 900 rows of which 150 are positive; those with a high `b` weigh more.
fn rows() -> String {
    let mut state = 7_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let row = |at: usize| {
        let (positive, a, b) = (at.is_multiple_of(6), uniform(), uniform());
        format!("{},{b},{:.4},{}\n", a + if positive { 0.4 } else { 0.0 }, 3.0 * b * b, u8::from(positive))
    };
    format!("a,b,w,y\n{}", (0..900).map(row).collect::<String>())
}

fn ok(folder: &Path, arguments: &[&str]) -> Said {
    let said = focalsweep(folder, arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.stderr);
    said
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let said = focalsweep(folder, arguments);
    assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.stderr);
    said.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sweep_of_weighted_rows_has_weighted_figures_and_claims_what_it_weighs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("rows.csv"), rows()).unwrap();
    fs::write(folder.join("sweep.yaml"), SWEEP).unwrap();
    ok(folder, &["run", "sweep.yaml", "--out", "run", "--no-progress"]);

    let (results, scores) =
        (Table::read(&folder.join("run/results.parquet")), Table::read(&folder.join("run/scores.parquet")));
    let kind = |name: &str| results.batch.column_by_name(name).unwrap().data_type().clone();
    assert_eq!(
        (kind("test_tp"), kind("val_op_fn"), kind("epochs_run")),
        (DataType::Float64, DataType::Float64, DataType::Int32)
    );
    let weights: Vec<f64> = rows().lines().skip(1).map(|row| row.split(',').nth(2).unwrap().parse().unwrap()).collect();
    let (keys, splits) = (scores.keys(), scores.texts("split"));
    let [raw, score, label, of_file] = ["raw", "score", "label", "weight"].map(|name| scores.floats(name));
    let source = scores.integers("row");
    let flat =
        |column: &[Option<f64>], rows: &[usize]| rows.iter().map(|&row| column[row].unwrap()).collect::<Vec<f64>>();
    let close = |a: Option<f64>, b: f64, what: &str| {
        assert!((a.unwrap() - b).abs() < 1e-9 * b.abs().max(1.0), "{what}: {a:?} {b}");
    };
    for (at, key) in results.keys().iter().enumerate() {
        let part = |split: &str| {
            let is_of = |row: &usize| keys[*row] == *key && splits[*row].as_deref() == Some(split);
            let rows: Vec<usize> = (0..keys.len()).filter(is_of).collect();
            let own: Vec<f64> = flat(&of_file, &rows);
            assert_eq!(own, rows.iter().map(|&row| weights[source[row].unwrap() as usize]).collect::<Vec<_>>());
            let narrow = |column| flat(column, &rows).into_iter().map(|value| value as f32).collect::<Vec<f32>>();
            let labels: Vec<u8> = flat(&label, &rows).into_iter().map(|label| label as u8).collect();
            (narrow(&raw), narrow(&score), labels, own)
        };
        let figure = |name: &str| results.floats(name)[at];
        let (validation, test) = (part("validation"), part("test"));
        let point = OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: None };
        let threshold = weighted_threshold_for(&point, &validation.0, &validation.2, &validation.3).unwrap();
        assert_eq!(figure("threshold_raw"), Some(threshold));
        for (prefix, (raw, scores, labels, weights)) in [("val", &validation), ("test", &test)] {
            let name = |metric: &str| format!("{prefix}_{metric}");
            close(figure(&name("auc")), weighted_roc_auc(raw, labels, weights).unwrap(), "auc");
            close(figure(&name("average_precision")), weighted_average_precision(raw, labels, weights).unwrap(), "ap");
            close(figure(&name("brier")), weighted_brier(scores, labels, weights), "brier");
            let counts = Confusion::weighed(raw, labels, weights, threshold);
            close(figure(&name("op_fn")), counts.fn_, "op_fn");
            close(figure(&name("op_fp")), counts.fp, "op_fp");
            close(figure(&name("op_precision")).or(Some(0.0)), counts.precision().unwrap_or(0.0), "op_precision");
            assert!(figure(&name("auc_se")).is_some_and(|se| se > 0.0 && se < 0.2));
        }
    }

    let told = ok(folder, &["report", "run", "--all"]).stdout;
    let report: serde_json::Value =
        serde_json::from_str(&ok(folder, &["report", "run", "--format", "json"]).stdout).unwrap();
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("warning: rows count by `w`: figures and ranks are weighted"), "{told}");
    assert!(!words.contains("≈ ") && report["decision"].is_null(), "ranked by a count: {told}");
    let about: BTreeSet<&str> =
        report["claims"].as_array().unwrap().iter().map(|claim| claim["about"].as_str().unwrap()).collect();
    assert_eq!(about, BTreeSet::from(["auc", "average_precision"]), "{report:#}");
    let by_auc = ok(folder, &["report", "run", "--by", "auc", "--format", "json"]).stdout;
    let by_auc: serde_json::Value = serde_json::from_str(&by_auc).unwrap();
    assert_eq!(by_auc["decision"]["about"], "auc", "{by_auc:#}");
    // At another point, thresholds and counts are weighted too.
    let other = ok(folder, &["report", "run", "--operating-point", "max_fpr=0.1", "--format", "csv"]).stdout;
    let own = ok(folder, &["report", "run", "--format", "csv"]).stdout;
    assert_eq!(other, own, "the same point, measured again from scores.parquet");
    let sure = ok(folder, &["report", "run", "--operating-point", "max_fpr=0.1,confidence=0.95"]).stdout;
    assert!(sure.split_whitespace().collect::<Vec<_>>().join(" ").contains("it counts rows"), "{sure}");
    assert!(refused(folder, &["export", "run", "--trial", "ensemble", "--out", "average"]).contains("no average"));
    ok(folder, &["compare", "run", "run"]);
    ok(folder, &["export", "run", "--trial", "best", "--out", "model"]);
    ok(folder, &["export", "run", "--trial", "best", "--refit", "--out", "refitted"]);
    ok(folder, &["report", "run", "--figures", "figures"]);
    let scored = ok(folder, &["predict", "model", "rows.csv", "--out", "scored.csv"]);
    assert!(scored.stderr.contains("900 rows"), "{}", scored.stderr);
}

#[test]
fn what_counts_rows_is_refused_beside_weights() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("rows.csv"), rows()).unwrap();
    fs::write(folder.join("sweep.yaml"), SWEEP).unwrap();
    let with = |set: &str| refused(folder, &["run", "sweep.yaml", "--out", "run", "--set", set]);
    assert!(with("parameters.1.sampling={value: smote}").contains("`sampling: smote` beside `data.weight: w`"));
    assert!(with("operating_point={max_fpr: 0.1, confidence: 0.95}").contains("`confidence` beside `data.weight: w`"));
    assert!(
        with("data.weight=weights").contains("`data.weight`") && with("data.weight=wt").contains("did you mean `w`")
    );
    let spoilt = rows().replacen(",1\n", ",1\n0.5,0.5,,0\n", 1);
    fs::write(folder.join("rows.csv"), spoilt).unwrap();
    let told = refused(folder, &["run", "sweep.yaml", "--out", "run"]);
    assert!(
        told.contains("`w`, which has no value in row 2 (line 3)") || told.contains("which has no value in"),
        "{told}"
    );
    assert!(!folder.join("run/results.parquet").exists());
}
