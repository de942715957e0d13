//! `data`: where the rows come from, what they are, how they are prepared.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use crate::spec::words::words;

/// `data`: the source, the label and the preparation.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// `.csv`, `.csv.gz` or `.parquet`, a folder of Parquet parts or a pattern such as `parts/*.parquet`; a relative
    /// path is looked for beside the sweep file, then in the working directory.
    #[schemars(regex(pattern = r"\.([cC][sS][vV](\.[gG][zZ])?|[pP][aA][rR][qQ][uU][eE][tT])$|/$|^([^/]*/)*[^./]+$"))]
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
    /// Name of a column of weights, numbers of at least 0: a row counts by its weight in loss and figures; no feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// How the text of a CSV file is written; what is absent is found out where that is plain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub csv: CsvSpec,
    /// What columns are, where that is not what their cells look like: column name to type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, ColumnKind>,
    /// What a cell is that does not fit its column: an error, or missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bad_values: BadValues,
    /// Features made of points in time: column name to what of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datetime: BTreeMap<String, Vec<DatePart>>,
    /// Of rows that are equal in every column that is read, only the first is kept.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deduplicate: bool,
    /// Columns that are not features: names, or patterns such as `tmp_*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Columns replaced by ln(x + offset): column name to offset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::spec::schema::log_offsets")]
    pub log: BTreeMap<String, f64>,
    /// Columns taken as categories though their values are numbers; `types: {COLUMN: category}` says the same.
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

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `data.csv`: how the text of a CSV file is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvSpec {
    /// The character between two cells, one of ASCII; absent: a comma, or a semicolon, tab or bar where the first rows
    /// leave no doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The mark before the decimals, `.` or `,`; absent: `.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// The mark between groups of three digits; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// The character around cells that hold delimiters or line breaks, doubled where it is meant itself; absent: `"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<char>,
    /// The encoding of the text; absent: UTF-8, or UTF-16 where the file begins with its byte order mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Lines that begin with this character are skipped; absent: none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// Lines before the header that are skipped.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(range(max = 1_000_000))]
    pub skip_rows: u32,
    /// Words that stand for a missing value in every column, beside those that are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub na_values: Vec<String>,
}

words! {
    /// `data.csv.encoding`.
    pub enum Encoding {
        /// UTF-8, with or without a byte order mark.
        Utf8 = "utf-8",
        /// UTF-16 in the order that its mark says; without one little-endian, unless the first bytes say otherwise.
        Utf16 = "utf-16",
        /// ISO 8859-1.
        Latin1 = "latin1",
        /// Western Windows.
        Windows1252 = "windows-1252",
    }
}

words! {
    /// `data.types`: what a column is.
    pub enum ColumnKind {
        /// Numbers, also as people write them: with a currency sign, a percent sign, groups of three digits.
        Number = "number",
        /// Text, each different one a level.
        Category = "category",
        /// True or false, also yes and no, y and n, t and f, 1 and 0.
        Boolean = "boolean",
        /// Points in time, ISO 8601.
        Datetime = "datetime",
        /// Not read.
        Ignore = "ignore",
    }
}

words! {
    /// `data.bad_values`: what a cell is that does not fit its column.
    #[derive(Default)]
    pub enum BadValues {
        /// An error.
        #[default]
        Error = "error",
        /// Missing; how many are is said.
        Missing = "missing",
    }
}

words! {
    /// `data.datetime`: a feature of points in time.
    pub enum DatePart {
        /// The time of the day (UTC) on a circle of 24 hours: its sine and its cosine.
        Hour = "hour",
        /// The day of the week (UTC): a feature for each of the seven.
        Weekday = "weekday",
        /// Days since the earliest training row.
        AgeDays = "age_days",
    }
}

/// A YAML scalar as written: `1`, `true`, `dead`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
