//! Jobs on this machine: one rayon worker a slot, and the [`Scheduler`] says what each does next.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPoolBuilder;

use super::devices::{PoolDevice, Trainer, stacking};
use super::error::LaunchError;
use super::scheduler::{DeviceSlots, Next, Scheduler, Task};
use super::tally::Tally;
use super::torch::TorchPool;
use focalsweep_core::plan::{Job, Plan};
use focalsweep_core::record::{Change, Journals, LaunchLog, RunDirError, State, jobs_now};
use focalsweep_engine::job::{Event, JobDevice, JobEnd, JobError, Work, cut_checkpoint, ended, give_up, run_job};
use focalsweep_engine::memory;
use focalsweep_engine::train::{self, FusedKernels};

/// How often people are told when nothing happens, and an idle slot asks again.
const TICK: Duration = Duration::from_millis(100);

/// Jobs and the devices of this machine that they run on.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// What the jobs share.
    pub work: Work<'a>,
    /// The jobs.
    pub plan: &'a Plan,
    /// Where they run.
    pub pool: &'a [PoolDevice],
}

/// What the workers share.
struct Shared<'a> {
    local: &'a Local<'a>,
    started: Instant,
    board: Mutex<Board>,
    /// A job has ended.
    changed: Condvar,
    /// The children that hold libtorch, where it trains.
    torch: Option<TorchPool>,
}

/// What has to be one person's at a time.
struct Board {
    scheduler: Scheduler,
    log: LaunchLog,
    /// Why no more work is to begin.
    broken: Option<LaunchError>,
    /// What the last device that was taken out said.
    last_words: String,
}

