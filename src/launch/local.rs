//! Jobs on this machine: one rayon worker a slot, the next job for whoever is free.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rayon::ThreadPoolBuilder;
use tch::Device;

use super::event::{Event, Tally};
use super::stop::Stop;
use crate::data::Replicate;
use crate::plan::{Hyperparameters, Job, Plan, Trials};
use crate::results::{Entry, Journal, Payload, ResultRow, RunDir, RunDirError, State, write_atomically};
use crate::spec::{Spec, Word};
use crate::train::{self, Checkpoint, End, Ended, EpochReport, Fitted, Observer, SaveError, Shape, Stack, TrainError};

/// How often a running stack is checkpointed: what a kill can cost.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);
/// How often people are told when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// Everything that jobs share.
#[derive(Debug)]
pub struct Work<'a> {
    /// The sweep.
    pub spec: &'a Spec,
    /// Its trials.
    pub trials: &'a Trials,
    /// Its jobs.
    pub plan: &'a Plan,
    /// Prepared rows, one a replicate.
    pub replicates: &'a [Arc<Replicate>],
    /// Fingerprint of the data.
    pub data_fingerprint: &'a str,
    /// Where results go.
    pub dir: &'a RunDir,
    /// One entry a worker.
    pub slots: &'a [Device],
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
}

/// Why the launcher gave up. What had ended by then is in the journals.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LaunchError {
    /// The run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunDir(#[from] RunDirError),
    /// A worker could not start.
    #[error("could not start {workers} worker threads: {why}")]
    #[diagnostic(help("`--devices cpu` with fewer cores in RAYON_NUM_THREADS needs fewer threads"))]
    Threads {
        /// How many were wanted.
        workers: usize,
        /// Why not.
        why: rayon::ThreadPoolBuildError,
    },
    /// A result could not be kept.
    #[error("{job_id}: {why}")]
    #[diagnostic(help(
        "what had ended before is saved; free some space or mend the folder, then run again with --resume"
    ))]
    Job {
        /// The job.
        job_id: String,
        /// Why.
        why: TrainError,
    },
}

/// Runs what is missing of `work` and returns when all jobs are over or the stop flag has ended them. `watch` is called in
/// this thread, after each event and at every tick.
///
/// # Errors
/// A result could not be saved, or no worker could start.
pub fn run(work: &Work<'_>, mut watch: impl FnMut(&Tally)) -> Result<Tally, LaunchError> {
    let mut queue = Vec::new();
    let (mut done, mut failed) = (0, 0);
    for job in &work.plan.jobs {
        let entries = Journal::entries(&work.dir.jobs(), &job.job_id).map_err(|e| save(job, e))?;
        done += entries.len();
        failed += entries.iter().filter(|e| e.row.state == State::Failed).count();
        if entries.len() < job.count {
            queue.push(job);
        }
    }
    let mut tally = Tally::new(
        work.plan.jobs.len(),
        work.plan.jobs.len() - queue.len(),
        work.plan.trials * work.plan.replicates as usize,
        done,
        failed,
    );
    queue.sort_by_key(|job| std::cmp::Reverse(job.count)); // largest first, so that the end is even
    let queue = Mutex::new(VecDeque::from(queue));
    let broken: Mutex<Option<LaunchError>> = Mutex::new(None);
    let workers = work.slots.len();
    let pool = ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|index| format!("worker-{index}"))
        .start_handler(|_| train::device::use_one_thread())
        .build()
        .map_err(|why| LaunchError::Threads { workers, why })?;
    watch(&tally);
    let (sender, events) = mpsc::channel();
    pool.in_place_scope(|scope| {
        for &device in work.slots {
            let (sender, queue, broken) = (sender.clone(), &queue, &broken);
            scope.spawn(move |_| {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(job) = next() {
                    let stopped =
                        work.stop.requested() || broken.lock().unwrap_or_else(PoisonError::into_inner).is_some();
                    if stopped {
                        break;
                    }
                    if let Err(error) = run_job(work, job, device, &sender) {
                        broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            });
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
    match broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(tally),
    }
}

fn save(job: &Job, error: impl Into<SaveError>) -> LaunchError {
    LaunchError::Job { job_id: job.job_id.clone(), why: TrainError::Save(error.into()) }
}

fn run_job(work: &Work<'_>, job: &Job, device: Device, events: &Sender<Event>) -> Result<(), LaunchError> {
    let data = &work.replicates[job.replicate as usize];
    let trials: Vec<Hyperparameters> = (job.first..job.first + job.count).map(|index| work.trials.get(index)).collect();
    let ids = trials.iter().map(Hyperparameters::trial_id).collect::<Result<Vec<_>, _>>().map_err(|e| save(job, e))?;
    let Some(stack) =
        Stack::new(trials, work.spec.train.clone(), &data.train, data.features.len(), work.spec.seed, job.replicate)
    else {
        return Ok(());
    };
    let (journal, known) = Journal::open(&work.dir.jobs(), &job.job_id).map_err(|e| save(job, e))?;
    let checkpoint = resume_from(work, job, &stack);
    let mut keeper = Keeper {
        work,
        job,
        data,
        stack: &stack,
        ids: &ids,
        device,
        journal,
        known: known.iter().map(|entry: &Entry| entry.row.trial_id.clone()).collect(),
        events,
        started_at: micros(),
        last_checkpoint: Instant::now(),
    };
    let epoch = checkpoint.as_ref().map_or(1, Checkpoint::epoch);
    keeper.tell(Event::JobStarted {
        job_id: job.job_id.clone(),
        trials: checkpoint.as_ref().map_or(job.count, |c| c.trials().len()),
        epoch,
        epochs: work.spec.train.epochs,
    });
    tracing::info!(
        job = job.job_id,
        replicate = job.replicate,
        trials = job.count,
        epoch,
        device = train::device::name(device),
        "job started"
    );
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        train::train(&stack, data, &work.spec.operating_point, device, checkpoint, &mut keeper)
    }));
    let interrupted = match outcome {
        Ok(Ok(end)) => end == End::Interrupted,
        Ok(Err(why @ TrainError::Save(_))) => return Err(LaunchError::Job { job_id: job.job_id.clone(), why }),
        Ok(Err(error)) => keeper.fail_the_rest(&error.to_string()).map(|()| false)?,
        Err(panic) => keeper.fail_the_rest(&format!("internal error: {}", panic_text(&*panic))).map(|()| false)?,
    };
    if !interrupted {
        // Nothing reads it any more; if it stays, it does no harm.
        let _ = std::fs::remove_file(work.dir.checkpoint_path(&job.job_id));
    }
    tracing::info!(job = job.job_id, interrupted, "job ended");
    keeper.tell(Event::JobEnded { job_id: job.job_id.clone(), interrupted });
    Ok(())
}

