//! How good scores are: plain slices in, plain numbers out.
//!
//! Everywhere `scores[i]` is the probability that row i is positive and `labels[i]` its class, 0 or 1; the slices have
//! equal length (were one longer, its surplus is not read). A figure that is not defined on the rows given, for
//! instance an AUC without positives, is `None`, never a made-up number and never NaN.
//!
//! | figure | definition | source |
//! |---|---|---|
//! | [`roc_auc`] | P(score of a positive > score of a negative) + P(equal) / 2 | Hanley & McNeil 1982, Radiology 143(1) |
//! | [`auc_delong`] | its standard error | DeLong et al. 1988, Biometrics 44(3); Sun & Xu 2014, IEEE SPL 21(11) |
//! | [`AucComponents::compare`] | difference of two AUCs of the same rows | the same |
//! | [`average_precision`] | Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores | scikit-learn, `average_precision_score` |
//! | [`brier`] | mean squared difference of score and label | Brier 1950, Monthly Weather Review 78(1) |
//! | [`Confusion`] | counts at a threshold and what follows from them | Matthews 1975 for the correlation |

mod auc;
mod confusion;
mod delong;
mod normal;
mod ranks;

pub use auc::roc_auc;
pub use confusion::Confusion;
pub use delong::{AucComponents, AucEstimate, PairedComparison, auc_delong};
pub use normal::two_sided_p;
pub use ranks::{Ranks, RocCorner, average_precision, threshold_for};

/// Mean squared difference of score and label, 0 (perfect) to 1. NaN without rows.
pub fn brier(scores: &[f32], labels: &[u8]) -> f64 {
    let rows = scores.len().min(labels.len());
    let sum: f64 = scores.iter().zip(labels).map(|(&s, &y)| (f64::from(s) - f64::from(y)).powi(2)).sum();
    sum / rows as f64
}

/// A number that orders as the score does. Equal scores have equal keys, also -0 and 0. Not for NaN.
fn order_key(score: f32) -> i32 {
    let bits = (score + 0.0).to_bits().cast_signed(); // -0 + 0 = 0
    // Negative numbers order backwards: flip all their bits but the sign.
    bits ^ ((bits >> 31) & i32::MAX)
}

/// Whether a score is NaN. Looks at all of them, which is faster than to stop at the first.
fn any_nan(scores: &[f32]) -> bool {
    scores.iter().fold(false, |found, s| found | s.is_nan())
}

#[cfg(test)]
mod tests;
