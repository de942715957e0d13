//! What is missing or damaged of a run is named, made again, or trained again; it never becomes another figure.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "common/copy.rs"]
mod copy;
#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use common::{Said, files, focalsweep};
use copy::copy;
use focalsweep::run::{End, Observer, Outcome, Quiet, RunError, RunOptions, Sweep};
use focalsweep_core::record::{RunDirError, checked_line, push_line};
use focalsweep_core::spec::{self, Spec};
use focalsweep_engine::job::Stop;
use same::{assert_same_runs, models, state};
use tempfile::TempDir;

/// Six trials in two shapes on two replicates: four jobs or more.
fn spec_of(folder: &Path) -> Spec {
    let source = serde_json::to_string(&folder.join("rows.parquet")).unwrap();
    let text = format!(
        "name: t\ndata: {{source: {source}, synth: {{rows: 300, features: 3, positives: 60}}, label: Class}}\n\
         split: {{calibration: 0.1}}\nreplicates: 2\ntrain: {{epochs: 150, batch_size: 20, early_stopping: none}}\n\
         parameters: {{loss: {{value: focal}}, gamma: {{values: [0, 1, 2]}}, hidden: {{values: [[], [24, 8]]}}}}\n"
    );
    spec::parse("t", &text).unwrap()
}

/// Runs to the end, or to where `stop` asks for it, and tells `observer`.
fn run(folder: &Path, dir: &Path, stop: &Stop, observer: &mut dyn Observer) -> Result<Outcome, RunError> {
    loop {
        let options = RunOptions { out: Some(dir.to_owned()), resume: true, ..RunOptions::default() };
        match Sweep::new(spec_of(folder), options)?.run(stop, observer) {
            // A program that another test starts has this process's locks until it is loaded.
            Err(RunError::RunDir(RunDirError::Locked(_))) => std::thread::sleep(std::time::Duration::from_millis(5)),
            outcome => return outcome,
        }
    }
}

/// What was said.
#[derive(Default)]
struct Lines(Vec<String>);

impl Observer for Lines {
    fn say(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }
}

/// Asks to stop as soon as rows are there and others are under way, which leave checkpoints.
struct Early(Stop);

impl Observer for Early {
    fn progress(&mut self, tally: &focalsweep::launch::Tally) {
        if tally.done > 0 && tally.running.values().any(|running| (1..running.epochs).contains(&running.epoch)) {
            self.0.request();
        }
    }
}

/// The run that was left alone, with its source.
static WHOLE: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &folder.path().join("run"), &Stop::default(), &mut Quiet).unwrap();
    folder
});

fn whole() -> PathBuf {
    WHOLE.path().join("run")
}

/// A copy of the finished run.
fn finished() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("run");
    copy(&whole(), &dir);
    (folder, dir)
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Gone,
    Flipped(usize),
    Cut,
    Folder,
}

impl Damage {
    const ALL: [Self; 5] = [Self::Gone, Self::Flipped(3), Self::Flipped(2), Self::Cut, Self::Folder];

    fn inflict(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        match self {
            Self::Gone => fs::remove_file(path).unwrap(),
            Self::Flipped(part) => {
                let at = bytes.len() / part;
                bytes[at] ^= 0x04;
                fs::write(path, bytes).unwrap();
            }
            Self::Cut => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            Self::Folder => {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            }
        }
    }
}

fn report(dir: &Path, more: &[&str]) -> Said {
    let args = ["report", dir.to_str().unwrap()];
    focalsweep(dir.parent().unwrap(), args.into_iter().chain(more.iter().copied()))
}

/// Files that are compared byte by byte beside the tables: those that do not quote when they were written.
fn texts(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    ["sweep.yaml", "plan.jsonl"].map(|name| (name.to_owned(), fs::read(dir.join(name)).unwrap())).into()
}

