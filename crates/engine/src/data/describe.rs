//! What is in the data, for people and as JSON.

use rayon::prelude::*;
use serde::Serialize;

use super::label::Source;
use super::table::{Column, Values};
use super::time;
use focalsweep_core::text::{IN_A_TABLE, shortened};

/// Lines and columns of a screen; the prompt has a line too.
const SCREEN: (usize, usize) = (23, 100);
/// Columns that are shown there however much else is said.
const FEWEST: usize = 4;
/// Characters of a name there.
const NAME_ON_A_SCREEN: usize = 30;
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

impl Description {
    /// For people: on one screen of 24 lines and 100 columns, or with `all` columns and whatever they hold.
    pub fn to_text(&self, all: bool) -> String {
        let kinds = ["numbers", "booleans", "text", "times"].map(|kind| {
            let count = self.columns.iter().filter(|column| column.kind == kind).count();
            (kind, count)
        });
        let kinds: Vec<String> =
            kinds.iter().filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{count} {kind}")).collect();
        let share = 100.0 * self.positives as f64 / self.rows as f64;
        let most_of_name = if all { IN_A_TABLE } else { NAME_ON_A_SCREEN };
        let [label, positive, negative] =
            [&self.label, &self.positive, &self.negative].map(|name| shortened(name, most_of_name));
        let mut lines = vec![
            format!("rows         {}", self.rows),
            format!("features     {} ({})", self.columns.len(), kinds.join(", ")),
            format!("label        {label}"),
            format!("positive     {positive}: {} rows ({share:.3} %)", self.positives),
            format!("negative     {negative}: {} rows", self.negatives),
            format!("fingerprint  {}", self.fingerprint),
        ];
        let constant: Vec<_> = self.columns.iter().filter(|column| column.constant).collect();
        // The first note is that of the label, which is told above.
        let notes = self.notes.iter().skip(1).cloned();
        let more: Vec<String> =
            notes.chain(self.warnings.iter().map(|warning| format!("warning: {warning}"))).collect();
        let of_more: usize = more.iter().map(|line| line.chars().count().div_ceil(SCREEN.1)).sum();
        let room = SCREEN.0.saturating_sub(lines.len() + 1 + usize::from(!constant.is_empty()) + of_more).max(FEWEST);
        // One line says how many more there are.
        let most = if all || self.columns.len() <= room { self.columns.len() } else { room - 1 };
        let shown = &self.columns[..most];
        let names: Vec<_> = shown.iter().map(|column| shortened(&column.name, most_of_name)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
        lines.push(format!("{:width$}  {:8}  {:>9}  values", "column", "kind", "missing"));
        for (column, name) in shown.iter().zip(names) {
            let (kind, missing) = (column.kind, column.missing);
            lines.push(format!("{name:width$}  {kind:8}  {missing:>9}  {}", column.values()));
        }
        if most < self.columns.len() {
            lines.push(format!("... and {} more columns: `--all` shows them", self.columns.len() - most));
        }
        if !constant.is_empty() {
            let names: Vec<_> = constant.iter().map(|column| shortened(&column.name, IN_A_TABLE)).collect();
            lines.push(format!("constant, of no use: {}", names.join(", ")));
        }
        if !all {
            lines.iter_mut().for_each(|line| *line = shortened(line, SCREEN.1).into_owned());
        }
        lines.extend(more);
        lines.join("\n") + "\n"
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
