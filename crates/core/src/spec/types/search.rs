//! How trials are chosen, and when that ends.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::search::{Domain, Law};
use crate::spec::words::words;

words! {
    /// How trials are chosen.
    #[derive(Default)]
    pub enum Method {
        /// Every combination of the values.
        #[default]
        Grid = "grid",
        /// Drawn from the distributions.
        Random = "random",
        /// A sequence that fills the space evenly.
        Sobol = "sobol",
        /// Where those before it did well: tree-structured Parzen estimators.
        Tpe = "tpe",
    }
}

impl Method {
    /// Whether trials are drawn from distributions, wave by wave; a grid has all of its values from the start.
    pub fn draws(self) -> bool {
        self != Self::Grid
    }
}

words! {
    /// `distribution` of numbers. In a grid there is `log_uniform_values` alone, with a `count`.
    pub enum Distribution {
        /// Equally likely anywhere between the ends.
        Uniform = "uniform",
        /// Whole numbers, each equally likely.
        IntUniform = "int_uniform",
        /// Multiples of `q`.
        QUniform = "q_uniform",
        /// By equal factors, the ends as natural logarithms.
        LogUniform = "log_uniform",
        /// By equal factors.
        LogUniformValues = "log_uniform_values",
        /// Multiples of `q`, by equal factors, the ends as natural logarithms.
        QLogUniform = "q_log_uniform",
        /// Multiples of `q`, by equal factors.
        QLogUniformValues = "q_log_uniform_values",
        /// Normal with mean `mu` and standard deviation `sigma`.
        Normal = "normal",
        /// Multiples of `q` near a normal number.
        QNormal = "q_normal",
        /// Numbers whose natural logarithm is normal.
        LogNormal = "log_normal",
        /// Multiples of `q` near such a number.
        QLogNormal = "q_log_normal",
        /// Beta with shapes `a` and `b`.
        Beta = "beta",
        /// Multiples of `q` near such a number.
        QBeta = "q_beta",
    }
}

impl Distribution {
    /// What it is made of, beside `q`.
    pub(in crate::spec) fn form(self) -> Form {
        match self {
            Self::Uniform
            | Self::IntUniform
            | Self::QUniform
            | Self::LogUniform
            | Self::LogUniformValues
            | Self::QLogUniform
            | Self::QLogUniformValues => Form::Ends,
            Self::Normal | Self::QNormal | Self::LogNormal | Self::QLogNormal => Form::Moments,
            Self::Beta | Self::QBeta => Form::Shapes,
        }
    }

    /// Whether its numbers are rounded to multiples of `q`.
    pub(in crate::spec) fn is_rounded(self) -> bool {
        match self {
            Self::QUniform
            | Self::QLogUniform
            | Self::QLogUniformValues
            | Self::QNormal
            | Self::QLogNormal
            | Self::QBeta => true,
            Self::Uniform
            | Self::IntUniform
            | Self::LogUniform
            | Self::LogUniformValues
            | Self::Normal
            | Self::LogNormal
            | Self::Beta => false,
        }
    }

    /// Whether its ends are natural logarithms of numbers.
    pub(in crate::spec) fn has_exponents(self) -> bool {
        matches!(self, Self::LogUniform | Self::QLogUniform)
    }

    /// Whether factors are equal, not steps.
    pub(in crate::spec) fn is_log(self) -> bool {
        matches!(self, Self::LogUniform | Self::QLogUniform | Self::LogUniformValues | Self::QLogUniformValues)
    }

    /// Whether it is the logarithms of its numbers that lie evenly or normally.
    pub(in crate::spec) fn is_by_factors(self) -> bool {
        self.is_log() || matches!(self, Self::LogNormal | Self::QLogNormal)
    }
}

/// What a distribution is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::spec) enum Form {
    /// `min` and `max`.
    Ends,
    /// `mu` and `sigma`.
    Moments,
    /// `a` and `b`.
    Shapes,
}

impl Form {
    /// The keys.
    pub(in crate::spec) fn keys(self) -> [&'static str; 2] {
        match self {
            Self::Ends => ["min", "max"],
            Self::Moments => ["mu", "sigma"],
            Self::Shapes => ["a", "b"],
        }
    }
}

/// Numbers that a sampler draws: a distribution, what it is made of, as written, and what they are
/// rounded to multiples of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// Which distribution.
    pub distribution: Distribution,
    /// `min` and `max`, `mu` and `sigma`, or `a` and `b`.
    pub of: [f64; 2],
    /// Where numbers are rounded: what they are multiples of.
    pub q: Option<f64>,
}

impl Drawn {
    /// Its values for a sampler; `whole`: of a parameter that takes whole numbers only, which by equal factors are all
    /// between the ends.
    pub(crate) fn domain(&self, whole: bool) -> Domain {
        let (min, max) = self.ends();
        let [first, second] = self.of;
        let law = match self.distribution {
            Distribution::Uniform | Distribution::IntUniform | Distribution::QUniform => Law::Uniform { min, max },
            Distribution::LogUniform
            | Distribution::QLogUniform
            | Distribution::LogUniformValues
            | Distribution::QLogUniformValues => Law::LogUniform { min, max },
            Distribution::Normal | Distribution::QNormal => Law::Normal { mean: first, sd: second },
            Distribution::LogNormal | Distribution::QLogNormal => Law::LogNormal { mean: first, sd: second },
            Distribution::Beta | Distribution::QBeta => Law::Beta { a: first, b: second },
        };
        match self.q {
            Some(step) => Domain::Rounded { law, step },
            None if whole || self.distribution == Distribution::IntUniform => {
                Domain::Integer { min: min.ceil() as i64, max: max.floor() as i64, log: self.distribution.is_log() }
            }
            None => Domain::Real(law),
        }
    }

    /// A number in its middle.
    pub(crate) fn middle(&self, whole: bool) -> f64 {
        self.domain(whole).middle()
    }

    /// The least and the largest number that it draws, or comes near to.
    pub(crate) fn ends(&self) -> (f64, f64) {
        let [first, second] = self.of;
        match self.distribution.form() {
            Form::Ends if self.distribution.has_exponents() => (first.exp(), second.exp()),
            Form::Ends => (first, second),
            Form::Shapes => (0.0, 1.0),
            Form::Moments if matches!(self.distribution, Distribution::LogNormal | Distribution::QLogNormal) => {
                (0.0, f64::INFINITY)
            }
            Form::Moments => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}

impl Serialize for Drawn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.distribution.form().keys().iter().zip(self.of) {
            map.serialize_entry(key, &value)?;
        }
        if let Some(q) = self.q {
            map.serialize_entry("q", &q)?;
        }
        map.serialize_entry("distribution", &self.distribution)?;
        map.end()
    }
}

/// `target`: a metric on the validation rows at which the search ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// `val_auc`.
    pub metric: String,
    /// What it is to reach; of metrics that are better when they are less, to fall to.
    pub value: f64,
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(&self.metric, self.value)])
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": {"pattern": "^val_"},
            "additionalProperties": {"type": "number"},
            "minProperties": 1,
            "maxProperties": 1,
            "description": "`target`: a metric on the validation rows at which the search ends.",
        })
    }
}
