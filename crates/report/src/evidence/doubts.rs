//! What to know before believing it, from the scores: differences that so few rows cannot tell, scores that mislead.

use super::calibration::Calibration;
use super::claim::Claim;
use crate::read::{p_in_words, split_word, thousands};
use focalsweep_core::metrics::{detectable_auc_difference, positives_for_auc};

/// A difference of two AUCs that is worth telling, stated beforehand.
const STATED: f64 = 0.01;

/// Where the winner's AUC cannot be told from that of `against`, the smallest difference that these rows could have
/// told, held against what the test was, and the positives that a stated one needs.
pub(super) fn detectable(claim: &Claim, against: &str) -> Option<String> {
    let (error, interval) = claim.standard_error.zip(claim.interval)?;
    let critical = (interval.upper - interval.lower) / 2.0 / error;
    let least = detectable_auc_difference(error * error, critical);
    let needed = positives_for_auc(STATED, error * error, claim.positives, critical)?;
    let more = if needed > claim.positives {
        format!("; {STATED} would need about {}", thousands(rounded(needed)))
    } else {
        String::new()
    };
    // Equal on every row: no number of positives tells them apart.
    (!claim.told() && least > 0.0).then(|| {
        format!(
            "With {} positives{} the {} rows tell a difference in AUC from {against} of {} or more (5 %, power 80 \
             %){more}.",
            thousands(claim.positives),
            if claim.replicates > 1 { " in a replicate" } else { "" },
            split_word(claim.split),
            two_digits(least),
        )
    })
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
    let Calibration { raw, platt, isotonic, closed_form, prevalence } = calibration;
    let by_loss =
        closed_form.map(|of| format!(", what the loss says that they mean {:.3}", of.ece)).unwrap_or_default();
    format!(
        "the winner's scores are no probabilities: on the test rows, of which {prevalence:.3} are positive, they are \
         off by {:.3} on average, where {:.3} would be chance ({}); Platt scaling fitted on the validation rows leaves \
         {:.3}, isotonic regression {:.3}{by_loss}",
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
    use crate::evidence::{Correction, Kind};
    use focalsweep_core::metrics::Interval;
    use focalsweep_core::metrics::catalogue::Test;
    use focalsweep_core::spec::Split;

    #[test]
    fn numbers_are_grouped_and_rounded_to_what_an_estimate_knows() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(thousands), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 7, 42, 101, 9_234, 99_999].map(rounded), [0, 7, 42, 110, 9_300, 100_000]);
        assert_eq!([0.0312, 0.3, 0.000_47, 1e-30].map(two_digits), ["0.031", "0.30", "0.00047", "0.000000000000"]);
    }

    #[test]
    fn what_the_rows_can_tell_is_said_where_they_tell_nothing() {
        let seen = |difference: f64, error: f64, critical: f64, p: f64, replicates: usize| Claim {
            about: Test::Auc,
            kind: Kind::Models,
            of: "a".into(),
            against: "b".into(),
            split: Split::Validation,
            difference,
            standard_error: Some(error),
            interval: Some(Interval { lower: difference - critical * error, upper: difference + critical * error }),
            p,
            corrected_for: Correction::None,
            replicates,
            positives: 100,
        };
        let said = |claim: Claim| detectable(&claim, "plain cross-entropy's");
        // 2.8016 · 0.01; 100 · (2.8016 · 0.01 / 0.01)² = 785, whatever difference was seen.
        let expected = "With 100 positives the validation rows tell a difference in AUC from plain cross-entropy's of \
                        0.028 or more (5 %, power 80 %); 0.01 would need about 790.";
        assert_eq!(said(seen(0.004, 0.01, 1.96, 0.69, 1)).unwrap(), expected);
        assert_eq!(said(seen(0.012, 0.01, 1.96, 0.23, 1)).unwrap(), expected);
        let precise = said(seen(0.004, 0.001, 1.96, 0.69, 3)).unwrap();
        assert!(precise.starts_with("With 100 positives in a replicate") && precise.ends_with("80 %)."), "{precise}");
        assert_eq!(said(seen(0.004, 0.01, 1.96, 0.01, 1)), None);
        assert_eq!(said(seen(0.0, 0.0, 1.96, 1.0, 1)), None);
        let strict = said(seen(0.004, 0.01, 3.5, 0.9, 1)).unwrap();
        assert!(strict.contains("of 0.043 or more"), "corrected for more: {strict}");
    }
}
