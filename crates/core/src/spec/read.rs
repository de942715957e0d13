//! From text to [`Spec`], or to all faults.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::environment::Environment;
use super::fault::{Fault, Origin, SpecFaults};
use super::fields::{At, RawFault, Reader, Section};
use super::keys;
use super::node::{self, Lines, Node, Place, SyntaxFault};
use super::overrides;
use super::read_search::Search;
use super::types::{ConfirmSpec, Monitor, OperatingPoint, Scores, Spec, SplitSpec, Stopping, defaults};
use crate::metrics::catalogue::Lack;
use crate::text::shortened;

/// Characters of a key, a value or a message that are shown.
const MOST_SHOWN: usize = 1_000;

/// Reads a sweep file. `name` is the file's name in messages.
///
/// # Errors
/// All faults of the file at once; of text that is not YAML only the first.
pub fn parse(name: &str, text: &str) -> Result<Spec, SpecFaults> {
    parse_with(name, text, &[])
}

/// Reads a sweep file after `--set KEY=VALUE` overrides, in their order: dotted keys (`train.epochs`,
/// `parameters.0.alpha`) and YAML values. An override replaces the whole node at its key or adds one; one form of a
/// domain or of the operating point takes the place of the others. `${VAR}` in values is text: see [`parse_in`].
///
/// # Errors
/// As [`parse`]; faults of an override name it instead of a line.
pub fn parse_with(name: &str, text: &str, overrides: &[(String, String)]) -> Result<Spec, SpecFaults> {
    read(Reader::default(), name, text, overrides, None)
}

/// As [`parse_with`], with `${VAR}` in values replaced by variables of `environment`.
///
/// # Errors
/// As [`parse_with`]; a variable is not set.
pub fn parse_in(
    environment: Environment<'_>,
    name: &str,
    text: &str,
    overrides: &[(String, String)],
) -> Result<Spec, SpecFaults> {
    read(Reader::default(), name, text, overrides, Some(environment))
}

/// Reads a sweep file that a run recorded, with all its defaults. In those of earlier versions, which knew no other
/// default, the absence of `train.early_stopping` says that there is none.
///
/// # Errors
/// As [`parse`].
pub fn parse_recorded(name: &str, text: &str) -> Result<Spec, SpecFaults> {
    read(Reader { recorded: true, ..Reader::default() }, name, text, &[], None)
}

fn read(
    mut reader: Reader,
    name: &str,
    text: &str,
    overrides: &[(String, String)],
    environment: Option<Environment<'_>>,
) -> Result<Spec, SpecFaults> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let spec = match node::parse_text(text) {
        Ok((mut root, faults)) => {
            faults.into_iter().for_each(|fault| reader.syntax(fault, ""));
            set_all(&mut reader, &mut root, overrides);
            reader.expand(&mut root, "", environment);
            reader.spec(&root)
        }
        Err(fault) => {
            reader.syntax(fault, "");
            None
        }
    };
    match spec {
        Some(spec) if reader.faults.is_empty() => Ok(spec),
        _ => {
            let lines = Lines::new(text);
            let faults = reader.faults.into_iter().map(|raw| locate(raw, &lines, overrides)).collect();
            Err(SpecFaults::new(name, text, faults))
        }
    }
}

/// Reads an operating point as the command line has it, in the words of the sweep file: `max_fpr=0.01`,
/// `fn_cost=100,fp_cost=1`.
///
/// # Errors
/// The first fault; it names the option `--operating-point`.
pub fn parse_operating_point(text: &str) -> Result<OperatingPoint, Fault> {
    let pairs: Option<Vec<(&str, &str)>> = text.split(',').map(|pair| pair.split_once('=')).collect();
    let origin = Origin::Option(one_line(&format!("--operating-point {text}")));
    let unclear = |message: &str| Fault {
        path: String::new(),
        origin: origin.clone(),
        message: message.to_owned(),
        help: Some(
            "max_fpr=0.01 (with confidence=0.95), min_recall=0.9, min_precision=0.5, max_alerts_per_1000=5 or \
             fn_cost=100,fp_cost=1"
                .to_owned(),
        ),
    };
    let pairs = pairs.ok_or_else(|| unclear("expected KEY=VALUE"))?;
    let lines: Vec<String> = pairs.iter().map(|(key, value)| format!("{}: {}\n", key.trim(), value.trim())).collect();
    let mut reader = Reader::default();
    let point = match node::parse_override(&lines.concat(), 0) {
        Ok((node, faults)) => {
            faults.into_iter().for_each(|fault| reader.syntax(fault, ""));
            reader.operating_point(&At { node: &node, key_place: Place::Override(0), path: String::new() })
        }
        Err(fault) => {
            reader.syntax(fault, "");
            None
        }
    };
    match (point, reader.faults.into_iter().next()) {
        (Some(point), None) => Ok(point),
        (_, Some(raw)) => Err(Fault {
            path: one_line(&raw.path),
            message: one_line(&raw.message),
            help: raw.help.as_deref().map(one_line),
            origin,
        }),
        (None, None) => Err(unclear("it is empty")),
    }
}

