//! `parameters` of a sweep file: what is swept.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::search::{Distribution, Drawn};
use crate::spec::parameters::{CommandSpace, Space, Varied};

/// `parameters`: one space, or several whose union is swept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one in a sweep")]
pub enum Parameters {
    /// A mapping.
    One(Space),
    /// A list of mappings.
    Union(Vec<Space>),
}

impl JsonSchema for Parameters {
    fn schema_name() -> Cow<'static, str> {
        "Parameters".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (networks, command) = (generator.subschema_for::<Space>(), generator.subschema_for::<CommandSpace>());
        let one = json_schema!({"anyOf": [networks, command]});
        json_schema!({
            "anyOf": [
                networks, command,
                {"description": "A list of mappings.", "type": "array", "items": one, "minItems": 1},
            ],
            "description": "`parameters`: one space, or several whose union is swept.",
        })
    }
}

impl Parameters {
    /// The spaces in the order of the file.
    pub fn spaces(&self) -> &[Space] {
        match self {
            Self::One(space) => std::slice::from_ref(space),
            Self::Union(spaces) => spaces,
        }
    }

    /// Whether numbers of a parameter are drawn by equal factors, in any of the spaces; `None` where none draws them
    /// from a distribution.
    pub fn draws_by_factors(&self, name: &str) -> Option<bool> {
        let varied = self.spaces().iter().flat_map(Space::varied);
        let drawn = varied.filter_map(|varied| match varied {
            Varied::Drawn(parameter, drawn) if parameter.name() == name => Some(drawn.distribution.is_by_factors()),
            Varied::Drawn(..) | Varied::Listed(..) => None,
        });
        drawn.reduce(|before, by_factors| before || by_factors)
    }
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
        /// How likely each is to be drawn; absent: all alike. Not in a grid.
        #[serde(skip_serializing_if = "Option::is_none")]
        probabilities: Option<Vec<f64>>,
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
    /// `count` numbers from `min` to `max`, both included, each the same multiple of the one before. Numeric parameters
    /// only.
    LogRange {
        /// First number, above 0.
        min: f64,
        /// Last number.
        max: f64,
        /// How many, at least 2.
        count: u32,
        /// That it is so.
        distribution: Distribution,
    },
    /// Numbers that a sampler draws. Numeric parameters only, not in a grid.
    Drawn(Drawn),
}
