//! How well scores agree with what happened, as trained and after recalibration on the validation rows.

use super::payload::{Calibration, CalibrationOf, Short};
use crate::read::ScoreGroup;
use focalsweep_core::losses::LossTerms;
use focalsweep_core::metrics::{Binning, Isotonic, Platt, Steps, expected_calibration_error};

/// Bins of equally many rows, as those of the text report's expected calibration error.
const BINS: usize = 10;

/// Rows of one replicate on one split, and their probabilities in order.
pub(super) type Ordered<'a> = (&'a ScoreGroup, &'a Steps);

/// Reliability on the test rows of all replicates; Platt scaling and isotonic regression are fitted on the validation
/// rows of each replicate. `logits` are those of the same test rows, and `loss` says what they mean where it makes no
/// probabilities. `None` where a replicate cannot be fitted.
pub(super) fn calibration(
    validation: &[Ordered<'_>],
    test: &[Ordered<'_>],
    (logits, loss): (&[Ordered<'_>], Option<LossTerms>),
) -> Option<Calibration> {
    let mut kinds: [Vec<Steps>; 3] = Default::default();
    for (test, in_order) in test {
        let (fit_on, fit_in_order) = validation.iter().find(|(group, _)| group.replicate == test.replicate)?;
        // Scores of a command may be no probabilities.
        if fit_on.scores.is_empty() || test.scores.is_empty() {
            return None;
        }
        let platt = Platt::fit(&fit_on.scores, &fit_on.labels)?;
        let isotonic = Isotonic::fit_steps(fit_in_order)?;
        kinds[0].push((*in_order).clone());
        kinds[1].push(in_order.mapped(|score| platt.apply(score)));
        kinds[2].push(in_order.mapped(|score| isotonic.apply(score)));
    }
    let meant = loss.map(|loss| {
        let means = |logit| loss.probability(f64::from(logit)) as f32;
        logits.iter().map(|(_, in_order)| in_order.mapped(means)).collect::<Vec<Steps>>()
    });
    let names = ["raw", "platt", "isotonic"].into_iter();
    let kinds = names.zip(kinds).chain(meant.map(|meant| ("closed_form", meant)));
    (!test.is_empty()).then(|| Calibration { kinds: kinds.map(|(name, of)| summary(name, &of)).collect() })
}

/// Of probabilities of one kind, by replicate.
fn summary(name: &'static str, of: &[Steps]) -> CalibrationOf {
    let reliability = |steps: &Steps| steps.reliability(BINS, Binning::EqualMass);
    let mean = |of: &[f64]| (!of.is_empty()).then(|| Short(of.iter().sum::<f64>() / of.len() as f64));
    let by_replicate: Vec<_> = of.iter().map(reliability).collect();
    let errors: Vec<f64> = by_replicate.iter().filter_map(|bins| expected_calibration_error(bins)).collect();
    let briers: Vec<f64> = of.iter().map(Steps::brier).collect();
    let bins = match of {
        [_] => by_replicate.into_iter().flatten().collect(),
        _ => reliability(&Steps::together(of)),
    };
    CalibrationOf {
        name,
        bins: bins.iter().map(|bin| (Short(bin.mean_score), Short(bin.share_positive), bin.count)).collect(),
        ece: mean(&errors),
        brier: mean(&briers),
    }
}

/// The probabilities of each in order.
#[cfg(test)]
pub(super) fn in_order(groups: &[ScoreGroup]) -> Vec<Steps> {
    groups.iter().filter_map(|group| Steps::of(&group.scores, &group.labels)).collect()
}
