//! A look at a run that is under way, or was killed: what has ended is ranked so far, and nothing of the run is
//! touched.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Said, files, focalsweep, program};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes, so that a hang ends in a message.
const PATIENCE: Duration = Duration::from_secs(300);

const SWEEP: &str = "name: live\n\
                     data: {source: rows.parquet, synth: {rows: 3000, features: 5, positives: 300}, label: Class}\n\
                     train: {epochs: 40, batch_size: 32, early_stopping: none}\nreplicates: 12\n\
                     parameters: {loss: {value: focal}, gamma: {values: [0, 1, 2]}, \
                     hidden: {values: [[16, 8], [8]]}}\n";

/// A run that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Begins the sweep in `folder` and holds it (SIGSTOP) when some of its trials have ended and others have not.
fn begun(folder: &Path) -> Running {
    fs::write(folder.join("sweep.yaml"), SWEEP).unwrap();
    let started = Instant::now();
    loop {
        let _ = fs::remove_dir_all(folder.join("run"));
        let mut command = program(folder);
        command.args(["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
        let mut running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        while ended(folder) < 6 && running.0.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < PATIENCE, "no trial ended in time");
            std::thread::sleep(Duration::from_millis(1));
        }
        let pid = running.0.id().to_string();
        let held = Command::new("kill").args(["-STOP", &pid]).stderr(Stdio::null()).status().unwrap().success();
        // On a fast machine all may have ended meanwhile: then once more.
        if held && running.0.try_wait().unwrap().is_none() && (6..72).contains(&ended(folder)) {
            return running;
        }
    }
}

/// Whole lines of the journals; a killed run may leave a torn one.
fn ended(folder: &Path) -> usize {
    let Ok(jobs) = fs::read_dir(folder.join("run/jobs")) else { return 0 };
    let is_journal = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".jsonl") && name.starts_with("job-")
    };
    let journals = jobs.flatten().map(|entry| entry.path()).filter(is_journal);
    let lines = |path: PathBuf| fs::read(path).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
    journals.map(lines).sum()
}

fn report(folder: &Path) -> Value {
    let said = focalsweep(folder, ["report", "run", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

fn warnings(report: &Value) -> String {
    report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// `102 of 243` of the warning that these are not all rows.
fn rows_so_far(report: &Value) -> (usize, usize) {
    let warnings = warnings(report);
    let line = warnings.lines().find(|line| line.contains("rows so far")).expect("that these are not all");
    let mut words = line.split_whitespace();
    (words.next().unwrap().parse().unwrap(), words.nth(1).unwrap().parse().unwrap())
}

#[test]
fn what_has_ended_is_ranked_while_the_rest_is_trained() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let running = begun(folder);
    let before = ended(folder);
    let seen = report(folder);
    let (done, all) = rows_so_far(&seen);
    assert!(done >= before && done < all && all == 72, "{done} of {all}, {before} before");
    assert!(warnings(&seen).contains("the run goes on"), "{seen:#}");
    assert!(!seen["ranking"].as_array().unwrap().is_empty() && !seen["claims"].as_array().unwrap().is_empty());
    let page = folder.join("page.html");
    let said = focalsweep(folder, ["report", "run", "--html", "page.html"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(fs::read_to_string(page).unwrap().contains("rows so far"));
    drop(running);
}

#[test]
fn a_run_that_was_killed_is_read_as_it_stands_and_then_goes_on_to_the_same_figures() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    drop(begun(folder));
    let before = files(folder);
    let seen = report(folder);
    let done = rows_so_far(&seen).0;
    assert_eq!(done, ended(folder));
    assert!(warnings(&seen).contains("the run ended before it was done; `focalsweep run run/sweep.yaml"), "{seen:#}");
    let compared = focalsweep(folder, ["compare", "run", "run", "--format", "json"]);
    assert_eq!(compared.code, Some(0), "{}", compared.stderr);
    assert!(compared.stdout.contains("rows so far"), "{}", compared.stdout);
    assert!(files(folder) == before, "a look changes nothing");

    // Other data at the same place are not read for these.
    fs::rename(folder.join("rows.parquet"), folder.join("kept.parquet")).unwrap();
    let missing = focalsweep(folder, ["report", "run"]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    assert!(missing.stderr.contains("rows.parquet"), "{}", missing.stderr);
    let synth = ["data", "synth", "--rows", "3000", "--features", "5", "--positives", "300", "--seed", "9"];
    let made = focalsweep(folder, synth.into_iter().chain(["--out", "rows.parquet"]));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let other = focalsweep(folder, ["report", "run"]);
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    assert!(other.stderr.contains("other data"), "{}", other.stderr);
    fs::rename(folder.join("kept.parquet"), folder.join("rows.parquet")).unwrap();

    let said: Said =
        focalsweep(folder, ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run", "--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let whole = report(folder);
    assert!(!warnings(&whole).contains("so far"), "{whole:#}");
    // A trial that was complete then has the same figures now.
    let metrics = |report: &Value| -> Vec<(String, Value)> {
        let complete = report["ranking"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|trial| trial["replicates"].as_array().unwrap().len() == 12);
        complete.map(|trial| (trial["trial_id"].to_string(), trial["metrics"].clone())).collect()
    };
    let now = metrics(&whole);
    assert_eq!(now.len(), 6);
    for trial in metrics(&seen) {
        assert!(now.contains(&trial), "{trial:?}");
    }
}
