//! Keeps what a stack brings: the journal first, then the event.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use super::error::{JobError, save};
use super::event::Event;
use super::row::{micros, row_of, score_bytes};
use super::work::{JobDevice, Work};
use crate::train::{Checkpoint, Ended, EpochReport, Fitted, Observer, RowScores, SaveError, Stack, start};
use focalsweep_core::plan::Job;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{Attempt, Journal, Payload, ResultRow, State, le_bytes};

/// How often a running stack is checkpointed: what a kill can cost.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);

/// Microseconds since 1970-01-01 UTC.
/// What a job has kept, and where it goes on.
pub(super) struct Kept {
    /// Ids of the job's trials.
    pub(super) ids: Vec<String>,
    /// Those that have ended.
    pub(super) known: HashSet<String>,
    /// Where the next go.
    pub(super) journal: Journal,
    /// Whose journal and checkpoint these are.
    pub(super) attempt: Attempt,
}

impl Kept {
    /// Whether every trial has ended.
    pub(super) fn is_all(&self) -> bool {
        self.ids.iter().all(|id| self.known.contains(id))
    }

    /// Where the trials that have not ended begin, if others have; a stack of all begins by itself.
    pub(super) fn start_of_the_rest(&self, stack: &Stack) -> Option<Checkpoint> {
        let slots: Vec<usize> = (0..self.ids.len()).filter(|&slot| !self.known.contains(&self.ids[slot])).collect();
        (slots.len() < self.ids.len()).then(|| start(stack, &slots))
    }
}

/// Keeps a stack's results: the journal first, then the event.
pub(super) struct Keeper<'a> {
    work: &'a Work<'a>,
    job: &'a Job,
    data: &'a Replicate,
    device: JobDevice<'a>,
    stack: &'a Stack,
    pub(super) kept: Kept,
    events: &'a dyn Fn(Event),
    started_at: i64,
    last_checkpoint: Instant,
    /// Whether a checkpoint of this attempt stands in the place of those of earlier ones. A copy that runs at the same
    /// time and loses its own writes it again within seconds.
    took_over: bool,
    /// Whether trials paused: they go on from the checkpoint.
    pub(super) paused: bool,
}

impl<'a> Keeper<'a> {
    /// Of `job` on `device`, from now on.
    pub(super) fn new(
        work: &'a Work<'a>,
        (job, data): (&'a Job, &'a Replicate),
        device: JobDevice<'a>,
        stack: &'a Stack,
        kept: Kept,
        events: &'a dyn Fn(Event),
    ) -> Self {
        let (started_at, last_checkpoint) = (micros(), Instant::now());
        Self {
            work,
            job,
            data,
            device,
            stack,
            kept,
            events,
            started_at,
            last_checkpoint,
            took_over: false,
            paused: false,
        }
    }

    pub(super) fn tell(&self, event: Event) {
        (self.events)(event);
    }

    fn row(&self, ended: &Ended) -> ResultRow {
        let fitted = ended.outcome.as_ref().ok();
        let row = row_of(self.work, (self.job, self.data), self.stack.trials[ended.slot].clone());
        ResultRow {
            state: match fitted {
                Some(_) if ended.paused => State::Stopped,
                Some(_) => State::Finished,
                None => State::Failed,
            },
            error: ended.outcome.as_ref().err().cloned(),
            device: self.device.device.to_string(),
            device_name: self.device.model.to_owned(),
            epochs_run: ended.history.len() as u32,
            best_epoch: fitted.map(|f| f.best_epoch),
            train_seconds: ended.seconds,
            started_at: self.started_at,
            train: fitted.and_then(|f| f.train.clone()),
            val: fitted.map(|f| f.val.clone()),
            test: fitted.map(|f| f.test.clone()),
            threshold: fitted.and_then(|f| f.threshold),
            threshold_raw: fitted.and_then(|f| f.threshold_raw),
            val_op: fitted.and_then(|f| f.val_op),
            test_op: fitted.and_then(|f| f.test_op),
            ..row
        }
    }

    fn payload(&self, fitted: &Fitted) -> Payload {
        let scores = |rows: &RowScores| score_bytes(self.work, rows);
        Payload {
            train_roc: fitted.train_roc.clone(),
            validation: scores(&fitted.validation),
            test: scores(&fitted.test_rows),
            calibration: scores(&fitted.calibration),
            model: le_bytes(&fitted.weights),
        }
    }

    /// Records every trial that has not ended as failed.
    pub(super) fn fail_the_rest(&mut self, reason: &str) -> Result<(), JobError> {
        tracing::error!(job = self.job.job_id, reason, "job failed");
        let left = (0..self.kept.ids.len()).map(|slot| Ended {
            slot,
            history: Vec::new(),
            seconds: 0.0,
            outcome: Err(reason.to_owned()),
            paused: false,
        });
        self.ended(left.collect()).map_err(|error| save(self.job, error))
    }
}

/// Replaces an attempt's checkpoint of a job as a whole.
pub(super) fn write_checkpoint(
    work: &Work<'_>,
    job: &Job,
    attempt: &Attempt,
    checkpoint: &Checkpoint,
) -> io::Result<()> {
    work.dir.write_checkpoint(job, attempt, &checkpoint.to_bytes().map_err(io::Error::other)?)
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
            best: report.best.map(|(slot, auc)| (auc, self.stack.trials[slot].label())),
        });
    }

    fn ended(&mut self, ended: Vec<Ended>) -> Result<(), SaveError> {
        let ended_paused = ended.iter().any(|end| end.paused);
        let new: Vec<Ended> = ended.into_iter().filter(|e| !self.kept.known.contains(&self.kept.ids[e.slot])).collect();
        let mut lines = Vec::with_capacity(new.len());
        for end in &new {
            let row = self.row(end);
            let payload = end.outcome.as_ref().ok().map(|fitted| self.payload(fitted));
            lines.push((row, end.history.clone(), payload));
        }
        self.paused |= ended_paused;
        self.kept.journal.append(lines)?;
        self.kept.known.extend(new.iter().map(|e| self.kept.ids[e.slot].clone()));
        let failed = new.iter().filter(|e| e.outcome.is_err()).count();
        self.tell(Event::Ended { job_id: self.job.job_id.clone(), trials: new.len(), failed });
        Ok(())
    }

    fn checkpoint_due(&self) -> bool {
        self.last_checkpoint.elapsed() >= CHECKPOINT_EVERY
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), SaveError> {
        write_checkpoint(self.work, self.job, &self.kept.attempt, checkpoint)?;
        if !std::mem::replace(&mut self.took_over, true) {
            self.work.dir.remove_checkpoints(self.job, Some(&self.kept.attempt));
        }
        self.last_checkpoint = Instant::now();
        Ok(())
    }
}
