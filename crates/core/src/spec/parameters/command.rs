//! Trials of a command of the user's: a mapping whose names are free, and what a trial of it has.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::kind::{ColumnType, ParameterType, ParameterValue, ValueKey, domain_schema};
use super::values::{Setting, Varied};
use super::{Parameter, ReadBy, Which};
use crate::metrics::catalogue::MetricColumn;
use crate::spec::bounds::{ANY, Bounds};
use crate::spec::fields::{At, Reader, one_of};
use crate::spec::keys;
use crate::spec::node::Kind;
use crate::spec::range::FromNumber;
use crate::spec::read_trainers::{NAME_IN_WORDS, is_name};
use crate::spec::types::{Domain, STACK, Scalar};

/// The key of a mapping that names its trainer.
pub(in crate::spec) const TRAINER: &str = "trainer";

/// A mapping under `parameters` that a command trains: its other keys are names of the user's.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSpace {
    /// Its name under `trainers`.
    pub trainer: String,
    /// The values of each parameter, in the order of the file.
    pub parameters: Vec<(String, Domain<Scalar>)>,
}

/// What a trial of a command has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandTrial {
    /// Name of the trainer.
    pub trainer: String,
    /// Its parameters by their names.
    pub parameters: BTreeMap<String, Scalar>,
}

/// A column of results.parquet for a free parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeColumn {
    /// The parameter, and the column.
    pub name: String,
    /// What all its values fit into.
    pub column: ColumnType,
}

/// Columns of results.parquet that are neither hyperparameters nor metrics.
const COLUMNS: &[&str] = &[
    "trial_id",
    "replicate",
    "state",
    "error",
    "trainer",
    "trainer_fingerprint",
    "phase",
    "fold",
    "repeat",
    "seed",
    "split_fingerprint",
    "data_fingerprint",
    "device",
    "device_name",
    "host",
    "job_id",
    "stack_size",
    "epochs_run",
    "best_epoch",
    "train_seconds",
    "started_at",
    "finished_at",
    "threshold",
    "threshold_raw",
];

/// Hyperparameters that say how our own networks deal with a rare class or begin: their columns mean that alone.
const OWN: &[&str] = &["loss", "sampling", "initial_bias"];

/// Why a parameter of the user's cannot be called so; `None` where it can.
fn taken(name: &str) -> Option<&'static str> {
    if COLUMNS.contains(&name) || MetricColumn::named(name).is_some() {
        return Some("a column of results.parquet with a meaning of its own");
    }
    let is_own = |parameter: &Parameter| parameter.read_by != ReadBy::EveryTrial || OWN.contains(&name);
    Parameter::named(name).is_some_and(is_own).then_some("a hyperparameter of the networks that are built in")
}

impl CommandTrial {
    /// What trials that are the same have in common.
    pub(super) fn key(&self) -> Vec<Option<ValueKey>> {
        let parameters = self
            .parameters
            .iter()
            .flat_map(|(name, value)| [Some(ValueKey::Text(name.clone())), Some(ParameterType::value(value).key())]);
        std::iter::once(Some(ValueKey::Text(self.trainer.clone()))).chain(parameters).collect()
    }

    /// What its id is made of: JSON with sorted keys.
    pub(super) fn sorted_json(&self) -> String {
        let parameters = serde_json::to_string(&self.parameters).unwrap_or_default(); // plain data
        format!("{{\"parameters\":{parameters},\"trainer\":{}}}", Value::from(self.trainer.as_str()))
    }

    /// The value of a parameter as a column of `column` has it; `None` where the trial has no such parameter.
    pub(super) fn value_in(&self, name: &str, column: ColumnType) -> Option<ParameterValue> {
        let value = ParameterType::value(self.parameters.get(name)?);
        Some(match (column, value) {
            (ColumnType::Float, ParameterValue::Integer(value)) => ParameterValue::Number(value as f64),
            (ColumnType::Text, value) => ParameterValue::Text(value.to_string()),
            (_, value) => value,
        })
    }

    /// Whether a sweep file could say it.
    pub(super) fn is_allowed(&self) -> bool {
        let fits = |(name, value): (&String, &Scalar)| {
            let column = Parameter::named(name).map(|parameter| parameter.column);
            is_name(name)
                && taken(name).is_none()
                && value.is_allowed(ANY)
                && column.is_none_or(|to| fits_in(value, to))
        };
        is_name(&self.trainer) && self.trainer != STACK && self.parameters.iter().all(fits)
    }

    /// In a few words: `gbm num_leaves 31 rate 0.1`.
    pub(super) fn label(&self) -> String {
        let words = self.parameters.iter().map(|(name, value)| format!(" {name} {value}"));
        std::iter::once(self.trainer.clone()).chain(words).collect()
    }
}

