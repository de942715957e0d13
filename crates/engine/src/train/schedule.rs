//! How long a trial trains, and what stops it: what `auto` means on the rows at hand.

use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{EarlyStopping, Epochs, Monitor, Stopping, TrainSpec};

use super::drawn::rows_per_epoch;

/// How long a trial trains on a replicate. The same for all trials of a stack, and for a trial alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Most epochs.
    pub epochs: u32,
    /// What stops it before.
    pub rule: Option<EarlyStopping>,
    /// Epochs from one look of `rule` to the next; the last epoch is always looked at.
    pub every: u32,
    /// Steps of the optimizer in an epoch.
    pub steps: u64,
}

impl Schedule {
    /// Of `trial` on the rows of `data`.
    pub fn of(train: &TrainSpec, trial: &Hyperparameters, data: &Replicate) -> Self {
        let steps = rows_per_epoch(trial, &data.train).div_ceil(trial.batch_size.max(1)) as u64;
        Self::new(train, steps, data.validation.positives())
    }

    /// For epochs of so many steps and so many validation positives.
    pub(super) fn new(train: &TrainSpec, steps: u64, positives: usize) -> Self {
        let epochs_of = |all: u64| u32::try_from(all.div_ceil(steps.max(1))).unwrap_or(u32::MAX);
        let epochs = match train.epochs {
            Epochs::Count(count) => count,
            Epochs::Auto => epochs_of(Epochs::FEWEST_STEPS).max(Epochs::FEWEST),
        };
        let (rule, every) = match &train.early_stopping {
            Stopping::None => (None, 1),
            Stopping::Rule(rule) => (Some(rule.clone()), 1),
            Stopping::Auto => {
                let few = positives < Stopping::POSITIVES_FOR_AUC;
                let metric = if few { Monitor::ValLoss } else { Monitor::ValAuc };
                let rule = EarlyStopping { metric, goal: metric.goal(), ..EarlyStopping::default() };
                (Some(rule), epochs_of(Stopping::STEPS_OF_A_LOOK))
            }
        };
        Self { epochs, rule, every, steps }
    }

    /// Whether the rule looks at the end of 1-based `epoch`.
    pub(super) fn looks_at(&self, epoch: u32) -> bool {
        epoch.is_multiple_of(self.every) || epoch >= self.epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_follows_the_rows() {
        let auto = TrainSpec::default();
        let of = |steps, positives| {
            let Schedule { epochs, rule, every, .. } = Schedule::new(&auto, steps, positives);
            let rule = rule.unwrap();
            assert_eq!((rule.goal, rule.patience), (rule.metric.goal(), 10));
            (epochs, rule.metric, every)
        };
        // A step an epoch, three, those of the default sweep, and an epoch that is a look by itself.
        assert_eq!(of(1, 2), (3000, Monitor::ValLoss, 100));
        assert_eq!(of(3, 49), (1000, Monitor::ValLoss, 34));
        assert_eq!(of(33, 50), (100, Monitor::ValAuc, 4));
        assert_eq!(of(100, 5000), (100, Monitor::ValAuc, 1));
        assert_eq!(of(u64::MAX, 5000), (100, Monitor::ValAuc, 1));
    }

    #[test]
    fn what_is_said_is_taken_as_it_is() {
        let rule = EarlyStopping { patience: 3, ..EarlyStopping::default() };
        let said = TrainSpec {
            epochs: Epochs::Count(7),
            early_stopping: Stopping::Rule(rule.clone()),
            ..TrainSpec::default()
        };
        assert_eq!(Schedule::new(&said, 1, 2), Schedule { epochs: 7, rule: Some(rule), every: 1, steps: 1 });
        let none = Schedule::new(&TrainSpec { early_stopping: Stopping::None, ..said }, 500, 2);
        assert_eq!((none.rule, none.epochs, none.every), (None, 7, 1));
    }

    #[test]
    fn the_last_epoch_is_looked_at() {
        let schedule = Schedule { epochs: 10, rule: None, every: 4, steps: 25 };
        let looks: Vec<u32> = (1..=10).filter(|&epoch| schedule.looks_at(epoch)).collect();
        assert_eq!(looks, [4, 8, 10]);
    }
}
