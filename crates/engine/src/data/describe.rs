//! What is in the data, for people and as JSON.

use std::fmt;

use rayon::prelude::*;
use serde::Serialize;

use super::label::Source;
use super::table::{Column, Values};
use super::time;
use focalsweep_core::text::{IN_A_TABLE, shortened};

/// Columns told one by one on the terminal; the rest is counted.
const MOST_COLUMNS: usize = 200;
/// Levels told by name.
const MOST_LEVELS: usize = 6;

/// Summary of a [`Source`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// Rows in all.
    pub rows: usize,
    /// The label column.
    pub label: String,
    /// Value of the rare class.
    pub positive: String,
    /// Value of the other class.
    pub negative: String,
    /// Rows of the rare class.
    pub positives: usize,
    /// Rows of the other class.
    pub negatives: usize,
    /// Fingerprint of the data and its preparation.
    pub fingerprint: String,
    /// Feature columns in the order of the file.
    pub columns: Vec<ColumnDescription>,
    /// How the file was understood.
    pub notes: Vec<String>,
    /// What is to be looked at before results are believed.
    pub warnings: Vec<String>,
}

/// Summary of one feature column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// `numbers`, `booleans`, `text` or `times`.
    pub kind: &'static str,
    /// Rows without a value.
    pub missing: usize,
    /// Whether all values there are equal.
    pub constant: bool,
    /// Least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Mean of the numbers, or share of true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// First point in time, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Last point in time, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Levels of text and their rows, the most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelCount>,
}

/// A level of a text column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelCount {
    /// The text.
    pub level: String,
    /// Rows that have it.
    pub rows: u64,
}

/// Summarises `source`.
pub fn describe(source: &Source) -> Description {
    let positives = source.positives();
    Description {
        rows: source.table.rows,
        label: source.label.clone(),
        positive: source.positive.clone(),
        negative: source.negative.clone(),
        positives,
        negatives: source.table.rows - positives,
        fingerprint: source.fingerprint.clone(),
        columns: source.table.columns.par_iter().map(|column| describe_column(column, source.table.rows)).collect(),
        notes: source.notes.clone(),
        warnings: source.warnings.clone(),
    }
}

fn describe_column(column: &Column, rows: usize) -> ColumnDescription {
    let mut described = ColumnDescription {
        name: column.name.clone(),
        kind: column.values.kind(),
        missing: (0..rows).filter(|&row| column.values.is_missing(row)).count(),
        constant: false,
        min: None,
        mean: None,
        max: None,
        first: None,
        last: None,
        levels: Vec::new(),
    };
    let known = rows - described.missing;
    match &column.values {
        Values::Number(values) => {
            let numbers = || values.iter().copied().filter(|value| !value.is_nan());
            described.min = numbers().reduce(f64::min);
            described.max = numbers().reduce(f64::max);
            described.mean = (known > 0).then(|| numbers().sum::<f64>() / known as f64);
            described.constant = described.min == described.max;
        }
        Values::Bool(values) => {
            let truths = values.iter().filter(|value| **value == Some(true)).count();
            described.mean = (known > 0).then(|| truths as f64 / known as f64);
            described.constant = truths == 0 || truths == known;
        }
        Values::Text(levels) => {
            let counts = levels.counts(0..rows);
            described.levels = levels
                .names
                .iter()
                .zip(counts)
                .map(|(level, rows)| LevelCount { level: level.clone(), rows })
                .collect();
            described.levels.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.level.cmp(&b.level)));
            described.constant = levels.names.len() < 2;
        }
        Values::Time(values) => {
            let known = || values.iter().copied().filter(|&time| time != Values::NO_TIME);
            described.first = known().min().map(time::in_words);
            described.last = known().max().map(time::in_words);
            described.constant = described.first == described.last;
        }
    }
    described
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = ["numbers", "booleans", "text", "times"].map(|kind| {
            let count = self.columns.iter().filter(|column| column.kind == kind).count();
            (kind, count)
        });
        let kinds: Vec<String> =
            kinds.iter().filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{count} {kind}")).collect();
        let share = 100.0 * self.positives as f64 / self.rows as f64;
        writeln!(f, "rows         {}", self.rows)?;
        writeln!(f, "features     {} ({})", self.columns.len(), kinds.join(", "))?;
        let [label, positive, negative] =
            [&self.label, &self.positive, &self.negative].map(|name| shortened(name, IN_A_TABLE));
        writeln!(f, "label        {label}")?;
        writeln!(f, "positive     {positive}: {} rows ({share:.3} %)", self.positives)?;
        writeln!(f, "negative     {negative}: {} rows", self.negatives)?;
        writeln!(f, "fingerprint  {}", self.fingerprint)?;
        let names: Vec<_> =
            self.columns.iter().take(MOST_COLUMNS).map(|column| shortened(&column.name, IN_A_TABLE)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
        writeln!(f, "\n{:width$}  {:8}  {:>9}  values", "column", "kind", "missing")?;
        for (column, name) in self.columns.iter().zip(names) {
            let (kind, missing) = (column.kind, column.missing);
            writeln!(f, "{name:width$}  {kind:8}  {missing:>9}  {}", column.values())?;
        }
        if self.columns.len() > MOST_COLUMNS {
            writeln!(f, "... and {} more", self.columns.len() - MOST_COLUMNS)?;
        }
        let constant: Vec<_> = self.columns.iter().filter(|column| column.constant).collect();
        if !constant.is_empty() {
            let names: Vec<_> =
                constant.iter().take(MOST_COLUMNS).map(|column| shortened(&column.name, IN_A_TABLE)).collect();
            let more = constant.len() - names.len();
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            writeln!(f, "\nconstant, of no use: {}{more}", names.join(", "))?;
        }
        // The first note is that of the label, which is told above.
        for (at, note) in self.notes.iter().skip(1).enumerate() {
            writeln!(f, "{}{note}", if at == 0 { "\n" } else { "" })?;
        }
        for (at, warning) in self.warnings.iter().enumerate() {
            writeln!(f, "{}warning: {warning}", if at == 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl ColumnDescription {
    fn values(&self) -> String {
        if let (Some(first), Some(last)) = (&self.first, &self.last) {
            return format!("{first} to {last}");
        }
        match (self.min, self.mean, self.max) {
            (Some(min), Some(mean), Some(max)) => {
                format!("{} to {}, mean {}", short(min), short(max), short(mean))
            }
            (None, Some(share), None) => format!("{:.1} % true", 100.0 * share),
            _ if self.levels.is_empty() => "none".to_owned(),
            _ => {
                let told: Vec<String> = self
                    .levels
                    .iter()
                    .take(MOST_LEVELS)
                    .map(|LevelCount { level, rows }| format!("{} ({rows})", shortened(level, IN_A_TABLE)))
                    .collect();
                let more = self.levels.len().saturating_sub(MOST_LEVELS);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                format!("{}{more}", told.join(", "))
            }
        }
    }
}

/// Four significant digits, or a whole number as it is.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == value.trunc() && size < 1e15 {
        format!("{value}")
    } else if (1e-3..1e6).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}
