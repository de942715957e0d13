//! From a [`Spec`] to text that reads back as it.

use serde::ser::Error;

use super::environment::escaped;
use super::types::Spec;

/// What libyaml breaks lines at and YAML 1.2 does not: in a block of YAML they would not come back as they were.
const BREAKS_OF_YAML_1_1: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// The spec with all its defaults as YAML; as JSON, which is YAML too, where a text has a character that would not come
/// back.
///
/// # Errors
/// A value has no text; never for a spec that was read.
pub fn to_yaml(spec: &Spec) -> Result<String, serde_yaml::Error> {
    let json = serde_json::to_string_pretty(spec).map_err(serde_yaml::Error::custom)?;
    let text = if json.contains(BREAKS_OF_YAML_1_1) { json + "\n" } else { serde_yaml::to_string(spec)? };
    Ok(escaped(text))
}
