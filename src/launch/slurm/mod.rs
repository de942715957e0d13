//! Jobs on a cluster: a Slurm job array whose tasks are `focalsweep worker`s.
//!
//! ```text
//! plan ─> script ─> sbatch --array ─> workers ─> journals ┐
//!              squeue (one call for all tasks) ───────────┴─> track ─> submit again, wait, give up
//! ```
//! The journals say what is done; squeue only says whether somebody is still at it. [`track`] decides and is pure, as are
//! [`squeue`], [`script`] and [`config`]. This process may end at any time: what it knows stands in `slurm/launch.json`.

mod asked;
mod command;
mod config;
mod error;
mod record;
mod script;
mod squeue;
mod submit;
#[cfg(test)]
mod tests;
mod track;

pub use asked::sizes;
pub use error::SlurmError;
pub use record::Record;
pub use squeue::{Sighting, State};

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use self::asked::slots;
use self::config::Limits;
use self::script::Batch;
use self::submit::NotSubmitted;
use self::track::{Mark, Over, Phase, Tracker, describe};
use super::event::Tally;
use super::follow::Follow;
use super::stop::Stop;
use crate::output::talk;
use crate::plan::Plan;
use crate::results::{RunDir, RunDirError};
use crate::spec::Spec;
use crate::train::Checkpoint;

/// Shortest time between two looks at the queue. Where squeue is slow it is ten times as long as squeue takes.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often people are told when nothing happens.
const TICK: Duration = Duration::from_millis(100);
/// Time between two tries to submit what the cluster does not take just now.
const TRY_EVERY: Duration = Duration::from_secs(15);
/// How long a controller may be silent before the first task is submitted.
const FIRST_ANSWER: Duration = Duration::from_secs(120);
/// How long tasks may take to leave the queue when all rows are there, or when they were cancelled.
const LEAVE: Duration = Duration::from_secs(60);
/// Lines of a task's log that are shown when it failed.
const LOG_LINES: usize = 5;

/// A run that is launched on the cluster.
#[derive(Debug)]
pub struct Cluster<'a> {
    /// The sweep.
    pub spec: &'a Spec,
    /// Its jobs.
    pub plan: &'a Plan,
    /// Its directory, on a file system that the nodes share.
    pub dir: &'a RunDir,
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
    /// Return when everything is submitted.
    pub detach: bool,
}

/// What to do with the tasks when this process is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupt {
    /// They go on.
    Leave,
    /// They are cancelled; each keeps a checkpoint.
    Cancel,
}

/// How the launcher ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every row is there.
    Done,
    /// Tasks were cancelled, by this process or by somebody.
    Cancelled,
    /// Tasks are in the queue or on nodes.
    LeftRunning,
}

/// Submits what is missing, or attaches to what was submitted, and follows it. `watch` is told how far it is, `interrupted`
/// is asked once what to do on Ctrl-C.
///
/// # Errors
/// Slurm refuses or does not answer; tasks ended with rows missing. What had ended is in the journals.
pub fn run(
    cluster: &Cluster<'_>,
    interrupted: impl FnOnce() -> OnInterrupt,
    mut watch: impl FnMut(&Tally),
) -> Result<End, SlurmError> {
    let mut launch = Launch::new(cluster)?;
    loop {
        if launch.look_is_due() {
            launch.look()?;
            if launch.tracker.is_over() {
                break;
            }
            launch.submit()?;
            if cluster.detach
                && launch.queue_is_known
                && (launch.tracker.to_submit().is_empty() || launch.tracker.any_live())
            {
                launch.say_detached();
                return Ok(End::LeftRunning);
            }
        }
        watch(&launch.tally());
        if cluster.stop.requested() {
            if interrupted() == OnInterrupt::Leave {
                return Ok(End::LeftRunning);
            }
            launch.cancel()?;
            launch.read_journals()?;
            return Ok(End::Cancelled);
        }
        thread::sleep(TICK);
    }
    watch(&launch.tally());
    launch.end()
}

