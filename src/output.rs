//! The one printer: stdout is data, stderr is talk.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use focalsweep_core::record::RunDirError;
use focalsweep_core::text::{escaped_lines, shortened, shortened_lines};
use focalsweep_report::ReportError;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use crate::run::{Blame, RunError};

/// Whether talk is for programs.
static JSON: AtomicBool = AtomicBool::new(false);
/// Whether talk is left out; warnings and errors are not.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on talk goes through tracing, whose lines are JSON, so that all of stderr is.
pub fn talk_as_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// From now on talk is left out; warnings and errors are not.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether talk is left out.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Narrower than this nothing can be read: a terminal that says so (one of no width does) is taken for wider.
const NARROWEST: u16 = 20;

/// Characters of a message that are shown.
const MOST_WORDS: usize = 4_000;
/// Characters of a cell.
const MOST_CELL: usize = 200;

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

    /// What is wrong, without the way out.
    pub fn message(&self) -> String {
        shortened_lines(&self.report.to_string(), MOST_WORDS).into_owned()
    }

    /// Says it on stderr and gives the exit code.
    pub fn report(&self) -> ExitCode {
        if JSON.load(Ordering::Relaxed) {
            let help = self.report.help().map(|help| help.to_string());
            tracing::error!(exit_code = self.code, help, "{}", render(self.report.as_ref(), false));
        } else {
            say(&render(self.report.as_ref(), io::stderr().is_terminal()));
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
        RunError::from(error).into()
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

/// A diagnostic whose words give no orders to a terminal, whatever names are in them. What it shows of a sweep file is
/// safe already (`SpecFaults`).
#[derive(Debug)]
struct Safe<'a> {
    inner: &'a dyn Diagnostic,
    message: String,
    help: Option<String>,
    related: Vec<Safe<'a>>,
}

impl<'a> Safe<'a> {
    fn of(inner: &'a dyn Diagnostic) -> Self {
        let related = inner.related().into_iter().flatten().map(Safe::of).collect();
        let help = inner.help().map(|help| shortened_lines(&help.to_string(), MOST_WORDS).into_owned());
        Self { inner, message: shortened_lines(&inner.to_string(), MOST_WORDS).into_owned(), help, related }
    }
}

impl std::fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Safe<'_> {}

impl Diagnostic for Safe<'_> {
    fn help<'h>(&'h self) -> Option<Box<dyn std::fmt::Display + 'h>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.inner.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.inner.labels()
    }

    fn related<'r>(&'r self) -> Option<Box<dyn Iterator<Item = &'r dyn Diagnostic> + 'r>> {
        let related = self.related.iter().map(|safe| safe as &dyn Diagnostic);
        (!self.related.is_empty()).then(|| Box::new(related) as Box<dyn Iterator<Item = _>>)
    }
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
    let safe = Safe::of(report);
    match handler.render_report(&mut text, &safe) {
        Ok(()) => text.trim_end().to_owned(),
        Err(_) => safe.to_string(),
    }
}

/// Columns of the terminal, 100 where there is none or it does not say.
pub fn width(terminal: bool) -> usize {
    let columns = if terminal { comfy_table::Table::new().width() } else { None };
    columns.filter(|&columns| columns >= NARROWEST).map_or(100, usize::from)
}

/// Rows of cells under each other, two spaces between columns; long cells are cut.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let safe = |row: &[String; N]| row.each_ref().map(|cell| shortened(cell, MOST_CELL).into_owned());
    let rows: Vec<[String; N]> = rows.iter().map(safe).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Writes a line of talk to stderr, whatever names are in it; nothing where nobody wants to hear it.
pub fn talk(text: &str) {
    if !is_quiet() {
        insist(text);
    }
}

/// Writes a warning to stderr, whatever names are in it.
pub fn warn(text: &str) {
    insist(&format!("warning: {text}"));
}

/// Writes a line to stderr that everybody is to hear, whatever names are in it.
pub fn insist(text: &str) {
    if JSON.load(Ordering::Relaxed) {
        tracing::info!(target: "talk", "{}", text.trim());
        return;
    }
    say(&escaped_lines(text));
}

fn say(text: &str) {
    // If stderr is closed there is nowhere left to say so.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes lines for people to stdout, whatever names are in them.
///
/// # Errors
/// stdout cannot be written.
pub fn lines(text: &str) -> io::Result<()> {
    data(&escaped_lines(text))
}

/// Writes a path to stdout: as it is for programs, so that people see what it is.
///
/// # Errors
/// stdout cannot be written.
pub fn path(path: &Path) -> io::Result<()> {
    let text = path.display().to_string();
    if io::stdout().is_terminal() { lines(&text) } else { data(&text) }
}

/// Writes data to stdout. A reader that has gone (`| head`) is not an error.
///
/// # Errors
/// stdout cannot be written.
pub fn data(text: &str) -> io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    bytes(&[text.as_bytes(), end.as_bytes()])
}

/// Writes bytes to stdout as they are, one piece after the other. A reader that has gone is not an error.
///
/// # Errors
/// stdout cannot be written.
pub fn bytes(pieces: &[&[u8]]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match pieces.iter().try_for_each(|piece| out.write_all(piece)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
