//! How well scores agree with what happened, as trained and after recalibration on the validation rows.

use super::payload::{Calibration, CalibrationOf, Short};
use crate::read::ScoreGroup;
use focalsweep_core::metrics::{Binning, Isotonic, Platt, brier, expected_calibration_error, reliability};

/// Bins of equally many rows, as those of the text report's expected calibration error.
const BINS: usize = 10;

/// Reliability on the test rows of all replicates; Platt scaling and isotonic regression are fitted on the validation
/// rows of each replicate. `None` where a replicate cannot be fitted.
pub(super) fn calibration(validation: &[&ScoreGroup], test: &[&ScoreGroup]) -> Option<Calibration> {
    let mut kinds: [Kind; 3] = ["raw", "platt", "isotonic"].map(Kind::new);
    for test in test {
        let fit_on = validation.iter().find(|group| group.replicate == test.replicate)?;
        // Scores of a command may be no probabilities.
        if fit_on.scores.is_empty() || test.scores.is_empty() {
            return None;
        }
        let platt = Platt::fit(&fit_on.scores, &fit_on.labels)?;
        let isotonic = Isotonic::fit(&fit_on.scores, &fit_on.labels)?;
        kinds[0].add(test.scores.clone(), &test.labels);
        kinds[1].add(test.scores.iter().map(|&score| platt.apply(score)).collect(), &test.labels);
        kinds[2].add(test.scores.iter().map(|&score| isotonic.apply(score)).collect(), &test.labels);
    }
    (!test.is_empty()).then(|| Calibration { kinds: kinds.map(Kind::summary).into_iter().collect() })
}

/// The scores of one kind.
struct Kind {
    name: &'static str,
    scores: Vec<f32>,
    labels: Vec<u8>,
    /// By replicate.
    errors: Vec<f64>,
    briers: Vec<f64>,
}

impl Kind {
    fn new(name: &'static str) -> Self {
        Self { name, scores: Vec::new(), labels: Vec::new(), errors: Vec::new(), briers: Vec::new() }
    }

    fn add(&mut self, scores: Vec<f32>, labels: &[u8]) {
        let bins = reliability(&scores, labels, BINS, Binning::EqualMass);
        self.errors.extend(expected_calibration_error(&bins));
        self.briers.push(brier(&scores, labels));
        self.scores.extend(scores);
        self.labels.extend(labels);
    }

    fn summary(self) -> CalibrationOf {
        let mean = |of: &[f64]| (!of.is_empty()).then(|| Short(of.iter().sum::<f64>() / of.len() as f64));
        let bins = reliability(&self.scores, &self.labels, BINS, Binning::EqualMass);
        CalibrationOf {
            name: self.name,
            bins: bins.iter().map(|bin| (Short(bin.mean_score), Short(bin.share_positive), bin.count)).collect(),
            ece: mean(&self.errors),
            brier: mean(&self.briers),
        }
    }
}
