//! The published comparison as columns: a row for each method.

use super::columns::{Column, Head};
use super::differences::difference_in_words;
use super::numbers::number;
use super::ranked::or_nothing;
use super::summary::settings;
use crate::evidence::{Claim, Correction, Kind, Method, Report};
use crate::rank::Ranked;
use crate::read::{column, parameters, thousands};
use focalsweep_core::metrics::ExpectedBest;
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

/// Figures on the test rows that are said of the best of equally many trials, likewise.
const EQUAL: [(&str, u8); 3] = [("auc", 84), ("op_fn", 48), ("op_fp", 42)];

/// How the group of their columns begins.
const EQUAL_GROUP: &str = "best of ";

/// Whether a column says what the best of equally many trials would have been.
pub(crate) fn is_of_equal_trials(head: &Head) -> bool {
    head.group.starts_with(EQUAL_GROUP)
}

/// The columns of the methods.
pub(crate) fn method_columns(report: &Report) -> Vec<Column<'_, Method>> {
    let ranking = &report.ranking;
    let trial = |method: &Method| ranking.trial(&method.trial_id);
    let mut columns = Vec::new();
    add(&mut columns, "", "method", None, |method| method.name.clone());
    add(&mut columns, "", "best trial", Some(2), move |method| {
        let among = if method.trials > 1 { format!("best of {}: ", method.trials) } else { String::new() };
        let words = trial(method)
            .map(|ranked| settings(ranking, ranked, &|name| !parameters::makes_method(name)) + &ended_early(ranked));
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
    if let Some(fewest) = fewest_trials(report) {
        for (name, importance) in EQUAL {
            let place = ranking.place_of(&column(Split::Test, name));
            let Some((at, metric)) = place.zip(Metric::named(name)) else { continue };
            let short = if metric.at_operating_point() { name.replace('_', " ") } else { name.to_owned() };
            add(&mut columns, &format!("{EQUAL_GROUP}{fewest}"), &short, Some(importance), move |method| {
                or_nothing(method.at_equal_trials.get(at).copied().flatten().map(|of| in_words(name, of)))
            });
        }
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

/// Where it was not trained to its end.
fn ended_early(ranked: &Ranked) -> String {
    let epochs = ranked.trial.stopped.map(f64::round);
    epochs.map(|epochs| format!(" (ended early, after {epochs} epochs)")).unwrap_or_default()
}

/// Trials of the method that has fewest, where another has more; none where trials ended early.
fn fewest_trials(report: &Report) -> Option<usize> {
    let methods = &report.answer.methods;
    // With trials that ended early there is no saying what fewer would have come to.
    if methods.iter().any(|method| method.at_equal_trials.iter().all(Option::is_none)) {
        return None;
    }
    let trials = || methods.iter().map(|method| method.trials);
    trials().min().filter(|&fewest| trials().any(|trials| trials > fewest))
}

/// `0.8712 ± 0.0031`: a mean and a standard deviation, where there is one.
fn in_words(name: &str, of: ExpectedBest) -> String {
    let decimals = if Metric::named(name).is_some_and(Metric::counts_rows) { 1 } else { 4 };
    let mean = if of.deviation > 0.0 { format!("{:.decimals$}", of.mean) } else { number(name, Some(of.mean)) };
    if of.deviation > 0.0 { format!("{mean} ± {:.decimals$}", of.deviation) } else { mean }
}

/// The plain method, against which the others have to stand.
fn plain(report: &Report) -> Option<&Method> {
    report.answer.methods.iter().find(|method| method.name == parameters::PLAIN)
}

/// What stands under the methods; `with_equal`: where the columns of equally many trials are there.
pub(crate) fn methods_note(report: &Report, with_equal: bool) -> String {
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
    let equal = fewest_trials(report).filter(|_| with_equal).map(|fewest| {
        format!(
            " Not all had as many trials. `best of {fewest}`: what the best of {fewest} of a method's trials, drawn at \
             random and chosen on the validation rows, has on the test rows on average, ± its standard deviation over \
             the draws (Dodge et al. 2019; Tang et al. 2020)."
        )
    });
    format!(
        "The best trial of each method by the rank keys on the validation rows; figures of the test rows{among}.{}{}{}",
        corrected.unwrap_or_default(),
        equal.unwrap_or_default(),
        against_best_other(report).unwrap_or_default()
    )
}

/// The winner against the best of the other methods, where that is not the plain one.
fn against_best_other(report: &Report) -> Option<String> {
    let winner = &report.ranking.winner()?.trial.trial_id;
    let others = report.answer.methods.iter().filter(|method| method.trial_id != *winner);
    let place = |method: &&Method| report.ranking.trial(&method.trial_id).map_or(usize::MAX, |ranked| ranked.rank);
    let other = others.min_by_key(place).filter(|method| method.name != parameters::PLAIN)?;
    let about = [Test::Auc].into_iter().chain(report.ranking.operating_point.as_ref().map(Test::of_rule));
    let claims: Vec<&Claim> =
        about.filter_map(|about| report.on_test(Kind::Models, about, winner, &other.trial_id)).collect();
    let first = claims.first()?;
    let figures: Vec<String> =
        claims.iter().map(|claim| format!("{} {}", claim.about.short(), difference_in_words(claim))).collect();
    Some(format!(
        " The winner against the best of the other methods on the validation rows, {}: {}; corrected for {}.",
        other.name,
        figures.join(", "),
        first.corrected_for.words()
    ))
}
