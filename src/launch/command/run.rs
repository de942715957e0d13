//! Commands beside each other: cores and GPUs are given out, and whoever is first in line waits for what it needs.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, available_parallelism};
use std::time::Duration;

use focalsweep_core::plan::Job;
use focalsweep_core::record::{HistoryRow, Journals, PLAN, RunDirError};
use focalsweep_core::spec::{CommandTrial, Inputs, TrainerSpec};
use focalsweep_engine::data::Source;
use focalsweep_engine::job::{Event, JobError, Outside, Work, ended, keep_outside};

use super::attempt::Told;
use super::files::InputFiles;
use super::order::TrialOrder;
use super::train::{Trained, train};
use super::{FOLDER, folder_of_trial};
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
    /// The rows as they were read.
    pub source: &'a Source,
    /// Fingerprints of the trainers.
    pub fingerprints: &'a BTreeMap<String, String>,
    /// Where they run.
    pub machine: &'a Machine,
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
    let Commands { work, jobs, source, machine, .. } = *commands;
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
    let folder = work.dir.root().join(FOLDER).join("inputs");
    let files = InputFiles::new(folder, source, tasks.iter().map(Task::key))?;
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
                let (sender, files) = (sender.clone(), &files);
                scope.spawn(move || {
                    let broken = commands.train(&task, &own, files, &sender).err();
                    files.done(task.key());
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
        files: &InputFiles<'_>,
        said: &Sender<Said>,
    ) -> Result<(), LaunchError> {
        let Task { job, trial, trainer } = task;
        let work = &self.work;
        let event = |event: Event| drop(said.send(Said::Event(event)));
        let job_id = job.job_id.clone();
        event(Event::JobStarted { job_id: job_id.clone(), trials: 1, epoch: 1, epochs: 0 });
        let started_at = Outside::now();
        let data = work.replicates.iter().find(|replicate| replicate.index == job.replicate);
        let data = data.ok_or_else(|| JobError::from(no_replicate(work, job)))?;
        let trial_id = work.trials.get(job.first).trial_id();
        let folder = folder_of_trial(work.dir.root(), &trial_id, job.replicate);
        let failed = |why: io::Error| LaunchError::Command { job_id: job_id.clone(), folder: folder.clone(), why };
        fs::create_dir_all(&folder).map_err(failed)?;
        let (files, of) = (files.of(data, trainer.inputs)?, (job.replicate, self.source.label.as_str()));
        let order = TrialOrder::new((work.spec, trainer), (trial_id, trial), of, &folder, files).map_err(failed)?;
        let told = Told { trainer, order: &order, gpus };
        let label = work.trials.get(job.first).label();
        let (sender, of_job) = (said.clone(), job_id.clone());
        let epoch = move |row: &HistoryRow| {
            let best = row.val_auc.map(|auc| (auc, label.clone()));
            let event = Event::Epoch { job_id: of_job.clone(), epoch: row.epoch, training: 1, best };
            let _ = sender.send(Said::Event(event));
        };
        let trained = train(&folder, &told, (data, &work.spec.operating_point), work.stop, epoch).map_err(failed)?;
        let Some(Trained { outcome, epochs, seconds }) = trained else {
            event(Event::JobEnded { job_id, done: false });
            return Ok(());
        };
        if let Err(why) = &outcome {
            tracing::error!(job = job_id, trial = order.trial_id, why, "a command failed");
        }
        let is_failed = outcome.is_err();
        let outside = Outside {
            outcome,
            history: epochs,
            fingerprint: self.fingerprints.get(&trial.trainer).cloned().unwrap_or_default(),
            device: if gpus.is_empty() { "cpu".to_owned() } else { format!("cuda:{}", gpus.join(",")) },
            device_name: self.machine.processor.clone(),
            seconds,
            started_at,
        };
        keep_outside(work, job, outside)?;
        event(Event::Ended { job_id: job_id.clone(), trials: 1, failed: usize::from(is_failed) });
        event(Event::JobEnded { job_id, done: true });
        Ok(())
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