/// What squeue says of all arrays of `record`, in one call; or why it does not.
///
/// # Errors
/// There is no squeue.
pub fn queue(record: &Record) -> io::Result<Result<Vec<Sighting>, String>> {
    let names: Vec<&str> = record.submissions.iter().map(|submission| submission.name.as_str()).collect();
    if names.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    // By name and not by id: squeue fails for an id that it has forgotten. `-r`: a line for each task.
    let name = format!("--name={}", names.join(","));
    let said = command::run("squeue", ["--noheader", "--array", "--states=all", "--me", &name, "-O", squeue::FIELDS])?;
    Ok(if said.ok { Ok(squeue::parse(&said.stdout)) } else { Err(said.words) })
}

/// A launch under way.
struct Launch<'a> {
    cluster: &'a Cluster<'a>,
    record: Record,
    tracker: Tracker,
    follow: Follow,
    script: String,
    /// The last look at the queue, and when the next is due.
    seen: Vec<Sighting>,
    next_look: Instant,
    /// Whether the last look was answered, since the last submission that may not have arrived.
    queue_is_known: bool,
    /// Since when the queue cannot be read.
    silent_since: Option<Instant>,
    /// After a submission that was not taken: when to try again, and how many tasks at most.
    next_try: Instant,
    piece: usize,
    /// Whether accounting answers; asked once.
    accounting: Option<bool>,
    /// Tasks of which somebody was told that they are given up.
    told: Vec<usize>,
    started: Instant,
}

impl<'a> Launch<'a> {
    fn new(cluster: &'a Cluster<'a>) -> Result<Self, SlurmError> {
        let dir = cluster.dir;
        let folder = dir.path("slurm");
        std::fs::create_dir_all(&folder).map_err(|e| RunDirError::io(&folder, e))?;
        let slurm = cluster.spec.launch.slurm.clone().unwrap_or_default();
        let record = match Record::read(dir)? {
            Some(record) => record,
            None => {
                let limits = limits()?;
                let jobs = cluster.plan.jobs.len();
                let pack = (slots(&slurm) as usize).max(jobs.div_ceil(limits.tasks.max(1))).min(jobs).max(1);
                Record::new(&cluster.spec.name, pack)
            }
        };
        let wanted: Vec<usize> =
            cluster.plan.jobs.chunks(record.pack).map(|jobs| jobs.iter().map(|job| job.count).sum()).collect();
        let program = std::env::current_exe().map_err(|e| RunDirError::io(dir.root(), e))?;
        let run_dir = dir.root().canonicalize().map_err(|e| RunDirError::io(dir.root(), e))?;
        let in_script = |path: &std::path::Path| {
            let text = path.to_str().filter(|text| !text.contains(|c: char| c.is_control() || "\"\\".contains(c)));
            text.map(str::to_owned).ok_or_else(|| SlurmError::Path(path.display().to_string()))
        };
        let (program, run_dir) = (in_script(&program)?, in_script(&run_dir)?);
        let library_path = std::env::var("LD_LIBRARY_PATH").ok().filter(|path| !path.is_empty());
        let batch = Batch {
            slurm: &slurm,
            program: &program,
            run_dir: &run_dir,
            pack: record.pack,
            library_path: library_path.as_deref(),
        };
        dir.write("slurm/submit.sh", batch.text().as_bytes())?;
        let jobs: Vec<String> = record.jobs().map(|job| job.to_string()).collect();
        if !jobs.is_empty() {
            talk(&format!("looking after Slurm job {}", jobs.join(", ")));
        }
        Ok(Self {
            cluster,
            script: format!("{run_dir}/slurm/submit.sh"),
            piece: wanted.len(),
            tracker: Tracker::new(&wanted),
            record,
            follow: Follow::new(dir.jobs()),
            seen: Vec::new(),
            next_look: Instant::now(),
            queue_is_known: false,
            silent_since: None,
            next_try: Instant::now(),
            accounting: None,
            told: Vec::new(),
            started: Instant::now(),
        })
    }

    fn look_is_due(&self) -> bool {
        Instant::now() >= self.next_look
    }

    fn read_journals(&mut self) -> Result<(), SlurmError> {
        let jobs = self.cluster.dir.jobs();
        self.follow.read().map_err(|e| RunDirError::io(&jobs, e).into())
    }

