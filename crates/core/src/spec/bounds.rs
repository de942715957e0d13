//! Bounds of numbers: what the reader checks, what messages say and what the schema tells editors.

use schemars::{Schema, json_schema};

/// An end of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// There is none.
    Open,
    /// This number still belongs to it.
    At(f64),
    /// Numbers up to this one, but not it.
    Beyond(f64),
}

/// Bounds of a number, with the words for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// `a number above 0`
    pub words: &'static str,
    /// The lower end.
    pub low: End,
    /// The upper end.
    pub high: End,
}

pub(super) const ANY: Bounds = Bounds { words: "a number", low: End::Open, high: End::Open };
pub(super) const POSITIVE: Bounds = Bounds { words: "a number above 0", low: End::Beyond(0.0), high: End::Open };
pub(super) const NOT_NEGATIVE: Bounds = Bounds { words: "a number of at least 0", low: End::At(0.0), high: End::Open };
pub(super) const INSIDE_UNIT: Bounds =
    Bounds { words: "a number above 0 and below 1", low: End::Beyond(0.0), high: End::Beyond(1.0) };
pub(super) const FROM_ZERO_BELOW_ONE: Bounds =
    Bounds { words: "a number from 0 to below 1", low: End::At(0.0), high: End::Beyond(1.0) };
pub(super) const ABOVE_ZERO_TO_ONE: Bounds =
    Bounds { words: "a number above 0 and at most 1", low: End::Beyond(0.0), high: End::At(1.0) };
pub(super) const ABOVE_ZERO_TO_1000: Bounds =
    Bounds { words: "a number above 0 and at most 1000", low: End::Beyond(0.0), high: End::At(1000.0) };
pub(super) const ABOVE_HALF_BELOW_ONE: Bounds =
    Bounds { words: "a number above 0.5 and below 1", low: End::Beyond(0.5), high: End::Beyond(1.0) };
pub(super) const BELOW_HALF: Bounds =
    Bounds { words: "a number above 0 and below 0.5", low: End::Beyond(0.0), high: End::Beyond(0.5) };
/// Rows of a batch: at most more than any file has.
pub(super) const BATCH: Bounds =
    Bounds { words: "a whole number of at least 1", low: End::At(1.0), high: End::At(1_000_000_000.0) };

/// Widest hidden layer.
pub(super) const MAX_WIDTH: u64 = 65_536;
/// Most hidden layers.
pub(super) const MAX_LAYERS: usize = 32;

impl Bounds {
    /// Whether `x` lies within.
    pub fn holds(&self, x: f64) -> bool {
        let above = match self.low {
            End::Open => true,
            End::At(low) => x >= low,
            End::Beyond(low) => x > low,
        };
        let below = match self.high {
            End::Open => true,
            End::At(high) => x <= high,
            End::Beyond(high) => x < high,
        };
        above && below
    }

    /// The least number, where there is one.
    pub fn least(&self) -> Option<f64> {
        if let End::At(low) = self.low { Some(low) } else { None }
    }

    /// JSON Schema of a number (`whole`: of a whole number) within.
    pub(super) fn schema(&self, whole: bool) -> Schema {
        let mut schema = json_schema!({"type": if whole { "integer" } else { "number" }});
        for (end, inclusive, exclusive) in
            [(self.low, "minimum", "exclusiveMinimum"), (self.high, "maximum", "exclusiveMaximum")]
        {
            let (key, value) = match end {
                End::Open => continue,
                End::At(value) => (inclusive, value),
                End::Beyond(value) => (exclusive, value),
            };
            // A whole bound is written as one, as people write it.
            let number = if value.fract() == 0.0 { serde_json::json!(value as i64) } else { serde_json::json!(value) };
            schema.insert(key.to_owned(), number);
        }
        schema
    }
}
