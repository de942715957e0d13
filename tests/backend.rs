//! libtorch in a process of its own: the same answers as the fused kernels, and nothing lost when either process goes.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[expect(dead_code, reason = "other tests read folders too")]
mod common;
#[path = "common/cores.rs"]
mod cores;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Said, program};
use cores::first_cores;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// Longer than anything here takes, so that a hang ends in a message.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is promised between devices: history and AUC within this.
const TOLERANCE: f64 = 1e-3;

/// Two jobs of some epochs, by libtorch.
const SWEEP: &str = "\
name: torch
data:
  source: rows.parquet
  synth: {rows: 6000, features: 6, positives: 600}
  label: Class
model: {hidden: [8]}
train: {epochs: 5, batch_size: 256, backend: libtorch, early_stopping: none}
split: {calibration: 0.1}
operating_point: {max_fpr: 0.05, confidence: 0.95}
replicates: 2
parameters: {loss: {value: focal}, alpha: {values: [0.25, 0.5, 0.75]}, gamma: {values: [0, 2]}}
";

/// Whether there is a `focalsweep-torch` beside the program; says so when there is none.
fn torch_is_built() -> bool {
    let there = Path::new(env!("CARGO_BIN_EXE_focalsweep")).with_file_name("focalsweep-torch").exists();
    if !there {
        println!("skipped: focalsweep-torch is not built (`cargo build --release -p focalsweep-torch`)");
    }
    there
}

/// A folder with a sweep in it.
struct Sweep(TempDir);

impl Sweep {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("sweep.yaml"), text).unwrap();
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(self.0.path());
        command.env_remove("FOCALSWEEP_TORCH").args(args);
        command
    }

    fn say(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap()).calm()
    }

    /// Trains into the folder `out`, on two slots.
    fn run(&self, out: &str, more: &[&str]) -> Said {
        self.say(&[&["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", out], more].concat())
    }

    /// Starts the long run on at most two cores, into a new folder `run`.
    fn start_long(&self) -> Running {
        let run = self.0.path().join("run");
        let _ = fs::remove_dir_all(&run);
        let ours = self.command(&["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
        let mut command = Command::new("taskset");
        command.current_dir(self.0.path()).args(["-c", &first_cores(2)]).arg(ours.get_program()).args(ours.get_args());
        for (name, value) in ours.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let stderr = self.0.path().join("stderr");
        command.args(LONG).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&stderr).unwrap());
        Running { child: command.spawn().unwrap(), dir: run, stderr }
    }

    /// Starts the long run until `caught` is content with what it did some time after all its children train: not at
    /// once, when they may not have done a step, nor so late that they are done, which is on every machine another time.
    fn catch(&self, what: &str, mut caught: impl FnMut(&mut Running, &[u32]) -> bool) {
        let found = [300, 100, 1000, 30, 3000, 300, 10_000, 100].into_iter().any(|millis| {
            let mut running = self.start_long();
            let Some(children) = running.children(children_of_two()) else { return false };
            std::thread::sleep(Duration::from_millis(millis));
            caught(&mut running, &children)
        });
        assert!(found, "not caught: {what}");
    }

    /// Checkpoints of the long run.
    fn checkpoints(&self) -> usize {
        let jobs = fs::read_dir(self.0.path().join("run/jobs")).into_iter().flatten().flatten();
        jobs.filter(|file| file.path().extension().is_some_and(|found| found == "checkpoint")).count()
    }

    fn table(&self, out: &str, name: &str) -> Table {
        Table::read(&self.0.path().join(out).join(name))
    }

    fn manifest(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.0.path().join(out).join("manifest.json")).unwrap()).unwrap()
    }

    /// Checks that `out` has every row, each near that of the run `like`.
    fn is_near(&self, out: &str, like: &str, tolerance: f64) {
        assert_eq!(self.manifest(out)["state"], "finished");
        let near = |a: Option<f64>, b: Option<f64>, what: &str| {
            let (a, b) = (a.unwrap(), b.unwrap());
            assert!((a - b).abs() <= tolerance * a.abs().max(b.abs()), "{what}: {a} {b}");
        };
        let by_trial = |out: &str| -> BTreeMap<(String, i64), Option<f64>> {
            let results = self.table(out, "results.parquet");
            results.keys().into_iter().zip(results.floats("test_auc")).collect()
        };
        let (ours, theirs) = (by_trial(out), by_trial(like));
        assert!(ours.keys().eq(theirs.keys()));
        for (key, auc) in &ours {
            near(*auc, theirs[key], "test AUC");
        }
        let by_epoch = |out: &str| -> BTreeMap<(String, i64, i64), [Option<f64>; 3]> {
            let history = self.table(out, "history.parquet");
            let columns = ["train_loss", "val_loss", "val_auc"].map(|name| history.floats(name));
            let epochs = history.integers("epoch").into_iter().flatten();
            let keys =
                history.keys().into_iter().zip(epochs).map(|((trial, replicate), epoch)| (trial, replicate, epoch));
            keys.enumerate().map(|(row, key)| (key, columns.each_ref().map(|column| column[row]))).collect()
        };
        let (ours, theirs) = (by_epoch(out), by_epoch(like));
        assert!(ours.keys().eq(theirs.keys()));
        for (key, row) in &ours {
            row.iter().zip(theirs[key]).for_each(|(a, b)| near(*a, b, "history"));
        }
    }
}

