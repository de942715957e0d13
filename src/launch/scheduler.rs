//! Which job runs where, decided on plain data: no thread, no clock, no device.
//!
//! A free slot asks for its [`Next`] job; how a job ended is told by [`Scheduler::ended`]. Work is handed out only when
//! a slot is free. As long as there is much to do jobs are taken in turn, of all replicates the first, of each size
//! one, so that whoever stops early has some of everything; then the largest first, so that devices of unequal speed
//! end together. Near the end, when the jobs that are left would not come out even, a stack is cut in two (largest
//! first is Graham's rule of 1969, SIAM J. Appl. Math. 17(2); what it leaves uneven, the cut evens out). What the
//! scheduler changes of the plan it tells as [`Change`]s, for the launcher to record before it acts.

use std::collections::{BTreeMap, BTreeSet};

use focalsweep_core::plan::Job;
use focalsweep_core::record::Change;
use focalsweep_engine::job::JobEnd;

/// Failures after which a device is taken out.
const DEVICE_FAILURES: u32 = 2;
/// Devices that may fail on a job before the job is thought to be the reason.
const JOB_FAILURES: usize = 3;
/// A job that takes less than this share of the time that is left does no harm wherever it runs.
const SMALL: f64 = 0.25;
/// The same where devices differ in speed, of what is taken in turn: what comes late there is harder to even out.
const SMALL_AMONG_UNEQUAL: f64 = 0.1;
/// How much later than the even end the jobs may end before one of them is cut.
const SLACK: f64 = 1.05;

/// A device as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSlots {
    /// `cpu` or `cuda:N`.
    pub name: String,
    /// Model of the device; those of one model are of one speed and one memory.
    pub model: String,
    /// Jobs that run on it at once.
    pub slots: usize,
}

/// A job and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The job.
    pub job: Job,
    /// What one of its trials costs; any unit, the same for all tasks.
    pub unit: f64,
    /// Models on which it ran out of memory, by their index.
    refused: BTreeSet<usize>,
    /// Devices that failed on it.
    failed_on: BTreeSet<usize>,
    /// Its turn while there is much to do: its replicate, and its number among jobs of the same cost.
    turn: (u32, usize),
}

impl Task {
    /// A task that has not run yet.
    pub fn new(job: Job, unit: f64) -> Self {
        let turn = (job.replicate, 0);
        Self { job, unit, refused: BTreeSet::new(), failed_on: BTreeSet::new(), turn }
    }

    /// Its cost, where a stack costs `overhead` trials beside its own.
    pub fn cost(&self, overhead: usize) -> f64 {
        self.unit * (overhead + self.job.count) as f64
    }
}

/// What a free slot does.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Runs this job, after the changes are recorded.
    Run(Job, Vec<Change>),
    /// Asks again when a job has ended or some time has passed.
    Wait,
    /// There is nothing left for it.
    Quit,
}

/// The pool of devices and the jobs that are left.
#[derive(Debug)]
pub struct Scheduler {
    devices: Vec<Device>,
    models: Vec<Model>,
    /// The device of each slot.
    slots: Vec<usize>,
    /// Left, by cost, the largest last.
    queue: Vec<Task>,
    /// Cost of all of them.
    left_cost: f64,
    /// What a stack costs beside its trials; also the fewest trials that are worth a stack of their own.
    overhead: usize,
    /// Under way by slot, and since when.
    running: BTreeMap<usize, (Task, f64)>,
}

#[derive(Debug)]
struct Device {
    name: String,
    model: usize,
    failures: u32,
    out: bool,
}

/// What is known of all devices of one model.
#[derive(Debug, Default)]
struct Model {
    name: String,
    /// Cost of the jobs done, and the seconds that they took.
    done: (f64, f64),
    /// Trials x unit of the smallest task that found no room.
    no_room: Option<f64>,
}

/// The slots as they would come free, if the rest went as expected.
struct Forecast {
    /// When the last job would end if none were cut.
    uncut: f64,
    /// When all slots would end together.
    even: f64,
    /// Position in the queue of the job that would be the asking slot's next.
    own: Option<usize>,
}

impl Scheduler {
    /// Slots are numbered from 0, device after device in the order given. A stack costs `overhead` trials beside its
    /// own.
    pub fn new(devices: &[DeviceSlots], overhead: usize, tasks: Vec<Task>) -> Self {
        let mut pool = Self {
            devices: Vec::new(),
            models: Vec::new(),
            slots: Vec::new(),
            left_cost: tasks.iter().map(|task| task.cost(overhead)).sum(),
            overhead,
            queue: tasks,
            running: BTreeMap::new(),
        };
        for device in devices {
            let model = pool.models.iter().position(|model| model.name == device.model).unwrap_or_else(|| {
                pool.models.push(Model { name: device.model.clone(), ..Model::default() });
                pool.models.len() - 1
            });
            pool.slots.extend(std::iter::repeat_n(pool.devices.len(), device.slots));
            pool.devices.push(Device { name: device.name.clone(), model, failures: 0, out: false });
        }
        let mut of_cost: BTreeMap<(u32, u64), usize> = BTreeMap::new();
        for task in &mut pool.queue {
            let number = of_cost.entry((task.job.replicate, task.unit.to_bits())).or_default();
            task.turn = (task.job.replicate, *number);
            *number += 1;
        }
        pool.queue.sort_by(|a, b| a.cost(overhead).total_cmp(&b.cost(overhead)));
        pool
    }

