//! A trial's values, one field a parameter of the table, and its content-hash id.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashSet};

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::command::CommandTrial;
use super::kind::{ColumnType, ParameterType, ParameterValue, ValueKey};
use super::table::{Batching, Correction, Loss, PosWeightRule, Sampling};
use super::{PARAMETERS, Parameter, ReadBy, Which, with_parameters};
use crate::samplings;
use crate::spec::bounds::{ABOVE_ZERO_TO_ONE, ANY, BATCH, FROM_ZERO_BELOW_ONE, INSIDE_UNIT, NOT_NEGATIVE, POSITIVE};
use crate::spec::parameters::CommandSpace;
use crate::spec::range::FromNumber;
use crate::spec::types::{Activation, Domain, Drawn, InitialBias, ModelSpec, Optimizer, STACK, Scalar, TrainSpec};

/// The version of the record since which a parameter always counts in a trial's id.
const ALWAYS_IN_ID: u32 = 2;

/// Type of a field: a `maybe` is absent in trials whose loss does not read it.
macro_rules! field {
    (always $type:ty) => { $type };
    (maybe $type:ty) => { Option<$type> };
}

/// A field as an option.
macro_rules! there {
    (always $value:expr) => {
        Some(&$value)
    };
    (maybe $value:expr) => {
        $value.as_ref()
    };
}

/// A value as a field.
macro_rules! into_field {
    (always $value:expr) => {
        $value
    };
    (maybe $value:expr) => {
        Some($value)
    };
}

/// A field that was read: an `always` has to be there, unless it came later than what was written; then it had its
/// default.
macro_rules! written_field {
    (always $value:expr, $since:expr, $default:expr, $missing:expr) => {
        match $value {
            Some(value) => value,
            None if $since > ALWAYS_IN_ID => $default,
            None => return Err($missing),
        }
    };
    (maybe $value:expr, $since:expr, $default:expr, $missing:expr) => {
        $value
    };
}

/// Takes away what a trial's loss does not read.
macro_rules! keep_if_read {
    (always $field:expr, $is_read:expr) => {};
    (maybe $field:expr, $is_read:expr) => {
        if !$is_read {
            $field = None;
        }
    };
}

/// The field of what a command trains.
const COMMAND: &str = "command";

/// What a sampler varies.
#[derive(Debug, Clone)]
pub(crate) enum Varied {
    /// One of these values, at least one, with how likely each is.
    Listed(Vec<Setting>, Option<Vec<f64>>),
    /// A number.
    Drawn(Which, Drawn),
}

impl Varied {
    /// What is varied.
    pub(crate) fn which(&self) -> Which {
        match self {
            Self::Listed(settings, _) => settings.first().map_or(Which::Table(&PARAMETERS[0]), Setting::which),
            Self::Drawn(which, _) => which.clone(),
        }
    }
}

/// What a trial's values begin with: the sections of the spec that parameters override.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    /// `model`
    pub(crate) model: &'a ModelSpec,
    /// `train`
    pub(crate) train: &'a TrainSpec,
}

/// Calls a row's `start`; its closure gets its type here.
fn begin<T>(from: Start<'_>, start: impl FnOnce(Start<'_>) -> T) -> T {
    start(from)
}

