//! What a run found: its trials ranked, as a terminal table, Markdown, CSV and JSON.
//!
//! ```text
//! run directory ─read─> Results ─at_operating_point─> Results ─rank─> Ranking ─compare_with_best─> ─answer─> Ranking
//!     ─> to_table, to_markdown, to_csv, to_json
//! two of Results ─pair─> Pairing ─> the same
//! ```
//! Reads result files only. [`rank()`] and the four forms are pure; [`at_operating_point`], [`compare_with_best`],
//! [`answer()`] and [`pair()`] read scores, and history for the starting bias.

mod answer;
mod answer_text;
mod busy;
mod calibration;
mod compare;
mod edge;
mod error;
mod evidence;
mod export;
mod figures;
mod format;
mod front;
mod group;
mod history;
mod html;
mod markdown;
mod methods;
mod metric;
mod operating;
mod pair;
mod pair_text;
mod rank;
mod read;
mod rows;
mod scores;
mod summary;
mod table;

#[cfg(test)]
mod tests;

pub use answer::{Answer, ForEach, Intervals, Optimism, Start, answer};
pub use busy::{DeviceUse, Interval, devices_in_words, training_seconds};
pub use calibration::{Calibration, Reading};
pub use compare::compare_with_best;
pub use error::ReportError;
pub use evidence::Contrast;
pub use figures::{Figure, figures};
pub use format::thousands;
pub use group::Trial;
pub use html::to_html;
pub use methods::Method;
pub use metric::Key;
pub use operating::{at_operating_point, operating_point_in_words};
pub use pair::{Common, Pairing, Run, Side, pair};
pub use rank::{Ranked, Ranking, rank};
pub use read::read;
pub use rows::{Results, Row, Timing, Value};
pub use scores::{ScoreGroup, for_each_group};

use focalsweep_core::spec::Split;

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
