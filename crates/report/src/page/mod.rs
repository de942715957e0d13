//! report.html: the whole report as one file that needs nothing else.
//!
//! ```text
//! Report, results, history, scores ─build─> Payload (JSON) ─document─> template + styles + scripts + plotting library
//! ```
//! All figures come from here and from the other rooms; the scripts of assets/js draw and sort, they
//! compute no statistics.

mod axes;
mod build;
mod calibration;
mod columns;
mod course;
mod curves;
mod decompose;
mod details;
mod document;
mod forest;
mod headline;
mod history;
mod importance;
mod losses;
pub(crate) mod payload;
mod scale;
mod thresholds;
mod timeline;

use crate::evidence::Report;
use crate::read::{ForEach, ReportError, Results, Scores};

pub(crate) use build::{Embedded, payload};
pub(crate) use scale::range_of;

/// Trials of which a page has the figures: it is to open in a browser.
const MOST: usize = 10_000;

/// The report of a run as one HTML file; `results` are those that were ranked, and `for_each` shares out the work. Of
/// very many trials the first ten thousand are in it, and those that it names.
///
/// # Errors
/// A file of the run is missing or cannot be read.
pub fn to_html(
    scores: &Scores<'_>,
    results: &Results,
    report: &Report,
    for_each: ForEach<'_>,
) -> Result<String, ReportError> {
    Ok(document::page(&payload(scores, results, report, Embedded::First(MOST), for_each)?))
}
