//! The metrics of a trained model on each split.

use super::backend::Scored;
use focalsweep_core::metrics::{self, Confusion, Ranks, RocCorner};
use focalsweep_core::prepared::Rows;
use focalsweep_core::record::SplitMetrics;
use focalsweep_core::spec::OperatingPoint;

/// Corners of a kept ROC curve are at least this far apart: about 200 of them, of which no place is off by more.
const ROC_STEP: f64 = 0.01;

/// A trained model and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// 1-based epoch whose weights these are.
    pub best_epoch: u32,
    /// Parameters in the layout of [`Shape`](focalsweep_core::plan::Shape).
    pub weights: Vec<f32>,
    /// The validation rows, scored.
    pub validation: RowScores,
    /// The test rows, scored.
    pub test_rows: RowScores,
    /// Metrics on the training rows, without dropout.
    pub train: SplitMetrics,
    /// Metrics on the validation rows.
    pub val: SplitMetrics,
    /// Metrics on the test rows.
    pub test: SplitMetrics,
    /// ROC curve of the training rows by their logits, thinned; empty where it is not defined. Their scores are not
    /// kept.
    pub train_roc: Vec<RocCorner>,
    /// Threshold of the operating point: the probability of `threshold_raw`.
    pub threshold: Option<f64>,
    /// The logit that it is chosen by, on the validation rows.
    pub threshold_raw: Option<f64>,
    /// Counts at `threshold_raw` on the validation rows.
    pub val_op: Option<Confusion>,
    /// Counts at `threshold_raw` on the test rows.
    pub test_op: Option<Confusion>,
}

/// What a model says of rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowScores {
    /// Logits.
    pub raw: Vec<f32>,
    /// Their probabilities.
    pub scores: Vec<f32>,
}

/// Scores of the same models over the three splits.
pub(super) struct Parts<'a> {
    pub(super) train: (Scored, &'a Rows),
    pub(super) validation: (Scored, &'a Rows),
    pub(super) test: (Scored, &'a Rows),
}

impl Parts<'_> {
    /// Everything about the model at position `model` of the scores.
    pub(super) fn fitted(&self, model: usize, weights: Vec<f32>, best_epoch: u32, point: &OperatingPoint) -> Fitted {
        let (validation, val_labels) = part(&self.validation, model);
        let (test, test_labels) = part(&self.test, model);
        let threshold_raw = metrics::threshold_for(point, validation.raw, val_labels);
        let threshold = threshold_raw.map(|raw| metrics::score_of_threshold(raw, validation.raw, validation.scores));
        let (train, train_ranks) = measure(&self.train, model);
        Fitted {
            best_epoch,
            weights,
            train,
            train_roc: train_ranks.map(|ranks| ranks.roc(ROC_STEP)).unwrap_or_default(),
            val: measure(&self.validation, model).0,
            test: measure(&self.test, model).0,
            threshold,
            threshold_raw,
            val_op: threshold_raw.map(|t| Confusion::at(validation.raw, val_labels, t)),
            test_op: threshold_raw.map(|t| Confusion::at(test.raw, test_labels, t)),
            validation: validation.to_owned(),
            test_rows: test.to_owned(),
        }
    }
}

/// Scores of one model.
#[derive(Clone, Copy)]
struct OfModel<'a> {
    raw: &'a [f32],
    scores: &'a [f32],
}

impl OfModel<'_> {
    fn to_owned(self) -> RowScores {
        RowScores { raw: self.raw.to_vec(), scores: self.scores.to_vec() }
    }
}

/// The scores of one model and the labels of their rows.
fn part<'a>((scored, rows): &'a (Scored, &Rows), model: usize) -> (OfModel<'a>, &'a [u8]) {
    let at = model * rows.y.len()..(model + 1) * rows.y.len();
    (OfModel { raw: &scored.raw[at.clone()], scores: &scored.scores[at] }, &rows.y)
}

/// What ranks rows is measured by their logits, since probabilities that differ by little become equal.
fn measure(part_of: &(Scored, &Rows), model: usize) -> (SplitMetrics, Option<Ranks>) {
    let (OfModel { raw, scores }, labels) = part(part_of, model);
    let ranks = Ranks::new(raw, labels);
    let auc = ranks.as_ref().map(Ranks::auc);
    let metrics = SplitMetrics {
        loss: part_of.0.loss[model],
        auc: auc.map(|a| a.auc),
        auc_se: auc.and_then(|a| a.se),
        average_precision: ranks.as_ref().map(Ranks::average_precision),
        confusion: Confusion::at(scores, labels, 0.5),
        brier: metrics::brier(scores, labels),
    };
    (metrics, ranks)
}
