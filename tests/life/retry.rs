//! Rows that failed are trained again when somebody asks, and stay until there are others.

use std::path::{Path, PathBuf};

use focalsweep::run::{End, Outcome, Quiet, RunError, RunOptions, Sweep};
use focalsweep_core::record::{Attempt, Entry, Journal, Journals, ResultRow, RunDir, RunDirError};
use focalsweep_core::spec::{self, Spec};
use focalsweep_engine::job::Stop;
use focalsweep_report::{self as report, Row};
use tempfile::TempDir;

/// Trials of two shapes, so that some jobs have no failure, on two replicates.
const GOOD: &str = "gamma: {values: [0, 1, 2]}, hidden: {values: [[], [4]]}";
/// One that diverges, and a good one.
const BAD: &str = "learning_rate: {values: [1e30, 1e-3]}";

fn sweep(folder: &Path, parameters: &str) -> Spec {
    let source = serde_json::to_string(&folder.join("rows.parquet")).unwrap();
    let text = format!(
        "name: t\ndata: {{source: {source}, synth: {{rows: 400, features: 3, positives: 60}}, label: Class}}\n\
         replicates: 2\ntrain: {{epochs: 3, batch_size: 100, early_stopping: none}}\n\
         parameters: {{loss: {{value: focal}}, {parameters}}}\n"
    );
    spec::parse("t", &text).unwrap()
}

fn root(folder: &Path) -> PathBuf {
    folder.join("run")
}

/// Resumes the run, or begins it; `stopped`: somebody asks to stop before the first step.
fn resume(folder: &Path, parameters: &str, retry_failed: bool, stopped: bool) -> Outcome {
    let out = Some(root(folder));
    let options = RunOptions { out, resume: true, retry_failed, ..RunOptions::default() };
    let stop = Stop::default();
    if stopped {
        stop.request();
    }
    run_unlocked(folder, parameters, &options, &stop).unwrap()
}

/// Runs the sweep. A program that another test starts has this process's locks until it is loaded.
fn run_unlocked(folder: &Path, parameters: &str, options: &RunOptions, stop: &Stop) -> Result<Outcome, RunError> {
    loop {
        match Sweep::new(sweep(folder, parameters), options.clone())?.run(stop, &mut Quiet) {
            Err(RunError::RunDir(RunDirError::Locked(_))) => std::thread::sleep(std::time::Duration::from_millis(5)),
            outcome => return outcome,
        }
    }
}

fn entries(folder: &Path) -> Vec<Entry> {
    let journals = Journals::list(&root(folder).join("jobs")).unwrap();
    let mut jobs: Vec<String> = journals.paths().map(|(job_id, _)| job_id.to_owned()).collect();
    jobs.dedup();
    jobs.iter().flat_map(|job| journals.of(job).unwrap()).map(|kept| kept.entry).collect()
}

fn rows(folder: &Path) -> Vec<Row> {
    report::read(&report::run_files(&root(folder)).unwrap()).unwrap().rows
}

/// Has the first trial of each replicate's first job fail, as a device's loss makes it, in a run that has trained
/// nothing.
fn fail_two(folder: &Path, like: &ResultRow) -> Vec<(String, u32)> {
    let dir = RunDir::attend(&root(folder));
    let manifest = RunDir::look(&root(folder)).unwrap().unwrap();
    let (plan, trials) = dir.plan().unwrap();
    let mut failed = Vec::new();
    for replicate in 0..2 {
        let job = plan.jobs.iter().find(|job| job.replicate == replicate).unwrap();
        let hyperparameters = trials.get(job.first);
        let trial_id = hyperparameters.trial_id();
        let row = ResultRow {
            trial_id: trial_id.clone(),
            replicate,
            job_id: job.job_id.clone(),
            hyperparameters,
            error: Some("the device was lost".into()),
            split_fingerprint: manifest.split_fingerprints[replicate as usize].clone(),
            data_fingerprint: manifest.data_fingerprint.clone(),
            ..like.clone()
        };
        let mut journal = Journal::new(&dir.jobs(), &job.job_id, &Attempt::new());
        journal.append(vec![(row, Vec::new(), None)]).unwrap();
        failed.push((trial_id, replicate));
    }
    failed
}

