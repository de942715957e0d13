//! A fitted preprocessing: what it says. How it is applied to a table is the engine's.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::spec::{BadValues, CsvSpec};

/// From the columns of a file to the matrix that a model sees; fitted on training rows, kept as JSON beside a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Applied in this order; each makes one column of the matrix, `Category` and `Weekday` several.
    pub steps: Vec<Step>,
    /// How the file was read that it was fitted to; absent in models of versions that knew one way only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<FileReading>,
}

/// What was said of the file that a preprocessing was fitted to, and holds for those that it is applied to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReading {
    /// How its text is written.
    #[serde(default)]
    pub csv: CsvSpec,
    /// What a cell is that does not fit its column.
    #[serde(default)]
    pub bad_values: BadValues,
    /// The label that it was fitted with; absent in models of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<LabelReading>,
}

/// How a label was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelReading {
    /// Its column.
    pub column: String,
    /// The value of the rare class.
    pub positive: String,
    /// The value of the other class; absent: any other value was of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
}

/// What makes a column of the matrix, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// `clip((ln(x + log_offset) - mean) / scale)`; a missing x is the median.
    Number {
        /// Column of the file.
        column: String,
        /// Median of the training rows' values as they stand in the file.
        median: f64,
        /// Offset inside the logarithm; absent: no logarithm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log_offset: Option<f64>,
        /// Mean over the training rows, after imputing and logarithm; 0 when not standardised.
        mean: f64,
        /// Population standard deviation over the training rows; 1 when not standardised.
        scale: f64,
        /// Largest absolute value let through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<f64>,
    },
    /// 1 for true, 0 for false or missing.
    Truth {
        /// Column of the file.
        column: String,
    },
    /// 1 where the value is missing, else 0; the feature `<column>_missing`.
    Missing {
        /// Column of the file.
        column: String,
    },
    /// One-hot: a column of 0 and 1 for each of `levels`, then `<other>`, then `<missing>`, as far as asked for.
    Category {
        /// Column of the file.
        column: String,
        /// Levels with a feature `<column>=<level>` of their own.
        levels: Vec<String>,
        /// The level whose rows are all zero, when two levels share one feature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// Whether all other levels, also unseen ones, share the feature `<column>=<other>`; else they are all zero.
        other: bool,
        /// Whether missing is a level, `<column>=<missing>`; else it is all zero.
        missing: bool,
    },
    /// Sine and cosine of the time of the day (UTC) on a circle of 24 hours; both 0 where the time is missing.
    Hour {
        /// Column of the file.
        column: String,
    },
    /// One-hot: a column of 0 and 1 for each day of the week (UTC), Monday first; all zero where the time is missing.
    Weekday {
        /// Column of the file.
        column: String,
    },
    /// `clip((x - mean) / scale)` of the days x since a point in time; a missing x is the median.
    AgeDays {
        /// Column of the file.
        column: String,
        /// The earliest of the training rows, in microseconds since 1970 (UTC).
        since: i64,
        /// Median of the training rows, days.
        median: f64,
        /// Mean over the training rows, after imputing, days; 0 when not standardised.
        mean: f64,
        /// Population standard deviation over the training rows, days; 1 when not standardised.
        scale: f64,
        /// Largest absolute value let through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<f64>,
    },
}

/// Levels of [`Step::Weekday`].
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Step {
    /// Column of the file that it reads.
    pub fn column(&self) -> &str {
        match self {
            Self::Number { column, .. }
            | Self::Truth { column }
            | Self::Missing { column }
            | Self::Category { column, .. }
            | Self::Hour { column }
            | Self::Weekday { column }
            | Self::AgeDays { column, .. } => column,
        }
    }

    /// Columns of the matrix that it makes.
    pub fn width(&self) -> usize {
        match self {
            Self::Category { levels, other, missing, .. } => levels.len() + usize::from(*other) + usize::from(*missing),
            Self::Hour { .. } => 2,
            Self::Weekday { .. } => DAYS.len(),
            Self::Number { .. } | Self::Truth { .. } | Self::Missing { .. } | Self::AgeDays { .. } => 1,
        }
    }

    /// Names of these columns.
    pub fn features(&self) -> Vec<String> {
        match self {
            Self::Number { column, .. } | Self::Truth { column } => vec![column.clone()],
            Self::Missing { column } => vec![format!("{column}_missing")],
            Self::Hour { column } => vec![format!("{column}_hour_sin"), format!("{column}_hour_cos")],
            Self::Weekday { column } => DAYS.iter().map(|day| format!("{column}={day}")).collect(),
            Self::AgeDays { column, .. } => vec![format!("{column}_age_days")],
            Self::Category { column, levels, other, missing, .. } => {
                let pooled = other.then_some("<other>").into_iter().chain(missing.then_some("<missing>"));
                levels.iter().map(String::as_str).chain(pooled).map(|level| format!("{column}={level}")).collect()
            }
        }
    }
}

impl Preprocessing {
    /// Columns of the matrix.
    pub fn width(&self) -> usize {
        self.steps.iter().map(Step::width).sum()
    }

    /// Names of the matrix's columns, all different.
    pub fn features(&self) -> Vec<String> {
        let mut taken = HashSet::new();
        let names = self.steps.iter().flat_map(Step::features);
        names
            .map(|mut name| {
                while !taken.insert(name.clone()) {
                    name.push('\'');
                }
                name
            })
            .collect()
    }

    /// Columns of the file that are needed, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for step in &self.steps {
            if columns.last().is_none_or(|last| last != step.column()) {
                columns.push(step.column().to_owned());
            }
        }
        columns
    }
}
