//! Epochs of a stack: steps, validation, early stopping, compaction, checkpoints. The arithmetic is a backend's.

use std::time::Instant;

use super::backend::{Backend, Backends, Batch, Parameters, Part, select};
use super::checkpoint::{Checkpoint, Position, TrialState};
use super::correct::Line;
use super::early_stopping::{Patience, Verdict};
use super::error::TrainError;
use super::evaluate::{Fitted, Parts};
use super::stack::Stack;
use focalsweep_core::metrics::{RowRanks, weighted_average_precision, weighted_roc_auc};
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::record::HistoryRow;
use focalsweep_core::spec::{Correction, Monitor, OperatingPoint};

/// Error of an observer that could not keep a result.
pub type SaveError = Box<dyn std::error::Error + Send + Sync>;

/// Who watches a stack train: keeps its results and may ask it to stop.
pub trait Observer {
    /// Asked before every step; `true` makes the stack checkpoint and return [`End::Interrupted`].
    fn stop_requested(&self) -> bool;

    /// An epoch is over.
    fn epoch(&mut self, report: &EpochReport);

    /// Trials have ended, well or not.
    ///
    /// # Errors
    /// They could not be kept; training ends.
    fn ended(&mut self, ended: Vec<Ended>) -> Result<(), SaveError>;

    /// Asked after every epoch.
    fn checkpoint_due(&self) -> bool;

    /// A state from which the stack can go on.
    ///
    /// # Errors
    /// It could not be kept; training ends.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), SaveError>;
}

/// What an epoch brought.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochReport {
    /// 1-based.
    pub epoch: u32,
    /// Trials that go on.
    pub training: usize,
    /// Best validation AUC of the epoch, and its slot.
    pub best: Option<(usize, f64)>,
}

/// A trial that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Its position in the stack.
    pub slot: usize,
    /// Its epochs.
    pub history: Vec<HistoryRow>,
    /// Seconds that its stacks had trained by then.
    pub seconds: f64,
    /// Whether it only paused: the checkpoint has where it can go on.
    pub paused: bool,
    /// The model, or why there is none.
    pub outcome: Result<Fitted, String>,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every trial has ended.
    Done,
    /// The observer asked to stop; the last checkpoint has the rest.
    Interrupted,
}

/// Trains `stack` on `data` with a backend of `backends`, from the start or from a checkpoint of the same stack.
///
/// Memory: per model about `batch_size · (sum of widths) · 16` bytes for a step, and 4 bytes a row and model for
/// scores.
///
/// # Errors
/// The backend failed, a result could not be saved, or the checkpoint is of another stack. A model that diverges is no
/// error: it ends alone, with the reason.
pub fn train(
    stack: &Stack,
    data: &Replicate,
    operating_point: &OperatingPoint,
    backends: &dyn Backends,
    from: Option<Checkpoint>,
    observer: &mut dyn Observer,
) -> Result<End, TrainError> {
    let state = match from {
        Some(checkpoint) if checkpoint.trials().iter().all(|t| t.slot < stack.trials.len()) => checkpoint,
        Some(_) => return Err(TrainError::Checkpoint("it has more trials than the stack".into())),
        None => start(stack, &(0..stack.trials.len()).collect::<Vec<_>>()),
    };
    let slots: Vec<usize> = state.position.trials.iter().map(|t| t.slot).collect();
    if slots.is_empty() {
        return Ok(End::Done);
    }
    let losses = state.position.trials.iter().map(|t| t.loss_sum).collect();
    let backend = backends.open(stack, data, &slots, &state.parameters, losses)?;
    Run { stack, data, operating_point, state, backend, observer }.go()
}

