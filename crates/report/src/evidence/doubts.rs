//! What to know before believing it, from the scores: differences that so few rows cannot tell, scores that mislead.

use super::calibration::Calibration;
use super::contrast::{Contrast, LEVEL};
use crate::read::{p_in_words, split_word, thousands};
use focalsweep_core::metrics::{detectable_auc_difference, positives_for_auc, two_sided_z};
use focalsweep_core::spec::Split;

/// A difference of two AUCs that is worth telling, stated beforehand.
const STATED: f64 = 0.01;

/// Where the winner cannot be told from `against`, the smallest difference that the rows `on` could have told, and the
/// positives that a stated one needs. `critical` is what z is held against.
pub(super) fn detectable(seen: &Contrast, on: Split, against: &str, critical: f64) -> Option<String> {
    let least = detectable_auc_difference(seen.auc_variance, critical);
    let needed = positives_for_auc(STATED, seen.auc_variance, seen.positives, critical)?;
    let more = if needed > seen.positives {
        format!("; {STATED} would need about {}", thousands(rounded(needed)))
    } else {
        String::new()
    };
    // Equal on every row: no number of positives tells them apart.
    (seen.auc_p >= LEVEL && least > 0.0).then(|| {
        format!(
            "With {} positives{} the {} rows tell a difference in AUC from {against} of {} or more (5 %, power 80 \
             %){more}.",
            thousands(seen.positives),
            if seen.replicates > 1 { " in a replicate" } else { "" },
            split_word(on),
            two_digits(least),
        )
    })
}

/// What one comparison that was planned is held against.
pub(super) fn critical() -> f64 {
    two_sided_z(LEVEL)
}

/// Two significant digits, up: a sample size is an estimate.
fn rounded(n: u64) -> u64 {
    let step = 10_u64.pow(n.checked_ilog10().unwrap_or(0).saturating_sub(1));
    n.div_ceil(step) * step
}

/// Two significant digits, without an exponent.
fn two_digits(value: f64) -> String {
    let decimals = (1.0 - value.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

/// Warns of scores that are no probabilities.
pub(super) fn misleading(calibration: &Calibration) -> String {
    let Calibration { raw, platt, isotonic, prevalence } = calibration;
    format!(
        "the winner's scores are no probabilities: on the test rows, of which {prevalence:.3} are positive, they are \
         off by {:.3} on average, where {:.3} would be chance ({}); Platt scaling fitted on the validation rows leaves \
         {:.3}, isotonic regression {:.3}",
        raw.ece,
        raw.ece_expected,
        p_in_words(raw.ece_p),
        platt.ece,
        isotonic.ece
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded_to_what_an_estimate_knows() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(thousands), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 7, 42, 101, 9_234, 99_999].map(rounded), [0, 7, 42, 110, 9_300, 100_000]);
        assert_eq!([0.0312, 0.3, 0.000_47, 1e-30].map(two_digits), ["0.031", "0.30", "0.00047", "0.000000000000"]);
    }

    #[test]
    fn what_the_rows_can_tell_is_said_where_they_tell_nothing() {
        let seen = Contrast {
            auc_difference: 0.004,
            auc_variance: 1e-4,
            auc_p: 0.69,
            missed_difference: None,
            missed_p: None,
            replicates: 1,
            positives: 100,
        };
        let said = |seen: Contrast| detectable(&seen, Split::Validation, "plain cross-entropy's", critical());
        // 2.8016 · 0.01; 100 · (2.8016 · 0.01 / 0.01)² = 785, whatever difference was seen.
        let expected = "With 100 positives the validation rows tell a difference in AUC from plain cross-entropy's of \
                        0.028 or more (5 %, power 80 %); 0.01 would need about 790.";
        assert_eq!(said(seen).unwrap(), expected);
        assert_eq!(said(Contrast { auc_difference: 0.012, auc_p: 0.23, ..seen }).unwrap(), expected);
        let precise = said(Contrast { auc_variance: 1e-6, replicates: 3, ..seen }).unwrap();
        assert!(precise.starts_with("With 100 positives in a replicate") && precise.ends_with("80 %)."), "{precise}");
        assert_eq!(said(Contrast { auc_p: 0.01, ..seen }), None);
        assert_eq!(said(Contrast { auc_difference: 0.0, auc_variance: 0.0, auc_p: 1.0, ..seen }), None);
        let strict = detectable(&seen, Split::Validation, "that of the trial at rank 4", 3.5).unwrap();
        assert!(strict.contains("that of the trial at rank 4 of 0.043 or more"), "{strict}");
    }
}
