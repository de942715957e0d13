//! `report`: the ranked table of a run.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use super::spec::closed;
use crate::cli::{ReportArgs, ReportFormat, SplitName};
use crate::output::{self, Failure};
use crate::report::{self, Options};
use crate::spec::Split;

pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let results = report::read(&args.run_dir).map_err(Failure::input)?;
    let defaults = results.rank_spec();
    let options = Options {
        by: args.by.clone().unwrap_or(defaults.by),
        on: args.on.map_or(defaults.on, |on| match on {
            SplitName::Validation => Split::Validation,
            SplitName::Test => Split::Test,
        }),
        top: args.top,
    };
    let ranking = report::rank(&results, &options).map_err(Failure::input)?;
    let terminal = io::stdout().is_terminal();
    let text = match args.format {
        ReportFormat::Table => ranking.to_table(if terminal { output::width(true) } else { 160 }, terminal),
        ReportFormat::Json => format!("{:#}", ranking.to_json()),
        ReportFormat::Csv => ranking.to_csv(),
        ReportFormat::Markdown => ranking.to_markdown(),
    };
    output::data(&text).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}
