//! Scores in their order, sorted once: what curves, reliability and maps of scores are made of.

use super::{any_nan, order_key};

/// The distinct scores of rows, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps(Vec<Step>);

/// Rows of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The score; 0 for -0.
    pub score: f32,
    /// Rows that have it, at least 1.
    pub rows: u32,
    /// Those of them that are positive.
    pub positives: u32,
}

/// Turns signed numbers into unsigned ones of the same order.
const SIGN: u32 = 1 << 31;

impl Steps {
    /// Of scores and classes (0 or 1), in any order. `None` when a score is NaN.
    pub fn of(scores: &[f32], labels: &[u8]) -> Option<Self> {
        if any_nan(scores) {
            return None;
        }
        // One number each, which sorts faster than scores and labels do.
        let key = |(&score, &label): (&f32, &u8)| {
            u64::from(order_key(score).cast_unsigned() ^ SIGN) << 1 | u64::from(label != 0)
        };
        let mut keys: Vec<u64> = scores.iter().zip(labels).map(key).collect();
        keys.sort_unstable();
        let mut steps: Vec<Step> = Vec::with_capacity(keys.len());
        let mut last = None;
        for key in keys {
            let positive = (key & 1) as u32;
            match steps.last_mut().filter(|_| last == Some(key >> 1)) {
                Some(step) => (step.rows, step.positives) = (step.rows + 1, step.positives + positive),
                None => steps.push(Step { score: score_of((key >> 1) as u32), rows: 1, positives: positive }),
            }
            last = Some(key >> 1);
        }
        Some(Self(steps))
    }

    /// Of logits and probabilities of the same rows at once: whichever order the first have, the second have nearly
    /// always. Without probabilities their steps are empty. `None` when one of either is NaN.
    pub fn of_both(raw: &[f32], scores: &[f32], labels: &[u8]) -> Option<[Self; 2]> {
        if any_nan(raw) || any_nan(scores) {
            return None;
        }
        let key = |(row, &raw): (usize, &f32)| u64::from(order_key(raw).cast_unsigned() ^ SIGN) << 32 | row as u64;
        let mut keys: Vec<u64> = raw.iter().enumerate().map(key).collect();
        keys.sort_unstable();
        let alone = |score: f32, row: usize| Step { score, rows: 1, positives: u32::from(labels[row] != 0) };
        let row = |key: &u64| *key as u32 as usize;
        let of_raw = keys.iter().map(|key| alone(score_of((key >> 32) as u32), row(key)));
        let of_scores = keys.iter().filter_map(|key| Some(alone(scores.get(row(key))? + 0.0, row(key))));
        Some([Self::gathered(of_raw.collect()), Self::gathered(of_scores.collect())])
    }

    /// The scores with their rows, ascending.
    pub fn iter(&self) -> std::slice::Iter<'_, Step> {
        self.0.iter()
    }

    /// Rows of all scores.
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|step| u64::from(step.rows)).sum()
    }

    /// Those of them that are positive.
    pub fn positives(&self) -> u64 {
        self.0.iter().map(|step| u64::from(step.positives)).sum()
    }

    /// The same rows with other scores: what `map` makes of each, which must not be NaN. Fast where it keeps the order
    /// or turns it round.
    #[must_use]
    pub fn mapped(&self, map: impl Fn(f32) -> f32) -> Self {
        // -0 + 0 = 0
        Self::gathered(self.0.iter().map(|&step| Step { score: map(step.score) + 0.0, ..step }).collect())
    }

    /// The rows of all of them together.
    #[must_use]
    pub fn together(of: &[Self]) -> Self {
        Self::gathered(of.iter().flat_map(|steps| steps.0.iter().copied()).collect())
    }

    /// A stable sort finds runs in order, or in reverse.
    fn gathered(mut steps: Vec<Step>) -> Self {
        if !steps.is_sorted_by(|a, b| a.score <= b.score) {
            steps.sort_by(|a, b| a.score.total_cmp(&b.score));
        }
        steps.dedup_by(|next, step| {
            let same = next.score.total_cmp(&step.score).is_eq();
            if same {
                (step.rows, step.positives) = (step.rows + next.rows, step.positives + next.positives);
            }
            same
        });
        Self(steps)
    }

    /// [`super::brier`] of the rows: mean squared difference of score and class. NaN without rows.
    pub fn brier(&self) -> f64 {
        let square = |step: &Step| {
            let (score, positives) = (f64::from(step.score), f64::from(step.positives));
            positives * (score - 1.0).powi(2) + (f64::from(step.rows) - positives) * score.powi(2)
        };
        self.0.iter().map(square).sum::<f64>() / self.rows() as f64
    }
}

