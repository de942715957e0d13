//! Searches: trials that are drawn wave by wave, and when that ends.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "common/cores.rs"]
mod cores;
#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;
#[path = "common/waves.rs"]
mod waves;

use std::fs;
use std::path::Path;

use common::{files, focalsweep};
use same::assert_same_runs;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;
use waves::{folder_with, manifest, run, run_on_one_core, run_through_kills};

const SWEEP: &str = "name: search\n\
                     data: {source: rows.parquet, synth: {rows: 400, features: 3, positives: 60}, label: Class}\n\
                     train: {epochs: 3, batch_size: 100, early_stopping: none}\nreplicates: 2\nrank: {by: [auc]}\n\
                     method: tpe\nrun_cap: 12\nwave: 4\n\
                     parameters: {loss: {values: [focal, bce]}, alpha: {min: 0.1, max: 0.9}, \
                     learning_rate: {min: 1e-4, max: 1e-1, distribution: log_uniform_values}, \
                     hidden: {values: [[4], [2], []]}}\n";

fn folder() -> TempDir {
    folder_with(SWEEP)
}

fn rows(dir: &Path) -> usize {
    Table::read(&dir.join("results.parquet")).keys().len()
}

#[test]
fn each_method_searches_to_its_cap() {
    let folder = folder();
    let folder = folder.path();
    for method in ["random", "sobol", "tpe"] {
        let said = run(folder, method, &[&format!("method={method}")], &[]);
        assert_eq!(said.code, Some(0), "{method}: {}", said.stderr);
        assert!(said.stderr.contains("wave 3: trials 9 to 12 of 12"), "{}", said.stderr);
        assert!(said.stderr.contains("24 of 24 rows of results done"), "{}", said.stderr);
        let dir = folder.join(method);
        assert_eq!(rows(&dir), 24);
        assert_eq!((&manifest(&dir)["ended"], &manifest(&dir)["state"]), (&"run_cap".into(), &"finished".into()));
        // Waves stand in the plan, each with few shapes.
        let plan = fs::read_to_string(dir.join("plan.jsonl")).unwrap();
        assert_eq!(plan.lines().count(), 3);
        let json = focalsweep(folder, ["report", method, "--format", "json"]);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["ranking"].as_array().unwrap().len(), 12);
        let before = files(&dir);
        let again = run(folder, method, &[&format!("method={method}")], &["--resume"]);
        assert_eq!(again.code, Some(0), "{}", again.stderr);
        assert!(again.stderr.contains("all 24 rows were there already"), "{}", again.stderr);
        assert!(files(&dir) == before, "{method}");
    }
}

#[test]
fn a_larger_cap_goes_on_as_if_it_had_been_there() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &["run_cap=8"], &[]).code, Some(0));
    let refused = run(folder, "run", &[], &[]);
    assert_eq!(refused.code, Some(2), "without --resume: {}", refused.stderr);
    let said = run(folder, "run", &[], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("wave 3: trials 9 to 12 of 12"), "{}", said.stderr);
    assert_eq!(run(folder, "whole", &[], &[]).code, Some(0));
    assert_same_runs(&folder.join("run"), &folder.join("whole"));
    // More replicates of the trials that there are.
    let said = run(folder, "run", &["replicates=3"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("12 trials are trained on replicate 2"), "{}", said.stderr);
    assert_eq!(rows(&folder.join("run")), 36);
}

/// What is asked for never hangs on the number of workers.
#[test]
fn one_core_and_two_train_the_same() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "two", &[], &[]).code, Some(0));
    match run_on_one_core(folder, "one") {
        Ok(()) => assert_same_runs(&folder.join("one"), &folder.join("two")),
        Err(why) => eprintln!("skipped: {why}"),
    }
}

/// Killed at any moment and resumed: the trials and bits of a run that was left alone.
#[test]
fn a_killed_search_goes_on_to_the_same_end() {
    let folder = folder();
    let folder = folder.path();
    let changes = ["train.epochs=40", "run_cap=16"];
    run_through_kills(folder, "run", "whole", &changes);
    assert_same_runs(&folder.join("run"), &folder.join("whole"));
}

#[test]
fn a_budget_ends_it_and_a_larger_one_goes_on() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "run", &["budget=0.001s", "train.epochs=200"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("the budget is spent: a larger `budget`"), "{}", said.stderr);
    let dir = folder.join("run");
    assert_eq!(manifest(&dir)["ended"], "budget");
    let spent = manifest(&dir)["training_seconds"].as_f64().unwrap();
    assert!(spent > 0.0);
    // The same again trains nothing.
    let said = run(folder, "run", &["budget=0.001s", "train.epochs=200"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = run(folder, "run", &["budget=10m", "train.epochs=200"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(manifest(&dir)["ended"], "run_cap");
    assert!(manifest(&dir)["training_seconds"].as_f64().unwrap() > spent);
    assert_eq!(run(folder, "whole", &["train.epochs=200"], &[]).code, Some(0));
    assert_same_runs(&dir, &folder.join("whole"));
}

#[test]
fn a_grid_has_a_budget_too() {
    let folder = folder();
    let folder = folder.path();
    let grid =
        ["method=grid", "run_cap=null", "wave=null", "parameters={gamma: {values: [0, 2]}, loss: {value: focal}}"];
    // So many epochs that no row has ended when the budget is looked at.
    let with = |budget| [&grid[..], &[budget, "train.epochs=2000"]].concat();
    let said = run(folder, "run", &with("budget=0.001s"), &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("the budget is spent"), "{}", said.stderr);
    let said = run(folder, "run", &with("budget=1h"), &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!((rows(&folder.join("run")), &manifest(&folder.join("run"))["ended"]), (4, &"complete".into()));
}

#[test]
fn a_target_ends_it() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "run", &["target={val_auc: 0.01}"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!((rows(&folder.join("run")), &manifest(&folder.join("run"))["ended"]), (8, &"target".into()));
    // One that nobody reaches does not.
    let said = run(folder, "run", &["target={val_loss: -1}"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!((rows(&folder.join("run")), &manifest(&folder.join("run"))["ended"]), (24, &"run_cap".into()));
}

#[test]
fn what_cannot_be_planned_at_once_is_not_prepared() {
    let folder = folder();
    let said = run(folder.path(), "run", &[], &["--prepare"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("`method: tpe` chooses wave by"), "{}", said.stderr);
    assert!(!folder.path().join("run").exists());
}

#[test]
fn finalists_are_confirmed_when_the_search_is_over() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "run", &["confirm={trials: 2, replicates: 2}"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let waves = said.stderr.find("wave 3").unwrap();
    assert!(said.stderr[waves..].contains("to confirm: "), "{}", said.stderr);
    let before = rows(&folder.join("run"));
    assert!((28..=30).contains(&before), "{before}");
}
