//! How training rows are drawn: what each sampling is called and what it makes of the classes. The drawing itself is
//! the engine's.

use crate::losses::Drawn;
use crate::spec::{Hyperparameters, Sampling};

/// What is known of a sampling.
#[derive(Debug, Clone, Copy)]
pub struct SamplingDefinition {
    /// As a method of dealing with a rare class; `None` where rows are drawn as they are.
    pub title: Option<&'static str>,
    /// Rows of each class that an epoch draws of those that there are, at positives for each negative.
    pub drawn: fn(Drawn, f64) -> Drawn,
    /// Whether a model's odds are those of the rows as they are but for a factor, the same for all rows, so that moving
    /// the intercept mends them (King & Zeng 2001).
    pub shifts_odds: bool,
}

/// The definition of a sampling.
pub const fn definition(sampling: Sampling) -> &'static SamplingDefinition {
    match sampling {
        Sampling::None => &SamplingDefinition { title: None, drawn: as_they_are, shifts_odds: false },
        Sampling::Oversample => {
            &SamplingDefinition { title: Some("oversampling"), drawn: oversampled, shifts_odds: true }
        }
        Sampling::Undersample => {
            &SamplingDefinition { title: Some("undersampling"), drawn: undersampled, shifts_odds: true }
        }
        // What is made between rows is not where rows are, so odds change by more than a factor.
        Sampling::Smote => &SamplingDefinition { title: Some("SMOTE"), drawn: synthesised, shifts_odds: false },
    }
}

/// Rows of each class that an epoch of `trial` draws of those that there are.
pub fn drawn(trial: &Hyperparameters, there: Drawn) -> Drawn {
    (definition(trial.sampling).drawn)(there, trial.sampling_ratio.unwrap_or(1.0))
}

/// ln of what the sampling of `trial` multiplies the odds of being positive by: King & Zeng 2001, Political Analysis
/// 9(2), equation 7, take it off the intercept. 0 where no shift mends what it does.
pub fn shift(trial: &Hyperparameters, there: Drawn) -> f64 {
    let log_odds = |of: Drawn| (of.positives as f64 / of.negatives as f64).ln();
    if definition(trial.sampling).shifts_odds { log_odds(drawn(trial, there)) - log_odds(there) } else { 0.0 }
}

fn as_they_are(there: Drawn, _: f64) -> Drawn {
    there
}

/// Positives again until there are so many for each negative; at 1 as many as negatives, whatever there was, as
/// published.
fn oversampled(there: Drawn, ratio: f64) -> Drawn {
    let positives = (ratio * there.negatives as f64).round() as usize;
    Drawn { positives: if ratio < 1.0 { positives.max(there.positives) } else { positives }, ..there }
}

/// Positives made until there are so many for each negative.
fn synthesised(there: Drawn, ratio: f64) -> Drawn {
    let positives = (ratio * there.negatives as f64).round() as usize;
    Drawn { positives: positives.max(there.positives), ..there }
}

/// Negatives left out until there are so many positives for each that stays.
fn undersampled(there: Drawn, ratio: f64) -> Drawn {
    let negatives = (there.positives as f64 / ratio).round() as usize;
    Drawn { negatives: negatives.min(there.negatives).max(1), ..there }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Loss, Word};

    fn trial(sampling: Sampling, ratio: f64) -> Hyperparameters {
        Hyperparameters { sampling, sampling_ratio: Some(ratio), ..Hyperparameters::built_in(Loss::Bce) }
    }

    /// imbalanced-learn's `sampling_strategy` is the same ratio: `RandomUnderSampler(sampling_strategy=0.5)` leaves 200
    /// of 9,900 negatives beside 100 positives, `RandomOverSampler(sampling_strategy=0.5)` makes 4,950 positives.
    #[test]
    fn a_ratio_is_of_positives_to_negatives() {
        let there = Drawn { positives: 100, negatives: 9_900 };
        let of = |sampling, ratio| {
            let Drawn { positives, negatives } = drawn(&trial(sampling, ratio), there);
            (positives, negatives)
        };
        assert_eq!(of(Sampling::Undersample, 0.5), (100, 200));
        assert_eq!(of(Sampling::Undersample, 1.0), (100, 100));
        assert_eq!(of(Sampling::Oversample, 0.5), (4_950, 9_900));
        assert_eq!(of(Sampling::Oversample, 1.0), (9_900, 9_900));
        // What is there already stays.
        assert_eq!(of(Sampling::Smote, 0.5), (4_950, 9_900));
        for (_, sampling) in Sampling::WORDS {
            let sampling = *sampling;
            assert_eq!(of(sampling, 0.001), (100, 9_900), "{sampling:?}");
        }
    }

    /// King & Zeng 2001, equation 7: ln[((1 - τ) / τ)(ȳ / (1 - ȳ))] with τ = 0.01 and ȳ = 1/3, 1/2.
    #[test]
    fn the_shift_is_king_and_zengs() {
        let there = Drawn { positives: 100, negatives: 9_900 };
        let by_hand = |y: f64| ((0.99 / 0.01) * (y / (1.0 - y))).ln();
        for sampling in [Sampling::Oversample, Sampling::Undersample] {
            assert!((shift(&trial(sampling, 0.5), there) - by_hand(1.0 / 3.0)).abs() < 1e-12);
            assert!((shift(&trial(sampling, 1.0), there) - by_hand(0.5)).abs() < 1e-12);
        }
        for sampling in [Sampling::None, Sampling::Smote] {
            assert_eq!(shift(&trial(sampling, 1.0), there), 0.0);
        }
    }
}