/// What a column of both has to be.
pub(crate) fn wider(one: ColumnType, other: ColumnType) -> ColumnType {
    match (one, other) {
        (ColumnType::Integer, ColumnType::Integer) => ColumnType::Integer,
        (ColumnType::Text, _) | (_, ColumnType::Text) => ColumnType::Text,
        (ColumnType::Float, _) | (_, ColumnType::Float) => ColumnType::Float,
    }
}

/// The column that a value needs.
pub(crate) fn column_of(value: &Scalar) -> ColumnType {
    match ParameterType::value(value) {
        ParameterValue::Number(_) => ColumnType::Float,
        ParameterValue::Integer(_) => ColumnType::Integer,
        ParameterValue::Text(_) => ColumnType::Text,
    }
}

/// Whether a column that is there already can have a value.
fn fits_in(value: &Scalar, column: ColumnType) -> bool {
    wider(column_of(value), column) == column
}

impl FromNumber for Scalar {
    /// A whole number is one, also of a range: programs want 31 trees, not 31.0.
    fn from_number(number: f64) -> Option<Self> {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
        let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
        Some(if is_whole { Self::Int(number as i64) } else { Self::Float(number) })
    }
}

impl ParameterType for Scalar {
    const COLUMN: ColumnType = ColumnType::Text;
    const WHOLE_BY_ENDS: bool = true;

    fn read(reader: &mut Reader, at: &At<'_>, _: Bounds) -> Option<Self> {
        reader.scalar(at, "a number, a word, or true or false")
    }

    fn is_allowed(&self, _: Bounds) -> bool {
        match self {
            Self::Float(value) => value.is_finite(),
            Self::Text(text) => !text.is_empty() && !text.contains('\0'),
            Self::Bool(_) | Self::Int(_) => true,
        }
    }

    fn schema(generator: &mut SchemaGenerator, _: Bounds) -> Schema {
        generator.subschema_for::<Self>()
    }

    fn range_schema(bounds: Bounds) -> Option<Schema> {
        Some(bounds.schema(false))
    }

    fn value(&self) -> ParameterValue {
        match self {
            Self::Bool(value) => ParameterValue::Text(value.to_string()),
            Self::Int(value) => ParameterValue::Integer(*value),
            Self::Float(value) => ParameterValue::Number(*value),
            Self::Text(value) => ParameterValue::Text(value.clone()),
        }
    }

    fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl CommandSpace {
    /// Whether it has more trials than can be counted.
    pub(in crate::spec) fn is_endless(&self) -> bool {
        self.parameters.iter().any(|(_, domain)| domain.is_endless())
    }

    /// The axes of its grid, each with its different values in order.
    pub(super) fn axes(&self) -> Vec<Vec<Setting>> {
        let axes = self.parameters.iter().map(|(name, domain)| {
            let mut axis: Vec<Setting> = settings(name, domain).collect();
            let mut seen = HashSet::new();
            axis.retain(|setting| seen.insert(setting.key()));
            axis
        });
        axes.filter(|axis| !axis.is_empty()).collect()
    }

    /// What a sampler varies.
    pub(super) fn varied(&self) -> Vec<Varied> {
        let varied = self.parameters.iter().map(|(name, domain)| match domain {
            Domain::Drawn(drawn) => Varied::Drawn(Which::Free(name.clone()), *drawn),
            Domain::Values { probabilities, .. } => {
                Varied::Listed(settings(name, domain).collect(), probabilities.clone())
            }
            Domain::Value { .. } | Domain::Range { .. } | Domain::LogRange { .. } => {
                Varied::Listed(settings(name, domain).collect(), None)
            }
        });
        varied.collect()
    }
}

fn settings(name: &str, domain: &Domain<Scalar>) -> impl Iterator<Item = Setting> {
    let name = name.to_owned();
    domain.expand().into_iter().map(move |value| Setting::free(name.clone(), value))
}

impl Serialize for CommandSpace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.parameters.len()))?;
        map.serialize_entry(TRAINER, &Domain::Value { value: &self.trainer })?;
        for (name, domain) in &self.parameters {
            map.serialize_entry(name, domain)?;
        }
        map.end()
    }
}

impl JsonSchema for CommandSpace {
    fn schema_name() -> Cow<'static, str> {
        "CommandSpace".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let about = "A parameter of the command.";
        let free = domain_schema::<Scalar>(generator, ANY, about);
        json_schema!({
            "type": "object",
            "description": "One mapping under `parameters` that a command of `trainers` trains: its other keys are its \
                            parameters, under names of your own.",
            "properties": {
                "trainer": {
                    "description": "The command that trains its trials.",
                    "type": "object", "properties": {"value": {"type": "string"}},
                    "required": ["value"], "additionalProperties": false,
                },
            },
            "required": ["trainer"],
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"},
            "additionalProperties": free,
        })
    }
}

