//! Who ranks first, and from how many others that can be told.

use super::summary::in_words;
use crate::evidence::Report;
use crate::rank::Ranked;
use crate::read::split_word;
use focalsweep_core::metrics::catalogue::{METRICS, Test};

/// In a sentence.
pub(super) fn ranks_first(report: &Report, winner: &Ranked) -> String {
    let ranking = &report.ranking;
    let name = format!("{} ({})", in_words(ranking, winner), winner.trial.trial_id);
    let (compared, tied) = report.compared_and_tied();
    let on = split_word(ranking.on);
    let what = ranking.test().map_or("", Test::subject);
    let all_are = ranking.trials.iter().all(|ranked| ranking.is_as_far(ranked));
    let far = match (all_are, compared) {
        (true, _) => "",
        (false, 1) => " that was trained as far",
        (false, _) => " that were trained as far",
    };
    match (ranking.trials.len(), compared, tied) {
        (1, ..) => format!("{name} is the only trial."),
        (all, 0, _) => format!(
            "{name} ranks first of {all}; none was compared with it (that needs scores, and a rank key that has a \
             test: {}).",
            tested_keys()
        ),
        (all, n, 0) => {
            let those = if n == 1 { "that of the other".to_owned() } else { format!("those of all {n} others") };
            format!(
                "{name} ranks first of {all}; on the {on} rows its {what} can be told from {those}{far}{}.",
                beaten(report)
            )
        }
        (all, n, t) if t == n && all_are => {
            format!("{name} ranks first of {all}, but on the {on} rows its {what} cannot be told from any other's.")
        }
        (all, n, t) if t == n => format!(
            "{name} ranks first of {all}, but on the {on} rows its {what} cannot be told from that of any other that was \
             trained as far."
        ),
        (all, n, t) => {
            format!(
                "{name} ranks first of {all}; on the {on} rows the {what} of {t} of the {n} others{far} cannot be \
                 told from its{}.",
                beaten(report)
            )
        }
    }
}

/// Where another rank key came first: that others can be told to be better than the winner.
fn beaten(report: &Report) -> String {
    let claims = report.ranking.trials.iter().filter_map(|ranked| report.against(ranked)).filter(|claim| claim.told());
    let better = claims.filter(|claim| claim.favours() == Some(false)).count();
    if better == 0 { String::new() } else { format!(", and {better} can be told to be better") }
}

/// The metrics that trials can be told apart by.
fn tested_keys() -> String {
    let names: Vec<&str> = METRICS.iter().filter(|metric| metric.test.is_some()).map(|metric| metric.name).collect();
    names.join(", ")
}