/// The program while it runs.
struct Running {
    child: Child,
    dir: PathBuf,
    stderr: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Its children that hold libtorch and train, once there are `count`; `None` where it ends before.
    fn children(&mut self, count: usize) -> Option<Vec<u32>> {
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            let log = fs::read_to_string(self.dir.join("log.txt")).unwrap_or_default();
            let children = children(self.child.id());
            if children.len() >= count && log.matches("job started").count() >= count {
                return Some(children);
            }
            assert!(started.elapsed() < PATIENCE, "no {count} children train");
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "it does not end:\n{}", self.words());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn words(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }
}

/// State and parent of a process (proc(5)).
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn children(parent: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| stat(pid).is_some_and(|(state, of)| of == parent && state != "Z")).collect()
}

/// Sends a signal; whether there was somebody to have it.
fn kill(signal: &str, pid: u32) -> bool {
    let command = format!("kill -{signal} {pid}");
    Command::new("sh").args(["-c", &command]).stderr(Stdio::null()).status().unwrap().success()
}

/// Children of a run that has at most two cores: one for each.
fn children_of_two() -> usize {
    std::thread::available_parallelism().unwrap().get().min(2)
}

fn gone_soon(pid: u32) -> bool {
    let started = Instant::now();
    let there = || stat(pid).is_some_and(|(state, _)| state != "Z");
    while there() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    !there()
}

/// So many epochs that a test can get between.
const LONG: [&str; 4] = ["--set", "train.epochs=100", "--set", "train.batch_size=64"];

