//! Parsing against what a real Slurm said (`tests/slurm/record`), and the tracker against what has been seen to happen.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::config;
use super::record::{Record, ranges};
use super::script::Batch;
use super::squeue::{Exit, Sighting, State, in_words, parse, parse_sacct};
use super::track::{Mark, Over, Phase, Tracker, describe};
use focalsweep_core::plan::{self, Job, Plan};
use focalsweep_core::spec::SlurmSpec;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../tests/slurm/fixtures/", $name))
    };
}

fn by_task(seen: &[Sighting], name: &str) -> BTreeMap<usize, (State, u8, u8, u32)> {
    let seen = seen.iter().filter(|s| s.name == name || s.name.is_empty());
    seen.map(|s| (s.task, (s.state, s.exit.code, s.exit.signal, s.restarts))).collect()
}

#[test]
fn squeue_as_recorded() {
    let seen = parse(recorded!("squeue-mixed.txt"));
    let tasks = by_task(&seen, "recorded");
    assert_eq!(seen.len(), 10);
    assert_eq!(tasks[&0], (State::Completed, 0, 0, 0));
    assert_eq!(tasks[&1], (State::Failed, 3, 0, 0));
    assert_eq!(tasks[&2], (State::Failed, 0, 9, 0));
    assert_eq!(tasks[&3], (State::Cancelled, 0, 15, 0));
    assert_eq!(tasks[&4], (State::Waiting, 0, 0, 1), "requeued");
    assert!(
        seen.iter().all(|s| s.name == "recorded" && s.array_job > 0 && s.node.starts_with("node") == (s.task != 4))
    );
    assert_eq!(in_words(&seen), "4 running, 1 waiting (BeginTime)");
    let late = parse(recorded!("squeue-late.txt"));
    let tasks = by_task(&late, "recorded");
    assert_eq!(tasks[&5].0, State::Timeout);
    let tasks = by_task(&late, "recorded-2");
    assert_eq!(tasks[&3], (State::NodeFail, 0, 0, 0), "a failed node has the exit code of success");
    assert_eq!(parse("").len() + parse("nonsense\n1|2\n||||||||\n").len(), 0);
}

#[test]
fn sacct_as_recorded() {
    let seen = parse_sacct(recorded!("sacct.txt"));
    let states: Vec<(usize, State)> = seen.iter().map(|s| (s.task, s.state)).collect();
    assert!(states.contains(&(1, State::Failed)) && states.contains(&(3, State::Cancelled)), "{states:?}");
    assert!(states.contains(&(5, State::Timeout)) && states.contains(&(8, State::Running)), "{states:?}");
    let failed = seen.iter().find(|s| s.task == 1 && s.state == State::Failed);
    assert_eq!(failed.map(|s| s.exit), Some(Exit { code: 3, signal: 0 }));
}

#[test]
fn limits_as_recorded() {
    assert_eq!(config::parse(recorded!("config.txt")).tasks, 1001);
    let tight = "MaxArraySize = 5000\nSchedulerParameters = defer,max_array_tasks=64\n";
    assert_eq!(config::parse(tight).tasks, 64);
    assert_eq!(config::parse("").tasks, 1001);
}

fn full() -> SlurmSpec {
    SlurmSpec {
        partition: Some("gpu".into()),
        account: Some("lab".into()),
        qos: Some("high".into()),
        time: Some("2:00".into()),
        cpus_per_task: Some(8),
        mem: Some("32G".into()),
        gpus: Some("a100:2".into()),
        constraint: Some("ib&ssd".into()),
        array_parallelism: Some(10),
        setup: vec!["module load cuda".into(), "ulimit -c 0".into()],
        sbatch: vec!["--comment=two words".into(), "--exclude=node7".into()],
        ..SlurmSpec::default()
    }
}

