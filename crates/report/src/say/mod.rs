//! What a report, or two runs side by side, say: in words, and as table, Markdown, CSV and JSON.

mod baseline_first;
mod card;
mod columns;
mod decision;
mod differences;
mod ensemble;
mod few_positives;
mod fold;
mod glossary;
mod json;
mod markdown;
mod methods;
mod new_groups;
mod numbers;
mod pair;
mod pair_columns;
mod paragraphs;
mod prevalence;
mod procedure;
mod ranked;
mod ranks_first;
mod screen;
mod sentences;
mod summary;
mod table;

pub use card::{CardOf, model_card};
pub(crate) use columns::texts;
pub use decision::answer_in_short;
pub(crate) use decision::decision_in_words;
pub(crate) use differences::difference_in_words;
pub use glossary::glossary;
pub(crate) use methods::{is_of_equal_trials, method_columns, methods_note};
pub(crate) use numbers::{interval_in_words, number, with_uncertainty};
pub(crate) use ranked::ranked_columns;
pub(crate) use sentences::sentences;
pub(crate) use summary::{in_words, interval_of, notes};

/// A form in which something is handed out.
pub trait Exporter<T> {
    /// The whole of it as text.
    fn export(&self, what: &T) -> String;
}

/// For a terminal: the answer and a table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Most characters in a line. What has no room beside the rest is told under its row.
    pub width: usize,
    /// Most lines, `None` for all: the best trials and what is to be known first, with the number of the rest. Two runs
    /// side by side are told as they are.
    pub lines: Option<usize>,
    /// Whether the winner's row is set in bold.
    pub colour: bool,
}

/// For documents.
#[derive(Debug, Clone, Copy)]
pub struct Markdown;

/// For spreadsheets: all metrics under their column names.
#[derive(Debug, Clone, Copy)]
pub struct Csv;

/// For programs.
#[derive(Debug, Clone, Copy)]
pub struct Json;
