//! What a run found: its trials ranked, as a terminal table, Markdown, CSV and JSON.
//!
//! ```text
//! run directory ─read─> Results ─rank─> Ranking ─compare_with_best─> Ranking ─> to_table, to_markdown, to_csv, to_json
//! ```
//! Reads result files only; [`rank()`] and what follows are pure but for [`compare_with_best`], which reads the scores.

mod busy;
mod compare;
mod error;
mod export;
mod format;
mod front;
mod group;
mod html;
mod markdown;
mod metric;
mod operating;
mod rank;
mod read;
mod rows;
mod scores;
mod summary;
mod table;

#[cfg(test)]
mod tests;

pub use busy::{DeviceUse, Interval, devices_in_words, training_seconds};
pub use compare::compare_with_best;
pub use error::ReportError;
pub use group::Trial;
pub use html::to_html;
pub use metric::Key;
pub use operating::{at_operating_point, operating_point_in_words};
pub use rank::{Ranked, Ranking, rank};
pub use read::read;
pub use rows::{Results, Row, Timing, Value};
pub use scores::{ScoreGroup, for_each_group};

use crate::spec::Split;

/// How to rank and how much to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Metrics without the prefix of the split, the most important first: `auc`, `fn`, `op_fn`.
    pub by: Vec<String>,
    /// The split whose metrics rank.
    pub on: Split,
    /// How many trials to show; absent: all.
    pub top: Option<usize>,
}