    /// Looks at the journals and at the queue.
    fn look(&mut self) -> Result<(), SlurmError> {
        let started = Instant::now();
        let queue = queue(&self.record).map_err(|_| SlurmError::Missing("squeue"))?;
        // After the queue: what a task that is over has written is then there to be read.
        self.read_journals()?;
        let rows: Vec<usize> = self
            .cluster
            .plan
            .jobs
            .chunks(self.record.pack)
            .map(|jobs| jobs.iter().map(|job| self.follow.rows(&job.job_id)).sum())
            .collect();
        match queue {
            Ok(seen) => {
                if self.silent_since.take().is_some() {
                    tracing::warn!("squeue answers again");
                }
                self.queue_is_known = true;
                self.note_ids(&seen)?;
                let marks = self.marks();
                self.tracker.look(Some(&seen), &rows, |task| marks(task, rows[task]));
                self.seen = seen;
                self.ask_accounting()?;
            }
            Err(words) => {
                if self.silent_since.is_none() {
                    tracing::warn!(%words, "squeue does not answer; tasks go on without it");
                    self.silent_since = Some(started);
                }
                self.queue_is_known = false;
                self.tracker.look(None, &rows, |_| Mark::default());
            }
        }
        self.next_look = Instant::now() + LOOK_EVERY.max(started.elapsed() * 10);
        self.tell_given_up();
        Ok(())
    }

