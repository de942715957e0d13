//! Choices that follow from the data.

use super::facts::Facts;

/// Steps of the optimizer that an epoch should have at least.
const STEPS: usize = 32;
/// Positives that a batch should have on average.
const POSITIVES: f64 = 2.0;
/// Rows of a batch.
const BATCHES: std::ops::RangeInclusive<usize> = 32..=2048;
/// Rates of false alarms, as people say them.
const RATES: [f64; 12] = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5];

impl Facts {
    /// Share of the rows that is positive.
    pub(super) fn share(&self) -> f64 {
        self.positives as f64 / self.rows as f64
    }

    /// Rows of a batch: so few that an epoch has steps enough, so many that a batch has positives; a power of 2.
    pub(super) fn batch_size(&self) -> usize {
        let by_steps = self.training / STEPS;
        let by_positives = (POSITIVES / self.share()).min(*BATCHES.end() as f64) as usize;
        let wanted = by_steps.max(by_positives).clamp(*BATCHES.start(), *BATCHES.end());
        // The power of 2 that is not larger.
        1 << wanted.ilog2()
    }

    /// The rate of false alarms at which there are about as many of them as positives; at least one of the validation
    /// rows' negatives.
    pub(super) fn max_fpr(&self) -> f64 {
        let odds = self.share() / (1.0 - self.share());
        let far = |rate: &f64| (rate / odds).ln().abs();
        let nearest = RATES.into_iter().min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0.01);
        let least = 1.0 / self.validation.1.max(1) as f64;
        RATES.into_iter().find(|&rate| rate >= nearest.max(least)).unwrap_or(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::facts::ReadAs;

    fn facts(rows: usize, positives: usize) -> Facts {
        let validation = (positives * 16 / 100, (rows - positives) * 16 / 100);
        Facts {
            rows,
            positives,
            positive: "1".to_owned(),
            features: 3,
            read_as: ReadAs::default(),
            drop: Vec::new(),
            codes: Vec::new(),
            maybe_codes: Vec::new(),
            times: Vec::new(),
            folds: false,
            training: rows * 64 / 100,
            validation,
            test: positives / 5,
        }
    }

    /// The data of the sweeps in `sweeps/`, which people chose, and small ones.
    #[test]
    fn choices_are_those_that_people_make() {
        for (rows, positives, batch, rate) in [
            (26_217, 1_180, 512, 0.05),
            (284_807, 492, 2048, 0.002),
            (214, 9, 32, 0.05),
            (2_000, 80, 32, 0.05),
            (60, 25, 32, 0.5),
            (1_000_000, 900_000, 2048, 0.5),
        ] {
            let facts = facts(rows, positives);
            assert_eq!((facts.batch_size(), facts.max_fpr()), (batch, rate), "{rows} rows, {positives} positive");
            assert!(facts.max_fpr() * facts.validation.1 as f64 >= 1.0);
        }
    }
}
