//! `open`: the page of a run in the browser.

use std::process::ExitCode;

use super::exported::refused;
use super::spec::closed;
use crate::cli::OpenArgs;
use crate::output::{self, Failure};
use crate::run::PAGE;
use focalsweep_core::shell::quoted;
use focalsweep_report as report;

pub(super) fn open(args: &OpenArgs) -> Result<ExitCode, Failure> {
    // Says what is wrong with a folder that is no run directory.
    report::run_files(&args.run_dir)?;
    let page = args.run_dir.join(PAGE);
    if !page.is_file() {
        let message = format!("there is no {}", page.display());
        let dir = quoted(&args.run_dir);
        let help = format!("`focalsweep report {dir} --html {}` writes it", quoted(&page));
        return Err(refused(message, &help));
    }
    output::path(&page).map_err(closed)?;
    if let Err(error) = open::that_detached(&page) {
        output::warn(&format!("no browser was started: {error}; open the file above by hand"));
    }
    Ok(ExitCode::SUCCESS)
}
