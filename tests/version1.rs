//! Runs of format version 1 are reported, compared and exported as before; going on with one is refused.
//! The fixture is made by tests/fixtures/make-run.sh.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "common/recorded.rs"]
mod recorded;

use std::collections::HashMap;
use std::fs;

use common::{files, focalsweep};
use recorded::{copied, fixture};
use serde_json::Value;

const RUN: &str = "run-v1";

/// The rows of a CSV by the name of the column.
fn by_name(csv: &str) -> Vec<HashMap<String, String>> {
    let mut lines = csv.lines();
    let heads: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let row =
        |line: &str| heads.iter().zip(line.split(',')).map(|(head, cell)| ((*head).into(), cell.into())).collect();
    lines.map(row).collect()
}

/// A message without the breaks of its lines.
fn on_one_line(message: &str) -> String {
    message.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// Columns of the report of then that are claims of the JSON now.
const CLAIMS_NOW: [&str; 2] = ["p_vs_best", "p_fn_vs_best"];

#[test]
fn a_report_says_what_it_said_then() {
    let folder = copied(RUN);
    let said = focalsweep(folder.path(), ["report", "run", "--format", "csv"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let then = fs::read_to_string(fixture(RUN).join("expected-report.csv")).unwrap();
    let (now, then) = (by_name(&said.stdout), by_name(&then));
    assert_eq!(now.len(), 3);
    for (now, then) in now.iter().zip(&then) {
        for (name, cell) in then.iter().filter(|(name, _)| !CLAIMS_NOW.contains(&name.as_str())) {
            assert_eq!(now.get(name), Some(cell), "{name} of {}", then["trial_id"]);
        }
    }
    let page = folder.path().join("page.html");
    let said = focalsweep(folder.path(), ["report", "run", "--html", page.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(fs::read_to_string(page).unwrap().contains("run-v1"));
}

#[test]
fn two_are_compared() {
    let folder = copied(RUN);
    let twin = fixture(RUN).display().to_string();
    let said = focalsweep(folder.path(), ["compare", "run", &twin, "--format", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(serde_json::from_str::<Value>(&said.stdout).unwrap().is_object());
}

#[test]
fn a_model_is_exported_and_flags_by_its_probability() {
    let folder = copied(RUN);
    let said = focalsweep(folder.path(), ["export", "run", "--trial", "best", "--out", "model"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let card: Value = serde_json::from_slice(&fs::read(folder.path().join("model/model.json")).unwrap()).unwrap();
    assert_eq!((&card["sweep"], &card["threshold_raw"]), (&"run-v1".into(), &Value::Null));
    let threshold = card["threshold"].as_f64().unwrap();
    fs::write(folder.path().join("new.csv"), "a,b\n0.1,0.9\n1.6,-0.4\n0.5,0.2\n").unwrap();
    let said = focalsweep(folder.path(), ["predict", "model", "new.csv", "--out", "scores.csv"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let rows = by_name(&fs::read_to_string(folder.path().join("scores.csv")).unwrap());
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let flagged = f64::from(row["score"].parse::<f32>().unwrap()) >= threshold;
        assert_eq!(row["flagged"], flagged.to_string(), "{row:?}");
    }
    assert!(rows.iter().any(|row| row["flagged"] == "true") && rows.iter().any(|row| row["flagged"] == "false"));
}

#[test]
fn going_on_is_refused_with_a_way_out_and_nothing_is_touched() {
    let folder = copied(RUN);
    let before = files(folder.path());
    for args in [&["run", "run/sweep.yaml", "--out", "run", "--resume"][..], &["worker", "run", "--job", "0"]] {
        let said = focalsweep(folder.path(), args);
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.stderr);
        let told = on_one_line(&said.stderr);
        assert!(told.contains("is a run of format version 1, made by focalsweep 0.1.0"), "{told}");
        assert!(told.contains("use the focalsweep that began it"), "{told}");
    }
    assert!(files(folder.path()) == before, "the directory was changed");
}

#[test]
fn another_draft_is_refused() {
    let folder = copied(RUN);
    let path = folder.path().join("run/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest["format_version"] = 2.into();
    manifest["draft"] = 99.into();
    fs::write(&path, manifest.to_string()).unwrap();
    for args in [
        &["report", "run"][..],
        &["status", "run"],
        &["export", "run", "--trial", "best", "--out", "model"],
        &["run", "run/sweep.yaml", "--out", "run", "--resume"],
    ] {
        let said = focalsweep(folder.path(), args);
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.stderr);
        let told = on_one_line(&said.stderr);
        assert!(told.contains("is of draft 99 of format version 2, of a time before its release"), "{told}");
    }
}
