//! A mapping under `parameters` of a sweep file: the values of each parameter, read and described from the table.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::command::{CommandSpace, TRAINER};
use super::kind::{ParameterType, domain_schema};
use super::table::{Loss, Sampling};
use super::{NAMES, Parameter, ReadBy, with_parameters};
use crate::spec::bounds::{ANY, BATCH, FROM_ZERO_BELOW_ONE, INSIDE_UNIT, NOT_NEGATIVE, POSITIVE};
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
                    self.unread_parameters(&section, space.loss.as_ref());
                }
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
    fn unread_parameters(&mut self, section: &Section<'_>, loss: Option<&Domain<Loss>>) {
        let losses = loss.map_or_else(|| vec![Loss::Bce], Domain::expand);
        let named =
            |losses: &[Loss], between: &str| losses.iter().map(|loss| loss.word()).collect::<Vec<_>>().join(between);
        let by_default = if loss.is_none() { ", the default" } else { "" };
        for (key, at) in section.fields() {
            let Some(Parameter { read_by: ReadBy::Losses(readers), .. }) = Parameter::named(key) else { continue };
            if section.get_some(key).is_some() && !readers.iter().any(|reader| losses.contains(reader)) {
                let known: Vec<Loss> =
                    Loss::WORDS.iter().map(|(_, loss)| *loss).filter(|loss| losses.contains(loss)).collect();
                let words = named(readers, "` and `");
                let message = format!(
                    "`{key}` is read by `{words}` only, the loss here is {}{by_default}",
                    named(&known, " and ")
                );
                let help = format!("add `{words}` to `loss`, or take `{key}` out");
                self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
            }
        }
    }
}
