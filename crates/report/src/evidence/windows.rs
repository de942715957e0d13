//! Fresh trainings under windows of time: what is claimed of settings, over the windows.
//!
//! A replicate that confirms has the window of one of the search again, with another seed. Trainings of one window
//! share all their rows, so they are averaged; windows share no test rows, and a t-test over their differences says
//! something of future windows, as it does of the procedure (`procedure`), from as many windows on.

use std::collections::{BTreeMap, HashSet};

use super::claim::{Claim, Correction, Kind, Pair};
use super::procedure::{FEWEST_WINDOWS, Means, Parts};
use crate::read::{Results, column};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::holm;
use focalsweep_core::plan::Phase;
use focalsweep_core::record::State;
use focalsweep_core::spec::{OperatingPoint, Split};

/// Claims about the settings of `trials` against those of `against`, from the fresh trainings `replicates` that all of
/// them have, corrected by Holm over the trials. None of fewer windows than five.
pub(super) fn over_windows(
    trials: &[&str],
    against: &str,
    replicates: &HashSet<u32>,
    results: &Results,
    point: Option<&OperatingPoint>,
) -> Vec<Claim> {
    let windows = windows(results).unwrap_or(1);
    // Of each window the mean of its trainings, in the order of time.
    let of = |trial: &str, name: &str| -> Option<Vec<f64>> {
        let name = column(Split::Test, name);
        let mut of_windows: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        let is_it = |phase, state, id: &str, replicate| {
            phase == Phase::Confirm && state == State::Finished && id == trial && replicates.contains(&replicate)
        };
        for row in results.rows.iter().filter(|row| is_it(row.phase, row.state, &row.trial_id, row.replicate)) {
            of_windows.entry(row.replicate % windows).or_default().push(results.value(row, &name)?);
        }
        Some(of_windows.into_values().map(|values| values.iter().sum::<f64>() / values.len() as f64).collect())
    };
    let positives = ["tp", "fn"].map(|name| of(against, name).unwrap_or_default());
    let positives = positives.iter().flatten().sum::<f64>() / positives[0].len().max(1) as f64;
    let mut about = vec![Test::Auc, Test::AveragePrecision];
    about.extend(point.iter().flat_map(|point| Test::at_point(point)));
    let corrected_for = if trials.len() > 1 { Correction::Finalists } else { Correction::None };
    let mut claims = Vec::new();
    for test in about {
        let Some(other) = of(against, test.about()).filter(|of| of.len() >= FEWEST_WINDOWS) else { continue };
        let means: Option<Vec<Means>> = trials
            .iter()
            .map(|trial| {
                let own = of(trial, test.about()).filter(|own| own.len() == other.len())?;
                let differences: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - b).collect();
                Some(Means::of(&differences, 0.0))
            })
            .collect();
        let Some(means) = means else { continue };
        let p: Vec<f64> = means.iter().map(|means| means.one_of(1).map_or(1.0, |(_, p)| p)).collect();
        for ((&of, means), p) in trials.iter().zip(&means).zip(holm(&p)) {
            let pair = Pair {
                kind: Kind::Settings,
                of,
                against,
                split: Split::Test,
                replicates: replicates.len(),
                positives: positives.round() as u64,
            };
            // Simultaneous, as Bonferroni has it.
            let interval = means.one_of(trials.len()).map(|(interval, _)| interval);
            claims.push(pair.claim(test, (means.mean, Some(means.error)), interval, p, corrected_for));
        }
    }
    claims
}

/// How many windows of time the replicates of the search are; `None` where they are none, or one only.
pub(super) fn windows(results: &Results) -> Option<u32> {
    let searched = results.rows.iter().filter(|row| row.phase == Phase::Search).map(|row| row.replicate + 1);
    searched.max().filter(|&windows| Parts::of(results) == Some(Parts::Windows) && windows > 1)
}

/// What is to be known of fresh trainings under so many windows.
pub(super) fn in_words(windows: u32) -> String {
    if windows as usize >= FEWEST_WINDOWS {
        format!(
            "Fresh trainings have the windows of the search again: they are averaged in each, and tested over the \
             {windows} windows."
        )
    } else {
        format!(
            "Fresh trainings have the windows of the search again; over {windows} windows nothing is tested, that \
             needs five."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{results, row};
    use focalsweep_core::spec::{SplitBy, SplitSpec};

    /// Differences 0.02, 0.01, 0.03, 0, 0.02 of five windows: t = 0.016 / √(0.00013 / 5) = 3.137858, by scipy.stats
    /// p = 0.034920.
    #[test]
    fn fresh_trainings_are_averaged_in_windows_and_tested_over_them() {
        let run = |windows: u32| {
            let mut all = Vec::new();
            for replicate in windows..3 * windows {
                let window = (replicate % windows) as usize;
                let base = 0.6 + 0.02 * window as f64;
                // The two trainings of a window are as far above as below.
                let by_seed = if replicate < 2 * windows { 0.005 } else { -0.005 };
                let own = base + [0.02, 0.01, 0.03, 0.0, 0.02][window] + by_seed;
                for mut row in [
                    row("a", replicate, "focal", Some((0.25, 2.0)), own, 1.0),
                    row("b", replicate, "bce", None, base, 1.0),
                ] {
                    row.phase = Phase::Confirm;
                    all.push(row);
                }
            }
            // What searched: its figures are in no claim.
            all.extend((0..windows).map(|replicate| row("a", replicate, "focal", Some((0.25, 2.0)), 0.9, 1.0)));
            let by = SplitBy::Time { column: "t".into(), gap: None, label_delay: None, window: None, groups: None };
            Results { split: SplitSpec { by, ..SplitSpec::default() }, ..results(all) }
        };
        let claims = over_windows(&["a"], "b", &(5..15).collect(), &run(5), None);
        let auc = claims.iter().find(|claim| claim.about == Test::Auc).unwrap();
        assert_eq!((auc.kind, auc.replicates, auc.corrected_for), (Kind::Settings, 10, Correction::None));
        assert!((auc.difference - 0.016).abs() < 1e-9 && (auc.p - 0.034_919_7).abs() < 1e-5, "{auc:?}");
        assert!((auc.standard_error.unwrap() - (0.00013_f64 / 5.0).sqrt()).abs() < 1e-9, "{auc:?}");
        assert!(over_windows(&["a"], "b", &(4..12).collect(), &run(4), None).is_empty(), "of four windows");
    }
}
