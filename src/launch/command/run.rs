//! Commands beside each other: cores and GPUs are given out, and whoever is first in line waits for what it needs.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, available_parallelism};
use std::time::Duration;

use focalsweep_core::plan::Job;
use focalsweep_core::prepared::ColumnRead;
use focalsweep_core::record::{Attempt, HistoryRow, Journals, PLAN, RunDirError};
use focalsweep_core::spec::{CommandTrial, Inputs, TrainerSpec};
use focalsweep_engine::data::{Again, columns_of};
use focalsweep_engine::job::{Event, JobError, Outside, Work, carry, ended, keep_outside, paused_outside};

use super::attempt::Told;
use super::files::{self, InputFiles, columns_for_tasks};
use super::folder_of_trial;
use super::keep::{bring, discard, give_up, keep_model, keep_paused, place_of_attempt, remove_resume, resume_folder};
use super::order::{TrialOrder, all_epochs, columns};
use super::train::{Trained, train};
use crate::launch::host::processor;
use crate::launch::{LaunchError, Tally, nvml};

/// How often people are told when nothing happens, and the stop flag is looked at.
const TICK: Duration = Duration::from_millis(100);

/// What commands may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Cores.
    pub cores: usize,
    /// GPUs, as `CUDA_VISIBLE_DEVICES` names them.
    pub gpus: Vec<String>,
    /// Model of the processor.
    pub processor: String,
}

/// Jobs that commands train, and what they need.
#[derive(Debug, Clone, Copy)]
pub struct Commands<'a> {
    /// What the jobs share.
    pub work: Work<'a>,
    /// The jobs, each one (trial, replicate).
    pub jobs: &'a [Job],
    /// Where the files come from that they read.
    pub data: Handed<'a>,
    /// Fingerprints of the trainers.
    pub fingerprints: &'a BTreeMap<String, String>,
    /// Where they run.
    pub machine: &'a Machine,
}

/// Where the data files of commands come from.
#[derive(Debug, Clone, Copy)]
pub enum Handed<'a> {
    /// They are written as they are needed, of the rows as these were read.
    OnDemand(&'a Again<'a>),
    /// They are there: this is a task of a cluster. Another copy of it may be at the same trial.
    There,
}

/// What commands share.
struct Shared<'a> {
    files: InputFiles<'a>,
    columns: Vec<ColumnRead>,
}

/// A job that is to run.
#[derive(Debug, Clone)]
struct Task<'a> {
    job: &'a Job,
    trial: CommandTrial,
    trainer: &'a TrainerSpec,
}

impl Task<'_> {
    fn key(&self) -> (u32, Inputs) {
        (self.job.replicate, self.trainer.inputs)
    }
}

/// What a thread says.
enum Said {
    Event(Event),
    /// A job is over, and what it had is free.
    Over {
        cpus: usize,
        gpus: Vec<String>,
        broken: Option<LaunchError>,
    },
}

