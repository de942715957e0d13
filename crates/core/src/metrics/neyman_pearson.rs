//! A threshold that keeps the false-positive rate of rows to come below a limit, with a given probability.
//!
//! The umbrella algorithm of Tong, Feng & Li 2018, Science Advances 4(2), eaao1659: of the scores of n negatives that
//! the classifier has not seen, those above the k-th smallest are flagged. The false-positive rate of that rule is
//! above `max_fpr` with probability P(B >= k) at most, B binomial of n and 1 - `max_fpr`: whatever the scores are, and
//! exactly so where no two are equal. The smallest k for which that is at most 1 - `confidence` catches most positives.
//! As it is the negatives above that are few, we count them: m = n - k, and P(B >= k) = P(A <= m), A binomial of n and
//! `max_fpr`.

use super::{any_nan, score_of_threshold, weighted_threshold_for};
use crate::spec::OperatingPoint;

/// Terms of a distribution that are smaller than this share of its greatest change no sum.
const NEGLIGIBLE: f64 = 1e-290;

/// What rounding may do to a probability: one that is above another by this share of it is not above it.
const ROUNDING: f64 = 1e-12;

/// Scores of rows, and the probabilities that they say.
#[derive(Debug, Clone, Copy)]
pub struct ScoredRows<'a> {
    /// Logits: what ranks and flags.
    pub raw: &'a [f32],
    /// Their probabilities.
    pub scores: &'a [f32],
    /// Class of each row, 0 or 1.
    pub labels: &'a [u8],
    /// By how much each counts; empty where each counts once.
    pub weights: &'a [f64],
}

/// Where rows are flagged from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The logit: rows with at least this are flagged.
    pub raw: f64,
    /// The probability that goes with it.
    pub score: f64,
}

impl OperatingPoint {
    /// The highest false-positive rate and the probability with which it is to hold, where that is asked for.
    pub fn guarantee(&self) -> Option<(f64, f64)> {
        match *self {
            Self::MaxFpr { max_fpr, confidence } => confidence.map(|confidence| (max_fpr, confidence)),
            Self::MinRecall { .. } | Self::MinPrecision { .. } | Self::AlertBudget { .. } | Self::Cost { .. } => None,
        }
    }
}

/// Most of `negatives` that may have a score above the threshold, so that the false-positive rate of rows to come is at
/// most `max_fpr` with probability `confidence`; `None` where even the highest of so few is no safe threshold.
pub fn most_above(negatives: u64, max_fpr: f64, confidence: f64) -> Option<u64> {
    if negatives < negatives_for_guarantee(max_fpr, confidence) {
        return None;
    }
    // The probabilities of 0, 1, 2 … above, as shares of the most likely number's, so that none overflows.
    let (n, odds) = (negatives as f64, max_fpr / (1.0 - max_fpr));
    let mode = (((n + 1.0) * max_fpr).floor()).min(n);
    let walk = |first: f64, next: &dyn Fn(f64) -> Option<(f64, f64)>| {
        std::iter::successors(Some((first, 1.0)), |&(at, share)| {
            let (to, ratio) = next(at)?;
            Some((to, share * ratio)).filter(|&(_, share)| share > NEGLIGIBLE)
        })
        .collect::<Vec<(f64, f64)>>()
    };
    let mut down = walk(mode, &|at| (at > 0.0).then(|| (at - 1.0, at / ((n - at + 1.0) * odds))));
    let up = walk(mode, &|at| (at < n).then(|| (at + 1.0, (n - at) * odds / (at + 1.0))));
    down.reverse();
    // From the smallest on either side, so that little is rounded away.
    let below: f64 = down.iter().map(|&(_, share)| share).sum();
    let above: f64 = up.iter().skip(1).rev().map(|&(_, share)| share).sum();
    let allowed = (1.0 - confidence) * (below + above) * (1.0 + ROUNDING);
    let mut sum = 0.0;
    let kept = down.iter().chain(up.iter().skip(1)).take_while(|&&(_, share)| {
        sum += share;
        sum <= allowed
    });
    let most = kept.last().map(|&(at, _)| at as u64);
    // What was negligible is below what is allowed by far; and nobody above is safe, as was seen first.
    most.or_else(|| down.first().map(|&(at, _)| (at as u64).saturating_sub(1)))
}

/// Fewest negatives of which the highest score is a safe threshold: (1 - `max_fpr`)ⁿ is at most 1 - `confidence`.
pub fn negatives_for_guarantee(max_fpr: f64, confidence: f64) -> u64 {
    let exactly = (1.0 - confidence).ln() / (-max_fpr).ln_1p();
    (exactly * (1.0 - ROUNDING)).ceil() as u64
}

/// The threshold just above the score that the guarantee asks for; scores that equal it are not flagged, which makes
/// the rate smaller. `None` where there are too few negatives or a score is NaN.
pub fn guaranteed_threshold(calibration: ScoredRows<'_>, max_fpr: f64, confidence: f64) -> Option<Threshold> {
    let ScoredRows { raw, scores, labels, .. } = calibration;
    let mut negatives: Vec<(f32, f32)> =
        raw.iter().zip(scores).zip(labels).filter(|&(_, &y)| y == 0).map(|((&raw, &score), _)| (raw, score)).collect();
    let above = usize::try_from(most_above(negatives.len() as u64, max_fpr, confidence)?).ok()?;
    if above >= negatives.len() || any_nan(raw) {
        return None;
    }
    let (_, &mut (raw, score), _) =
        negatives.select_nth_unstable_by(above, |a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then(b.1.total_cmp(&a.1)));
    Some(Threshold { raw: f64::from((raw + 0.0).next_up()), score: f64::from(score.next_up()) })
}

/// The threshold that an operating point has on the validation rows: that of [`weighted_threshold_for`].
pub fn validation_threshold(point: &OperatingPoint, validation: ScoredRows<'_>) -> Option<Threshold> {
    let raw = weighted_threshold_for(point, validation.raw, validation.labels, validation.weights)?;
    Some(Threshold { raw, score: score_of_threshold(raw, validation.raw, validation.scores) })
}

/// The threshold at which a model is used and tested: the guaranteed one, where the operating point asks for a
/// guarantee and there are calibration rows enough for it; else `chosen`, that of the validation rows.
pub fn threshold_in_use(
    point: &OperatingPoint,
    chosen: Option<Threshold>,
    calibration: ScoredRows<'_>,
) -> Option<Threshold> {
    let guaranteed =
        point.guarantee().and_then(|(max_fpr, confidence)| guaranteed_threshold(calibration, max_fpr, confidence));
    guaranteed.or(chosen)
}
