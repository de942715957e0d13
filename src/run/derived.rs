//! The files that are made from others and can be made again: sweep.yaml, report.md and report.html.

use std::path::Path;
use std::{fs, io};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::error::RunError;
use super::observer::Observer;
use focalsweep_core::record::{Manifest, RunDir, RunDirError};
use focalsweep_core::spec::{OperatingPoint, Spec, Split};
use focalsweep_report::{self as report, Exporter, Intervals, Markdown, Options, Report, ReportError};

/// Trials that have bootstrap intervals.
pub const WITH_INTERVALS: usize = 20;

/// Ranks a run's trials, at another operating point if one is given, says which of them are tied with the best, and
/// answers what the winner buys.
///
/// # Errors
/// The results cannot be read, or do not have what is asked for.
pub fn report_of(
    run_dir: &Path,
    options: &Options,
    point: Option<&OperatingPoint>,
    with_intervals: usize,
) -> Result<Report, ReportError> {
    let mut results = report::read(run_dir)?;
    if let Some(point) = point {
        report::at_operating_point(run_dir, &mut results, point)?;
    }
    let ranking = report::rank(&results, options)?;
    let on_all_cores =
        |n: usize, each: &(dyn Fn(usize) -> Intervals + Sync)| (0..n).into_par_iter().map(each).collect();
    Report::new(run_dir, &results, ranking, with_intervals, &on_all_cores)
}

/// How the spec ranks.
pub(super) fn rank_options(spec: &Spec, top: Option<usize>) -> Options {
    Options { by: spec.rank.by.clone(), on: spec.rank.on, top }
}

/// Writes report.md, the manifest, and report.html, which quotes it.
pub(super) fn write_reports(spec: &Spec, dir: &RunDir, manifest: &mut Manifest) -> Result<(), RunError> {
    let found = report_of(dir.root(), &rank_options(spec, None), None, WITH_INTERVALS)?;
    dir.write("report.md", Markdown.export(&found).as_bytes())?;
    dir.write_manifest(manifest)?;
    let page = report::to_html(dir.root(), &found)?;
    dir.write("report.html", page.as_bytes())?;
    Ok(())
}

/// Makes the derived files of a finished run say what `new` says, where it ranks otherwise than `old` or runs
/// elsewhere, and makes reports that are not there.
pub(super) fn refresh(
    dir: &RunDir,
    manifest: &mut Manifest,
    old: &Spec,
    new: &Spec,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let reports = ["report.md", "report.html"].map(|name| dir.path(name));
    let can_be = manifest.counts.rows > manifest.counts.failed;
    let are_due = can_be && (old.rank != new.rank || !reports.iter().all(|path| path.exists()));
    if are_due {
        // Before sweep.yaml says otherwise than they do: a process that dies in between leaves none, and so the next
        // one makes them.
        for path in &reports {
            match fs::remove_file(path) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(RunDirError::io(path, why).into()),
                _ => {}
            }
        }
    }
    if old != new {
        dir.write_spec(new)?;
    }
    if are_due {
        observer.say(&format!("report.md and report.html are made again: {}", rank_in_words(new)));
        write_reports(new, dir, manifest)?;
    }
    if old != new || are_due {
        dir.write_manifest(manifest)?;
    }
    Ok(())
}

/// `ranked by auc, fn on the validation rows`.
fn rank_in_words(spec: &Spec) -> String {
    let rows = match spec.rank.on {
        Split::Validation => "validation",
        Split::Test => "test",
    };
    format!("ranked by {} on the {rows} rows", spec.rank.by.join(", "))
}
