//! The files that are made from results: report.md and report.html.

use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::error::RunError;
use focalsweep_core::record::RunDir;
use focalsweep_core::spec::{OperatingPoint, Spec};
use focalsweep_report::{self as report, Intervals, Options, Ranking, ReportError};

/// Trials that have bootstrap intervals.
pub const WITH_INTERVALS: usize = 20;

/// Ranks a run's trials, at another operating point if one is given, says which of them are tied with the best, and
/// answers what the winner buys.
///
/// # Errors
/// The results cannot be read, or do not have what is asked for.
pub fn ranking(
    run_dir: &Path,
    options: &Options,
    point: Option<&OperatingPoint>,
    with_intervals: usize,
) -> Result<Ranking, ReportError> {
    let mut results = report::read(run_dir)?;
    if let Some(point) = point {
        report::at_operating_point(run_dir, &mut results, point)?;
    }
    let mut ranking = report::rank(&results, options)?;
    report::compare_with_best(run_dir, &results, &mut ranking)?;
    let on_all_cores =
        |n: usize, each: &(dyn Fn(usize) -> Intervals + Sync)| (0..n).into_par_iter().map(each).collect();
    report::answer(run_dir, &results, &mut ranking, with_intervals, &on_all_cores)?;
    Ok(ranking)
}

/// How the spec ranks.
pub(super) fn rank_options(spec: &Spec, top: Option<usize>) -> Options {
    Options { by: spec.rank.by.clone(), on: spec.rank.on, top }
}

/// Writes report.md, what `between` writes, and report.html, which quotes the manifest.
pub(super) fn write_reports(
    spec: &Spec,
    dir: &RunDir,
    between: impl FnOnce() -> Result<(), RunError>,
) -> Result<(), RunError> {
    let ranking = ranking(dir.root(), &rank_options(spec, None), None, WITH_INTERVALS)?;
    dir.write("report.md", ranking.to_markdown().as_bytes())?;
    between()?;
    let page = report::to_html(dir.root(), &ranking)?;
    dir.write("report.html", page.as_bytes())?;
    Ok(())
}
