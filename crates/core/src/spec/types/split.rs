//! `split`: which rows train, which choose, which test.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::Scalar;
use super::span::Span;
use crate::spec::Word;
use crate::spec::words::words;

/// `split`: how the rows are dealt to training, validation and test.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitSpec {
    /// What is kept together or apart.
    pub by: SplitBy,
    /// Share of the rows held out for the test metrics, in (0, 1); of [`SplitBy::Time`] the last of them, in as many
    /// windows as there are replicates. Not read by [`SplitBy::Column`], nor where there are folds.
    pub test: f64,
    /// Share of the rows for early stopping, thresholds and ranking, in (0, 1); of [`SplitBy::Column`] of the rows that
    /// it says are for training, where it says nothing of validation.
    pub validation: f64,
    /// Keep the share of positives equal in the parts. Read by [`SplitBy::Random`] and [`SplitBy::Group`], and where
    /// [`SplitBy::Column`] draws validation rows.
    pub stratify: bool,
    /// Whether the replicates share their test rows. Read by [`SplitBy::Random`] and [`SplitBy::Group`] without folds.
    pub test_rows: TestRows,
    /// Share of the negatives set aside, in (0, 1), that neither train, stop, rank nor choose. Of [`SplitBy::Random`].
    pub calibration: Option<f64>,
    /// Every row tests once in each repeat. Of [`SplitBy::Random`] and [`SplitBy::Group`].
    pub folds: Option<Folds>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self {
            by: SplitBy::Random,
            test: 0.2,
            validation: 0.16,
            stratify: true,
            test_rows: TestRows::Fixed,
            calibration: None,
            folds: None,
        }
    }
}

/// What of a split is kept together or apart.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitBy {
    /// Nothing: each row is drawn by itself.
    Random,
    /// No group has rows in two parts.
    Group {
        /// The column whose values are the groups.
        column: String,
    },
    /// The past trains, the future tests.
    Time {
        /// The column that orders the rows.
        column: String,
        /// What stands between the rows of two parts.
        gap: Option<Span>,
        /// How long a label takes to be known: the least that a gap may be, and what it is where it is absent.
        label_delay: Option<Span>,
        /// How far training rows go back; absent: to the first row.
        window: Option<Span>,
        /// Groups that are told apart by whether they trained.
        groups: Option<KnownGroups>,
    },
    /// A column says it.
    Column {
        /// The column.
        column: String,
        /// Its values on training rows.
        train: Vec<Scalar>,
        /// On validation rows; absent: these are a share of the training rows, [`SplitSpec::validation`].
        validation: Option<Vec<Scalar>>,
        /// On test rows.
        test: Vec<Scalar>,
    },
}

/// Groups of a split by time.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownGroups {
    /// The column whose values are the groups.
    pub column: String,
    /// Whether test rows of groups that trained or validated are left out.
    pub new_only: bool,
}

/// Folds of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folds {
    /// Parts of which each tests once.
    pub folds: u32,
    /// How often that is done, each time with other folds.
    pub repeats: u32,
}

impl Folds {
    /// Most replicates of a sweep.
    pub(in crate::spec) const MOST: u64 = 10_000;

    /// Trainings of each trial.
    pub fn replicates(self) -> u32 {
        self.folds.saturating_mul(self.repeats)
    }

    /// The fold and the repeat of a replicate: replicate = repeat · folds + fold.
    pub fn of_replicate(self, replicate: u32) -> (u32, u32) {
        let folds = self.folds.max(1);
        (replicate % folds, replicate / folds)
    }
}

impl SplitSpec {
    /// The columns that are read to split, with the keys that name them.
    pub fn columns(&self) -> Vec<(&'static str, &str)> {
        match &self.by {
            SplitBy::Random => Vec::new(),
            SplitBy::Group { column } => vec![("split.group_column", column.as_str())],
            SplitBy::Time { column, groups, .. } => {
                let groups = groups.iter().map(|groups| ("split.group_column", groups.column.as_str()));
                [("split.time_column", column.as_str())].into_iter().chain(groups).collect()
            }
            SplitBy::Column { column, .. } => vec![("split.column", column.as_str())],
        }
    }

