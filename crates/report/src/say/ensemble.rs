//! What is said of an average of the best trials.

use std::slice;

use super::columns::{Column, TextColumn, texts};
use super::differences::{auc_in_words, difference_in_words, verdict};
use super::numbers::number;
use crate::evidence::{Claim, ENSEMBLE, Ensemble, Kind, Report};
use crate::rank::Ranked;
use crate::read::parameters::PLAIN;
use focalsweep_core::metrics::Rule;
use focalsweep_core::metrics::catalogue::Test;

/// What it is, what it does against the winner and against plain cross-entropy, and what choosing it cost.
pub(super) fn ensemble_in_words(report: &Report) -> Option<String> {
    let ensemble = report.answer.ensemble.as_ref()?;
    let winner = &report.ranking.winner()?.trial.trial_id;
    let plain = report.ranking.baseline().map(|ranked| &ranked.trial.trial_id).filter(|plain| *plain != winner);
    let against = |other: &str| -> Option<String> {
        let claims = claims_against(report, other);
        let [auc, rest @ ..] = &claims[..] else { return None };
        let rest: Vec<String> = rest.iter().map(|claim| at_point(claim)).collect();
        let rest = if rest.is_empty() { String::new() } else { format!(", {}", rest.join(", ")) };
        Some(format!("{}{rest}; {}", auc_in_words(auc), verdict(&claims)))
    };
    let of_plain = plain.and_then(|plain| against(plain)).map(|told| format!(" Against {PLAIN}: {told}."));
    let held = against(winner).map(|told| format!(" against the winner on the test rows {told}."));
    let name = ensemble.aim.about();
    Some(format!(
        "{} (row `{ENSEMBLE}`):{}{} On validation rows that had not chosen it gains {} ± {} in {} over the best trial, \
         chosen likewise; its figures on the validation rows, which chose it, flatter it.",
        described(ensemble),
        held.unwrap_or_else(|| " nothing is claimed of it.".to_owned()),
        of_plain.unwrap_or_default(),
        number(name, Some(ensemble.gain)),
        number(name, Some(ensemble.gain_error)),
        ensemble.aim.short()
    ))
}

/// `An average of the 5 best trials, of calibrated logits`.
fn described(ensemble: &Ensemble) -> String {
    let what = if ensemble.is_of_logits() { "Platt-calibrated logits" } else { "places among the validation rows" };
    let members = ensemble.members.len();
    match ensemble.rule {
        Rule::Best(_) => format!("An average of the {members} best trials, of their {what}"),
        Rule::Greedy => format!(
            "A weighted average of {members} of the {} best trials, of their {what}, put together greedily",
            ensemble.candidates
        ),
    }
}

/// The AUC, and what the operating point's rule leaves open.
fn claims_against<'a>(report: &'a Report, other: &str) -> Vec<&'a Claim> {
    let of_rule = report.ranking.operating_point.as_ref().map(Test::of_rule);
    let about = [Test::Auc].into_iter().chain(of_rule);
    about.filter_map(|about| report.on_test(Kind::Models, about, ENSEMBLE, other)).collect()
}

fn at_point(claim: &Claim) -> String {
    format!("{} {}", claim.about.short(), difference_in_words(claim))
}

/// Adds its row to the trials.
pub(super) fn add_row(report: &Report, columns: &[Column<'_, Ranked>], rows: &mut [TextColumn]) {
    for (column, own) in rows.iter_mut().zip(row(report, columns)) {
        column.cells.extend(own.cells);
    }
}

/// Its row alone; no cells where there is none.
pub(super) fn row(report: &Report, columns: &[Column<'_, Ranked>]) -> Vec<TextColumn> {
    let ranked = report.answer.ensemble.as_ref().map(|ensemble| slice::from_ref(&ensemble.ranked));
    texts(columns, ranked.unwrap_or_default())
}
