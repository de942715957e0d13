//! What a run wrote, as the report needs it: rows, scores and losses of its files, and another operating point of them.

mod curves;
mod error;
mod history;
mod once;
mod operating;
pub(crate) mod parameters;
mod rows;
mod run;
mod scores;
mod share;
mod words;

pub(crate) use curves::{Corner, for_each_corner};
pub(crate) use history::{for_each_epoch, validation_losses};
pub(crate) use operating::percent;
pub(crate) use share::{each_trial, gather};
pub(crate) use words::{column, listed, p_in_words, part_of, split_word, trials_count};

pub use error::ReportError;
pub use once::Scores;
pub use operating::{at_operating_point, metrics_at_operating_point, operating_point_in_words};
pub use rows::{Results, Row, Timing, Value};
pub use run::{read, run_files, unchecked_run_files};
pub use scores::{CalibrationGroup, ScoreGroup, ScoreSource, for_each_calibration_group, for_each_group};
pub use share::ForEach;
pub use words::thousands;
