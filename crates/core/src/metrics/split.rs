//! The metrics of one trained trial on the rows of one split.

use serde::{Deserialize, Serialize};

use super::Confusion;

/// Metrics of one split at threshold 0.5. `None`: not defined there (one class only).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// Mean of the trial's own loss over the rows.
    #[serde(with = "any_float")]
    pub loss: f64,
    /// ROC AUC.
    pub auc: Option<f64>,
    /// DeLong standard error of `auc`.
    pub auc_se: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Counts at threshold 0.5.
    #[serde(flatten)]
    pub confusion: Confusion,
    /// Mean squared difference of score and label.
    #[serde(with = "any_float")]
    pub brier: f64,
}

/// Numbers that may be infinite or none, as those of a diverging trial are: JSON has no word for them, so they are
/// text.
pub(crate) mod any_float {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { value.serialize(serializer) } else { value.to_string().serialize(serializer) }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(value),
            Written::Word(word) => word.parse().map_err(D::Error::custom),
        }
    }
}
