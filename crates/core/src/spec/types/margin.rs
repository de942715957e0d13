//! `rank.margin`: up to how much worse a trial may be to count as equal enough.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::metrics::catalogue::Test;

/// Margins by the names of metrics; those that are not set have a default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Margins(BTreeMap<Test, f64>);

impl Margins {
    /// Adds one.
    pub(in crate::spec) fn set(&mut self, test: Test, margin: f64) {
        self.0.insert(test, margin);
    }

    /// Whether none is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The margin in the unit of the metric itself, where the best trial has `best` and the rows that rank have so many
    /// positives: for `auc` 0.1 (1 - AUC) unless set, for `average_precision` 5 % of it, for `op_fn` 2 of 100
    /// positives, for `op_fp` 10 % of the alarms, for `cost` 2 %.
    pub fn of(&self, test: Test, best: f64, positives: u64) -> f64 {
        let set = self.0.get(&test).copied();
        match test {
            Test::Auc => set.unwrap_or(0.1 * (1.0 - best)),
            Test::AveragePrecision => set.unwrap_or(0.05 * best),
            Test::Missed => set.unwrap_or(2.0) / 100.0 * positives as f64,
            Test::Alarms => set.unwrap_or(10.0) / 100.0 * best,
            Test::Cost => set.unwrap_or(2.0) / 100.0 * best,
        }
    }

    /// What a number in the sweep file counts, and may be written after it.
    pub fn unit(test: Test) -> &'static str {
        match test {
            Test::Auc | Test::AveragePrecision => "",
            Test::Missed => "per 100 positives",
            Test::Alarms | Test::Cost => "%",
        }
    }
}

impl Serialize for Margins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(test, margin)| (test.about(), margin)))
    }
}

impl JsonSchema for Margins {
    fn schema_name() -> Cow<'static, str> {
        "Margins".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({"type": "number", "exclusiveMinimum": 0});
        let of = |test: Test| {
            let unit = Self::unit(test);
            let pattern = format!(r"^[0-9]+(\.[0-9]+)? ?{unit}$");
            let value = if unit.is_empty() {
                number.clone()
            } else {
                json_schema!({"anyOf": [number, {"type": "string", "pattern": pattern}]})
            };
            (test.about().to_owned(), value.into())
        };
        let properties: serde_json::Map<String, serde_json::Value> = Test::ALL.into_iter().map(of).collect();
        json_schema!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "description": "`rank.margin`: up to how much worse than the best a simpler trial may be to be deployed.",
        })
    }
}
