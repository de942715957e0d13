//! JSON Schema of a sweep file, for editors.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::types::{EarlyStopping, Epochs, Spec, Stopping};
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

/// `train.epochs`.
pub(super) fn epochs(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1_000_000}, {"enum": [Epochs::AUTO]}]})
}

/// `train.early_stopping`.
pub(super) fn stopping(generator: &mut SchemaGenerator) -> Schema {
    let rule = generator.subschema_for::<EarlyStopping>();
    json_schema!({"anyOf": [rule, {"enum": Stopping::WORDS}, {"type": "null"}]})
}

/// `rank.by`.
pub(super) fn metrics(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"enum": Metric::rank_names()}, "minItems": 1, "uniqueItems": true})
}

/// `budget`.
pub(super) fn budget(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[smhdw]$"})
}

/// `launch.devices`.
pub(super) fn devices(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "pattern": "^(auto|cpu|cuda(:[0-9]+)?)$"},
        {
            "type": "array", "items": {"type": "string", "pattern": "^(cpu|cuda(:[0-9]+)?)$"},
            "minItems": 1, "uniqueItems": true,
        },
    ]})
}

/// `launch.slurm.time`.
pub(super) fn slurm_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "pattern": concat!(
            "^([0-9]+-)?[0-9]+(:[0-9]+){0,2}$",
            "|^(-1|[Uu][Nn][Ll][Ii][Mm][Ii][Tt][Ee][Dd]|[Ii][Nn][Ff][Ii][Nn][Ii][Tt][Ee])$",
        )},
        {"type": "integer", "minimum": -1},
    ]})
}

/// `launch.slurm.mem`.
pub(super) fn slurm_memory(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "pattern": "^[0-9]+([KMGTkmgt][Bb]?)?$"},
        {"type": "integer", "minimum": 0},
    ]})
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
