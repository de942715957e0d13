//! The metrics of a trained model on each split.

use super::backend::{Part, Scored};
use super::error::TrainError;
use focalsweep_core::metrics::{Confusion, RocCorner, RowRanks, ScoredRows, threshold_in_use, validation_threshold};
use focalsweep_core::prepared::{Replicate, Rows};
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
    /// The calibration rows, scored; none where none were set aside.
    pub calibration: RowScores,
    /// Metrics on the training rows, without dropout; none of a model that only paused: there are more of these rows
    /// than of all others, and nobody is judged by them.
    pub train: Option<SplitMetrics>,
    /// Metrics on the validation rows.
    pub val: SplitMetrics,
    /// Metrics on the test rows.
    pub test: SplitMetrics,
    /// ROC curve of the training rows by their logits, thinned; empty where it is not defined. Their scores are not
    /// kept.
    pub train_roc: Vec<RocCorner>,
    /// Threshold of the operating point: the probability of `threshold_raw`.
    pub threshold: Option<f64>,
    /// The logit that rows are flagged from: see [`threshold_in_use`].
    pub threshold_raw: Option<f64>,
    /// Counts on the validation rows, which may rank: at the threshold that these rows choose, so that the calibration
    /// rows rank nobody.
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

/// Scores of the same models over all parts of a replicate.
pub(super) struct Parts<'a> {
    train: Option<(Scored, &'a Rows)>,
    validation: (Scored, &'a Rows),
    test: (Scored, &'a Rows),
    calibration: (Scored, &'a Rows),
}

impl<'a> Parts<'a> {
    /// Of `data`, by what scores a part of it; the training rows only if they are to be measured.
    ///
    /// # Errors
    /// Those of `score`.
    pub(super) fn scored_by(
        data: &'a Replicate,
        with_train: bool,
        score: impl Fn(Part) -> Result<Scored, TrainError>,
    ) -> Result<Self, TrainError> {
        let part = |part: Part| Ok::<_, TrainError>((score(part)?, part.of(data)));
        let calibration =
            if data.calibration.is_empty() { (Scored::default(), &data.calibration) } else { part(Part::Calibration)? };
        Ok(Self {
            train: with_train.then(|| part(Part::Train)).transpose()?,
            validation: part(Part::Validation)?,
            test: part(Part::Test)?,
            calibration,
        })
    }

    /// Everything about the model at position `model` of the scores.
    pub(super) fn fitted(&self, model: usize, weights: Vec<f32>, best_epoch: u32, point: &OperatingPoint) -> Fitted {
        let validation = part(&self.validation, model);
        let test = part(&self.test, model);
        let calibration = part(&self.calibration, model);
        let chosen = validation_threshold(point, validation);
        let in_use = threshold_in_use(point, chosen, calibration);
        let counted = |rows: ScoredRows<'_>, raw| Confusion::weighed(rows.raw, rows.labels, rows.weights, raw);
        let (train, train_ranks) = self.train.as_ref().map(|part_of| measure(part_of, model, point)).unzip();
        Fitted {
            best_epoch,
            weights,
            train,
            train_roc: train_ranks.flatten().map(|ranks| ranks.roc(ROC_STEP)).unwrap_or_default(),
            val: measure(&self.validation, model, point).0,
            test: measure(&self.test, model, point).0,
            threshold: in_use.map(|threshold| threshold.score),
            threshold_raw: in_use.map(|threshold| threshold.raw),
            val_op: chosen.map(|threshold| counted(validation, threshold.raw)),
            test_op: in_use.map(|threshold| counted(test, threshold.raw)),
            validation: RowScores::of(validation),
            test_rows: RowScores::of(test),
            calibration: RowScores::of(calibration),
        }
    }
}

impl RowScores {
    fn of(rows: ScoredRows<'_>) -> Self {
        Self { raw: rows.raw.to_vec(), scores: rows.scores.to_vec() }
    }
}

/// The scores of one model, with the labels and weights of their rows.
fn part<'a>((scored, rows): &'a (Scored, &Rows), model: usize) -> ScoredRows<'a> {
    let at = model * rows.y.len()..(model + 1) * rows.y.len();
    ScoredRows { raw: &scored.raw[at.clone()], scores: &scored.scores[at], labels: &rows.y, weights: &rows.weights }
}

fn measure(part_of: &(Scored, &Rows), model: usize, point: &OperatingPoint) -> (SplitMetrics, Option<RowRanks>) {
    let loss = Some(part_of.0.loss[model]);
    SplitMetrics::measured(part(part_of, model), &part_of.1.units, loss, Some(point))
}