    /// Of these columns those whose values are names, whatever they look like.
    pub fn columns_of_words(&self) -> impl Iterator<Item = &str> {
        self.columns().into_iter().filter(|(key, _)| *key != "split.time_column").map(|(_, column)| column)
    }

    /// The words of `split.by`.
    pub fn words(&self) -> ByWords {
        match &self.by {
            SplitBy::Random => ByWords::One(By::Random),
            SplitBy::Group { .. } => ByWords::One(By::Group),
            SplitBy::Time { groups: None, .. } => ByWords::One(By::Time),
            SplitBy::Time { groups: Some(_), .. } => ByWords::Several(vec![By::Time, By::Group]),
            SplitBy::Column { .. } => ByWords::One(By::Column),
        }
    }

    /// The keys that this split reads, and no other.
    pub(in crate::spec) fn keys(&self) -> Vec<&'static str> {
        let mut keys = vec!["by"];
        keys.extend_from_slice(match &self.by {
            SplitBy::Random if self.folds.is_some() => &["folds", "repeats", "validation", "stratify", "calibration"],
            SplitBy::Random => &["test", "validation", "stratify", "test_rows", "calibration"],
            SplitBy::Group { .. } if self.folds.is_some() => {
                &["group_column", "folds", "repeats", "validation", "stratify"]
            }
            SplitBy::Group { .. } => &["group_column", "test", "validation", "stratify", "test_rows"],
            SplitBy::Time { .. } => &["time_column", "test", "validation", "gap", "label_delay", "window"],
            SplitBy::Column { validation: Some(_), .. } => &["column", "train", "validation", "test"],
            SplitBy::Column { validation: None, .. } => &["column", "train", "validation", "test", "stratify"],
        });
        if matches!(self.by, SplitBy::Time { groups: Some(_), .. }) {
            keys.extend(["group_column", "new_groups"]);
        }
        keys
    }
}

words! {
    /// `split.by`: what is kept together or apart.
    pub enum By {
        /// Each row is drawn by itself.
        Random = "random",
        /// Rows with the same value of `group_column` stay together.
        Group = "group",
        /// The past by `time_column` trains, the future tests.
        Time = "time",
        /// The values of `column` say which rows train, choose and test.
        Column = "column",
    }
}

/// `split.by` as it is written: a word, or `[time, group]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ByWords {
    /// A word.
    One(By),
    /// `[time, group]`.
    Several(#[schemars(length(min = 1, max = 2))] Vec<By>),
}

impl std::fmt::Display for ByWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(by) => f.write_str(by.word()),
            Self::Several(by) => write!(f, "[{}]", by.iter().map(|by| by.word()).collect::<Vec<_>>().join(", ")),
        }
    }
}

words! {
    /// `split.test_rows`: which replicates have the same test rows.
    pub enum TestRows {
        /// All: replicates draw training and validation rows from what is left.
        Fixed = "fixed",
        /// None: each replicate draws all of its rows anew.
        Redraw = "redraw",
    }
}

/// A part of a split as it is written: a share of the rows, or with `by: column` the values of its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum PartKey {
    Share(f64),
    Values(Vec<Scalar>),
}

impl JsonSchema for PartKey {
    fn schema_name() -> Cow<'static, str> {
        "SplitPart".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<Scalar>();
        json_schema!({"anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            {"type": "array", "items": values, "minItems": 1, "uniqueItems": true},
        ]})
    }
}

