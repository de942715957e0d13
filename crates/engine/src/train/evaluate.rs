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
    /// Probabilities of the validation rows.
    pub validation_scores: Vec<f32>,
    /// Probabilities of the test rows.
    pub test_scores: Vec<f32>,
    /// Metrics on the training rows, without dropout.
    pub train: SplitMetrics,
    /// Metrics on the validation rows.
    pub val: SplitMetrics,
    /// Metrics on the test rows.
    pub test: SplitMetrics,
    /// ROC curve of the training rows, thinned; empty where it is not defined. Their scores are not kept.
    pub train_roc: Vec<RocCorner>,
    /// Threshold of the operating point, chosen on the validation rows.
    pub threshold: Option<f64>,
    /// Counts at `threshold` on the validation rows.
    pub val_op: Option<Confusion>,
    /// Counts at `threshold` on the test rows.
    pub test_op: Option<Confusion>,
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
        let (val_scores, val_rows) = part(&self.validation, model);
        let (test_scores, test_rows) = part(&self.test, model);
        let threshold = metrics::threshold_for(point, val_scores, &val_rows.y);
        let (train, train_ranks) = measure(&self.train, model);
        Fitted {
            best_epoch,
            weights,
            train,
            train_roc: train_ranks.map(|ranks| ranks.roc(ROC_STEP)).unwrap_or_default(),
            val: measure(&self.validation, model).0,
            test: measure(&self.test, model).0,
            threshold,
            val_op: threshold.map(|t| Confusion::at(val_scores, &val_rows.y, t)),
            test_op: threshold.map(|t| Confusion::at(test_scores, &test_rows.y, t)),
            validation_scores: val_scores.to_vec(),
            test_scores: test_scores.to_vec(),
        }
    }
}

fn part<'a>((scored, rows): &'a (Scored, &Rows), model: usize) -> (&'a [f32], &'a Rows) {
    let n = rows.y.len();
    (&scored.scores[model * n..(model + 1) * n], rows)
}

fn measure(part_of: &(Scored, &Rows), model: usize) -> (SplitMetrics, Option<Ranks>) {
    let (scores, rows) = part(part_of, model);
    let ranks = Ranks::new(scores, &rows.y);
    let auc = ranks.as_ref().map(Ranks::auc);
    let metrics = SplitMetrics {
        loss: part_of.0.loss[model],
        auc: auc.map(|a| a.auc),
        auc_se: auc.and_then(|a| a.se),
        average_precision: ranks.as_ref().map(Ranks::average_precision),
        confusion: Confusion::at(scores, &rows.y, 0.5),
        brier: metrics::brier(scores, &rows.y),
    };
    (metrics, ranks)
}
