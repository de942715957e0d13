//! `parameters` of a sweep file: what is swept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Activation, InitialBias, Optimizer};

/// `parameters`: one space, or several whose union is swept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one in a sweep")]
pub enum Parameters {
    /// A mapping.
    One(Space),
    /// A list of mappings.
    Union(Vec<Space>),
}

impl Parameters {
    /// The spaces in the order of the file.
    pub fn spaces(&self) -> &[Space] {
        match self {
            Self::One(space) => std::slice::from_ref(space),
            Self::Union(spaces) => spaces,
        }
    }
}

/// One mapping under `parameters`: every combination of its values is a trial.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Space {
    /// The loss; `bce` unless swept or set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::loss")]
    pub loss: Option<Domain<Loss>>,
    /// Focal loss: weight of the positives (1 - alpha is that of the negatives), in (0, 1); 0.25 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::alpha")]
    pub alpha: Option<Domain<f64>>,
    /// Focal loss: focusing exponent, at least 0; 2 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::gamma")]
    pub gamma: Option<Domain<f64>>,
    /// weighted_bce: weight of the positives when negatives weigh 1; unless set, n / (2 n_class) for each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::pos_weight")]
    pub pos_weight: Option<Domain<f64>>,
    /// How training rows are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::sampling")]
    pub sampling: Option<Domain<Sampling>>,
    /// Overrides `train.learning_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::learning_rate")]
    pub learning_rate: Option<Domain<f64>>,
    /// Overrides `train.weight_decay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::weight_decay")]
    pub weight_decay: Option<Domain<f64>>,
    /// Overrides `model.dropout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::dropout")]
    pub dropout: Option<Domain<f64>>,
    /// Overrides `train.batch_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::batch_size")]
    pub batch_size: Option<Domain<usize>>,
    /// Overrides `model.hidden`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::hidden")]
    pub hidden: Option<Domain<Vec<usize>>>,
    /// Overrides `model.activation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::activation")]
    pub activation: Option<Domain<Activation>>,
    /// Overrides `train.optimizer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::optimizer")]
    pub optimizer: Option<Domain<Optimizer>>,
    /// Overrides `model.initial_bias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::space::initial_bias")]
    pub initial_bias: Option<Domain<InitialBias>>,
}

/// The values that one parameter takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Domain<T> {
    /// One value.
    Value {
        /// The value.
        value: T,
    },
    /// These values, in this order.
    Values {
        /// The values.
        values: Vec<T>,
    },
    /// `count` numbers from `min` to `max`, both included, equally spaced. Numeric parameters only.
    Range {
        /// First number.
        min: f64,
        /// Last number.
        max: f64,
        /// How many, at least 2.
        count: u32,
    },
}

/// Training loss of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Focal loss, Lin et al. 2017, arXiv 1708.02002.
    Focal,
    /// Binary cross-entropy.
    Bce,
    /// Binary cross-entropy with class weights.
    WeightedBce,
}

/// How training rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every row once an epoch.
    None,
    /// Positives drawn with replacement until there are as many as negatives.
    Oversample,
}