macro_rules! hyperparameters {
    ($($(#[doc = $about:literal])* $name:ident: $presence:ident $type:ty {
        start: $start:expr, default: $default:expr, title: $title:expr, bounds: $bounds:expr, read_by: $read_by:expr,
        shapes_stack: $shapes:expr, nesting: $nesting:expr, axis: $axis:expr, always_shown: $shown:expr,
        since: $since:expr,
    })*) => {
        /// All hyperparameters of a trial, resolved. Those that its loss does not read are `None`.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Hyperparameters {
            $($(#[doc = $about])* pub $name: field!($presence $type),)*
            /// What a command trains instead; then all of the above are as they are built in, and mean nothing.
            pub command: Option<Box<CommandTrial>>,
        }

        impl Serialize for Hyperparameters {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                if let Some(command) = &self.command {
                    map.serialize_entry(COMMAND, command)?;
                } else {
                    $(map.serialize_entry(stringify!($name), &self.$name)?;)*
                }
                map.end()
            }
        }

        impl<'de> Deserialize<'de> for Hyperparameters {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                struct Written {
                    $(#[serde(default)] $name: Option<$type>,)*
                    #[serde(default)]
                    command: Option<Box<CommandTrial>>,
                }
                let written = Written::deserialize(deserializer)?;
                if written.command.is_some() {
                    return Ok(Self { command: written.command, ..Self::built_in(Loss::Bce) });
                }
                let built_in = LazyCell::new(|| Self::built_in(Loss::Bce));
                Ok(Self {
                    $($name: written_field!(
                        $presence written.$name, $since, built_in.$name.clone(),
                        D::Error::missing_field(stringify!($name))
                    ),)*
                    command: None,
                })
            }
        }

        /// One value of one parameter; as JSON `{"alpha": 0.25}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[expect(non_camel_case_types, reason = "variants are the names of the table")]
        pub(crate) enum Setting {
            $($name($type),)*
            /// A parameter of a command, by its name.
            free(String, Scalar),
        }

        impl Setting {
            /// Gives the value to a trial.
            pub(crate) fn apply(&self, to: &mut Hyperparameters) {
                match self {
                    $(Self::$name(value) => to.$name = into_field!($presence value.clone()),)*
                    Self::free(name, value) => {
                        if let Some(command) = &mut to.command {
                            command.parameters.insert(name.clone(), value.clone());
                        }
                    }
                }
            }

            /// Whether a sweep file could say it.
            pub(crate) fn is_allowed(&self) -> bool {
                match self {
                    $(Self::$name(value) => value.is_allowed($bounds),)*
                    Self::free(_, value) => value.is_allowed(ANY),
                }
            }

            /// The parameter that it is a value of.
            pub(crate) fn which(&self) -> Which {
                let name = match self {
                    $(Self::$name(_) => stringify!($name),)*
                    Self::free(name, _) => return Which::Free(name.clone()),
                };
                Which::Table(Parameter::named(name).unwrap_or(&PARAMETERS[0]))
            }

            pub(crate) fn key(&self) -> ValueKey {
                match self {
                    $(Self::$name(value) => ParameterType::value(value).key(),)*
                    Self::free(_, value) => ParameterType::value(value).key(),
                }
            }

            /// Its number; `None` where it is none.
            pub(crate) fn number(&self) -> Option<f64> {
                match self {
                    $(Self::$name(value) => ParameterType::value(value).number(),)*
                    Self::free(_, value) => ParameterType::value(value).number(),
                }
            }

            /// The value of a parameter that is a number; `None` where that cannot be.
            pub(crate) fn from_number(parameter: &Parameter, number: f64) -> Option<Self> {
                match parameter.name {
                    $(stringify!($name) => <$type as FromNumber>::from_number(number).map(Self::$name),)*
                    _ => None,
                }
            }
        }

        impl super::Space {
            /// The axes of the grid that the space says, each with its different values in order.
            pub(crate) fn axes(&self) -> Vec<Vec<Setting>> {
                let mut axes: Vec<Vec<Setting>> = Vec::new();
                $(
                    let values = self.$name.as_ref().map(|domain| domain.expand()).unwrap_or_default();
                    let mut axis: Vec<Setting> = values.into_iter().map(Setting::$name).collect();
                    let mut seen = HashSet::new();
                    axis.retain(|setting| seen.insert(setting.key()));
                    axes.extend((!axis.is_empty()).then_some(axis));
                )*
                axes.extend(self.command.iter().flat_map(CommandSpace::axes));
                axes
            }

            /// What a sampler varies, in the order of the table.
            pub(crate) fn varied(&self) -> Vec<Varied> {
                let mut all = Vec::new();
                $(
                    if let (Some(domain), Some(parameter)) = (&self.$name, Parameter::named(stringify!($name))) {
                        all.push(match domain {
                            Domain::Drawn(drawn) => Varied::Drawn(Which::Table(parameter), *drawn),
                            Domain::Values { probabilities, .. } => {
                                let values = domain.expand().into_iter().map(Setting::$name);
                                Varied::Listed(values.collect(), probabilities.clone())
                            }
                            Domain::Value { .. } | Domain::Range { .. } | Domain::LogRange { .. } => {
                                Varied::Listed(domain.expand().into_iter().map(Setting::$name).collect(), None)
                            }
                        });
                    }
                )*
                all.extend(self.command.iter().flat_map(CommandSpace::varied));
                all
            }
        }

        impl Hyperparameters {
            /// A trial in which nothing is swept. It has every parameter that has a start, whatever its loss reads: see
            /// [`Hyperparameters::resolve`].
            pub(crate) fn start(from: Start<'_>) -> Self {
                Self { $($name: begin(from, $start),)* command: None }
            }

            /// Takes away what the trial's loss and sampling do not read, so that equal trials are equal.
            pub(crate) fn resolve(&mut self) {
                let (loss, sampling) = (self.loss, self.sampling);
                $(keep_if_read!($presence self.$name, $read_by.includes(loss, sampling));)*
                self.settle();
            }

            /// A parameter with a value that no sweep file could say.
            pub(crate) fn not_allowed(&self) -> Option<&'static str> {
                if let Some(command) = &self.command {
                    return (!command.is_allowed()).then_some(COMMAND);
                }
                $(
                    if there!($presence self.$name).is_some_and(|value| !value.is_allowed($bounds)) {
                        return Some(stringify!($name));
                    }
                )*
                None
            }

            /// The value of a parameter; `None` where the trial does not have it.
            pub fn value(&self, parameter: &Parameter) -> Option<ParameterValue> {
                if self.command.is_some() {
                    return self.free_value(parameter.name, parameter.column);
                }
                match parameter.name {
                    $(stringify!($name) => there!($presence self.$name).map(ParameterType::value),)*
                    _ => None,
                }
            }

            fn json(&self, parameter: &Parameter) -> Option<Value> {
                match parameter.name {
                    $(stringify!($name) => there!($presence self.$name).map(ParameterType::json),)*
                    _ => None,
                }
            }
        }
    };
}

