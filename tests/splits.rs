//! Real sweeps that are split by groups, by time, by a column and in folds: from the spec to the report.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read folders too")]
mod common;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::focalsweep;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

const ROWS: i64 = 1200;
const PARTS: [&str; 6] = ["train", "train", "train", "valid", "test", "unused"];

/// Which of [`PARTS`] a row is of: not one that goes by its card.
fn part_of(row: i64) -> usize {
    ((row + row / 6) % 6) as usize
}

/// Rows of 150 cards on 60 days, a part each; cards 3, 13, … are frauds.
fn write_rows(folder: &Path) {
    let mut csv = String::from("card,when,part,a,b,fraud\n");
    for row in 0..ROWS {
        let (card, day) = (row * 7 % 150, row / 20);
        let fraud = i64::from(card % 10 == 3);
        let part = PARTS[part_of(row)];
        let date = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        // `a` says a little of the class, `b` nothing.
        let (a, b) = ((row * 7919 % 211) as f64 / 211.0 + 0.4 * fraud as f64, row * 104_729 % 997);
        csv.push_str(&format!("{card},{date},{part},{a:.4},{b},{fraud}\n"));
    }
    fs::write(folder.join("rows.csv"), csv).unwrap();
}

/// A run of two trials that is split as `split` says, its folder, and what its report is as JSON.
fn train(split: &str, changes: &[&str]) -> (TempDir, PathBuf, Value) {
    let folder = TempDir::new().unwrap();
    write_rows(folder.path());
    fs::write(
        folder.path().join("sweep.yaml"),
        format!(
            "name: split\ndata: {{source: rows.csv, label: fraud, drop: [card, when, part]}}\nsplit: {split}\n\
             train: {{epochs: 2, batch_size: 64}}\n\
             parameters:\n- loss: {{value: bce}}\n- loss: {{value: focal}}\n"
        ),
    )
    .unwrap();
    let mut args =
        ["run", "sweep.yaml", "--out", "run", "--devices", "cpu", "--no-progress"].map(str::to_owned).to_vec();
    args.extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
    let said = focalsweep(folder.path(), &args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let report = focalsweep(folder.path(), ["report", "run", "--format", "json"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let dir = folder.path().join("run");
    (folder, dir, serde_json::from_str(&report.stdout).unwrap())
}

/// Rows and units of each (replicate, split).
type Parts = BTreeMap<(i64, String), Vec<(i64, Option<i64>)>>;

/// Those of the first trial.
fn parts(dir: &Path) -> Parts {
    let table = Table::read(&dir.join("scores.parquet"));
    let (splits, rows) = (table.texts("split"), table.integers("row"));
    let units =
        if table.names().contains(&"unit".to_owned()) { table.integers("unit") } else { vec![None; rows.len()] };
    let mut parts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let keys = table.keys();
    let first = keys[0].0.clone();
    for (at, (trial, replicate)) in keys.into_iter().enumerate().filter(|(_, (trial, _))| *trial == first) {
        let _ = trial;
        parts.entry((replicate, splits[at].clone().unwrap())).or_default().push((rows[at].unwrap(), units[at]));
    }
    parts
}

fn manifest(dir: &Path) -> String {
    fs::read_to_string(dir.join("manifest.json")).unwrap()
}

#[test]
fn groups_stay_together_and_are_what_is_counted() {
    let (_folder, dir, report) = train("{by: group, group_column: card}", &["replicates=2"]);
    let parts = parts(&dir);
    let cards = |replicate: i64, split: &str| -> BTreeSet<i64> {
        parts[&(replicate, split.to_owned())].iter().map(|(row, _)| row * 7 % 150).collect()
    };
    for replicate in 0..2 {
        assert!(cards(replicate, "test").is_disjoint(&cards(replicate, "validation")));
        assert_eq!(parts[&(replicate, "test".to_owned())].len(), 8 * cards(replicate, "test").len(), "whole cards");
        for (row, unit) in parts.iter().filter(|(key, _)| key.0 == replicate).flat_map(|(_, rows)| rows) {
            // Units are cards under another number.
            let same = parts[&(0, "test".to_owned())].iter().find(|(_, other)| other == unit);
            assert!(same.is_none_or(|(other, _)| other * 7 % 150 == row * 7 % 150));
        }
    }
    assert_eq!(cards(0, "test"), cards(1, "test"));
    assert!(
        manifest(&dir).contains("split by group `card`: 96 groups train, 24 choose, 30 test"),
        "{}",
        manifest(&dir)
    );
    let notes = report["answer"]["sentences"].to_string();
    assert!(notes.contains("Rows of one group may err alike"), "{notes}");
    // The standard error in results.parquet is that of groups: all rows of a card have one class here.
    let results = Table::read(&dir.join("results.parquet"));
    assert!(results.floats("test_auc_se")[0].unwrap() > 0.0);
    let other = focalsweep(_folder.path(), ["report", "run"]);
    assert!(!other.stdout.contains("In brackets"), "{}", other.stdout);
}

#[test]
fn windows_of_time_test_after_what_they_train_on() {
    let (_folder, dir, report) =
        train("{by: time, time_column: when, test: 0.5, validation: 0.2, gap: 2d}", &["replicates=5"]);
    let parts = parts(&dir);
    let mut tested = BTreeSet::new();
    for replicate in 0..5 {
        let days = |split: &str| -> Vec<i64> {
            parts[&(replicate, split.to_owned())].iter().map(|(row, _)| row / 20).collect()
        };
        let (validation, test) = (days("validation"), days("test"));
        // Two whole days between them.
        assert!(test.iter().min().unwrap() - validation.iter().max().unwrap() == 3, "{replicate}");
        for &(row, _) in &parts[&(replicate, "test".to_owned())] {
            assert!(tested.insert(row), "windows overlap");
        }
    }
    assert_eq!(tested, (ROWS / 2..ROWS).collect());
    assert!(manifest(&dir).contains("split by time `when`, window 5 of 5"), "{}", manifest(&dir));
    let procedure = &report["answer"]["procedure"];
    assert_eq!((procedure["parts"].as_str(), procedure["count"].as_u64()), (Some("windows"), Some(5)), "{report}");
    assert!(procedure["figures"][0]["standard_error"].is_number(), "{procedure}");
}

#[test]
fn fresh_trainings_have_the_windows_again_and_are_tested_over_them() {
    let split = "{by: time, time_column: when, test: 0.5, validation: 0.2}";
    for (windows, confirm) in [(5_i64, 10_i64), (3, 4)] {
        let changes = [format!("replicates={windows}"), format!("confirm={{trials: 1, replicates: {confirm}}}")];
        let (_folder, dir, report) = train(split, &changes.each_ref().map(String::as_str));
        let results = Table::read(&dir.join("results.parquet"));
        let (keys, phases) = (results.keys(), results.texts("phase"));
        let of = |trial: &str| -> Vec<i64> {
            (0..keys.len())
                .filter(|&at| keys[at].0 == trial && phases[at].as_deref() == Some("confirm"))
                .map(|at| keys[at].1)
                .collect()
        };
        let winner = report["winner"]["trial_id"].as_str().unwrap();
        assert_eq!(of(winner), (windows..windows + confirm).collect::<Vec<_>>(), "numbered onward");
        // Each has all rows of its window, and was trained with another seed.
        let scores = Table::read(&dir.join("scores.parquet"));
        let (splits, rows, raw) = (scores.texts("split"), scores.integers("row"), scores.floats("raw"));
        let mut test: BTreeMap<i64, (Vec<i64>, Vec<f64>)> = BTreeMap::new();
        for (at, (trial, replicate)) in scores.keys().into_iter().enumerate() {
            if trial == winner && splits[at].as_deref() == Some("test") {
                let (of_rows, of_raw) = test.entry(replicate).or_default();
                of_rows.push(rows[at].unwrap());
                of_raw.push(raw[at].unwrap());
            }
        }
        for replicate in windows..windows + confirm {
            assert_eq!(test[&replicate].0, test[&(replicate % windows)].0, "{replicate}");
            assert_ne!(test[&replicate].1, test[&(replicate % windows)].1, "{replicate}");
        }
        assert_eq!(report["answer"]["confirmed"], "yes");
        let claims: Vec<&Value> =
            report["claims"].as_array().unwrap().iter().filter(|claim| claim["kind"] == "settings").collect();
        let told = report["answer"]["sentences"].to_string();
        assert!(!told.contains("trains them afresh"), "they were: {told}");
        if windows < 5 {
            assert!(claims.is_empty() && told.contains("over 3 windows nothing is tested"), "{claims:?} {told}");
            continue;
        }
        // By hand: the mean of each window's two trainings, Student's t over the five windows.
        let claim = claims.iter().find(|claim| claim["about"] == "auc").unwrap();
        let aucs = results.floats("test_auc");
        let mean_in = |trial: &Value, window: i64| -> f64 {
            let of = |at: &usize| keys[*at].0 == trial.as_str().unwrap() && keys[*at].1 % windows == window;
            let fresh = (0..keys.len()).filter(of).filter(|&at| phases[at].as_deref() == Some("confirm"));
            fresh.map(|at| aucs[at].unwrap()).sum::<f64>() / 2.0
        };
        let differences: Vec<f64> =
            (0..5).map(|window| mean_in(&claim["of"], window) - mean_in(&claim["against"], window)).collect();
        let mean = differences.iter().sum::<f64>() / 5.0;
        let error = (differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 4.0 / 5.0).sqrt();
        let close = |name: &str, expected: f64| (claim[name].as_f64().unwrap() - expected).abs() < 1e-9;
        assert!(close("difference", mean) && close("standard_error", error), "{claim} {mean} {error}");
        assert!(told.contains("tested over the 5 windows"), "{told}");
    }
}

/// A row is of one of 20 customers who come again and again, or of one who comes for four rows only.
fn customer(row: i64) -> i64 {
    if row % 2 == 0 { row * 3 % 20 } else { 100 + row / 8 }
}

#[test]
fn known_and_new_groups_are_reported_apart() {
    let folder = TempDir::new().unwrap();
    let mut csv = String::from("customer,when,a,b,fraud\n");
    for row in 0..600 {
        let fraud = i64::from(customer(row) % 5 == 3);
        let a = (row * 7919 % 211) as f64 / 211.0 + 0.8 * fraud as f64;
        csv.push_str(&format!("{},{},{a:.4},{},{fraud}\n", customer(row), row / 10, row * 104_729 % 997));
    }
    fs::write(folder.path().join("rows.csv"), csv).unwrap();
    let sweep = |new_groups: bool| {
        format!(
            "name: split\ndata: {{source: rows.csv, label: fraud}}\ntrain: {{epochs: 2, batch_size: 64}}\n\
             split: {{by: [time, group], time_column: when, group_column: customer, new_groups: {new_groups}, test: \
             0.4}}\noperating_point: {{max_fpr: 0.2}}\n\
             parameters:\n- loss: {{value: bce}}\n- loss: {{value: focal}}\n"
        )
    };
    fs::write(folder.path().join("sweep.yaml"), sweep(false)).unwrap();
    let run = ["run", "sweep.yaml", "--out", "run", "--devices", "cpu", "--no-progress"];
    let said = focalsweep(folder.path(), run);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let report = focalsweep(folder.path(), ["report", "run", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let apart = &report["answer"]["groups_apart"];

    // From the rows as they are dealt: the last 240 test, and new is who was not there before.
    let dir = folder.path().join("run");
    let parts = parts(&dir);
    let test: Vec<i64> = parts[&(0, "test".to_owned())].iter().map(|(row, _)| *row).collect();
    assert_eq!(test, (360..600).collect::<Vec<_>>());
    let is_new = |row: i64| customer(row) >= 100 && (0..360).all(|before| customer(before) != customer(row));
    let table = Table::read(&dir.join("scores.parquet"));
    let (splits, rows, raw) = (table.texts("split"), table.integers("row"), table.floats("raw"));
    let winner = report["winner"]["trial_id"].as_str().unwrap();
    for (name, wanted) in [("known", false), ("new", true)] {
        let of: Vec<i64> = test.iter().copied().filter(|&row| is_new(row) == wanted).collect();
        let customers: BTreeSet<i64> = of.iter().map(|&row| customer(row)).collect();
        let positives = of.iter().filter(|&&row| customer(row) % 5 == 3).count();
        let expected = serde_json::json!({"rows": of.len(), "positives": positives, "groups": customers.len()});
        assert_eq!(apart[name], expected);
        // The AUC by definition.
        let keys = table.keys();
        let score = |at: usize| {
            let row = rows[at].unwrap();
            let is_test = splits[at].as_deref() == Some("test");
            (keys[at].0 == winner && is_test && is_new(row) == wanted).then(|| (row, raw[at].unwrap()))
        };
        let scored: Vec<(i64, f64)> = (0..rows.len()).filter_map(score).collect();
        let class = |wanted: bool| scored.iter().filter(move |(row, _)| (customer(*row) % 5 == 3) == wanted);
        let above: f64 = class(true)
            .flat_map(|p| {
                class(false).map(move |n| f64::from(u8::from(p.1 > n.1)) + 0.5 * f64::from(u8::from(p.1 == n.1)))
            })
            .sum();
        let auc = above / (class(true).count() * class(false).count()) as f64;
        let figure = &apart["trials"][0][name]["auc"];
        assert_eq!(apart["trials"][0]["trial_id"], winner);
        assert!((figure["value"].as_f64().unwrap() - auc).abs() < 1e-9, "{figure} {auc}");
        assert!(figure["interval"][0].as_f64().unwrap() < auc && auc < figure["interval"][1].as_f64().unwrap());
        assert!(apart["trials"][0][name]["missed"]["interval"].is_array(), "{apart}");
    }
    let told = report["answer"]["sentences"].to_string();
    assert!(told.contains("groups by `customer` that trained") && told.contains("differ is not tested"), "{told}");
    // Without known groups there is nothing to tell apart.
    fs::write(folder.path().join("sweep.yaml"), sweep(true)).unwrap();
    let run = ["run", "sweep.yaml", "--out", "new", "--devices", "cpu", "--no-progress"];
    assert_eq!(focalsweep(folder.path(), run).code, Some(0));
    let report = focalsweep(folder.path(), ["report", "new", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert!(report["answer"]["groups_apart"].is_null() && report["answer"].is_object());
}

#[test]
fn folds_are_replicates_with_a_number() {
    let (_folder, dir, report) = train("{by: group, group_column: card, folds: 3, repeats: 2}", &[]);
    let results = Table::read(&dir.join("results.parquet"));
    let numbers = |name: &str| results.integers(name)[..6].iter().map(|number| number.unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers("replicate"), [0, 1, 2, 3, 4, 5]);
    assert_eq!((numbers("fold"), numbers("repeat")), (vec![0, 1, 2, 0, 1, 2], vec![0, 0, 0, 1, 1, 1]));
    let parts = parts(&dir);
    for repeat in 0..2 {
        let rows = (0..3).flat_map(|fold| &parts[&(3 * repeat + fold, "test".to_owned())]).map(|(row, _)| *row);
        assert_eq!(rows.collect::<BTreeSet<_>>(), (0..ROWS).collect());
    }
    let procedure = &report["answer"]["procedure"];
    assert_eq!(procedure["parts"], "folds");
    let auc = &procedure["figures"][0];
    assert!(auc["against_plain"]["p"].is_number(), "{procedure}");
    // Every positive is missed or caught once in each repeat.
    let missed = procedure["figures"].as_array().unwrap().iter().find(|figure| figure["about"] == "op_fn").unwrap();
    assert!(missed["sum"].as_f64().unwrap() <= 120.0, "{missed}");
    let claims = report["claims"].as_array().unwrap();
    assert!(claims.iter().all(|claim| claim["split"] == "validation"), "{claims:?}");

    // Ranked on test rows, trials are told apart over the folds: one test row for each 1 / 3 / (2 / 3 - 0.16) others.
    let report = focalsweep(_folder.path(), ["report", "run", "--format", "json", "--on", "test", "--by", "auc"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let claims = report["claims"].as_array().unwrap();
    let claim = claims.iter().find(|claim| claim["about"] == "auc" && claim["split"] == "test").unwrap();
    let (keys, aucs) = (results.keys(), results.floats("test_auc"));
    let of = |trial: &Value| -> Vec<f64> {
        keys.iter().zip(&aucs).filter(|(key, _)| *trial == key.0.as_str()).map(|(_, auc)| auc.unwrap()).collect()
    };
    let differences: Vec<f64> = of(&claim["of"]).iter().zip(of(&claim["against"])).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / 6.0;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 5.0;
    let error = (variance * (1.0 / 6.0 + 1.0 / 3.0 / (2.0 / 3.0 - 0.16))).sqrt();
    let close = |found: &Value, expected: f64| (found.as_f64().unwrap() - expected).abs() < 1e-9;
    assert!(close(&claim["difference"], mean) && close(&claim["standard_error"], error), "{claim} {mean} {error}");
    // The page says what its bands are.
    let page = ["report", "run", "--html", "page.html"];
    assert_eq!(focalsweep(_folder.path(), page).code, Some(0));
    let page = fs::read_to_string(_folder.path().join("page.html")).unwrap();
    assert!(
        page.contains("which are folds that share training rows (Nadeau & Bengio 2003)")
            || page.contains("which are folds that share training rows (Nadeau \\u0026 Bengio 2003)")
    );
}

#[test]
fn a_column_says_which_part_a_row_is_of() {
    let split = "{by: column, column: part, train: [train], validation: [valid], test: [test]}";
    let (folder, dir, _) = train(split, &["replicates=2"]);
    let parts = parts(&dir);
    for replicate in 0..2 {
        for (split, rest) in [("validation", 3), ("test", 4)] {
            let rows: Vec<i64> = parts[&(replicate, split.to_owned())].iter().map(|(row, _)| *row).collect();
            assert_eq!(rows, (0..ROWS).filter(|&row| part_of(row) == rest).collect::<Vec<_>>());
        }
    }
    assert!(manifest(&dir).contains("left out, rows that are of no part by `part`: unused (200)"));
    // What is not as the run had it is refused.
    let changed = ["run", "sweep.yaml", "--out", "run", "--resume", "--set", "split={test: 0.3}"];
    assert_eq!(focalsweep(folder.path(), changed).code, Some(2));
}

#[test]
fn columns_that_are_not_there_are_told_with_the_nearest() {
    let folder = TempDir::new().unwrap();
    write_rows(folder.path());
    let text = "name: split\ndata: {source: rows.csv, label: fraud}\nparameters: {loss: {value: bce}}\n";
    fs::write(folder.path().join("sweep.yaml"), text).unwrap();
    for (split, expected) in [
        ("{by: group, group_column: cart}", "did you mean `card`?"),
        ("{by: time, time_column: wen}", "did you mean `when`?"),
        ("{by: time, time_column: part}", "expected times or numbers"),
    ] {
        let said = focalsweep(folder.path(), ["plan", "sweep.yaml", "--set", &format!("split={split}")]);
        assert_eq!(said.code, Some(2), "{split}: {}", said.stderr);
        let flat: String = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(expected), "{split}: {}", said.stderr);
    }
}
