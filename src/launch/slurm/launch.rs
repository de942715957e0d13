//! A launch under way: looks, tells, and submits what the tracker wants submitted.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Cluster;
use super::asked::{for_command, slots};
use super::command;
use super::config::{self, Limits};
use super::error::SlurmError;
use super::queue::{accounting, queue};
use super::record::{self, Record};
use super::script::Batch;
use super::squeue::{Sighting, in_words};
use super::submit::{self, NotSubmitted};
use super::track::{Mark, Phase, Tracker, describe};
use crate::launch::follow::Follow;
use crate::launch::tally::Tally;
use crate::launch::torch::VARIABLE;
use crate::launch::watch::Watch;
use focalsweep_core::record::RunDirError;
use focalsweep_engine::train::Checkpoint;

/// Shortest time between two looks at the queue. Where squeue is slow it is ten times as long as squeue takes.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Time between two tries to submit what the cluster does not take just now.
const TRY_EVERY: Duration = Duration::from_secs(15);
/// How long a controller may be silent before the first task is submitted.
const FIRST_ANSWER: Duration = Duration::from_secs(120);

/// A launch under way.
pub(super) struct Launch<'a> {
    pub(super) cluster: &'a Cluster<'a>,
    pub(super) record: Record,
    pub(super) tracker: Tracker,
    follow: Follow,
    script: String,
    /// The last look at the queue, and when the next is due.
    pub(super) seen: Vec<Sighting>,
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
    /// What is to be done for `cluster`, or what an earlier process began.
    pub(super) fn new(cluster: &'a Cluster<'a>, watch: &mut dyn Watch) -> Result<Self, SlurmError> {
        let dir = cluster.dir;
        let folder = dir.path("slurm");
        std::fs::create_dir_all(&folder).map_err(|e| RunDirError::io(&folder, e))?;
        let slurm = cluster.spec.launch.slurm.clone().unwrap_or_default();
        let command = cluster.spec.trainers.get(cluster.trainer);
        let slurm = command.map_or_else(|| slurm.clone(), |command| for_command(&slurm, command));
        // A record of another wave tells of tasks that are over.
        let record = match Record::read(dir)?
            .filter(|record| (record.first, record.trainer.as_str()) == (cluster.first, cluster.trainer))
        {
            Some(record) => record,
            None => {
                let limits = limits()?;
                let jobs = cluster.plan.jobs.len();
                let at_once = if command.is_some() { 1 } else { slots(&slurm) as usize };
                let pack = at_once.max(jobs.div_ceil(limits.tasks.max(1))).min(jobs).max(1);
                Record::new(&cluster.spec.name, (cluster.first, cluster.trainer), pack)
            }
        };
        let wanted: Vec<usize> =
            cluster.plan.jobs.chunks(record.pack).map(|jobs| jobs.iter().map(|job| job.count).sum()).collect();
        let program = std::env::current_exe().map_err(|e| RunDirError::io(dir.root(), e))?;
        let run_dir = dir.root().canonicalize().map_err(|e| RunDirError::io(dir.root(), e))?;
        let in_script = |path: &Path| {
            let text = path.to_str().filter(|text| !text.contains(|c: char| c.is_control() || "\"\\".contains(c)));
            text.map(str::to_owned).ok_or_else(|| SlurmError::Path(path.display().to_string()))
        };
        let (program, run_dir) = (in_script(&program)?, in_script(&run_dir)?);
        let variable = |name: &str| std::env::var(name).ok().filter(|path| !path.is_empty());
        let (library_path, torch) = (variable("LD_LIBRARY_PATH"), variable(VARIABLE));
        let batch = Batch {
            slurm: &slurm,
            program: &program,
            run_dir: &run_dir,
            first: record.first,
            trainer: cluster.trainer,
            pack: record.pack,
            library_path: library_path.as_deref(),
            torch: torch.as_deref(),
        };
        dir.write("slurm/submit.sh", batch.text().as_bytes())?;
        let jobs: Vec<String> = record.jobs().map(|job| job.to_string()).collect();
        if !jobs.is_empty() {
            watch.say(&format!("looking after Slurm job {}", jobs.join(", ")));
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

    /// Whether it is time for another look.
    pub(super) fn look_is_due(&self) -> bool {
        Instant::now() >= self.next_look
    }

    /// Reads what the journals have gained.
    pub(super) fn read_journals(&mut self) -> Result<(), SlurmError> {
        let jobs = self.cluster.dir.jobs();
        self.follow.read().map_err(|e| RunDirError::io(&jobs, e).into())
    }

    /// Looks at the journals and at the queue.
    pub(super) fn look(&mut self) -> Result<(), SlurmError> {
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
        let files: OnceCell<BTreeMap<String, Vec<PathBuf>>> = OnceCell::new();
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
    pub(super) fn note_ids(&mut self, seen: &[Sighting]) -> Result<(), SlurmError> {
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
        let known = accounting(&self.record);
        self.accounting = Some(known.is_some());
        known.iter().flatten().for_each(|sighting| self.tracker.recall(sighting));
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
    pub(super) fn submit(&mut self, watch: &mut dyn Watch) -> Result<(), SlurmError> {
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
                    watch.say(&format!("submitted {what}{}", if again { " for rows that were missing" } else { "" }));
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

    /// Says what a process that returns now leaves undone.
    pub(super) fn say_detached(&self) {
        let jobs: Vec<String> = self.record.jobs().map(|job| job.to_string()).collect();
        let waiting = self.tracker.to_submit().len();
        if waiting > 0 {
            tracing::warn!("{waiting} tasks are not submitted, since the cluster takes no more; --resume submits them");
        }
        tracing::info!(jobs = jobs.join(","), "detached");
    }

    /// Whether nothing is left to wait for or to submit.
    pub(super) fn is_over(&self) -> bool {
        self.tracker.is_over()
    }

    /// Whether the queue has all that it takes just now.
    pub(super) fn is_on_its_way(&self) -> bool {
        self.queue_is_known && (self.tracker.to_submit().is_empty() || self.tracker.any_live())
    }

    /// The jobs of a task, in words.
    pub(super) fn jobs_of(&self, task: usize) -> String {
        let jobs = self.cluster.plan.jobs.chunks(self.record.pack).nth(task).unwrap_or_default();
        match jobs {
            [] => String::new(),
            [job] => job.job_id.clone(),
            [first, .., last] => format!("{} to {}", first.job_id, last.job_id),
        }
    }

    /// How far it is.
    pub(super) fn tally(&self) -> Tally {
        let plan = self.cluster.plan;
        let (done, failed, jobs_done) = self.follow.count(plan);
        let mut tally = Tally::new(plan.jobs.len(), jobs_done, plan.trainings(), done, failed);
        tally.best = self.follow.best().cloned();
        tally.note = Some(match self.silent_since {
            Some(_) => "squeue does not answer".to_owned(),
            None => in_words(&self.seen),
        });
        tally
    }
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
