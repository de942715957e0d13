//! What to know before believing it, from the scores: differences that so few rows cannot tell, scores that mislead.

use super::calibration::Calibration;
use super::contrast::{Contrast, LEVEL};
use crate::read::{split_word, thousands};
use focalsweep_core::metrics::positives_for_auc;
use focalsweep_core::spec::Split;

/// Warns of a difference that so few positives cannot tell.
pub(super) fn too_few(seen: &Contrast, on: Split, against: &str) -> Option<String> {
    let needed = positives_for_auc(seen.auc_difference, seen.auc_variance, seen.positives)?;
    (seen.auc_p >= LEVEL && needed > seen.positives).then(|| {
        format!(
            "too few positives to tell the winner's AUC from that of {against}: {} has {}, a difference of {:.4} would \
             need about {} (5 %, power 80 %)",
            split_word(on),
            thousands(seen.positives),
            seen.auc_difference.abs(),
            thousands(rounded(needed)),
        )
    })
}

/// Two significant digits: a sample size is an estimate.
fn rounded(n: u64) -> u64 {
    let step = 10_u64.pow(n.checked_ilog10().unwrap_or(0).saturating_sub(1));
    n.div_ceil(step) * step
}

/// Warns of scores that are no probabilities.
pub(super) fn misleading(calibration: &Calibration) -> String {
    format!(
        "the winner's scores are no probabilities: they are off by {:.3} on average where {:.3} of the rows are \
         positive; Platt scaling fitted on the validation rows leaves {:.3}, isotonic regression {:.3}",
        calibration.raw.ece, calibration.prevalence, calibration.platt.ece, calibration.isotonic.ece
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sample_sizes_rounded_up() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(thousands), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 7, 42, 101, 9_234, 99_999].map(rounded), [0, 7, 42, 110, 9_300, 100_000]);
    }

    #[test]
    fn a_difference_is_warned_of_only_where_more_positives_would_tell_it() {
        let seen = Contrast {
            auc_difference: 0.01,
            auc_variance: 1e-4,
            auc_p: 0.32,
            missed_difference: None,
            missed_p: None,
            replicates: 1,
            positives: 100,
        };
        // 100 · (2.8016 · 0.01 / 0.01)² = 785.
        assert_eq!(
            too_few(&seen, Split::Validation, "rank 4").unwrap(),
            "too few positives to tell the winner's AUC from that of rank 4: validation has 100, a difference of \
             0.0100 would need about 790 (5 %, power 80 %)"
        );
        assert_eq!(too_few(&Contrast { auc_p: 0.01, ..seen }, Split::Validation, "rank 4"), None);
        let none = Contrast { auc_difference: 0.0, auc_variance: 0.0, auc_p: 1.0, ..seen };
        assert_eq!(too_few(&none, Split::Validation, "rank 4"), None, "equal: no number of positives tells them apart");
    }
}
