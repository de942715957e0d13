//! The files that are made from others and can be made again: sweep.yaml, report.md and report.html.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::error::RunError;
use super::looked::Look;
use super::observer::Observer;
use super::same::is_alike;
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{Manifest, RunDir, RunFiles};
use focalsweep_core::spec::{OperatingPoint, Spec, Split};
use focalsweep_report::{self as report, Exporter, Live, Markdown, Options, Report, ReportError, Results, Scores};

/// Trials that have bootstrap intervals.
pub const WITH_INTERVALS: usize = 20;

/// Ranks a run's trials by the trainings of a phase, at another operating point if one is given, says which of them are
/// tied with the best, and answers what the winner buys. `scores` are those of the files that are looked at. Gives back
/// the results that were ranked, too.
///
/// # Errors
/// The results are damaged or cannot be read, or do not have what is asked for.
pub fn report_of(
    (look, scores): (&Look, &Scores<'_>),
    options: &Options,
    (point, phase): (Option<&OperatingPoint>, Phase),
    with_intervals: usize,
) -> Result<(Results, Report), ReportError> {
    let files = &look.files;
    let mut results = report::read(files)?.ranked_by(phase);
    results.warnings.extend(look.warnings.iter().cloned());
    if phase == Phase::Confirm && results.ranked().next().is_none() {
        return Err(ReportError::NothingConfirmed(files.root().to_owned()));
    }
    let own = results.point_to_measure(&options.by, options.on);
    if let Some(point) = point.or(look.point.as_ref()).or(own.as_ref()) {
        report::at_operating_point(files, &mut results, point)?;
    }
    let ranking = report::rank(&results, options)?;
    scores.keep(&on_all_cores)?;
    let report = Report::new(scores, &results, ranking, with_intervals, &on_all_cores)?;
    Ok((results, report))
}

/// Calls a function for each of 0..n on all cores.
pub fn on_all_cores(n: usize, each: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().for_each(each);
}

/// How the spec ranks.
pub(super) fn rank_options(spec: &Spec, top: Option<usize>) -> Options {
    Options { top, ..Options::from(spec.rank.clone()) }
}

/// Files of the report.
pub const REPORTS: [&str; 2] = ["report.md", PAGE];
/// The page of a run.
pub const PAGE: &str = "report.html";

/// Writes the files of the report. Gives the answer in short.
pub(super) fn write_reports(spec: &Spec, dir: &RunDir, manifest: &mut Manifest) -> Result<Vec<String>, RunError> {
    let look = Look::of(RunFiles::read(dir.root())?)?;
    let scores = Scores::of(&look.files);
    let (results, found) =
        report_of((&look, &scores), &rank_options(spec, None), (None, Phase::Search), WITH_INTERVALS)?;
    let live = Live { so_far: look.so_far, reload_seconds: None };
    let texts = [Markdown.export(&found), report::to_html(&scores, &results, (&found, live), &on_all_cores)?];
    for (name, text) in REPORTS.into_iter().zip(texts) {
        dir.stage(name, text.as_bytes())?;
    }
    dir.commit(manifest)?;
    Ok(report::answer_in_short(&found))
}

/// Makes the derived files of a finished run say what `new` says, where it ranks otherwise than `old` or runs
/// elsewhere, and makes those that are not there, or not as they were written (`mended`). Without an `old` it is not
/// known how the reports rank.
pub(super) fn refresh(
    dir: &RunDir,
    manifest: &mut Manifest,
    (old, mended): (Option<&Spec>, bool),
    new: &Spec,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let can_be = manifest.counts.rows > manifest.counts.failed;
    let are_there = REPORTS.iter().all(|name| manifest.files.contains_key(*name));
    let are_due = can_be
        && (mended
            || !are_there
            || old.is_none_or(|old| (&old.rank, &old.operating_point) != (&new.rank, &new.operating_point)));
    if are_due {
        // Before sweep.yaml says otherwise than they do: a process that dies in between leaves none, and so the next
        // one makes them.
        for name in REPORTS {
            manifest.files.remove(name);
        }
    }
    if !is_alike(old, new) {
        dir.stage_spec(new)?;
    }
    if !is_alike(old, new) || are_due || mended {
        dir.commit(manifest)?;
    }
    if are_due {
        observer.say(&format!("report.md and report.html are made again: {}", rank_in_words(new)));
        write_reports(new, dir, manifest)?;
        dir.commit(manifest)?;
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
