//! The one printer: stdout is data, stderr is talk.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use focalsweep_core::record::RunDirError;
use focalsweep_report::ReportError;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::run::{Blame, RunError};

/// Whether talk is for programs.
static JSON: AtomicBool = AtomicBool::new(false);

/// From now on talk goes through tracing, whose lines are JSON, so that all of stderr is.
pub fn talk_as_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Exit code: some trials failed, the rest are saved.
pub const SOME_FAILED: u8 = 1;
/// Exit code: bad spec, data or arguments.
pub const BAD_INPUT: u8 = 2;
/// Exit code: environment, device or launcher.
pub const ENVIRONMENT: u8 = 3;
/// Exit code: interrupted, resumable.
pub const INTERRUPTED: u8 = 130;

/// An error on its way out of the program, with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    report: Box<dyn Diagnostic + Send + Sync>,
}

impl Failure {
    /// What the user gave is wrong.
    pub fn input(report: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self { code: BAD_INPUT, report: Box::new(report) }
    }

    /// The machine does not do what is needed.
    pub fn environment(report: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self { code: ENVIRONMENT, report: Box::new(report) }
    }

    /// Says it on stderr and gives the exit code.
    pub fn report(&self) -> ExitCode {
        if JSON.load(Ordering::Relaxed) {
            let help = self.report.help().map(|help| help.to_string());
            tracing::error!(exit_code = self.code, help, "{}", render(self.report.as_ref(), false));
        } else {
            talk(&render(self.report.as_ref(), io::stderr().is_terminal()));
        }
        ExitCode::from(self.code)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error.blame() {
            Blame::Input => Self::input(error),
            Blame::Environment => Self::environment(error),
        }
    }
}

impl From<RunDirError> for Failure {
    fn from(error: RunDirError) -> Self {
        RunError::from(error).into()
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::RunDir(error) => error.into(),
            ReportError::Unreadable { .. } => Self::environment(error),
            _ => Self::input(error),
        }
    }
}

/// A message with a hint, for what has no error type of its own.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Plain {
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[help]
    pub help: Option<String>,
}

/// Text of a diagnostic; plain and 100 columns wide where nobody watches.
pub fn render(report: &dyn Diagnostic, terminal: bool) -> String {
    let theme = if terminal && std::env::var_os("NO_COLOR").is_none() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width(terminal)).with_links(false);
    let mut text = String::new();
    match handler.render_report(&mut text, report) {
        Ok(()) => text.trim_end().to_owned(),
        Err(_) => report.to_string(),
    }
}

/// Columns of the terminal, 100 where there is none.
pub fn width(terminal: bool) -> usize {
    let columns = if terminal { comfy_table::Table::new().width() } else { None };
    columns.map_or(100, usize::from)
}

/// Rows of cells under each other, two spaces between columns.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Writes a line of talk to stderr.
pub fn talk(text: &str) {
    if JSON.load(Ordering::Relaxed) {
        tracing::info!(target: "talk", "{}", text.trim());
        return;
    }
    // If stderr is closed there is nowhere left to say so.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes data to stdout. A reader that has gone (`| head`) is not an error.
///
/// # Errors
/// stdout cannot be written.
pub fn data(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
        .and_then(|()| out.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
