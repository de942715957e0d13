//! Never lose a result: runs that are killed, interrupted and damaged end in the bits of a run that was left alone.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{Said, files, focalsweep, program};
use focalsweep_core::record::{checked_line, push_line};
use same::{TIMES, assert_same_runs, models, state};
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// Longer than anything here takes, so that a hang ends in a message.
const PATIENCE: Duration = Duration::from_secs(300);

/// A run directory to be, and the sweep for it.
struct Sweep {
    folder: TempDir,
    args: Vec<String>,
}

impl Sweep {
    /// The search of the default sweep, with changes.
    fn default(changes: &[&str]) -> Self {
        Self::of(TempDir::new().unwrap(), "sweeps/focal.yaml", &[&["confirm=null"], changes].concat())
    }

    /// The default sweep as it is.
    fn unchanged() -> Self {
        Self::of(TempDir::new().unwrap(), "sweeps/focal.yaml", &[])
    }

    /// A sweep of its own.
    fn written(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("sweep.yaml");
        fs::write(&path, text).unwrap();
        Self::of(folder, path.to_str().unwrap(), &[])
    }

    fn of(folder: TempDir, file: &str, changes: &[&str]) -> Self {
        let out = folder.path().join("run").display().to_string();
        let mut args = ["run", file, "--devices", "cpu", "--no-progress", "--out", &out].map(str::to_owned).to_vec();
        args.extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
        Self { folder, args }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Runs to the end.
    fn run(&self, more: &[&str]) -> Said {
        focalsweep(
            Path::new(env!("CARGO_MANIFEST_DIR")),
            self.args.iter().map(String::as_str).chain(more.iter().copied()),
        )
    }

    /// Starts, and leaves it running.
    fn start(&self, more: &[&str]) -> Running {
        let mut command = program(Path::new(env!("CARGO_MANIFEST_DIR")));
        let log = |name: &str| fs::File::create(self.folder.path().join(name)).unwrap();
        command.args(&self.args).args(more).stdout(log("stdout")).stderr(log("stderr"));
        Running { child: command.spawn().unwrap(), folder: self.folder.path().to_owned(), dir: self.dir() }
    }

    fn table(&self, name: &str) -> Table {
        Table::read(&self.dir().join(name))
    }

    fn state(&self) -> String {
        state(&self.dir())
    }

    /// Checks that the files that people read hold the same as those of a run that was left alone.
    fn is_like(&self, whole: &Self) {
        assert_same_runs(&self.dir(), &whole.dir());
    }
}

/// A program that is running.
struct Running {
    child: Child,
    folder: PathBuf,
    dir: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Waits until `seen`; panics if the program ends before.
    fn until(&mut self, what: &str, seen: impl Fn(&Path) -> bool) {
        let started = Instant::now();
        while !seen(&self.dir) {
            if self.child.try_wait().unwrap().is_some() {
                panic!("it ended before {what}:\n{}", self.ended().stderr);
            }
            assert!(started.elapsed() < PATIENCE, "{what} does not come");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap().success());
    }

