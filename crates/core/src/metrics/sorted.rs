//! Rows in the order of their scores.

use super::{any_nan, order_key};

/// Rows by ascending score: one number each, which sorts faster than scores and labels do.
#[derive(Debug, Clone)]
pub(super) struct Sorted(Vec<u64>);

/// Rows of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// Not -0.
    pub(super) score: f32,
    pub(super) rows: u64,
    pub(super) positives: u64,
}

/// Turns signed numbers into unsigned ones of the same order.
const SIGN: u32 = 1 << 31;

impl Sorted {
    /// `None` when a score is NaN.
    pub(super) fn new(scores: &[f32], labels: &[u8]) -> Option<Self> {
        if any_nan(scores) {
            return None;
        }
        let key = |(&score, &label): (&f32, &u8)| {
            u64::from(order_key(score).cast_unsigned() ^ SIGN) << 1 | u64::from(label != 0)
        };
        let mut keys: Vec<u64> = scores.iter().zip(labels).map(key).collect();
        keys.sort_unstable();
        Some(Self(keys))
    }

    /// Rows.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Rows of equal scores together, from the lowest score up; or, reversed, down.
    pub(super) fn steps(&self) -> impl DoubleEndedIterator<Item = Step> + '_ {
        self.0.chunk_by(|a, b| a >> 1 == b >> 1).map(|equal| {
            let key = ((equal[0] >> 1) as u32 ^ SIGN).cast_signed();
            // `order_key` turned back.
            let score = f32::from_bits((key ^ ((key >> 31) & i32::MAX)).cast_unsigned());
            Step { score, rows: equal.len() as u64, positives: equal.iter().map(|key| key & 1).sum() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_are_those_of_sorted_rows(
            rows in prop::collection::vec((prop_oneof![-3i8..3i8, any::<i8>()], any::<bool>()), 0..80),
            scale in prop_oneof![Just(1e-40_f32), Just(0.25), Just(1e30)],
        ) {
            let score = |&(s, _): &(i8, bool)| if s == 0 { -0.0 } else { f32::from(s) * scale };
            let scores: Vec<f32> = rows.iter().map(score).collect();
            let labels: Vec<u8> = rows.iter().map(|&(_, y)| u8::from(y)).collect();
            let mut distinct: Vec<f32> = scores.iter().map(|s| s + 0.0).collect();
            distinct.sort_by(f32::total_cmp);
            distinct.dedup();
            let count = |score: f32, of: &dyn Fn(u8) -> bool| {
                scores.iter().zip(&labels).filter(|&(&s, &y)| s == score && of(y)).count() as u64
            };
            let expected: Vec<Step> = distinct
                .iter()
                .map(|&score| Step { score, rows: count(score, &|_| true), positives: count(score, &|y| y == 1) })
                .collect();
            let sorted = Sorted::new(&scores, &labels).unwrap();
            prop_assert_eq!(sorted.steps().collect::<Vec<_>>(), expected);
            prop_assert_eq!(sorted.len(), rows.len());
            prop_assert!(sorted.steps().all(|step| step.score.to_bits() != (-0.0_f32).to_bits()));
            prop_assert!(Sorted::new(&[0.0, f32::NAN], &[0, 1]).is_none());
        }
    }
}