/// The score of an unsigned key: `order_key` turned back.
fn score_of(key: u32) -> f32 {
    let key = (key ^ SIGN).cast_signed();
    f32::from_bits((key ^ ((key >> 31) & i32::MAX)).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::brier;
    use proptest::prelude::*;

    /// By definition.
    fn by_counting(scores: &[f32], labels: &[u8]) -> Vec<Step> {
        let mut distinct: Vec<f32> = scores.iter().map(|s| s + 0.0).collect();
        distinct.sort_by(f32::total_cmp);
        distinct.dedup();
        let count = |score: f32, of: &dyn Fn(u8) -> bool| {
            scores.iter().zip(labels).filter(|&(&s, &y)| s == score && of(y)).count() as u32
        };
        let step = |score| Step { score, rows: count(score, &|_| true), positives: count(score, &|y| y == 1) };
        distinct.into_iter().map(step).collect()
    }

    proptest! {
        #[test]
        fn steps_are_those_of_sorted_rows(
            rows in prop::collection::vec((prop_oneof![-3i8..3i8, any::<i8>()], any::<bool>()), 0..80),
            scale in prop_oneof![Just(1e-40_f32), Just(0.25), Just(1e30)],
            parts in 1_usize..4,
        ) {
            let score = |&(s, _): &(i8, bool)| if s == 0 { -0.0 } else { f32::from(s) * scale };
            let scores: Vec<f32> = rows.iter().map(score).collect();
            let labels: Vec<u8> = rows.iter().map(|&(_, y)| u8::from(y)).collect();
            let steps = Steps::of(&scores, &labels).unwrap();
            prop_assert_eq!(&steps.0, &by_counting(&scores, &labels));
            prop_assert_eq!(steps.rows(), rows.len() as u64);
            prop_assert!(steps.iter().all(|step| step.score.to_bits() != (-0.0_f32).to_bits()));
            prop_assert!(Steps::of(&[0.0, f32::NAN], &[0, 1]).is_none());
            // Probabilities of few distinct values, which join logits, or turn them round.
            for map in [|s: f32| (s / 40.0).round(), |s: f32| -s] {
                let probabilities: Vec<f32> = scores.iter().map(|&s| map(s)).collect();
                let [raw, of_scores] = Steps::of_both(&scores, &probabilities, &labels).unwrap();
                prop_assert_eq!(&raw, &steps);
                prop_assert_eq!(&of_scores.0, &by_counting(&probabilities, &labels));
            }
            prop_assert_eq!(&Steps::of_both(&scores, &[], &labels).unwrap()[1].0, &[]);
            // Cut into parts and put together again.
            let size = rows.len().div_ceil(parts).max(1);
            let of_parts = scores.chunks(size).zip(labels.chunks(size));
            let of_parts: Vec<Steps> = of_parts.map(|(scores, labels)| Steps::of(scores, labels).unwrap()).collect();
            prop_assert_eq!(&Steps::together(&of_parts), &steps);
            // Maps that keep the order, turn it round, join scores, or do none of it.
            let maps: [fn(f32) -> f32; 4] = [|s| s / 2.0, |s| -s, |s| s.signum(), |s| (s * 4.0).rem_euclid(3.0)];
            for map in maps {
                let mapped: Vec<f32> = scores.iter().map(|&s| map(s + 0.0)).collect();
                prop_assert_eq!(&steps.mapped(map).0, &by_counting(&mapped, &labels));
            }
            if scale == 0.25 && !rows.is_empty() {
                let direct = brier(&scores, &labels);
                prop_assert!((steps.brier() - direct).abs() <= 1e-12 * direct.max(1.0));
            }
        }
    }
}
