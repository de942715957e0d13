//! JSON Schema of a sweep file, for editors.

/// Schema
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(super::types::Spec).to_value()
}
