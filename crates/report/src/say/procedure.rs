//! What choosing by validation rows comes to, in words and for programs.

use serde_json::{Value, json};

use super::numbers::{number, p_in_words, signed};
use crate::evidence::{AgainstPlain, Parts, Procedure, ProcedureFigure};
use crate::read::parameters::PLAIN;
use focalsweep_core::metrics::Interval;

/// What is claimed of the procedure, or why nothing is.
pub(super) fn procedure_in_words(procedure: &Procedure) -> String {
    let (each, all) = match procedure.parts {
        Parts::Folds(folds) if folds.repeats > 1 => {
            (format!("each of {} folds, drawn {} times,", folds.folds, folds.repeats), "folds")
        }
        Parts::Folds(folds) => (format!("each of {} folds", folds.folds), "folds"),
        Parts::Windows => (format!("each of {} windows", procedure.count), "windows"),
    };
    let figures: Vec<String> = procedure.figures.iter().map(|figure| figure_in_words(figure, all)).collect();
    let sure = match (procedure.parts, procedure.is_tested()) {
        (Parts::Folds(_), _) => {
            "of the procedure, on new rows; a t-test over the folds as Nadeau & Bengio 2003 have it"
        }
        (Parts::Windows, true) => "of the procedure, in future windows; a t-test over the windows",
        (Parts::Windows, false) => "of these windows only: of future ones it is not tested, that needs five windows",
    };
    let winners = match procedure.winners {
        1 => "the same trial won in all of them".to_owned(),
        n => format!("{n} different trials won"),
    };
    format!(
        "In {each} the trial that ranks first on its validation rows was tested on its test rows: {}. That is said \
         {sure}; {winners}.",
        figures.join("; ")
    )
}

fn figure_in_words(figure: &ProcedureFigure, all: &str) -> String {
    let name = figure.about.about();
    let of = |value: f64| number(name, Some(value));
    let error = figure.standard_error.filter(|_| !figure.is_count());
    let error = error.map(|error| format!(" ± {}", of(error))).unwrap_or_default();
    let sum = if figure.is_count() { format!(" ({} over all {all})", of(figure.sum)) } else { String::new() };
    let against = figure.against_plain.map(|AgainstPlain { mean, difference, test }| {
        let test = test.map(|(Interval { lower, upper }, p)| {
            let ends = [lower, upper].map(|end| signed(name, end).trim_start_matches('+').to_owned());
            format!(" [{}, {}], {}", ends[0], ends[1], p_in_words(p))
        });
        format!(
            ", against {} of {PLAIN} chosen likewise: {}{}",
            of(mean),
            signed(name, difference),
            test.unwrap_or_default()
        )
    });
    format!("{} {}{error}{sum}{}", figure.about.subject(), of(figure.mean), against.unwrap_or_default())
}

/// The same as programs read it.
pub(super) fn as_json(procedure: &Procedure) -> Value {
    let figures = procedure.figures.iter().map(|figure| {
        let against_plain = figure.against_plain.map(|AgainstPlain { mean, difference, test }| {
            json!({
                "mean": mean,
                "difference": difference,
                "interval": test.map(|(interval, _)| [interval.lower, interval.upper]),
                "p": test.map(|(_, p)| p),
            })
        });
        json!({
            "about": figure.about.about(),
            "mean": figure.mean,
            "sum": figure.sum,
            "standard_error": figure.standard_error,
            "against_plain": against_plain,
        })
    });
    json!({
        "parts": match procedure.parts {
            Parts::Folds(_) => "folds",
            Parts::Windows => "windows",
        },
        "count": procedure.count,
        "winners": procedure.winners,
        "figures": figures.collect::<Vec<_>>(),
    })
}
