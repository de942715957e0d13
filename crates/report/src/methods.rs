//! The published comparison: one row for each way to deal with a rare class, each with its best trial.

use super::evidence::Contrast;
use super::rank::{Ranked, Ranking};
use super::rows::Value;

/// A way to deal with a rare class: a loss and a sampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// In words: `plain cross-entropy`, `class weights`, `oversampling`, `focal loss`.
    pub name: String,
    /// Its best trial by the rank keys on the validation rows.
    pub trial_id: String,
    /// Trials among which it is the best.
    pub trials: usize,
    /// That trial against the plain one, on the test rows; `None` for the plain one itself, without one, and where scores
    /// were not kept.
    pub against_plain: Option<Contrast>,
}

/// The word for plain cross-entropy, against which the others have to stand.
pub(super) const PLAIN: &str = "plain cross-entropy";

/// Names of the losses and samplings, in the order of the published tables.
const NAMES: [(&str, &str, &str); 6] = [
    ("bce", "none", PLAIN),
    ("weighted_bce", "none", "class weights"),
    ("bce", "oversample", "oversampling"),
    ("weighted_bce", "oversample", "class weights, oversampling"),
    ("focal", "none", "focal loss"),
    ("focal", "oversample", "focal loss, oversampling"),
];

/// The methods of a ranking on the validation rows, those with metrics, without their tests; none where there is one
/// method only.
pub(super) fn methods(ranking: &Ranking) -> Vec<Method> {
    let is = |ranked: &Ranked, name: &str, word: &str, unless_told: &str| match ranking.parameter(ranked, name) {
        Some(Value::Text(found)) => found == word,
        Some(_) => false,
        None => word == unless_told,
    };
    let method = |&(loss, sampling, name): &(&str, &str, &str)| {
        let mut of = ranking.trials.iter().filter(|ranked| {
            ranked.front.is_some() && is(ranked, "loss", loss, "") && is(ranked, "sampling", sampling, "none")
        });
        let best = of.next()?;
        Some(Method {
            name: name.to_owned(),
            trial_id: best.trial.trial_id.clone(),
            trials: 1 + of.count(),
            against_plain: None,
        })
    };
    let methods: Vec<Method> = NAMES.iter().filter_map(method).collect();
    if methods.len() > 1 { methods } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{ranked, results, row};

    #[test]
    fn each_method_has_its_best_trial_and_one_alone_is_no_comparison() {
        let rows = vec![
            row("f1", 0, "focal", Some((0.25, 2.0)), 0.80, 3.0),
            row("f2", 0, "focal", Some((0.75, 2.0)), 0.90, 3.0),
            row("w", 0, "weighted_bce", None, 0.99, 3.0),
            row("b", 0, "bce", None, 0.5, 3.0),
        ];
        let focal = ranked(&results(rows[..2].to_vec()), &["auc"]);
        assert!(methods(&focal).is_empty());
        let all = ranked(&results(rows), &["auc"]);
        let found: Vec<_> = methods(&all).into_iter().map(|m| (m.name, m.trial_id, m.trials)).collect();
        let expected = [(PLAIN, "b", 1), ("class weights", "w", 1), ("focal loss", "f2", 2)];
        assert_eq!(found, expected.map(|(name, id, trials)| (name.to_owned(), id.to_owned(), trials)));
    }
}