/// The state in which the trials in `slots` of `stack` begin.
pub fn start(stack: &Stack, slots: &[usize]) -> Checkpoint {
    let weights = stack.initial();
    let zeros = vec![0.0; weights.len()];
    let trial =
        |slot| TrialState { slot, patience: Patience::default(), history: Vec::new(), loss_sum: 0.0, before: 0.0 };
    let mut all = Checkpoint {
        best: weights.clone(),
        parameters: Parameters { weights, first: zeros.clone(), second: zeros },
        position: Position {
            epoch: 0,
            step: 0,
            updates: 0,
            seconds: 0.0,
            epoch_seconds: 0.0,
            trials: (0..stack.trials.len()).map(trial).collect(),
        },
    };
    if slots.len() < stack.trials.len() {
        all.retain(slots, stack.shape.parameters());
    }
    all
}

/// Training under way. `state.parameters` is stale while the backend trains, and fetched when an epoch ends.
struct Run<'a> {
    stack: &'a Stack,
    data: &'a Replicate,
    operating_point: &'a OperatingPoint,
    state: Checkpoint,
    backend: Box<dyn Backend + 'a>,
    observer: &'a mut dyn Observer,
}

impl Run<'_> {
    fn go(mut self) -> Result<End, TrainError> {
        while !self.state.position.trials.is_empty() {
            let Position { epoch, step, .. } = self.state.position;
            if step == 0 && self.stack.pause.is_some_and(|pause| epoch >= pause) {
                self.pause()?;
                break;
            }
            let started = Instant::now();
            let end = self.steps();
            let seconds = started.elapsed().as_secs_f64();
            self.state.position.seconds += seconds;
            self.state.position.epoch_seconds += seconds;
            if end? == End::Interrupted {
                self.state.parameters = self.backend.parameters()?;
                self.observer.checkpoint(&self.state).map_err(TrainError::Save)?;
                return Ok(End::Interrupted);
            }
            self.end_epoch()?;
            if !self.state.position.trials.is_empty() && self.observer.checkpoint_due() {
                self.observer.checkpoint(&self.state).map_err(TrainError::Save)?;
            }
        }
        Ok(End::Done)
    }

    /// The rest of the epoch's steps.
    fn steps(&mut self) -> Result<End, TrainError> {
        let position = &mut self.state.position;
        let order = self.stack.order(&self.data.train, position.epoch);
        let mut end = End::Done;
        let size = self.stack.batch_size();
        for start in (0..order.len()).step_by(size).skip(position.step as usize) {
            if self.observer.stop_requested() {
                end = End::Interrupted;
                break;
            }
            position.updates += 1;
            self.backend.step(&Batch {
                epoch: position.epoch,
                step: position.step,
                order: &order,
                at: start..order.len().min(start + size),
                update: position.updates,
            })?;
            position.step += 1;
        }
        for (trial, loss) in position.trials.iter_mut().zip(self.backend.take_losses()?) {
            trial.loss_sum = loss;
        }
        Ok(end)
    }

    /// Validation, history, early stopping; ended trials go to the observer and leave the stack.
    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let started = Instant::now();
        self.state.parameters = self.backend.parameters()?;
        let slots: Vec<usize> = self.state.position.trials.iter().map(|t| t.slot).collect();
        let validation = &self.data.validation;
        let scored = self.backend.score(&self.state.parameters.weights, &slots, Part::Validation)?;
        let (n, size) = (validation.y.len(), self.stack.shape.parameters());
        let aucs: Vec<Option<f64>> =
            scored.raw.chunks_exact(n).map(|raw| weighted_roc_auc(raw, &validation.y, &validation.weights)).collect();

        let position = &mut self.state.position;
        position.seconds += started.elapsed().as_secs_f64();
        position.epoch += 1;
        let seconds = position.epoch_seconds + started.elapsed().as_secs_f64();
        let schedule = &self.stack.schedule;
        let (rule, looks) = (schedule.rule.as_ref(), schedule.looks_at(position.epoch));
        let mut fates = Vec::with_capacity(slots.len());
        for (model, trial) in position.trials.iter_mut().enumerate() {
            let train_loss = trial.loss_sum / self.stack.rows_per_epoch() as f64;
            trial.loss_sum = 0.0;
            let (val_loss, val_auc) = (scored.loss[model], aucs[model]);
            let learning_rate = self.stack.trials[trial.slot].learning_rate;
            trial.history.push(HistoryRow {
                epoch: position.epoch,
                train_loss,
                val_loss,
                val_auc,
                learning_rate,
                seconds,
            });
            fates.push(match val_auc {
                Some(auc) if train_loss.is_finite() && val_loss.is_finite() => {
                    let raw = &scored.raw[model * n..(model + 1) * n];
                    let point = self.operating_point;
                    let of = |metric: Monitor| monitored(metric, point, (auc, val_loss), (raw, validation));
                    let verdict = if looks { trial.patience.judge(rule, position.epoch, of) } else { Verdict::Waits };
                    if verdict == Verdict::Improved || rule.is_some_and(|r| !r.restore_best_weights) {
                        trial.patience.best_epoch = position.epoch;
                        let at = model * size..(model + 1) * size;
                        self.state.best[at.clone()].copy_from_slice(&self.state.parameters.weights[at]);
                    }
                    let over = verdict == Verdict::Stops || position.epoch >= schedule.epochs;
                    if over { Fate::Finished } else { Fate::GoesOn }
                }
                _ => Fate::Diverged,
            });
        }
        position.step = 0;
        position.epoch_seconds = 0.0;
        let best =
            slots.iter().zip(&aucs).filter_map(|(&slot, auc)| Some((slot, (*auc)?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let keep: Vec<usize> = (0..fates.len()).filter(|&k| fates[k] == Fate::GoesOn).collect();
        self.observer.epoch(&EpochReport { epoch: position.epoch, training: keep.len(), best });
        if keep.len() < fates.len() {
            let ended = self.ended(&fates)?;
            self.observer.ended(ended).map_err(TrainError::Save)?;
            self.state.retain(&keep, size);
            if !keep.is_empty() {
                self.backend.retain(&keep)?;
            }
        }
        Ok(())
    }

    /// Keeps where the trials stand, then what they came to: their best weights so far, this epoch's among them, which
    /// the rule may not have looked at. What they go on from does not know of that.
    fn pause(&mut self) -> Result<(), TrainError> {
        self.observer.checkpoint(&self.state).map_err(TrainError::Save)?;
        let (schedule, position) = (&self.stack.schedule, &self.state.position);
        let slots: Vec<usize> = position.trials.iter().map(|t| t.slot).collect();
        let mut best: Vec<u32> = position.trials.iter().map(|trial| trial.patience.best_epoch).collect();
        let mut weights = self.state.best.clone();
        if let Some(rule) = schedule.rule.as_ref().filter(|_| !schedule.looks_at(position.epoch)) {
            let (validation, size) = (&self.data.validation, self.stack.shape.parameters());
            let now = &self.state.parameters.weights;
            let scored = self.backend.score(now, &slots, Part::Validation)?;
            for (model, raw) in scored.raw.chunks_exact(validation.y.len()).enumerate() {
                let auc = weighted_roc_auc(raw, &validation.y, &validation.weights).unwrap_or(0.0);
                let value = monitored(rule.metric, self.operating_point, (auc, scored.loss[model]), (raw, validation));
                if position.trials[model].patience.is_bettered(rule, value) {
                    best[model] = position.epoch;
                    let at = model * size..(model + 1) * size;
                    weights[at.clone()].copy_from_slice(&now[at]);
                }
            }
        }
        let all: Vec<usize> = (0..slots.len()).collect();
        let paused =
            self.scored(&all, &weights, (&best, false))?.into_iter().map(|ended| Ended { paused: true, ..ended });
        self.observer.ended(paused.collect()).map_err(TrainError::Save)
    }

    /// The trials that do not go on, the finished ones scored with their best weights.
    fn ended(&self, fates: &[Fate]) -> Result<Vec<Ended>, TrainError> {
        let finished: Vec<usize> = (0..fates.len()).filter(|&k| fates[k] == Fate::Finished).collect();
        let trials = &self.state.position.trials;
        let best: Vec<u32> = finished.iter().map(|&k| trials[k].patience.best_epoch).collect();
        let weights = select(&self.state.best, &finished, self.stack.shape.parameters());
        let mut ended = self.scored(&finished, &weights, (&best, true))?;
        for k in (0..fates.len()).filter(|&k| fates[k] == Fate::Diverged) {
            let epoch = self.state.position.epoch;
            let why = format!("diverged: the loss or a score is not a finite number at epoch {epoch}");
            ended.push(self.ended_one(k, Err(why)));
        }
        Ok(ended)
    }

    /// The trials at `at` with their best weights, and the epochs that these are of; on the training rows too only if
    /// they have come to their ends.
    fn scored(
        &self,
        at: &[usize],
        weights: &[f32],
        (best, with_train): (&[u32], bool),
    ) -> Result<Vec<Ended>, TrainError> {
        if at.is_empty() {
            return Ok(Vec::new());
        }
        let size = self.stack.shape.parameters();
        let slots: Vec<usize> = at.iter().map(|&k| self.state.position.trials[k].slot).collect();
        let weights = self.corrected(&slots, weights)?;
        let parts = Parts::scored_by(self.data, with_train, |part| self.backend.score(&weights, &slots, part))?;
        let ended = at.iter().zip(best).enumerate().map(|(model, (&k, &best))| {
            let own = weights[model * size..(model + 1) * size].to_vec();
            self.ended_one(k, Ok(parts.fitted(model, own, best, self.operating_point)))
        });
        Ok(ended.collect())
    }

    /// The weights `[slots, P]` with what makes probabilities of their scores.
    fn corrected(&self, slots: &[usize], weights: &[f32]) -> Result<Vec<f32>, TrainError> {
        let (stack, size) = (self.stack, self.stack.shape.parameters());
        let mut weights = weights.to_vec();
        for (&slot, weights) in slots.iter().zip(weights.chunks_exact_mut(size)) {
            let line = match stack.trials[slot].correction {
                Correction::None => None,
                Correction::Prior => Some(Line::of_prior(stack, &self.data.train)),
                Correction::Platt => {
                    let scored = self.backend.score(weights, &[slot], Part::Validation)?;
                    Line::of_platt(&scored.raw, &self.data.validation.y)
                }
            };
            if let Some(line) = line {
                line.fold(&stack.shape, weights);
            }
        }
        Ok(weights)
    }

    fn ended_one(&self, k: usize, outcome: Result<Fitted, String>) -> Ended {
        let Position { seconds, trials, .. } = &self.state.position;
        let TrialState { slot, ref history, before, .. } = trials[k];
        Ended { slot, history: history.clone(), seconds: before + seconds, outcome, paused: false }
    }
}

/// The value of a metric that stops trials: `measured` are AUC and loss, `raw` the logits of `rows`.
fn monitored(metric: Monitor, point: &OperatingPoint, measured: (f64, f64), (raw, rows): (&[f32], &Rows)) -> f64 {
    let (y, weights) = (&rows.y, &rows.weights);
    match metric {
        Monitor::ValAuc => measured.0,
        Monitor::ValLoss => measured.1,
        // There are positives: it is defined.
        Monitor::ValAveragePrecision => weighted_average_precision(raw, y, weights).unwrap_or(0.0),
        // A spec whose operating point says no rate is refused.
        Monitor::ValPartialAuc => {
            let ranks = point.false_alarm_rate().zip(RowRanks::new(raw, y, weights));
            ranks.and_then(|(rate, ranks)| ranks.partial_auc(rate)).unwrap_or(0.0)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoesOn,
    Finished,
    Diverged,
}
