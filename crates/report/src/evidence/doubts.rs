//! What to know before believing it, from the scores: differences that so few rows cannot tell, scores that mislead.

use super::calibration::Calibration;

/// Warns of scores that are no probabilities.
pub(super) fn misleading(calibration: &Calibration) -> String {
    format!(
        "the winner's scores are no probabilities: they are off by {:.3} on average where {:.3} of the rows are \
         positive; Platt scaling fitted on the validation rows leaves {:.3}, isotonic regression {:.3}",
        calibration.raw.ece, calibration.prevalence, calibration.platt.ece, calibration.isotonic.ece
    )
}
