//! What a test of two trials says, in words.

use super::numbers::{p_in_words, signed};
use crate::evidence::Claim;
use focalsweep_core::metrics::Interval;
use focalsweep_core::metrics::catalogue::Test;

/// `AUC +0.0012 [-0.0030, 0.0054], p = 0.57`.
pub(crate) fn auc_in_words(claim: &Claim) -> String {
    format!("AUC {}", difference_in_words(claim))
}

/// `+0.0012 [-0.0030, 0.0054], p = 0.57`.
pub(crate) fn difference_in_words(claim: &Claim) -> String {
    let name = claim.about.about();
    let interval = claim.interval.map(|Interval { lower, upper }| {
        format!(" [{}, {}]", signed(name, lower).trim_start_matches('+'), signed(name, upper).trim_start_matches('+'))
    });
    format!("{}{}, {}", signed(name, claim.difference), interval.unwrap_or_default(), p_in_words(claim.p))
}

/// What the tests of two trials say.
pub(crate) fn verdict(claims: &[&Claim]) -> String {
    let (told, open): (Vec<&Claim>, Vec<&Claim>) = claims.iter().copied().partition(|claim| claim.told());
    let told: Vec<&str> = told
        .iter()
        .map(|claim| match (claim.about, claim.difference > 0.0) {
            (Test::Auc, true) => "its AUC is higher",
            (Test::Auc, false) => "its AUC is lower",
            (Test::AveragePrecision, true) => "its average precision is higher",
            (Test::AveragePrecision, false) => "its average precision is lower",
            (Test::Missed, true) => "it misses more",
            (Test::Missed, false) => "it misses fewer",
            (Test::Alarms, true) => "it raises more false alarms",
            (Test::Alarms, false) => "it raises fewer false alarms",
            (Test::Cost, true) => "its errors cost more",
            (Test::Cost, false) => "its errors cost less",
        })
        .collect();
    let open: Vec<&str> = open.iter().map(|claim| claim.about.plural()).collect();
    match (&told[..], &open[..]) {
        ([], [one]) => format!("the {one} cannot be told apart at 5 %"),
        ([], open) => format!("neither the {} can be told apart at 5 %", open.join(" nor the ")),
        ([one], []) => format!("{one} (significant at 5 %)"),
        (told, []) => format!("{}, both significant at 5 %", told.join(" and ")),
        (told, open) => {
            format!("{} (significant at 5 %); the {} cannot be told apart", told.join(" and "), open.join(" and "))
        }
    }
}
