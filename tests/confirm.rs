//! The second phase of a run: finalists and baseline trained afresh, whatever happens in between.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "common/copy.rs"]
mod copy;
#[path = "common/locks.rs"]
mod locks;
#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{Said, files, focalsweep, program};
use copy::copy;
use focalsweep::launch::Tally;
use focalsweep::run::{End, Observer, Quiet, RunError, RunOptions, Sweep};
use focalsweep_core::record::{Manifest, RunDir, RunDirError, RunState, checked_line};
use focalsweep_core::spec::{self, Spec};
use focalsweep_engine::job::Stop;
use locks::unlocked;
use same::{TABLES, TIMES, assert_same_runs, models, state};
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// Seven trials in two shapes, plain cross-entropy not the best of them.
const SWEEP: &str = "\
name: two-phases
data: {source: SOURCE, synth: {rows: 600, features: 4, positives: 90}, label: Class}
replicates: 2
train: {epochs: 12, batch_size: 50, early_stopping: none}
parameters:
  - {loss: {value: focal}, alpha: {values: [0.3, 0.7]}, gamma: {values: [1, 3]}}
  - {loss: {value: focal}, alpha: {value: 0.7}, hidden: {values: [[], [6, 4]]}}
  - {loss: {value: bce}, learning_rate: {value: 1e-5}}
";
const CONFIRM: &str = "confirm={trials: 2, replicates: 3}";
/// Rows of the search: seven trials, two replicates.
const SEARCHED: usize = 14;
/// Rows that confirm: two finalists and the baseline, three replicates.
const CONFIRMED: usize = 9;

/// A folder with the sweep, its rows and its run directories.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("rows.parquet");
        fs::write(folder.path().join("sweep.yaml"), SWEEP.replace("SOURCE", source.to_str().unwrap())).unwrap();
        Self(folder)
    }

    /// Another, with the same rows at the same path in its sweep, and a copy of a run.
    fn with_copy_of(run: &Path, name: &str) -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::copy(WHOLE.path().join("sweep.yaml"), place.path().join("sweep.yaml")).unwrap();
        copy(run, &place.path().join(name));
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn args<'a>(out: &'a str, changes: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", out];
        args.extend(changes.iter().flat_map(|change| ["--set", *change]));
        args.extend(more);
        args
    }

    fn run(&self, out: &str, changes: &[&str], more: &[&str]) -> Said {
        focalsweep(self.path(), Self::args(out, changes, more))
    }

    fn confirm(&self, out: &str, more: &[&str]) -> Said {
        focalsweep(self.path(), ["confirm", out, "--no-progress"].iter().chain(more))
    }

    fn spec(&self, changes: &[(&str, &str)]) -> Spec {
        let text = fs::read_to_string(self.path().join("sweep.yaml")).unwrap();
        let changes = changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        spec::parse_with("sweep.yaml", &text, &changes.collect::<Vec<_>>()).unwrap()
    }
}

/// `whole`, both phases; `search`, the first alone; `longer`, one phase of five replicates. All left alone.
static WHOLE: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new();
    for (out, changes) in [("whole", &[CONFIRM][..]), ("search", &[]), ("longer", &["replicates=5"])] {
        let said = place.run(out, changes, &[]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    }
    place
});

fn whole() -> PathBuf {
    WHOLE.path().join("whole")
}

