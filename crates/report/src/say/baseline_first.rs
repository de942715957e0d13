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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Tie, Ties};
    use crate::say::sentences;
    use crate::tests::{ranked, results, row};

    /// Plain cross-entropy and two others that miss more, one with a higher AUC, as told from it as `tied` has it.
    fn said(by: &[&str], tied: [Option<bool>; 2]) -> String {
        let others =
            [row("higher", 0, "weighted_bce", None, 0.95, 3.0), row("lower", 0, "weighted_bce", None, 0.8, 4.0)];
        let rows = [vec![row("plain", 0, "bce", None, 0.9, 2.0)], others.to_vec()].concat();
        let mut report = Report::bare(ranked(&results(rows), by));
        let ids = ["higher", "lower"].map(str::to_owned);
        let ties = ids.into_iter().zip(tied).map(|(id, tied)| (id, Tie { tied, ..Tie::default() }));
        report.answer.ties = ties.collect::<Ties>();
        let found = sentences(&report).into_iter().find(|sentence| sentence.starts_with("That is plain"));
        found.expect("plain cross-entropy ranks first")
    }

    #[test]
    fn nothing_else_does_better_only_where_a_test_says_so() {
        let itself = "That is plain cross-entropy itself";
        let (tied, told) = (Some(true), Some(false));
        assert_eq!(said(&["fn", "auc"], [None, None]), format!("{itself}."));
        assert_eq!(said(&["fn"], [tied, tied]), format!("{itself}."), "no rank key has a test");
        let nobody = format!("{itself}: no other trial can be told to have a higher AUC on the validation rows.");
        assert_eq!(said(&["fn", "auc"], [tied, tied]), nobody);
        assert_eq!(said(&["fn", "auc"], [tied, told]), nobody, "it is told to be lower");
        assert_eq!(
            said(&["fn", "auc"], [told, told]),
            format!(
                "{itself}: it ranks first, though 1 of the other trials can be told to have a higher AUC on the \
                 validation rows."
            )
        );
    }
}
