//! How far the counts at a guaranteed threshold may be off.
//!
//! A threshold that [`guaranteed_threshold`](super::guaranteed_threshold) chooses has m of n negatives above it. Other
//! n negatives would have put it elsewhere, on average where a share (m + 1) / (n + 1) of all negatives is above it. Of
//! the n at hand a binomial number is above that place, whatever the scores are (H. A. David & H. N. Nagaraja 2003,
//! Order statistics, chapter 7.1), so that is what is drawn, and the place between the two negatives evenly (A. D.
//! Hutson 1999, Journal of Applied Statistics 26(3)). Negatives drawn with replacement, as for other operating points,
//! cover about as well from m = 3 on. With fewer above, neither does: the place that is looked for is often beyond the
//! highest negative, of which the negatives say nothing.

use super::any_nan;
use super::bootstrap::{OperatingPointIntervals, Strata};
use crate::random::{Purpose, Stream};

/// Fewest negatives above a guaranteed threshold of which an interval or a comparison there can be made: with fewer the
/// place that is looked for lies above all of them in more than 2.5 % of draws. Counted: `docs/statistics.md`.
pub const FEWEST_ABOVE: u64 = 3;

/// 95 % intervals at a guaranteed threshold from `resamples` draws of where it could have been, each applied to the
/// test rows as in [`operating_point_intervals`](super::operating_point_intervals). `negatives` are the scores of those
/// that were set aside, of which `above` may be above the threshold ([`most_above`](super::most_above)); `test` are
/// scores and labels. `None` where `above` is less than [`FEWEST_ABOVE`] or not less than the number of negatives, a
/// score is NaN, a class is absent on the test rows, or there are no resamples.
///
/// Simulated coverage: see `guaranteed_intervals_cover` in the tests.
pub fn guaranteed_intervals(
    negatives: &[f32],
    above: u64,
    test: (&[f32], &[u8]),
    resamples: u32,
    seed: u64,
) -> Option<OperatingPointIntervals> {
    let all = negatives.len();
    if above < FEWEST_ABOVE || all as u64 <= above || any_nan(negatives) {
        return None;
    }
    let mut negatives = negatives.to_vec();
    negatives.sort_unstable_by(|a, b| b.total_cmp(a));
    let share = (above + 1) as f64 / (all + 1) as f64;
    let threshold = |stream: &mut Stream| {
        let above = stream.binomial(all as u64, share) as usize;
        let to_next = stream.uniform64();
        let lower = f64::from(negatives[above.min(all - 1)]);
        let upper = above.checked_sub(1).map_or(lower, |at| f64::from(negatives[at]));
        ((upper + (lower - upper) * to_next) as f32).next_up()
    };
    let mut stream = Stream::new(seed, 0, Purpose::Bootstrap, 3, 0);
    Strata::new(test.0, test.1)?.intervals(resamples, &mut stream, None, threshold)
}
