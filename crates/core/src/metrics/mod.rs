//! How good scores are: plain slices in, plain numbers out.
//!
//! Everywhere `scores[i]` says how likely row i is positive: a probability or, where only their order counts, a logit;
//! `labels[i]` is its class, 0 or 1; the slices have equal length (were one longer, its surplus is not read). A figure
//! that is not defined on the rows given, for instance an AUC without positives, is `None`, never a made-up number and
//! never NaN.
//!
//! | figure | definition | source |
//! |---|---|---|
//! | [`roc_auc`] | P(score of a positive > of a negative) + P(equal) / 2 | Hanley & McNeil 1982, Radiology 143(1) |
//! | [`auc_delong`] | its standard error | DeLong et al. 1988, Biometrics 44(3); Sun & Xu 2014, IEEE SPL 21(11) |
//! | [`AucComponents::compare`] | difference of two AUCs of the same rows | the same |
//! | [`clustered_auc_error`], [`clustered_auc`] | the same of rows in groups | Obuchowski 1997, Biometrics 53(2) |
//! | [`clustered_share_interval`] | 95 % interval of a share of them | Korn & Graubard 1998, Survey Methodology 24(2) |
//! | [`average_precision`] | Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores | scikit-learn, `average_precision_score` |
//! | [`Ranks::partial_auc`] | AUC up to a rate of false alarms, standardised | McClish 1989, Medical Decision Making 9(3) |
//! | [`Ranks::precision_at_k`] | positives among the k rows of the highest scores | ties at their average |
//! | [`brier`] | mean squared difference of score and label | Brier 1950, Monthly Weather Review 78(1) |
//! | [`AucEstimate::interval`] | 95 % interval of an AUC, DeLong on logits | Qin & Hotilovac 2008, SMMR 17(2) |
//! | [`average_precision_interval`], [`operating_point_intervals`] | 95 % intervals | Efron 1979, Ann. Stat. 7(1) |
//! | [`mcnemar()`], [`mcnemar_clustered`] | whether two miss the same positives | McNemar 1947; Durkalski et al. 2003 |
//! | [`all_pairs`] | whether models differ from the one that won | Westfall & Young 1993; Hothorn et al. 2008 |
//! | [`resample`], [`percentile_test`] | whether models differ at an operating point | Efron & Tibshirani 1993 |
//! | [`average_precision_influences`] | the standard error of average precision | Efron 1982 |
//! | [`student_p`], [`student_t`] | Student's distribution | Abramowitz & Stegun 26.7 |
//! | [`guaranteed_threshold`] | a false-positive rate that is kept with a given probability | Tong et al. 2018 |
//! | [`guaranteed_intervals`] | 95 % intervals at such a threshold | David & Nagaraja 2003, chapter 7.1; Hutson 1999 |
//! | [`detectable_auc_difference`], [`positives_for_auc`] | what rows can tell | Hoenig & Heisey 2001 |
//! | [`roc_curve`], [`precision_recall_curve`] | curves | scikit-learn |
//! | [`Steps`] | distinct scores in their order, from which curves and reliability come | |
//! | [`thin_roc`], [`thin_precision_recall`] | the same with fewer points, never better | Visvalingam & Whyatt 1993 |
//! | [`vertical_average`], [`wilson_band`], [`unit_band`] | 95 % bands of ROC curves | Fawcett 2006; Wilson 1927 |
//! | [`reliability()`], [`expected_calibration_error`] | how calibrated scores are | Naeini et al. 2015, AAAI |
//! | [`calibration_test`] | whether it is more than chance | Bröcker & Smith 2007; Vaicenavicius et al. 2019, AISTATS |
//! | [`Platt`], [`Isotonic`] | recalibration | Platt 1999, Lin et al. 2007; Zadrozny & Elkan 2002 |
//! | [`averages`], [`averaged`] | averages of models | Caruana et al. 2004, ICML; Caruana et al. 2006, ICDM |
//! | [`expected_best()`] | the best of fewer trials | Dodge et al. 2019, EMNLP; Tang et al. 2020, ACL |
//! | [`Served`] | all of a model on one set of labelled rows | those above |
//! | [`WeightedRanks`], [`weighted_brier`] | the same of rows with weights | scikit-learn's `sample_weight` |
//! | [`Confusion`] | counts at a threshold and what follows from them | Matthews 1975 for the correlation |

