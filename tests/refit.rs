//! A setting that is trained on all rows of its run.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read more of what is there")]
mod common;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use common::{Said, focalsweep};
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

const ROWS: usize = 600;

/// A row of the data: a number, a level, the class.
fn row(at: usize) -> String {
    let noise = (at * 7919) % 101;
    let class = u8::from(noise + (at % 13) * 6 > 140);
    format!("{},{},{class}", at % 13 + noise % 5, ["u", "v", "w"][at * at % 3])
}

/// A sweep file beside its data; `rest` of its keys.
fn sweep(folder: &Path, name: &str, data: &str, rest: &str) {
    fs::write(folder.join(format!("{name}.csv")), data).unwrap();
    let spec = format!(
        "name: {name}\ndata: {{source: {name}.csv, label: y, min_level_count: 2}}\n\
         model: {{hidden: [5], dropout: 0.2}}\noperating_point: {{max_fpr: 0.2}}\n{rest}"
    );
    fs::write(folder.join(format!("{name}.yaml")), spec).unwrap();
}

fn run(folder: &Path, name: &str) {
    let args = ["run", &format!("{name}.yaml"), "--devices", "cpu", "--no-progress", "--out", &format!("{name}.run")];
    let said = focalsweep(folder, args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

fn did(folder: &Path, args: &[&str]) -> Said {
    let said = focalsweep(folder, args);
    assert_eq!(said.code, Some(0), "{args:?}: {}", said.stderr);
    said
}

/// What is said when the arguments are refused, on one line.
fn refused(folder: &Path, args: &[&str]) -> String {
    let said = focalsweep(folder, args);
    assert_eq!(said.code, Some(2), "{args:?}: {}", said.stderr);
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn card(folder: &Path, model: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(model).join("model.json")).unwrap()).unwrap()
}

/// What a model says of the rows of `data`.
fn predicted(folder: &Path, model: &str, data: &str) -> Table {
    did(folder, &["predict", model, data, "--out", "scores.parquet"]);
    Table::read(&folder.join("scores.parquet"))
}

#[test]
fn it_is_the_model_of_a_sweep_whose_training_rows_are_all_rows() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let rest = "train: {epochs: 4, batch_size: 64, early_stopping: none}\nparameters: {loss: {value: focal}}\n";
    let all: String = (0..ROWS).map(|at| row(at) + "\n").collect();
    sweep(folder, "part", &format!("x,t,y\n{all}"), rest);
    run(folder, "part");
    did(folder, &["export", "part.run", "--refit", "--out", "refit"]);

    // The same rows as the training rows of another sweep; its validation and test rows are copies.
    let of = |part: &str, rows: std::ops::Range<usize>| -> String {
        rows.map(|at| format!("{},{part}\n", row(at))).collect()
    };
    let copies = of("a", 0..ROWS) + &of("b", 0..200) + &of("c", 200..400);
    let split = "split: {by: column, column: part, train: [a], validation: [b], test: [c]}\n";
    sweep(folder, "whole", &format!("x,t,y,part\n{copies}"), &format!("{rest}{split}"));
    run(folder, "whole");
    did(folder, &["export", "whole.run", "--out", "whole"]);
    did(folder, &["export", "part.run", "--out", "part"]);

    let [refit, whole, part] = ["refit", "whole", "part"].map(|model| predicted(folder, model, "part.csv"));
    assert_eq!(refit.floats("raw"), whole.floats("raw"));
    assert_ne!(refit.floats("raw"), part.floats("raw"), "that of a replicate was trained on a part of the rows");
}

