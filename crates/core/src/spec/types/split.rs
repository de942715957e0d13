//! `split`: which rows train, which choose, which test.

use schemars::JsonSchema;
use serde::Serialize;

use crate::spec::words::words;

/// `split`: shares of all rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSpec {
    /// Share of the rows held out for the test metrics, in (0, 1).
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub test: f64,
    /// Share of the rows for early stopping, thresholds and ranking, in (0, 1).
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub validation: f64,
    /// Keep the share of positives equal in the parts.
    pub stratify: bool,
    /// Whether the replicates share their test rows.
    pub test_rows: TestRows,
    /// Share of the negatives set aside, in (0, 1), that neither train, stop, rank nor choose: what
    /// `operating_point.confidence` needs; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub calibration: Option<f64>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { test: 0.2, validation: 0.16, stratify: true, test_rows: TestRows::Fixed, calibration: None }
    }
}

words! {
    /// `split.test_rows`: which replicates have the same test rows.
    pub enum TestRows {
        /// All: replicates draw training and validation rows from what is left.
        Fixed = "fixed",
        /// None: each replicate draws all of its rows anew.
        Redraw = "redraw",
    }
}
