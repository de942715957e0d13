//! The state of a stack between two steps, and its bytes.
//!
//! A checkpoint is a safetensors file: tensors `weights`, `first`, `second` and `best`, each `[K, P]`, and the rest as
//! JSON in the header's metadata. Random numbers need no state: their streams are named by epoch and step.

use std::collections::HashMap;

use safetensors::Dtype;
use safetensors::tensor::{SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::backend::{Parameters, select};
use super::early_stopping::Patience;
use super::error::TrainError;
use super::stack::Stack;
use focalsweep_core::prepared::Rows;
use focalsweep_core::record::{HistoryRow, from_le_bytes, le_bytes};

/// One trial's part of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialState {
    /// The trial's position in its stack.
    pub slot: usize,
    pub(super) patience: Patience,
    pub(super) history: Vec<HistoryRow>,
    /// Summed training loss of the epoch under way.
    pub(super) loss_sum: f64,
    /// Seconds that it trained in other stacks before.
    #[serde(default)]
    pub(super) before: f64,
}

/// Where a stack stands between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub(super) parameters: Parameters,
    /// Parameters of each trial's best epoch, `[K, P]`.
    pub(super) best: Vec<f32>,
    pub(super) position: Position,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// 0-based epoch under way.
    pub(super) epoch: u32,
    /// 0-based next step of it.
    pub(super) step: u32,
    /// Updates made.
    pub(super) updates: u64,
    /// Seconds of training so far.
    pub(super) seconds: f64,
    /// Seconds of the epoch under way.
    pub(super) epoch_seconds: f64,
    pub(super) trials: Vec<TrialState>,
}

impl Checkpoint {
    /// Trials that still train.
    pub fn trials(&self) -> &[TrialState] {
        &self.position.trials
    }

    /// Updates made: of two checkpoints of a stack the one with more is further.
    pub fn updates(&self) -> u64 {
        self.position.updates
    }

    /// [`Checkpoint::updates`] of a file's bytes, without the rest; `None` if they are no checkpoint.
    pub fn peek(bytes: &[u8]) -> Option<u64> {
        let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
        let position: Position = serde_json::from_str(header.metadata().as_ref()?.get("position")?).ok()?;
        Some(position.updates)
    }

    /// 1-based epoch under way.
    pub fn epoch(&self) -> u32 {
        self.position.epoch + 1
    }

    /// 0-based next step of that epoch.
    pub fn step(&self) -> u32 {
        self.position.step
    }

    /// Drops the trials that are not at `keep` (ascending).
    pub(super) fn retain(&mut self, keep: &[usize], size: usize) {
        self.parameters.retain(keep, size);
        self.best = select(&self.best, keep, size);
        self.position.trials = keep.iter().map(|&k| self.position.trials[k].clone()).collect();
    }

    /// The part of the trials in `slots`, numbered from 0 as the stack of those alone numbers them.
    pub fn part(&self, slots: std::ops::Range<usize>) -> Self {
        let size = self.best.len().checked_div(self.position.trials.len()).unwrap_or(0);
        let keep: Vec<usize> =
            (0..self.position.trials.len()).filter(|&k| slots.contains(&self.position.trials[k].slot)).collect();
        let mut part = self.clone();
        part.retain(&keep, size);
        for trial in &mut part.position.trials {
            trial.slot -= slots.start;
        }
        part
    }

