//! When a trial stops: Keras' `EarlyStopping` (keras.io/api/callbacks/early_stopping), one trial's state at a time.

use serde::{Deserialize, Serialize};

use focalsweep_core::spec::{EarlyStopping, Goal, Monitor};

/// Best value so far and how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Patience {
    best: Option<f64>,
    /// 1-based epoch of the best value.
    pub(super) best_epoch: u32,
    waited: u32,
}

/// What an epoch's metric means for a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The best epoch so far.
    Improved,
    /// Not better, but within patience.
    Waits,
    /// Not better for too long.
    Stops,
}

impl Patience {
    /// Judges 1-based `epoch`, `of` which a metric is asked. Without a rule every epoch counts as the best, so that the
    /// last weights are kept.
    pub(super) fn judge(&mut self, rule: Option<&EarlyStopping>, epoch: u32, of: impl Fn(Monitor) -> f64) -> Verdict {
        let Some(rule) = rule else {
            self.best_epoch = epoch;
            return Verdict::Improved;
        };
        let value = of(rule.metric);
        if self.is_bettered(rule, value) {
            *self = Self { best: Some(value), best_epoch: epoch, waited: 0 };
            return Verdict::Improved;
        }
        self.waited += 1;
        if self.waited >= rule.patience { Verdict::Stops } else { Verdict::Waits }
    }

    /// Whether `value` of the rule's metric is better than the best so far.
    pub(super) fn is_bettered(&self, rule: &EarlyStopping, value: f64) -> bool {
        match (self.best, rule.goal) {
            (None, _) => true,
            (Some(best), Goal::Maximize) => value > best + rule.min_delta,
            (Some(best), Goal::Minimize) => value < best - rule.min_delta,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(rule: &EarlyStopping, values: &[f64]) -> (Vec<Verdict>, u32) {
        let mut patience = Patience::default();
        let verdicts = (1..).zip(values).map(|(epoch, &v)| patience.judge(Some(rule), epoch, |_| v)).collect();
        (verdicts, patience.best_epoch)
    }

    #[test]
    fn stops_after_patience_epochs_without_improvement() {
        use Verdict::{Improved, Stops, Waits};
        let rule = EarlyStopping { patience: 2, ..EarlyStopping::default() };
        // Best at epoch 4; epochs 5 and 6 do not better it.
        assert_eq!(
            verdicts(&rule, &[0.5, 0.6, 0.6, 0.7, 0.69, 0.7]),
            (vec![Improved, Improved, Waits, Improved, Waits, Stops], 4)
        );
        let rule =
            EarlyStopping { metric: Monitor::ValLoss, goal: Goal::Minimize, patience: 1, min_delta: 0.1, ..rule };
        assert_eq!(verdicts(&rule, &[1.0, 0.95, 0.8]).0[..2], [Improved, Stops]);
    }

    #[test]
    fn without_a_rule_the_last_epoch_is_the_best() {
        let mut patience = Patience::default();
        assert_eq!(patience.judge(None, 1, |_| 0.9), Verdict::Improved);
        assert_eq!(patience.judge(None, 2, |_| 0.1), Verdict::Improved);
        assert_eq!(patience.best_epoch, 2);
    }
}
