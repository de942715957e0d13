//! Reader of `split`.

use super::bounds::INSIDE_UNIT;
use super::fields::{At, Reader};
use super::keys;
use super::types::{SplitSpec, TestRows};

impl Reader {
    pub(super) fn split(&mut self, at: &At<'_>) -> Option<SplitSpec> {
        let section = self.section(at, keys::SPLIT)?;
        let before = self.faults.len();
        let SplitSpec { test, validation, stratify, test_rows, calibration: _ } = SplitSpec::default();
        let split = SplitSpec {
            test: section.get("test").and_then(|at| self.number(at, INSIDE_UNIT)).unwrap_or(test),
            validation: section.get("validation").and_then(|at| self.number(at, INSIDE_UNIT)).unwrap_or(validation),
            stratify: section.get("stratify").and_then(|at| self.boolean(at)).unwrap_or(stratify),
            test_rows: section.get("test_rows").and_then(|at| self.word::<TestRows>(at)).unwrap_or(test_rows),
            calibration: section.get_some("calibration").and_then(|at| self.number(at, INSIDE_UNIT)),
        };
        let SplitSpec { test, validation, calibration, .. } = split;
        if self.faults.len() == before && test + validation + calibration.unwrap_or(0.0) >= 1.0 {
            let (shares, rows) = match calibration {
                None => (format!("`test` {test} and `validation` {validation}"), "rows"),
                Some(share) => {
                    (format!("`test` {test}, `validation` {validation} and `calibration` {share}"), "negatives")
                }
            };
            let message = format!("{shares} leave no {rows} to train on, expected a sum below 1");
            self.fault_at(section.key_place.clone(), &section.path, message, None);
        }
        Some(split)
    }
}