#[test]
fn libtorch_and_the_fused_kernels_give_the_same_on_cores() {
    if !torch_is_built() {
        return;
    }
    let sweep = Sweep::new(SWEEP);
    let said = sweep.run("libtorch", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = sweep.run("fused", &["--set", "train.backend=auto"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    sweep.is_near("libtorch", "fused", TOLERANCE);
    // They are not the same bits: both did train.
    let losses = |out: &str| sweep.table(out, "history.parquet").floats("train_loss");
    assert_ne!(losses("libtorch"), losses("fused"));
    assert_eq!(sweep.manifest("libtorch")["libtorch"], "2.11.0");
    assert_eq!(sweep.manifest("fused")["libtorch"], Value::Null);
    let said = |out: &str| sweep.table(out, "results.parquet").metadata.get("focalsweep.libtorch").cloned();
    assert_eq!((said("libtorch").as_deref(), said("fused")), (Some("2.11.0"), None));
    for gone in ["prepared", "jobs"] {
        assert!(!sweep.0.path().join("libtorch").join(gone).exists(), "{gone} is left");
    }
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_results() {
    if !torch_is_built() {
        return;
    }
    let sweep = Sweep::new(SWEEP);
    sweep.catch("checkpoints of later epochs", |running, children| {
        if !kill("INT", running.child.id()) || running.ended() != Some(130) || sweep.checkpoints() < children.len() {
            return false;
        }
        assert!(children.iter().all(|&child| gone_soon(child)), "a child is left");
        assert_eq!(sweep.manifest("run")["state"], "interrupted");
        let said = sweep.run("run", &[&LONG[..], &["--resume"]].concat());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let log = fs::read_to_string(sweep.0.path().join("run/log.txt")).unwrap();
        log.lines().any(|line| line.contains("job started") && !line.contains("epoch=1 "))
    });
    let said = sweep.run("whole", &LONG);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let cells = |out: &str| {
        let names = ["trial_id", "replicate", "epochs_run", "best_epoch"].map(str::to_owned);
        sorted(sweep.table(out, "results.parquet").cells(&names))
    };
    assert_eq!(cells("run"), cells("whole"));
    // A stack that was cut meanwhile is rounded otherwise, and 100 epochs make that grow.
    sweep.is_near("run", "whole", 10.0 * TOLERANCE);
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn a_killed_child_costs_time_and_nothing_else() {
    if !torch_is_built() {
        return;
    }
    let sweep = Sweep::new(SWEEP);
    sweep.catch("a child that is killed while it trains", |running, children| {
        if !kill("KILL", children[0]) {
            return false;
        }
        assert_eq!(running.ended(), Some(0), "{}", running.words());
        let log = fs::read_to_string(sweep.0.path().join("run/log.txt")).unwrap();
        assert!(!log.contains("taken out"), "the cores were blamed: {log}");
        log.contains("signal 9 (SIGKILL)")
    });
    let results = sweep.table("run", "results.parquet");
    assert_eq!((results.rows(), results.texts("error").iter().flatten().count()), (12, 0));
    let said = sweep.run("whole", &LONG);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let names = ["trial_id", "replicate"].map(str::to_owned);
    assert_eq!(sorted(results.cells(&names)), sorted(sweep.table("whole", "results.parquet").cells(&names)));
}

#[test]
fn a_killed_parent_leaves_no_children_and_their_checkpoints() {
    if !torch_is_built() {
        return;
    }
    let sweep = Sweep::new(SWEEP);
    sweep.catch("checkpoints of a killed parent", |running, children| {
        let killed = kill("KILL", running.child.id());
        assert!(children.iter().all(|&child| gone_soon(child)), "a child outlives its parent");
        killed && running.ended().is_none() && sweep.checkpoints() >= children.len()
    });
    let said = sweep.run("run", &[&LONG[..], &["--resume"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(sweep.table("run", "results.parquet").rows(), 12);
}

/// A child that greets as ours do, and then does what `then` says in shell, once it has a job.
fn stand_in(sweep: &Sweep, then: &str) -> PathBuf {
    let path = sweep.0.path().join("stand-in");
    let greet = r#"read hello; printf '{"say":"hello",%s\n' "${hello#*,}" > /dev/fd/$2"#;
    let text = format!("#!/bin/sh\n{greet}\nread run\n{then}\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_job_that_kills_every_child_fails_and_the_cores_stay() {
    let sweep = Sweep::new(SWEEP);
    let path = stand_in(&sweep, "echo 'last words' >&2; kill -9 $$");
    let mut command = sweep.command(&["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
    let said = Said::of(&command.env("FOCALSWEEP_TORCH", &path).output().unwrap()).calm();
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let results = sweep.table("run", "results.parquet");
    assert_eq!(results.rows(), 12);
    for error in results.texts("error") {
        let error = error.unwrap();
        for part in ["with one trial", "signal 9 (SIGKILL)", "last words"] {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
    }
    let log = fs::read_to_string(sweep.0.path().join("run/log.txt")).unwrap();
    assert!(!log.contains("taken out"), "the cores were blamed: {log}");
}

#[test]
fn a_child_that_cannot_be_had_is_an_error_that_says_what_to_do() {
    let sweep = Sweep::new(SWEEP);
    let with = |torch: &Path| {
        let run = ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run", "--resume"];
        let mut command = sweep.command(&run);
        Said::of(&command.env("FOCALSWEEP_TORCH", torch).output().unwrap()).calm()
    };
    let nowhere = sweep.0.path().join("nowhere");
    let said = with(&nowhere);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("FOCALSWEEP_TORCH is"), "{}", said.stderr);
    let dead = stand_in(&sweep, "");
    fs::write(&dead, "#!/bin/sh\necho 'no such library' >&2; exit 127\n").unwrap();
    let said = with(&dead);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    for part in ["does not start", "exit code 127", "no such library", "make build"] {
        assert!(said.stderr.contains(part), "{part:?} is not in {}", said.stderr);
    }
    let other = stand_in(&sweep, "");
    let greet = r#"echo '{"say":"hello","protocol":1,"version":"0.0.1"}' > /dev/fd/$2; read order"#;
    fs::write(&other, format!("#!/bin/sh\n{greet}\n")).unwrap();
    let said = with(&other);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("is of focalsweep 0.0.1"), "{}", said.stderr);
    // The fused kernels need none of it.
    let mut command = sweep.command(&["run", "sweep.yaml", "--no-progress", "--set", "train.backend=fused"]);
    let said = Said::of(&command.env("FOCALSWEEP_TORCH", &nowhere).output().unwrap()).calm();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let mut command = sweep.command(&["devices"]);
    let said = Said::of(&command.env("FOCALSWEEP_TORCH", &nowhere).output().unwrap()).calm();
    assert!(said.stdout.contains("no focalsweep-torch"), "{}", said.stdout);
}

#[test]
fn the_fused_kernels_know_no_gpu() {
    let sweep = Sweep::new(SWEEP);
    let said = sweep.say(&["run", "sweep.yaml", "--devices", "cuda", "--set", "train.backend=fused"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    for part in ["train.backend: fused", "expected `cpu`", "--set train.backend=auto"] {
        assert!(said.stderr.contains(part), "{part:?} is not in {}", said.stderr);
    }
}

#[test]
fn devices_are_compared_by_runs_of_their_own() {
    if !torch_is_built() {
        return;
    }
    let sweep = Sweep::new(SWEEP);
    let said = sweep.say(&["devices", "--format", "json"]);
    let host: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(host["libtorch"], "2.11.0");
    let said = sweep.say(&["devices", "--check", "sweep.yaml", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let check: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&check["agree"], &check["trials"]), (&Value::Bool(true), &Value::from(6)));
    let devices = check["devices"].as_array().unwrap();
    assert_eq!(devices[0]["device"], "cpu");
    assert!(devices.len() >= 2);
    for other in &devices[1..] {
        let off = other["history"].as_f64().unwrap();
        assert!(off > 0.0 && off <= TOLERANCE, "{off}: the same bits would be the same backend");
    }
    let left = fs::read_dir(sweep.0.path()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(sorted(left.collect()), ["rows.parquet", "sweep.yaml"]);
}
