//! Devices that exist on paper: how a pool would do, and what becomes of its jobs when devices fail.
//!
//! A discrete-event simulation around the real [`Scheduler`]: nothing here decides which job runs where. It tests the
//! scheduler, and answers what more devices would bring (`cargo run --release --example scaling`).

use super::scheduler::{DeviceSlots, Next, Scheduler, Task};
use focalsweep_core::plan::Job;
use focalsweep_core::record::Change;
use focalsweep_engine::job::JobEnd;

/// How long after a job's start a device without room for it says so, as a share of the job.
const OUT_OF_MEMORY_AFTER: f64 = 0.01;
/// How soon a waiting slot asks again when nothing ends, in jobs of one trial.
const PATIENCE: f64 = 0.5;

/// A device on paper.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedDevice {
    /// What the scheduler sees of it.
    pub slots: DeviceSlots,
    /// Cost that one of its slots does in a second.
    pub speed: f64,
    /// Most trials x unit that one of its slots holds.
    pub memory: f64,
    /// From when on every job fails on it.
    pub dies_at: Option<f64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// When the last job ended.
    pub makespan: f64,
    /// Cost of all that ran, whether it was of use or not.
    pub spent: f64,
    /// Seconds that each device's slots worked.
    pub busy: Vec<f64>,
    /// Jobs that were done, with the device of each.
    pub done: Vec<(Job, usize)>,
    /// Jobs that nobody can train.
    pub given_up: Vec<Job>,
    /// Devices that were taken out.
    pub out: Vec<String>,
    /// How often a stack was cut.
    pub cuts: usize,
    /// Jobs that were left when no device was.
    pub left: usize,
}

/// A job under way.
struct Running {
    slot: usize,
    job: Job,
    started: f64,
    ends: f64,
    end: JobEnd,
}

/// Runs `tasks` on `devices`, where a stack costs `overhead` trials beside its own. `factor` is what a job really takes
/// of its expected time (1 without early stopping).
pub fn simulate(
    devices: &[SimulatedDevice],
    overhead: usize,
    tasks: Vec<Task>,
    mut factor: impl FnMut(&Job) -> f64,
) -> Outcome {
    let unit = tasks.iter().map(|task| task.unit).fold(f64::INFINITY, f64::min);
    let units: std::collections::HashMap<String, f64> =
        tasks.iter().map(|task| (task.job.job_id.clone(), task.unit)).collect();
    let seen: Vec<DeviceSlots> = devices.iter().map(|device| device.slots.clone()).collect();
    let of_slot: Vec<usize> =
        devices.iter().enumerate().flat_map(|(at, device)| std::iter::repeat_n(at, device.slots.slots)).collect();
    let mut scheduler = Scheduler::new(&seen, overhead, tasks);
    let mut outcome = Outcome {
        makespan: 0.0,
        spent: 0.0,
        busy: vec![0.0; devices.len()],
        done: Vec::new(),
        given_up: Vec::new(),
        out: Vec::new(),
        cuts: 0,
        left: 0,
    };
    let mut now = 0.0;
    let mut free: Vec<usize> = (0..of_slot.len()).collect();
    let mut running: Vec<Running> = Vec::new();
    loop {
        // Every free slot asks; a change of one may be work for another.
        let mut waits = Vec::new();
        for slot in std::mem::take(&mut free) {
            let device = &devices[of_slot[slot]];
            match scheduler.next(slot, now) {
                Next::Run(job, changes) => {
                    outcome.take(changes);
                    let unit =
                        units.get(job.ancestors().last().copied().unwrap_or(&job.job_id)).copied().unwrap_or(1.0);
                    let needs = unit * job.count as f64;
                    let seconds = unit * (overhead + job.count) as f64 * factor(&job) / device.speed;
                    let (mut ends, mut end) = (now + seconds, JobEnd::Done);
                    if needs > device.memory {
                        (ends, end) = (now + OUT_OF_MEMORY_AFTER * seconds, JobEnd::OutOfMemory("no room".into()));
                    }
                    if device.dies_at.is_some_and(|dies| dies < ends) {
                        let dies = device.dies_at.unwrap_or(now);
                        (ends, end) =
                            (dies.max(now + OUT_OF_MEMORY_AFTER * seconds), JobEnd::DeviceFailed("dead".into()));
                    }
                    running.push(Running { slot, job, started: now, ends, end });
                }
                Next::Wait => waits.push(slot),
                Next::Quit => {}
            }
        }
        let next = running.iter().map(|run| run.ends).fold(f64::INFINITY, f64::min);
        if next.is_infinite() {
            break;
        }
        let patience = devices.iter().map(|device| PATIENCE * unit / device.speed).fold(f64::INFINITY, f64::min);
        now = if waits.is_empty() { next } else { next.min(now + patience) };
        free = waits;
        let (over, on): (Vec<Running>, Vec<Running>) = running.into_iter().partition(|run| run.ends <= now);
        running = on;
        for run in over {
            let device = of_slot[run.slot];
            outcome.busy[device] += run.ends - run.started;
            outcome.spent += (run.ends - run.started) * devices[device].speed;
            outcome.makespan = outcome.makespan.max(run.ends);
            if run.end == JobEnd::Done {
                outcome.done.push((run.job, device));
            }
            outcome.take(scheduler.ended(run.slot, run.ends, run.end));
            free.push(run.slot);
        }
    }
    outcome.left = scheduler.left();
    outcome
}

impl Outcome {
    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Cut { .. } => self.cuts += 1,
                Change::DeviceOut { device, .. } => self.out.push(device),
                Change::GaveUp { job, .. } => self.given_up.push(job),
            }
        }
    }
}