    /// Jobs that no slot has ended.
    pub fn left(&self) -> usize {
        self.queue.len() + self.running.len()
    }

    /// What `slot`, which is free, does at `now` (seconds from any start).
    pub fn next(&mut self, slot: usize, now: f64) -> Next {
        let Device { model, out, .. } = self.devices[self.slots[slot]];
        if out || self.left() == 0 {
            return Next::Quit;
        }
        let Some((index, most)) = self.choose(slot, model, now) else { return Next::Wait };
        let mut task = self.queue.remove(index);
        self.left_cost -= task.cost(self.overhead);
        let mut changes = Vec::new();
        if most < task.job.count {
            let why = match self.models[model].no_room {
                Some(limit) if task.unit * task.job.count as f64 >= limit => "a larger stack found no room",
                _ => "so that all devices end together",
            };
            let [first, rest] = self.cut(&task, most, why, &mut changes);
            self.put_back(rest);
            task = first;
        }
        let job = task.job.clone();
        self.running.insert(slot, (task, now));
        Next::Run(job, changes)
    }

    /// Takes in how the job of `slot` ended at `now`; returns what that changes.
    pub fn ended(&mut self, slot: usize, now: f64, end: JobEnd) -> Vec<Change> {
        let Some((mut task, since)) = self.running.remove(&slot) else { return Vec::new() };
        let mut changes = Vec::new();
        let at = self.slots[slot];
        let Device { model, ref name, .. } = self.devices[at];
        match end {
            JobEnd::Done => {
                let (cost, seconds) = &mut self.models[model].done;
                *cost += task.cost(self.overhead);
                *seconds += now - since;
            }
            JobEnd::Interrupted => self.put_back(task),
            JobEnd::OutOfMemory(why) if task.job.count > 1 => {
                let needs = task.unit * task.job.count as f64;
                let limit = &mut self.models[model].no_room;
                *limit = Some(limit.map_or(needs, |least| least.min(needs)));
                let why = format!("out of memory on {name}: {why}");
                for half in self.cut(&task, task.job.count / 2, &why, &mut changes) {
                    self.put_back(half);
                }
            }
            JobEnd::OutOfMemory(why) => {
                task.refused.insert(model);
                let why = format!("out of memory on {name}, with one trial: {why}");
                self.put_back_if_anybody_can(task, &why, &mut changes);
            }
            JobEnd::DeviceFailed(why) => {
                let device = &mut self.devices[at];
                device.failures += 1;
                if device.failures >= DEVICE_FAILURES && !device.out {
                    device.out = true;
                    changes.push(Change::DeviceOut { device: device.name.clone(), why: why.clone() });
                }
                task.failed_on.insert(at);
                if task.failed_on.len() >= JOB_FAILURES {
                    let why = format!("{JOB_FAILURES} devices failed while they trained it, the last with: {why}");
                    changes.push(Change::GaveUp { job: task.job, why });
                } else {
                    self.put_back(task);
                }
                self.left_cost = 0.0;
                for task in std::mem::take(&mut self.queue) {
                    self.put_back_if_anybody_can(task, "no device that is left has room for it", &mut changes);
                }
            }
        }
        changes
    }

    /// Which task of the queue, and how many trials of it.
    fn choose(&self, slot: usize, model: usize, now: f64) -> Option<(usize, usize)> {
        let largest = self.queue.iter().rposition(|task| !task.refused.contains(&model))?;
        let alive = self.alive().count();
        let whole = |index: usize| Some((index, self.with_room(index, model)));
        let task = &self.queue[largest];
        let all: f64 = self.left_cost;
        let together: f64 = self.alive().map(|(_, device)| self.speed(self.devices[device].model)).sum();
        let measured = self.models[model].done.1 > 0.0 || self.models_alive() == 1;
        let share = task.cost(self.overhead) / self.speed(model) / (all / together);
        if measured && share <= SMALL {
            if self.models_alive() > 1 && share > SMALL_AMONG_UNEQUAL {
                return whole(largest);
            }
            let fits = |at: &usize| !self.queue[*at].refused.contains(&model);
            // Of one turn the largest.
            let next = (0..self.queue.len()).rev().filter(fits).min_by_key(|&at| self.queue[at].turn);
            return whole(next.unwrap_or(largest));
        }
        let trials = |cost: f64| (cost / task.unit) as usize;
        let cut_at = |most: usize| {
            let most = most.max(self.overhead);
            let worth = task.job.count >= most + self.overhead;
            worth.then(|| (largest, most.min(self.with_room(largest, model))))
        };
        if !measured {
            // Nobody knows how fast it is: a small piece tells, and a slow device is not left with much.
            return cut_at(trials(all / (2 * alive) as f64).saturating_sub(self.overhead)).or_else(|| whole(largest));
        }
        let forecast = self.forecast(slot, model, now);
        if forecast.uncut - now > SLACK * (forecast.even - now) {
            let share = trials(self.speed(model) * (forecast.even - now)).saturating_sub(self.overhead);
            if share >= task.job.count {
                return whole(largest);
            }
            if share >= self.overhead
                && let Some(cut) = cut_at(share)
            {
                return Some(cut);
            }
        }
        match forecast.own {
            Some(index) => whole(index),
            // Somebody else ends all of it sooner; but somebody has to be at work.
            None if self.running.is_empty() => whole(largest),
            None => None,
        }
    }