    /// How far the tasks are, should any be judged; folder and checkpoints are read only then.
    fn marks(&self) -> impl Fn(usize, usize) -> Mark + use<'a> {
        let (cluster, pack) = (self.cluster, self.record.pack);
        let files: OnceCell<BTreeMap<String, Vec<std::path::PathBuf>>> = OnceCell::new();
        move |task, rows| {
            let files = files.get_or_init(|| cluster.dir.checkpoint_files().unwrap_or_default());
            let jobs = cluster.plan.jobs.chunks(pack).nth(task).unwrap_or_default();
            let furthest = |job_id: &str| {
                let paths = files.get(job_id).map(Vec::as_slice).unwrap_or_default();
                paths.iter().filter_map(|path| Checkpoint::peek(&std::fs::read(path).ok()?)).max().unwrap_or(0)
            };
            Mark { rows, updates: jobs.iter().map(|job| furthest(&job.job_id)).sum() }
        }
    }

    /// Keeps ids of arrays whose submission was not answered.
    fn note_ids(&mut self, seen: &[Sighting]) -> Result<(), SlurmError> {
        let mut found = false;
        for submission in self.record.submissions.iter_mut().filter(|submission| submission.job.is_none()) {
            submission.job = seen.iter().find(|s| s.name == submission.name).map(|s| s.array_job);
            found |= submission.job.is_some();
        }
        if found {
            self.record.write(self.cluster.dir)?;
        }
        Ok(())
    }

    /// Asks sacct, where there is one that answers, how tasks ended that squeue has forgotten.
    fn ask_accounting(&mut self) -> Result<(), SlurmError> {
        if self.tracker.gone().is_empty() || self.accounting == Some(false) {
            return Ok(());
        }
        let jobs: Vec<String> = self.record.jobs().map(|job| job.to_string()).collect();
        let args = ["-X", "-n", "-P", "-j", &jobs.join(","), "-o", "JobID,State,ExitCode,NodeList"];
        let said = command::run("sacct", args).ok().filter(|said| said.ok);
        self.accounting = Some(said.is_some());
        for sighting in said.iter().flat_map(|said| squeue::parse_sacct(&said.stdout)) {
            self.tracker.recall(&sighting);
        }
        Ok(())
    }

    /// Says once of each task why it is not submitted again.
    fn tell_given_up(&mut self) {
        for (task, phase) in self.tracker.phases().enumerate() {
            if let Phase::GivenUp(over) = phase
                && !self.told.contains(&task)
            {
                self.told.push(task);
                tracing::warn!("task {task} ({}): {}", self.jobs_of(task), describe(over));
            }
        }
    }

    /// Submits what the tracker wants submitted, as much as the cluster takes.
    fn submit(&mut self) -> Result<(), SlurmError> {
        let mut left = self.tracker.to_submit();
        // After a submission that may have arrived, only the queue tells whether it did.
        while !left.is_empty() && self.queue_is_known && Instant::now() >= self.next_try {
            let tasks: Vec<usize> = left.iter().copied().take(self.piece.max(1)).collect();
            let again = !self.record.submissions.is_empty();
            let name = self.record.intend(&tasks);
            self.record.write(self.cluster.dir)?;
            let most = self.cluster.spec.launch.slurm.as_ref().and_then(|slurm| slurm.array_parallelism);
            match submit::submit(&name, &record::ranges(&tasks), most, &self.script) {
                Ok(job) => {
                    if let Some(submission) = self.record.submissions.last_mut() {
                        submission.job = Some(job);
                    }
                    self.record.write(self.cluster.dir)?;
                    self.tracker.submitted(&tasks);
                    let (count, pack) = (tasks.len(), self.record.pack);
                    let what = format!("Slurm job {job}: {}", of(count, pack));
                    talk(&format!("submitted {what}{}", if again { " for rows that were missing" } else { "" }));
                    left = self.tracker.to_submit();
                }
                Err(NotSubmitted::Missing) => return Err(SlurmError::Missing("sbatch")),
                Err(NotSubmitted::Refused(words)) => {
                    self.forget_last()?;
                    if !self.tracker.any_live() {
                        return Err(SlurmError::Refused(words));
                    }
                    tracing::warn!(%words, "sbatch refused {} tasks", tasks.len());
                    self.tracker.refused(&tasks);
                    left = self.tracker.to_submit();
                }
                Err(NotSubmitted::TooMany(words)) => {
                    self.forget_last()?;
                    if tasks.len() > 1 {
                        self.piece = tasks.len() / 2;
                    } else if self.tracker.any_live() {
                        tracing::info!(%words, "{} tasks wait until the cluster takes more", left.len());
                        self.next_try = Instant::now() + TRY_EVERY;
                    } else {
                        return Err(SlurmError::Refused(words));
                    }
                }
                Err(NotSubmitted::Unreachable(words)) => {
                    tracing::warn!(%words, "sbatch got no answer; looking whether the job arrived");
                    self.queue_is_known = false;
                    self.next_try = Instant::now() + LOOK_EVERY;
                    if self.record.jobs().next().is_none() && self.started.elapsed() > FIRST_ANSWER {
                        return Err(SlurmError::Unreachable(words));
                    }
                }
            }
        }
        let never = self.record.jobs().next().is_none();
        if let Some(since) = self.silent_since
            && never
            && since.elapsed() > FIRST_ANSWER
        {
            return Err(SlurmError::Unreachable("squeue fails too".to_owned()));
        }
        Ok(())
    }

    /// Takes back the note of a submission that was surely not taken.
    fn forget_last(&mut self) -> Result<(), SlurmError> {
        self.record.submissions.pop();
        Ok(self.record.write(self.cluster.dir)?)
    }

    fn say_detached(&self) {
        let jobs: Vec<String> = self.record.jobs().map(|job| job.to_string()).collect();
        let waiting = self.tracker.to_submit().len();
        if waiting > 0 {
            tracing::warn!("{waiting} tasks are not submitted, since the cluster takes no more; --resume submits them");
        }
        tracing::info!(jobs = jobs.join(","), "detached");
    }

    /// Cancels all tasks and waits until they have left.
    fn cancel(&mut self) -> Result<(), SlurmError> {
        let started = Instant::now();
        let mut asked = false;
        while started.elapsed() < LEAVE {
            if !asked {
                asked = self.scancel();
            }
            if let Ok(Ok(seen)) = queue(&self.record) {
                self.note_ids(&seen)?;
                let live = seen.iter().any(|sighting| sighting.state.is_live());
                self.seen = seen;
                if asked && !live {
                    return Ok(());
                }
            }
            thread::sleep(LOOK_EVERY / 3);
        }
        tracing::warn!("tasks are still in the queue {} s after they were cancelled", LEAVE.as_secs());
        Ok(())
    }

    fn scancel(&self) -> bool {
        let jobs: Vec<String> = self.record.jobs().map(|job| job.to_string()).collect();
        // An id that is over is no error of scancel's in all versions; what counts is what the queue says after it.
        match command::run("scancel", jobs) {
            Ok(said) => {
                if !said.words.is_empty() {
                    tracing::info!(words = said.words, "scancel");
                }
                said.ok || said.words.contains("Invalid job id")
            }
            Err(_) => false,
        }
    }

    /// Makes sure that nobody trains any more, and says how it ended.
    fn end(&mut self) -> Result<End, SlurmError> {
        let given_up: Vec<(usize, Over)> = self
            .tracker
            .phases()
            .enumerate()
            .filter_map(|(task, phase)| match phase {
                Phase::GivenUp(over) => Some((task, over.clone())),
                _ => None,
            })
            .collect();
        // Copies of tasks whose rows are all there, and workers that are about to end.
        let started = Instant::now();
        while started.elapsed() < LOOK_EVERY * 2 && self.seen.iter().any(|sighting| sighting.state.is_live()) {
            thread::sleep(LOOK_EVERY / 3);
            if let Ok(Ok(seen)) = queue(&self.record) {
                self.seen = seen;
            }
        }
        if self.seen.iter().any(|sighting| sighting.state.is_live()) {
            self.cancel()?;
        }
        if given_up.is_empty() {
            return Ok(End::Done);
        }
        let cancelled = |over: &Over| match over {
            Over::Seen(seen) => seen.state == State::Cancelled,
            Over::Gone { running } => !running,
            Over::Refused => false,
        };
        if given_up.iter().all(|(_, over)| cancelled(over)) {
            return Ok(End::Cancelled);
        }
        let tell = |(task, over): &(usize, Over)| {
            let log = match over {
                Over::Seen(seen) => self.log_end(seen),
                _ => String::new(),
            };
            format!("task {task} ({}): {}{log}", self.jobs_of(*task), describe(over))
        };
        Err(SlurmError::Tasks(given_up.iter().filter(|(_, over)| !cancelled(over)).map(tell).collect()))
    }

    fn jobs_of(&self, task: usize) -> String {
        let jobs = self.cluster.plan.jobs.chunks(self.record.pack).nth(task).unwrap_or_default();
        match jobs {
            [] => String::new(),
            [job] => job.job_id.clone(),
            [first, .., last] => format!("{} to {}", first.job_id, last.job_id),
        }
    }

    /// The last lines that a task said.
    fn log_end(&self, seen: &Sighting) -> String {
        let name = format!("slurm/{}_{}.log", seen.array_job, seen.task);
        let text = std::fs::read(self.cluster.dir.path(&name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| format!("\n    {line}"));
        format!("; {name} ends in{}", last.collect::<String>())
    }

    fn tally(&self) -> Tally {
        let plan = self.cluster.plan;
        let (done, failed, jobs_done) = self.follow.count(plan);
        let mut tally = Tally::new(plan.jobs.len(), jobs_done, plan.trials * plan.replicates as usize, done, failed);
        tally.best = self.follow.best().cloned();
        tally.note = Some(match self.silent_since {
            Some(_) => "squeue does not answer".to_owned(),
            None => in_words(&self.seen),
        });
        tally
    }
}

/// `3 running, 9 waiting (Resources)`.
pub fn in_words(seen: &[Sighting]) -> String {
    let count = |state: State| seen.iter().filter(|sighting| sighting.state == state).count();
    let mut words = format!("{} running", count(State::Running));
    let mut reasons: Vec<&str> =
        seen.iter().filter(|s| s.state == State::Waiting && s.reason != "None").map(|s| s.reason.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    match (count(State::Waiting), reasons.is_empty()) {
        (0, _) => {}
        (waiting, true) => words += &format!(", {waiting} waiting"),
        (waiting, false) => words += &format!(", {waiting} waiting ({})", reasons.join(", ")),
    }
    words
}

/// `12 tasks of 2 jobs`.
fn of(tasks: usize, pack: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!("{tasks} task{} of {pack} job{}", plural(tasks), plural(pack))
}

/// The cluster's limits; Slurm's defaults where it does not tell.
fn limits() -> Result<Limits, SlurmError> {
    let said = command::run("scontrol", ["show", "config"]).map_err(|_| SlurmError::Missing("scontrol"))?;
    Ok(if said.ok { config::parse(&said.stdout) } else { Limits::default() })
}
