//! report.html: the whole report as one file that needs nothing else.
//!
//! ```text
//! Report, results, history, scores ─build─> Payload (JSON) ─document─> template + styles + scripts + plotting library
//! ```
//! All figures come from here and from the other rooms; the scripts of assets/js draw and sort, they
//! compute no statistics.

mod build;
mod calibration;
mod columns;
mod curves;
mod details;
mod document;
mod headline;
mod history;
mod importance;
mod losses;
pub(crate) mod payload;
mod thresholds;
mod timeline;

use crate::evidence::{ForEach, Report};
use crate::read::ReportError;
use focalsweep_core::record::RunFiles;

pub(crate) use build::payload;

/// The report of a run as one HTML file; `for_each` shares out its work.
///
/// # Errors
/// A file of the run is missing or cannot be read.
pub fn to_html(files: &RunFiles, report: &Report, for_each: ForEach<'_>) -> Result<String, ReportError> {
    Ok(document::page(&payload(files, report, for_each)?))
}
