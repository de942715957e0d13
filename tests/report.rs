//! `report` on a small run: other operating points without training, and what the answer says.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::focalsweep;
use focalsweep::report;
use focalsweep::spec::{OperatingPoint, parse_operating_point};
use serde_json::Value;
use tempfile::TempDir;

/// Plain and class-weighted cross-entropy and six focal losses on the crash data, two replicates, few epochs.
fn run_dir() -> &'static Path {
    static RUN: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, dir) = RUN.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let dir = folder.path().join("run");
        train(folder.path(), &dir, &[]);
        (folder, dir)
    });
    dir
}

fn train(folder: &Path, dir: &Path, changes: &[&str]) {
    let sweep = folder.join("sweep.yaml");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/crash.parquet");
    let text = format!(
        "name: small\ndata: {{source: {}, label: dead, positive: dead, clip: 5}}\nreplicates: 2\n\
         train: {{epochs: 4, batch_size: 512}}\noperating_point: {{max_fpr: 0.05}}\nparameters:\n\
         \x20 - {{loss: {{value: bce}}, initial_bias: {{values: [prior, 0]}}}}\n\
         \x20 - loss: {{value: weighted_bce}}\n\
         \x20 - {{loss: {{value: focal}}, alpha: {{values: [0.25, 0.75]}}, gamma: {{values: [0, 1, 2]}}}}\n",
        source.display()
    );
    fs::write(&sweep, text).unwrap();
    let mut args = vec!["run".to_owned(), sweep.display().to_string(), "--out".to_owned(), dir.display().to_string()];
    args.extend(["--devices", "cpu", "--no-progress"].map(str::to_owned));
    args.extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
    let said = focalsweep(folder, &args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

fn report(dir: &Path, more: &[&str]) -> String {
    let said = focalsweep(dir, [&["report", dir.to_str().unwrap()], more].concat());
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{more:?}");
    said.stdout
}

fn json(dir: &Path, more: &[&str]) -> Value {
    serde_json::from_str(&report(dir, &[&["--format", "json"], more].concat())).unwrap()
}

#[test]
fn the_runs_own_operating_point_from_its_scores_is_what_the_run_wrote() {
    let written = report::read(run_dir()).unwrap();
    let mut again = written.clone();
    let point = OperatingPoint::MaxFpr { max_fpr: 0.05 };
    assert_eq!(written.operating_point.as_ref(), Some(&point));
    report::at_operating_point(run_dir(), &mut again, &point).unwrap();
    assert_eq!(again, written, "every column of every row, to the bit");
}

#[test]
fn another_operating_point_needs_no_training() {
    let metrics = |more: &[&str]| json(run_dir(), more)["ranking"].as_array().unwrap().clone();
    for entry in metrics(&["--operating-point", "min_recall=0.9"]) {
        let metric = |name: &str| entry["metrics"][name].as_f64().unwrap();
        assert!(metric("val_op_recall") >= 0.9);
        assert!((metric("test_op_tp") + metric("test_op_fn") - 236.0).abs() < 1e-9);
    }
    let by_cost = metrics(&["--operating-point", "fn_cost=20,fp_cost=1", "--by", "cost"]);
    let costs: Vec<f64> = by_cost.iter().map(|entry| entry["metrics"]["val_cost"].as_f64().unwrap()).collect();
    assert!(costs.is_sorted(), "less is better: {costs:?}");
    for entry in &by_cost {
        let metric = |name: &str| entry["metrics"][name].as_f64().unwrap();
        // 5,243 test rows.
        let cost = 1000.0 * (20.0 * metric("test_op_fn") + metric("test_op_fp")) / 5243.0;
        assert!((metric("test_cost") - cost).abs() < 1e-9);
    }
    assert!(json(run_dir(), &[])["winner"]["metrics"].get("val_cost").is_none(), "no costs, no cost");
}

#[test]
fn trials_whose_scores_were_not_kept_have_no_figures_there() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("run");
    train(folder.path(), &dir, &["scores=none", "train.epochs=1", "replicates=1"]);
    let other = json(&dir, &["--operating-point", "max_fpr=0.1"]);
    assert_eq!(other["winner"]["metrics"]["test_op_fn"], Value::Null);
    assert!(other["winner"]["metrics"]["test_auc"].is_f64());
    let warnings = other["warnings"].to_string();
    assert!(
        warnings.contains("the scores of 9 trials were not kept: no figures at this operating point"),
        "{warnings}"
    );
    assert!(
        json(&dir, &[])["winner"]["metrics"]["test_op_fn"].is_f64(),
        "the run's own point was measured in training"
    );
}

#[test]
fn operating_points_with_faults_name_the_option() {
    let fault = |text: &str| parse_operating_point(text).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            "",
            "0.01",
            "max_fpr",
            "max_fpr=",
            "max_fpr=2",
            "max_fp=0.1",
            "fn_cost=1",
            "max_fpr=0.1,min_recall=0.9",
            "max_fpr={",
            "a=b\n"
        ]
        .map(fault)
        .join("\n")
    );
    let said = focalsweep(run_dir(), ["report", run_dir().to_str().unwrap(), "--operating-point", "max_fpr=2"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    let said = focalsweep(run_dir(), ["report", run_dir().to_str().unwrap(), "--by", "cost"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("`cost` needs an operating point of costs"), "{}", said.stderr);
}