fn set_all(reader: &mut Reader, root: &mut Node, overrides: &[(String, String)]) {
    for (index, (key, value)) in overrides.iter().enumerate() {
        match node::parse_override(value, index) {
            Ok((value, faults)) => {
                faults.into_iter().for_each(|fault| reader.syntax(fault, key));
                if let Err(message) = overrides::apply(root, key, value) {
                    reader.fault_at(Place::Override(index), key, message, None);
                }
            }
            Err(fault) => reader.syntax(fault, key),
        }
    }
}

/// Tells the place in lines and columns.
fn locate(raw: RawFault, lines: &Lines<'_>, overrides: &[(String, String)]) -> Fault {
    let origin = match raw.place {
        Place::File(span) => {
            let (line, column) = lines.line_and_column(span.start);
            Origin::File { line, column, span }
        }
        Place::Override(index) => {
            let written = overrides.get(index).map(|(key, value)| format!("{key}={value}"));
            Origin::Override(one_line(&written.unwrap_or_default()))
        }
    };
    let first = raw.first.map(|byte| format!("first on line {}", lines.line_and_column(byte).0));
    Fault {
        path: one_line(&raw.path),
        origin,
        message: one_line(&raw.message),
        help: raw.help.or(first).map(|help| one_line(&help)),
    }
}

/// Quoted keys and values may hold line breaks, terminal codes and megabytes, messages do not.
fn one_line(text: &str) -> String {
    shortened(text, MOST_SHOWN).into_owned()
}

impl Reader {
    fn syntax(&mut self, fault: SyntaxFault, path: &str) {
        self.syntax_at(fault.place, path, fault.message, fault.help);
    }

    /// The whole file; `None` goes with a noted fault.
    fn spec(&mut self, root: &Node) -> Option<Spec> {
        let at = At { node: root, key_place: Place::File(0..0), path: String::new() };
        if root.is_null() {
            self.fault(&at, "the file is empty, expected a mapping with `name`, `data` and `parameters`", None);
            return None;
        }
        let section = self.section(&at, keys::ROOT)?;
        let name = self.required(&section, "name", "a name for the sweep").and_then(|at| self.name(at));
        let data = self.required(&section, "data", "a mapping with `source` and `label`").and_then(|at| self.data(at));
        self.method = section.get("method").and_then(|at| self.method(at)).unwrap_or_default();
        let trainers = match section.get_some("trainers") {
            Some(at) => self.trainers(at),
            None => {
                self.trainers = Some(BTreeMap::new());
                None
            }
        };
        let parameters =
            self.required(&section, "parameters", "a mapping of what is swept").and_then(|at| self.parameters(at));
        let operating_point =
            section.get("operating_point").and_then(|at| self.operating_point(at)).unwrap_or_default();
        let rank = section.get("rank").and_then(|at| self.rank(at)).unwrap_or_default();
        let lacks = rank.by.iter().find_map(|key| Some((key, operating_point.lacks(key)?)));
        if let Some((at, (key, lack))) = section.get("rank").zip(lacks) {
            self.fault(at, format!("`{key}` needs {}", lack.needs), Some(instead(lack)));
        }
        let split = section.get("split").and_then(|at| self.split(at)).unwrap_or_default();
        let Search { run_cap, wave, budget, target } = self.search(&section, (rank.on, parameters.as_ref()));
        let mut train = section.get("train").and_then(|at| self.train(at)).unwrap_or_default();
        if let (Stopping::Rule(rule), Some(at)) = (&train.early_stopping, section.get("train"))
            && rule.metric == Monitor::ValPartialAuc
            && let Some(lack) = operating_point.lacks("partial_auc")
        {
            let message = format!("`early_stopping.metric: val_partial_auc` needs {}", lack.needs);
            self.fault(at, message, Some(instead(lack)));
        }
        let early = section.get_some("early_terminate");
        let early_terminate = early.and_then(|at| self.early_terminate(at, &section, rank.on, &mut train));
        if let Some(data) = &data {
            self.weights_counted((&section, data), parameters.as_ref(), &operating_point);
        }
        Some(Spec {
            replicates: self.replicates(&section, &split),
            confirm: section.get_some("confirm").and_then(|at| self.confirm(at, &split)),
            split,
            seed: section.get("seed").and_then(|at| self.whole(at, 0, u64::MAX)).unwrap_or_default(),
            model: section.get("model").and_then(|at| self.model(at)).unwrap_or_default(),
            train,
            method: self.method,
            run_cap,
            wave,
            budget,
            target,
            early_terminate,
            trainers: trainers.unwrap_or_default(),
            operating_point,
            rank,
            launch: section.get("launch").and_then(|at| self.launch(at)).unwrap_or_default(),
            scores: section.get_some("scores").and_then(|at| self.word::<Scores>(at)),
            // Last, so that all the others have been read when one of these is missing.
            name: name?,
            data: data?,
            parameters: parameters?,
        })
    }

