//! Trainers that go on where they paused. The trainer is this very program, which can read Parquet: see `as_trainer`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read more of what is there")]
mod common;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{focalsweep, program};
use serde_json::{Value, json};
use table::Table;
use tempfile::TempDir;

/// What this program does when it is run as a trainer: it counts its epochs, says beside the sweep file from which to
/// which it trained, and gives scores that are the better the greater `q` is.
#[test]
#[ignore = "a trainer, not a test"]
fn as_trainer() {
    let order: Value = serde_json::from_slice(&fs::read(std::env::var("FOCALSWEEP_TRIAL").unwrap()).unwrap()).unwrap();
    let out = PathBuf::from(order["out"].as_str().unwrap());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "out is fresh");
    let q = order["parameters"]["q"].as_f64().unwrap();
    let own_end = order["parameters"]["end"].as_u64().unwrap_or(u64::MAX);
    let done = order["resume_from"].as_str().map_or(0, |folder| {
        let state: Value = serde_json::from_slice(&fs::read(Path::new(folder).join("state.json")).unwrap()).unwrap();
        assert_eq!(state["q"], order["parameters"]["q"], "the state of another trial");
        state["epoch"].as_u64().unwrap()
    });
    let to = order["epochs"].as_u64().unwrap();
    let mut log =
        OpenOptions::new().create(true).append(true).open(format!("{q}-r{}.log", order["replicate"])).unwrap();
    writeln!(log, "{done} {to}").unwrap();
    println!(); // after what the harness has begun to print
    for epoch in done + 1..=to.min(own_end) {
        println!("{}", json!({"epoch": epoch, "val_auc": q}));
    }
    while done > 0 && Path::new("hold").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut lines = vec!["split,row,score".to_owned()];
    for split in ["validation", "test"] {
        let table = Table::read(Path::new(order["data"][split].as_str().unwrap()));
        for (row, x) in table.integers("row").into_iter().map(Option::unwrap).zip(table.floats("V1")) {
            let noise = ((row * 7919) % 997) as f64 / 100.0 - 5.0;
            let score = 1.0 / (1.0 + (-(q * x.unwrap() + (1.0 - q) * noise)).exp());
            lines.push(format!("{split},{row},{score}"));
        }
    }
    fs::write(out.join("scores.csv"), lines.join("\n")).unwrap();
    fs::write(out.join("state.json"), json!({"epoch": to, "q": q}).to_string()).unwrap();
    fs::create_dir(out.join("model")).unwrap();
    fs::write(out.join("model/epochs.txt"), to.to_string()).unwrap();
}

/// A folder with a sweep of nine trials that are judged after one and after three epochs of nine.
fn sweep(rest: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let this = std::env::current_exe().unwrap();
    let spec = format!(
        "name: t\ndata: {{source: rows.csv, synth: {{rows: 400, features: 3, positives: 80}}, label: Class}}\n\
         early_terminate: {{type: hyperband, min_epochs: 1, max_epochs: 9}}\nrank: {{by: [auc]}}\n\
         trainers: {{own: {{command: ['{}', as_trainer, --exact, --ignored, --nocapture, --test-threads=1], \
         resumable: true}}}}\n{rest}",
        this.display()
    );
    fs::write(folder.path().join("sweep.yaml"), spec).unwrap();
    folder
}

const NINE: &str = "parameters: {trainer: {value: own}, q: {values: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}}\n";
const ARGS: [&str; 6] = ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out"];

fn run(folder: &Path, more: &[&str]) -> String {
    let said = focalsweep(folder, ARGS.into_iter().chain(["run"]).chain(more.iter().copied()));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    said.stderr
}

/// From which epoch to which each training went, by `q`.
fn trainings(folder: &Path, replicate: u32) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(q) = name.strip_suffix(&format!("-r{replicate}.log")) {
            let text = fs::read_to_string(folder.join(&name)).unwrap();
            found.push((q.to_owned(), text.lines().map(str::to_owned).collect()));
        }
    }
    found.sort();
    found
}

fn results(folder: &Path) -> Table {
    Table::read(&folder.join("run/results.parquet"))
}

/// The best three and the best one, whatever the noise makes of it.
fn ranked(folder: &Path) -> Vec<(String, i64)> {
    let table = results(folder);
    let q = table.floats("q").into_iter().map(|q| q.unwrap().to_string());
    let mut rows: Vec<(String, i64)> = q.zip(table.integers("epochs_run").into_iter().map(Option::unwrap)).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    rows
}

fn left_to_go_on(folder: &Path) -> usize {
    let trials = fs::read_dir(folder.join("run/trainers")).unwrap().map(|entry| entry.unwrap().path());
    let files = trials.filter(|path| path.is_dir()).flat_map(|trial| fs::read_dir(trial).unwrap());
    files.filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with("resume-")).count()
}

