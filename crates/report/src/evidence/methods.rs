//! The published comparison: one row for each way to deal with a rare class, each with its best trial.

use std::collections::BTreeSet;

use crate::rank::{Ranked, Ranking};
use crate::read::parameters::LossAndSampling;

/// A way to deal with a rare class: a loss and a sampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// In words: `plain cross-entropy`, `class weights`, `oversampling`, `focal loss`; the name of a command.
    pub name: String,
    /// Its best trial by the rank keys on the validation rows.
    pub trial_id: String,
    /// Trials among which it is the best.
    pub trials: usize,
}

/// The methods of a ranking on the validation rows, those with metrics; none where there is one
/// method only.
pub(super) fn methods(ranking: &Ranking) -> Vec<Method> {
    let measured = || ranking.trials.iter().filter(|ranked| ranked.front.is_some());
    let best_of = |name: String, is_of: &dyn Fn(&Ranked) -> bool| {
        let mut trials = measured().filter(|ranked| is_of(ranked));
        let best = trials.next()?;
        Some(Method { name, trial_id: best.trial.trial_id.clone(), trials: 1 + trials.count() })
    };
    let own = LossAndSampling::all().into_iter();
    let own = own.filter_map(|one| best_of(one.in_words(), &|ranked| ranking.method(ranked) == Some(one)));
    // Each command of the user's is a method, in the order of their names.
    let trainers: BTreeSet<&str> = measured().filter_map(|ranked| ranking.trainer(ranked)).collect();
    let commands =
        trainers.into_iter().filter_map(|name| best_of(name.to_owned(), &|of| ranking.trainer(of) == Some(name)));
    let methods: Vec<Method> = own.chain(commands).collect();
    if methods.len() > 1 { methods } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parameters::PLAIN;
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
