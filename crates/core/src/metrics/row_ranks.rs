//! How rows are ordered by their scores, each counting once or by its weight: one name for both.

use super::ranks::{Ranks, RocCorner, average_precision};
use super::roc_auc;
use super::weighted::WeightedRanks;
use super::{AucEstimate, threshold_for};
use crate::spec::OperatingPoint;

/// [`Ranks`] of rows without weights, [`WeightedRanks`] of others.
#[derive(Debug, Clone)]
pub enum RowRanks {
    /// Each row counts once.
    Rows(Ranks),
    /// By its weight.
    Weights(WeightedRanks),
}

impl RowRanks {
    /// `weights` is empty where each row counts once. `None` when a class is absent, or weighs nothing, or a score is
    /// NaN.
    pub fn new(scores: &[f32], labels: &[u8], weights: &[f64]) -> Option<Self> {
        if weights.is_empty() {
            Ranks::new(scores, labels).map(Self::Rows)
        } else {
            WeightedRanks::new(scores, labels, weights).map(Self::Weights)
        }
    }

    /// AUC and its standard error.
    pub fn auc(&self) -> AucEstimate {
        match self {
            Self::Rows(ranks) => ranks.auc(),
            Self::Weights(ranks) => ranks.auc(),
        }
    }

    /// Average precision.
    pub fn average_precision(&self) -> f64 {
        match self {
            Self::Rows(ranks) => ranks.average_precision(),
            Self::Weights(ranks) => ranks.average_precision(),
        }
    }

    /// [`Ranks::partial_auc`].
    pub fn partial_auc(&self, max_fpr: f64) -> Option<f64> {
        match self {
            Self::Rows(ranks) => ranks.partial_auc(max_fpr),
            Self::Weights(ranks) => ranks.partial_auc(max_fpr),
        }
    }

    /// [`Ranks::precision_at_k`] with the k of an operating point.
    pub fn precision_at(&self, point: &OperatingPoint) -> Option<f64> {
        match self {
            Self::Rows(ranks) => ranks.precision_at_k(ranks.rows_at_point(point)),
            Self::Weights(ranks) => ranks.precision_at_weight(ranks.weight_at_point(point)),
        }
    }

    /// [`Ranks::roc`].
    pub fn roc(&self, step: f64) -> Vec<RocCorner> {
        match self {
            Self::Rows(ranks) => ranks.roc(step),
            Self::Weights(ranks) => ranks.roc(step),
        }
    }
}

/// [`roc_auc`], or that of rows that count by `weights`, where there are any.
pub fn weighted_roc_auc(scores: &[f32], labels: &[u8], weights: &[f64]) -> Option<f64> {
    if weights.is_empty() {
        return roc_auc(scores, labels);
    }
    WeightedRanks::new(scores, labels, weights).map(|ranks| ranks.auc().auc)
}

/// [`average_precision`], or that of rows that count by `weights`, where there are any.
pub fn weighted_average_precision(scores: &[f32], labels: &[u8], weights: &[f64]) -> Option<f64> {
    if weights.is_empty() {
        return average_precision(scores, labels);
    }
    WeightedRanks::new(scores, labels, weights).map(|ranks| ranks.average_precision())
}

/// [`threshold_for`], or that of rows that count by `weights`, where there are any.
pub fn weighted_threshold_for(point: &OperatingPoint, scores: &[f32], labels: &[u8], weights: &[f64]) -> Option<f64> {
    if weights.is_empty() {
        return threshold_for(point, scores, labels);
    }
    WeightedRanks::new(scores, labels, weights).map(|ranks| f64::from(ranks.threshold(point)))
}