with_parameters!(hyperparameters);

/// Parameters that hang on others than loss and sampling: see [`Hyperparameters::settle`].
const SETTLED: &[&str] = &["pos_weight_rule", "beta", "correction"];

impl Parameter {
    /// Whether trials that differ in it may be the same although their loss and sampling read it.
    pub(super) fn hangs_on_others(&self) -> bool {
        SETTLED.contains(&self.name)
    }
}

impl Hyperparameters {
    /// Takes away what other parameters make void.
    fn settle(&mut self) {
        if self.pos_weight.is_some() {
            self.pos_weight_rule = None; // a sweep file says one of both
        }
        if self.pos_weight_rule != Some(PosWeightRule::EffectiveNumber) {
            self.beta = None;
        }
        if self.correction == Correction::Prior && !samplings::definition(self.sampling).shifts_odds {
            self.correction = Correction::None;
        }
    }

    /// A trial of `loss` of which nothing else is told.
    pub fn built_in(loss: Loss) -> Self {
        Self::built_in_with(loss, Sampling::None)
    }

    /// A trial of `loss` and `sampling` of which nothing else is told.
    fn built_in_with(loss: Loss, sampling: Sampling) -> Self {
        let start = Self::start(Start { model: &ModelSpec::default(), train: &TrainSpec::default() });
        let mut built_in = Self { loss, sampling, ..start };
        built_in.resolve();
        built_in
    }

