//! JSON Schema of a sweep file, for editors.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::types::Spec;
use crate::metrics::catalogue::Metric;

/// JSON Schema (draft 2020-12) of a sweep file.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Spec).to_value();
    // The types' default, but in a file it depends on the metric.
    if let Some(goal) = schema.pointer_mut("/$defs/EarlyStopping/properties/goal").and_then(Value::as_object_mut) {
        goal.remove("default");
    }
    schema
}

/// `data.log`: column name to offset.
pub(super) fn log_offsets(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}})
}

/// `model.hidden`.
pub(super) fn widths(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65536}, "maxItems": 32})
}

/// `rank.by`.
pub(super) fn metrics(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"enum": Metric::rank_names()}, "minItems": 1, "uniqueItems": true})
}

/// `launch.devices`.
pub(super) fn devices(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "pattern": "^(auto|cpu|cuda(:[0-9]+)?)$"},
        {"type": "array", "items": {"type": "string", "pattern": "^(cpu|cuda(:[0-9]+)?)$"}, "minItems": 1, "uniqueItems": true},
    ]})
}

/// `launch.slurm.time`.
pub(super) fn slurm_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "pattern": "^([0-9]+|[0-9]+:[0-9]{1,2}|[0-9]+:[0-9]{1,2}:[0-9]{1,2}|[0-9]+-[0-9]{1,2}(:[0-9]{1,2}){0,2})$"},
        {"type": "integer", "minimum": 1},
    ]})
}

/// `launch.slurm.mem`.
pub(super) fn slurm_memory(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "string", "pattern": "^[0-9]+[KMGT]?$"}, {"type": "integer", "minimum": 1}]})
}

/// `launch.slurm.gpus`.
pub(super) fn slurm_gpus(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "pattern": "^([A-Za-z0-9_.-]+:)?[1-9][0-9]*$"},
        {"type": "integer", "minimum": 1},
    ]})
}

/// `launch.slurm.sbatch`.
pub(super) fn slurm_flags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "string", "pattern": "^--?[A-Za-z]"}})
}

/// The domain of each parameter in a space: its bounds, and a range only where the parameter is a number.
pub(super) mod space {
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::widths;
    use crate::spec::types::{Activation, InitialBias, Loss, Optimizer, Sampling};

    fn choices(value: &Schema) -> [Schema; 2] {
        [
            json_schema!({
                "title": "one value", "type": "object", "properties": {"value": value},
                "required": ["value"], "additionalProperties": false,
            }),
            json_schema!({
                "title": "several values", "type": "object",
                "properties": {"values": {"type": "array", "items": value, "minItems": 1, "uniqueItems": true}},
                "required": ["values"], "additionalProperties": false,
            }),
        ]
    }

    fn words<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": choices(&generator.subschema_for::<T>())})
    }

    fn numbers(value: &Schema, end: &Schema) -> Schema {
        let [one, several] = choices(value);
        let range = json_schema!({
            "title": "a range", "type": "object",
            "properties": {
                "min": end, "max": end,
                "count": {
                    "description": "How many numbers from min to max, both included.",
                    "type": "integer", "minimum": 2, "maximum": 10000,
                },
            },
            "required": ["min", "max", "count"], "additionalProperties": false,
        });
        json_schema!({"anyOf": [one, several, range]})
    }

    fn bounded(bounds: &Schema) -> Schema {
        numbers(bounds, bounds)
    }

    pub(in crate::spec) fn loss(generator: &mut SchemaGenerator) -> Schema {
        words::<Loss>(generator)
    }

    pub(in crate::spec) fn alpha(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}))
    }

    pub(in crate::spec) fn gamma(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "number", "minimum": 0}))
    }

    pub(in crate::spec) fn pos_weight(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "number", "exclusiveMinimum": 0}))
    }

    pub(in crate::spec) fn sampling(generator: &mut SchemaGenerator) -> Schema {
        words::<Sampling>(generator)
    }

    pub(in crate::spec) fn learning_rate(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "number", "exclusiveMinimum": 0}))
    }

    pub(in crate::spec) fn weight_decay(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "number", "minimum": 0}))
    }

    pub(in crate::spec) fn dropout(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "number", "minimum": 0, "exclusiveMaximum": 1}))
    }

    pub(in crate::spec) fn batch_size(_: &mut SchemaGenerator) -> Schema {
        bounded(&json_schema!({"type": "integer", "minimum": 1, "maximum": 1_000_000_000}))
    }

    pub(in crate::spec) fn hidden(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": choices(&widths(generator))})
    }

    pub(in crate::spec) fn activation(generator: &mut SchemaGenerator) -> Schema {
        words::<Activation>(generator)
    }

    pub(in crate::spec) fn optimizer(generator: &mut SchemaGenerator) -> Schema {
        words::<Optimizer>(generator)
    }

    pub(in crate::spec) fn initial_bias(generator: &mut SchemaGenerator) -> Schema {
        numbers(&generator.subschema_for::<InitialBias>(), &json_schema!({"type": "number"}))
    }
}
