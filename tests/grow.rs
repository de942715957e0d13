//! Runs that grow: more values, more replicates, a source that lies elsewhere. What is missing is trained, and only
//! that.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Said, files, focalsweep};
use same::assert_same_runs;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

const SWEEP: &str = "name: grow\n\
                     data: {source: rows.parquet, synth: {rows: 400, features: 3, positives: 60}, label: Class}\n\
                     train: {epochs: 3, batch_size: 100, early_stopping: none}\nreplicates: 2\n\
                     parameters: {loss: {value: focal}, gamma: {values: [0, 2]}}\n";

/// A folder with the sweep file in it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("sweep.yaml"), SWEEP).unwrap();
    folder
}

fn run(folder: &Path, out: &str, changes: &[&str], more: &[&str]) -> Said {
    let mut args = vec!["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", out];
    args.extend(changes.iter().flat_map(|change| ["--set", change]));
    focalsweep(folder, args.into_iter().chain(more.iter().copied()))
}

fn keys(dir: PathBuf) -> Vec<(String, i64)> {
    Table::read(&dir.join("results.parquet")).keys()
}

#[test]
fn a_grown_run_is_the_run_that_it_would_have_been() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
    let more = ["parameters.gamma.values=[0,2,3]", "replicates=3"];
    let refused = run(folder, "run", &more, &[]);
    assert_eq!(refused.code, Some(2), "without --resume: {}", refused.stderr);
    let grown = run(folder, "run", &more, &["--resume"]);
    assert_eq!(grown.code, Some(0), "{}", grown.stderr);
    assert!(grown.stderr.contains("the sweep has grown: 2 trials are trained on replicate 2"), "{}", grown.stderr);
    assert!(grown.stderr.contains("the sweep has grown: 1 trial is trained on replicates 0, 1, 2"), "{}", grown.stderr);
    assert_eq!(run(folder, "whole", &more, &[]).code, Some(0));
    assert_same_runs(&folder.join("run"), &folder.join("whole"));
    // Once more: all is there.
    let before = files(&folder.join("run"));
    assert_eq!(run(folder, "run", &more, &["--resume"]).code, Some(0));
    assert!(files(&folder.join("run")) == before);
}

#[test]
fn a_mapping_and_a_shape_are_added_step_by_step() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &["replicates=1"], &[]).code, Some(0));
    let union = "parameters=[{loss: {value: focal}, gamma: {values: [0, 2]}}, \
                 {loss: {value: bce}, hidden: {values: [[4], []]}}]";
    for (changes, rows) in [(vec![union, "replicates=1"], 4), (vec![union], 8)] {
        let said = run(folder, "run", &changes, &["--resume"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(keys(folder.join("run")).len(), rows);
    }
    let report = focalsweep(folder, ["report", "run", "--format", "json"]);
    assert_eq!(report.code, Some(0));
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["ranking"].as_array().unwrap().len(), 4);
}

#[test]
fn a_run_loses_nothing_and_says_what_to_do() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
    let before = files(&folder.join("run"));
    for (change, said) in [
        ("train.epochs=4", "was started with another sweep: `train` differ"),
        ("data.standardize=false", "was started with another sweep: `data` differ"),
        ("split.test=0.3", "was started with another sweep: `split` differ"),
        ("seed=1", "was started with another sweep: `seed` differ"),
    ] {
        let refused = run(folder, "run", &[change], &["--resume"]);
        let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert_eq!(refused.code, Some(2), "{change}: {words}");
        assert!(words.contains(said) && words.contains("--out DIR"), "{change}: {words}");
        assert!(files(&folder.join("run")) == before, "{change}");
    }
}