fn search() -> PathBuf {
    WHOLE.path().join("search")
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

/// Ids in the order of the ranking.
fn ranking(dir: &Path) -> Vec<String> {
    let report = json(&focalsweep(dir, ["report", ".", "--format", "json"]));
    let ranking = report["ranking"].as_array().unwrap().iter();
    ranking.map(|trial| trial["trial_id"].as_str().unwrap().to_owned()).collect()
}

/// The replicates of each trial, by phase.
fn replicates(dir: &Path) -> BTreeMap<(String, String), Vec<i64>> {
    let results = Table::read(&dir.join("results.parquet"));
    let mut found: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for ((trial, replicate), phase) in results.keys().into_iter().zip(results.texts("phase")) {
        found.entry((phase.unwrap(), trial)).or_default().push(replicate);
    }
    found
}

fn waves(dir: &Path) -> usize {
    fs::read_to_string(dir.join("plan.jsonl")).unwrap().lines().count()
}

fn manifest(dir: &Path) -> Manifest {
    Manifest::read(dir).unwrap().unwrap()
}

/// The plain cross-entropy of the sweep.
fn baseline(dir: &Path) -> String {
    let results = Table::read(&dir.join("results.parquet"));
    let mut of = results.texts("loss").into_iter().zip(results.keys());
    of.find(|(loss, _)| loss.as_deref() == Some("bce")).map(|(_, (trial, _))| trial).unwrap()
}

#[test]
fn finalists_are_what_the_ranking_says_and_rank_as_they_did() {
    let (ranked, plain) = (ranking(&search()), baseline(&search()));
    assert!(!ranked[..2].contains(&plain), "the test is to have a baseline that is no finalist");
    assert_eq!(ranking(&whole()), ranked);
    let found = replicates(&whole());
    let of_phase = |phase: &str| -> BTreeMap<&str, &[i64]> {
        let of = found.iter().filter(|((word, _), _)| word == phase);
        of.map(|((_, trial), replicates)| (trial.as_str(), replicates.as_slice())).collect()
    };
    assert_eq!(of_phase("search"), ranked.iter().map(|trial| (trial.as_str(), &[0, 1][..])).collect());
    let finalists = [&ranked[0], &ranked[1], &plain].map(|trial| (trial.as_str(), &[2, 3, 4][..]));
    assert_eq!(of_phase("confirm"), finalists.into_iter().collect());

    let counts = manifest(&whole()).counts;
    assert_eq!((counts.trials, counts.replicates, counts.rows), (7, 2, SEARCHED + CONFIRMED));
    assert_eq!((state(&whole()).as_str(), waves(&whole()), waves(&search())), ("finished", 2, 1));
    assert_eq!(manifest(&whole()).split_fingerprints.len(), 5);
    for name in ["history.parquet", "scores.parquet"] {
        let table = Table::read(&whole().join(name));
        let phases = table.texts("phase").into_iter().map(Option::unwrap);
        for ((_, replicate), phase) in table.keys().into_iter().zip(phases) {
            assert_eq!(phase, if replicate < 2 { "search" } else { "confirm" }, "{name}");
        }
    }
    // Whatever says who won says the same of the search, whether anything was confirmed or not.
    let metrics = |dir: &Path| {
        let mut report = json(&focalsweep(dir, ["report", ".", "--format", "json"]));
        let ranking = report["ranking"].as_array_mut().unwrap().iter_mut();
        let metrics = ranking.map(|trial| trial["metrics"].as_object_mut().unwrap());
        metrics.for_each(|metrics| drop(metrics.remove("train_seconds")));
        report["ranking"].as_array().unwrap().iter().map(|trial| trial["metrics"].clone()).collect::<Vec<_>>()
    };
    assert!(metrics(&whole()) == metrics(&search()), "the figures that rank differ");
    // A model of the second phase is there as any other.
    let args = ["export", "whole", "--trial", &ranked[0], "--replicate", "4", "--out", "model"];
    let said = focalsweep(WHOLE.path(), args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn a_report_claims_settings_from_what_confirms_and_ranks_it_where_asked() {
    let told = json(&focalsweep(&whole(), ["report", ".", "--format", "json"]));
    assert_eq!(told["answer"]["confirmed"], "yes");
    let claims = |kind: &str| -> Vec<&Value> {
        told["claims"].as_array().unwrap().iter().filter(|claim| claim["kind"] == kind).collect()
    };
    let plain = baseline(&whole());
    assert!(claims("settings").iter().all(|claim| claim["against"] == *plain && claim["replicates"] == 3));
    assert!(claims("models").iter().all(|claim| claim["replicates"] == 2), "models are those of the search");
    // The difference is that of the fresh trainings.
    let results = Table::read(&whole().join("results.parquet"));
    let mean = |trial: &str| {
        let of = results.keys().into_iter().zip(results.floats("test_auc"));
        let aucs: Vec<f64> =
            of.filter(|((id, replicate), _)| id == trial && *replicate >= 2).filter_map(|of| of.1).collect();
        assert_eq!(aucs.len(), 3);
        aucs.iter().sum::<f64>() / 3.0
    };
    let of_auc: Vec<&Value> = claims("settings").into_iter().filter(|claim| claim["about"] == "auc").collect();
    assert_eq!(of_auc.len(), 2);
    for claim in of_auc {
        let expected = mean(claim["of"].as_str().unwrap()) - mean(&plain);
        assert!((claim["difference"].as_f64().unwrap() - expected).abs() < 1e-9, "{claim}");
    }
    // What confirms, ranked by itself.
    let confirmed = json(&focalsweep(&whole(), ["report", ".", "--phase", "confirm", "--format", "json"]));
    let ranking = confirmed["ranking"].as_array().unwrap();
    assert_eq!(ranking.len(), 3);
    for trial in ranking {
        let id = trial["trial_id"].as_str().unwrap();
        assert!((trial["metrics"]["test_auc"].as_f64().unwrap() - mean(id)).abs() < 1e-9, "{trial}");
        assert_eq!((&trial["replicates"], &trial["complete"]), (&serde_json::json!([2, 3, 4]), &Value::from(true)));
    }
    let none = focalsweep(&search(), ["report", ".", "--phase", "confirm"]);
    assert_eq!(none.code, Some(2));
    assert!(
        none.stderr.contains("was trained afresh") && none.stderr.contains("focalsweep confirm"),
        "{}",
        none.stderr
    );
    let told = json(&focalsweep(&search(), ["report", ".", "--format", "json"]));
    assert_eq!(told["answer"]["confirmed"], "no");
    let sentences = told["answer"]["sentences"].to_string();
    assert!(sentences.contains("says nothing of another training"), "{sentences}");
}

/// A training is the same, to the bit, whether it was planned from the start or came later.
#[test]
fn what_confirms_has_the_bits_of_a_longer_sweep() {
    for name in TABLES {
        let [ours, theirs] = [whole(), WHOLE.path().join("longer")].map(|dir| Table::read(&dir.join(name)));
        let mut names = ours.names();
        names.retain(|name| name != "phase" && !TIMES.contains(&name.as_str()));
        let theirs: BTreeSet<String> = theirs.cells(&names).into_iter().collect();
        let missing = ours.cells(&names).into_iter().filter(|row| !theirs.contains(row)).count();
        assert_eq!((missing, ours.rows() > 0), (0, true), "rows of {name}");
    }
    let (ours, theirs) = (models(&whole()), models(&WHOLE.path().join("longer")));
    let weights = ours.iter().filter(|(name, _)| name.ends_with("output.bias")).collect::<Vec<_>>();
    assert_eq!(weights.len(), SEARCHED + CONFIRMED);
    assert!(weights.into_iter().all(|(name, bytes)| theirs.get(name) == Some(bytes)));
}

/// Asks to stop when so many rows of the second phase are there and others are not.
struct StopsLate {
    stop: Stop,
    waves: usize,
}

impl Observer for StopsLate {
    fn say(&mut self, line: &str) {
        self.waves += usize::from(line.starts_with("to confirm"));
    }

    fn progress(&mut self, tally: &Tally) {
        if self.waves > 0 && tally.done > 0 && tally.done < tally.rows {
            self.stop.request();
        }
    }
}

#[test]
fn stopped_in_the_middle_it_goes_on_to_the_same_bits() {
    let folder = TempDir::new().unwrap();
    let spec = WHOLE.spec(&[("confirm", "{trials: 2, replicates: 3}")]);
    let dir = folder.path().join("run");
    let options = || RunOptions { out: Some(dir.clone()), resume: true, ..RunOptions::default() };
    let run = |stop: &Stop, observer: &mut dyn Observer| loop {
        match Sweep::new(spec.clone(), options()).unwrap().run(stop, observer) {
            // A program that another test starts has this process's locks until it is loaded.
            Err(RunError::RunDir(RunDirError::Locked(_))) => std::thread::sleep(Duration::from_millis(5)),
            outcome => return outcome.unwrap(),
        }
    };
    // The few trainings of the second phase may all have ended before one of them is told of: then once more.
    let caught = (0..200).find_map(|_| {
        let _ = fs::remove_dir_all(&dir);
        let mut late = StopsLate { stop: Stop::default(), waves: 0 };
        let outcome = run(&late.stop.clone(), &mut late);
        assert_eq!(late.waves, 1);
        (outcome.end == End::Interrupted).then_some(outcome)
    });
    let outcome = caught.expect("a stop in the middle of the second phase");
    let rows = outcome.manifest.counts.rows;
    assert_eq!(outcome.rows, SEARCHED + CONFIRMED);
    assert!((SEARCHED..SEARCHED + CONFIRMED).contains(&rows), "{rows} rows");
    // What was chosen is not chosen again.
    let plan = fs::read(dir.join("plan.jsonl")).unwrap();
    let outcome = run(&Stop::default(), &mut Quiet);
    assert_eq!((outcome.end, outcome.manifest.counts.rows), (End::Finished, SEARCHED + CONFIRMED));
    assert_eq!(fs::read(dir.join("plan.jsonl")).unwrap(), plan);
    assert_same_runs(&dir, &whole());
    assert_eq!(run(&Stop::default(), &mut Quiet).end, End::AlreadyThere);
}

/// Killed at random: while it searches, chooses, confirms and writes.
#[test]
fn killed_anywhere_it_goes_on_to_the_same_bits() {
    let place = Place::with_copy_of(&search(), "unused");
    let started = Instant::now();
    assert_eq!(place.run("timed", &[CONFIRM], &[]).code, Some(0));
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap();
    let mut kills = Vec::new();
    for round in 0..6 {
        let moment = RandomState::new().hash_one(round) % millis.max(2);
        let mut command = program(place.path());
        command.args(Place::args("run", &[CONFIRM], &["--resume"])).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        kills.push(moment);
    }
    let said = place.run("run", &[CONFIRM], &["--resume"]);
    assert_eq!(said.code, Some(0), "killed after {kills:?} of {millis} ms:\n{}", said.stderr);
    println!("killed after {kills:?} of {millis} ms");
    assert_same_runs(&place.path().join("run"), &whole());
}

/// Between any two steps: the run goes on, but no wave is chosen; a wave is recorded, but not counted; its last line is
/// torn.
#[test]
fn killed_between_two_steps_it_goes_on_to_the_same_bits() {
    let plan = fs::read(whole().join("plan.jsonl")).unwrap();
    let one = fs::read(search().join("plan.jsonl")).unwrap();
    assert!(plan.starts_with(&one), "the same first wave");
    for recorded in [one.len(), one.len() + 40, plan.len()] {
        let place = Place::with_copy_of(&search(), "run");
        let root = place.path().join("run");
        let dir = lock(&root);
        let mut going_on = Manifest { state: RunState::Running, ended: None, ..manifest(&root) };
        dir.commit(&mut going_on).unwrap();
        drop(dir);
        unlocked(&root);
        fs::write(root.join("plan.jsonl"), &plan[..recorded]).unwrap();
        assert_eq!(json(&focalsweep(place.path(), ["status", "run", "--format", "json"]))["name"], "two-phases");
        let said = place.run("run", &[CONFIRM], &["--resume"]);
        assert_eq!(said.code, Some(0), "{recorded} bytes of the plan: {}", said.stderr);
        assert_eq!(fs::read(root.join("plan.jsonl")).unwrap(), plan);
        assert_same_runs(&root, &whole());
        assert_eq!(manifest(&root).counts, manifest(&whole()).counts);
    }
}

fn lock(root: &Path) -> RunDir {
    loop {
        match RunDir::lock(root) {
            Err(RunDirError::Locked(_)) => std::thread::sleep(Duration::from_millis(5)),
            dir => return dir.unwrap(),
        }
    }
}

#[test]
fn a_finished_run_is_confirmed_after_the_fact() {
    let place = Place::with_copy_of(&search(), "run");
    let dir = place.path().join("run");
    let said = place.confirm("run", &["--trials", "2", "--replicates", "3"]);
    assert_eq!((said.code, said.stdout.trim_end()), (Some(0), "run"), "{}", said.stderr);
    assert!(said.stderr.contains("to confirm: 3 trials x 3 new replicates are trained afresh: "), "{}", said.stderr);
    assert!(said.stderr.contains("23 of 23 rows of results done"), "{}", said.stderr);
    assert_same_runs(&dir, &whole());

    // The same again, or less of it: nothing to do.
    let before = files(&dir);
    for more in [&["--trials", "2", "--replicates", "3"][..], &["--trials", "1", "--replicates", "2"]] {
        let said = place.confirm("run", more);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stderr.contains("run: all 23 rows are there, and nothing is left to confirm"), "{}", said.stderr);
        assert!(files(&dir) == before, "{more:?} changed something");
    }
    // More replicates of the same trials: those that are missing. Other trials: all of theirs.
    let plain = baseline(&dir);
    let phase = "confirm".to_owned();
    assert_eq!(place.confirm("run", &["--trials", "2", "--replicates", "5"]).code, Some(0));
    assert_eq!((waves(&dir), &replicates(&dir)[&(phase.clone(), plain.clone())]), (3, &vec![2, 3, 4, 5, 6]));
    assert_eq!(place.confirm("run", &["--trials", "3", "--replicates", "2"]).code, Some(0));
    let found = replicates(&dir);
    let ranked = ranking(&dir);
    assert_eq!((waves(&dir), &found[&(phase.clone(), plain)]), (4, &vec![2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(found[&(phase, ranked[2].clone())], [7, 8]);
    assert_eq!(ranked, ranking(&search()), "the search ranks as it did");

    // Fewer trials than asked for: all of them.
    let said = place.confirm("run", &["--trials", "50", "--replicates", "2"]);
    assert!(said.stderr.contains("to confirm: 7 trials x 2 new replicates"), "{}", said.stderr);
}

/// The best of each method, though one of them ranks last.
#[test]
fn each_method_is_trained_afresh_where_that_is_asked() {
    let place = Place::new();
    let sweep = fs::read_to_string(place.path().join("sweep.yaml")).unwrap();
    let weighted = "  - {loss: {value: weighted_bce}, learning_rate: {values: [1e-6, 1e-5]}}\n";
    fs::write(place.path().join("sweep.yaml"), sweep + weighted).unwrap();
    let asked = ["confirm={trials: 1, replicates: 2, methods: true}"];
    for (out, changes) in [("by-key", &asked[..]), ("by-flag", &[])] {
        let said = place.run(out, changes, &[]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    }
    let said = place.confirm("by-flag", &["--trials", "1", "--replicates", "2", "--methods"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let afresh = |out: &str| -> BTreeSet<String> {
        let found = replicates(&place.path().join(out)).into_keys();
        found.filter(|(phase, _)| phase == "confirm").map(|(_, trial)| trial).collect()
    };
    let report = json(&focalsweep(place.path(), ["report", "by-key", "--format", "json"]));
    let id = |value: &Value| value["trial_id"].as_str().unwrap().to_owned();
    let methods: BTreeSet<String> = report["methods"].as_array().unwrap().iter().map(id).collect();
    assert_eq!((afresh("by-key"), methods.len()), (methods.clone(), 3));
    assert_eq!(afresh("by-flag"), methods);
    // So each has claims about its settings.
    let plain = id(&report["answer"]["baseline"]);
    let claims = report["claims"].as_array().unwrap().iter().filter(|claim| claim["kind"] == "settings");
    let of: BTreeSet<String> = claims.map(|claim| claim["of"].as_str().unwrap().to_owned()).collect();
    assert_eq!(of, methods.into_iter().filter(|trial| *trial != plain).collect());
}

#[test]
fn what_cannot_be_confirmed_is_refused() {
    let place = Place::with_copy_of(&search(), "run");
    let refused = |said: &Said, words: &[&str]| {
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{}", said.stderr);
        words.iter().for_each(|word| assert!(said.stderr.contains(word), "{word:?} in {}", said.stderr));
    };
    refused(&place.confirm("run", &["--replicates", "1"]), &["--replicates", "2..=1000"]);
    refused(&place.confirm("run", &["--trials", "51"]), &["--trials", "1..=50"]);
    refused(&place.confirm("none", &[]), &["there is no run directory none"]);
    refused(&place.confirm("run", &["--detach"]), &["--launcher slurm"]);

    let stopped = place.path().join("stopped");
    let stop = Stop::default();
    stop.request();
    let options = RunOptions { out: Some(stopped), ..RunOptions::default() };
    Sweep::new(place.spec(&[]), options).unwrap().run(&stop, &mut Quiet).unwrap();
    let words = ["the search of stopped is not over: 0 of 14 rows are there", "--out stopped --resume"];
    refused(&place.confirm("stopped", &[]), &words);

    // Other rows than those of the search.
    let other = Place::new();
    copy(&search(), &other.path().join("run"));
    let sweep = fs::read_to_string(other.path().join("sweep.yaml")).unwrap().replace("positives: 90", "positives: 91");
    fs::write(other.path().join("other.yaml"), sweep).unwrap();
    let made = focalsweep(other.path(), ["run", "other.yaml", "--no-progress", "--set", "train.epochs=1"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let rows = other.path().join("rows.parquet").display().to_string();
    let root = other.path().join("run");
    let dir = lock(&root);
    let mut manifest = manifest(&root);
    let mut moved = WHOLE.spec(&[]);
    moved.data.source = rows.into();
    dir.stage_spec(&moved).unwrap();
    dir.commit(&mut manifest).unwrap();
    drop(dir);
    refused(&other.confirm("run", &[]), &["other data"]);
}

/// The second phase may be asked for, or asked for otherwise, when a run goes on.
#[test]
fn a_sweep_that_asks_for_it_later_gets_it() {
    let place = Place::with_copy_of(&search(), "run");
    let dir = place.path().join("run");
    let said = place.run("run", &[CONFIRM], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_same_runs(&dir, &whole());
    // What was chosen stays.
    let said = place.run("run", &["confirm={trials: 1, replicates: 9}"], &["--resume"]);
    assert!(said.stderr.contains("all 23 rows were there already"), "{}", said.stderr);
    assert_eq!(waves(&dir), 2);
    let said = place.run("run", &[], &["--resume"]);
    assert_eq!((said.code, waves(&dir)), (Some(0), 2), "{}", said.stderr);
}

/// Workers of any engine train the first phase, and the second where it was begun; who collects trains what is left.
#[test]
fn workers_train_both_phases() {
    let place = Place::with_copy_of(&search(), "unused");
    let dir = place.path().join("run");
    let jobs = || -> Vec<u64> {
        let waves = fs::read_to_string(dir.join("plan.jsonl")).unwrap();
        let waves = waves.lines().map(|line| checked_line(format!("{line}\n").as_bytes()).unwrap());
        let waves = waves.map(|wave| serde_json::from_slice::<Value>(&wave).unwrap());
        waves.map(|wave| wave["jobs"].as_array().unwrap().len() as u64).collect()
    };
    let work = |first: u64, count: u64| {
        for job in 0..count {
            let numbers = ["--first".to_owned(), first.to_string(), "--job".to_owned(), job.to_string()];
            let args = ["worker", "run", "--devices", "cpu"].map(str::to_owned).into_iter().chain(numbers);
            let said = focalsweep(place.path(), args);
            assert_eq!(said.code, Some(0), "{}", said.stderr);
        }
    };
    let said = place.run("run", &[CONFIRM], &["--prepare"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let [searching] = jobs()[..] else { panic!("one wave") };
    work(0, searching);

    // Who collects is stopped when it has chosen.
    let options = RunOptions { out: Some(dir.clone()), resume: true, ..RunOptions::default() };
    let mut early = StopsEarly(Stop::default());
    let spec = WHOLE.spec(&[("confirm", "{trials: 2, replicates: 3}"), ("launch.devices", "cpu")]);
    let outcome = Sweep::new(spec, options).unwrap().run(&early.0.clone(), &mut early).unwrap();
    unlocked(&dir);
    assert_eq!((outcome.end, outcome.manifest.counts.rows), (End::Interrupted, SEARCHED));
    let [_, confirming] = jobs()[..] else { panic!("two waves") };
    let said = place.run("run", &[CONFIRM], &["--resume", "--prepare"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let none = focalsweep(place.path(), ["worker", "run", "--first", &searching.to_string(), "--job", "999"]);
    assert!(none.stderr.contains(&format!("expected a number below {confirming}")), "{}", none.stderr);
    work(searching, confirming - 1);
    let status = json(&focalsweep(place.path(), ["status", "run", "--format", "json"]));
    assert_eq!(status["rows"]["total"], SEARCHED + CONFIRMED);
    assert_eq!(
        status["jobs"],
        serde_json::json!({"done": searching + confirming - 1, "total": searching + confirming})
    );
    let said = place.run("run", &[CONFIRM], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_same_runs(&dir, &whole());
}

/// Asks to stop as soon as it is said what is trained afresh.
struct StopsEarly(Stop);

impl Observer for StopsEarly {
    fn say(&mut self, line: &str) {
        if line.starts_with("to confirm") {
            self.0.request();
        }
    }
}

/// A trial that fails is there as any other, but no finalist; what failed may be tried again in either phase.
#[test]
fn failures_do_not_stand_in_the_way() {
    let place = Place::with_copy_of(&search(), "unused");
    let dir = place.path().join("run");
    let diverging = "parameters.2={loss: {value: bce}, learning_rate: {values: [1e-5, 1e30]}}";
    let said = place.run("run", &[CONFIRM, diverging], &[]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let counts = manifest(&dir).counts;
    assert_eq!((counts.rows, counts.failed), (SEARCHED + 2 + CONFIRMED, 2), "{}", said.stderr);
    let before = fs::read(dir.join("plan.jsonl")).unwrap();
    let said = place.run("run", &[CONFIRM, diverging], &["--resume", "--retry-failed"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert_eq!((manifest(&dir).counts, fs::read(dir.join("plan.jsonl")).unwrap()), (counts, before));
    let said = place.confirm("run", &["--trials", "2", "--replicates", "4"]);
    assert_eq!((said.code, manifest(&dir).counts.rows), (Some(1), counts.rows + 3), "{}", said.stderr);
}