/// Runs what is missing and returns when all jobs are over or the stop flag has ended them. `watch` is called in this
/// thread, after each event and at every tick, with `tally`, which is what there is beside these jobs.
///
/// # Errors
/// A result or a data file could not be saved, or no process could start.
pub fn run(commands: &Commands<'_>, tally: &mut Tally, mut watch: impl FnMut(&Tally)) -> Result<(), LaunchError> {
    let Commands { work, jobs, data, machine, .. } = *commands;
    for job in jobs {
        carry(&work, job, &|_| ())?;
    }
    let jobs_folder = work.dir.jobs();
    let journals = Journals::list(&jobs_folder).map_err(|why| RunDirError::io(&jobs_folder, why))?;
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for job in jobs {
        let there = ended(&work, job, &journals)?;
        tally.done += there.len();
        let of_failed = there.iter().filter(|entry| entry.row.error.is_some());
        tally.failed += of_failed.count();
        tally.jobs_done += usize::from(!there.is_empty());
        if there.is_empty() {
            tasks.extend(commands.task(job));
        }
    }
    // So that the files of a replicate are there for as short as can be.
    tasks.sort_by_key(|task| task.job.replicate);
    watch(tally);
    if tasks.is_empty() {
        return Ok(());
    }
    let folder = files::folder(work.dir.root());
    let shared = match data {
        Handed::OnDemand(rows) => Shared {
            files: InputFiles::on_demand(folder, rows, tasks.iter().map(Task::key))?,
            columns: columns_of(rows.source()),
        },
        Handed::There => Shared { files: InputFiles::There(folder), columns: columns_for_tasks(work.dir.root())? },
    };
    let mut waiting: VecDeque<Task<'_>> = tasks.into();
    let (mut cores, mut gpus) = (machine.cores, machine.gpus.clone());
    let mut broken = None;
    let mut running = 0;
    let (sender, said) = mpsc::channel();
    thread::scope(|scope| {
        loop {
            while broken.is_none() && !work.stop.requested() {
                let fits = |task: &Task<'_>| {
                    let TrainerSpec { cpus, gpus: wanted, .. } = task.trainer;
                    *cpus as usize <= cores && *wanted as usize <= gpus.len()
                };
                // Whoever is first in line waits for what it needs, so that those who need much get it.
                let Some(task) = waiting.front().filter(|task| fits(task)).cloned() else { break };
                waiting.pop_front();
                let cpus = task.trainer.cpus as usize;
                cores -= cpus;
                let own = gpus.split_off(gpus.len() - task.trainer.gpus as usize);
                running += 1;
                let (sender, shared) = (sender.clone(), &shared);
                scope.spawn(move || {
                    let broken = commands.train(&task, &own, shared, &sender).err();
                    shared.files.done(task.key());
                    // Nobody listens only when the launcher is gone.
                    let _ = sender.send(Said::Over { cpus, gpus: own, broken });
                });
            }
            if running == 0 {
                break;
            }
            match said.recv_timeout(TICK) {
                Ok(Said::Event(event)) => tally.take(&event),
                Ok(Said::Over { cpus, gpus: own, broken: why }) => {
                    running -= 1;
                    cores += cpus;
                    gpus.extend(own);
                    broken = broken.take().or(why);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            watch(tally);
        }
    });
    broken.map_or(Ok(()), Err)
}

impl<'a> Commands<'a> {
    /// What a job is to do; `None` where the sweep has no such trainer, which is refused before anything runs.
    fn task(&self, job: &'a Job) -> Option<Task<'a>> {
        let trial = *self.work.trials.get(job.first).command?;
        let trainer = self.work.spec.trainers.get(&trial.trainer)?;
        Some(Task { job, trial, trainer })
    }

    /// Trains a job and keeps what came of it.
    fn train(
        &self,
        task: &Task<'_>,
        gpus: &[String],
        shared: &Shared<'_>,
        said: &Sender<Said>,
    ) -> Result<(), LaunchError> {
        let Task { job, trial, trainer } = task;
        let work = &self.work;
        let event = |event: Event| drop(said.send(Said::Event(event)));
        let job_id = job.job_id.clone();
        let started_at = Outside::now();
        let data = work.replicates.iter().find(|replicate| replicate.index == job.replicate);
        let data = data.ok_or_else(|| JobError::from(no_replicate(work, job)))?;
        let trial_id = work.trials.get(job.first).trial_id();
        let folder = folder_of_trial(work.dir.root(), &trial_id, job.replicate);
        let failed = |why: io::Error| LaunchError::Command { job_id: job_id.clone(), folder: folder.clone(), why };
        fs::create_dir_all(&folder).map_err(failed)?;
        let files = (shared.files.of(data, trainer.inputs)?, columns(trainer, &shared.columns));
        let of = (job.replicate, work.spec.data.label.as_str());
        // Copies of a task keep out of each other's way.
        let place = match self.data {
            Handed::OnDemand(_) => folder.clone(),
            Handed::There => place_of_attempt(&folder, &Attempt::new()),
        };
        let going = Going::of(work, job, trainer, &folder)?;
        let (epoch, epochs) = (going.from + 1, going.to.unwrap_or(0));
        event(Event::JobStarted { job_id: job_id.clone(), trials: 1, epoch, epochs });
        let spec = (work.spec, *trainer);
        let order =
            TrialOrder::new(spec, (trial_id, trial), of, &place, files, (going.to, going.resume_from.as_deref()));
        let order = order.map_err(failed)?;
        let told = Told { trainer, order: &order, gpus };
        let label = work.trials.get(job.first).label();
        let (sender, of_job) = (said.clone(), job_id.clone());
        let epoch = move |row: &HistoryRow| {
            let best = row.val_auc.map(|auc| (auc, label.clone()));
            let event = Event::Epoch { job_id: of_job.clone(), epoch: row.epoch, training: 1, best };
            let _ = sender.send(Said::Event(event));
        };
        let trained = train(&place, &told, (data, &work.spec.operating_point), work.stop, epoch).map_err(failed)?;
        let Some(Trained { outcome, epochs: own, seconds }) = trained else {
            event(Event::JobEnded { job_id: job_id.clone(), done: false });
            return give_up(&folder, &place).map_err(failed);
        };
        if let Err(why) = &outcome {
            tracing::error!(job = job_id, trial = order.trial_id, why, "a command failed");
        }
        let is_failed = outcome.is_err();
        let paused = outcome.is_ok() && going.pauses(&own);
        if paused {
            keep_paused(&folder, &order.out, epochs).map_err(failed)?;
        } else if !is_failed {
            keep_model(&folder, &order.out).map_err(failed)?;
        }
        let last = own.last().map_or(epochs, |row| row.epoch);
        let outside = Outside {
            outcome,
            paused,
            epochs: if trainer.resumable { last } else { u32::try_from(own.len()).unwrap_or(u32::MAX) },
            history: going.history.into_iter().chain(own).collect(),
            fingerprint: self.fingerprints.get(&trial.trainer).cloned().unwrap_or_default(),
            device: if gpus.is_empty() { "cpu".to_owned() } else { format!("cuda:{}", gpus.join(",")) },
            device_name: self.machine.processor.clone(),
            seconds: going.seconds + seconds,
            started_at,
        };
        keep_outside(work, job, outside)?;
        // Only now is there nothing any more that would have to be made again of it.
        if paused {
            remove_resume(&folder, Some(epochs)).map_err(failed)?;
        } else if !is_failed {
            discard(&folder, &order.out).map_err(failed)?;
        }
        bring(&folder, &place).map_err(failed)?;
        event(Event::Ended { job_id: job_id.clone(), trials: 1, failed: usize::from(is_failed) });
        event(Event::JobEnded { job_id, done: true });
        Ok(())
    }
}

/// Where a training begins, and to where it goes.
struct Going {
    /// The epoch that it goes on after; 0: it begins.
    from: u32,
    /// The epoch that it is told to train to; `None`: it ends by itself.
    to: Option<u32>,
    /// Whether that is where it is judged, and not its end.
    is_rung: bool,
    /// What it wrote by then.
    resume_from: Option<PathBuf>,
    /// Its epochs by then.
    history: Vec<HistoryRow>,
    /// Its seconds by then.
    seconds: f64,
}

impl Going {
    /// Of a job of `trainer` whose trial's folder is this one. What is not there any more is trained from the start,
    /// which costs time and nothing else.
    fn of(work: &Work<'_>, job: &Job, trainer: &TrainerSpec, folder: &Path) -> Result<Self, JobError> {
        let all = all_epochs(work.spec, trainer);
        let [from, to] = job.epochs.filter(|_| trainer.resumable).map_or([0, all.unwrap_or(0)], |part| part);
        let resume_from = Some(resume_folder(folder, from)).filter(|path| from > 0 && path.is_dir());
        let before = if resume_from.is_some() { paused_outside(work, job)? } else { None };
        let (history, seconds) = before.unwrap_or_default();
        Ok(Self {
            from: if resume_from.is_some() { from } else { 0 },
            to: all.map(|_| to),
            is_rung: all.is_some_and(|all| to < all),
            resume_from,
            history,
            seconds,
        })
    }

    /// Whether a training that told of these epochs only pauses. One that ended before it was told to has come to its
    /// own end.
    fn pauses(&self, told: &[HistoryRow]) -> bool {
        let is_there = told.last().is_none_or(|last| Some(last.epoch) >= self.to);
        self.is_rung && is_there
    }
}

fn no_replicate(work: &Work<'_>, job: &Job) -> RunDirError {
    let why = format!("{} trains on replicate {}, which the sweep does not have", job.job_id, job.replicate);
    RunDirError::Broken { path: work.dir.path(PLAN), why }
}

impl Machine {
    /// This machine, with the GPUs that this process may use.
    pub fn look() -> Self {
        let gpus = match std::env::var("CUDA_VISIBLE_DEVICES") {
            Ok(visible) => {
                let words = visible.split(',').map(str::trim);
                words.take_while(|word| *word != "-1").filter(|word| !word.is_empty()).map(str::to_owned).collect()
            }
            Err(_) => (0..nvml::look().map_or(0, |driver| driver.gpus.len())).map(|index| index.to_string()).collect(),
        };
        Self { cores: available_parallelism().map_or(1, usize::from), gpus, processor: processor() }
    }
}
