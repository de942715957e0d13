//! Runs on a cluster end in the bits of a local run, whatever happens to their tasks.
//!
//! Tests of workers run everywhere. Those on a real Slurm bring one up with `tests/slurm/cluster` and so need root;
//! they run when `FOCALSWEEP_TEST_SLURM` is set (`tests/slurm/run.sh` sets it) and say so where they do not.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod common;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{Said, files, focalsweep, program};
use focalsweep_core::record::checked_line;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// Longer than anything here takes, so that a hang ends in a message.
const PATIENCE: Duration = Duration::from_secs(240);

/// 49 pairs; the shapes and numbers of the published sweep on the data of this repository.
const PAIRS: &str = "
name: pairs
data: {source: SOURCE, label: dead, positive: dead, clip: 5}
model: {hidden: [16], dropout: 0.5}
train: {epochs: EPOCHS, batch_size: 512, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {min: 0.1, max: 0.7, count: 7}, gamma: {min: 0, max: 3, count: 7}}
launch: {devices: cpu, launcher: local, slurm: {array_parallelism: 6}}
";

/// A sweep in a folder of its own.
struct Sweep {
    folder: TempDir,
    args: Vec<String>,
}

impl Sweep {
    /// The 49 pairs, for so many epochs, with changes.
    fn pairs(epochs: u32, more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/crash.parquet");
        let text = PAIRS.replace("SOURCE", source.to_str().unwrap()).replace("EPOCHS", &epochs.to_string());
        fs::write(folder.path().join("sweep.yaml"), text).unwrap();
        let args = ["run", "sweep.yaml", "--no-progress", "--out", "run"].iter().chain(more);
        Self { args: args.map(|arg| (*arg).to_owned()).collect(), folder }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn run(&self, more: &[&str]) -> Said {
        focalsweep(self.folder.path(), self.args.iter().map(String::as_str).chain(more.iter().copied()))
    }

    fn start(&self, more: &[&str]) -> Running {
        self.start_program(self.args.iter().map(String::as_str).chain(more.iter().copied()), "launcher")
    }

    fn start_program<'a>(&self, args: impl IntoIterator<Item = &'a str>, name: &str) -> Running {
        let stderr = self.folder.path().join(format!("{name}.stderr"));
        let mut command = program(self.folder.path());
        command.args(args).stdout(Stdio::null()).stderr(fs::File::create(&stderr).unwrap());
        Running { child: command.spawn().unwrap(), stderr }
    }

    fn table(&self, name: &str) -> Table {
        Table::read(&self.dir().join(name))
    }

    fn state(&self) -> String {
        let manifest: Value = serde_json::from_slice(&fs::read(self.dir().join("manifest.json")).unwrap()).unwrap();
        manifest["state"].as_str().unwrap().to_owned()
    }

    fn status(&self) -> Value {
        let said = focalsweep(self.folder.path(), ["status", "run", "--format", "json"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
    }

    /// Ids of the arrays that were submitted.
    fn jobs(&self) -> Vec<u64> {
        let Ok(bytes) = fs::read(self.dir().join("slurm/launch.json")) else { return Vec::new() };
        let record: Value = serde_json::from_slice(&bytes).unwrap();
        record["submissions"].as_array().unwrap().iter().filter_map(|array| array["job"].as_u64()).collect()
    }

    /// What the tasks said.
    fn logs(&self) -> String {
        let logs = fs::read_dir(self.dir().join("slurm")).into_iter().flatten().flatten().map(|entry| entry.path());
        let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.map(|path| format!("{}:\n{}\n", path.display(), fs::read_to_string(&path).unwrap())).collect()
    }

    /// Checks that it holds what a local run holds: every row once, every figure to the bit, every weight.
    fn is_like(&self, local: &Self) {
        assert_eq!(self.state(), "finished");
        for folder in ["jobs", "prepared"] {
            assert!(!self.dir().join(folder).exists(), "{folder} is left");
        }
        // When, where and in which stack.
        let circumstances =
            ["train_seconds", "started_at", "finished_at", "seconds", "host", "job_id", "stack_size", "device"];
        for name in ["results.parquet", "history.parquet", "scores.parquet"] {
            let (ours, theirs) = (self.table(name), local.table(name));
            let columns: Vec<String> =
                ours.names().into_iter().filter(|column| !circumstances.contains(&column.as_str())).collect();
            assert!(columns.len() > 5);
            assert!(ours.cells(&columns) == theirs.cells(&columns), "{name} differs");
        }
        let keys = self.table("results.parquet").keys();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a row is there twice");
        assert!(self.weights() == local.weights(), "the models differ");
    }

    fn weights(&self) -> BTreeMap<String, Vec<u8>> {
        let models = files(&self.dir().join("models")).into_iter();
        let models = models.filter(|(name, _)| name.ends_with(".safetensors"));
        let weights = |bytes: &[u8]| -> Vec<(String, Vec<u8>)> {
            let tensors = safetensors::SafeTensors::deserialize(bytes).unwrap();
            tensors.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())).collect()
        };
        models.flat_map(|(_, bytes)| weights(&bytes)).collect()
    }

