//! Trials that are ranked on the test rows of folds: what tells them apart are folds, not rows.
//!
//! A fold has models of its own, and folds share training rows, so differences of trials are tested over the folds as
//! those of procedures are: by a t-test with the variance of C. Nadeau & Y. Bengio 2003 (`procedure`). The winner was
//! chosen on the same rows, so that all pairs are counted.

use std::collections::HashSet;

use super::claim::{Claim, Correction, Kind, Pair};
use super::procedure::{Means, shared_rows};
use crate::rank::Ranking;
use crate::read::{Results, Row, column};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::record::State;
use focalsweep_core::spec::Split;

/// Claims about the trial `first` against each of the trials `compared` that has a figure in every fold, in the figures
/// `about` on the test rows; `contenders` is how many trials might have won.
pub(super) fn over_folds(
    first: &str,
    compared: &HashSet<String>,
    contenders: usize,
    (results, ranking): (&Results, &Ranking),
    about: &[Test],
) -> Vec<Claim> {
    let Some(winner) = ranking.trial(first) else { return Vec::new() };
    let mut replicates = winner.trial.replicates.clone();
    replicates.sort_unstable();
    if replicates.len() < 2 {
        return Vec::new();
    }
    let row = |trial: &str, replicate: u32| {
        let is_it = |row: &&Row| row.trial_id == trial && row.replicate == replicate && row.state == State::Finished;
        results.ranked().find(is_it)
    };
    let of = |trial: &str, name: &str| -> Option<Vec<f64>> {
        let name = column(Split::Test, name);
        replicates.iter().map(|&replicate| results.value(row(trial, replicate)?, &name)).collect()
    };
    let positives = ["tp", "fn"].map(|name| of(first, name).unwrap_or_default());
    let positives = positives.iter().flatten().sum::<f64>() / replicates.len() as f64;
    let contenders = contenders.max(compared.len());
    let pairs = contenders * contenders.saturating_sub(1) / 2;
    let corrected_for = if pairs > 1 { Correction::AllPairsCounted } else { Correction::None };
    let mut trials: Vec<&String> = compared.iter().filter(|trial| *trial != first).collect();
    trials.sort_unstable();
    let mut claims = Vec::new();
    for &test in about {
        let Some(own) = of(first, test.about()) else { continue };
        for against in &trials {
            let Some(other) = of(against, test.about()) else { continue };
            let differences: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - b).collect();
            let means = Means::of(&differences, shared_rows(results, Split::Test));
            // Alike in every fold, they are tied; as far apart in every one, it is not known how much that varies.
            let (interval, p) = match means.one_of(pairs) {
                Some((interval, p)) => (Some(interval), p),
                None if means.mean == 0.0 => (None, 1.0),
                None => continue,
            };
            let pair = Pair {
                kind: Kind::Models,
                of: first,
                against,
                split: Split::Test,
                replicates: replicates.len(),
                positives: positives.round() as u64,
            };
            claims.push(pair.claim(test, (means.mean, Some(means.error)), interval, p, corrected_for));
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::{Options, rank};
    use crate::tests::{results, row};
    use focalsweep_core::spec::{Folds, SplitSpec};

    /// Differences 0.02, 0.01, 0.03, 0, 0.02 over five folds of 80 training rows and 20 test rows: by scipy.stats
    /// t = 2.0919, p = 0.1046 (see `procedure`); of three trials there are three pairs.
    #[test]
    fn trials_on_test_rows_are_told_apart_over_folds() {
        let mut all = Vec::new();
        for (replicate, difference) in [0.02, 0.01, 0.03, 0.0, 0.02].into_iter().enumerate() {
            let base = 0.7 + 0.01 * replicate as f64;
            all.push(row("a", replicate as u32, "focal", Some((0.25, 2.0)), base + difference, 1.0));
            all.push(row("b", replicate as u32, "bce", None, base, 1.0));
            all.push(row("c", replicate as u32, "focal", Some((0.5, 2.0)), base - 0.2, 1.0));
        }
        let split =
            SplitSpec { folds: Some(Folds { folds: 5, repeats: 1 }), validation: 1e-12, ..SplitSpec::default() };
        let results = Results { split, ..results(all) };
        let options = Options::new(vec!["auc".into()], Split::Test);
        let ranking = rank(&results, &options).unwrap();
        let trials: HashSet<String> = ["a", "b", "c"].map(str::to_owned).into();
        let claims = over_folds("a", &trials, 3, (&results, &ranking), &[Test::Auc]);
        let of = |against: &str| claims.iter().find(|claim| claim.against == against).unwrap();
        assert_eq!(claims.len(), 2);
        assert!((of("b").difference - 0.016).abs() < 1e-9 && (of("b").p - 3.0 * 0.104_605_2).abs() < 1e-5);
        assert!(!of("b").told() && of("c").told(), "{claims:?}");
        assert_eq!((of("b").corrected_for, of("b").replicates), (Correction::AllPairsCounted, 5));
        // scipy.stats.t.ppf(1 - 0.05 / 6, 4) = 3.9608...
        let half = (of("b").interval.unwrap().upper - 0.016) / 0.007_648_529_27;
        assert!((half - 3.960_8).abs() < 1e-3, "{half}");
        // Two that were all there were are one pair.
        let two: HashSet<String> = ["a", "b"].map(str::to_owned).into();
        let claims = over_folds("a", &two, 2, (&results, &ranking), &[Test::Auc]);
        assert!((claims[0].p - 0.104_605_2).abs() < 1e-6 && claims[0].corrected_for == Correction::None);
    }
}