#[test]
fn epochs_threshold_and_figures_are_those_of_the_replicates() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let all: String = (0..ROWS).map(|at| row(at) + "\n").collect();
    let rest = "replicates: 3\nsplit: {test_rows: redraw}\n\
                train: {epochs: 40, batch_size: 64, learning_rate: 3e-3, early_stopping: {metric: val_auc, patience: 3}}\n\
                parameters: {loss: {value: focal}, alpha: {values: [0.3, 0.7]}}\n";
    sweep(folder, "s", &format!("x,t,y\n{all}"), rest);
    run(folder, "s");
    let said = did(folder, &["export", "s.run", "--refit", "--out", "refit"]);
    let of = card(folder, "refit");
    let trial = of["trial_id"].as_str().unwrap();
    let refit = &of["refit"];
    assert_eq!((&refit["rows"], &refit["replicates"]), (&ROWS.into(), &serde_json::json!([0, 1, 2])));

    let results = Table::read(&folder.join("s.run/results.parquet"));
    let ids = results.texts("trial_id");
    let own: Vec<usize> = (0..ids.len()).filter(|&at| ids[at].as_deref() == Some(trial)).collect();
    let mut best: Vec<i64> = own.iter().map(|&at| results.integers("best_epoch")[at].unwrap()).collect();
    assert_eq!(refit["best_epochs"], serde_json::json!(best));
    best.sort_unstable();
    assert!(best[0] < best[2], "{best:?} tell nothing of the median");
    assert_eq!(refit["epochs"], best[1]);
    assert!(
        said.stderr.contains(&format!("on all rows for {} epochs, the median of its 3", best[1])),
        "{}",
        said.stderr
    );
    for (part, name, column) in [("test", "auc", "test_auc"), ("validation", "op_fn", "val_op_fn")] {
        let mean = own.iter().map(|&at| results.floats(column)[at].unwrap()).sum::<f64>() / 3.0;
        assert!((of[part][name].as_f64().unwrap() - mean).abs() < 1e-12, "{part} {name}");
    }
    assert!(refit["figures"].as_str().unwrap().contains("nothing has measured it"));
    let talk = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(talk.contains("means over the 3 models of the run, each trained on a part"), "{talk}");
    assert!(talk.contains("% of the rows that it was trained on, as the replicates' models do of theirs"), "{talk}");

    // The share of their own training rows that the replicates' models flag.
    let scores = Table::read(&folder.join("s.run/scores.parquet"));
    let (of_trial, of_replicate, rows) =
        (scores.texts("trial_id"), scores.integers("replicate"), scores.integers("row"));
    let share = |replicate: i64| {
        let elsewhere: HashSet<i64> = (0..rows.len())
            .filter(|&at| of_trial[at].as_deref() == Some(trial) && of_replicate[at] == Some(replicate))
            .map(|at| rows[at].unwrap())
            .collect();
        let model = format!("r{replicate}");
        did(folder, &["export", "s.run", "--trial", trial, "--replicate", &replicate.to_string(), "--out", &model]);
        let flagged = predicted(folder, &model, "s.csv").texts("flagged");
        let trained: Vec<usize> = (0..ROWS).filter(|&at| !elsewhere.contains(&(at as i64))).collect();
        trained.iter().filter(|&&at| flagged[at].as_deref() == Some("true")).count() as f64 / trained.len() as f64
    };
    let mean = (0..3).map(share).sum::<f64>() / 3.0;
    let flagged = predicted(folder, "refit", "s.csv").texts("flagged");
    let flagged = flagged.iter().filter(|flagged| flagged.as_deref() == Some("true")).count() as f64 / ROWS as f64;
    assert_eq!(refit["flagged"].as_f64().unwrap(), flagged);
    // Rows with equal scores are flagged together.
    assert!((flagged - mean).abs() < 0.03, "{flagged} {mean}");

    for (more, told) in [
        (vec!["--trial", "ensemble"], "an average is weighed by rows that its members were not trained on"),
        (vec!["--replicate", "1"], "cannot be used with"),
        (vec!["--out", "refit"], "is there already and is not an empty directory"),
    ] {
        let mut args = vec!["export", "s.run", "--refit"];
        args.extend(&more);
        if !more.contains(&"--out") {
            args.extend(["--out", "other"]);
        }
        let said = refused(folder, &args);
        assert!(said.contains(told), "{said}");
    }
    // Other rows would be another training.
    fs::write(folder.join("s.csv"), format!("x,t,y\n{all}1,u,1\n")).unwrap();
    let said = refused(folder, &["export", "s.run", "--refit", "--out", "other"]);
    assert!(said.contains("are others than its models were trained on"), "{said}");
    assert!(!folder.join("other").exists());
}