    /// Models that paused at the same epoch, each in a place of a checkpoint, as the trials of another stack: `of` are
    /// checkpoints, places in them, and slots. `None` for none, or where they stand at different places.
    pub fn joined(of: &[(&Self, usize, usize)]) -> Option<Self> {
        let &(first, ..) = of.first()?;
        let Position { epoch, step, updates, .. } = first.position;
        let alike = |(from, ..): &(&Self, usize, usize)| {
            (from.position.epoch, from.position.step, from.position.updates) == (epoch, step, updates)
        };
        if !of.iter().all(alike) {
            return None;
        }
        let mut of = of.to_vec();
        of.sort_by_key(|&(.., slot)| slot);
        let values = |which: fn(&Self) -> &[f32]| -> Vec<f32> {
            let model = |&(from, at, _): &(&Self, usize, usize)| {
                let size = from.best.len().checked_div(from.position.trials.len()).unwrap_or(0);
                which(from)[at * size..(at + 1) * size].to_vec()
            };
            of.iter().flat_map(model).collect()
        };
        let trial = |&(from, at, slot): &(&Self, usize, usize)| {
            let trial = from.position.trials[at].clone();
            TrialState { slot, before: trial.before + from.position.seconds, ..trial }
        };
        let trials = of.iter().map(trial).collect();
        Some(Self {
            parameters: Parameters {
                weights: values(|from| &from.parameters.weights),
                first: values(|from| &from.parameters.first),
                second: values(|from| &from.parameters.second),
            },
            best: values(|from| &from.best),
            position: Position { epoch, step, updates, seconds: 0.0, epoch_seconds: 0.0, trials },
        })
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Never for a checkpoint that training made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrainError> {
        let k = self.position.trials.len();
        let bytes = [&self.parameters.weights, &self.parameters.first, &self.parameters.second, &self.best]
            .map(|values| le_bytes(values));
        let size = self.best.len().checked_div(k).unwrap_or(0);
        let views = ["weights", "first", "second", "best"]
            .into_iter()
            .zip(&bytes)
            .map(|(name, bytes)| Ok((name, TensorView::new(Dtype::F32, vec![k, size], bytes).map_err(broken)?)))
            .collect::<Result<Vec<_>, TrainError>>()?;
        let position = serde_json::to_string(&self.position).map_err(broken)?;
        let metadata = HashMap::from([("position".to_owned(), position)]);
        safetensors::serialize(views, Some(metadata)).map_err(broken)
    }

    /// Reads [`Checkpoint::to_bytes`].
    ///
    /// # Errors
    /// The bytes are not a whole checkpoint of models with `size` parameters.
    pub fn from_bytes(bytes: &[u8], size: usize) -> Result<Self, TrainError> {
        let checkpoint = Self::read(bytes)?;
        let (found, k) = (checkpoint.best.len(), checkpoint.position.trials.len());
        if found == k * size { Ok(checkpoint) } else { Err(broken(format!("{found} parameters of {k} models"))) }
    }

    /// Whether `stack` can go on from here: as many trials, epochs and steps as it has at this point.
    ///
    /// # Errors
    /// What is otherwise.
    pub fn check(&self, stack: &Stack, train: &Rows) -> Result<(), TrainError> {
        let Position { epoch, step, updates, seconds, epoch_seconds, ref trials } = self.position;
        let steps = stack.order(train, epoch).len().div_ceil(stack.batch_size());
        let slots = trials.iter().map(|trial| trial.slot);
        let fits = slots.clone().all(|slot| slot < stack.trials.len())
            && slots.clone().zip(slots.skip(1)).all(|(one, next)| one < next)
            && epoch < stack.schedule.epochs
            && step as usize <= steps
            && updates == u64::from(epoch) * steps as u64 + u64::from(step)
            && [seconds, epoch_seconds].iter().all(|seconds| seconds.is_finite() && *seconds >= 0.0)
            && trials.iter().all(|trial| {
                trial.history.len() == epoch as usize
                    && trial.patience.best_epoch <= epoch
                    && (1..).zip(&trial.history).all(|(epoch, row)| row.epoch == epoch)
            });
        if fits { Ok(()) } else { Err(broken("it is of another stack")) }
    }

    /// Reads [`Checkpoint::to_bytes`] of models of any size.
    ///
    /// # Errors
    /// The bytes are not a whole checkpoint.
    pub fn read(bytes: &[u8]) -> Result<Self, TrainError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let position =
            header.metadata().as_ref().and_then(|m| m.get("position")).ok_or_else(|| broken("no position"))?;
        let position: Position = serde_json::from_str(position).map_err(broken)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let size = tensors.tensor("best").map_err(broken)?.shape().get(1).copied().unwrap_or(0);
        let read = |name: &str| -> Result<Vec<f32>, TrainError> {
            let view = tensors.tensor(name).map_err(broken)?;
            if view.shape() != [position.trials.len(), size] || view.dtype() != Dtype::F32 {
                return Err(broken(format!("{name} is {:?}", view.shape())));
            }
            Ok(from_le_bytes(view.data()))
        };
        let parameters = Parameters { weights: read("weights")?, first: read("first")?, second: read("second")? };
        Ok(Self { best: read("best")?, parameters, position })
    }
}

fn broken(reason: impl std::fmt::Display) -> TrainError {
    TrainError::Checkpoint(reason.to_string())
}