#[test]
fn the_script() {
    let slurm = full();
    let batch = |slurm, run_dir| Batch {
        slurm,
        program: "/opt/focal sweep/bin/focalsweep",
        run_dir,
        first: 0,
        trainer: "stack",
        pack: 3,
        library_path: Some("/opt/libtorch/lib"),
        torch: Some("/opt/focal sweep/focalsweep-torch"),
    };
    let text = batch(&slurm, "/home/it's me/100%/runs/a").text();
    insta::assert_snapshot!("script", text);
    let text_in = |run_dir| batch(&slurm, run_dir).text();
    assert!(text_in("/home/it's").contains("#SBATCH \"--output=/home/it's/slurm/%A_%a.log\"\n"));
    assert!(text_in("/home/it's").contains(" worker \"/home/it's\" --pack 3 &\n"));
    let later = Batch { first: 42, ..batch(&slurm, "/a") }.text();
    assert!(later.contains("task N trains jobs 42+3*N to 42+3*N+2 of"), "{later}");
    assert!(later.contains(" worker /a --first 42 --pack 3 &\n"), "{later}");
    let command = Batch { trainer: "gbm", ..batch(&slurm, "/a") }.text();
    assert!(command.contains(" worker /a --trainer gbm --pack 3 &\n") && !command.contains("--signal="), "{command}");
    assert!(command.contains("those count alone that `gbm` trains"), "{command}");
    // bash has the last word on its own syntax.
    for text in [text, batch(&SlurmSpec::default(), "/a").text()] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submit.sh");
        std::fs::write(&path, text).unwrap();
        match std::process::Command::new("bash").arg("-n").arg(path).output() {
            Ok(said) => assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr)),
            Err(error) => eprintln!("skipped: no bash ({error})"),
        }
    }
}

#[test]
fn the_warning_is_shorter_than_the_time() {
    let slurm = full();
    for (time, warning) in [
        (None, 60),
        (Some("1"), 15),
        (Some("0:20"), 5),
        (Some("4"), 60),
        (Some("0:02:00"), 30),
        (Some("1-0"), 60),
        (Some("0-0:1"), 15),
        (Some("3600:00"), 60),
        (Some("0"), 60),
        (Some("UNLIMITED"), 60),
    ] {
        let slurm = SlurmSpec { time: time.map(str::to_owned), ..slurm.clone() };
        let batch = Batch {
            slurm: &slurm,
            program: "/f",
            run_dir: "/r",
            first: 0,
            trainer: "stack",
            pack: 1,
            library_path: None,
            torch: None,
        };
        let text = batch.text();
        assert!(text.contains(&format!("--signal=B:TERM@{warning} ")), "{time:?}: {text}");
    }
}

#[test]
fn a_wave_has_tasks_of_its_own() {
    let job = |number: usize| Job {
        job_id: format!("job-{number:05}"),
        replicate: 0,
        first: number,
        count: 1,
        phase: plan::Phase::Search,
        epochs: None,
    };
    let plan = Plan { trials: 7, replicates: 1, jobs: (0..7).map(job).collect(), waves: vec![0, 4] };
    let own = plan::Hyperparameters::built_in(focalsweep_core::spec::Loss::Bce);
    let spec = "name: t\ndata: {source: d.csv, label: y}\ntrainers: {t: {command: [x]}}\n\
                parameters: {trainer: {value: t}, n: {values: [0, 1, 2, 3, 4, 5, 6]}}\n";
    let spec = focalsweep_core::spec::parse("t", spec).unwrap();
    let of_command = plan::Trials::new(&spec).unwrap();
    // Our own come first.
    let two = of_command.get(0);
    let trials =
        plan::Trials::listed(vec![own.clone(), own.clone(), own.clone(), own.clone(), own, two, of_command.get(1)]);
    let ids = |first, trainer, task| {
        let record = Record::new("a", (first, trainer), 2);
        record.jobs_of((&plan, &trials), task).iter().map(|job| job.first).collect::<Vec<_>>()
    };
    assert_eq!((ids(0, "stack", 1), ids(4, "stack", 0), ids(0, "stack", 3)), (vec![2, 3], vec![4], vec![]));
    assert_eq!((ids(0, "t", 0), ids(6, "t", 0), ids(0, "t", 1), ids(0, "u", 0)), (vec![5, 6], vec![6], vec![], vec![]));
    assert!(ids(9, "stack", 0).is_empty());
}