mod auc;
mod bands;
mod bootstrap;
mod calibration;
pub mod catalogue;
mod clustered;
mod confusion;
mod consistency;
mod curves;
mod delong;
mod ensemble;
mod expected_best;
mod guaranteed_bootstrap;
mod interval;
mod ladder;
mod mcnemar;
mod multiple;
mod neyman_pearson;
mod normal;
mod paired_bootstrap;
mod power;
mod precision_influences;
mod ranks;
mod reliability;
mod row_ranks;
mod served;
mod split;
mod steps;
mod student;
mod thin;
mod weighted;

pub use auc::roc_auc;
pub use bands::{BandPoint, unit_band, vertical_average, wilson_band};
pub use bootstrap::{OperatingPointIntervals, average_precision_interval, operating_point_intervals};
pub use calibration::{Isotonic, Platt};
pub use clustered::{clustered_auc, clustered_auc_error, clustered_share_interval, unit_factors};
pub use confusion::Confusion;
pub use consistency::{CalibrationTest, Predicted, calibration_test};
pub use curves::{PrecisionRecallPoint, RocPoint, precision_recall_curve, roc_curve};
pub use delong::{AucComponents, AucEstimate, PairedComparison, auc_delong};
pub use ensemble::{Aim, Pool, Rule, Scale, Weighed, averaged, averages};
pub use expected_best::{ExpectedBest, expected_best};
pub use guaranteed_bootstrap::{FEWEST_ABOVE, guaranteed_intervals};
pub use interval::{Interval, wilson_interval};
pub use ladder::Ladder;
pub use mcnemar::{mcnemar, mcnemar_clustered};
pub use multiple::{
    AgainstFirst, AllPairs, Behind, Errors, LEVEL, all_pairs, counted, covariances, holm, variance_of_resamples,
};
pub use neyman_pearson::{
    ScoredRows, Threshold, guaranteed_threshold, most_above, negatives_for_guarantee, threshold_in_use,
    validation_threshold,
};
pub use normal::two_sided_p;
pub use paired_bootstrap::{AllPlaces, Applied, Placed, Places, observed, percentile_test, resample};
pub use power::{detectable_auc_difference, positives_for_auc};
pub use precision_influences::average_precision_influences;
pub use ranks::{Ranks, RocCorner, average_precision, threshold_for};
pub use reliability::{Binning, ReliabilityBin, expected_calibration_error, reliability};
pub use row_ranks::{RowRanks, weighted_average_precision, weighted_roc_auc, weighted_threshold_for};
pub use served::{AtThreshold, Figure, Served};
pub use split::SplitMetrics;
pub(crate) use split::any_float;
pub use steps::{Step, Steps};
pub use student::{student_p, student_t};
pub use thin::{thin_precision_recall, thin_roc};
pub use weighted::{WeightedRanks, weighted_brier};

/// Mean squared difference of score and label, 0 (perfect) to 1. NaN without rows.
pub fn brier(scores: &[f32], labels: &[u8]) -> f64 {
    let rows = scores.len().min(labels.len());
    let sum: f64 = scores.iter().zip(labels).map(|(&s, &y)| (f64::from(s) - f64::from(y)).powi(2)).sum();
    sum / rows as f64
}

/// The probability that a logit says.
pub fn logistic(raw: f64) -> f64 {
    if raw >= 0.0 { 1.0 / (1.0 + (-raw).exp()) } else { raw.exp() / (1.0 + raw.exp()) }
}

/// The probability of a threshold that was chosen on the logits `raw` by [`threshold_for`]: the score of the rows that
/// have it. Where nobody is flagged it is just above the highest score, as the threshold is above the highest logit.
fn score_of_threshold(threshold_raw: f64, raw: &[f32], scores: &[f32]) -> f64 {
    let at = raw.iter().position(|&raw| f64::from(raw) == threshold_raw).and_then(|row| scores.get(row));
    let above = || scores.iter().copied().max_by(f32::total_cmp).map(f32::next_up);
    at.copied().or_else(above).map_or_else(|| logistic(threshold_raw), f64::from)
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
