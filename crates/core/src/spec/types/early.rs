//! When trials end early that do worse than others.
//!
//! Trials of a wave train together from rung to rung. At each they are judged by what they came to on the validation
//! rows, the mean of their replicates, and some go on.

use schemars::JsonSchema;
use serde::Serialize;

use super::TrainSpec;
use crate::spec::words::words;

words! {
    /// Who goes on at a rung.
    pub enum EarlyRule {
        /// The best, one in `eta`: successive halving, a bracket for each wave (Li et al. 2018, JMLR 18(185)).
        Hyperband = "hyperband",
        /// Who is no worse than the median of all that began with it (Golovin et al. 2017, KDD: Vizier).
        Median = "median",
    }
}

/// `early_terminate`: which trials end early, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyTerminate {
    /// Who goes on.
    #[serde(rename = "type")]
    pub rule: EarlyRule,
    /// Epochs before which nobody is judged; absent: a ninth of `max_epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub min_epochs: Option<u32>,
    /// Epochs of a trial that goes on to the end: `train.epochs`, which it may stand for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1_000_000))]
    pub max_epochs: Option<u32>,
    /// Of how many trials one goes on, and by what factor the epochs of rungs grow; absent: 3. Of `hyperband` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub eta: Option<u32>,
}

impl EarlyTerminate {
    /// `eta` where nothing is said: that of W&B, and of the authors.
    pub const ETA: u32 = 3;
    /// The part of a training after which trials are judged first, where nothing else is said. Measured:
    /// docs/search.md.
    const FIRST: u32 = 9;

    /// Of how many trials one goes on by `hyperband`.
    pub fn halving(&self) -> u32 {
        self.eta.unwrap_or(Self::ETA).max(2)
    }

    /// Where trials are judged that train as `train` says. With `epochs: auto` trainings differ in length, and the
    /// rungs stand at the same parts of each.
    pub fn rungs(&self, train: &TrainSpec) -> Rungs {
        let of = train.epochs.at_least();
        let min = self.min_epochs.unwrap_or(of / Self::FIRST).max(1);
        let mut parts = Vec::new();
        match self.rule {
            EarlyRule::Hyperband => {
                let powers = (1..).map_while(|power| self.halving().checked_pow(power)).map(u64::from);
                parts
                    .extend(powers.take_while(|power| u64::from(min) * power <= u64::from(of)).map(|power| (1, power)));
                parts.reverse();
            }
            EarlyRule::Median => {
                let looks = (1_u64..).map(|look| look * u64::from(min)).take_while(|&end| end < u64::from(of));
                parts.extend(looks.map(|end| (end, u64::from(of))));
            }
        }
        Rungs { parts }
    }
}

/// Where trials are judged: parts of a training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rungs {
    /// Numerators and denominators, ascending, all below 1.
    parts: Vec<(u64, u64)>,
}

impl Rungs {
    /// How many there are; the end of the training is none.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether nobody is ever judged.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The epoch to which a training of `epochs` goes for rung `rung`, rounded up; beyond the last: its end.
    pub fn end(&self, rung: usize, epochs: u32) -> u32 {
        let Some((of, whole)) = self.parts.get(rung) else { return epochs };
        let end = (u64::from(epochs) * of).div_ceil(*whole);
        u32::try_from(end).unwrap_or(epochs).clamp(1, epochs.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Epochs;

    fn ends(rule: EarlyRule, min: Option<u32>, epochs: Epochs, of: u32) -> Vec<u32> {
        let early = EarlyTerminate { rule, min_epochs: min, max_epochs: None, eta: None };
        let rungs = early.rungs(&TrainSpec { epochs, ..TrainSpec::default() });
        (0..=rungs.len()).map(|rung| rungs.end(rung, of)).collect()
    }

    #[test]
    fn rungs_count_down_from_the_end_by_eta() {
        let count = |min, epochs| ends(EarlyRule::Hyperband, min, Epochs::Count(epochs), epochs);
        assert_eq!(count(Some(1), 81), [1, 3, 9, 27, 81]);
        assert_eq!(count(Some(3), 100), [4, 12, 34, 100]);
        assert_eq!(count(None, 100), [12, 34, 100]);
        assert_eq!(count(None, 81), [9, 27, 81]);
        assert_eq!(count(Some(40), 100), [100], "nobody is judged");
    }

    #[test]
    fn rungs_of_auto_stand_at_the_same_parts() {
        assert_eq!(ends(EarlyRule::Hyperband, Some(3), Epochs::Auto, 100), [4, 12, 34, 100]);
        assert_eq!(ends(EarlyRule::Hyperband, Some(3), Epochs::Auto, 1000), [38, 112, 334, 1000]);
    }

    #[test]
    fn the_median_is_asked_every_so_many_epochs() {
        assert_eq!(ends(EarlyRule::Median, Some(4), Epochs::Count(15), 15), [4, 8, 12, 15]);
        assert_eq!(ends(EarlyRule::Median, None, Epochs::Count(9), 9), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(ends(EarlyRule::Median, Some(50), Epochs::Auto, 200), [100, 200]);
    }
}
