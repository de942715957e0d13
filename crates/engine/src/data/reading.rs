//! What is known of a file before it is read: from the sweep file, or from a model.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Purpose;
use super::missing;
use focalsweep_core::prepared::{ColumnRead, FileReading, Preprocessing, Step};
use focalsweep_core::spec::{BadValues, ColumnKind, CsvSpec, DataSpec, SplitSpec};

/// How a file is read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// How its text is written.
    pub csv: CsvSpec,
    /// What columns are; the others are what their cells look like.
    pub types: BTreeMap<String, ColumnKind>,
    /// What a cell is that does not fit its column.
    pub bad_values: BadValues,
    /// The label: it may hold anything, and nobody is told to leave it out.
    pub label: Option<String>,
    /// Columns that something is said of, so that they are no row index.
    pub named: BTreeSet<String>,
    /// Whether a model is to read the file.
    of_model: bool,
    /// Of a model, the categories whose levels are numbers: there `NA` is missing, and among words it is one of them.
    pub(super) codes: Option<BTreeSet<String>>,
    /// Those whose type `data.categorical` says.
    categories: BTreeSet<String>,
    /// Those whose type `data.datetime` says.
    times: BTreeSet<String>,
    /// The column of weights.
    weight: Option<String>,
}

impl Reading {
    /// As the sweep file says.
    pub fn of_spec(spec: &DataSpec) -> Self {
        let categories = spec.categorical.iter().map(|name| (name.clone(), ColumnKind::Category));
        let times = spec.datetime.keys().map(|name| (name.clone(), ColumnKind::Datetime));
        let types: BTreeMap<_, _> = categories.chain(times).chain(spec.types.clone()).collect();
        let said = types.iter().filter(|(_, kind)| **kind != ColumnKind::Ignore).map(|(name, _)| name.clone());
        Self {
            csv: spec.csv.clone(),
            bad_values: spec.bad_values,
            label: Some(spec.label.clone()),
            named: said.chain(spec.log.keys().cloned()).chain([spec.label.clone()]).collect(),
            types,
            of_model: false,
            codes: None,
            categories: spec.categorical.iter().cloned().collect(),
            times: spec.datetime.keys().cloned().collect(),
            weight: None,
        }
    }

    /// With the column of weights, which are numbers.
    pub(super) fn with_weight(&mut self, weight: &str) {
        self.named.insert(weight.to_owned());
        self.types.insert(weight.to_owned(), ColumnKind::Number);
        self.weight = Some(weight.to_owned());
    }

    /// With the columns that a split reads: they are read whatever they look like, groups and parts as words
    /// unless the sweep file says otherwise.
    pub(super) fn with_split(&mut self, split: &SplitSpec) {
        for (_, name) in split.columns() {
            self.named.insert(name.to_owned());
            if self.kind(name) == Some(ColumnKind::Ignore) {
                self.types.remove(name);
            }
        }
        for name in split.columns_of_words() {
            self.types.entry(name.to_owned()).or_insert(ColumnKind::Category);
        }
    }

    /// As the file was read that a model was fitted to. Earlier versions knew one way only.
    pub fn of_model(model: &Preprocessing) -> Self {
        let kind = |step: &Step| match step {
            Step::Number { .. } => Some(ColumnKind::Number),
            Step::Truth { .. } => Some(ColumnKind::Boolean),
            Step::Category { .. } => Some(ColumnKind::Category),
            Step::Hour { .. } | Step::Weekday { .. } | Step::AgeDays { .. } => Some(ColumnKind::Datetime),
            Step::Missing { .. } => None,
        };
        let types: BTreeMap<String, ColumnKind> =
            model.steps.iter().filter_map(|step| Some((step.column().to_owned(), kind(step)?))).collect();
        let named = model.columns().into_iter().collect();
        let codes = |step: &Step| match step {
            Step::Category { column, levels, base, .. } => {
                let mut levels = levels.iter().chain(base).peekable();
                let any = levels.peek().is_some();
                (any && levels.all(|level| level.parse::<f64>().is_ok())).then(|| column.clone())
            }
            _ => None,
        };
        let codes = Some(model.steps.iter().filter_map(codes).collect());
        match &model.reading {
            Some(reading) => Self {
                csv: reading.csv.clone(),
                bad_values: reading.bad_values,
                types,
                named,
                of_model: true,
                codes,
                ..Self::default()
            },
            None => {
                // What Parquet held as text was a level there, whatever it said.
                let is_level = |word: &str| {
                    model.steps.iter().any(|step| {
                        matches!(step, Step::Category { levels, base, .. }
                            if levels.iter().chain(base).any(|level| level == word))
                    })
                };
                let words = missing::OF_EARLIER_VERSIONS.into_iter().filter(|word| !is_level(word));
                let na_values = words.map(str::to_owned).collect();
                Self {
                    csv: CsvSpec { na_values, ..CsvSpec::default() },
                    types,
                    named,
                    of_model: true,
                    codes,
                    ..Self::default()
                }
            }
        }
    }

    /// As the file was read that a trainer of the user's saw these columns of.
    pub(super) fn of_columns(columns: &[ColumnRead], reading: &FileReading) -> Self {
        let codes = columns.iter().filter(|column| column.codes).map(|column| column.name.clone());
        Self {
            csv: reading.csv.clone(),
            bad_values: reading.bad_values,
            types: columns.iter().map(|column| (column.name.clone(), column.kind)).collect(),
            named: columns.iter().map(|column| column.name.clone()).collect(),
            of_model: true,
            codes: Some(codes.collect()),
            ..Self::default()
        }
    }

    pub(super) fn is_of_model(&self) -> bool {
        self.of_model
    }

    pub(super) fn kind(&self, column: &str) -> Option<ColumnKind> {
        self.types.get(column).copied()
    }

    /// The key of the sweep file that says what a column is.
    pub(super) fn key_of(&self, column: &str) -> &'static str {
        let is_of = |names: &BTreeSet<String>| names.contains(column);
        if self.weight.as_deref() == Some(column) {
            "data.weight"
        } else if is_of(&self.categories) {
            "data.categorical"
        } else if is_of(&self.times) {
            "data.datetime"
        } else {
            "data.types"
        }
    }

    pub(super) fn is_label(&self, column: &str) -> bool {
        self.label.as_deref() == Some(column)
    }

    pub(super) fn purpose(&self, column: &str) -> Purpose {
        if self.is_label(column) {
            Purpose::Label
        } else if self.weight.as_deref() == Some(column) {
            Purpose::Weight
        } else {
            Purpose::Feature
        }
    }
}
