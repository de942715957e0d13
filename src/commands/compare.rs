//! `compare`: two runs side by side.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use tempfile::TempDir;

use super::report::split_of;
use super::spec::closed;
use crate::cli::{CompareArgs, ReportFormat};
use crate::output::{self, Failure};
use crate::run::{Look, on_all_cores};
use focalsweep_core::spec::{self, OperatingPoint, RankSpec};
use focalsweep_report::{self as report, Csv, Exporter, Json, Markdown, Options, Run, Table};

/// Trials of a table unless `--top` says otherwise: what a screen shows.
const TABLE_ROWS: usize = 20;

pub(super) fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let point = args.operating_point.as_deref().map(spec::parse_operating_point).transpose().map_err(Failure::input)?;
    let read = |dir: &Path| run(dir, point.as_ref());
    let ((run_a, _folder_a), (run_b, _folder_b)) = (read(&args.run_a)?, read(&args.run_b)?);
    let runs = [run_a, run_b];
    let ranked_by = runs[0].spec.as_ref().map_or_else(RankSpec::default, |spec| spec.rank.clone());
    let options = Options {
        by: args.by.clone().unwrap_or(ranked_by.by),
        on: args.on.map_or(ranked_by.on, split_of),
        order: ranked_by.order,
        top: Some(args.top.unwrap_or(TABLE_ROWS)),
    };
    let pairing = report::pair(runs, &options, &on_all_cores)?;
    let terminal = io::stdout().is_terminal();
    let text = match args.format {
        ReportFormat::Table => {
            let width = if terminal { output::width(true) } else { 160 };
            Table { width, lines: None, colour: terminal }.export(&pairing)
        }
        ReportFormat::Json => Json.export(&pairing),
        ReportFormat::Csv => Csv.export(&pairing),
        ReportFormat::Markdown => Markdown.export(&pairing),
    };
    output::data(&text).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// A run, and the folder that has to last as long as it.
fn run(dir: &Path, point: Option<&OperatingPoint>) -> Result<(Run, Option<TempDir>), Failure> {
    let Look { files, warnings, folder, .. } = Look::at(dir)?;
    let mut results = report::read(&files)?;
    results.warnings.extend(warnings);
    if let Some(point) = point {
        report::at_operating_point(&files, &mut results, point)?;
    }
    let spec = files.spec().ok();
    Ok((Run { files, results, spec }, folder))
}