impl Reader {
    /// A mapping with a `trainer`.
    pub(super) fn command_space(&mut self, at: &At<'_>) -> Option<CommandSpace> {
        let fields = self.mapping(at, "a mapping")?;
        let trainer = fields.iter().find(|(name, _)| *name == TRAINER).map(|(_, at)| at)?.clone();
        let trainer = self.trainer_of_space(&trainer);
        let mut parameters = Vec::new();
        for (name, field) in fields.iter().filter(|(name, _)| *name != TRAINER) {
            if let Some(what) = taken(name) {
                let help = format!("another name, such as `my_{name}`, which the command may pass on as `{name}`");
                let message = format!("`{name}` is {what}, expected a name of your own");
                self.fault_at(field.key_place.clone(), &field.path, message, Some(help));
            } else if !is_name(name) {
                let message = format!("`{name}` is no name of a parameter, expected {NAME_IN_WORDS}");
                self.fault_at(field.key_place.clone(), &field.path, message, None);
            } else if let Some(domain) = self.domain_at(field, (name, ANY), |reader, at| Scalar::read(reader, at, ANY))
            {
                self.one_column(field, name, &domain);
                parameters.push(((*name).to_owned(), domain));
            }
        }
        let (name, value_at) = trainer?;
        self.parameters_named(&value_at, &name, &fields);
        Some(CommandSpace { trainer: name, parameters })
    }

