//! `watch` and `index`: a run that is followed to its end, with its page, and one page over many runs.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Said, files, focalsweep, program};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes, so that a hang ends in a message.
const PATIENCE: Duration = Duration::from_secs(300);

fn sweep(name: &str, replicates: u32, epochs: u32, rates: &str) -> String {
    format!(
        "name: {name}\n\
         data: {{source: rows.parquet, synth: {{rows: 2000, features: 4, positives: 200}}, label: Class}}\n\
         train: {{epochs: {epochs}, batch_size: 64, early_stopping: none, optimizer: sgd}}\nreplicates: {replicates}\n\
         parameters: {{loss: {{value: focal}}, gamma: {{values: [0, 2]}}, learning_rate: {{values: {rates}}}}}\n"
    )
}

/// A process that is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(folder: &Path, args: &[&str]) -> Self {
        Self(program(folder).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn goes_on(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// What it said, once it has ended.
    fn said(mut self) -> Said {
        let started = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(20));
        }
        let read = |pipe: &mut dyn std::io::Read| {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        };
        let code = self.0.wait().unwrap().code();
        let stdout = read(self.0.stdout.as_mut().unwrap());
        let stderr = read(self.0.stderr.as_mut().unwrap());
        Said { code, stdout, stderr }.calm()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Begins a sweep in `folder/run` and holds it (SIGSTOP) when some of its rows are there and others are not.
fn held(folder: &Path, text: &str) -> Running {
    fs::write(folder.join("sweep.yaml"), text).unwrap();
    let rows = || -> Option<(u64, u64)> {
        let said = focalsweep(folder, ["status", "run", "--format", "json"]);
        let status: Value = serde_json::from_str(&said.stdout).ok()?;
        Some((status["rows"]["done"].as_u64()?, status["rows"]["total"].as_u64()?))
    };
    let started = Instant::now();
    loop {
        let _ = fs::remove_dir_all(folder.join("run"));
        let mut run =
            Running::start(folder, &["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
        while rows().is_none_or(|(done, _)| done == 0) && run.goes_on() {
            assert!(started.elapsed() < PATIENCE, "no row in time");
        }
        if run.goes_on() {
            run.signal("-STOP");
            // On a fast machine all may have ended meanwhile: then once more.
            if rows().is_some_and(|(done, total)| done > 0 && done < total) && run.goes_on() {
                return run;
            }
        }
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// The payload of a page, once it is there.
fn payload(page: &Path) -> Option<Value> {
    let html = fs::read_to_string(page).ok()?;
    let (_, rest) = html.split_once(r#"<script type="application/json" id="payload">"#)?;
    Some(serde_json::from_str(rest.split_once("</script>")?.0).expect("the page was written as a whole"))
}

#[test]
fn a_run_is_followed_to_its_end_and_its_page_grows() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let run = held(folder, &sweep("followed", 40, 200, "[0.01]"));
    let watch = Running::start(folder, &["watch", "run", "--html", "--no-progress"]);
    let page = folder.join("run/live.html");
    until("a page", || page.is_file());
    let first = payload(&page).unwrap();
    let so_far = &first["run"]["so_far"];
    assert_eq!((&so_far["goes_on"], &so_far["of"]), (&Value::Bool(true), &Value::from(80)), "{so_far}");
    assert_eq!(first["run"]["reload_seconds"], 5);
    let rows = |payload: &Value| payload["run"]["rows"].as_u64().unwrap();
    assert_eq!(so_far["rows"].as_u64().unwrap(), rows(&first));
    run.signal("-CONT");
    assert_eq!(run.said().code, Some(0));
    let said = watch.said();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(
        lines[0], "followed: finished; 80 of 80 rows of results done, 0 failed; 40 of 40 jobs",
        "{}",
        said.stdout
    );
    assert_eq!(*lines.last().unwrap(), "run/live.html");
    assert!(said.stderr.contains("run/live.html is kept fresh"), "{}", said.stderr);
    let last = payload(&page).unwrap();
    assert!(rows(&last) == 80 && rows(&first) < 80);
    assert_eq!((&last["run"]["so_far"], &last["run"]["reload_seconds"]), (&Value::Null, &Value::Null));
    // The page of the run itself is as it was written, and the run is none the worse.
    let again = focalsweep(folder, ["run", "sweep.yaml", "--resume", "--out", "run", "--devices", "cpu"]);
    assert!(again.code == Some(0) && again.stderr.contains("all 80 rows"), "{}", again.stderr);
}

#[test]
fn what_failed_is_in_the_exit_code_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("sweep.yaml"), sweep("failing", 1, 8, "[0.01, 1e30]")).unwrap();
    let run = focalsweep(folder, ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let before = files(folder);
    let said = focalsweep(folder, ["watch", "run"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stdout.starts_with("failing: finished; 4 of 4 rows of results done, 2 failed"), "{}", said.stdout);
    assert!(said.stdout.ends_with("run/report.html\n"), "{}", said.stdout);
    assert!(files(folder) == before, "watching wrote something");
}

#[test]
fn ctrl_c_ends_the_watching_and_a_killed_run_is_told_as_stopped() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let mut run = held(folder, &sweep("killed", 400, 8, "[0.01, 0.02]"));
    let watch = Running::start(folder, &["watch", "run", "--html", "--no-progress"]);
    // It listens before its first look.
    until("a look", || folder.join("run/live.html").is_file());
    watch.signal("-INT");
    let said = watch.said();
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    assert!(said.stderr.contains("no longer watched; the run goes on as before"), "{}", said.stderr);
    assert!(run.goes_on(), "the run was ended with it");
    let watch = Running::start(folder, &["watch", "run", "--no-progress"]);
    run.0.kill().unwrap();
    run.0.wait().unwrap();
    let said = watch.said();
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    assert!(said.stdout.starts_with("killed: stopped; "), "{}", said.stdout);
    assert!(said.stdout.contains("`focalsweep run SPEC --resume --out run` goes on with it"), "{}", said.stdout);
}

#[test]
fn where_there_is_no_run_there_is_nothing_to_watch() {
    let folder = TempDir::new().unwrap();
    let said = focalsweep(folder.path(), ["watch", "nowhere"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("nowhere"), "{}", said.stderr);
}

#[test]
fn an_index_has_every_run_and_says_why_one_cannot_be_read() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("sweep.yaml"), sweep("first", 2, 8, "[0.01, 0.02]")).unwrap();
    for out in ["runs/a b", "runs/group/second", "runs/broken"] {
        let said = focalsweep(folder, ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", out]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    }
    fs::write(folder.join("runs/broken/manifest.json"), "{").unwrap();
    fs::write(folder.join("runs/a b/notes.md"), "# <b>Why</b>\n").unwrap();
    let said = focalsweep(folder, ["index", "runs"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "runs/index.html\n"), "{}", said.stderr);
    assert!(said.stderr.contains("1 of 3 runs cannot be read"), "{}", said.stderr);
    let index = payload(&folder.join("runs/index.html")).unwrap();
    let runs = index["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["folder"].as_str().unwrap()).collect();
    assert_eq!(names, ["a b", "broken", "group/second"]);
    let [first, broken, second] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!((&first["page"], &first["notes"]), (&"a%20b/report.html".into(), &"<b>Why</b>".into()));
    assert_eq!((&first["name"], &first["state"], &first["rows"]), (&"first".into(), &"finished".into(), &8.into()));
    assert_eq!(second["page"], "group/second/report.html");
    assert_eq!(broken["state"], "broken");
    assert!(broken["fault"].as_str().unwrap().contains("manifest.json"), "{broken}");
    // Figures and decision are those of the report.
    let report = focalsweep(folder, ["report", "runs/a b", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let of = |column: &str| {
        let figures = first["figures"].as_array().unwrap();
        figures.iter().find(|figure| figure["column"] == column).unwrap()["value"].as_f64().unwrap()
    };
    for column in ["val_auc", "test_auc", "test_op_fn"] {
        assert!((of(column) - report["winner"]["metrics"][column].as_f64().unwrap()).abs() < 1e-12, "{column}");
    }
    assert_eq!(first["decision"]["outcome"], report["decision"]["outcome"]);
    assert!(report["decision"]["outcome"].is_string());
    // It replaces its own page and nobody else's.
    assert_eq!(focalsweep(folder, ["index", "runs"]).code, Some(0));
    fs::write(folder.join("runs/index.html"), "mine").unwrap();
    let said = focalsweep(folder, ["index", "runs"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("was not made by `focalsweep index`") && said.stderr.contains("--out"));
    assert_eq!(fs::read_to_string(folder.join("runs/index.html")).unwrap(), "mine");
    let said = focalsweep(folder, ["index", "runs", "--out", "all.html"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let elsewhere = payload(&folder.join("all.html")).unwrap();
    assert_eq!(elsewhere["runs"][0]["page"], "runs/a%20b/report.html");
    // A run is no folder of runs, nor is one without any.
    for (asked, told) in [("runs/a b", "is a run directory"), ("runs/broken/models", "there is no run in")] {
        let said = focalsweep(folder, ["index", asked]);
        assert!(said.code == Some(2) && said.stderr.contains(told), "{asked}: {}", said.stderr);
    }
    assert_eq!(focalsweep(folder, ["index", "nowhere"]).code, Some(2));
}