/// The job's checkpoint, if there is a good one; else it starts again, which costs time and nothing else.
fn resume_from(work: &Work<'_>, job: &Job, stack: &Stack) -> Option<Checkpoint> {
    let read = || -> Result<Option<Checkpoint>, Box<dyn std::error::Error>> {
        let Some(bytes) = work.dir.checkpoint(&job.job_id)? else { return Ok(None) };
        Ok(Some(Checkpoint::from_bytes(&bytes, stack.shape.parameters())?))
    };
    read().unwrap_or_else(|error| {
        tracing::warn!(job = job.job_id, %error, "the checkpoint cannot be read; the job starts again");
        None
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}

fn micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_micros()).ok()).unwrap_or(0)
}

/// Keeps a stack's results: the journal first, then the event.
struct Keeper<'a> {
    work: &'a Work<'a>,
    job: &'a Job,
    data: &'a Replicate,
    stack: &'a Stack,
    ids: &'a [String],
    device: Device,
    journal: Journal,
    /// Trials in the journal. A stack that restarts before them trains them again, to the same numbers.
    known: HashSet<String>,
    events: &'a Sender<Event>,
    started_at: i64,
    last_checkpoint: Instant,
}

impl Keeper<'_> {
    fn tell(&self, event: Event) {
        // Nobody listens only when the launcher is gone, and then there is nobody to tell.
        let _ = self.events.send(event);
    }

    fn row(&self, ended: &Ended) -> ResultRow {
        let fitted = ended.outcome.as_ref().ok();
        ResultRow {
            trial_id: self.ids[ended.slot].clone(),
            replicate: self.job.replicate,
            state: if fitted.is_some() { State::Finished } else { State::Failed },
            error: ended.outcome.as_ref().err().cloned(),
            hyperparameters: self.stack.trials[ended.slot].clone(),
            seed: self.work.spec.seed,
            split_fingerprint: self.data.split_fingerprint.clone(),
            data_fingerprint: self.work.data_fingerprint.to_owned(),
            device: train::device::name(self.device),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            job_id: self.job.job_id.clone(),
            stack_size: self.job.count as u32,
            epochs_run: ended.history.len() as u32,
            best_epoch: fitted.map(|f| f.best_epoch),
            train_seconds: ended.seconds,
            started_at: self.started_at,
            finished_at: micros(),
            train: fitted.map(|f| f.train.clone()),
            val: fitted.map(|f| f.val.clone()),
            test: fitted.map(|f| f.test.clone()),
            threshold: fitted.and_then(|f| f.threshold),
            val_op: fitted.and_then(|f| f.val_op),
            test_op: fitted.and_then(|f| f.test_op),
        }
    }

    fn payload(&self, row: &ResultRow, fitted: &Fitted) -> Result<Payload, SaveError> {
        let wants_scores = self.work.spec.scores != Some(crate::spec::Scores::None);
        let scores = |values: &[f32]| if wants_scores { train::le_bytes(values) } else { Vec::new() };
        Ok(Payload {
            train_roc: fitted.train_roc.clone(),
            validation: scores(&fitted.validation_scores),
            test: scores(&fitted.test_scores),
            model: model_file(&self.stack.shape, &fitted.weights, row, &self.data.features)?,
        })
    }

    /// Records every trial that has not ended as failed.
    fn fail_the_rest(&mut self, reason: &str) -> Result<(), LaunchError> {
        tracing::error!(job = self.job.job_id, reason, "job failed");
        let left = (0..self.ids.len()).map(|slot| Ended {
            slot,
            history: Vec::new(),
            seconds: 0.0,
            outcome: Err(reason.to_owned()),
        });
        self.ended(left.collect()).map_err(|error| save(self.job, error))
    }
}

