//! Reader of `trainers`: commands of the user's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fields::{At, Reader, describe};
use super::keys;
use super::node::Kind;
use super::scalar::Resolved;
use super::types::{Inputs, Output, STACK, Span, TrainerSpec};

/// Most cores and GPUs of a command.
const MOST_CPUS: u64 = 4096;
const MOST_GPUS: u64 = 64;
/// Longest timeout, in seconds: a hundred years.
const LONGEST: f64 = 100.0 * 365.0 * 86_400.0;

impl Reader {
    /// A mapping from name to trainer.
    pub(super) fn trainers(&mut self, at: &At<'_>) -> Option<BTreeMap<String, TrainerSpec>> {
        let named =
            self.mapping(at, "a mapping from a name to a trainer, such as {gbm: {command: [python3, gbm.py]}}")?;
        let mut trainers = BTreeMap::new();
        // One that cannot be read is there all the same, so that it is told of once.
        let mut known = BTreeMap::new();
        for (name, at) in named {
            let trainer = self.trainer(&at);
            let named = trainer.as_ref().map(|trainer| {
                let words = trainer.command.iter().chain(trainer.predict.iter().flatten());
                named_in(words)
            });
            let named = named.unwrap_or_default();
            known.insert(name.to_owned(), named);
            if name == STACK {
                let help = "another name, such as `mine`".to_owned();
                let message = format!("`{STACK}` is the trainer that is built in, expected a name of your own");
                self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
            } else if !is_name(name) {
                let message = format!("`{name}` is no name of a trainer, expected {NAME_IN_WORDS}");
                self.fault_at(at.key_place.clone(), &at.path, message, None);
            } else {
                trainers.extend(trainer.map(|trainer| (name.to_owned(), trainer)));
            }
        }
        self.trainers = Some(known);
        Some(trainers)
    }

    fn trainer(&mut self, at: &At<'_>) -> Option<TrainerSpec> {
        if matches!(at.node.kind, Kind::List(_)) || at.node.word().is_some_and(|word| !word.is_empty()) {
            let help = Some("write `{command: [python3, train.py]}`".to_owned());
            self.expected(at, "a mapping with `command`", help);
            return None;
        }
        let section = self.section(at, keys::TRAINER)?;
        let command = self.required(&section, "command", "the program and its arguments, as a list of words");
        let command = command.and_then(|at| self.command(at));
        Some(TrainerSpec {
            folder: section.get_some("folder").and_then(|at| self.path_of_trainer(at)),
            timeout: section.get_some("timeout").and_then(|at| self.timeout(at)),
            cpus: section.get("cpus").and_then(|at| self.whole(at, 1, MOST_CPUS)).unwrap_or(1),
            gpus: section.get("gpus").and_then(|at| self.whole(at, 0, MOST_GPUS)).unwrap_or(0),
            inputs: section.get("inputs").and_then(|at| self.word::<Inputs>(at)).unwrap_or_default(),
            files: section.get_some("files").and_then(|at| self.files_of_trainer(at)).unwrap_or_default(),
            output: section.get("output").and_then(|at| self.word::<Output>(at)).unwrap_or_default(),
            resumable: section.get("resumable").and_then(|at| self.boolean(at)).unwrap_or(false),
            predict: section.get_some("predict").and_then(|at| self.command(at)),
            command: command?,
        })
    }

    /// A list of words, none of them empty but arguments.
    fn command(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        if let Kind::Scalar { text, .. } = &at.node.kind
            && !text.is_empty()
        {
            let words: Vec<&str> = text.split_whitespace().collect();
            let help = Some(format!("write `[{}]`; there is no shell between", words.join(", ")));
            self.expected(at, "a list of words", help);
            return None;
        }
        let items = self.list(at, "a list of words, such as [python3, train.py]")?;
        let mut words = Vec::with_capacity(items.len());
        for item in &items {
            match (&item.node.kind, item.node.resolved()) {
                (Kind::Scalar { .. }, Some(Resolved::Null)) | (Kind::List(_) | Kind::Map(_), _) => {
                    self.expected(item, "a word, in quotes where it could be something else", None);
                }
                (Kind::Scalar { text, .. }, _) if text.contains('\0') => {
                    self.fault(item, "a word of a command has no character 0", None);
                }
                (Kind::Scalar { text, .. }, _) => words.push(text.clone()),
            }
        }
        if words.first().is_none_or(String::is_empty) {
            let message =
                format!("found {}, expected the program first, such as [python3, train.py]", describe(at.node));
            self.fault(at, message, None);
            return None;
        }
        Some(words)
    }

    fn timeout(&mut self, at: &At<'_>) -> Option<Span> {
        let span = at.node.word().and_then(Span::parse);
        let fits = |span: &Span| span.seconds().is_some_and(|seconds| seconds > 0.0 && seconds <= LONGEST);
        let found = span.filter(fits);
        if found.is_none() {
            let number = at.node.word().filter(|text| text.parse::<f64>().is_ok_and(|number| number > 0.0));
            let help = number.map(|number| format!("did you mean `{number}s`?"));
            self.expected(at, "a time such as `10m` (s, m, h, d or w)", help);
        }
        found
    }

    fn path_of_trainer(&mut self, at: &At<'_>) -> Option<PathBuf> {
        self.text(at, "a path").map(PathBuf::from)
    }

    fn files_of_trainer(&mut self, at: &At<'_>) -> Option<Vec<PathBuf>> {
        let items = self.list(at, "a list of paths, such as [model.py]")?;
        Some(items.iter().filter_map(|item| self.path_of_trainer(item)).collect())
    }
}

/// What a name is.
pub(super) const NAME_IN_WORDS: &str = "a letter or `_`, then letters, digits, `_` and `-`, at most 64";

/// Whether a trainer or one of its parameters may be called so: it is a part of words, columns and file names.
pub(super) fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// What the words of commands name as `${name}`, but for the word `${args}`.
fn named_in<'a>(words: impl Iterator<Item = &'a String>) -> Vec<String> {
    let references = words.filter(|word| *word != "${args}").flat_map(|word| word.split("${").skip(1));
    references.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}