    /// First 16 hexadecimal digits of the SHA-256 of what the trial reads, as JSON with sorted keys and no nulls: the
    /// same values have the same id in every sweep, on every machine, and in later versions, since a parameter that
    /// came after version 2 of the record counts only where it differs from its built-in default.
    pub fn trial_id(&self) -> String {
        if let Some(command) = &self.command {
            return hashed(&command.sorted_json());
        }
        // Ids are made by the hundred thousand: defaults only where one is asked for.
        let built_in = LazyCell::new(|| Self::built_in_with(self.loss, self.sampling));
        id_of(PARAMETERS.iter().map(|parameter| {
            let default = (parameter.since > ALWAYS_IN_ID).then(|| built_in.json(parameter));
            (parameter, self.json(parameter), default.flatten())
        }))
    }

    /// A trial of the command `trainer` without any parameters.
    pub(crate) fn of_command(trainer: &str) -> Self {
        let command = CommandTrial { trainer: trainer.to_owned(), parameters: BTreeMap::new() };
        Self { command: Some(Box::new(command)), ..Self::built_in(Loss::Bce) }
    }

    /// What trains it: the name of a trainer.
    pub fn trainer(&self) -> &str {
        self.command.as_ref().map_or(STACK, |command| &command.trainer)
    }

    /// The value of a command's parameter, as a column of that type has it; `None` where the trial has none.
    pub fn free_value(&self, name: &str, column: ColumnType) -> Option<ParameterValue> {
        self.command.as_ref()?.value_in(name, column)
    }

    /// Whether `other` can train in the same stack: the same batches, the same shape, the same update rule. A trial of
    /// a command trains by itself.
    pub fn stacks_with(&self, other: &Self) -> bool {
        if self.command.is_some() || other.command.is_some() {
            return self == other;
        }
        PARAMETERS
            .iter()
            .filter(|parameter| parameter.shapes_stack)
            .all(|parameter| self.value(parameter) == other.value(parameter))
    }

    /// What trials that are the same have in common.
    pub(crate) fn key(&self) -> Vec<Option<ValueKey>> {
        if let Some(command) = &self.command {
            return command.key();
        }
        PARAMETERS.iter().map(|parameter| Some(self.value(parameter)?.key())).collect()
    }

    /// What trials that can train in the same stack have in common: see [`Hyperparameters::stacks_with`].
    pub(crate) fn stack_key(&self) -> Vec<Option<ValueKey>> {
        if self.command.is_some() {
            return self.key();
        }
        let shaping = PARAMETERS.iter().filter(|parameter| parameter.shapes_stack);
        shaping.map(|parameter| Some(self.value(parameter)?.key())).collect()
    }