    fn hosts(&self) -> BTreeSet<String> {
        self.table("results.parquet").texts("host").into_iter().flatten().collect()
    }
}

/// A program that is running.
struct Running {
    child: Child,
    stderr: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    fn until(&mut self, what: &str, seen: impl Fn() -> bool) {
        let started = Instant::now();
        while !seen() {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended before {what}:\n{}", self.said());
            assert!(started.elapsed() < PATIENCE, "{what} does not come:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the exit code and stderr.
    fn ended(&mut self) -> (Option<i32>, String) {
        let started = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(started.elapsed() < PATIENCE, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        };
        let said = self.said();
        for word in ["panicked", "RUST_BACKTRACE", "has a bug", "\u{1b}"] {
            assert!(!said.contains(word), "{word:?} in:\n{said}");
        }
        (code, said)
    }
}

fn jobs_with(dir: &Path, extension: &str) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(dir.join("jobs")).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// The pairs trained here, for a moment and for a while.
static SHORT: LazyLock<Sweep> = LazyLock::new(|| local(SHORT_EPOCHS));
static LONG: LazyLock<Sweep> = LazyLock::new(|| local(*LONG_EPOCHS));
const SHORT_EPOCHS: u32 = 20;
/// Six tasks at once take some 15 s, on any machine: two or three times as long as it is to the first checkpoint.
static LONG_EPOCHS: LazyLock<u32> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    epochs_for(15.0 * (cores / 6.0).min(1.0), 49.0 / 6.0)
});

/// Two values of alpha, and so 14 models, for one task.
const FEW: [&str; 4] = ["--set", "launch.slurm.array_parallelism=1", "--set", "parameters.alpha.count=2"];

/// Epochs for which a stack of so many models trains that long on a core of its own here.
fn epochs_for(seconds: f64, models: f64) -> u32 {
    static SECONDS_OF_ONE: LazyLock<f64> = LazyLock::new(|| {
        let epochs = 300;
        let took = |()| {
            let sweep = Sweep::pairs(epochs, &FEW);
            assert_eq!(sweep.run(&["--prepare"]).code, Some(0));
            let started = Instant::now();
            let said = focalsweep(sweep.folder.path(), ["worker", "run", "--job", "0"]);
            assert_eq!(said.code, Some(0), "{}", said.stderr);
            started.elapsed().as_secs_f64()
        };
        [(), ()].map(took).into_iter().fold(f64::INFINITY, f64::min) / f64::from(epochs) / 14.0
    });
    (seconds / models / *SECONDS_OF_ONE).ceil() as u32
}

fn local(epochs: u32) -> Sweep {
    let sweep = Sweep::pairs(epochs, &[]);
    let said = sweep.run(&[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    sweep
}

// --- workers, without a scheduler

#[test]
fn workers_of_any_engine_share_a_run_directory() {
    let sweep = Sweep::pairs(SHORT_EPOCHS, &[]);
    let said = sweep.run(&["--prepare"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let plan = checked_line(&fs::read(sweep.dir().join("plan.jsonl")).unwrap()).unwrap();
    let plan: Value = serde_json::from_slice(&plan).unwrap();
    let jobs = plan["jobs"].as_array().unwrap().len();
    assert!(jobs >= 6, "cut for array_parallelism, not for this machine");
    assert_eq!(sweep.status()["state"], "stopped");
    // Neither the source nor the sweep file is needed any more: another folder, as on a node.
    let elsewhere = TempDir::new().unwrap();
    fs::remove_file(sweep.folder.path().join("sweep.yaml")).unwrap();
    let dir = sweep.dir().display().to_string();
    for job in 0..jobs - 1 {
        let mut command = program(elsewhere.path());
        command.arg("worker").arg(&dir);
        match job % 3 {
            0 => command.args(["--job", &job.to_string()]),
            1 => command.env("SLURM_ARRAY_TASK_ID", job.to_string()),
            _ => command.env("JOB_COMPLETION_INDEX", job.to_string()),
        };
        let said = Said::of(&command.output().unwrap()).calm();
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{}", said.stderr);
    }
    let worker = |args: &[&str]| focalsweep(elsewhere.path(), ["worker", &dir].iter().chain(args));
    let said = worker(&["--job", &jobs.to_string()]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains(&format!("expected a number below {jobs}")), "{}", said.stderr);
    assert_eq!(worker(&[]).code, Some(2), "no number");
    assert_eq!(worker(&["--job", "0", "--devices", "cuda:7"]).code, Some(3));
    let status = sweep.status();
    assert_eq!((&status["state"], &status["jobs"]["done"]), (&"stopped".into(), &(jobs - 1).into()));
    // The local launcher trains what is missing and collects.
    let text = fs::read_to_string(sweep.dir().join("sweep.yaml")).unwrap();
    fs::write(sweep.folder.path().join("sweep.yaml"), text).unwrap();
    let said = sweep.run(&["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    sweep.is_like(&SHORT);
    let status = sweep.status();
    assert_eq!((&status["state"], &status["rows"]["done"]), (&"finished".into(), &49.into()));
    let said = worker(&["--job", "0"]);
    assert_eq!(said.code, Some(0), "a late copy finds nothing to do: {}", said.stderr);
}

#[test]
fn two_copies_of_a_task_at_once_tear_nothing() {
    let epochs = epochs_for(18.0, 14.0);
    let (sweep, alone) = (Sweep::pairs(epochs, &FEW), Sweep::pairs(epochs, &FEW));
    assert_eq!(alone.run(&[]).code, Some(0));
    assert_eq!(sweep.run(&["--prepare"]).code, Some(0));
    let worker = ["worker", "run", "--job", "0"];
    let mut first = sweep.start_program(worker, "first");
    let mut second = sweep.start_program(worker, "second");
    first.until("a checkpoint", || !jobs_with(&sweep.dir(), "checkpoint").is_empty());
    first.signal("KILL");
    first.ended();
    // A third copy begins beside the second, from whoever's checkpoint is further.
    let mut third = sweep.start_program(worker, "third");
    std::thread::sleep(Duration::from_millis(500));
    second.signal("TERM");
    let (code, said) = second.ended();
    assert_eq!(code, Some(130), "{said}");
    let mut fourth = sweep.start_program(worker, "fourth");
    for copy in [&mut third, &mut fourth] {
        let (code, said) = copy.ended();
        assert_eq!(code, Some(0), "{said}");
    }
    let journals = jobs_with(&sweep.dir(), "jsonl");
    assert_eq!(journals.len(), 2, "both copies wrote all rows, each in a journal of its own: {journals:?}");
    assert_eq!(jobs_with(&sweep.dir(), "checkpoint"), BTreeSet::new());
    assert_eq!(sweep.run(&["--resume"]).code, Some(0));
    sweep.is_like(&alone);
}

// --- a real Slurm

/// One cluster at a time.
static CLUSTER: Mutex<()> = Mutex::new(());

/// A cluster that goes down with the value.
struct Slurm {
    folder: TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.cluster(&["down"]);
    }
}

impl Slurm {
    /// Three nodes of four cores and two devices; `None` where Slurm tests are not asked for.
    fn up(settings: &[&str]) -> Option<Self> {
        if std::env::var_os("FOCALSWEEP_TEST_SLURM").is_none() {
            eprintln!("skipped: runs on a real Slurm, by tests/slurm/run.sh");
            return None;
        }
        let one = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
        let slurm = Self { folder: TempDir::new().unwrap(), _one: one };
        let mut args = vec!["up", "--nodes", "3", "--gpus-per-node", "2"];
        settings.iter().for_each(|setting| args.extend(["--set", setting]));
        slurm.cluster(&args);
        // SAFETY: cargo test runs these tests in threads, but only one of them gets here at a time.
        #[expect(unsafe_code, reason = "the one place where Slurm's programs look")]
        unsafe {
            std::env::set_var("SLURM_CONF", slurm.folder.path().join("c/slurm.conf"));
        }
        Some(slurm)
    }

    fn cluster(&self, args: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster");
        let dir = self.folder.path().join("c");
        let output = Command::new(script).args(args).arg("--dir").arg(dir).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a program of Slurm.
    fn run(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(program).args(args).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program} {args:?}: {stderr}");
        stdout.trim().to_owned()
    }

    fn node_of(&self, task: &str) -> String {
        self.run("squeue", &["-h", "-r", "-j", task, "-o", "%N"])
    }

    fn queue_is_empty(&self) {
        assert_eq!(self.run("squeue", &["-h", "-r"]), "", "tasks are left");
    }
}

const ON_SLURM: &[&str] = &["--launcher", "slurm"];

#[test]
fn pairs_over_three_nodes() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    // One task a node at a time, so that all nodes have some.
    let sweep = Sweep::pairs(
        SHORT_EPOCHS,
        &[
            "--set",
            "launch.slurm={array_parallelism: 3, cpus_per_task: 4, mem: 2G, time: 10, gpus: 1, \
             setup: ['echo device $CUDA_VISIBLE_DEVICES of $SLURM_JOB_GPUS']}",
        ],
    );
    let said = sweep.run(ON_SLURM);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    sweep.is_like(&SHORT);
    assert_eq!(sweep.hosts(), ["node1", "node2", "node3"].map(str::to_owned).into(), "{}", sweep.logs());
    assert!(sweep.logs().contains("device 0 of"), "{}", sweep.logs());
    assert_eq!(sweep.jobs().len(), 1, "one array");
    slurm.queue_is_empty();
    assert_eq!(sweep.status()["state"], "finished");
}

/// The script, Slurm's own patterns in the names of logs, and amounts that sbatch takes.
#[test]
fn a_path_with_signs_and_all_memory_without_a_time_limit() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let asked = "launch.slurm={array_parallelism: 1, mem: 0, time: 0, sbatch: [\"--comment=it's #1\", -x node3]}";
    let sweep = Sweep::pairs(1, &["--set", asked]);
    let far = sweep.folder.path().join("it's 100%A #1; $HOME");
    fs::create_dir(&far).unwrap();
    std::os::unix::fs::symlink(&far, sweep.dir()).unwrap();
    let said = sweep.run(&["--launcher", "slurm", "--detach"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let job = sweep.jobs()[0].to_string();
    let shown = slurm.run("squeue", &["-h", "-j", &job, "-t", "all", "-o", "%k|%l|%m"]);
    assert_eq!(shown.lines().next(), Some("it's #1|UNLIMITED|0"), "{shown}");
    let said = sweep.run(&["--launcher", "slurm", "--resume"]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    assert!(sweep.logs().contains(&format!("{job}_0.log")), "{}", sweep.logs());
    assert!(!sweep.hosts().contains("node3"));
    slurm.queue_is_empty();
}

#[test]
fn nodes_that_die() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let sweep = Sweep::pairs(*LONG_EPOCHS, &["--set", "launch.slurm={array_parallelism: 3, cpus_per_task: 3}"]);
    let mut running = sweep.start(ON_SLURM);
    running.until("checkpoints", || jobs_with(&sweep.dir(), "checkpoint").len() >= 3);
    // One node loses its power. The slurmd of another is killed, so that Slurm runs its task a second time while the
    // first copy goes on.
    let job = sweep.jobs()[0];
    let nodes: BTreeSet<String> = [0, 1, 2].map(|task| slurm.node_of(&format!("{job}_{task}"))).into();
    let nodes: Vec<&String> = nodes.iter().collect();
    slurm.cluster(&["kill", nodes[0]]);
    slurm.cluster(&["kill-daemon", nodes[1]]);
    std::thread::sleep(Duration::from_secs(5));
    slurm.cluster(&["start", nodes[0]]);
    let (code, said) = running.ended();
    assert_eq!(code, Some(0), "{said}\n{}", sweep.logs());
    sweep.is_like(&LONG);
}

#[test]
fn requeued_and_cancelled_and_out_of_time() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let sweep = Sweep::pairs(*LONG_EPOCHS, &["--set", "launch.slurm={array_parallelism: 4, time: 1}"]);
    let mut running = sweep.start(ON_SLURM);
    running.until("checkpoints", || jobs_with(&sweep.dir(), "checkpoint").len() >= 4);
    let job = sweep.jobs()[0];
    slurm.run("scontrol", &["requeue", &format!("{job}_0")]);
    slurm.run("scancel", &[&format!("{job}_1")]);
    // A task that hangs as a whole until its time limit.
    signal_task(&sweep, 2, "STOP", &["slurm_script", "srun", "focalsweep"]);
    // A worker that is slow until Slurm says that the limit is near.
    signal_task(&sweep, 3, "STOP", &["focalsweep"]);
    let log = sweep.dir().join(format!("slurm/{job}_3.log"));
    running.until("the warning", || fs::read_to_string(&log).is_ok_and(|log| log.contains("asked to stop")));
    signal_task(&sweep, 3, "CONT", &["focalsweep"]);
    let (code, said) = running.ended();
    assert_eq!(code, Some(130), "{said}\n{}", sweep.logs());
    assert!(said.contains("task 1 (job-00002): cancelled on node"), "{said}");
    assert!(said.contains("--resume"), "{said}");
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("Exited with exit code 130") && log.contains("queueing up again"), "{log}");
    assert!(!log.contains("Killed"), "it kept a checkpoint: {log}");
    let state = |task: u32| slurm.run("squeue", &["-h", "-r", "-t", "all", "-j", &format!("{job}_{task}"), "-o", "%T"]);
    let states = [0, 1, 2, 3].map(state);
    assert_eq!(states, ["COMPLETED", "CANCELLED", "TIMEOUT", "COMPLETED"], "{said}\n{}", sweep.logs());
    // Slurm ran two of them again, one was to be cancelled, and the launcher submitted the one that was out of time.
    assert_eq!(sweep.jobs().len(), 2, "{said}");
    assert!(said.contains("1 task of 1 job for rows that were missing"), "{said}");
    let rows = sweep.table("results.parquet").rows();
    assert!(rows < 49 && sweep.state() == "interrupted", "{rows} rows");
    let said = sweep.run(&["--launcher", "slurm", "--resume"]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    assert!(said.stderr.contains("1 task of 1 job for rows that were missing"), "{}", said.stderr);
    sweep.is_like(&LONG);
    slurm.queue_is_empty();
}

/// The second phase is a launch of its own, by whoever waits for the first.
#[test]
fn what_confirms_is_an_array_of_its_own() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let more = [
        "--set",
        "confirm={trials: 2, replicates: 3}",
        "--set",
        "launch.slurm={array_parallelism: 3, cpus_per_task: 2}",
    ];
    let (here, sweep) = (Sweep::pairs(SHORT_EPOCHS, &more), Sweep::pairs(SHORT_EPOCHS, &more));
    let said = here.run(&[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = sweep.run(&["--launcher", "slurm", "--detach"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let searching = sweep.jobs();
    let mut running = sweep.start(&["--launcher", "slurm", "--resume"]);
    running.until("the second array", || sweep.jobs().first().is_some_and(|job| !searching.contains(job)));
    let confirming = sweep.jobs();
    running.signal("KILL");
    running.ended();
    let said = sweep.run(&["--launcher", "slurm", "--resume"]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    assert!(said.stderr.contains(&format!("looking after Slurm job {}", confirming[0])), "{}", said.stderr);
    assert_eq!(sweep.jobs(), confirming, "nothing is submitted twice");
    sweep.is_like(&here);
    slurm.queue_is_empty();

    // After the fact, with journals and prepared rows gone.
    let confirm = |of: &Sweep, more: &[&str]| {
        let args = ["confirm", "run", "--replicates", "5", "--no-progress"].iter().chain(more);
        let said = focalsweep(of.folder.path(), args);
        assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, of.logs());
    };
    confirm(&here, &[]);
    confirm(&sweep, ON_SLURM);
    assert!(!sweep.jobs().contains(&confirming[0]), "{:?}", sweep.jobs());
    sweep.is_like(&here);
    slurm.queue_is_empty();
}

/// Each wave is an array of its own, asked for when the one before it is told; trials and bits are those of one
/// machine.
#[test]
fn a_search_is_an_array_a_wave() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let more = [
        "--set",
        "method=tpe",
        "--set",
        "run_cap=24",
        "--set",
        "wave=8",
        "--set",
        "parameters={loss: {value: focal}, alpha: {min: 0.1, max: 0.9}, hidden: {values: [[16], [8]]}, \
         learning_rate: {min: 1e-4, max: 1e-1, distribution: log_uniform_values}}",
    ];
    let (here, sweep) = (Sweep::pairs(SHORT_EPOCHS, &more), Sweep::pairs(SHORT_EPOCHS, &more));
    assert_eq!(here.run(&[]).code, Some(0));
    let mut running = sweep.start(ON_SLURM);
    running.until("the first array", || !sweep.jobs().is_empty());
    let first = sweep.jobs();
    running.until("the second array", || sweep.jobs().first().is_some_and(|job| !first.contains(job)));
    running.signal("KILL");
    running.ended();
    let said = sweep.run(&["--launcher", "slurm", "--resume"]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    assert!(said.stderr.contains("wave 3: trials 17 to 24 of 24"), "{}", said.stderr);
    sweep.is_like(&here);
    slurm.queue_is_empty();
}

/// The launcher is a job too, which asks for the waves and collects while nobody waits.
#[test]
fn a_search_that_is_detached_is_looked_after_on_the_cluster() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let more = ["--set", "early_terminate={type: hyperband, min_epochs: 2}", "--set", "train.early_stopping=none"];
    let (here, sweep) = (Sweep::pairs(SHORT_EPOCHS, &more), Sweep::pairs(SHORT_EPOCHS, &more));
    assert_eq!(here.run(&[]).code, Some(0));
    let said = sweep.run(&["--launcher", "slurm", "--detach"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("looks after it"), "{}", said.stderr);
    let manifest = sweep.dir().join("manifest.json");
    let is_finished = || fs::read_to_string(&manifest).is_ok_and(|text| text.contains("\"state\": \"finished\""));
    let begun = Instant::now();
    while !is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(240), "{}", sweep.logs());
        std::thread::sleep(Duration::from_millis(200));
    }
    let log = fs::read_dir(sweep.dir().join("slurm")).unwrap().flatten().map(|entry| entry.path());
    let log = log.filter(|path| path.to_string_lossy().contains("launcher-")).last().unwrap();
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains("rung 2 of 3"), "{said}");
    // The launcher's last act is to take the journals away.
    while !slurm.run("squeue", &["-h", "-r"]).is_empty() && begun.elapsed() < Duration::from_secs(300) {
        std::thread::sleep(Duration::from_millis(200));
    }
    slurm.queue_is_empty();
    sweep.is_like(&here);
}

/// What this program does when it is run as a trainer: `n` 3 waits as long as somebody wants it to.
#[test]
#[ignore = "a trainer, not a test"]
fn as_trainer() {
    let order: Value = serde_json::from_slice(&fs::read(std::env::var("FOCALSWEEP_TRIAL").unwrap()).unwrap()).unwrap();
    let out = PathBuf::from(order["out"].as_str().unwrap());
    let n = order["parameters"]["n"].as_f64().unwrap();
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    if n == 3.0 && order["replicate"] == 1 {
        let task = text("SLURM_ARRAY_JOB_ID") + "_" + &text("SLURM_ARRAY_TASK_ID");
        fs::write(format!("waits{}", text("SLURM_RESTART_COUNT")), task).unwrap();
        while Path::new("hold").exists() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let mut lines = vec!["split,row,score".to_owned()];
    for split in ["validation", "test"] {
        let table = Table::read(Path::new(order["data"][split].as_str().unwrap()));
        for (row, x) in table.integers("row").into_iter().zip(table.floats("V1")) {
            lines.push(format!("{split},{},{}", row.unwrap(), 1.0 / (1.0 + (-n * x.unwrap()).exp())));
        }
    }
    fs::write(out.join("scores.csv"), lines.join("\n")).unwrap();
    fs::create_dir(out.join("model")).unwrap();
    let cpus = format!("{} {}", text("OMP_NUM_THREADS"), text("SLURM_CPUS_PER_TASK"));
    fs::write(out.join("model/cpus.txt"), cpus).unwrap();
}

/// Three trials of a command and two of our own, on two replicates.
fn with_commands() -> Sweep {
    let folder = TempDir::new().unwrap();
    let this = std::env::current_exe().unwrap();
    let text = format!(
        "name: mixed\ndata: {{source: rows.csv, synth: {{rows: 300, features: 3, positives: 60}}, label: Class}}\n\
         replicates: 2\ntrain: {{epochs: 2, batch_size: 100, early_stopping: none}}\n\
         trainers: {{own: {{command: ['{}', as_trainer, --exact, --ignored, --nocapture, --test-threads=1], cpus: 2}}}}\n\
         parameters:\n  - {{loss: {{values: [bce, focal]}}}}\n  - {{trainer: {{value: own}}, n: {{values: [1, 2, 3]}}}}\n\
         launch: {{devices: cpu, launcher: local, slurm: {{array_parallelism: 6}}}}\n",
        this.display()
    );
    fs::write(folder.path().join("sweep.yaml"), text).unwrap();
    let args = ["run", "sweep.yaml", "--no-progress", "--out", "run"];
    Sweep { args: args.map(str::to_owned).to_vec(), folder }
}

#[test]
fn commands_are_tasks_of_their_own() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let (here, sweep) = (with_commands(), with_commands());
    assert_eq!(here.run(&[]).code, Some(0));
    fs::write(sweep.folder.path().join("hold"), "").unwrap();
    let waits = sweep.folder.path().join("waits");
    let mut running = sweep.start(ON_SLURM);
    running.until("a command that waits", || waits.exists());
    // Killed with its launcher and queued again, it is trained again, and nothing else is.
    running.signal("KILL");
    running.ended();
    let task = fs::read_to_string(&waits).unwrap();
    slurm.run("scontrol", &["requeue", &task]);
    let mut running = sweep.start(&["--launcher", "slurm", "--resume"]);
    running.until("the command again", || sweep.folder.path().join("waits1").exists());
    fs::remove_file(sweep.folder.path().join("hold")).unwrap();
    let (code, said) = running.ended();
    assert_eq!(code, Some(0), "{said}\n{}", sweep.logs());
    assert!(said.contains("looking after Slurm job"), "{said}");
    sweep.is_like(&here);
    slurm.queue_is_empty();
    let script = fs::read_to_string(sweep.dir().join("slurm/submit.sh")).unwrap();
    assert!(script.contains("--cpus-per-task=2\n") && script.contains(" --trainer own "), "{script}");
    // What is left of each trial is what a local run leaves.
    let mut trials = 0;
    for entry in fs::read_dir(sweep.dir().join("trainers")).unwrap() {
        let trial = entry.unwrap().path();
        let mut names: Vec<String> =
            fs::read_dir(&trial).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["log.txt", "model", "trial.json"], "{}", trial.display());
        assert_eq!(fs::read_to_string(trial.join("model/cpus.txt")).unwrap(), "2 2");
        trials += 1;
    }
    assert_eq!(trials, 6);
    let refused = sweep.run(&["--prepare", "--resume"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("`own`"), "{}", refused.stderr);
}

/// Sends a signal to a task's processes of these names.
fn signal_task(sweep: &Sweep, task: usize, signal: &str, names: &[&str]) {
    let record = fs::read_to_string(sweep.dir().join("slurm/launch.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let job = format!("SLURM_JOB_NAME={}", record["submissions"][0]["name"].as_str().unwrap());
    let task = format!("SLURM_ARRAY_TASK_ID={task}");
    let of_task = |process: &Path| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let has = |word: &str| environment.split(|&byte| byte == 0).any(|part| part == word.as_bytes());
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        names.contains(&name.trim()) && has(&task) && has(&job)
    };
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let pids = processes.filter(|process| of_task(process)).map(|process| process.file_name().unwrap().to_owned());
    let pids: Vec<_> = pids.collect();
    assert!(pids.len() >= names.len(), "{names:?}: {pids:?}");
    assert!(Command::new("kill").arg(format!("-{signal}")).args(pids).status().unwrap().success());
}

#[test]
fn a_controller_that_is_away() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    let sweep = Sweep::pairs(*LONG_EPOCHS, &[]);
    let mut running = sweep.start(ON_SLURM);
    running.until("a checkpoint", || !jobs_with(&sweep.dir(), "checkpoint").is_empty());
    // Whoever watches sees what tasks wrote, and goes on watching without the controller.
    let mut watched = sweep.start_program(["watch", "run", "--html", "--no-progress"], "watch");
    slurm.cluster(&["stop", "slurmctld"]);
    let file = running.stderr.clone();
    running.until("word of it", || fs::read_to_string(&file).unwrap().contains("squeue does not answer"));
    let status = sweep.status();
    assert!(status["slurm"]["error"].as_str().is_some_and(|words| words.contains("Unable to contact")), "{status}");
    slurm.cluster(&["start", "slurmctld"]);
    let (code, said) = running.ended();
    assert_eq!(code, Some(0), "{said}\n{}", sweep.logs());
    assert!(said.contains("squeue answers again"), "{said}");
    let (code, said) = watched.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(sweep.dir().join("live.html")).unwrap().contains("</html>"));
    sweep.is_like(&LONG);
}

#[test]
fn detached_interrupted_killed_and_attached() {
    let Some(slurm) = Slurm::up(&[]) else { return };
    // Long enough that it still goes on after three launchers, on any machine.
    let sweep = Sweep::pairs(3 * *LONG_EPOCHS, &[]);
    let said = sweep.run(&["--launcher", "slurm", "--detach"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let job = sweep.jobs()[0];
    assert!(said.stderr.contains(&format!("Slurm job {job} goes on; `focalsweep status")), "{}", said.stderr);
    let status = sweep.status();
    assert_eq!(status["state"], "on the cluster", "{status}");
    assert_eq!(status["slurm"]["jobs"][0], job);
    assert!(!status["slurm"]["tasks"].as_array().unwrap().is_empty());
    // Ctrl-C without a terminal leaves the tasks alone; so does whoever kills the launcher.
    for signal in ["INT", "KILL"] {
        let mut running = sweep.start(&["--launcher", "slurm", "--resume"]);
        let file = running.stderr.clone();
        running.until("attached", || fs::read_to_string(&file).unwrap().contains("looking after Slurm job"));
        running.signal(signal);
        let (code, said) = running.ended();
        assert_eq!(code, (signal == "INT").then_some(130), "{said}");
        assert_eq!(sweep.jobs(), [job], "attached, not submitted again: {said}");
    }
    assert_ne!(slurm.run("squeue", &["-h", "-r"]), "", "the tasks go on");
    // Told so, Ctrl-C cancels them; they keep checkpoints.
    let mut running = sweep.start(&["--launcher", "slurm", "--resume", "--cancel-on-interrupt"]);
    let file = running.stderr.clone();
    running.until("attached", || fs::read_to_string(&file).unwrap().contains("looking after Slurm job"));
    running.until("checkpoints", || jobs_with(&sweep.dir(), "checkpoint").len() >= 3);
    running.signal("INT");
    let (code, said) = running.ended();
    assert_eq!((code, sweep.state().as_str()), (Some(130), "interrupted"), "{said}");
    slurm.queue_is_empty();
    assert!(!jobs_with(&sweep.dir(), "checkpoint").is_empty());
    let said = sweep.run(&["--launcher", "slurm", "--resume"]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    assert_eq!(sweep.jobs().len(), 2);
    sweep.is_like(&local(3 * *LONG_EPOCHS));
}

#[test]
fn limits_of_the_cluster() {
    let Some(slurm) = Slurm::up(&["MaxArraySize=3"]) else { return };
    let sweep = Sweep::pairs(SHORT_EPOCHS, &[]);
    let said = sweep.run(ON_SLURM);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, sweep.logs());
    let record = fs::read_to_string(sweep.dir().join("slurm/launch.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["submissions"][0]["tasks"], "0-2", "{record}");
    assert!(record["pack"].as_u64().unwrap() >= 2, "{record}");
    sweep.is_like(&SHORT);
    // More than a node has.
    let greedy = Sweep::pairs(SHORT_EPOCHS, &["--set", "launch.slurm.gres=gpu:5"]);
    let said = greedy.run(ON_SLURM);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("sbatch refused the job"), "{}", said.stderr);
    assert!(said.stderr.contains("Requested node"), "{}", said.stderr);
    let said = greedy.run(&["--launcher", "slurm", "--resume", "--set", "launch.slurm.gres=null"]);
    assert_eq!(said.code, Some(0), "mended: {}", said.stderr);
    greedy.is_like(&SHORT);
    // A task that cannot start its worker.
    let broken = Sweep::pairs(
        SHORT_EPOCHS,
        &["--set", "launch.slurm={array_parallelism: 1, setup: [echo no such module, exit 7]}"],
    );
    let said = broken.run(ON_SLURM);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("exit code 7 on node"), "{}", said.stderr);
    assert!(said.stderr.contains("no such module"), "the end of its log: {}", said.stderr);
    assert_eq!(broken.jobs().len(), 2, "submitted again once, no more");
    slurm.queue_is_empty();
}

#[test]
fn without_slurm() {
    let sweep = Sweep::pairs(SHORT_EPOCHS, &[]);
    let mut command = program(sweep.folder.path());
    let said = Said::of(&command.args(&sweep.args).args(ON_SLURM).env("PATH", "/nowhere").output().unwrap()).calm();
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("there is no `scontrol` on the PATH"), "{}", said.stderr);
    let said = sweep.run(&["--resume", "--detach"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("--detach is for `--launcher slurm`"), "{}", said.stderr);
    assert_eq!(sweep.run(&["--resume"]).code, Some(0));
    sweep.is_like(&SHORT);
}
