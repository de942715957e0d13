//! What a parameter's type knows: how a value is read, described to editors, shown, and put into a column.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::table::{Batching, Correction, Loss, PosWeightRule, Sampling};
use crate::spec::bounds::{Bounds, End, MAX_LAYERS, MAX_WIDTH};
use crate::spec::fields::{At, Reader};
use crate::spec::range::FromNumber;
use crate::spec::schema::widths;
use crate::spec::types::{Activation, Distribution, Form, InitialBias, Optimizer};
use crate::spec::words::Word;

/// Type of a parameter's column in results.parquet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// float64
    Float,
    /// int64
    Integer,
    /// utf8: a word, or a list as `[16, 8]`.
    Text,
}

/// A parameter's value as a column has it.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterValue {
    /// Any number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A word, or a list as `[16, 8]`.
    Text(String),
}

/// What two equal values have in common, for sets of many.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ValueKey {
    /// Of a number, its bits; 0 and -0 are equal.
    Number(u64),
    Integer(i64),
    Text(String),
}

impl ParameterValue {
    /// The number that it is, or says.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            Self::Text(value) => value.parse().ok().filter(|number: &f64| number.is_finite()),
        }
    }

    pub(crate) fn key(self) -> ValueKey {
        match self {
            Self::Number(value) => ValueKey::Number((value + 0.0).to_bits()),
            Self::Integer(value) => ValueKey::Integer(value),
            Self::Text(value) => ValueKey::Text(value),
        }
    }
}

impl std::fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
        }
    }
}

/// A type of parameters.
pub(crate) trait ParameterType: Clone + PartialEq + FromNumber {
    /// Type of the column.
    const COLUMN: ColumnType;
    /// Whether every value is a number, so that a smallest and a largest mean something.
    const IS_NUMBER: bool = false;
    /// Whether numbers between whole ends are whole unless it says otherwise.
    const WHOLE_BY_ENDS: bool = false;

    /// One value of a sweep file; `None` goes with a noted fault.
    fn read(reader: &mut Reader, at: &At<'_>, bounds: Bounds) -> Option<Self>;

    /// Whether a sweep file could say it.
    fn is_allowed(&self, bounds: Bounds) -> bool;

    /// JSON Schema of one value.
    fn schema(generator: &mut SchemaGenerator, bounds: Bounds) -> Schema;

    /// JSON Schema of an end of a range; `None` where there are no ranges of it.
    fn range_schema(_bounds: Bounds) -> Option<Schema> {
        None
    }

    /// As a column has it.
    fn value(&self) -> ParameterValue;

    /// As a trial's id and a model's card have it.
    fn json(&self) -> Value;
}

impl ParameterType for f64 {
    const COLUMN: ColumnType = ColumnType::Float;
    const IS_NUMBER: bool = true;

    fn read(reader: &mut Reader, at: &At<'_>, bounds: Bounds) -> Option<Self> {
        reader.number(at, bounds)
    }

    fn is_allowed(&self, bounds: Bounds) -> bool {
        self.is_finite() && bounds.holds(*self)
    }

    fn schema(_: &mut SchemaGenerator, bounds: Bounds) -> Schema {
        bounds.schema(false)
    }

    fn range_schema(bounds: Bounds) -> Option<Schema> {
        Some(bounds.schema(false))
    }

    fn value(&self) -> ParameterValue {
        ParameterValue::Number(*self)
    }

    fn json(&self) -> Value {
        Value::from(*self)
    }
}

impl ParameterType for usize {
    const COLUMN: ColumnType = ColumnType::Integer;
    const IS_NUMBER: bool = true;

    fn read(reader: &mut Reader, at: &At<'_>, bounds: Bounds) -> Option<Self> {
        reader.whole_within(at, bounds)
    }

    fn is_allowed(&self, bounds: Bounds) -> bool {
        bounds.holds(*self as f64)
    }

    fn schema(_: &mut SchemaGenerator, bounds: Bounds) -> Schema {
        bounds.schema(true)
    }

    fn range_schema(bounds: Bounds) -> Option<Schema> {
        Some(bounds.schema(true))
    }

    fn value(&self) -> ParameterValue {
        ParameterValue::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }

    fn json(&self) -> Value {
        Value::from(*self)
    }
}

impl ParameterType for Vec<usize> {
    const COLUMN: ColumnType = ColumnType::Text;

    fn read(reader: &mut Reader, at: &At<'_>, _: Bounds) -> Option<Self> {
        reader.hidden(at)
    }

    fn is_allowed(&self, _: Bounds) -> bool {
        self.len() <= MAX_LAYERS && self.iter().all(|&width| (1..=MAX_WIDTH).contains(&(width as u64)))
    }

    fn schema(generator: &mut SchemaGenerator, _: Bounds) -> Schema {
        widths(generator)
    }

    fn value(&self) -> ParameterValue {
        ParameterValue::Text(format!("{self:?}"))
    }