    /// What the command of a trainer names has to be there, in each mapping that it trains.
    fn parameters_named(&mut self, at: &At<'_>, trainer: &str, fields: &[(&str, At<'_>)]) {
        let named = self.trainers.as_ref().and_then(|all| all.get(trainer)).cloned().unwrap_or_default();
        let there: Vec<&str> = fields.iter().map(|(name, _)| *name).filter(|name| *name != TRAINER).collect();
        for name in named.iter().filter(|name| !there.contains(&name.as_str())) {
            let help = match (keys::nearest(name, &there), name.as_str()) {
                (_, "args") => "`${args}` has to be a word by itself".to_owned(),
                (Some(near), _) => format!("did you mean `${{{near}}}`?"),
                (None, _) => format!("add `{name}: {{value: …}}` beside `trainer`"),
            };
            let message =
                format!("the command of `{trainer}` names `${{{name}}}`, expected a parameter of that name here");
            self.fault(at, message, Some(help));
        }
    }

    /// The name of a trainer that the file has, and where it stands.
    fn trainer_of_space<'a>(&mut self, at: &At<'a>) -> Option<(String, At<'a>)> {
        let Kind::Map(entries) = &at.node.kind else {
            let help = at.node.word().filter(|word| !word.is_empty());
            let help = help.map(|word| format!("write `trainer: {{value: {word}}}`"));
            self.expected(at, "a mapping with `value`", help);
            return None;
        };
        if entries.iter().any(|entry| entry.key == "values") {
            let help = "a mapping under `parameters` for each trainer".to_owned();
            self.fault(at, "a mapping has one trainer, expected `value`", Some(help));
            return None;
        }
        let section = self.section(at, &["value"])?;
        let value = self.required(&section, "value", "the name of a trainer")?;
        let name = self.text(value, "the name of a trainer")?;
        // Of trainers that could not be read it is told already.
        let known = self.trainers.clone()?;
        if name == STACK {
            let help = "leave `trainer` out: it trains what names no other".to_owned();
            self.fault(
                value,
                format!("`{STACK}` is the trainer that is built in, expected one of `trainers`"),
                Some(help),
            );
            return None;
        }
        if known.contains_key(name) {
            return Some((name.to_owned(), value.clone()));
        }
        let words: Vec<&str> = known.keys().map(String::as_str).collect();
        let help = match keys::nearest(name, &words) {
            Some(near) => format!("did you mean `{near}`?"),
            None if words.is_empty() => format!("such as `trainers: {{{name}: {{command: [python3, train.py]}}}}`"),
            None => format!("here are {}", one_of(&words)),
        };
        self.fault(value, format!("found `{name}`, expected the name of a trainer under `trainers`"), Some(help));
        None
    }

    /// A name that our own hyperparameters have too shares their column.
    fn one_column(&mut self, at: &At<'_>, name: &str, domain: &Domain<Scalar>) {
        let Some(Parameter { column, .. }) = Parameter::named(name) else { return };
        let values = domain.expand();
        let strange = values.iter().find(|value| !fits_in(value, *column));
        let draws_fractions = *column == ColumnType::Integer
            && matches!(domain, Domain::Drawn(drawn) if matches!(drawn.domain(false), crate::search::Domain::Real(_)));
        let expected = match column {
            ColumnType::Integer => "whole numbers",
            ColumnType::Float => "numbers",
            ColumnType::Text => return,
        };
        if strange.is_some() || draws_fractions {
            let found = strange.map_or_else(|| "fractions".to_owned(), |value| format!("`{value}`"));
            let message =
                format!("found {found}, expected {expected}: the column `{name}` of results.parquet has them");
            self.fault(at, message, Some(format!("another name, such as `my_{name}`")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Trials;
    use crate::spec::{Spec, parse};

    fn spec(parameters: &str) -> Spec {
        let trainers = "trainers: {gbm: {command: [python3, gbm.py]}, other: {command: [x]}}";
        parse("t", &format!("name: t\ndata: {{source: d.csv, label: y}}\n{trainers}\nparameters: {parameters}\n"))
            .unwrap()
    }

    fn ids(parameters: &str) -> Vec<String> {
        let trials = Trials::new(&spec(parameters)).unwrap();
        (0..trials.len()).map(|index| trials.get(index).trial_id()).collect()
    }

    /// The expected ids are Python's: `hashlib.sha256(json.dumps({"parameters": …, "trainer": …}, sort_keys=True,
    /// separators=(",", ":")).encode()).hexdigest()[:16]`.
    #[test]
    fn ids_cover_the_trainer_and_its_parameters() {
        assert_eq!(ids("{trainer: {value: gbm}}"), ["ef26d5e09a1fe957"]);
        assert_eq!(ids("{trainer: {value: gbm}, num_leaves: {value: 31}, rate: {value: 0.1}}"), ["79fd9d3ef71136bf"]);
        assert_ne!(ids("{trainer: {value: other}}"), ids("{trainer: {value: gbm}}"));
        assert_ne!(ids("{trainer: {value: gbm}, a: {value: 1}}"), ids("{trainer: {value: gbm}, a: {value: 2}}"));
    }

    #[test]
    fn a_mapping_of_a_command_is_a_grid_beside_those_of_networks() {
        let text = "[{loss: {values: [bce, focal]}}, {trainer: {value: gbm}, leaves: {values: [15, 31]}, \
                    kind: {values: [dart, gbdt]}, fast: {values: [true, false]}}]";
        let trials = Trials::new(&spec(text)).unwrap();
        assert_eq!(trials.len(), 2 + 8);
        let all: Vec<_> = (0..trials.len()).map(|index| trials.get(index)).collect();
        let commands: Vec<_> = all.iter().filter_map(|trial| trial.command.as_deref()).collect();
        assert_eq!(commands.len(), 8);
        assert_eq!(commands[0].label(), "gbm fast true kind dart leaves 15");
        // Each is a job by itself.
        assert_eq!(trials.groups().iter().map(std::ops::Range::len).collect::<Vec<_>>(), [2, 1, 1, 1, 1, 1, 1, 1, 1]);
        let columns: Vec<_> = trials.free_columns().into_iter().map(|free| (free.name, free.column)).collect();
        let [fast, kind, leaves] = ["fast", "kind", "leaves"].map(str::to_owned);
        assert_eq!(columns, [(fast, ColumnType::Text), (kind, ColumnType::Text), (leaves, ColumnType::Integer)]);
        for trial in &all {
            let text = serde_json::to_string(trial).unwrap();
            let read: crate::spec::Hyperparameters = serde_json::from_str(&text).unwrap();
            assert_eq!(read, *trial, "{text}");
            assert_eq!(trial.command.is_some(), text.starts_with("{\"command\":{"), "{text}");
            assert_eq!(trial.not_allowed(), None);
        }
    }

    #[test]
    fn whole_numbers_stay_whole() {
        let of = |domain: &str| {
            let trials = Trials::new(&spec(&format!("{{trainer: {{value: gbm}}, n: {domain}}}"))).unwrap();
            (0..trials.len()).map(|at| trials.get(at).command.unwrap().parameters["n"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("{min: 1, max: 3, count: 3}"), [Scalar::Int(1), Scalar::Int(2), Scalar::Int(3)]);
        assert_eq!(of("{values: [1.0, 2.5]}"), [Scalar::Float(1.0), Scalar::Float(2.5)]);
    }

    #[test]
    fn the_columns_that_are_taken_are_those_of_the_results() {
        let schema = crate::record::results_schema();
        for name in schema.fields().iter().map(|field| field.name()) {
            let own = Parameter::named(name);
            assert_eq!(
                taken(name).is_none(),
                own.is_some_and(|p| p.read_by == ReadBy::EveryTrial && !OWN.contains(&p.name)),
                "{name}"
            );
        }
        assert!(COLUMNS.iter().all(|name| schema.field_with_name(name).is_ok()));
    }
}