    /// A name that is fit for a folder on every system.
    fn name(&mut self, at: &At<'_>) -> Option<String> {
        let name = self.text(at, "a name for the sweep")?;
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        let starts_well = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if starts_well && name.chars().all(fits) && name.len() <= 100 && !name.ends_with('.') {
            return Some(name.to_owned());
        }
        let better: String = name.chars().map(|c| if fits(c) { c } else { '-' }).take(25).collect();
        let better = better.trim_matches(['-', '.']);
        let help = (!better.is_empty()).then(|| format!("did you mean `{better}`?"));
        let message = "found a name that is not fit for a folder, expected letters, digits, `_`, `-` and `.`, at most \
                       100, a letter or digit first";
        self.fault(at, message, help);
        None
    }

    /// How many trainings each trial has: as many as the split has folds, where it has any.
    fn replicates(&mut self, section: &Section<'_>, split: &SplitSpec) -> u32 {
        let at = section.get("replicates");
        let found = at.and_then(|at| self.whole(at, 1, 10_000));
        let Some(folds) = split.folds else { return found.unwrap_or_else(defaults::replicates) };
        // A resolved sweep file says what they come to.
        if let (Some(at), Some(found)) = (at, found)
            && found != folds.replicates()
        {
            let message = format!(
                "found {found} beside {} folds, repeated {} times, expected none: they make {}",
                folds.folds,
                folds.repeats,
                folds.replicates()
            );
            let help = "`split.repeats` draws the folds anew".to_owned();
            self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
        }
        folds.replicates()
    }

    fn confirm(&mut self, at: &At<'_>, split: &SplitSpec) -> Option<ConfirmSpec> {
        let section = self.section(at, keys::CONFIRM)?;
        let mut count = |key: &str, bounds: RangeInclusive<u32>, default: u32| {
            let (least, most) = (u64::from(*bounds.start()), u64::from(*bounds.end()));
            section.get(key).and_then(|at| self.whole(at, least, most)).unwrap_or(default)
        };
        // With folds one more repeat at least.
        let folds = split.folds.map_or(1, |folds| folds.folds);
        let default = ConfirmSpec::default();
        let confirm = ConfirmSpec {
            trials: count("trials", ConfirmSpec::TRIALS, default.trials),
            replicates: count("replicates", ConfirmSpec::REPLICATES, default.replicates.next_multiple_of(folds)),
            methods: section.get("methods").and_then(|at| self.boolean(at)).unwrap_or(default.methods),
        };
        if !confirm.replicates.is_multiple_of(folds) {
            let message = format!("found {} replicates, expected a multiple of the {folds} folds", confirm.replicates);
            let place = section.get("replicates").unwrap_or(at);
            self.fault_at(place.key_place.clone(), &place.path, message, None);
        }
        Some(confirm)
    }
}

/// A rule that has what an operating point lacks.
fn instead(lack: Lack) -> String {
    format!("such as `operating_point: {{{}}}`", lack.instead)
}
