//! Two processes and one run: whoever comes second waits, goes on, or finds all rows there; no row is ever lost.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use focalsweep::run::{End, Observer, Outcome, Quiet, RunError, RunOptions, Sweep};
use focalsweep_core::record::RunDirError;
use focalsweep_core::spec::{self, Spec};
use focalsweep_engine::job::Stop;
use proptest::test_runner::{Config, TestRunner};
use same::assert_same_runs;
use tempfile::TempDir;

fn spec_of(folder: &Path) -> Spec {
    let source = serde_json::to_string(&folder.join("rows.parquet")).unwrap();
    let text = format!(
        "name: t\ndata: {{source: {source}, synth: {{rows: 200, features: 3, positives: 60}}, label: Class}}\n\
         train: {{epochs: 3, batch_size: 50, early_stopping: none}}\nlaunch: {{devices: cpu, slots_per_device: 1}}\n\
         parameters: {{loss: {{value: focal}}, gamma: {{values: [0, 1]}}, hidden: {{values: [[], [4]]}}}}\n"
    );
    spec::parse("t", &text).unwrap()
}

fn run(folder: &Path, dir: &Path, stop: &Stop, observer: &mut dyn Observer) -> Result<Outcome, RunError> {
    let options = RunOptions { out: Some(dir.to_owned()), resume: true, ..RunOptions::default() };
    Sweep::new(spec_of(folder), options)?.run(stop, observer)
}

/// Held at each thing that it hears, for some of `holds` microseconds in turn; asks to stop at the `stop`th.
struct Held {
    holds: Vec<u16>,
    heard: usize,
    stop: Option<(usize, Stop)>,
}

impl Held {
    fn hold(&mut self) {
        let micros = self.holds[self.heard % self.holds.len()];
        thread::sleep(Duration::from_micros(u64::from(micros)));
        self.heard += 1;
        if let Some((at, stop)) = &self.stop
            && self.heard > *at
        {
            stop.request();
        }
    }
}

impl Observer for Held {
    fn say(&mut self, _: &str) {
        self.hold();
    }

    fn locked(&mut self, _: &Path) {
        self.hold();
    }

    fn progress(&mut self, _: &focalsweep::launch::Tally) {
        self.hold();
    }

    fn trained(&mut self) {
        self.hold();
    }
}

/// The second begins at a random moment of the first's life, which is held and released at random, and may be
/// interrupted: 200 times.
#[test]
fn a_second_resume_never_takes_a_row_away() {
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole");
    let started = Instant::now();
    run(folder.path(), &whole, &Stop::default(), &mut Quiet).unwrap();
    let life = u64::try_from(started.elapsed().as_micros()).unwrap();
    let [locked, there, went_on] = [(); 3].map(|()| Cell::new(0));
    let count = |of: &Cell<u32>| of.set(of.get() + 1);
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let moments = (0..2 * life, proptest::collection::vec(0u16..3000, 1..6), proptest::option::of(0usize..8));
    runner
        .run(&moments, |(moment, holds, stop_at)| {
            let dir = folder.path().join("run");
            let _ = fs::remove_dir_all(&dir);
            let stop = Stop::default();
            let first = {
                let (folder, dir, stop) = (folder.path().to_owned(), dir.clone(), stop.clone());
                thread::spawn(move || {
                    let mut held = Held { holds, heard: 0, stop: stop_at.map(|at| (at, stop.clone())) };
                    run(&folder, &dir, &stop, &mut held)
                })
            };
            thread::sleep(Duration::from_micros(moment));
            let second = run(folder.path(), &dir, &Stop::default(), &mut Quiet);
            let first = first.join().unwrap();
            match &second {
                Err(RunError::RunDir(RunDirError::Locked(_))) => count(&locked),
                Ok(outcome) if outcome.end == End::AlreadyThere => count(&there),
                Ok(outcome) => {
                    assert_eq!(outcome.end, End::Finished);
                    count(&went_on);
                }
                Err(error) => panic!("the second: {error}"),
            }
            match &first {
                Ok(_) | Err(RunError::RunDir(RunDirError::Locked(_))) => {}
                Err(error) => panic!("the first: {error}"),
            }
            let rows = |outcome: &Result<Outcome, RunError>| {
                outcome.as_ref().map_or(0, |outcome| outcome.manifest.counts.rows)
            };
            let seen = rows(&first).max(rows(&second));
            let last = run(folder.path(), &dir, &Stop::default(), &mut Quiet).unwrap();
            assert!(last.manifest.counts.rows >= seen);
            assert_same_runs(&dir, &whole);
            Ok(())
        })
        .unwrap();
    let [locked, there, went_on] = [locked, there, went_on].map(Cell::into_inner);
    println!("{locked} found it locked, {there} found all there, {went_on} went on");
    assert!(locked > 0 && there > 0 && went_on > 0, "{locked} locked, {there} there, {went_on} went on");
}
