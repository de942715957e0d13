//! `report`: the ranked table of a run.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::spec::{closed, read_spec};
use crate::cli::{OrderName, PhaseName, ReportArgs, ReportFormat, SplitName};
use crate::output::{self, Failure, Plain};
use crate::pager;
use crate::run::{Look, WITH_INTERVALS, default_root, on_all_cores, report_of, together};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{RunFiles, write_named};
use focalsweep_core::spec::{self, Order, RankSpec, Split};
use focalsweep_report::{self as report, Csv, Exporter, Json, Live, Markdown, Options, Report, Results, Scores, Table};

/// Lines of a table unless `--all` or `--top` says otherwise: what a screen shows.
const LINES: usize = 40;

pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let mut looks = Vec::with_capacity(args.run_dirs.len());
    for asked in &args.run_dirs {
        let run_dir = &run_dir(asked)?;
        looks.push(match args.unchecked {
            true => Look::unchecked(report::unchecked_run_files(run_dir)?),
            false => Look::at(run_dir)?,
        });
    }
    let look = together(looks)?;
    let files = &look.files;
    let ranked_by = ranked_by(files);
    let options = Options {
        by: args.by.clone().unwrap_or(ranked_by.by),
        on: args.on.map_or(ranked_by.on, split_of),
        order: args.order.map_or(ranked_by.order, order_of),
        top: args.top,
    };
    let point = args.operating_point.as_deref().map(spec::parse_operating_point).transpose().map_err(Failure::input)?;
    let scores = Scores::of(files);
    let (results, mut found) =
        report_of((&look, &scores), &options, (point.as_ref(), phase_of(args.phase)), WITH_INTERVALS)?;
    if let Some(share) = args.prevalence {
        found.at_prevalence(share);
    }
    if let Some(path) = &args.html {
        let live = Live { so_far: look.so_far, reload_seconds: None };
        let page = report::to_html(&scores, &results, (&found, live), &on_all_cores)?;
        write(path, page.as_bytes())?;
        output::talk(&format!("wrote {}", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &args.figures {
        return write_figures(&scores, folder, (&results, &found));
    }
    let terminal = io::stdout().is_terminal();
    let text = match args.format {
        ReportFormat::Table => {
            let width = if terminal { output::width(true) } else { 160 };
            Table { width, lines: (!args.all).then_some(LINES), colour: terminal }.export(&found)
        }
        ReportFormat::Json => Json.export(&found),
        ReportFormat::Csv => Csv.export(&found),
        ReportFormat::Markdown => Markdown.export(&found),
    };
    if args.format == ReportFormat::Table { pager::show(&text) } else { output::data(&text) }.map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// The run directory that is meant: a sweep file stands for the one that `run` makes of it.
fn run_dir(asked: &Path) -> Result<PathBuf, Failure> {
    let is_sweep = asked.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") && asked.is_file();
    Ok(if is_sweep { default_root(&read_spec(asked, &[])?) } else { asked.to_owned() })
}

/// Writes each figure as SVG of two widths and as PNG with its numbers as CSV, and their names to stdout.
fn write_figures(
    scores: &Scores<'_>,
    folder: &Path,
    (results, found): (&Results, &Report),
) -> Result<ExitCode, Failure> {
    let cannot = |error: io::Error| Plain { message: format!("cannot make {}: {error}", folder.display()), help: None };
    fs::create_dir_all(folder).map_err(|e| Failure::environment(cannot(e)))?;
    let mut names = Vec::new();
    for figure in report::figures(scores, results, found, &on_all_cores)? {
        let files = [
            (".svg", figure.svg.as_bytes()),
            ("-3.5in.svg", figure.narrow.as_bytes()),
            (".png", &figure.png),
            (".csv", figure.csv.as_bytes()),
        ];
        for (ending, bytes) in files {
            let path = folder.join(format!("{}{ending}", figure.name));
            write(&path, bytes)?;
            names.push(path.display().to_string());
        }
    }
    output::data(&names.join("\n")).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file as a whole.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |error: io::Error| Plain {
        message: format!("cannot write {}: {error}", path.display()),
        help: Some("its folder must be there and yours to write in, and have room".to_owned()),
    };
    write_named::<io::Error>(path, |out| out.write_all(bytes)).map_err(|e| Failure::environment(cannot(e)))
}

/// The split of a word on the command line.
pub(super) fn split_of(name: SplitName) -> Split {
    match name {
        SplitName::Validation => Split::Validation,
        SplitName::Test => Split::Test,
    }
}

/// The order of a word on the command line.
fn order_of(name: OrderName) -> Order {
    match name {
        OrderName::Keys => Order::Keys,
        OrderName::Front => Order::Front,
    }
}

/// The phase of a word on the command line.
fn phase_of(name: PhaseName) -> Phase {
    match name {
        PhaseName::Search => Phase::Search,
        PhaseName::Confirm => Phase::Confirm,
    }
}

/// How the run's own spec ranks; the usual way where it cannot be read.
pub(super) fn ranked_by(files: &RunFiles) -> RankSpec {
    files.spec().map(|spec| spec.rank).unwrap_or_default()
}
