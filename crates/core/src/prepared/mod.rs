//! Prepared rows: what training reads of a replicate, and what made them of the file's columns.

mod preprocessing;

use arrow::buffer::ScalarBuffer;
use serde::{Deserialize, Serialize};

use crate::spec::ColumnKind;

pub use preprocessing::{FileReading, LabelReading, Preprocessing, Step};

/// Rows ready for training. The buffers are slices of memory of this process or of a file that several processes map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Prepared features, row-major `[rows, features]`.
    pub x: ScalarBuffer<f32>,
    /// 1 for the rare class, else 0; `[rows]`.
    pub y: ScalarBuffer<u8>,
    /// 0-based rows of the source, ascending; `[rows]`.
    pub source_rows: ScalarBuffer<u32>,
    /// What each row is a part of when it comes to how sure figures are: its group, or its day; `[rows]`. Empty where
    /// each row stands for itself.
    pub units: ScalarBuffer<u32>,
    /// By how much each row counts in loss and figures, at least 0; `[rows]`. Empty where each counts once.
    pub weights: ScalarBuffer<f64>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Rows of the rare class.
    pub fn positives(&self) -> usize {
        self.y.iter().map(|&label| usize::from(label)).sum()
    }

    /// The weights by which losses are weighed: 1 on average, so that step sizes mean what they do without. Empty where
    /// rows have none.
    pub fn loss_weights(&self) -> Vec<f32> {
        let scale = self.weight_scale();
        self.weights.iter().map(|weight| (scale * weight) as f32).collect()
    }

    fn weight_scale(&self) -> f64 {
        let sum: f64 = self.weights.iter().sum();
        if sum > 0.0 { self.len() as f64 / sum } else { 1.0 }
    }

    /// Mean weight of the rows of each class, the rare one first, where weights are 1 on average over all rows; 1 and 1
    /// where rows have none.
    pub fn mean_weights(&self) -> [f64; 2] {
        if self.weights.is_empty() {
            return [1.0; 2];
        }
        let scale = self.weight_scale();
        [1, 0].map(|class| {
            let of_class = self.weights.iter().zip(self.y.iter()).filter(|&(_, &label)| label == class);
            let (sum, count) = of_class.fold((0.0, 0_u64), |(sum, count), (weight, _)| (sum + weight, count + 1));
            if count > 0 { scale * sum / count as f64 } else { 1.0 }
        })
    }
}

/// A column of the source as a trainer of the user's sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRead {
    /// Its name.
    pub name: String,
    /// What it holds; never [`ColumnKind::Ignore`].
    pub kind: ColumnKind,
    /// Whether it is a category whose levels are all numbers: there `NA` is missing, and among words it is one of them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub codes: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The data of one replicate, shared by all trials that are trained on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    /// 0-based replicate.
    pub index: u32,
    /// Seed of the sweep.
    pub seed: u64,
    /// Names of the columns of [`Rows::x`].
    pub features: Vec<String>,
    /// What makes these columns from the file's.
    pub preprocessing: Preprocessing,
    /// Rows that weights are fitted to.
    pub train: Rows,
    /// Rows that choose: early stopping, thresholds, ranks.
    pub validation: Rows,
    /// Rows that nothing is chosen on.
    pub test: Rows,
    /// Negatives that choose nothing but a threshold with a guarantee; none unless asked for.
    pub calibration: Rows,
    /// First 16 hexadecimal digits of a SHA-256 over the row numbers of the parts.
    pub split_fingerprint: String,
    /// What people should know about split and preparation, a line each.
    pub notes: Vec<String>,
}

impl Replicate {
    /// The same without its features: enough to plan by, and to say what came of it.
    #[must_use]
    pub fn without_features(&self) -> Self {
        let without = |rows: &Rows| Rows { x: ScalarBuffer::default(), ..rows.clone() };
        Self {
            train: without(&self.train),
            validation: without(&self.validation),
            test: without(&self.test),
            calibration: without(&self.calibration),
            ..self.clone()
        }
    }

    /// Whether it has its features, and can be trained on.
    pub fn has_features(&self) -> bool {
        self.features.is_empty() || !self.train.x.is_empty()
    }

    /// The rows whose scores are kept, in the order in which they are.
    pub fn scored(&self) -> [&Rows; 3] {
        [&self.validation, &self.test, &self.calibration]
    }
}
