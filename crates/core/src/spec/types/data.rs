//! `data`: where the rows come from, what they are, how they are prepared.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::defaults;

/// `data`: the source, the label and the preparation.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// `.csv`, `.csv.gz` or `.parquet`; a relative path is looked for beside the sweep file, then in the working
    /// directory.
    #[schemars(regex(pattern = r"\.([cC][sS][vV](\.[gG][zZ])?|[pP][aA][rR][qQ][uU][eE][tT])$"))]
    pub source: PathBuf,
    /// No key: the sweep file's folder, where it is another than the working directory and the source is not there.
    #[serde(skip)]
    pub beside: Option<PathBuf>,
    /// Fetched once when `source` is missing; needs `sha256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://\S+$"))]
    pub url: Option<String>,
    /// SHA-256 of the file behind `url`, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// Synthesised once when `source` is missing (as `focalsweep data synth` does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synth: Option<SynthSpec>,
    /// Name of the label column.
    pub label: String,
    /// The label value that is the rare class; absent: 1 or true, else the rarer of two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<Scalar>,
    /// Columns that are not features: names, or patterns such as `tmp_*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Columns replaced by ln(x + offset): column name to offset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::spec::schema::log_offsets")]
    pub log: BTreeMap<String, f64>,
    /// Columns taken as categories though their values are numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<String>,
    /// Levels seen on fewer training rows than this are pooled into one level.
    #[serde(default = "defaults::min_level_count")]
    pub min_level_count: u32,
    /// Numeric columns are centred and scaled to unit variance by the training rows.
    #[serde(default = "defaults::yes")]
    pub standardize: bool,
    /// Numeric columns are clipped to [-clip, clip] after standardising.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip: Option<f64>,
}

/// A YAML scalar as written: `1`, `true`, `dead`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
        }
    }
}

/// `data.synth`: shape of a synthetic source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SynthSpec {
    /// Rows in all.
    #[schemars(range(min = 2, max = 10_000_000_000_u64))]
    pub rows: u64,
    /// Numeric feature columns.
    #[schemars(range(min = 1, max = 100_000))]
    pub features: u32,
    /// Rows of the rare class.
    #[schemars(range(min = 1, max = 10_000_000_000_u64))]
    pub positives: u64,
    /// Seed of the generator.
    #[serde(default)]
    pub seed: u64,
}