    /// The trial in a few words, for progress: `focal alpha 0.25 gamma 2`.
    pub fn label(&self) -> String {
        if let Some(command) = &self.command {
            return command.label();
        }
        let shown = PARAMETERS.iter().filter(|parameter| parameter.always_shown);
        let words = shown.filter_map(|parameter| {
            let value = self.value(parameter)?;
            Some(if parameter.name == "loss" { value.to_string() } else { format!("{} {value}", parameter.name) })
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The id of a trial with these parameters, values and built-in defaults; those that always count need no default.
fn id_of<'a>(values: impl Iterator<Item = (&'a Parameter, Option<Value>, Option<Value>)>) -> String {
    let sorted: BTreeMap<&str, Value> = values
        .filter(|(parameter, value, built_in)| parameter.since <= ALWAYS_IN_ID || value != built_in)
        .filter_map(|(parameter, value, _)| Some((parameter.name, value?)))
        .collect();
    let text: Vec<String> = sorted.iter().map(|(name, value)| format!("{}:{value}", Value::from(*name))).collect();
    hashed(&format!("{{{}}}", text.join(",")))
}

fn hashed(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Trials;

    /// Ids stand in results that people keep. The expected ones are Python's: `hashlib.sha256(json.dumps(values,
    /// sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]` of the resolved values without nulls.
    #[test]
    fn ids_are_those_that_results_were_written_with() {
        for (parameters, id) in [
            ("{loss: {value: bce}}", "0e771d94bce80ea9"),
            ("{loss: {value: focal}}", "e2cb95a1827c07bc"),
            ("{loss: {value: focal}, alpha: {value: 0.5}, gamma: {value: 0}}", "5efb566bd292227c"),
            ("{loss: {value: weighted_bce}}", "4cb87695b64b402f"),
            ("{loss: {value: weighted_bce}, pos_weight: {value: 9.5}}", "25e99ce2b5846c4e"),
            ("{sampling: {value: oversample}, dropout: {value: 0}}", "b80e806b6ab2eb11"),
            ("{hidden: {value: []}, optimizer: {value: sgd}, learning_rate: {value: 0.1}}", "28c509d4f10bd2ef"),
            ("{hidden: {value: [32, 16]}, activation: {value: tanh}, batch_size: {value: 64}}", "20132810d102183b"),
            ("{initial_bias: {value: -2.5}, weight_decay: {value: 0.01}}", "c342c1afba1b4f47"),
            (
                "{loss: {value: focal}, alpha: {value: 0.75}, optimizer: {value: adamw}, initial_bias: {value: 0}}",
                "6a73c12df8e26f0f",
            ),
        ] {
            let text = format!("name: t\ndata: {{source: d.csv, label: y}}\nparameters: {parameters}\n");
            let trials = Trials::new(&crate::spec::parse("t", &text).unwrap()).unwrap();
            assert_eq!(trials.get(0).trial_id(), id, "{parameters}");
        }
    }

    #[test]
    fn a_parameter_of_a_later_version_counts_only_where_it_differs_from_its_default() {
        let old = Parameter::named("alpha").unwrap();
        let new = Parameter { name: "margin", since: ALWAYS_IN_ID + 1, ..*old };
        let with = |margin: Option<f64>| {
            let margin = margin.map(Value::from);
            id_of(
                [(old, Some(Value::from(0.25)), Some(Value::from(0.25))), (&new, margin, Some(Value::from(0.0)))]
                    .into_iter(),
            )
        };
        let before = id_of([(old, Some(Value::from(0.25)), Some(Value::from(0.25)))].into_iter());
        assert_eq!(with(Some(0.0)), before);
        assert_ne!(with(Some(0.05)), before);
    }

    #[test]
    fn a_grid_knows_how_each_parameter_varies() {
        let mut nesting: Vec<u8> = PARAMETERS.iter().map(|parameter| parameter.nesting).collect();
        nesting.sort_unstable();
        assert!(nesting.iter().enumerate().all(|(at, &nesting)| at == usize::from(nesting)), "each number once");
        let slowest = |shapes| PARAMETERS.iter().filter(move |p| p.shapes_stack == shapes).map(|p| p.nesting);
        assert!(slowest(true).max() < slowest(false).min(), "trials that can share a stack are neighbours");
    }

    #[test]
    fn defaults_in_words_and_bounds_are_those_of_the_values() {
        let start = Hyperparameters::start(Start { model: &ModelSpec::default(), train: &TrainSpec::default() });
        for parameter in PARAMETERS {
            match (start.value(parameter), parameter.column) {
                (Some(ParameterValue::Number(x)), ColumnType::Float) => {
                    assert!(parameter.bounds.holds(x), "{}", parameter.name);
                    let told = parameter.default.parse::<f64>();
                    assert!(
                        told.is_err() || told == Ok(x),
                        "{}: {} is told, {x} it is",
                        parameter.name,
                        parameter.default
                    );
                }
                (Some(ParameterValue::Integer(x)), ColumnType::Integer) => assert!(parameter.bounds.holds(x as f64)),
                (Some(ParameterValue::Text(_)), ColumnType::Text) => {}
                (None, _) => {
                    assert!(["pos_weight", "pos_weight_rule"].contains(&parameter.name), "of which one is told");
                }
                (Some(value), column) => panic!("{}: {value:?} in a column of {column:?}", parameter.name),
            }
        }
    }
}
