//! The metrics of one trained trial on the rows of one split.

use serde::{Deserialize, Serialize};

use super::{Confusion, RowRanks, ScoredRows, brier, clustered_auc_error, weighted_brier};
use crate::spec::OperatingPoint;

/// Metrics of one split at threshold 0.5. `None`: not defined there (one class only).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// Mean of the trial's own loss over the rows; `None` where a command trained it, whose loss nobody knows.
    #[serde(default, with = "any_float::maybe")]
    pub loss: Option<f64>,
    /// ROC AUC.
    pub auc: Option<f64>,
    /// DeLong standard error of `auc`.
    pub auc_se: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// AUC up to the operating point's rate of false alarms, standardised: 0.5 where scores say nothing.
    #[serde(default)]
    pub partial_auc: Option<f64>,
    /// Share of positives among the rows of the highest scores: see [`super::Ranks::precision_at_k`].
    #[serde(default)]
    pub precision_at_k: Option<f64>,
    /// Counts at threshold 0.5; `None` where scores are no probabilities.
    #[serde(flatten)]
    pub confusion: Option<Confusion>,
    /// Mean squared difference of score and label; `None` where scores are no probabilities.
    #[serde(default, with = "any_float::maybe")]
    pub brier: Option<f64>,
}

impl SplitMetrics {
    /// Of scored rows; what ranks them is `raw`, since probabilities that differ by little become equal, and where
    /// there is no probability for each, nothing is said that needs one. `units[i]` is the unit of row i, empty where
    /// rows stand for themselves; `point` says how far figures of the highest scores go. Their ranks beside, where
    /// there are any.
    pub fn measured(
        rows: ScoredRows<'_>,
        units: &[u32],
        loss: Option<f64>,
        point: Option<&OperatingPoint>,
    ) -> (Self, Option<RowRanks>) {
        let ScoredRows { raw, scores, labels, weights } = rows;
        let ranks = RowRanks::new(raw, labels, weights);
        let auc = ranks.as_ref().map(RowRanks::auc);
        let are_probabilities = scores.len() == labels.len();
        let brier = || {
            if weights.is_empty() { brier(scores, labels) } else { weighted_brier(scores, labels, weights) }
        };
        let auc_se = match (units.is_empty(), weights.is_empty()) {
            (true, _) => auc.and_then(|auc| auc.se),
            (false, true) => clustered_auc_error(raw, labels, units),
            (false, false) => None, // not worked out
        };
        let metrics = Self {
            loss,
            auc: auc.map(|auc| auc.auc),
            auc_se,
            average_precision: ranks.as_ref().map(RowRanks::average_precision),
            confusion: are_probabilities.then(|| Confusion::weighed(scores, labels, weights, 0.5)),
            brier: are_probabilities.then(brier),
            ..ranks.as_ref().zip(point).map(|(ranks, point)| Self::to_point(ranks, point)).unwrap_or_default()
        };
        (metrics, ranks)
    }

    /// What goes up to an operating point alone; the rest is `None`.
    pub fn to_point(ranks: &RowRanks, point: &OperatingPoint) -> Self {
        Self {
            partial_auc: point.false_alarm_rate().and_then(|rate| ranks.partial_auc(rate)),
            precision_at_k: ranks.precision_at(point),
            ..Self::default()
        }
    }
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
        Written::deserialize(deserializer)?.number()
    }

    impl Written {
        fn number<E: Error>(self) -> Result<f64, E> {
            match self {
                Self::Number(value) => Ok(value),
                Self::Word(word) => word.parse().map_err(E::custom),
            }
        }
    }

    /// The same of numbers that may not be there.
    pub(crate) mod maybe {
        use super::Written;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        #[expect(clippy::ref_option, reason = "serde calls it so")]
        pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => super::serialize(value, serializer),
                None => None::<f64>.serialize(serializer),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
            Option::<Written>::deserialize(deserializer)?.map(Written::number).transpose()
        }
    }
}