/// `split` as it is written.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SplitSpec", description = "`split`: how the rows are dealt to training, validation and test.")]
struct SplitKeys {
    /// Share of the rows held out for the test metrics, in (0, 1); with `by: time` the last of them, in as many windows
    /// as there are replicates; with `by: column` the values of its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<PartKey>,
    /// Share of the rows for early stopping, thresholds and ranking, in (0, 1); with `by: column` the values of its
    /// rows, or a share of the rows that `train` names, drawn by each replicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<PartKey>,
    /// Keep the share of positives equal in the parts, as near as the groups let it be.
    #[serde(skip_serializing_if = "Option::is_none")]
    stratify: Option<bool>,
    /// Whether the replicates share their test rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_rows: Option<TestRows>,
    /// Share of the negatives set aside, in (0, 1), that neither train, stop, rank nor choose: what
    /// `operating_point.confidence` needs; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    calibration: Option<f64>,
    /// What is kept together or apart: `random`, `group`, `time`, `column` or `[time, group]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<ByWords>,
    /// The column whose values are the groups of `by: group`: none has rows in two parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_column: Option<String>,
    /// The column that orders the rows of `by: time`: times or numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_column: Option<String>,
    /// What stands between training, validation and test of `by: time`: `7d`, or a number where the column is numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Span>,
    /// How long a label takes to be known: the least that `gap` may be, and what it is where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    label_delay: Option<Span>,
    /// How far training rows go back before they end; absent: to the first row.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Span>,
    /// Leaves out test rows of groups that trained or validated; of `by: [time, group]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_groups: Option<bool>,
    /// The column that says which part a row belongs to, of `by: column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// The values of `column` on training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    train: Option<Vec<Scalar>>,
    /// Cross-validation: parts of which each tests once; a replicate is a fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1_000))]
    folds: Option<u32>,
    /// How often the folds are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    repeats: Option<u32>,
}

impl Default for SplitKeys {
    fn default() -> Self {
        let split = SplitSpec::default();
        Self {
            test: Some(PartKey::Share(split.test)),
            validation: Some(PartKey::Share(split.validation)),
            stratify: Some(split.stratify),
            test_rows: Some(split.test_rows),
            calibration: None,
            by: Some(split.words()),
            group_column: None,
            time_column: None,
            gap: None,
            label_delay: None,
            window: None,
            new_groups: Some(false),
            column: None,
            train: None,
            folds: None,
            repeats: Some(1),
        }
    }
}

impl From<&SplitSpec> for SplitKeys {
    fn from(split: &SplitSpec) -> Self {
        let reads = split.keys();
        let reads = |key: &str| reads.contains(&key);
        let share = |share: f64| Some(PartKey::Share(share));
        let mut keys = Self {
            test: share(split.test).filter(|_| reads("test")),
            validation: share(split.validation).filter(|_| reads("validation")),
            stratify: Some(split.stratify).filter(|_| reads("stratify")),
            test_rows: Some(split.test_rows).filter(|_| reads("test_rows")),
            calibration: split.calibration.filter(|_| reads("calibration")),
            by: Some(split.words()).filter(|by| *by != ByWords::One(By::Random)),
            group_column: None,
            time_column: None,
            gap: None,
            label_delay: None,
            window: None,
            new_groups: None,
            column: None,
            train: None,
            folds: split.folds.map(|folds| folds.folds).filter(|_| reads("folds")),
            repeats: split.folds.map(|folds| folds.repeats).filter(|_| reads("repeats")),
        };
        match &split.by {
            SplitBy::Random => {}
            SplitBy::Group { column } => keys.group_column = Some(column.clone()),
            SplitBy::Time { column, gap, label_delay, window, groups } => {
                keys.time_column = Some(column.clone());
                (keys.gap, keys.label_delay, keys.window) = (*gap, *label_delay, *window);
                keys.group_column = groups.as_ref().map(|groups| groups.column.clone());
                keys.new_groups = groups.as_ref().map(|groups| groups.new_only);
            }
            SplitBy::Column { column, train, validation, test } => {
                keys.column = Some(column.clone());
                keys.train = Some(train.clone());
                keys.validation = Some(match validation {
                    Some(values) => PartKey::Values(values.clone()),
                    None => PartKey::Share(split.validation),
                });
                keys.test = Some(PartKey::Values(test.clone()));
            }
        }
        keys
    }
}

impl Serialize for SplitSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SplitKeys::from(self).serialize(serializer)
    }
}

impl JsonSchema for SplitSpec {
    fn schema_name() -> Cow<'static, str> {
        SplitKeys::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        SplitKeys::json_schema(generator)
    }
}
