//! The published comparison: one row for each way to deal with a rare class, each with its best trial, and with what
//! the best of as many trials as the others had would have been.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::rank::{Ranked, Ranking};
use crate::read::parameters::LossAndSampling;
use focalsweep_core::metrics::catalogue::Better;
use focalsweep_core::metrics::{ExpectedBest, expected_best};

/// A way to deal with a rare class: a loss and a sampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// In words: `plain cross-entropy`, `class weights`, `oversampling`, `focal loss`; the name of a command.
    pub name: String,
    /// Its best trial by the rank keys on the validation rows.
    pub trial_id: String,
    /// Trials among which it is the best.
    pub trials: usize,
    /// What the best of as many trials as the method with fewest has would have been on average, drawn at random, by
    /// [`Ranking::metrics`]; `None` where a trial has no such figure.
    pub at_equal_trials: Vec<Option<ExpectedBest>>,
}

/// The methods of a ranking on the validation rows, those with metrics; none where there is one
/// method only.
pub(super) fn methods(ranking: &Ranking) -> Vec<Method> {
    let trials_of = |is_of: &dyn Fn(&Ranked) -> bool| -> Vec<&Ranked> {
        ranking.trials.iter().filter(|ranked| ranked.front.is_some() && is_of(ranked)).collect()
    };
    let own = LossAndSampling::all().into_iter();
    let own = own.map(|one| (one.in_words(), trials_of(&|ranked| ranking.method(ranked) == Some(one))));
    // Each command of the user's is a method, in the order of their names.
    let trainers: BTreeSet<&str> = ranking.trials.iter().filter_map(|ranked| ranking.trainer(ranked)).collect();
    let commands = trainers.into_iter();
    let commands = commands.map(|name| (name.to_owned(), trials_of(&|ranked| ranking.trainer(ranked) == Some(name))));
    let all: Vec<(String, Vec<&Ranked>)> = own.chain(commands).filter(|(_, trials)| !trials.is_empty()).collect();
    let Some(fewest) = all.iter().map(|(_, trials)| trials.len()).min().filter(|_| all.len() > 1) else {
        return Vec::new();
    };
    let method = |(name, trials): (String, Vec<&Ranked>)| Method {
        name,
        trial_id: trials[0].trial.trial_id.clone(),
        trials: trials.len(),
        at_equal_trials: best_of(fewest, trials, ranking),
    };
    all.into_iter().map(method).collect()
}

/// The best of so many of the trials, by the figures of the ranking.
fn best_of(count: usize, mut trials: Vec<&Ranked>, ranking: &Ranking) -> Vec<Option<ExpectedBest>> {
    // Of fewer trials others would have been judged, and would have gone on.
    if trials.iter().any(|ranked| ranked.trial.stopped.is_some()) {
        return vec![None; ranking.metrics.len()];
    }
    trials.sort_by(|a, b| as_winners(a, b, ranking));
    let figure = |column: usize| {
        let figures: Vec<f64> = trials.iter().map(|ranked| ranked.mean_at(Some(column))).collect::<Option<_>>()?;
        expected_best(&figures, count)
    };
    (0..ranking.metrics.len()).map(figure).collect()
}

/// Which of two trials ranks first where only some are there. The first of any front, and so the winner of any subset,
/// is the best by the first key, of equals by the next: fronts part only those after it.
fn as_winners(a: &Ranked, b: &Ranked, ranking: &Ranking) -> Ordering {
    let by_key = ranking.keys.iter().map(|key| {
        let at = ranking.place_of(&key.column);
        let cost = |ranked: &Ranked| match (ranked.mean_at(at), key.better) {
            (None, _) => f64::INFINITY,
            (Some(value), Better::Less) => value,
            (Some(value), Better::More) => -value,
        };
        // 0 and -0 are one.
        (cost(a) + 0.0).total_cmp(&(cost(b) + 0.0))
    });
    let by_keys = by_key.fold(Ordering::Equal, Ordering::then);
    b.trial.complete.cmp(&a.trial.complete).then(by_keys).then_with(|| a.trial.trial_id.cmp(&b.trial.trial_id))
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
        let found = methods(&all);
        let at = all.place_of("test_auc").unwrap();
        let equal: Vec<f64> = found.iter().map(|method| method.at_equal_trials[at].unwrap().mean).collect();
        // On the test rows AUCs are 0.01 less: a focal trial drawn at random has (0.79 + 0.89) / 2.
        let expected = [0.49, 0.98, 0.84];
        assert!(equal.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{equal:?}");
        let found: Vec<_> = found.into_iter().map(|m| (m.name, m.trial_id, m.trials)).collect();
        let expected = [(PLAIN, "b", 1), ("class weights", "w", 1), ("focal loss", "f2", 2)];
        assert_eq!(found, expected.map(|(name, id, trials)| (name.to_owned(), id.to_owned(), trials)));
    }

    /// For every subset of the focal trials the one that `rank` puts first among them, where the keys disagree and
    /// some are equal.
    #[test]
    fn the_best_of_fewer_is_the_one_that_would_rank_first() {
        let figures = [(0.9, 5.0), (0.88, 1.0), (0.9, 3.0), (0.7, 0.0), (0.88, 1.0), (0.6, 9.0)];
        let focal = |at: usize| {
            let (auc, missed) = figures[at];
            row(&format!("f{at}"), 0, "focal", Some((0.1 * at as f64, 2.0)), auc, missed)
        };
        let plain = ["b1", "b2", "b3"].map(|id| row(id, 0, "bce", None, 0.5, 3.0));
        let all = ranked(&results((0..6).map(focal).chain(plain).collect()), &["auc", "fn"]);
        let found = methods(&all);
        let focal_loss = found.iter().find(|method| method.name == "focal loss").unwrap();
        for name in ["test_auc", "test_fn", "val_fn"] {
            let subsets: Vec<Vec<usize>> = (0_u32..64)
                .filter(|subset| subset.count_ones() == 3)
                .map(|subset| (0..6).filter(|at| subset >> at & 1 == 1).collect())
                .collect();
            let winners = subsets.iter().map(|subset| {
                let some = ranked(&results(subset.iter().map(|&at| focal(at)).collect()), &["auc", "fn"]);
                some.mean(some.winner().unwrap(), name).unwrap()
            });
            let mean = winners.sum::<f64>() / subsets.len() as f64;
            let found = focal_loss.at_equal_trials[all.place_of(name).unwrap()].unwrap();
            assert!((found.mean - mean).abs() < 1e-12, "{name}: {found:?}, by all subsets {mean}");
        }
    }
}
