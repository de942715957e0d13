//! Keeps what a stack brings: the journal first, then the event.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tch::Device;

use super::error::{LaunchError, save};
use super::event::Event;
use super::job::Work;
use crate::data::Replicate;
use crate::plan::{Hyperparameters, Job};
use crate::results::{Attempt, Journal, Payload, ResultRow, State, write_atomically};
use crate::spec::Word;
use crate::train::{self, Checkpoint, Ended, EpochReport, Fitted, Observer, SaveError, Shape, Stack};

/// How often a running stack is checkpointed: what a kill can cost.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);

pub(super) fn micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_micros()).ok()).unwrap_or(0)
}

/// Keeps a stack's results: the journal first, then the event.
pub(super) struct Keeper<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) job: &'a Job,
    pub(super) data: &'a Replicate,
    pub(super) stack: &'a Stack,
    pub(super) ids: &'a [String],
    pub(super) device: Device,
    pub(super) attempt: Attempt,
    pub(super) journal: Journal,
    /// Trials in the journal. A stack that restarts before them trains them again, to the same numbers.
    pub(super) known: HashSet<String>,
    pub(super) events: &'a Sender<Event>,
    pub(super) started_at: i64,
    pub(super) last_checkpoint: Instant,
    /// Whether a checkpoint of this attempt stands in the place of those of earlier ones. A copy that runs at the same
    /// time and loses its own writes it again within seconds.
    pub(super) took_over: bool,
}

impl Keeper<'_> {
    pub(super) fn tell(&self, event: Event) {
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
            validation: scores(&fitted.validation_scores),
            test: scores(&fitted.test_scores),
            model: model_file(&self.stack.shape, &fitted.weights, row, &self.data.features)?,
        })
    }

    /// Records every trial that has not ended as failed.
    pub(super) fn fail_the_rest(&mut self, reason: &str) -> Result<(), LaunchError> {
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
pub(super) fn label(trial: &Hyperparameters) -> String {
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
        let path = self.work.dir.checkpoint_path(&self.job.job_id, &self.attempt);
        write_atomically::<std::io::Error>(&path, |out| std::io::Write::write_all(out, &bytes))?;
        if !std::mem::replace(&mut self.took_over, true) {
            self.work.dir.remove_checkpoints(&self.job.job_id, Some(&self.attempt));
        }
        self.last_checkpoint = Instant::now();
        Ok(())
    }
}
