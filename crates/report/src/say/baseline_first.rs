//! What is known where plain cross-entropy itself ranks first.

use crate::evidence::Report;
use crate::read::split_word;
use focalsweep_core::metrics::catalogue::Test;

/// Whether anything else can be told to do better than plain cross-entropy, which ranks first: nothing where it has not
/// been tested.
pub(super) fn baseline_first(report: &Report) -> String {
    let ranking = &report.ranking;
    let claims = || ranking.trials.iter().filter_map(|ranked| report.against(ranked));
    let Some(test) = claims().next().map(|claim| claim.about) else {
        return "That is plain cross-entropy itself.".to_owned();
    };
    let better = claims().filter(|claim| claim.told() && claim.favours() == Some(false)).count();
    let what = match test {
        Test::Auc => "have a higher AUC",
        Test::AveragePrecision => "have a higher average precision",
        Test::Missed => "miss fewer at the operating point",
        Test::Alarms => "raise fewer false alarms at the operating point",
        Test::Cost => "cost less at the operating point",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Claim, Correction, Kind};
    use crate::say::sentences;
    use crate::tests::{ranked, results, row};
    use focalsweep_core::spec::Split;

    /// Plain cross-entropy and two others that miss more, one with a higher AUC; each told from it or not.
    fn said(by: &[&str], told: [Option<bool>; 2]) -> String {
        let others =
            [row("higher", 0, "weighted_bce", None, 0.95, 3.0), row("lower", 0, "weighted_bce", None, 0.8, 4.0)];
        let rows = [vec![row("plain", 0, "bce", None, 0.9, 2.0)], others.to_vec()].concat();
        let mut report = Report::bare(ranked(&results(rows), by));
        let claims = [("higher", -0.05), ("lower", 0.1)].into_iter().zip(told);
        report.answer.claims.extend(claims.filter_map(|((against, difference), told)| {
            Some(Claim {
                about: Test::Auc,
                kind: Kind::Models,
                of: "plain".to_owned(),
                against: against.to_owned(),
                split: Split::Validation,
                difference,
                standard_error: None,
                interval: None,
                p: if told? { 0.01 } else { 0.9 },
                corrected_for: Correction::AllPairs,
                replicates: 1,
                positives: 20,
            })
        }));
        let found = sentences(&report).into_iter().find(|sentence| sentence.starts_with("That is plain"));
        found.expect("plain cross-entropy ranks first")
    }

    #[test]
    fn nothing_else_does_better_only_where_a_test_says_so() {
        let itself = "That is plain cross-entropy itself";
        let (tied, told) = (Some(false), Some(true));
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
