//! Reader of `early_terminate`.

use super::fields::{At, Reader, Section};
use super::keys;
use super::types::{EarlyRule, EarlyTerminate, Epochs, Split, TrainSpec};

/// Most epochs before the first rung.
const MOST_MIN_EPOCHS: u64 = 100_000;
/// Most epochs of a training.
const MOST_EPOCHS: u64 = 1_000_000;

impl Reader {
    /// `early_terminate`. What it says of the length of trainings is said to `train`.
    pub(super) fn early_terminate(
        &mut self,
        at: &At<'_>,
        root: &Section<'_>,
        ranks_on: Split,
        train: &mut TrainSpec,
    ) -> Option<EarlyTerminate> {
        let section = self.section(at, keys::EARLY_TERMINATE)?;
        let rule = self.required(&section, "type", "`hyperband` or `median`").and_then(|at| self.word::<EarlyRule>(at));
        let mut whole = |key: &str, low: u64, high: u64| section.get_some(key).map(|at| self.whole(at, low, high));
        let min_epochs = whole("min_epochs", 1, MOST_MIN_EPOCHS);
        let max_epochs = whole("max_epochs", 2, MOST_EPOCHS);
        let eta = whole("eta", 2, 10);
        let is_read = |found: &Option<Option<u32>>| *found != Some(None);
        if ![&min_epochs, &max_epochs, &eta].into_iter().all(is_read) {
            return None;
        }
        let mut early = EarlyTerminate {
            rule: rule?,
            min_epochs: min_epochs.flatten(),
            max_epochs: max_epochs.flatten(),
            eta: eta.flatten(),
        };
        match early.rule {
            EarlyRule::Hyperband => early.eta = Some(early.halving()),
            EarlyRule::Median => {
                if let Some(at) = section.get_some("eta") {
                    let help = "take it out, or write `type: hyperband`".to_owned();
                    self.fault_at(at.key_place.clone(), &at.path, "`type: median` does not read it", Some(help));
                }
            }
        }
        if let (Some(max), Some(at)) = (early.max_epochs, section.get_some("max_epochs")) {
            match train.epochs {
                Epochs::Count(count) if count != max => {
                    let message = format!("found {max} beside `train.epochs: {count}`, expected one of them");
                    self.fault_at(at.key_place.clone(), &at.path, message, None);
                }
                _ => train.epochs = Epochs::Count(max),
            }
        }
        if early.rungs(train).is_empty() {
            self.nobody_is_judged(at, &early, train);
        }
        if let Some(at) = root.get("rank").filter(|_| ranks_on == Split::Test) {
            let help = "`rank: {on: validation}`; `report --on test` ranks by the test rows".to_owned();
            let message = "`early_terminate` would choose by the test rows, expected the validation rows";
            self.fault(at, message, Some(help));
        }
        Some(early)
    }

    fn nobody_is_judged(&mut self, at: &At<'_>, early: &EarlyTerminate, train: &TrainSpec) {
        let epochs = match train.epochs {
            Epochs::Count(count) => count,
            Epochs::Auto => Epochs::FEWEST,
        };
        let most = match early.rule {
            EarlyRule::Hyperband => epochs / early.halving(),
            EarlyRule::Median => epochs.saturating_sub(1),
        };
        let message = format!("a training of {epochs} epochs would end before anybody is judged");
        let help = match most {
            0 => "take `early_terminate` out: trainings are that short already".to_owned(),
            most => format!("`min_epochs: {most}` at most, or a larger `max_epochs`"),
        };
        self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
    }
}