    fn json(&self) -> Value {
        Value::from(self.clone())
    }
}

impl ParameterType for InitialBias {
    const COLUMN: ColumnType = ColumnType::Text;

    fn read(reader: &mut Reader, at: &At<'_>, _: Bounds) -> Option<Self> {
        reader.initial_bias(at)
    }

    fn is_allowed(&self, bounds: Bounds) -> bool {
        match self {
            Self::Prior => true,
            Self::Value(value) => value.is_allowed(bounds),
        }
    }

    fn schema(generator: &mut SchemaGenerator, _: Bounds) -> Schema {
        generator.subschema_for::<Self>()
    }

    fn range_schema(bounds: Bounds) -> Option<Schema> {
        Some(bounds.schema(false))
    }

    fn value(&self) -> ParameterValue {
        ParameterValue::Text(self.to_string())
    }

    fn json(&self) -> Value {
        match self {
            Self::Prior => Value::from("prior"),
            Self::Value(value) => Value::from(*value),
        }
    }
}

/// Choices are all alike; a blanket implementation over [`Word`] would forbid the others.
macro_rules! word_parameters {
    ($($type:ty),*) => {$(
        impl FromNumber for $type {}

        impl ParameterType for $type {
            const COLUMN: ColumnType = ColumnType::Text;

            fn read(reader: &mut Reader, at: &At<'_>, _: Bounds) -> Option<Self> {
                reader.word(at)
            }

            fn is_allowed(&self, _: Bounds) -> bool {
                true
            }

            fn schema(generator: &mut SchemaGenerator, _: Bounds) -> Schema {
                generator.subschema_for::<Self>()
            }

            fn value(&self) -> ParameterValue {
                ParameterValue::Text(self.word().to_owned())
            }

            fn json(&self) -> Value {
                Value::from(self.word())
            }
        }
    )*};
}

word_parameters!(Loss, PosWeightRule, Sampling, Batching, Correction, Activation, Optimizer);

/// JSON Schema of numbers that are drawn.
fn drawn_schema(form: Form) -> Schema {
    let words = Distribution::WORDS.iter().filter(|(_, distribution)| distribution.form() == form);
    let words: Vec<&str> = words.map(|(word, _)| *word).collect();
    let [first, second] = form.keys();
    // Between two ends numbers are drawn evenly unless it says otherwise.
    let required = if form == Form::Ends { vec![first, second] } else { vec![first, second, "distribution"] };
    json_schema!({
        "title": format!("numbers that are drawn, of `{first}` and `{second}` (not in a grid)"), "type": "object",
        "properties": {
            first: {"type": "number"}, second: {"type": "number"},
            "q": {"description": "Numbers are rounded to multiples of it.", "type": "number", "exclusiveMinimum": 0},
            "distribution": {"enum": words},
        },
        "required": required, "additionalProperties": false,
    })
}

/// JSON Schema of a parameter's domain: one value, several, or a range where its type has them.
pub(super) fn domain_schema<T: ParameterType>(generator: &mut SchemaGenerator, bounds: Bounds, about: &str) -> Schema {
    let value = T::schema(generator, bounds);
    let mut forms = vec![
        json_schema!({
            "title": "one value", "type": "object", "properties": {"value": value},
            "required": ["value"], "additionalProperties": false,
        }),
        json_schema!({
            "title": "several values", "type": "object",
            "properties": {
                "values": {"type": "array", "items": value, "minItems": 1, "uniqueItems": true},
                "probabilities": {
                    "description": "How likely each value is to be drawn; not in a grid.",
                    "type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 1,
                },
            },
            "required": ["values"], "additionalProperties": false,
        }),
    ];
    if let Some(end) = T::range_schema(bounds) {
        forms.push(json_schema!({
            "title": "a range", "type": "object",
            "properties": {
                "min": end, "max": end,
                "count": {
                    "description": "How many numbers from min to max, both included.",
                    "type": "integer", "minimum": 2, "maximum": 10000,
                },
            },
            "required": ["min", "max", "count"], "additionalProperties": false,
        }));
        let end =
            Bounds { words: bounds.words, low: End::Beyond(0.0), ..bounds }.schema(T::COLUMN == ColumnType::Integer);
        forms.push(json_schema!({
            "title": "a range by equal factors", "type": "object",
            "properties": {
                "min": end, "max": end,
                "count": {
                    "description": "How many numbers from min to max, both included.",
                    "type": "integer", "minimum": 2, "maximum": 10000,
                },
                "distribution": {
                    "description": "Each number is the same multiple of the one before.", "const": "log_uniform_values",
                },
            },
            "required": ["min", "max", "count", "distribution"], "additionalProperties": false,
        }));
        forms.extend([Form::Ends, Form::Moments, Form::Shapes].map(drawn_schema));
    }
    json_schema!({"anyOf": forms, "description": about})
}
