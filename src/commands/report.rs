//! `report`: the ranked table of a run.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::spec::closed;
use crate::cli::{ReportArgs, ReportFormat, SplitName};
use crate::output::{self, Failure, Plain};
use focalsweep_core::record::write_atomically;
use focalsweep_core::spec::{self, OperatingPoint, RankSpec, Split};
use focalsweep_report::{
    self as report, Csv, Exporter, Intervals, Json, Markdown, Options, Report, ReportError, Table,
};

/// Trials that have bootstrap intervals.
pub(super) const WITH_INTERVALS: usize = 20;
/// Rows of a table unless `--top` says otherwise: what a screen shows.
const TABLE_ROWS: usize = 20;

pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let ranked_by = ranked_by(&args.run_dir);
    let options = Options {
        by: args.by.clone().unwrap_or(ranked_by.by),
        on: args.on.map_or(ranked_by.on, split_of),
        top: args.top.or((args.format == ReportFormat::Table).then_some(TABLE_ROWS)),
    };
    let point = args.operating_point.as_deref().map(spec::parse_operating_point).transpose().map_err(Failure::input)?;
    let found = report_of(&args.run_dir, &options, point.as_ref(), WITH_INTERVALS).map_err(Failure::input)?;
    if let Some(path) = &args.html {
        let page = report::to_html(&args.run_dir, &found).map_err(Failure::input)?;
        write(path, page.as_bytes())?;
        output::talk(&format!("wrote {}", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &args.figures {
        return write_figures(args, folder, &found);
    }
    let terminal = io::stdout().is_terminal();
    let text = match args.format {
        ReportFormat::Table => {
            let width = if terminal { output::width(true) } else { 160 };
            Table { width, colour: terminal }.export(&found)
        }
        ReportFormat::Json => Json.export(&found),
        ReportFormat::Csv => Csv.export(&found),
        ReportFormat::Markdown => Markdown.export(&found),
    };
    output::data(&text).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes each figure as SVG and PNG, and their names to stdout.
fn write_figures(args: &ReportArgs, folder: &Path, found: &Report) -> Result<ExitCode, Failure> {
    let cannot = |error: io::Error| Plain { message: format!("cannot make {}: {error}", folder.display()), help: None };
    fs::create_dir_all(folder).map_err(|e| Failure::environment(cannot(e)))?;
    let mut names = Vec::new();
    for figure in report::figures(&args.run_dir, found).map_err(Failure::input)? {
        for (ending, bytes) in [("svg", figure.svg.as_bytes()), ("png", &figure.png)] {
            let path = folder.join(figure.name).with_extension(ending);
            write(&path, bytes)?;
            names.push(path.display().to_string());
        }
    }
    output::data(&names.join("\n")).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file as a whole.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |error: io::Error| Plain {
        message: format!("cannot write {}: {error}", path.display()),
        help: Some("the folder must be there and yours to write in".to_owned()),
    };
    write_atomically::<io::Error>(path, |out| out.write_all(bytes)).map_err(|e| Failure::environment(cannot(e)))
}

/// The split of a word on the command line.
pub(super) fn split_of(name: SplitName) -> Split {
    match name {
        SplitName::Validation => Split::Validation,
        SplitName::Test => Split::Test,
    }
}

/// Ranks a run's trials, at another operating point if one is given, says which of them are tied with the best, and
/// answers what the winner buys.
pub(super) fn report_of(
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

/// How the run's own spec ranks; the usual way where it cannot be read.
pub(super) fn ranked_by(run_dir: &Path) -> RankSpec {
    let path = run_dir.join("sweep.yaml");
    let text = fs::read_to_string(&path).unwrap_or_default();
    spec::parse(&path.display().to_string(), &text).map(|spec| spec.rank).unwrap_or_default()
}