#[test]
fn every_file_of_a_finished_run_is_made_again_or_trained_again() {
    let names: Vec<String> = files(&whole()).into_keys().filter(|name| !name.ends_with('/')).collect();
    assert!(names.len() > 12, "{names:?}");
    for name in
        names.iter().filter(|name| !["manifest.json", "plan.jsonl", ".lock", "log.txt"].contains(&name.as_str()))
    {
        for damage in Damage::ALL {
            let (_folder, dir) = finished();
            damage.inflict(&dir.join(name));
            let mut lines = Lines::default();
            let outcome = run(WHOLE.path(), &dir, &Stop::default(), &mut lines).unwrap();
            let trained = outcome.end == End::Finished;
            assert!(trained || outcome.end == End::AlreadyThere, "{name} {damage:?}: {:?}", outcome.end);
            let cannot_be_remade =
                ["results.parquet", "history.parquet"].contains(&name.as_str()) || name.ends_with(".safetensors");
            assert_eq!(trained, cannot_be_remade, "{name} {damage:?}: {:?}", lines.0);
            assert!(lines.0.iter().any(|line| line.contains(name)), "{name} is named: {:?}", lines.0);
            assert_same_runs(&dir, &whole());
            assert_eq!(texts(&dir), texts(&whole()));
            let kept = dir.join(format!("{name}.damaged"));
            assert_eq!(kept.exists(), !matches!(damage, Damage::Gone), "what was damaged is kept");
            let again = run(WHOLE.path(), &dir, &Stop::default(), &mut lines).unwrap();
            assert_eq!(again.end, End::AlreadyThere);
            let found = report(&dir, &["--format", "csv"]);
            assert_eq!(found.code, Some(0), "{name}: {}", found.stderr);
            assert!(trained || found.stdout == report(&whole(), &["--format", "csv"]).stdout, "{name} {damage:?}");
            assert!(dir.join("report.html").is_file() && dir.join("report.md").is_file());
        }
    }
}

#[test]
fn only_what_cannot_be_remade_is_trained_again() {
    let (_folder, dir) = finished();
    let lost = "models/job-00001.safetensors";
    Damage::Flipped(2).inflict(&dir.join(lost));
    Damage::Gone.inflict(&dir.join("scores.parquet"));
    let seconds = |dir: &Path| {
        let table = table::Table::read(&dir.join("results.parquet"));
        table.texts("job_id").into_iter().zip(table.floats("train_seconds")).collect::<Vec<_>>()
    };
    let before = seconds(&dir);
    let outcome = run(WHOLE.path(), &dir, &Stop::default(), &mut Quiet).unwrap();
    assert_eq!(outcome.end, End::Finished);
    assert_same_runs(&dir, &whole());
    for ((job, before), (_, after)) in before.into_iter().zip(seconds(&dir)) {
        assert_eq!(before == after, job.as_deref() != Some("job-00001"), "{job:?}");
    }
}

/// Interrupted while it mends itself, a run still trains only what is missing.
#[test]
fn mending_can_be_interrupted() {
    let (_folder, dir) = finished();
    for name in ["models/job-00002.safetensors", "curves.parquet"] {
        Damage::Cut.inflict(&dir.join(name));
    }
    let stop = Stop::default();
    stop.request();
    assert_eq!(run(WHOLE.path(), &dir, &stop, &mut Quiet).unwrap().end, End::Interrupted);
    assert_eq!(state(&dir), "interrupted");
    let jobs = || fs::read_dir(dir.join("jobs")).unwrap().count();
    let outcome = run(WHOLE.path(), &dir, &Stop::default(), &mut Quiet).unwrap();
    assert_eq!(outcome.end, End::Finished, "{} files in jobs/", jobs());
    assert_same_runs(&dir, &whole());
}

