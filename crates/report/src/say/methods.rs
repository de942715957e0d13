//! The published comparison as columns: a row for each method.

use super::columns::{Column, Head};
use super::numbers::number;
use super::ranked::or_nothing;
use super::summary::settings;
use crate::evidence::{Method, Report};
use crate::read::{column, parameters, thousands};
use focalsweep_core::metrics::catalogue::{Metric, Part};
use focalsweep_core::spec::Split;

/// Figures on the test rows, and what goes first where there is no room.
const FIGURES: [(&str, u8); 8] = [
    ("auc", 90),
    ("average_precision", 60),
    ("fn", 70),
    ("fp", 65),
    ("precision", 40),
    ("recall", 45),
    ("op_fn", 85),
    ("op_fp", 80),
];

/// The columns of the methods.
pub(crate) fn method_columns(report: &Report) -> Vec<Column<'_, Method>> {
    let ranking = &report.ranking;
    let trial = |method: &Method| ranking.trial(&method.trial_id);
    let mut columns = Vec::new();
    add(&mut columns, "", "method", None, |method| method.name.clone());
    add(&mut columns, "", "best trial", Some(2), move |method| {
        let among = if method.trials > 1 { format!("best of {}: ", method.trials) } else { String::new() };
        let words = trial(method).map(|ranked| settings(ranking, ranked, &|name| !parameters::makes_method(name)));
        or_nothing(words.map(|words| among + &words))
    });
    add(&mut columns, "", "rank", Some(50), move |method| or_nothing(trial(method).map(|ranked| ranked.rank)));
    for (name, importance) in FIGURES {
        let column = column(Split::Test, name);
        let Some(metric) = Metric::named(name).filter(|_| ranking.metrics.contains(&column)) else { continue };
        let short = if metric.short == "AP" { "ap" } else { metric.bare_name() };
        add(&mut columns, metric.column(Part::Test).group(), short, Some(importance), move |method| {
            number(name, trial(method).and_then(|ranked| ranking.mean(ranked, &column)))
        });
    }
    if report.answer.methods.iter().any(|method| method.against_plain.is_some()) {
        let p = |p: Option<f64>| or_nothing(p.map(|p| if p < 0.001 { "<0.001".into() } else { format!("{p:.3}") }));
        let against = "p vs plain";
        add(&mut columns, against, "auc", Some(88), move |method| p(method.against_plain.map(|c| c.auc_p)));
        add(&mut columns, against, "op fn", Some(86), move |method| p(method.against_plain.and_then(|c| c.missed_p)));
    }
    columns
}

fn add<'a>(
    columns: &mut Vec<Column<'a, Method>>,
    group: &str,
    name: &str,
    importance: Option<u8>,
    say: impl Fn(&Method) -> String + 'a,
) {
    let head = Head { group: group.to_owned(), name: name.to_owned(), importance, place: columns.len() };
    columns.push(Column::shown(head, say));
}

/// What stands under the methods.
pub(crate) fn methods_note(report: &Report) -> String {
    let positives = report.answer.methods.iter().find_map(|method| method.against_plain).map(|c| c.positives);
    let among = positives.map(|n| format!(" ({} positives)", thousands(n))).unwrap_or_default();
    format!(
        "The best trial of each method by the rank keys on the validation rows; figures of the test rows{among}. p \
         against plain cross-entropy, one at a time: paired DeLong for AUC, McNemar over the rows for fn at the \
         operating point."
    )
}
