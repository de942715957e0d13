//! Distributions of W&B sweep files: what each of them is, and what a grid has instead.

use super::fields::{At, Reader, flow, join};
use super::keys;
use super::node::{Entry, Node};
use super::scalar::Resolved;
use super::types::Distribution;
use super::words::Word;

/// What is written instead of a distribution.
#[derive(Clone, Copy)]
enum Instead {
    /// `value`
    One,
    /// `values`
    Several,
    /// Equal steps, of 1 where they are whole.
    Steps { whole: bool },
    /// Equal factors; `exponents`: the ends are logarithms.
    Factors { exponents: bool },
    /// Nothing but numbers by hand.
    ByHand,
}

/// The distributions of W&B (docs.wandb.ai, sweep configuration options, of October 2025) and what they are.
const DISTRIBUTIONS: &[(&str, &str, Instead)] = &[
    ("constant", "one value", Instead::One),
    ("categorical", "a list of values", Instead::Several),
    ("categorical_w_probabilities", "a list of values, drawn by their probabilities", Instead::Several),
    ("int_uniform", "whole numbers drawn evenly", Instead::Steps { whole: true }),
    ("uniform", "numbers drawn evenly", Instead::Steps { whole: false }),
    ("q_uniform", "numbers drawn evenly and rounded to multiples of `q`", Instead::Steps { whole: false }),
    ("log_uniform", "numbers drawn by equal factors, the ends as logarithms", Instead::Factors { exponents: true }),
    ("log_uniform_values", "numbers by equal factors", Instead::Factors { exponents: false }),
    ("q_log_uniform", "numbers drawn by equal factors and rounded", Instead::Factors { exponents: true }),
    ("q_log_uniform_values", "numbers drawn by equal factors and rounded", Instead::Factors { exponents: false }),
    ("inv_log_uniform", "inverse numbers drawn by equal factors", Instead::ByHand),
    ("inv_log_uniform_values", "inverse numbers drawn by equal factors", Instead::ByHand),
    ("normal", "numbers drawn from a normal distribution", Instead::ByHand),
    ("q_normal", "rounded numbers drawn from a normal distribution", Instead::ByHand),
    ("log_normal", "numbers whose logarithms are drawn from a normal distribution", Instead::ByHand),
    ("q_log_normal", "rounded numbers whose logarithms are drawn from a normal distribution", Instead::ByHand),
    ("beta", "numbers drawn from a beta distribution", Instead::ByHand),
    ("q_beta", "rounded numbers drawn from a beta distribution", Instead::ByHand),
];

impl Reader {
    /// Says what the `distribution` of a parameter is, and what stands for it here.
    pub(super) fn distribution(&mut self, at: &At<'_>, key: &str, entries: &[Entry], entry: &Entry) {
        let path = join(&at.path, "distribution");
        let word = entry.value.word().unwrap_or_default();
        let draws = self.method.draws();
        let taken: Vec<&str> = if draws {
            Distribution::WORDS.iter().map(|(word, _)| *word).collect()
        } else {
            vec![Distribution::LogUniformValues.word()]
        };
        let Some((name, what, instead)) = DISTRIBUTIONS.iter().find(|(name, ..)| *name == word) else {
            let known: Vec<&str> = DISTRIBUTIONS.iter().map(|(name, ..)| *name).collect();
            let takes = if draws { "" } else { "`grid` takes `log_uniform_values` alone" };
            let help = match keys::nearest(word, &known) {
                Some(near) if draws => format!("did you mean `{near}`?"),
                Some(near) => format!("did you mean `{near}`? {takes}"),
                None if draws => format!("known: {}", taken.join(", ")),
                None => format!("{takes}; leave it out where steps are equal"),
            };
            let found = flow(&entry.value);
            let expected = if draws { "one of W&B's".to_owned() } else { format!("`{}`", taken[0]) };
            let message = format!("found `{found}`, which is no distribution, expected {expected}");
            self.fault_at(entry.value.place.clone(), &path, message, Some(help));
            return;
        };
        let of = |name: &str| entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
        let written = format!("write `{key}: {}`", in_a_grid(*instead, &of));
        let (message, help) = match instead {
            Instead::One | Instead::Several => {
                (format!("`distribution: {name}` is {what}, expected no more than the key that says it"), written)
            }
            _ if draws && taken.contains(name) => {
                // With a `count` it is a list of numbers.
                (format!("`distribution: {name}` is {what}, expected no `count`"), "take `count` out".to_owned())
            }
            _ if draws => {
                let known = format!("known: {}", taken.join(", "));
                (format!("`distribution: {name}` is not drawn here, expected another"), known)
            }
            _ => (
                format!("`distribution: {name}` is {what}, expected the numbers of a grid"),
                if Distribution::WORDS.iter().any(|(word, _)| word == name) {
                    format!("{written}, or draw from it with `method: random`")
                } else {
                    written
                },
            ),
        };
        self.fault_at(entry.value.place.clone(), &path, message, Some(help));
    }
}

/// What to write, with the numbers of the file where they are there.
fn in_a_grid<'a>(instead: Instead, of: &dyn Fn(&str) -> Option<&'a Node>) -> String {
    let written = |name: &str, without: &str| of(name).map_or(without.to_owned(), flow);
    let number = |name: &str| match of(name)?.resolved()? {
        Resolved::Int(x) => Some(x as f64),
        Resolved::Float(x) if x.is_finite() => Some(x),
        _ => None,
    };
    let (min, max) = (written("min", "…"), written("max", "…"));
    match instead {
        Instead::One => format!("{{value: {}}}", written("value", "…")),
        Instead::Several => format!("{{values: {}}}", written("values", "[…]")),
        Instead::ByHand => "{values: […]}".to_owned(),
        Instead::Steps { whole } => {
            let step = number("q").or(whole.then_some(1.0)).filter(|step| *step > 0.0);
            let steps = step.zip(number("min")).zip(number("max")).map(|((step, min), max)| (max - min) / step);
            // As many as there are, if a grid of so many makes sense.
            let steps = steps.filter(|steps| steps.fract().abs() < 1e-9 && (1.0..100.0).contains(steps));
            let count = steps.map_or("5".to_owned(), |steps| format!("{}", steps.round() + 1.0));
            format!("{{min: {min}, max: {max}, count: {count}}}")
        }
        Instead::Factors { exponents } => {
            // Whoever wrote ends above 0 did not mean logarithms of rates.
            let exponents = exponents && number("min").is_some_and(|min| min <= 0.0);
            let end = |name: &str, text: String| match number(name).filter(|_| exponents) {
                Some(exponent) => format!("{:.3e}", exponent.exp()),
                None => text,
            };
            let (min, max) = (end("min", min), end("max", max));
            format!("{{min: {min}, max: {max}, count: 5, distribution: log_uniform_values}}")
        }
    }
}