#[test]
fn names_of_submissions_are_in_use_once() {
    let mut record = Record::new("überfällig 1", (0, "stack"), 2);
    let names = [record.intend(&[0, 1, 2]), record.intend(&[5])];
    assert!(names[0].starts_with("focalsweep--berf-llig-1-") && names[0].ends_with("-1"), "{names:?}");
    assert_ne!(names[0], names[1]);
    let name = || Record::new("a", (0, "stack"), 1).name;
    assert_ne!(name(), name());
}

proptest! {
    #[test]
    fn ranges_name_every_number_once(numbers in proptest::collection::btree_set(0_usize..200, 0..80)) {
        let numbers: Vec<usize> = numbers.into_iter().collect();
        let text = ranges(&numbers);
        let parts = text.split(',').filter(|part| !part.is_empty());
        let again: Vec<usize> = parts.flat_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            first.parse::<usize>().unwrap()..=last.parse().unwrap()
        }).collect();
        prop_assert_eq!(again, numbers);
    }
}

// --- the tracker

fn sighting(array_job: u64, task: usize, state: State, exit: (u8, u8)) -> Sighting {
    Sighting {
        array_job,
        task,
        state,
        word: format!("{state:?}").to_uppercase(),
        exit: Exit { code: exit.0, signal: exit.1 },
        node: "node1".into(),
        restarts: 0,
        name: "n".into(),
        reason: "None".into(),
    }
}

/// Looks until the tracker has judged, as far as `mark` says each time.
fn settle(tracker: &mut Tracker, queue: &[Sighting], rows: &[usize], mark: Mark) {
    for _ in 0..5 {
        tracker.look(Some(queue), rows, |_| mark);
    }
}

/// A tracker of one task of ten rows that was submitted and seen.
fn live(state: State) -> Tracker {
    let mut tracker = Tracker::new(&[10]);
    tracker.look(Some(&[]), &[0], |_| Mark::default());
    assert_eq!(tracker.to_submit(), [0]);
    tracker.submitted(&[0]);
    tracker.look(Some(&[sighting(1, 0, state, (0, 0))]), &[0], |_| Mark::default());
    assert!(tracker.any_live());
    tracker
}

#[test]
fn who_is_submitted_again_and_how_often() {
    for (state, exit, times) in [
        (State::NodeFail, (0, 0), 3),
        (State::Timeout, (0, 15), 3),
        (State::Preempted, (0, 15), 3),
        (State::Failed, (130, 0), 3),
        (State::Failed, (0, 9), 1),
        (State::Failed, (101, 0), 1),
        (State::Completed, (0, 0), 1),
        (State::Failed, (2, 0), 0),
        (State::Failed, (3, 0), 0),
        (State::OutOfMemory, (0, 125), 0),
        (State::Cancelled, (0, 15), 0),
    ] {
        let mut tracker = live(State::Running);
        let mut submissions = 0;
        for array_job in 1..10 {
            settle(&mut tracker, &[sighting(array_job, 0, state, exit)], &[4], Mark::default());
            if tracker.to_submit() != [0] {
                break;
            }
            submissions += 1;
            tracker.submitted(&[0]);
            tracker.look(Some(&[sighting(array_job + 1, 0, State::Running, (0, 0))]), &[4], |_| Mark::default());
        }
        assert_eq!(submissions, times, "{state:?} {exit:?}");
        assert!(tracker.is_over());
        let [Phase::GivenUp(over)] = &tracker.phases().collect::<Vec<_>>()[..] else { panic!("{state:?}") };
        assert!(!describe(over).is_empty());
    }
}

#[test]
fn a_task_that_comes_further_is_submitted_for_ever() {
    let mut tracker = live(State::Running);
    for round in 1..50_u64 {
        let mark = Mark { rows: 4, updates: round };
        settle(&mut tracker, &[sighting(round, 0, State::Timeout, (0, 15))], &[4], mark);
        assert_eq!(tracker.to_submit(), [0], "round {round}");
        tracker.submitted(&[0]);
    }
}

