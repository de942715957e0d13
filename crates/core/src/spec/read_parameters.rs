//! Readers of `parameters`: spaces and their domains.

use std::collections::HashSet;

use super::bounds::{ANY, Bounds, NOT_NEGATIVE};
use super::fields::{At, Reader, Section, describe, flow};
use super::keys;
use super::node::{Entry, Kind};
use super::parameters::ParameterType;
use super::range::{FromNumber, geomspace, linspace};
use super::types::{Distribution, Domain, Parameters};
use super::words::Word;

/// Numbers that one range may have.
const MAX_COUNT: u64 = 10_000;

impl Reader {
    pub(super) fn parameters(&mut self, at: &At<'_>) -> Option<Parameters> {
        if !matches!(at.node.kind, Kind::List(_)) {
            return self.space(at).map(Parameters::One);
        }
        let items = self.list(at, "a list of mappings")?;
        if items.is_empty() {
            self.fault(at, "found an empty list, expected at least one mapping", None);
        }
        Some(Parameters::Union(items.iter().filter_map(|item| self.space(item)).collect()))
    }

    /// The values of one parameter; `read` reads one of them.
    pub(super) fn domain<T: ParameterType>(
        &mut self,
        section: &Section<'_>,
        (key, bounds): (&str, Bounds),
        read: impl Fn(&mut Self, &At<'_>) -> Option<T>,
    ) -> Option<Domain<T>> {
        self.domain_at(section.get_some(key)?, (key, bounds), read)
    }

    /// The same of the mapping itself.
    pub(super) fn domain_at<T: ParameterType>(
        &mut self,
        at: &At<'_>,
        (key, bounds): (&str, Bounds),
        read: impl Fn(&mut Self, &At<'_>) -> Option<T>,
    ) -> Option<Domain<T>> {
        let Kind::Map(entries) = &at.node.kind else {
            self.bare_domain(at, key);
            return None;
        };
        if let Some(entry) = entries.iter().find(|entry| entry.key == "distribution")
            && self.says_more(entries, entry)
        {
            self.distribution(at, key, entries, entry);
            return None;
        }
        let before = self.faults.len();
        let form = self.section(at, if self.method.draws() { keys::DRAWN } else { keys::DOMAIN })?;
        let is_range = form.fields().any(|(key, _)| !["value", "values", "probabilities"].contains(&key));
        match (form.get("value"), form.get("values"), is_range) {
            (Some(value), None, false) if form.get("probabilities").is_none() => {
                read(self, value).map(|value| Domain::Value { value })
            }
            (None, Some(values), false) => self.values(values, form.get("probabilities"), read),
            (None, None, true) if self.method.draws() && form.get("count").is_none() => {
                self.searched((&form, key, bounds), read)
            }
            (None, None, true) if form.get("probabilities").is_none() => self.range(&form, read),
            (None, None, false) if form.get("probabilities").is_none() => {
                if self.faults.len() == before {
                    self.fault(at, format!("found {}, expected {}", describe(at.node), self.forms()), None);
                }
                None
            }
            _ => {
                let found: Vec<String> = form.fields().map(|(key, _)| format!("`{key}`")).collect();
                let message = format!("found {}, expected one of {}", found.join(" and "), self.forms());
                self.fault_at(at.key_place.clone(), &at.path, message, None);
                None
            }
        }
    }

    /// What a parameter may be.
    fn forms(&self) -> &'static str {
        if self.method.draws() {
            "`value`, `values` (with `probabilities`), or `min` and `max` (with `distribution`)"
        } else {
            "`value`, `values`, or `min`, `max` and `count`"
        }
    }

    /// Whether a `distribution` is no more than what the other keys say anyway, or one that nobody draws here.
    fn says_more(&self, entries: &[Entry], entry: &Entry) -> bool {
        let has_count = entries.iter().any(|entry| entry.key == "count");
        let known = entry.value.word().and_then(|word| Distribution::WORDS.iter().find(|(known, _)| *known == word));
        match known {
            Some((_, distribution)) => {
                *distribution != Distribution::LogUniformValues && (!self.method.draws() || has_count)
            }
            None => true,
        }
    }

    /// A parameter without `value` or `values`.
    fn bare_domain(&mut self, at: &At<'_>, key: &str) {
        let written = flow(at.node);
        let help = match &at.node.kind {
            _ if at.node.is_blank() => None,
            // A list of numbers is one value of `hidden` and several of any other parameter.
            Kind::List(items) if key != "hidden" || items.iter().any(|item| matches!(item.kind, Kind::List(_))) => {
                Some(format!("write `{key}: {{values: {written}}}`"))
            }
            _ => Some(format!("write `{key}: {{value: {written}}}`")),
        };
        self.fault(at, format!("found {}, expected a mapping with {}", describe(at.node), self.forms()), help);
    }

    fn values<T: ParameterType>(
        &mut self,
        at: &At<'_>,
        probabilities: Option<&At<'_>>,
        read: impl Fn(&mut Self, &At<'_>) -> Option<T>,
    ) -> Option<Domain<T>> {
        let items = self.list(at, "a list of values")?;
        if items.is_empty() {
            self.fault(at, "found an empty list, expected at least one value", None);
            return None;
        }
        let mut values: Vec<T> = Vec::new();
        let mut seen = HashSet::new();
        for item in &items {
            let Some(value) = read(self, item) else { continue };
            if !seen.insert(value.value().key()) {
                self.fault(item, format!("`{}` is there twice, expected it once", flow(item.node)), None);
            }
            values.push(value);
        }
        let probabilities = match probabilities {
            Some(at) => Some(self.probabilities(at, items.len())?),
            None => None,
        };
        Some(Domain::Values { values, probabilities })
    }

    /// How likely each of `count` values is.
    fn probabilities(&mut self, at: &At<'_>, count: usize) -> Option<Vec<f64>> {
        let items = self.list(at, "a list of probabilities")?;
        let numbers: Vec<f64> = items.iter().map(|item| self.number(item, NOT_NEGATIVE)).collect::<Option<_>>()?;
        let sum: f64 = numbers.iter().sum();
        let message = if numbers.len() != count {
            format!("found {} probabilities, expected one for each of the {count} values", numbers.len())
        } else if (sum - 1.0).abs() > 1e-6 {
            format!("found probabilities that add up to {sum}, expected 1")
        } else {
            return Some(numbers);
        };
        self.fault(at, message, None);
        None
    }

    fn range<T: FromNumber>(
        &mut self,
        form: &Section<'_>,
        read: impl Fn(&mut Self, &At<'_>) -> Option<T>,
    ) -> Option<Domain<T>> {
        if T::from_number(1.0).is_none() {
            let message = "a range needs a parameter that is a number, expected `value` or `values`";
            self.fault_at(form.key_place.clone(), &form.path, message, None);
            return None;
        }
        let min_at = self.required(form, "min", "the first number of the range");
        let max_at = self.required(form, "max", "the last number of the range");
        let count = self.required(form, "count", "how many numbers from `min` to `max`, both included");
        let count: Option<u32> = count.and_then(|at| self.whole(at, 2, MAX_COUNT));
        let mut end = |at: &At<'_>| {
            // The parameter's own reader checks the bounds, and that a whole number stands where one is needed.
            read(self, at)?;
            self.number(at, ANY)
        };
        let min = min_at.and_then(&mut end);
        let max = max_at.and_then(&mut end);
        let (min, max, count) = (min?, max?, count?);
        if min >= max {
            let message = format!("found `min` {min} and `max` {max}, expected `min` below `max`");
            self.fault_at(form.key_place.clone(), &form.path, message, None);
            return None;
        }
        let is_log = form.get("distribution").is_some();
        if let Some(at) = min_at.filter(|_| is_log && min <= 0.0) {
            self.fault(at, format!("found `{min}`, expected a number above 0 where factors are equal"), None);
            return None;
        }
        let numbers = if is_log { geomspace(min, max, count) } else { linspace(min, max, count) };
        if let Some(broken) = numbers.into_iter().find(|x| T::from_number(*x).is_none()) {
            let message = format!("{count} numbers from {min} to {max} take in {broken}, expected whole numbers");
            self.fault_at(form.key_place.clone(), &form.path, message, None);
            return None;
        }
        Some(if is_log {
            Domain::LogRange { min, max, count, distribution: Distribution::LogUniformValues }
        } else {
            Domain::Range { min, max, count }
        })
    }
}