#[test]
fn what_failed_is_trained_again_and_nothing_else() {
    let (folder, donor, whole) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let (folder, donor, whole) = (folder.path(), donor.path(), whole.path());
    // A trial that diverges fails again; its row is there all the time.
    let outcome = resume(donor, BAD, false, false);
    assert_eq!((outcome.end, outcome.manifest.counts.rows, outcome.manifest.counts.failed), (End::Finished, 4, 2));
    assert_eq!(resume(donor, BAD, false, false).end, End::AlreadyThere);
    let journals = || Journals::list(&root(donor).join("jobs")).unwrap().paths().count();
    let before = journals();
    let outcome = resume(donor, BAD, true, false);
    assert_eq!((outcome.end, outcome.manifest.counts.rows, outcome.manifest.counts.failed), (End::Finished, 4, 2));
    assert!(journals() > before, "it was tried");
    let failure = entries(donor).into_iter().find(|entry| entry.row.error.is_some()).unwrap();

    // A failure that has passed: the same sweep left alone says what is to come of it.
    assert_eq!(resume(whole, GOOD, false, false).end, End::Finished);
    resume(folder, GOOD, false, true);
    let failed = fail_two(folder, &failure.row);
    let outcome = resume(folder, GOOD, false, false);
    assert_eq!((outcome.end, outcome.manifest.counts.rows, outcome.manifest.counts.failed), (End::Finished, 12, 2));
    assert_eq!(resume(folder, GOOD, false, false).end, End::AlreadyThere, "failed is done unless somebody asks");
    let first = rows(folder);

    // Asked for and interrupted: the failed rows are still there, and the run knows that it is not done.
    let outcome = resume(folder, GOOD, true, true);
    assert_eq!((outcome.end, outcome.manifest.counts.rows, outcome.manifest.counts.failed), (End::Interrupted, 12, 2));
    assert_eq!(rows(folder).len(), 12);
    let outcome = resume(folder, GOOD, false, false);
    assert_eq!((outcome.end, outcome.manifest.counts.rows, outcome.manifest.counts.failed), (End::Finished, 12, 0));
    assert!(!root(folder).join("jobs").exists());

    let names = report::read(&report::run_files(&root(folder)).unwrap()).unwrap().metrics;
    let of_a_split = |name: &String| name.starts_with("val_") || name.starts_with("test_");
    let measured = |row: &Row| -> Vec<Option<f64>> {
        names.iter().zip(&row.metrics).filter(|(name, _)| of_a_split(name)).map(|(_, value)| *value).collect()
    };
    let now = rows(folder);
    for ((now, first), alone) in now.iter().zip(&first).zip(&rows(whole)) {
        let key = (now.trial_id.clone(), now.replicate);
        assert_eq!(key, (alone.trial_id.clone(), alone.replicate));
        assert_eq!(measured(now), measured(alone), "to the bit");
        let is_new = now.timing != first.timing;
        assert_eq!(is_new, failed.contains(&key), "{key:?}: only what had failed was trained again");
    }
    assert_eq!(resume(folder, GOOD, true, false).end, End::AlreadyThere, "nothing failed");
}

#[test]
fn a_run_without_its_journals_is_not_tried_again() {
    let folder = TempDir::new().unwrap();
    resume(folder.path(), BAD, false, false);
    std::fs::remove_dir_all(root(folder.path()).join("jobs")).unwrap();
    let options = RunOptions { out: Some(root(folder.path())), resume: true, retry_failed: true, ..Default::default() };
    let error = run_unlocked(folder.path(), BAD, &options, &Stop::default()).unwrap_err();
    assert!(error.to_string().contains("its journals are gone"), "{error}");
    assert_eq!(rows(folder.path()).len(), 4);
}
