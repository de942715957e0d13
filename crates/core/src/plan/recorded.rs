//! Trials as a line of plan.jsonl has them: one by one, or made from the grids that stand there with their values.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::Value;

use crate::spec::Hyperparameters;
use crate::spec::parameters::{Setting, Which};

/// The trials of a wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WaveTrials {
    /// One by one.
    #[serde(rename = "trials")]
    Listed(Vec<ListedTrial>),
    /// From grids.
    #[serde(rename = "grid")]
    Grid(GridTrials),
}

/// A trial of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedTrial {
    /// Content-hash id of the parameters.
    pub id: String,
    /// What is trained.
    pub parameters: Hyperparameters,
}

/// Spans of grids, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridTrials {
    /// The grids.
    pub(super) spaces: Vec<GridSpace>,
    /// The spans.
    pub(super) parts: Vec<GridPart>,
}

/// A grid with its values: a mapping of `parameters` of a sweep file, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GridSpace {
    /// A trial in which nothing is swept, with what any loss reads.
    pub(super) base: Hyperparameters,
    /// `["alpha", [0.1, 0.2]]`, …: the last varies fastest.
    #[serde(serialize_with = "write_axes", deserialize_with = "read_axes")]
    pub(super) axes: Vec<Vec<Setting>>,
}

/// Trials in a row of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GridPart {
    /// Which of the wave's grids, from 0.
    pub(super) space: usize,
    /// Its first trial.
    pub(super) first: usize,
    /// How many.
    pub(super) count: usize,
}

/// The axis of a command's parameter: `["free", [["num_leaves", 31], …]]`.
const FREE: &str = "free";

fn write_axes<S: Serializer>(axes: &[Vec<Setting>], serializer: S) -> Result<S::Ok, S::Error> {
    let mut written: Vec<(&str, Vec<Value>)> = Vec::with_capacity(axes.len());
    for axis in axes {
        let mut values = Vec::with_capacity(axis.len());
        for setting in axis {
            match serde_json::to_value(setting).map_err(ser::Error::custom)? {
                Value::Object(named) => values.extend(named.into_iter().map(|(_, value)| value)),
                other => values.push(other),
            }
        }
        // Of a command's parameter the name stands with each value.
        let name = |setting: &Setting| match setting.which() {
            Which::Table(parameter) => parameter.name,
            Which::Free(_) => FREE,
        };
        written.extend(axis.first().map(|setting| (name(setting), values)));
    }
    written.serialize(serializer)
}

fn read_axes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<Setting>>, D::Error> {
    let written: Vec<(String, Vec<Value>)> = Vec::deserialize(deserializer)?;
    let setting = |name: &str, value: Value| {
        serde_json::from_value(Value::Object([(name.to_owned(), value)].into_iter().collect()))
    };
    let axis = |(name, values): (String, Vec<Value>)| {
        values.into_iter().map(|value| setting(&name, value)).collect::<Result<_, _>>()
    };
    written.into_iter().map(axis).collect::<Result<_, _>>().map_err(D::Error::custom)
}
