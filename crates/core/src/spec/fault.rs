//! What is wrong with a sweep file, and where.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::text::{escaped, masked};

/// Faults that are told: a file with more is no sweep that somebody mends line by line.
pub(super) const MOST_FAULTS: usize = 100;

/// One fault of a sweep file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key's path, such as `train.early_stopping.patience`; empty for the file as a whole.
    pub path: String,
    /// Where the fault was written.
    pub origin: Origin,
    /// What was found and what was expected.
    pub message: String,
    /// What to write instead: the nearest known key, or the list of valid keys.
    pub help: Option<String>,
}

/// Where a fault was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the file.
    File {
        /// 1-based line.
        line: usize,
        /// 1-based column, counted in characters.
        column: usize,
        /// Bytes of the text.
        span: Range<usize>,
    },
    /// On the command line: `KEY=VALUE` of `--set`.
    Override(String),
    /// On the command line: an option and its value.
    Option(String),
}

impl Fault {
    /// The fault without its place: `path: message`.
    fn headline(&self) -> String {
        if self.path.is_empty() { self.message.clone() } else { format!("{}: {}", self.path, self.message) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { .. } => {}
            Origin::Override(text) => write!(f, "--set {text}: ")?,
            Origin::Option(text) => write!(f, "{text}: ")?,
        }
        f.write_str(&self.headline())
    }
}

impl Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match &self.origin {
            Origin::File { span, .. } => {
                Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span.clone()))))
            }
            Origin::Override(_) | Origin::Option(_) => None,
        }
    }
}

/// All faults of a sweep file, in the order of the file, those of `--set` last.
///
/// As a [`Diagnostic`] it shows each fault under its source line; [`SpecFaults::lines`] is the plain form.
#[derive(Debug)]
pub struct SpecFaults {
    source: NamedSource<String>,
    faults: Vec<Fault>,
}

impl SpecFaults {
    pub(super) fn new(name: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| match &fault.origin {
            Origin::File { span, .. } => span.start,
            Origin::Override(_) | Origin::Option(_) => usize::MAX,
        });
        // An anchor that is used twice would tell the same thing twice.
        faults.dedup();
        Self { source: NamedSource::new(escaped(name), masked(text).into_owned()), faults }
    }

    /// Name of the file as it was given.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// The text of the file, as it may be shown.
    pub fn text(&self) -> &str {
        self.source.inner()
    }

    /// The faults; at least one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// One line a fault: `file:line:column: path: message (help)`, or `--set KEY=VALUE: path: message (help)`.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.faults.iter().map(|fault| {
            let place = match &fault.origin {
                Origin::File { line, column, .. } => format!("{}:{line}:{column}: ", self.name()),
                Origin::Override(_) | Origin::Option(_) => String::new(),
            };
            let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{place}{fault}{help}")
        })
    }
}

impl fmt::Display for SpecFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        match count {
            1 => write!(f, "{}: 1 fault", self.name()),
            MOST_FAULTS => write!(f, "{}: {count} faults or more, these first", self.name()),
            _ => write!(f, "{}: {count} faults", self.name()),
        }
    }
}

impl Error for SpecFaults {}

impl Diagnostic for SpecFaults {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.faults.iter().map(|fault| fault as &dyn Diagnostic)))
    }
}
