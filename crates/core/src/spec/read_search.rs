//! Readers of a search: how trials are drawn, and when it ends.

use super::bounds::{ANY, Bounds, End, POSITIVE};
use super::fields::{At, Reader, Section, flow, join};
use super::keys;
use super::node::Kind;
use super::parameters::{ColumnType, ParameterType, Space};
use super::scalar::Resolved;
use super::types::{Distribution, Domain, Drawn, Form, Method, Parameters, Span, Split, Target};
use super::words::Word;
use crate::metrics::catalogue::Metric;

/// Longest search, in seconds: a hundred years.
const LONGEST: f64 = 100.0 * 365.0 * 86_400.0;
/// Most trials.
const MOST_TRIALS: u64 = 1_000_000;
/// Most trials that are asked for at once.
const LARGEST_WAVE: u64 = 100_000;

/// When a search ends, and how large its waves are.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) run_cap: Option<u32>,
    pub(super) wave: Option<u32>,
    pub(super) budget: Option<Span>,
    pub(super) target: Option<Target>,
}

impl Reader {
    /// `method`, in the words of others too.
    pub(super) fn method(&mut self, at: &At<'_>) -> Option<Method> {
        if let Some(word @ ("bayes" | "bayesian" | "optuna" | "bohb")) = at.node.word() {
            let help = "`tpe` learns from the trials before, as Optuna's default does".to_owned();
            self.fault(at, format!("found `{word}`, expected `grid`, `random`, `sobol` or `tpe`"), Some(help));
            return None;
        }
        self.word::<Method>(at)
    }

    /// The keys of a search at the top of the file.
    pub(super) fn search(
        &mut self,
        root: &Section<'_>,
        (ranks_on, parameters): (Split, Option<&Parameters>),
    ) -> Search {
        let method = self.method;
        let run_cap = root.get_some("run_cap").and_then(|at| self.whole(at, 1, MOST_TRIALS));
        let wave = root.get_some("wave").and_then(|at| self.whole(at, 1, LARGEST_WAVE));
        let budget = root.get_some("budget").and_then(|at| self.budget(at));
        let target = root.get_some("target").and_then(|at| self.target(at));
        if !method.draws() {
            for (key, why) in
                [("wave", "a grid asks for all trials at once"), ("target", "a grid trains every combination")]
            {
                if let Some(at) = root.get_some(key) {
                    let help = format!("take it out, or write `method: random` or `method: tpe`: {why}");
                    self.fault_at(at.key_place.clone(), &at.path, "`method: grid` does not read it", Some(help));
                }
            }
        }
        let ends = ["run_cap", "budget", "target"].iter().any(|key| root.get_some(key).is_some());
        let endless = parameters.is_some_and(|all| all.spaces().iter().any(Space::is_endless));
        if method.draws() && endless && !ends {
            let message = format!("`method: {}` would never end, expected `run_cap` or `budget`", method.word());
            let help = Some("such as `run_cap: 200` (trials) or `budget: 10m` (training)".to_owned());
            match root.get("method") {
                Some(at) => self.fault(at, message, help),
                None => self.fault_at(root.key_place.clone(), "method", message, help),
            }
        }
        if method == Method::Tpe
            && let Some(at) = root.get("rank").filter(|_| ranks_on == Split::Test)
        {
            let help = "`rank: {on: validation}`; `report --on test` ranks by the test rows".to_owned();
            self.fault(at, "`method: tpe` would learn from the test rows, expected the validation rows", Some(help));
        }
        Search { run_cap, wave, budget, target }
    }

    /// `10m`.
    fn budget(&mut self, at: &At<'_>) -> Option<Span> {
        const EXPECTED: &str = "a time such as `10m` (s, m, h, d or w)";
        let span = at.node.word().and_then(Span::parse);
        let fits = |span: &Span| span.seconds().is_some_and(|seconds| seconds > 0.0 && seconds <= LONGEST);
        let found = span.filter(fits);
        if found.is_none() {
            let help = at.node.resolved().map(|_| flow(at.node)).filter(|text| text.parse::<f64>().is_ok());
            self.expected(at, EXPECTED, help.map(|number| format!("did you mean `{number}s`?")));
        }
        found
    }