#[test]
fn what_a_sweep_does_not_ask_for_any_more_stays() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
    let before = fs::read(folder.join("run/results.parquet")).unwrap();
    let said = run(folder, "run", &["replicates=1", "parameters.gamma.values=[2]"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let kept = "the run has 1 trial and 1 replicate that this sweep does not ask for: they stay as they are";
    assert!(said.stderr.contains(kept), "{}", said.stderr);
    assert!(fs::read(folder.join("run/results.parquet")).unwrap() == before, "nothing was trained");
    // More replicates of one of the trials: the other is ranked after those that are complete.
    let said = run(folder, "run", &["replicates=3", "parameters.gamma.values=[2]"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("1 trial is trained on replicate 2"), "{}", said.stderr);
    assert_eq!(keys(folder.join("run")).len(), 5);
    let report = report(folder, &["run"], &[]);
    assert!(report["warnings"].to_string().contains("with missing replicates"), "{report:#}");
    let confirmed = focalsweep(folder, ["confirm", "run", "--trials", "1", "--replicates", "2"]);
    assert_eq!(confirmed.code, Some(0), "{}", confirmed.stderr);
}

#[test]
fn a_source_may_lie_elsewhere_as_long_as_it_has_the_same_rows() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
    let results = fs::read(folder.join("run/results.parquet")).unwrap();
    fs::create_dir(folder.join("moved")).unwrap();
    fs::rename(folder.join("rows.parquet"), folder.join("moved/them.parquet")).unwrap();
    let said = run(folder, "run", &["data.source=moved/them.parquet"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(fs::read(folder.join("run/results.parquet")).unwrap() == results, "nothing was trained");
    assert!(fs::read_to_string(folder.join("run/sweep.yaml")).unwrap().contains("moved/them.parquet"));
    // Other rows are another question.
    let other = ["data.source=other.parquet", "data.synth.seed=7"];
    let refused = run(folder, "run", &other, &["--resume"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("other data"), "{}", refused.stderr);
}

#[test]
fn a_confirmed_run_grows_past_the_replicates_that_confirmed_it() {
    let folder = folder();
    let folder = folder.path();
    let confirm = "confirm={trials: 1, replicates: 2}";
    assert_eq!(run(folder, "run", &[confirm], &[]).code, Some(0));
    let said = run(folder, "run", &[confirm, "replicates=3"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("2 trials are trained on replicate 4"), "{}", said.stderr);
    let report = focalsweep(folder, ["report", "run", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["winner"]["replicates"], serde_json::json!([0, 1, 4]), "{report:#}");
}

#[test]
fn another_operating_point_is_what_it_would_have_been_without_training_again() {
    let folder = folder();
    let folder = folder.path();
    let point = ["operating_point={min_recall: 0.8}"];
    assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
    let trained = Table::read(&folder.join("run/results.parquet"));
    let said = run(folder, "run", &point, &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("measured again"), "{}", said.stderr);
    assert_eq!(run(folder, "whole", &point, &[]).code, Some(0));
    assert_same_runs(&folder.join("run"), &folder.join("whole"));
    let now = Table::read(&folder.join("run/results.parquet"));
    assert!(now.batch.column_by_name("started_at") == trained.batch.column_by_name("started_at"), "not trained again");
    for file in ["run", "whole"] {
        let text = fs::read_to_string(folder.join(file).join("report.md")).unwrap();
        assert!(text.contains("recall"), "{text}");
    }
    // Rows that were measured elsewhere would stand beside new ones, or cannot be measured.
    assert_eq!(run(folder, "none", &["scores=none"], &[]).code, Some(0));
    let before = files(&folder.join("none"));
    let refused = run(folder, "none", &["scores=none", point[0]], &["--resume"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("were not kept"), "{}", refused.stderr);
    assert!(files(&folder.join("none")) == before);
}

fn report(folder: &Path, runs: &[&str], more: &[&str]) -> Value {
    let said = focalsweep(folder, ["report"].iter().chain(runs).chain(&["--format", "json"]).chain(more));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

/// Trials and their figures, in their order.
fn ranking(report: &Value) -> Vec<(Value, Value)> {
    let ranking = report["ranking"].as_array().unwrap().iter();
    ranking.map(|trial| (trial["trial_id"].clone(), trial["metrics"].clone())).collect()
}

#[test]
fn runs_are_ranked_together_as_the_run_that_has_all_of_their_trials() {
    let folder = folder();
    let folder = folder.path();
    for (out, gammas) in [("a", "[0,2]"), ("b", "[2,3]"), ("whole", "[0,2,3]")] {
        assert_eq!(run(folder, out, &[&format!("parameters.gamma.values={gammas}")], &[]).code, Some(0));
    }
    let (together, whole) = (report(folder, &["a", "b"], &[]), report(folder, &["whole"], &[]));
    let without_time = |report: &Value| {
        let mut of = ranking(report);
        of.iter_mut().for_each(|(_, metrics)| drop(metrics.as_object_mut().unwrap().remove("train_seconds")));
        of
    };
    assert_eq!(without_time(&together), without_time(&whole));
    assert_eq!(together["claims"], whole["claims"]);
    let warning = together["warnings"].to_string();
    assert!(warning.contains("a (2 of its 2 trials are in none before it), b (1 of its 2"), "{warning}");
    let said = focalsweep(folder, ["report", "a", "b", "--html", "page.html"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    // At another operating point figures are measured again, at that of the first.
    let costs = ["operating_point={fn_cost: 5, fp_cost: 1}", "parameters.gamma.values=[2,3]"];
    assert_eq!(run(folder, "costs", &costs, &[]).code, Some(0));
    assert_eq!(without_time(&report(folder, &["a", "costs"], &[])), without_time(&whole));
}

#[test]
fn runs_that_do_not_go_together_are_refused() {
    let folder = folder();
    let folder = folder.path();
    for (out, change) in [("a", "name=a"), ("longer", "train.epochs=4"), ("other", "seed=1"), ("data", "data.clip=2")] {
        assert_eq!(run(folder, out, &[change], &[]).code, Some(0));
    }
    for (runs, said) in [
        (["a", "longer"], "they trained it otherwise"),
        (["a", "other"], "split"),
        (["a", "data"], "other data"),
        (["a", "nowhere"], "nowhere"),
    ] {
        let refused = focalsweep(folder, ["report"].into_iter().chain(runs));
        assert_eq!(refused.code, Some(2), "{runs:?}: {}", refused.stderr);
        let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert!(words.contains(said), "{runs:?}: {words}");
    }
}
