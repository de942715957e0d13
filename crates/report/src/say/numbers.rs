//! Numbers as people read them.

use crate::evidence::Report;
use crate::rank::Ranked;
use crate::read::column;
pub(crate) use crate::read::p_in_words;
use focalsweep_core::metrics::Interval;
use focalsweep_core::metrics::catalogue::{Metric, Written};
use focalsweep_core::spec::Split;

/// For what is not defined.
pub(crate) const NOTHING: &str = "–";

/// Counts below this would be written as 0.0.
const SMALL: f64 = 0.05;

/// A metric's mean, as the catalogue writes it.
pub(crate) fn number(name: &str, value: Option<f64>) -> String {
    let Some(value) = value else { return NOTHING.to_owned() };
    let counts_rows = Metric::named(name).is_some_and(Metric::counts_rows);
    if counts_rows && value != 0.0 && value.abs() < SMALL {
        return format!("{value:.2e}"); // a sum of small weights
    }
    let decimals = match Metric::named(name).map(|metric| metric.written) {
        Some(Written::Rows | Written::Whole) => usize::from(value.fract() != 0.0),
        Some(Written::Decimals(decimals)) => decimals,
        None => 3,
    };
    format!("{value:.decimals$}")
}

/// A difference with its sign; one that is none as far as is written is 0.
pub(crate) fn signed(name: &str, difference: f64) -> String {
    let text = number(name, Some(difference.abs()));
    match difference {
        _ if text.chars().all(|c| c == '0' || c == '.') => "0".to_owned(),
        d if d > 0.0 => format!("+{text}"),
        _ => format!("-{text}"),
    }
}

/// A mean and how far it may be off.
pub(crate) fn with_uncertainty(report: &Report, ranked: &Ranked, on: Split, name: &str) -> String {
    let mean = report.ranking.mean(ranked, &column(on, name));
    let text = number(name, mean);
    match report.standard_error(ranked, on, name) {
        Some(error) if mean.is_some() => {
            let decimals = if Metric::named(name).is_some_and(Metric::counts_rows) { 1 } else { 4 };
            format!("{text} ± {error:.decimals$}")
        }
        _ => text,
    }
}

/// ` [118, 149]`, or nothing.
pub(crate) fn interval_in_words(name: &str, interval: Option<Interval>) -> String {
    let decimals = if Metric::named(name).is_some_and(Metric::counts_rows) { 0 } else { 3 };
    let end = |value: f64| format!("{value:.decimals$}");
    interval.map(|i| format!(" [{}, {}]", end(i.lower), end(i.upper))).unwrap_or_default()
}