    /// Waits for the end.
    fn ended(&mut self) -> Said {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap();
        Said { code: status.code(), stdout: text("stdout"), stderr: text("stderr") }.calm()
    }
}

/// Whether a journal has a whole line: a trial has ended.
fn a_trial_has_ended(dir: &Path) -> bool {
    let journals = fs::read_dir(dir.join("jobs")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut journals = journals.filter(|path| {
        path.extension().is_some_and(|extension| extension == "jsonl") && !path.ends_with("launch.jsonl")
    });
    journals.any(|path| fs::read(path).is_ok_and(|bytes| bytes.contains(&b'\n')))
}

fn a_job_has_started(dir: &Path) -> bool {
    fs::read_to_string(dir.join("log.txt")).is_ok_and(|log| log.contains("job started"))
}

/// A random number below `end`, different in each run of the tests.
fn random(end: u64) -> u64 {
    RandomState::new().hash_one(0) % end
}

/// One replicate of the default sweep, left alone.
static WHOLE: LazyLock<Sweep> = LazyLock::new(|| {
    let whole = Sweep::default(&["replicates=1"]);
    let said = whole.run(&[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    whole
});

#[test]
fn killed_in_the_middle_of_the_default_sweep() {
    let whole = Sweep::unchanged();
    let started = Instant::now();
    assert_eq!(whole.run(&[]).code, Some(0));
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap();

    let sweep = Sweep::unchanged();
    let mut kills = Vec::new();
    // Early, which may be before there is anything to resume, then anywhere up to half of the way and up to its end.
    for latest in [millis / 20, millis / 2, millis / 2, millis] {
        let moment = random(latest.max(2));
        kills.push(moment);
        let mut running = sweep.start(&["--resume"]);
        std::thread::sleep(Duration::from_millis(moment));
        running.signal("KILL");
        running.ended();
    }
    let said = sweep.run(&["--resume"]);
    assert_eq!(said.code, Some(0), "killed after {kills:?} ms:\n{}", said.stderr);
    println!("killed after {kills:?} ms of {millis}");
    sweep.is_like(&whole);
}

#[test]
fn interrupted_once() {
    let sweep = Sweep::default(&["replicates=1"]);
    let mut running = sweep.start(&[]);
    running.until("a trial's end", a_trial_has_ended);
    running.signal("INT");
    let said = running.ended();
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    assert_eq!(said.stdout.trim_end(), sweep.dir().to_str().unwrap());
    assert!(said.stderr.contains("--resume"), "it says how to go on: {}", said.stderr);
    assert_eq!(sweep.state(), "interrupted");

    // What there is can be read, and is what the whole run has.
    let (some, all) = (sweep.table("results.parquet"), WHOLE.table("results.parquet"));
    assert!((1..all.rows()).contains(&some.rows()), "{} rows", some.rows());
    let names: Vec<String> = all.names().into_iter().filter(|name| !TIMES.contains(&name.as_str())).collect();
    let all: BTreeSet<String> = all.cells(&names).into_iter().collect();
    assert!(some.cells(&names).iter().all(|row| all.contains(row)));
    let report = focalsweep(sweep.folder.path(), ["report", "run", "--format", "json"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["ranking"].as_array().unwrap().len(), some.rows());
    assert!(!report["warnings"].as_array().unwrap().is_empty(), "it says that trials are missing");

    let said = sweep.run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    sweep.is_like(&WHOLE);

    // Finished is finished.
    let before = files(&sweep.dir());
    let said = sweep.run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout.trim_end(), sweep.dir().to_str().unwrap(), "make sweep reports what it is told");
    assert!(files(&sweep.dir()) == before, "resuming a finished run changes nothing");
}

#[test]
fn a_torn_journal_and_a_broken_checkpoint() {
    let sweep = Sweep::default(&["replicates=1"]);
    let mut running = sweep.start(&[]);
    running.until("a trial's end", a_trial_has_ended);
    // An interrupted run leaves a checkpoint of every stack under way.
    running.signal("INT");
    assert_eq!(running.ended().code, Some(130));
    let (mut torn, mut broken) = (0, 0);
    for entry in fs::read_dir(sweep.dir().join("jobs")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            // One journal stops in the middle of its last line, or just before its end; the others in a line more.
            Some("jsonl") if torn == 0 && !bytes.is_empty() => {
                let cut = bytes.len() - 1 - random(bytes.len().min(200) as u64) as usize;
                fs::write(&path, &bytes[..cut]).unwrap();
                torn += 1;
            }
            Some("jsonl") => {
                let mut journal = OpenOptions::new().append(true).open(&path).unwrap();
                journal.write_all(b"{\"row\":{\"trial_id\":\"0123").unwrap();
            }
            // Bytes of a trial whose line was never written.
            Some("bin") => OpenOptions::new().append(true).open(&path).unwrap().write_all(&[7; 1000]).unwrap(),
            Some("checkpoint") => {
                let damaged = if broken == 0 { bytes[..bytes.len() / 2].to_vec() } else { vec![0xa5; bytes.len()] };
                fs::write(&path, damaged).unwrap();
                broken += 1;
            }
            other => panic!("what is a {other:?}?"),
        }
    }
    assert!(torn > 0 && broken > 0, "{torn} journals, {broken} checkpoints");
    let said = sweep.run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stderr.matches("checkpoint cannot be read").count(), broken, "{}", said.stderr);
    sweep.is_like(&WHOLE);
}

/// Stacks that were cut, as where a device has no room: what had ended of them counts, the rest goes on in the halves.
#[test]
fn stacks_that_were_cut_go_on_in_their_halves() {
    let sweep = Sweep::default(&["replicates=1"]);
    let mut running = sweep.start(&[]);
    running.until("a trial's end", a_trial_has_ended);
    running.signal("KILL");
    running.ended();
    let plan = checked_line(&fs::read(sweep.dir().join("plan.jsonl")).unwrap()).unwrap();
    let plan: Value = serde_json::from_slice(&plan).unwrap();
    let part = |job: &Value, letter: &str, first: u64, count: u64| {
        let id = format!("{}{letter}", job["job_id"].as_str().unwrap());
        serde_json::json!({"job_id": id, "replicate": job["replicate"], "first": first, "count": count})
    };
    let mut log = OpenOptions::new().append(true).open(sweep.dir().join("jobs/launch.jsonl")).unwrap();
    let mut cuts = 0;
    for job in plan["jobs"].as_array().unwrap() {
        let (first, count) = (job["first"].as_u64().unwrap(), job["count"].as_u64().unwrap());
        let (a, b) = (part(job, "a", first, count / 3), part(job, "b", first + count / 3, count - count / 3));
        let line = serde_json::json!({"change": "cut", "job_id": job["job_id"], "into": [a, b], "why": "a test"});
        let mut summed = Vec::new();
        push_line(&mut summed, line.to_string().as_bytes());
        log.write_all(&summed).unwrap();
        cuts += 1;
    }
    let said = sweep.run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    sweep.is_like(&WHOLE);
    let jobs: BTreeSet<String> = sweep.table("results.parquet").cells(&["job_id".to_owned()]).into_iter().collect();
    assert!(jobs.len() > cuts, "nothing was trained by a half: {jobs:?}");
}

/// A sweep that takes long, with steps of a second or so.
const LONG: &str = "\
name: long
data:
  source: rows.parquet
  synth: {rows: 30000, features: 10, positives: 3000}
  label: Class
model: {hidden: [256, 256]}
train: {epochs: 1000000, batch_size: 30000, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {values: [0.2, 0.4, 0.6, 0.8]}}
scores: best
";

#[test]
fn interrupted_before_anything_has_ended() {
    let sweep = Sweep::written(LONG);
    let source = format!("data.source={}", sweep.folder.path().join("rows.parquet").display());
    let small = ["--set", &source, "--set", "train.batch_size=1000", "--set", "model.hidden=[4]"];
    let mut running = sweep.start(&small);
    running.until("a job's start", a_job_has_started);
    running.signal("INT");
    let said = running.ended();
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    assert_eq!((sweep.state().as_str(), sweep.table("results.parquet").rows()), ("interrupted", 0));
    let report = focalsweep(sweep.folder.path(), ["report", "run"]);
    assert_eq!((report.code, report.stdout.as_str()), (Some(2), ""), "{}", report.stderr);
    assert!(report.stderr.contains("no results to rank"), "{}", report.stderr);
}

#[test]
fn interrupted_twice_ends_at_once() {
    let sweep = Sweep::written(LONG);
    let source = format!("data.source={}", sweep.folder.path().join("rows.parquet").display());
    // The first signal may by chance come at the end of a step, and then the run ends in order before the second.
    for attempt in 1.. {
        let mut running = sweep.start(&["--resume", "--set", &source]);
        running.until("a job's start", a_job_has_started);
        std::thread::sleep(Duration::from_millis(300 + random(500)));
        running.signal("INT");
        std::thread::sleep(Duration::from_millis(50));
        if running.child.try_wait().unwrap().is_none() {
            running.signal("INT");
        }
        let said = running.ended();
        assert_eq!(said.code, Some(130), "{}", said.stderr);
        if sweep.state() == "running" {
            break;
        }
        assert!(attempt < 10, "it always ends in order:\n{}", said.stderr);
    }
    // And it can be gone on with.
    let mut running = sweep.start(&["--resume", "--set", &source]);
    let log = sweep.dir().join("log.txt");
    let starts = fs::read_to_string(&log).unwrap().matches("job started").count();
    running.until("another start", |_| fs::read_to_string(&log).unwrap().matches("job started").count() > starts);
}

#[test]
fn a_diverging_trial_fails_alone() {
    let sweep = Sweep::default(&[
        "replicates=1",
        "train.epochs=12",
        "parameters.alpha.values=[0.25, 0.75]",
        "parameters.gamma.value=1",
        "parameters.learning_rate.values=[1e-3, 1e30, 3e-3]",
    ]);
    let said = sweep.run(&[]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert_eq!(said.stdout.trim_end(), sweep.dir().to_str().unwrap());
    assert!(said.stderr.contains("2 of them failed"), "{}", said.stderr);
    let results = sweep.table("results.parquet");
    assert_eq!(results.rows(), 6);
    let rows = results.floats("learning_rate").into_iter().zip(results.texts("state")).zip(results.texts("error"));
    for (((rate, state), error), auc) in rows.zip(results.floats("test_auc")) {
        if rate == Some(1e30) {
            assert_eq!((state.as_deref(), auc), (Some("failed"), None));
            assert!(!error.unwrap().is_empty());
        } else {
            assert_eq!((state.as_deref(), error), (Some("finished"), None));
            assert!(auc.unwrap() > 0.8, "the others are fine: {auc:?}");
        }
    }
    let models = models(&sweep.dir());
    assert_eq!(models.keys().filter(|name| name.ends_with("/output.bias")).count(), 4, "models of those that finished");
    let report = focalsweep(sweep.folder.path(), ["report", "run", "--format", "json"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert!(report["warnings"].to_string().contains("failed"), "{}", report["warnings"]);
    assert_eq!(report["winner"]["metrics"]["val_auc"].as_f64().map(|auc| auc > 0.8), Some(true));
    let before = files(&sweep.dir());
    assert_eq!(sweep.run(&["--resume"]).code, Some(1), "still not all is well");
    assert!(files(&sweep.dir()) == before);
}
