//! What people should know of how columns were understood: found column by column, said thing by thing.

use super::fault::{Stray, counted, cut};

/// Columns named in a line.
const MOST_COLUMNS: usize = 30;

/// One thing about a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Remark {
    /// Words that stand for missing.
    Missing(Vec<Stray>),
    /// Cells that do not fit, taken as missing as `data.bad_values` says.
    Bad(Vec<Stray>),
    /// `NA` or `None` among text.
    Doubtful(Vec<Stray>),
    /// A category though some of its cells are numbers: how many of its cells.
    Mixed { numbers: u64, cells: u64, example: String },
    /// A category because a code of digits begins with zeros.
    LeadingZero(String),
    /// Numbers written for people, read as the sweep file says.
    Adorned { example: String, value: f64 },
    /// Few numbers that are written for people, or few of many cells.
    FewAdorned(String),
    /// Text of Parquet that is all numbers, some too long to be read as such.
    NumericText { levels: usize },
    /// Text of Parquet that was read as numbers, so many different ones.
    NumbersOfText(usize),
    /// A category of Parquet whose values are numbers.
    Dictionary(String),
    /// Whole numbers rounded to the nearest double, as the sweep file says.
    Rounded(String),
    /// Days and months in another order than that of ISO 8601.
    OtherDates(String),
}

/// The notes and the warnings that remarks on columns make.
pub(super) fn said(remarks: &[(String, Remark)]) -> (Vec<String>, Vec<String>) {
    let list = |tell: &dyn Fn(&Remark) -> Option<String>| -> Option<String> {
        let mut told: Vec<String> = remarks
            .iter()
            .filter_map(|(column, remark)| tell(remark).map(|what| format!("{}{what}", cut(column))))
            .collect();
        let more = told.len().saturating_sub(MOST_COLUMNS);
        told.truncate(MOST_COLUMNS);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        (!told.is_empty()).then(|| told.join("; ") + &more)
    };
    let notes = [
        (
            "words taken as missing: ",
            list(&|remark| match remark {
                Remark::Missing(words) => Some(format!(" {}", counted(words))),
                _ => None,
            }),
        ),
        (
            "cells that do not fit, taken as missing: ",
            list(&|remark| match remark {
                Remark::Bad(words) => Some(format!(" {}", counted(words))),
                _ => None,
            }),
        ),
        (
            "levels of text, missing only if `data.csv.na_values` says so: ",
            list(&|remark| match remark {
                Remark::Doubtful(words) => Some(format!(" {}", counted(words))),
                _ => None,
            }),
        ),
        (
            "categories, though some cells are numbers: ",
            list(&|remark| match remark {
                Remark::Mixed { numbers, cells, example } => {
                    Some(format!(" ({numbers} of {cells} are; others such as `{}`)", cut(example)))
                }
                _ => None,
            }),
        ),
        (
            "categories, since codes begin with zeros (`data.types: {COLUMN: number}` reads numbers): ",
            list(&|remark| match remark {
                Remark::LeadingZero(example) => Some(format!(" (`{}`)", cut(example))),
                _ => None,
            }),
        ),
        (
            "numbers as people write them: ",
            list(&|remark| match remark {
                Remark::Adorned { example, value } => Some(format!(" (`{}` is {value})", cut(example))),
                _ => None,
            }),
        ),
        (
            "numbers, though their type in the file is text (`data.types: {COLUMN: category}` keeps their levels): ",
            list(&|remark| match remark {
                Remark::NumbersOfText(different) => Some(format!(" ({different} different ones)")),
                _ => None,
            }),
        ),
        (
            "rounded to the nearest number there is: ",
            list(&|remark| match remark {
                Remark::Rounded(example) => Some(format!(" (`{}`)", cut(example))),
                _ => None,
            }),
        ),
        (
            "categories by their type in the file (`data.types: {COLUMN: number}` reads numbers): ",
            list(&|remark| match remark {
                Remark::Dictionary(kind) => Some(format!(" (of {kind})")),
                _ => None,
            }),
        ),
    ];
    let warnings = [
        (
            "taken as categories, but look like numbers (`data.types: {COLUMN: number}` reads them): ",
            list(&|remark| match remark {
                Remark::FewAdorned(example) => Some(format!(" (`{}`)", cut(example))),
                Remark::NumericText { levels } => Some(format!(" ({levels} levels of text, all numbers)")),
                _ => None,
            }),
        ),
        (
            "taken as categories, but look like dates, which are read as 2024-12-31 only: ",
            list(&|remark| match remark {
                Remark::OtherDates(example) => Some(format!(" (`{}`)", cut(example))),
                _ => None,
            }),
        ),
    ];
    let lines = |all: &[(&str, Option<String>)]| {
        all.iter().filter_map(|(what, columns)| Some(format!("{what}{}", columns.as_ref()?))).collect()
    };
    (lines(&notes), lines(&warnings))
}
