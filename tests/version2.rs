//! A run that 0.2.0 wrote is read, gone on with and exported by whatever comes after it, until a format version 3 says
//! otherwise. The fixture is made by tests/fixtures/make-run.sh.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "common/recorded.rs"]
mod recorded;

use std::fs;

use common::focalsweep;
use recorded::{copied, fixture};
use serde_json::Value;

const RUN: &str = "run-v2";

/// Whether all that was there then is there now, and as it was; more may have come.
fn still(then: &Value, now: &Value, at: &str, lost: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (key, value) in then {
                still(value, now.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"), lost);
            }
        }
        (Value::Array(then), Value::Array(now)) if then.len() <= now.len() => {
            for (index, value) in then.iter().enumerate() {
                still(value, &now[index], &format!("{at}[{index}]"), lost);
            }
        }
        // Words for people may be put otherwise.
        (Value::String(then), Value::String(_)) if then.contains(' ') => {}
        (then, now) if then == now => {}
        (then, now) => lost.push(format!("{at}: {then}, now {now}")),
    }
}

#[test]
fn a_report_says_what_it_said_then() {
    let folder = copied(RUN);
    let said = focalsweep(folder.path(), ["report", "run", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let then = read(&fs::read_to_string(folder.path().join("report.json")).unwrap());
    let mut lost = Vec::new();
    still(&then, &read(&said.stdout), "report", &mut lost);
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    let said = focalsweep(folder.path(), ["report", "run", "--html", "page.html"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn its_manifest_is_of_no_draft() {
    let manifest: Value = serde_json::from_slice(&fs::read(fixture(RUN).join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["format_version"], &manifest["draft"]), (&2.into(), &0.into()));
    assert_eq!(manifest["program"], "focalsweep 0.2.0");
}

#[test]
fn it_is_gone_on_with() {
    let folder = copied(RUN);
    let again = ["run", "sweep.yaml", "--out", "run", "--resume", "--devices", "cpu", "--no-progress"];
    let said = focalsweep(folder.path(), again);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("all 6 rows"), "{}", said.stderr);
    let said = focalsweep(folder.path(), again.iter().chain(&["--set", "replicates=3"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = focalsweep(folder.path(), ["status", "run", "--format", "json"]);
    let status: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&status["state"], &status["rows"]["done"]), (&"finished".into(), &9.into()), "{status}");
}

#[test]
fn its_models_are_exported_and_score_rows() {
    let folder = copied(RUN);
    for args in [
        &["export", "run", "--trial", "best", "--out", "model"][..],
        &["predict", "model", "data.csv", "--out", "scores.csv"],
        &["export", "run", "--trial", "best", "--format", "onnx", "--out", "model.onnx"],
    ] {
        let said = focalsweep(folder.path(), args);
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.stderr);
    }
    assert_eq!(fs::read_to_string(folder.path().join("scores.csv")).unwrap().lines().count(), 241);
}
