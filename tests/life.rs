//! A run's life as a library call, as `examples/sweep.rs` makes it, and what it leaves behind.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at every file of a folder")]
mod common;
#[expect(dead_code, unreachable_pub, reason = "an example is a program, of which the test calls the heart")]
#[path = "../examples/sweep.rs"]
mod example;
#[path = "common/locks.rs"]
mod locks;
#[path = "life/retry.rs"]
mod retry;

use common::focalsweep;
use focalsweep::launch::Tally;
use focalsweep::run::{Blame, End, Observer, Quiet, RunError, RunOptions, Sweep};
use focalsweep_core::record::{FileSum, RunDir, RunDirError, SPEC, blob_sum};
use focalsweep_core::spec::{self, Spec};
use focalsweep_engine::job::Stop;
use locks::unlocked;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[test]
fn the_example_finds_the_winner_that_the_program_reports() {
    let folder = TempDir::new().unwrap();
    let (settings, auc) = example::winner(folder.path()).unwrap();
    let report = focalsweep(folder.path(), ["report", "run", "--format", "json"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let winner = &report["winner"];
    assert_eq!(winner["metrics"]["val_auc"].as_f64(), Some(auc));
    let parameters = &winner["parameters"];
    let number = |name: &str| parameters[name].as_f64().unwrap();
    assert_eq!(settings, format!("alpha {}, gamma {}", number("alpha"), number("gamma")));
    assert_eq!(report["ranking"].as_array().unwrap().len(), 4);
    // Again: every row is there, nothing is trained.
    let written = fs::read(folder.path().join("run/results.parquet")).unwrap();
    unlocked(&folder.path().join("run"));
    assert_eq!(example::winner(folder.path()).unwrap(), (settings, auc));
    assert!(fs::read(folder.path().join("run/results.parquet")).unwrap() == written);
}

/// Two trials on made-up rows.
fn spec_of(folder: &Path) -> Spec {
    let source = serde_json::to_string(&folder.join("rows.parquet")).unwrap();
    let text = format!(
        "name: t\ndata: {{source: {source}, synth: {{rows: 400, features: 3, positives: 60}}, label: Class}}\n\
         train: {{epochs: 3, batch_size: 100, early_stopping: none}}\n\
         parameters: {{loss: {{value: focal}}, gamma: {{values: [0, 2]}}}}\n"
    );
    spec::parse("t", &text).unwrap()
}

fn sweep(folder: &Path, resume: bool) -> Result<Sweep, RunError> {
    let options = RunOptions { out: Some(folder.join("run")), resume, ..RunOptions::default() };
    Sweep::new(spec_of(folder), options)
}

/// Keeps what it hears; raises the flag once training is told of.
#[derive(Default)]
struct Listener {
    lines: Vec<String>,
    locked: Option<PathBuf>,
    stop: Option<Stop>,
    last: Option<Tally>,
    trained: usize,
}

impl Observer for Listener {
    fn say(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn locked(&mut self, root: &Path) {
        assert!(!root.join("manifest.json").exists() || self.stop.is_none());
        self.locked = Some(root.to_owned());
    }

    fn progress(&mut self, tally: &Tally) {
        self.last = Some(tally.clone());
        if let Some(stop) = &self.stop {
            stop.request();
        }
    }

    fn trained(&mut self) {
        self.trained += 1;
    }
}

#[test]
fn a_run_tells_of_itself_and_can_be_stopped_and_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let stop = Stop::default();
    stop.request();
    let mut listener = Listener { stop: Some(stop.clone()), ..Listener::default() };
    let outcome = sweep(folder.path(), false).unwrap().run(&stop, &mut listener).unwrap();
    assert_eq!((outcome.end, outcome.manifest.counts.rows), (End::Interrupted, 0));
    assert_eq!((listener.locked, listener.trained), (Some(folder.path().join("run")), 1));
    assert!(listener.lines[0].starts_with("data: 400 rows, 60 positive"), "{:?}", listener.lines);

    let mut listener = Listener::default();
    unlocked(&folder.path().join("run"));
    let outcome = sweep(folder.path(), true).unwrap().run(&Stop::default(), &mut listener).unwrap();
    assert_eq!((outcome.end, outcome.manifest.counts.rows), (End::Finished, 2));
    assert_eq!(listener.last.map(|tally| (tally.done, tally.rows)), Some((2, 2)));
    unlocked(&folder.path().join("run"));
    let outcome = sweep(folder.path(), true).unwrap().run(&Stop::default(), &mut Quiet).unwrap();
    assert_eq!(outcome.end, End::AlreadyThere);
    unlocked(&folder.path().join("run"));
    let error = sweep(folder.path(), false).unwrap().run(&Stop::default(), &mut Quiet).unwrap_err();
    assert_eq!(error.blame(), Blame::Input);
    assert!(matches!(error, RunError::RunDir(RunDirError::Taken { .. })), "{error}");
}

/// What was read before the lock is of no account: a run that began meanwhile is not begun again.
#[test]
fn a_run_that_begins_while_data_are_read_is_seen_under_the_lock() {
    let folder = TempDir::new().unwrap();
    let slow = sweep(folder.path(), false).unwrap().prepare(&mut Quiet).unwrap();
    let late = sweep(folder.path(), true).unwrap().prepare(&mut Quiet).unwrap();
    assert!(!folder.path().join("run").exists(), "nothing is written before there is something to write");
    let first = sweep(folder.path(), false).unwrap().run(&Stop::default(), &mut Quiet).unwrap();
    assert_eq!(first.end, End::Finished);
    unlocked(&folder.path().join("run"));
    let error = slow.run(&Stop::default(), &mut Quiet).unwrap_err();
    assert!(matches!(error, RunError::RunDir(RunDirError::Taken { .. })), "{error}");
    unlocked(&folder.path().join("run"));
    assert_eq!(late.run(&Stop::default(), &mut Quiet).unwrap().end, End::AlreadyThere);
    assert!(!folder.path().join("run/jobs").exists());
}

/// A run that is resumed is locked before its manifest is read, so nobody can end it in between.
#[test]
fn a_resumed_run_is_locked_from_its_first_step() {
    let folder = TempDir::new().unwrap();
    let stop = Stop::default();
    stop.request();
    sweep(folder.path(), false).unwrap().run(&stop, &mut Quiet).unwrap();
    let root = folder.path().join("run");
    unlocked(&folder.path().join("run"));
    let ready = sweep(folder.path(), true).unwrap().prepare(&mut Quiet).unwrap();
    assert!(RunDir::is_locked(&root));
    let error = sweep(folder.path(), true).unwrap().prepare(&mut Quiet).unwrap_err();
    assert_eq!(error.blame(), Blame::Environment);
    drop(ready);
    unlocked(&folder.path().join("run"));
}

/// What ranks may change when everything is trained: the files that say who won follow.
#[test]
fn a_finished_run_is_ranked_anew_when_its_sweep_ranks_otherwise() {
    let folder = TempDir::new().unwrap();
    let ranked_by = |by: &[&str]| {
        let mut sweep = spec_of(folder.path());
        sweep.rank.by = by.iter().map(|name| (*name).to_owned()).collect();
        let options = RunOptions { out: Some(folder.path().join("run")), resume: true, ..RunOptions::default() };
        let mut listener = Listener::default();
        unlocked(&folder.path().join("run"));
        let outcome = Sweep::new(sweep, options).unwrap().run(&Stop::default(), &mut listener).unwrap();
        (outcome.end, listener.lines.iter().any(|line| line.contains("made again")))
    };
    let read = |name: &str| fs::read_to_string(folder.path().join("run").join(name)).unwrap();
    let both = || [read("report.md"), read("report.html"), read("sweep.yaml")];
    assert_eq!(ranked_by(&["auc", "fn"]), (End::Finished, false));
    let (results, before) = (fs::read(folder.path().join("run/results.parquet")).unwrap(), both());
    assert_eq!(ranked_by(&["auc", "fn"]), (End::AlreadyThere, false));
    assert_eq!(both(), before, "nothing changed");

    assert_eq!(ranked_by(&["op_fn", "brier"]), (End::AlreadyThere, true));
    let after = both();
    assert!(after.iter().zip(&before).all(|(after, before)| after != before));
    assert!(after[2].contains("- op_fn\n"), "{}", after[2]);
    assert_eq!(fs::read(folder.path().join("run/results.parquet")).unwrap(), results, "nothing is trained");
    // As the program ranks it now that sweep.yaml says so.
    let said = focalsweep(folder.path(), ["report", "run", "--format", "markdown"]);
    assert_eq!(said.stdout.trim_end(), after[0].trim_end());

    // A report that is gone is made again.
    fs::remove_file(folder.path().join("run/report.html")).unwrap();
    assert_eq!(ranked_by(&["op_fn", "brier"]), (End::AlreadyThere, true));
    assert_eq!(both(), after);
}

/// `make report SPEC=…`: the program finds the run of a sweep file, however its name is written.
#[test]
fn a_sweep_file_stands_for_its_run() {
    let folder = TempDir::new().unwrap();
    let text = "\
        # name: another\n\
        'name': \"two.words-here\"   # a comment\n\
        data: {source: rows.csv, synth: {rows: 400, features: 3, positives: 60}, label: Class}\n\
        train: {epochs: 2, batch_size: 100, early_stopping: none}\n\
        parameters: {loss: {value: focal}}\n";
    fs::write(folder.path().join("sweep.yaml"), text).unwrap();
    let run = focalsweep(folder.path(), ["run", "sweep.yaml", "--devices", "cpu", "--no-progress"]);
    assert_eq!((run.code, run.stdout.trim_end()), (Some(0), "runs/two.words-here"), "{}", run.stderr);
    let by_dir = focalsweep(folder.path(), ["report", "runs/two.words-here"]);
    let by_spec = focalsweep(folder.path(), ["report", "sweep.yaml"]);
    assert_eq!((by_spec.code, &by_spec.stdout), (Some(0), &by_dir.stdout), "{}", by_spec.stderr);
    fs::remove_dir_all(folder.path().join("runs")).unwrap();
    let none = focalsweep(folder.path(), ["report", "sweep.yaml"]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("there is no run directory runs/two.words-here"), "{}", none.stderr);
}

/// Replaces what a run recorded of its sweep, with a manifest that knows it.
fn record(root: &Path, change: impl Fn(String) -> String) {
    let dir = RunDir::lock(root).unwrap();
    let mut manifest = RunDir::look(root).unwrap().unwrap();
    let text = change(fs::read_to_string(root.join(SPEC)).unwrap());
    let sum = FileSum { bytes: text.len() as u64, sum: blob_sum(text.as_bytes()) };
    fs::write(root.join(SPEC), text).unwrap();
    manifest.files.insert(SPEC.to_owned(), sum);
    dir.commit(&mut manifest).unwrap();
}

/// Before there was `auto`, a sweep file that said nothing meant 100 epochs and no early stopping, and a run of it goes
/// on so; what is said stays another sweep.
#[test]
fn a_run_of_before_auto_goes_on_as_it_was_meant() {
    let folder = TempDir::new().unwrap();
    let sweep = "name: t\ndata: {source: rows.csv, synth: {rows: 400, features: 2, positives: 80}, label: Class}\n\
                 model: {hidden: []}\nparameters: {loss: {value: bce}}\nlaunch: {devices: cpu}\n";
    fs::write(folder.path().join("s.yaml"), sweep).unwrap();
    let run = |more: &[&str]| focalsweep(folder.path(), [&["run", "s.yaml", "--no-progress"][..], more].concat());
    let then = ["--set", "train={epochs: 100, early_stopping: none}"];
    assert_eq!(run(&then).code, Some(0));
    let root = folder.path().join("runs/t");
    let said = run(&["--resume"]);
    assert_eq!(said.code, Some(2), "what this version recorded was said: {}", said.stderr);
    assert!(said.stderr.contains("`train` differ"), "{}", said.stderr);

    let recorded = fs::read_to_string(root.join(SPEC)).unwrap();
    assert!(recorded.contains("  early_stopping: none\n") && recorded.contains("  epochs: 100\n"), "{recorded}");
    record(&root, |text| text.replace("  early_stopping: none\n", ""));
    let said = run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("all 1 rows were there already"), "{}", said.stderr);
    let said = run(&["--resume", "--set", "train.early_stopping={patience: 3}"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);

    // Its sweep.yaml is lost: the manifest has the fingerprint of then.
    fs::remove_file(root.join(SPEC)).unwrap();
    let said = run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let again = fs::read_to_string(root.join(SPEC)).unwrap();
    assert!(again.contains("  early_stopping: none\n") && again.contains("  epochs: 100\n"), "{again}");
}
