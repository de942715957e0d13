//! A mapping under `parameters` of a sweep file: the values of each parameter, read and described from the table.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::command::{CommandSpace, TRAINER};
use super::kind::{ParameterType, domain_schema};
use super::table::{Batching, Correction, Loss, PosWeightRule, Sampling};
use super::{NAMES, Parameter, ReadBy, with_parameters};
use crate::samplings;
use crate::spec::bounds::{ABOVE_ZERO_TO_ONE, ANY, BATCH, FROM_ZERO_BELOW_ONE, INSIDE_UNIT, NOT_NEGATIVE, POSITIVE};
use crate::spec::fields::{At, Reader, Section};
use crate::spec::node::{Kind, Node};
use crate::spec::types::{Activation, Domain, InitialBias, Optimizer};
use crate::spec::words::Word;

macro_rules! space {
    ($($(#[doc = $about:literal])* $name:ident: $presence:ident $type:ty {
        start: $start:expr, default: $default:expr, title: $title:expr, bounds: $bounds:expr, read_by: $read_by:expr,
        shapes_stack: $shapes:expr, nesting: $nesting:expr, axis: $axis:expr, always_shown: $shown:expr,
        since: $since:expr,
    })*) => {
        /// One mapping under `parameters`: every combination of its values is a trial.
        #[derive(Debug, Clone, PartialEq, Default, Serialize)]
        pub struct Space {
            $($(#[doc = $about])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<Domain<$type>>,)*
            /// What a command trains instead; then it has nothing of the above.
            #[serde(flatten, skip_serializing_if = "Option::is_none")]
            pub command: Option<CommandSpace>,
        }

        impl Space {
            /// Whether it has more trials than anybody can count: a parameter is drawn from a distribution without end.
            pub(in crate::spec) fn is_endless(&self) -> bool {
                $(self.$name.as_ref().is_some_and(Domain::is_endless))||*
                    || self.command.as_ref().is_some_and(CommandSpace::is_endless)
            }
        }

        impl JsonSchema for Space {
            fn schema_name() -> Cow<'static, str> {
                "Space".into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut properties = Map::new();
                $(
                    let about = concat!($($about),*).trim_start();
                    let schema = domain_schema::<$type>(generator, $bounds, about);
                    properties.insert(stringify!($name).to_owned(), schema.to_value());
                )*
                json_schema!({
                    "type": "object",
                    "additionalProperties": false,
                    "properties": Value::Object(properties),
                    "description": "One mapping under `parameters`: every combination of its values is a trial.",
                })
            }
        }

        impl Reader {
            /// One mapping under `parameters`.
            pub(in crate::spec) fn space(&mut self, at: &At<'_>) -> Option<Space> {
                if names_trainer(at.node) {
                    return self.command_space(at).map(|command| Space { command: Some(command), ..Space::default() });
                }
                let section = self.section(at, NAMES)?;
                let space = Space {
                    $($name: {
                        let read = |reader: &mut Self, at: &At<'_>| <$type>::read(reader, at, $bounds);
                        self.domain(&section, (stringify!($name), $bounds), read)
                    },)*
                    command: None,
                };
                // A loss that could not be read reads anything.
                if space.loss.is_some() || section.get_some("loss").is_none() {
                    self.unread_by_losses(&section, space.loss.as_ref());
                }
                if space.sampling.is_some() || section.get_some("sampling").is_none() {
                    self.unread_by_samplings(&section, &space);
                }
                self.weight_told_once(&section, &space);
                Some(space)
            }
        }
    };
}

with_parameters!(space);

/// Whether a mapping says that a command trains its trials.
fn names_trainer(node: &Node) -> bool {
    let Kind::Map(entries) = &node.kind else { return false };
    entries.iter().any(|entry| entry.key == TRAINER)
}

impl Reader {
    /// Parameters that no loss of the space reads would make a grid of equal trials.
    fn unread_by_losses(&mut self, section: &Section<'_>, loss: Option<&Domain<Loss>>) {
        let losses = loss.map_or_else(|| vec![Loss::Bce], Domain::expand);
        let by_default = loss.is_none();
        for (key, at) in section.fields() {
            let Some(Parameter { read_by: ReadBy::Losses(readers), .. }) = Parameter::named(key) else { continue };
            if section.get_some(key).is_some() && !readers.iter().any(|reader| losses.contains(reader)) {
                self.unread(at, key, "loss", (readers, &losses), by_default);
            }
        }
    }

    /// The same of samplings.
    fn unread_by_samplings(&mut self, section: &Section<'_>, space: &Space) {
        let samplings = space.sampling.as_ref().map_or_else(|| vec![Sampling::None], Domain::expand);
        let by_default = space.sampling.is_none();
        for (key, at) in section.fields() {
            let Some(Parameter { read_by: ReadBy::Samplings(readers), .. }) = Parameter::named(key) else { continue };
            if section.get_some(key).is_some() && !readers.iter().any(|reader| samplings.contains(reader)) {
                self.unread(at, key, "sampling", (readers, &samplings), by_default);
            }
        }
        let corrections = space.correction.as_ref().map(Domain::expand).unwrap_or_default();
        let shifts = |sampling: &Sampling| samplings::definition(*sampling).shifts_odds;
        if let Some(at) = section.get_some("correction")
            && corrections.contains(&Correction::Prior)
            && !samplings.iter().any(shifts)
        {
            let known: Vec<&str> =
                Sampling::WORDS.iter().filter(|(_, sampling)| shifts(sampling)).map(|(word, _)| *word).collect();
            let found = samplings.iter().map(|sampling| sampling.word()).collect::<Vec<_>>().join(" and ");
            let message = format!(
                "`correction: prior` undoes what a sampling changed of the odds, the sampling here is {found}{}",
                if by_default { ", the default" } else { "" }
            );
            let help = format!("one of `{}` as `sampling`, or `platt`", known.join("`, `"));
            self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
        }
    }

    /// A parameter that nothing here reads: `readers` do, `here` is what there is.
    fn unread<T: Word>(&mut self, at: &At<'_>, key: &str, of: &str, (readers, here): (&[T], &[T]), by_default: bool) {
        let named = |all: &[T], between: &str| all.iter().map(|one| one.word()).collect::<Vec<_>>().join(between);
        let known: Vec<T> = T::WORDS.iter().map(|(_, one)| *one).filter(|one| here.contains(one)).collect();
        let words = named(readers, "` and `");
        let message = format!(
            "`{key}` is read by `{words}` only, the {of} here is {}{}",
            named(&known, " and "),
            if by_default { ", the default" } else { "" }
        );
        let one_of = named(readers, "` or `");
        let help = format!("add `{one_of}` to `{of}`, or take `{key}` out");
        self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
    }

    /// `pos_weight` is a number or has a rule, and `beta` is of one of the rules.
    fn weight_told_once(&mut self, section: &Section<'_>, space: &Space) {
        let rules = space.pos_weight_rule.as_ref().map(Domain::expand);
        if let (Some(at), Some(_)) = (section.get_some("pos_weight_rule"), section.get_some("pos_weight")) {
            let message = "found `pos_weight` and `pos_weight_rule`, expected one of both";
            let help = "a mapping of its own for each of them".to_owned();
            self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
        }
        let told = |rules: &Option<Vec<PosWeightRule>>| match (rules, section.get_some("pos_weight_rule")) {
            (Some(rules), _) => rules.contains(&PosWeightRule::EffectiveNumber),
            (None, at) => at.is_some(), // one that could not be read may be any
        };
        if let Some(at) = section.get_some("beta")
            && !told(&rules)
        {
            let word = PosWeightRule::EffectiveNumber.word();
            let message = format!("`beta` is read by `pos_weight_rule: {word}` only");
            let help = format!("add `pos_weight_rule: {{value: {word}}}`, or take `beta` out");
            self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
        }
    }
}