/// Runs what is missing of `work` and returns when all jobs are over or the stop flag has ended them. `watch` is called
/// in this thread, after each event and at every tick.
///
/// # Errors
/// A result could not be saved, no worker could start, or no device is left that works.
pub fn run(local: &Local<'_>, mut watch: impl FnMut(&Tally)) -> Result<Tally, LaunchError> {
    let Local { work, plan, pool } = local;
    let jobs_folder = work.dir.jobs();
    let broken = |why: std::io::Error| LaunchError::RunDir(RunDirError::io(&jobs_folder, why));
    let (log, changes) = match plan.jobs.first() {
        Some(first) if work.dir.is_shared() => LaunchLog::of_worker(&jobs_folder, &first.job_id).map_err(broken)?,
        _ => LaunchLog::open(&jobs_folder).map_err(broken)?,
    };
    let jobs = jobs_now(plan, &changes);
    let journals = Journals::list(&jobs_folder).map_err(broken)?;
    let mut tasks = Vec::new();
    let mut units = Units::default();
    let (mut done, mut failed) = (0, 0);
    for job in &jobs {
        let there = rows_there(work, job, &journals)?;
        (done, failed) = (done + there.0, failed + there.1);
        if there.0 < job.count {
            tasks.push(Task::new(job.clone(), units.of(work, job)?));
        }
    }
    let rows = jobs.iter().map(|job| job.count).sum();
    let over = tasks.is_empty();
    let mut tally = Tally::new(jobs.len(), jobs.len() - tasks.len(), rows, done, failed);
    let devices: Vec<DeviceSlots> = pool
        .iter()
        .map(|device| DeviceSlots { name: device.name(), model: device.model.clone(), slots: device.slots })
        .collect();
    let workers = devices.iter().map(|device| device.slots).sum();
    let no_threads = |why: String| LaunchError::Threads { workers, why };
    memory::holds_threads(workers)
        .map_err(|short| no_threads(format!("no room for their stacks in {}", memory::in_words(short.most))))?;
    let threads = ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|index| format!("worker-{index}"))
        .build()
        .map_err(|why| no_threads(why.to_string()))?;
    let board = Board {
        scheduler: Scheduler::new(&devices, stacking(pool).overhead, tasks),
        log,
        broken: None,
        last_words: String::new(),
    };
    let torch = if !over && pool.iter().any(|device| device.trainer == Trainer::Libtorch) {
        // The children map the rows that this process has prepared.
        for replicate in work.replicates {
            work.dir.write_prepared(work.whole(replicate)?.as_ref(), work.data_fingerprint)?;
        }
        Some(TorchPool::new(pool, work.dir.root())?)
    } else {
        None
    };
    let shared = Shared { local, started: Instant::now(), board: Mutex::new(board), changed: Condvar::new(), torch };
    watch(&tally);
    let (sender, events) = mpsc::channel();
    threads.in_place_scope(|scope| {
        let slots = pool.iter().enumerate().flat_map(|(at, device)| std::iter::repeat_n(at, device.slots));
        for (slot, device) in slots.enumerate() {
            let (sender, shared) = (sender.clone(), &shared);
            scope.spawn(move |_| shared.work_on(slot, device, &sender));
        }
        drop(sender);
        loop {
            match events.recv_timeout(TICK) {
                Ok(event) => tally.take(&event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            watch(&tally);
        }
    });
    let board = shared.board.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (board.broken, board.scheduler.left()) {
        (Some(error), _) => Err(error),
        (None, left) if left > 0 && !work.stop.requested() => {
            Err(LaunchError::NoDeviceLeft { left, why: board.last_words })
        }
        // Rows that another copy of a task ended meanwhile are there, though no event told of them.
        _ if tally.done < tally.rows && !work.stop.requested() => {
            let journals = Journals::list(&jobs_folder).map_err(broken)?;
            (tally.done, tally.failed) = (0, 0);
            for job in &jobs {
                let (done, failed) = rows_there(work, job, &journals)?;
                tally.done += done;
                tally.failed += failed;
            }
            Ok(tally)
        }
        _ => Ok(tally),
    }
}

/// Rows of a job that are in journals, and how many of them failed.
fn rows_there(work: &Work<'_>, job: &Job, journals: &Journals) -> Result<(usize, usize), JobError> {
    let entries = ended(work, job, journals)?;
    Ok((entries.len(), entries.iter().filter(|entry| entry.row.state == State::Failed).count()))
}

/// What a trial of each shape costs, from one trial of it: parameters that each row passes.
#[derive(Default)]
struct Units(HashMap<usize, f64>);

impl Units {
    fn of(&mut self, work: &Work<'_>, job: &Job) -> Result<f64, JobError> {
        let data = work.data(job)?;
        let groups = work.trials.groups();
        let group = groups.partition_point(|group| group.end <= job.first);
        let cost = || train::cost(&work.trials.get(job.first), &data.train, data.features.len());
        Ok(*self.0.entry(group).or_insert_with(cost))
    }
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn device(&self, index: usize) -> JobDevice<'_> {
        let PoolDevice { device, model, .. } = &self.local.pool[index];
        JobDevice { device: *device, model, backends: &FusedKernels }
    }

    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// One slot from its first job to its last.
    fn work_on(&self, slot: usize, device: usize, events: &Sender<Event>) {
        let mut state = self.lock();
        while state.broken.is_none() && !self.local.work.stop.requested() {
            match state.scheduler.next(slot, self.now()) {
                Next::Quit => break,
                Next::Wait => {
                    let waited = self.changed.wait_timeout(state, TICK);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Next::Run(job, changes) => {
                    let recorded = self.record(&mut state, &changes, device, events);
                    drop(state);
                    let end = recorded.and_then(|()| self.train(slot, device, &job, &told(events)));
                    state = self.lock();
                    let recorded = end.and_then(|end| {
                        if let JobEnd::DeviceFailed(why) = &end {
                            state.last_words.clone_from(why);
                        }
                        let changes = state.scheduler.ended(slot, self.now(), end);
                        self.record(&mut state, &changes, device, events)
                    });
                    if let Err(error) = recorded {
                        state.broken.get_or_insert(error);
                    }
                    self.changed.notify_all();
                }
            }
        }
        self.changed.notify_all();
    }

    /// Trains what is missing of a job, here or in a child.
    fn train(&self, slot: usize, device: usize, job: &Job, events: &dyn Fn(Event)) -> Result<JobEnd, LaunchError> {
        let (work, on) = (&self.local.work, &self.local.pool[device]);
        match &self.torch {
            Some(torch) if on.trainer == Trainer::Libtorch => torch.run(slot, on, job, work.stop, events),
            _ => Ok(run_job(work, job, self.device(device), events)?),
        }
    }

    /// Makes changes last, and does what follows from them.
    fn record(
        &self,
        state: &mut Board,
        changes: &[Change],
        device: usize,
        events: &Sender<Event>,
    ) -> Result<(), LaunchError> {
        let broken = |why| LaunchError::RunDir(RunDirError::Io { path: self.local.work.dir.jobs(), why });
        for change in changes {
            if let Change::Cut { job_id, into, .. } = change {
                // Before the line that makes the halves take the job's place.
                cut_checkpoint(&self.local.work, job_id, into).map_err(broken)?;
            }
            state.log.append(change).map_err(broken)?;
            match change {
                Change::Cut { job_id, into, why } => {
                    let trials = into.each_ref().map(|job| job.count);
                    tracing::info!(job = job_id, ?trials, why, "stack cut in two");
                    // Nobody listens only when the launcher is gone, and then there is nobody to tell.
                    let _ = events.send(Event::JobCut);
                }
                Change::DeviceOut { device, why } => tracing::error!(device, why, "taken out: it failed too often"),
                Change::GaveUp { job, why } => {
                    give_up(&self.local.work, job, self.device(device), why, &told(events))?;
                }
            }
        }
        Ok(())
    }
}

/// Sends events on. Nobody listens only when the launcher is gone, and then there is nobody to tell.
fn told(events: &Sender<Event>) -> impl Fn(Event) {
    |event| drop(events.send(event))
}