#[test]
fn rows_count_more_than_states() {
    let mut tracker = live(State::Running);
    tracker.look(Some(&[sighting(1, 0, State::Failed, (1, 0))]), &[10], |_| Mark::default());
    assert!(tracker.is_over() && tracker.phases().all(|phase| *phase == Phase::Done));
}

#[test]
fn a_copy_that_lives_counts_more_than_one_that_is_over() {
    let mut tracker = live(State::Running);
    let queue = [sighting(1, 0, State::Running, (0, 0)), sighting(2, 0, State::Failed, (1, 0))];
    settle(&mut tracker, &queue, &[4], Mark::default());
    assert!(tracker.any_live() && tracker.to_submit().is_empty());
}

#[test]
fn a_task_without_a_record() {
    // Cancelled while it waited: nothing tells.
    let mut tracker = live(State::Waiting);
    settle(&mut tracker, &[], &[0], Mark::default());
    let gone = Phase::GivenUp(Over::Gone { running: false });
    assert_eq!(tracker.phases().collect::<Vec<_>>(), [&gone]);
    // The records of a controller that was killed are lost.
    for (state, outage) in [(State::Running, false), (State::Waiting, true)] {
        let mut tracker = live(state);
        if outage {
            tracker.look(None, &[0], |_| Mark::default());
        }
        settle(&mut tracker, &[], &[0], Mark::default());
        assert_eq!(tracker.to_submit(), [0], "{state:?}, outage {outage}");
    }
    // Accounting remembers.
    let mut tracker = live(State::Running);
    tracker.look(Some(&[]), &[0], |_| Mark::default());
    assert_eq!(tracker.gone(), [0]);
    tracker.recall(&sighting(1, 0, State::OutOfMemory, (0, 9)));
    assert_eq!(tracker.gone(), [0_usize; 0]);
    settle(&mut tracker, &[], &[0], Mark::default());
    assert!(tracker.is_over(), "out of memory is not tried again");
}

#[test]
fn lines_that_come_late_are_waited_for() {
    let mut tracker = live(State::Running);
    let over = [sighting(1, 0, State::Completed, (0, 0))];
    for rows in [4, 4, 9, 10] {
        tracker.look(Some(&over), &[rows], |_| Mark::default());
        assert!(tracker.to_submit().is_empty());
    }
    assert!(tracker.is_over());
}

#[test]
fn a_later_process_attaches_or_submits() {
    let queue = [
        sighting(7, 0, State::Running, (0, 0)),
        sighting(7, 1, State::Cancelled, (0, 15)),
        sighting(7, 2, State::Waiting, (0, 0)),
    ];
    let mut tracker = Tracker::new(&[10; 5]);
    tracker.look(None, &[0, 0, 0, 0, 10], |_| Mark::default());
    tracker.look(Some(&queue), &[0, 0, 0, 0, 10], |_| Mark::default());
    assert_eq!(tracker.to_submit(), [1, 3], "what was cancelled and what is forgotten; not what lives or is done");
}

proptest! {
    /// Whatever the queue says: nothing is submitted that is done or was just seen alive, and without progress the
    /// number of submissions is bounded.
    #[test]
    fn submissions_are_bounded_and_never_double(looks in proptest::collection::vec((0_u8..12, any::<bool>()), 1..400)) {
        let mut tracker = Tracker::new(&[10]);
        let mut submissions = 0;
        for (what, answered) in looks {
            let state = [
                State::Waiting, State::Running, State::Completed, State::Failed, State::Cancelled, State::Timeout,
                State::OutOfMemory, State::NodeFail, State::Preempted,
            ].get(usize::from(what)).copied();
            let state = state.filter(|_| submissions > 0);
            let queue: Vec<Sighting> =
                state.map(|state| sighting(submissions, 0, state, (130, 0))).into_iter().collect();
            tracker.look(answered.then_some(&queue[..]), &[4], |_| Mark { rows: 4, updates: 0 });
            let alive = answered && queue.iter().any(|s| s.state.is_live());
            if !tracker.to_submit().is_empty() {
                prop_assert!(!alive);
                tracker.submitted(&[0]);
                submissions += 1;
            }
        }
        prop_assert!(submissions <= 5, "{submissions}");
    }
}