/// A trial in a few words, for progress.
fn label(trial: &Hyperparameters) -> String {
    let mut words = vec![trial.loss.word().to_owned()];
    words.extend(trial.alpha.map(|alpha| format!("alpha {alpha}")));
    words.extend(trial.gamma.map(|gamma| format!("gamma {gamma}")));
    words.join(" ")
}

/// A model's safetensors file: its tensors, and in the metadata what is needed to use them.
fn model_file(shape: &Shape, weights: &[f32], row: &ResultRow, features: &[String]) -> Result<Vec<u8>, SaveError> {
    use safetensors::tensor::{Dtype, TensorView};
    let bytes = train::le_bytes(weights);
    let mut at = 0;
    let mut tensors = Vec::new();
    for (name, dims) in shape.tensors() {
        let length = 4 * dims.iter().product::<usize>();
        tensors.push((name, TensorView::new(Dtype::F32, dims, &bytes[at..at + length])?));
        at += length;
    }
    let metadata = HashMap::from([
        ("trial_id".to_owned(), row.trial_id.clone()),
        ("replicate".to_owned(), row.replicate.to_string()),
        ("hyperparameters".to_owned(), serde_json::to_string(&row.hyperparameters)?),
        ("features".to_owned(), serde_json::to_string(features)?),
        ("threshold".to_owned(), serde_json::to_string(&row.threshold)?),
        ("preprocessing".to_owned(), format!("preprocessing-r{}.json", row.replicate)),
    ]);
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

impl Observer for Keeper<'_> {
    fn stop_requested(&self) -> bool {
        self.work.stop.requested()
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.tell(Event::Epoch {
            job_id: self.job.job_id.clone(),
            epoch: report.epoch,
            training: report.training,
            best: report.best.map(|(slot, auc)| (auc, label(&self.stack.trials[slot]))),
        });
    }

    fn ended(&mut self, ended: Vec<Ended>) -> Result<(), SaveError> {
        let new: Vec<Ended> = ended.into_iter().filter(|e| !self.known.contains(&self.ids[e.slot])).collect();
        let mut lines = Vec::with_capacity(new.len());
        for end in &new {
            let row = self.row(end);
            let payload = end.outcome.as_ref().ok().map(|fitted| self.payload(&row, fitted)).transpose()?;
            lines.push((row, end.history.clone(), payload));
        }
        self.journal.append(lines)?;
        self.known.extend(new.iter().map(|e| self.ids[e.slot].clone()));
        let failed = new.iter().filter(|e| e.outcome.is_err()).count();
        self.tell(Event::Ended { job_id: self.job.job_id.clone(), trials: new.len(), failed });
        Ok(())
    }

    fn checkpoint_due(&self) -> bool {
        self.last_checkpoint.elapsed() >= CHECKPOINT_EVERY
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), SaveError> {
        let bytes = checkpoint.to_bytes()?;
        write_atomically::<std::io::Error>(&self.work.dir.checkpoint_path(&self.job.job_id), |out| {
            std::io::Write::write_all(out, &bytes)
        })?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }
}
