//! What is known where plain cross-entropy itself ranks first.

use crate::evidence::Report;
use crate::rank::{Ranked, Ranking};
use crate::read::split_word;
use focalsweep_core::metrics::catalogue::{Better, Test};

/// Whether anything else can be told to do better than plain cross-entropy, which ranks first as `winner`: nothing
/// where it has not been tested.
pub(super) fn baseline_first(report: &Report, winner: &Ranked) -> String {
    let Report { ranking, answer } = report;
    let unknown = || "That is plain cross-entropy itself.".to_owned();
    let Some(test) = ranking.test().filter(|_| answer.ties.compared() > 0) else { return unknown() };
    let told = ranking.trials.iter().filter(|ranked| answer.ties.tie(ranked).tied == Some(false));
    let better = told.filter(|ranked| is_better(ranking, ranked, winner, test)).count();
    let what = match test {
        Test::DeLong => "have a higher AUC",
        Test::McNemar => "miss fewer at the operating point",
    };
    let on = split_word(ranking.on);
    match better {
        0 => format!("That is plain cross-entropy itself: no other trial can be told to {what} on the {on} rows."),
        n => format!(
            "That is plain cross-entropy itself: it ranks first, though {n} of the other trials can be told to {what} \
             on the {on} rows."
        ),
    }
}

/// Whether the first trial's figure is better by what a test compares.
fn is_better(ranking: &Ranking, first: &Ranked, second: &Ranked, test: Test) -> bool {
    let key = ranking.keys.iter().find(|key| key.test == Some(test));
    let of = |ranked: &Ranked| ranking.mean(ranked, &key?.column);
    match (of(first), of(second), key.map(|key| key.better)) {
        (Some(a), Some(b), Some(Better::More)) => a > b,
        (Some(a), Some(b), Some(Better::Less)) => a < b,
        _ => false,
    }
}