#[test]
fn what_only_the_record_knows_is_refused_and_named() {
    for name in ["manifest.json", "plan.jsonl"] {
        for damage in [Damage::Flipped(3), Damage::Flipped(2), Damage::Cut] {
            let (_folder, dir) = finished();
            damage.inflict(&dir.join(name));
            let in_it = || files(&dir).into_iter().filter(|(name, _)| !name.ends_with('/')).collect::<Vec<_>>();
            let before = in_it();
            let error = run(WHOLE.path(), &dir, &Stop::default(), &mut Quiet).unwrap_err();
            assert!(error.to_string().contains(name), "{name} {damage:?}: {error}");
            assert_eq!(error.blame(), focalsweep::run::Blame::Environment, "{error}");
            assert!(in_it() == before, "nothing is written over");
        }
    }
}

/// A table that is not as it was written is not reported, unless somebody says that he changed it.
#[test]
fn damaged_tables_are_not_reported() {
    for name in ["results.parquet", "scores.parquet", "history.parquet", "curves.parquet", "sweep.yaml"] {
        for damage in [Damage::Flipped(3), Damage::Cut, Damage::Gone] {
            let (_folder, dir) = finished();
            damage.inflict(&dir.join(name));
            let page = dir.join("page.html");
            let said = report(&dir, &["--html", page.to_str().unwrap()]);
            assert_eq!(said.code, Some(3), "{name} {damage:?}: {}", said.stderr);
            assert!(said.stderr.replace(['\n', '│', ' '], "").contains(name), "{}", said.stderr);
            assert!(!page.exists());
        }
    }
    let (_folder, dir) = finished();
    let text = fs::read_to_string(dir.join("sweep.yaml")).unwrap();
    fs::write(dir.join("sweep.yaml"), format!("# mine\n{text}")).unwrap();
    assert_eq!(report(&dir, &["--format", "csv"]).code, Some(3));
    assert_eq!(report(&dir, &["--format", "csv", "--unchecked"]).stdout, report(&whole(), &["--format", "csv"]).stdout);
}

#[test]
fn a_damaged_model_is_not_exported_and_an_exported_one_not_used() {
    let (folder, dir) = finished();
    let said = |args: &[&str]| focalsweep(folder.path(), args);
    let csv = report(&dir, &["--format", "csv"]).stdout;
    let best: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert!(best.contains(&"trial_id"), "{csv}");
    assert_eq!(said(&["export", "run", "--trial", "best", "--out", "model"]).code, Some(0));
    let source = WHOLE.path().join("rows.parquet");
    let predict = || said(&["predict", "model", source.to_str().unwrap(), "--out", "p.csv"]);
    assert_eq!(predict().code, Some(0));
    let model = folder.path().join("model");
    for name in ["model.json", "model.safetensors", "preprocessing.json"] {
        for damage in [Damage::Flipped(3), Damage::Flipped(2), Damage::Cut, Damage::Gone] {
            let whole = fs::read(model.join(name)).unwrap();
            damage.inflict(&model.join(name));
            let told = predict();
            assert!([Some(2), Some(3)].contains(&told.code), "{name} {damage:?}: {}", told.stderr);
            fs::write(model.join(name), whole).unwrap();
        }
    }
    assert_eq!(predict().code, Some(0));
    for (name, _) in files(&dir.join("models")) {
        Damage::Flipped(2).inflict(&dir.join("models").join(name));
    }
    let told = said(&["export", "run", "--trial", "best", "--out", "other"]);
    assert_eq!(told.code, Some(3), "{}", told.stderr);
    assert!(!folder.path().join("other").exists());
}

/// Names of the files below a folder.
fn names_in(dir: &Path) -> Vec<String> {
    files(dir).into_keys().filter(|name| !name.ends_with('/')).collect()
}

/// A run in `dir` that was stopped when some of its rows were there and a stack was under way.
fn interrupt(dir: &Path) {
    // A stack that was under way when it was seen may have ended before it hears of the stop: then once more.
    let caught = (0..200).any(|_| {
        let _ = fs::remove_dir_all(dir);
        let stop = Stop::default();
        run(WHOLE.path(), dir, &stop, &mut Early(stop.clone())).unwrap();
        names_in(dir).iter().any(|name| name.ends_with(".checkpoint"))
    });
    assert!(caught, "no stack is caught under way: {:?}", names_in(dir));
    assert_eq!(state(dir), "interrupted");
}