    /// Graham's rule on the rest of the queue with the speeds measured so far.
    fn forecast(&self, slot: usize, model: usize, now: f64) -> Forecast {
        let mut free: Vec<(usize, f64, f64)> = Vec::new(); // slot, when, speed
        for (slot, device) in self.alive() {
            let speed = self.speed(self.devices[device].model);
            let when = self
                .running
                .get(&slot)
                .map_or(now, |(task, since)| (since + task.cost(self.overhead) / speed).max(now));
            free.push((slot, when, speed));
        }
        let mut even = free.clone();
        even.sort_by(|a, b| a.1.total_cmp(&b.1));
        // The first slots together reach `all` at (all + Σ speed·when) / Σ speed, if the next is not free by then.
        let (mut speeds, mut debt, mut end) = (0.0, self.left_cost, f64::INFINITY);
        for &(_, when, speed) in &even {
            if when >= end {
                break;
            }
            speeds += speed;
            debt += speed * when;
            end = debt / speeds;
        }
        let mut own = None;
        let mut uncut: f64 = now;
        for (index, task) in self.queue.iter().enumerate().rev() {
            let refused = |at: usize| task.refused.contains(&self.devices[self.slots[at]].model);
            let ends = |&(_, when, speed): &(usize, f64, f64)| when + task.cost(self.overhead) / speed;
            let first = free
                .iter_mut()
                .filter(|(at, ..)| !refused(*at))
                .min_by(|a, b| ends(a).total_cmp(&ends(b)).then((b.0 == slot).cmp(&(a.0 == slot))));
            let Some(first) = first else { continue };
            first.1 = ends(first);
            uncut = uncut.max(first.1);
            if first.0 == slot && own.is_none() && !task.refused.contains(&model) {
                own = Some(index);
            }
        }
        Forecast { uncut, even: end, own }
    }

    /// Cost that a device of `model` does in a second: measured, else as the others do.
    fn speed(&self, model: usize) -> f64 {
        let speed = |(cost, seconds): (f64, f64)| if seconds > 0.0 { cost / seconds } else { 0.0 };
        let known = speed(self.models[model].done);
        if known > 0.0 {
            return known;
        }
        let measured: Vec<f64> = self.models.iter().map(|model| speed(model.done)).filter(|&v| v > 0.0).collect();
        if measured.is_empty() { 1.0 } else { measured.iter().sum::<f64>() / measured.len() as f64 }
    }

    /// Slots that work, with their devices.
    fn alive(&self) -> impl Iterator<Item = (usize, usize)> {
        self.slots.iter().copied().enumerate().filter(|&(_, device)| !self.devices[device].out)
    }

    fn models_alive(&self) -> usize {
        let alive = self.devices.iter().filter(|device| !device.out).map(|device| device.model);
        alive.collect::<BTreeSet<usize>>().len()
    }

    /// Trials of the task at `index` for which devices of `model` have room, as far as is known: halved until they fit.
    fn with_room(&self, index: usize, model: usize) -> usize {
        let task = &self.queue[index];
        let mut count = task.job.count;
        while let Some(limit) = self.models[model].no_room
            && count > 1
            && task.unit * count as f64 >= limit
        {
            count /= 2;
        }
        count
    }

    fn cut(&self, task: &Task, at: usize, why: &str, changes: &mut Vec<Change>) -> [Task; 2] {
        let into = task.job.cut(at);
        changes.push(Change::Cut { job_id: task.job.job_id.clone(), into: into.clone(), why: why.to_owned() });
        into.map(|job| Task { job, ..task.clone() })
    }

    fn put_back(&mut self, task: Task) {
        let at = self.queue.partition_point(|other| other.cost(self.overhead) <= task.cost(self.overhead));
        self.left_cost += task.cost(self.overhead);
        self.queue.insert(at, task);
    }

    /// Puts a task back, unless every device that is left has refused it.
    fn put_back_if_anybody_can(&mut self, task: Task, why: &str, changes: &mut Vec<Change>) {
        let mut alive = self.devices.iter().filter(|device| !device.out).peekable();
        if alive.peek().is_some() && alive.all(|device| task.refused.contains(&device.model)) {
            changes.push(Change::GaveUp { job: task.job, why: why.to_owned() });
        } else {
            self.put_back(task);
        }
    }
}
