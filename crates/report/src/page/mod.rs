//! report.html: the whole report as one file that needs nothing else.
//!
//! ```text
//! Report, results, history, scores ─build─> Payload (JSON) ─document─> template + styles + scripts + plotting library
//! runs of a folder ─index─> one page with links to theirs
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
mod index;
mod losses;
mod notes;
pub(crate) mod payload;
mod scale;
mod thresholds;
mod timeline;

use crate::evidence::Report;
use crate::read::{ForEach, ReportError, Results, Scores};

pub use build::Live;
pub(crate) use build::{Embedded, payload};
pub use index::{Decided, Indexed, IndexedFigure, MADE_BY, decision_of_page, index_page};
pub use payload::SoFar;
pub(crate) use scale::range_of;

/// Trials of which a page has the figures: it is to open in a browser.
const MOST: usize = 10_000;

/// The report of a run as one HTML file; `results` are those that were ranked, `live` says how far a run is that is not
/// over, and `for_each` shares out the work. The user's notes.md of the run is in it. Of very many trials the first ten
/// thousand are in it, and those that it names.
///
/// # Errors
/// A file of the run is missing or cannot be read.
pub fn to_html(
    scores: &Scores<'_>,
    results: &Results,
    (report, live): (&Report, Live),
    for_each: ForEach<'_>,
) -> Result<String, ReportError> {
    let payload = payload(scores, results, report, (Embedded::First(MOST), live), for_each)?;
    Ok(document::page(&payload.run.name, &payload))
}
