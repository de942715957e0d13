//! report.html: the whole report as one file that needs nothing else.
//!
//! ```text
//! Ranking, results, history, scores ─build─> Payload (JSON) ─page─> template + styles + scripts + plotting library
//! ```
//! All figures come from here and from the rest of [`crate::report`]; the scripts of assets/report draw and sort, they
//! compute no statistics.

pub(super) mod build;
mod calibration;
mod columns;
mod curves;
mod details;
mod headline;
mod history;
mod importance;
mod losses;
mod page;
pub(super) mod payload;
mod thresholds;
mod timeline;

use std::path::Path;

use super::{Ranking, ReportError};

/// The report of a run as one HTML file. `ranking` is that of the run's results, compared with the best.
///
/// # Errors
/// A file of the run is missing or cannot be read.
pub fn to_html(run_dir: &Path, ranking: &Ranking) -> Result<String, ReportError> {
    Ok(page::page(&build::payload(run_dir, ranking)?))
}
