//! The published comparison as columns: a row for each method.

use super::columns::{Column, Head};
use super::numbers::number;
use super::ranked::or_nothing;
use super::summary::settings;
use crate::evidence::{Correction, Kind, Method, Report};
use crate::read::{column, parameters, thousands};
use focalsweep_core::metrics::catalogue::{Metric, Part, Test};
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
    let Some(plain) = plain(report) else { return columns };
    let tests = [Test::Auc].into_iter().chain(ranking.operating_point.as_ref().map(Test::of_rule));
    for (test, importance) in tests.zip([88, 86]) {
        let of = move |method: &Method| report.on_test(Kind::Models, test, &method.trial_id, &plain.trial_id);
        if !report.answer.methods.iter().any(|method| of(method).is_some()) {
            continue;
        }
        add(&mut columns, "p vs plain", &test.about().replace('_', " "), Some(importance), move |method| {
            let p = of(method).map(|claim| claim.p);
            or_nothing(p.map(|p| if p < 0.001 { "<0.001".into() } else { format!("{p:.3}") }))
        });
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

/// The plain method, against which the others have to stand.
fn plain(report: &Report) -> Option<&Method> {
    report.answer.methods.iter().find(|method| method.name == parameters::PLAIN)
}

/// What stands under the methods.
pub(crate) fn methods_note(report: &Report) -> String {
    let mut claims = plain(report).into_iter().flat_map(|plain| {
        let methods = report.answer.methods.iter();
        methods.filter_map(|method| report.on_test(Kind::Models, Test::Auc, &method.trial_id, &plain.trial_id))
    });
    let first = claims.next();
    let among = first.map(|claim| format!(" ({} positives)", thousands(claim.positives))).unwrap_or_default();
    let corrected = claims.next().or(first).map(|claim| match claim.corrected_for {
        Correction::None => " p against plain cross-entropy: these models, on other rows.".to_owned(),
        other => format!(
            " p against plain cross-entropy: these models, on other rows; corrected for {}, but for the winner's own, \
             which was named before the test rows were looked at.",
            other.words()
        ),
    });
    format!(
        "The best trial of each method by the rank keys on the validation rows; figures of the test rows{among}.{}",
        corrected.unwrap_or_default()
    )
}
