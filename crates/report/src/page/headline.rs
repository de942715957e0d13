//! The answer in a few sentences, and the winner beside plain cross-entropy.

use super::index::Decided;
use super::payload::{Comparison, Headline, Tile};
use crate::evidence::{Claim, Guarantee, Kind, Report};
use crate::rank::Ranked;
use crate::read::{column, split_word};
use crate::say::{
    decision_in_words, difference_in_words, in_words, interval_in_words, interval_of, is_of_equal_trials,
    method_columns, methods_note, number, sentences, texts, with_uncertainty,
};
use focalsweep_core::metrics::catalogue::{Better, Metric};
use focalsweep_core::spec::Split;

/// What stands beside plain cross-entropy, in the words of those who have to pay for it.
const COMPARED: [(&str, &str); 7] = [
    ("auc", "ROC AUC"),
    ("average_precision", "Average precision"),
    ("op_fn", "Missed (FN), operating point"),
    ("op_fp", "False alarms (FP), operating point"),
    ("fn", "Missed (FN) at 0.5"),
    ("fp", "False alarms (FP) at 0.5"),
    ("brier", "Brier score"),
];

/// What to deploy, for the page and for whoever reads it.
pub(super) fn decided(report: &Report) -> Option<Decided> {
    let decision = report.answer.decision.as_ref()?;
    let chosen = report.ranking.trial(&decision.trial)?;
    Some(Decided {
        outcome: decision.outcome.word().to_owned(),
        trial: in_words(&report.ranking, chosen),
        words: decision_in_words(report)?,
    })
}

/// The winner, how sure it is, and its price.
pub(super) fn headline(report: &Report) -> Headline {
    let ranking = &report.ranking;
    let Some(winner) = ranking.winner() else {
        return Headline { winner: None, sure: Vec::new(), price: Vec::new(), tiles: Vec::new() };
    };
    Headline {
        winner: Some(in_words(ranking, winner)),
        sure: sentences(report),
        price: price(report, winner).into_iter().collect(),
        tiles: tiles(report, winner),
    }
}

fn price(report: &Report, winner: &Ranked) -> Option<String> {
    let ranking = &report.ranking;
    let mean = |name: &str| ranking.mean(winner, &column(Split::Test, name));
    let (tp, fp, missed, tn) = (mean("op_tp")?, mean("op_fp")?, mean("op_fn")?, mean("op_tn")?);
    let threshold = ranking.mean(winner, "threshold")?;
    let chose = report.answer.guarantee.as_ref().map_or("the validation rows".to_owned(), Guarantee::chose);
    let count = |value: f64| number("fn", Some(value));
    let each = if tp > 0.0 { format!(", {:.1} for each one caught", fp / tp) } else { String::new() };
    Some(format!(
        "At the operating point (threshold {threshold:.3}, chosen on {chose}) it catches {} of {} \
         positives of the test rows and misses {}. The price: {} false alarms among {} negatives{each}.",
        count(tp),
        count(tp + missed),
        count(missed),
        count(fp),
        count(fp + tn)
    ))
}

fn tiles(report: &Report, winner: &Ranked) -> Vec<Tile> {
    let ranking = &report.ranking;
    let mean = |name: &str| ranking.mean(winner, &column(Split::Test, name));
    let mut tiles = Vec::new();
    for split in [ranking.on, if ranking.on == Split::Test { Split::Validation } else { Split::Test }] {
        let (value, error) = (ranking.mean(winner, &column(split, "auc")), report.standard_error(winner, split, "auc"));
        tiles.push(Tile {
            label: format!("AUC, {}", split_word(split)),
            value: number("auc", value),
            note: error.map_or(String::new(), |error| format!("± {error:.4}")),
        });
    }
    let of = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
    for (label, name, whole) in [
        ("Missed, test, operating point", "op_fn", of(mean("op_fn"), mean("op_tp"))),
        ("False alarms, test, operating point", "op_fp", of(mean("op_fp"), mean("op_tn"))),
    ] {
        if let Some(value) = mean(name) {
            tiles.push(Tile {
                label: label.to_owned(),
                value: number(name, Some(value)),
                note: [
                    whole.map_or(String::new(), |whole| format!("of {}", number("fn", Some(whole)))),
                    interval_in_words(name, interval_of(report, winner, name)).replace(" [", "95 % ["),
                ]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(", "),
            });
        }
    }
    tiles
}

/// The winner beside plain cross-entropy, where both are there and differ.
pub(super) fn comparison(report: &Report) -> Option<Comparison> {
    let ranking = &report.ranking;
    let (winner, plain) = (ranking.winner()?, ranking.baseline()?);
    if winner.trial.trial_id == plain.trial.trial_id {
        return None;
    }
    let rows = COMPARED.iter().filter_map(|(name, title)| {
        let column = column(Split::Test, name);
        let (a, b) = (ranking.mean(winner, &column)?, ranking.mean(plain, &column)?);
        let difference = a - b;
        let test = Metric::named(name).and_then(|metric| metric.test).filter(|test| test.about() == *name);
        let claim =
            test.and_then(|test| report.on_test(Kind::Models, test, &winner.trial.trial_id, &plain.trial.trial_id));
        // Only what a test tells is called better.
        let better = match (claim.is_some_and(Claim::told), Metric::named(name)?.better?, difference > 0.0) {
            (false, ..) => "",
            (true, Better::More, true) | (true, Better::Less, false) => " better",
            (true, Better::More, false) | (true, Better::Less, true) => " worse",
        };
        let sign = if difference > 0.0 { "+" } else { "" };
        let difference = format!("{sign}{}{better}", number(name, Some(difference)).replace('-', "−"));
        let test = claim.map(difference_in_words).unwrap_or_default();
        let test = test.split_once('[').map_or(String::new(), |(_, rest)| format!("[{rest}"));
        let of = |ranked| with_uncertainty(report, ranked, Split::Test, name);
        let separator = if test.is_empty() { "" } else { "\n" };
        Some(((*title).to_owned(), vec![of(winner), of(plain), format!("{difference}{separator}{test}")]))
    });
    Some(Comparison {
        columns: ["", "Winner", "Plain cross-entropy", "Difference"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        note: format!(
            "Test rows, means over the replicates; ± is the standard error of an AUC on other rows and trainings. \
             Plain cross-entropy is {}. In brackets the 95 % interval of the difference of these models on other rows, \
             with its p-value; thresholds are chosen anew in it. Better or worse is said where that tells it at 5 %.",
            in_words(ranking, plain)
        ),
    })
}

/// The published comparison: a row for each way to deal with a rare class. `None` where there is one way only.
pub(super) fn methods(report: &Report) -> Option<Comparison> {
    let mut columns = texts(&method_columns(report), &report.answer.methods);
    // There is no room for them beside the rest; text, Markdown and JSON have them.
    columns.retain(|column| !is_of_equal_trials(&column.head));
    let rows = report.answer.methods.len();
    (rows > 0).then(|| Comparison {
        columns: columns.iter().map(|column| column.head.full_name()).collect(),
        rows: (0..rows)
            .map(|row| (columns[0].cells[row].clone(), columns[1..].iter().map(|c| c.cells[row].clone()).collect()))
            .collect(),
        note: methods_note(report, false),
    })
}