/// Only the plan says how many rows there are to be.
#[test]
fn how_far_a_stopped_run_came_is_not_left_out() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("run");
    interrupt(&dir);
    let page = folder.path().join("page.html");
    let html = ["--html", page.to_str().unwrap()];
    assert_eq!(report(&dir, &html).code, Some(0));
    assert!(fs::read_to_string(&page).unwrap().contains("\"of\":12"));
    fs::remove_file(&page).unwrap();
    Damage::Flipped(2).inflict(&dir.join("plan.jsonl"));
    let said = report(&dir, &html);
    assert_eq!((said.code, page.exists()), (Some(3), false), "{}", said.stderr);
    assert!(said.stderr.contains("plan.jsonl is damaged"), "{}", said.stderr);
    let said = report(&dir, &["--unchecked"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("nobody knows how far the run came"), "{}", said.stdout);
}

/// Every file of an interrupted run, damaged in turn: it ends in the bits of one that was left alone.
#[test]
fn an_interrupted_run_trains_what_was_damaged_again() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("begun");
    interrupt(&dir);
    // One with notes that are there only in some runs.
    let lines = dir.join("jobs/launch.jsonl");
    let mut cut = Vec::new();
    push_line(&mut cut, br#"{"change":"device_out","device":"cuda:9","why":"a test"}"#);
    push_line(&mut cut, br#"{"change":"device_out","device":"cuda:8","why":"a test"}"#);
    fs::write(&lines, cut).unwrap();
    let names = names_in(&dir);
    for kind in [".jsonl", ".bin", ".checkpoint", ".parquet", ".safetensors"] {
        assert!(names.iter().any(|name| name.ends_with(kind)), "no {kind} among {names:?}");
    }
    for name in
        names.iter().filter(|name| !["manifest.json", "plan.jsonl", ".lock", "log.txt"].contains(&name.as_str()))
    {
        for damage in [Damage::Gone, Damage::Flipped(3), Damage::Cut] {
            let again = folder.path().join("again");
            copy(&dir, &again);
            damage.inflict(&again.join(name));
            let outcome = run(WHOLE.path(), &again, &Stop::default(), &mut Quiet);
            assert_eq!(outcome.map(|outcome| outcome.end).unwrap(), End::Finished, "{name} {damage:?}");
            assert_same_runs(&again, &whole());
            fs::remove_dir_all(&again).unwrap();
        }
    }
}

/// A plan with a good checksum that says what cannot be.
#[test]
fn a_plan_is_not_trusted() {
    let line = fs::read(whole().join("plan.jsonl")).unwrap();
    let object = String::from_utf8(checked_line(&line).unwrap()).unwrap();
    for (from, to) in [
        ("\"count\":", "\"count\":1000000000"),
        ("\"replicate\":1", "\"replicate\":9"),
        ("\"replicates\":[0,1]", "\"replicates\":[0,4294967295]"),
        ("\"job_id\":\"job-00001\"", "\"job_id\":\"../../x\""),
        ("\"first\":0", "\"first\":18446744073709551615"),
        ("\"wave\":0", "\"wave\":1"),
    ] {
        let (_folder, dir) = finished();
        let changed = object.replacen(from, to, 1);
        assert_ne!(changed, object, "{from}");
        let mut sealed = Vec::new();
        push_line(&mut sealed, changed.as_bytes());
        fs::write(dir.join("plan.jsonl"), sealed).unwrap();
        let error = run(WHOLE.path(), &dir, &Stop::default(), &mut Quiet).unwrap_err();
        assert!(matches!(error, RunError::RunDir(RunDirError::Broken { .. })), "{to}: {error}");
        let said = focalsweep(dir.parent().unwrap(), ["status", "run"]);
        assert_eq!(said.code, Some(3), "{to}: {}", said.stderr);
    }
    assert!(!models(&whole()).is_empty());
}