#[test]
fn the_best_go_on_from_what_they_wrote() {
    let folder = sweep(&format!("confirm: {{trials: 1, replicates: 2}}\n{NINE}"));
    let folder = folder.path();
    let said = run(folder, &[]);
    assert!(said.contains("rung 2 of 3: 3 of 9 trials go on to epoch 3"), "{said}");
    let rows = ranked(folder);
    let of = |epochs: i64| rows.iter().filter(|(_, of)| *of == epochs).map(|(q, _)| q.clone()).collect::<Vec<_>>();
    // The winner twice more, on the replicates that confirm, whole.
    assert_eq!((of(9).len(), of(3).len(), of(1).len()), (3, 2, 6), "{rows:?}");
    for (q, done) in trainings(folder, 0) {
        let expected: &[&str] = match rows.iter().find(|(of, _)| *of == q).unwrap().1 {
            1 => &["0 1"],
            3 => &["0 1", "1 3"],
            _ => &["0 1", "1 3", "3 9"],
        };
        assert_eq!(done, expected, "{q}");
    }
    for replicate in [1, 2] {
        assert_eq!(trainings(folder, replicate), [(of(9)[0].clone(), vec!["0 9".to_owned()])]);
    }
    let table = results(folder);
    let states = table.texts("state");
    let count = |state: &str| states.iter().filter(|of| of.as_deref() == Some(state)).count();
    assert_eq!((count("finished"), count("stopped")), (3, 8));
    // All epochs of the winner, each once.
    let history = Table::read(&folder.join("run/history.parquet"));
    let at = (0..states.len()).find(|&at| states[at].as_deref() == Some("finished")).unwrap();
    let winner = table.texts("trial_id")[at].clone();
    let rows_of = history.texts("trial_id").into_iter().zip(history.integers("replicate"));
    let rows_of = rows_of.zip(history.integers("epoch"));
    let epochs: Vec<i64> = rows_of
        .filter(|((id, replicate), _)| *id == winner && *replicate == Some(0))
        .map(|(_, epoch)| epoch.unwrap())
        .collect();
    assert_eq!(epochs, (1..=9).collect::<Vec<i64>>());
    // Models stay, of those that were stopped too; what they would have gone on from does not.
    assert_eq!(left_to_go_on(folder), 0);
    for (id, epochs) in table.texts("trial_id").into_iter().zip(table.integers("epochs_run")) {
        let model = folder.join(format!("run/trainers/{}-r0/model/epochs.txt", id.unwrap()));
        assert!(["1", "3", "9"].contains(&fs::read_to_string(model).unwrap().as_str()), "{epochs:?}");
    }
    let again = run(folder, &["--resume"]);
    assert!(again.contains("were there already"), "{again}");
    assert_eq!(trainings(folder, 0).iter().map(|(_, done)| done.len()).sum::<usize>(), 9 + 3 + 1);
}

#[test]
fn one_that_ends_by_itself_trains_no_more() {
    let folder =
        sweep("replicates: 2\nparameters: {trainer: {value: own}, q: {values: [0.1, 0.5, 0.9]}, end: {value: 2}}\n");
    let folder = folder.path();
    run(folder, &[]);
    let rows = ranked(folder);
    assert_eq!(rows.iter().map(|(_, epochs)| *epochs).collect::<Vec<_>>(), [2, 2, 1, 1, 1, 1]);
    let all: Vec<String> = [0, 1].into_iter().flat_map(|r| trainings(folder, r)).flat_map(|(_, done)| done).collect();
    assert_eq!(all.iter().filter(|done| *done == "1 3").count(), 2);
    assert!(all.iter().all(|done| done != "3 9"));
}

fn until(what: &str, check: impl Fn() -> bool) {
    let started = Instant::now();
    while !check() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_run_goes_on_at_the_rung_it_had_come_to() {
    let whole = sweep(NINE);
    run(whole.path(), &[]);
    let folder = sweep(NINE);
    let folder = folder.path();
    fs::write(folder.join("hold"), "").unwrap();
    let mut started = program(folder);
    started.args(ARGS).arg("run").stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = started.spawn().unwrap();
    let second = |folder: &Path| {
        trainings(folder, 0).into_iter().filter(|(_, done)| done.iter().any(|one| one == "1 3")).collect::<Vec<_>>()
    };
    until("the second rung trains", || !second(folder).is_empty());
    killed.kill().unwrap();
    killed.wait().unwrap();
    fs::remove_file(folder.join("hold")).unwrap();
    // What one went on from is lost: it is trained from the start, to where it had been.
    let (lost, _) = second(folder).remove(0);
    let states: Vec<PathBuf> = fs::read_dir(folder.join("run/trainers"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("resume-1"))
        .filter(|path| path.join("state.json").is_file())
        .collect();
    assert_eq!(states.len(), 9);
    for state in states {
        let text = fs::read_to_string(state.join("state.json")).unwrap();
        if serde_json::from_str::<Value>(&text).unwrap()["q"].as_f64().unwrap().to_string() == lost {
            fs::remove_dir_all(state).unwrap();
        }
    }
    run(folder, &["--resume"]);
    for (q, done) in trainings(folder, 0) {
        assert_eq!(done.iter().filter(|one| *one == "0 1").count(), 1, "{q}: {done:?}");
        assert_eq!(done.iter().any(|one| one == "0 3"), q == lost, "{q}: {done:?}");
    }
    let [one, other] = [whole.path(), folder].map(|folder| {
        let table = results(folder);
        let columns = ["q", "state", "epochs_run", "val_auc", "test_auc", "threshold_raw", "test_op_fn"];
        table.cells(&columns.map(str::to_owned))
    });
    assert_eq!(one, other);
}