    /// `{val_auc: 0.98}`.
    fn target(&mut self, at: &At<'_>) -> Option<Target> {
        const EXPECTED: &str = "one metric on the validation rows, such as `{val_auc: 0.98}`";
        let Kind::Map(entries) = &at.node.kind else {
            self.expected(at, EXPECTED, None);
            return None;
        };
        let [entry] = entries.as_slice() else {
            self.expected(at, EXPECTED, None);
            return None;
        };
        let names: Vec<String> = Metric::rank_names().iter().map(|name| format!("val_{name}")).collect();
        let value = At { node: &entry.value, key_place: entry.key_place.clone(), path: join(&at.path, &entry.key) };
        if !names.contains(&entry.key) {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let with = format!("val_{}", entry.key.trim_start_matches("test_"));
            let near = if names.contains(&with) { Some(with.as_str()) } else { keys::nearest(&entry.key, &known) };
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known metrics: {}", known.join(", ")),
            };
            self.fault_at(
                entry.key_place.clone(),
                &value.path,
                format!("found `{}`, expected {EXPECTED}", entry.key),
                Some(help),
            );
            return None;
        }
        Some(Target { metric: entry.key.clone(), value: self.number(&value, ANY)? })
    }

    /// The values of one parameter where a sampler draws them.
    pub(super) fn searched<T: ParameterType>(
        &mut self,
        (form, key, bounds): (&Section<'_>, &str, Bounds),
        read: impl Fn(&mut Self, &At<'_>) -> Option<T>,
    ) -> Option<Domain<T>> {
        let distribution = match form.get("distribution") {
            Some(at) => Some(self.word::<Distribution>(at)?),
            None => None,
        };
        let ends = ["min", "max"].map(|end| form.get(end).and_then(|at| at.node.resolved()));
        let are_whole = ends.iter().all(|end| matches!(end, Some(Resolved::Int(_))));
        let is_whole = T::COLUMN == ColumnType::Integer || (T::WHOLE_BY_ENDS && are_whole);
        let distribution =
            distribution.unwrap_or(if is_whole { Distribution::IntUniform } else { Distribution::Uniform });
        if T::from_number(1.0).is_none() {
            let message = "a distribution needs a parameter that is a number, expected `value` or `values`";
            self.fault_at(form.key_place.clone(), &form.path, message, None);
            return None;
        }
        let names = distribution.form().keys();
        let of_distribution = |key: &str| names.contains(&key) || key == "distribution" || key == "q";
        let strays: Vec<&str> = form.fields().map(|(key, _)| key).filter(|key| !of_distribution(key)).collect();
        if let Some(at) = strays.first().and_then(|key| form.get(key)) {
            let message = format!("`{}` reads `{}`, not this", distribution.word(), names.join("` and `"));
            self.fault_at(at.key_place.clone(), &at.path, message, None);
            return None;
        }
        let whats = match distribution.form() {
            Form::Ends => ["the least number", "the largest number"],
            Form::Moments => ["the mean", "the standard deviation"],
            Form::Shapes => ["the first shape", "the second shape"],
        };
        let mut numbers = [None; 2];
        for ((number, name), what) in numbers.iter_mut().zip(names).zip(whats) {
            let Some(at) = self.required(form, name, what) else { continue };
            // An end is a value: the parameter's own reader checks it.
            let is_value = distribution.form() == Form::Ends && !distribution.has_exponents();
            *number = if is_value && read(self, at).is_none() { None } else { self.number(at, ANY) };
        }
        let q = match (form.get("q"), distribution.is_rounded()) {
            (Some(at), true) => Some(self.number(at, POSITIVE)?),
            (None, true) => {
                self.required(form, "q", "what numbers are rounded to multiples of")?;
                None
            }
            (Some(at), false) => {
                let with = format!("q_{}", distribution.word());
                let help = (Distribution::WORDS.iter().any(|(word, _)| *word == with))
                    .then(|| format!("did you mean `distribution: {with}`?"));
                let message = format!("`{}` rounds nothing, expected no `q`", distribution.word());
                self.fault_at(at.key_place.clone(), &at.path, message, help);
                return None;
            }
            (None, false) => None,
        };
        let drawn = Drawn { distribution, of: [numbers[0]?, numbers[1]?], q };
        if let Some((message, help)) = fault_of::<T>(&drawn, key, bounds) {
            self.fault_at(form.key_place.clone(), &form.path, message, help);
            return None;
        }
        Some(Domain::Drawn(drawn))
    }
}

/// What is wrong with a distribution as the values of a parameter.
fn fault_of<T: ParameterType>(drawn: &Drawn, key: &str, bounds: Bounds) -> Option<(String, Option<String>)> {
    let Drawn { distribution, of: [first, second], q } = *drawn;
    let word = distribution.word();
    if distribution.form() == Form::Ends && first >= second {
        return Some((format!("found `min` {first} and `max` {second}, expected `min` below `max`"), None));
    }
    if distribution.has_exponents() && first > 0.0 && second <= 1.0 {
        let (low, high) = (first.exp(), second.exp());
        let message = format!("`{word}` has natural logarithms as ends: this would draw from {low:.4} to {high:.4}");
        let help = format!(
            "write `{key}: {{min: {first}, max: {second}, distribution: {word}_values}}` if these are the numbers"
        );
        return Some((message, Some(help)));
    }
    let is_whole = T::from_number(0.5).is_none();
    if let Some(why) = drawn.domain(is_whole).fault() {
        return Some((format!("`{word}` cannot be drawn, {why}"), None));
    }
    let (low, high) = drawn.ends();
    // Numbers of a distribution without ends come near its bounds and never to them.
    let holds = |end: f64, bound: End| match (bound, distribution.form()) {
        (End::Open, _) => true,
        (_, Form::Ends) => bounds.holds(end),
        (End::At(bound) | End::Beyond(bound), _) => end == bound,
    };
    if !(holds(low, bounds.low) && holds(high, bounds.high)) {
        let message = format!("`{word}` draws numbers from {low} to {high}, expected {}", bounds.words);
        return Some((message, Some(format!("a distribution with ends: `{key}: {{min: …, max: …}}`"))));
    }
    let draws_whole = distribution == Distribution::IntUniform || q.is_some_and(|q| q.fract() == 0.0);
    if is_whole && !draws_whole && !distribution.is_log() {
        let help = "`distribution: int_uniform`, or `q_uniform` with a whole `q`".to_owned();
        return Some((format!("`{word}` draws fractions, expected whole numbers"), Some(help)));
    }
    (distribution == Distribution::IntUniform && (first.fract() != 0.0 || second.fract() != 0.0))
        .then(|| (format!("found `min` {first} and `max` {second}, expected whole numbers"), None))
}
