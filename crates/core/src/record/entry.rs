//! A line of a journal: what a (trial, replicate) came to, and where its bytes lie in the file beside.

use serde::{Deserialize, Serialize};

use super::checksum::Sum;
use super::lines;
use super::rows::{HistoryRow, ResultRow, State};
use crate::metrics::RocCorner;
use crate::plan::{Hyperparameters, Shape};
use crate::prepared::Replicate;

/// A journal line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The row of results.parquet.
    pub row: ResultRow,
    /// Its epochs.
    pub history: Vec<HistoryRow>,
    /// ROC curve of its training rows by their logits; empty for a trial without a model.
    pub train_roc: Vec<RocCorner>,
    /// Where its bytes lie in the `.bin` file; `None` for a trial without a model.
    pub bytes: Option<Spans>,
}

/// Where an entry's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans {
    /// Where they start.
    pub(super) offset: u64,
    /// Bytes of each part, one after the other: logits and probabilities of the validation rows, of the test rows, of
    /// the calibration rows, the model.
    pub(super) lengths: [u64; PARTS],
    /// Checksum of each part.
    pub(super) sums: [Sum; PARTS],
}

impl Spans {
    /// Checksum of the model.
    pub(super) fn model_sum(&self) -> Sum {
        self.sums[MODEL]
    }

    /// Where each part lies; `None` where no file is that long.
    pub(super) fn parts(&self) -> Option<[(u64, u64); PARTS]> {
        let mut start = self.offset;
        let mut parts = [(0, 0); PARTS];
        for (part, &length) in parts.iter_mut().zip(&self.lengths) {
            *part = (start, length);
            start = start.checked_add(length)?;
        }
        Some(parts)
    }
}

/// What an entry has to agree with: the trial and the rows that it says it was trained on.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The trial of that id.
    pub trial: &'a Hyperparameters,
    /// The replicate of that number.
    pub replicate: &'a Replicate,
    /// Fingerprint of the run's data.
    pub data_fingerprint: &'a str,
}

/// Parts of a model's bytes.
pub(super) const PARTS: usize = 7;
/// The last of them.
pub(super) const MODEL: usize = PARTS - 1;

impl Entry {
    /// The entry of a line of a journal that others may be writing; `None` where it is not whole yet.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        lines::value(line).ok()
    }

    /// Whether this is an entry of the sweep that is `expected`, with as many scores and parameters as that has.
    ///
    /// # Errors
    /// What is otherwise, in words.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), String> {
        let Expected { trial, replicate, data_fingerprint } = *expected;
        let row = &self.row;
        let same = [
            ("hyperparameters", row.hyperparameters == *trial),
            ("replicate", row.replicate == replicate.index),
            ("data", row.data_fingerprint == data_fingerprint),
            ("split", row.split_fingerprint == replicate.split_fingerprint),
        ];
        if let Some((what, _)) = same.iter().find(|(_, same)| !same) {
            return Err(format!("it is of another {what} than the sweep"));
        }
        if (row.state == State::Failed) != self.bytes.is_none() {
            return Err("a trial has a model unless it failed".to_owned());
        }
        if row.trainer != trial.trainer() {
            return Err("it is of another trainer than the sweep".to_owned());
        }
        let Some(spans) = &self.bytes else { return Ok(()) };
        if trial.command.is_some() {
            return check_scores(spans, replicate);
        }
        let Hyperparameters { hidden, activation, .. } = trial;
        let shape = Shape { inputs: replicate.features.len(), hidden: hidden.clone(), activation: *activation };
        let bytes = |numbers: usize| numbers as u64 * size_of::<f32>() as u64;
        let model = bytes(shape.parameters());
        let mut with_scores = [model; PARTS];
        for (lengths, rows) in with_scores.chunks_exact_mut(2).zip(replicate.scored()) {
            lengths.fill(bytes(rows.len()));
        }
        let mut without = [0; PARTS];
        without[MODEL] = model;
        if spans.lengths == with_scores || spans.lengths == without {
            Ok(())
        } else {
            Err(format!("{:?} bytes of scores and parameters, expected {with_scores:?}", spans.lengths))
        }
    }
}

/// Whether a command's entry has a logit, or a score of its own, for each row, and as many probabilities or none; its
/// model lies elsewhere.
fn check_scores(spans: &Spans, replicate: &Replicate) -> Result<(), String> {
    let expected = replicate.scored().map(|rows| rows.len() as u64 * size_of::<f32>() as u64);
    let are_kept = spans.lengths.iter().any(|length| *length > 0);
    let fits = |(lengths, expected): (&[u64], &u64)| lengths[0] == *expected && [0, *expected].contains(&lengths[1]);
    if spans.lengths[MODEL] == 0 && (!are_kept || spans.lengths[..MODEL].chunks_exact(2).zip(&expected).all(fits)) {
        Ok(())
    } else {
        Err(format!("{:?} bytes of scores, expected {expected:?} of each kind", spans.lengths))
    }
}
