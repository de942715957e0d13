//! Columns in memory, as read: numbers, booleans, text and times.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::time;

/// A data file's columns, all of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// In the order of the file.
    pub columns: Vec<Column>,
    /// Length of each column.
    pub rows: usize,
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// What it holds.
    pub values: Values,
}

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Finite numbers; NaN is a missing one.
    Number(Vec<f64>),
    /// Booleans; `None` is a missing one.
    Bool(Vec<Option<bool>>),
    /// Text, each different one stored once.
    Text(Levels),
    /// Points in time, in microseconds since 1970-01-01 00:00 UTC; [`Values::NO_TIME`] is a missing one.
    Time(Vec<i64>),
}

/// Dictionary-coded text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Levels {
    /// The different texts, in the order in which they turn up.
    pub names: Vec<String>,
    /// Per row the place in `names`, or [`Levels::MISSING`].
    pub codes: Vec<u32>,
}

impl Levels {
    /// The code of a missing cell.
    pub const MISSING: u32 = u32::MAX;

    /// The text of `row`; `None` where it is missing.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.names.get(*self.codes.get(row)? as usize).map(String::as_str)
    }

    /// Rows of each level, in the order of `names`, among `rows`.
    pub(super) fn counts(&self, rows: impl Iterator<Item = usize>) -> Vec<u64> {
        let mut counts = vec![0; self.names.len()];
        for row in rows {
            if let Some(count) = counts.get_mut(self.codes[row] as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// Collects text cells into [`Levels`].
#[derive(Debug, Default)]
pub(super) struct LevelsBuilder {
    names: IndexSet<String>,
    /// Other spellings of a level.
    spellings: HashMap<String, u32>,
    codes: Vec<u32>,
    /// Bytes of the texts.
    text: u64,
}

/// Bytes that a text takes beside its own.
const BESIDE_TEXT: u64 = 64;

impl LevelsBuilder {
    pub(super) fn push(&mut self, cell: Option<&str>) {
        let code = match cell {
            None => Levels::MISSING,
            Some(text) => match self.names.get_index_of(text) {
                Some(code) => code as u32,
                None => self.learn(text),
            },
        };
        self.codes.push(code);
    }

    /// Another spelling: `1.0` is the level `1`, so that a column of categories reads alike from CSV and Parquet.
    fn learn(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.spellings.get(text) {
            return code;
        }
        self.text += text.len() as u64 + BESIDE_TEXT;
        let name = without_zero_fraction(text);
        let (code, _) = self.names.insert_full(name.to_owned());
        if name != text {
            self.spellings.insert(text.to_owned(), code as u32);
        }
        code as u32
    }

    /// Cells so far.
    pub(super) fn rows(&self) -> usize {
        self.codes.len()
    }

    /// Bytes of the levels' names.
    pub(super) fn text_bytes(&self) -> u64 {
        self.text
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> u64 {
        self.text + 4 * self.codes.len() as u64
    }

    pub(super) fn finish(self) -> Levels {
        Levels { names: self.names.into_iter().collect(), codes: self.codes }
    }
}

fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|b| b == b'0') && whole.parse::<i64>().is_ok() =>
        {
            whole
        }
        _ => text,
    }
}

impl Values {
    /// A point in time that is missing.
    pub const NO_TIME: i64 = time::MISSING;

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(levels) => levels.codes.len(),
            Self::Time(values) => values.len(),
        }
    }

    /// Whether the cell of `row` is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Number(values) => values[row].is_nan(),
            Self::Bool(values) => values[row].is_none(),
            Self::Text(levels) => levels.codes[row] == Levels::MISSING,
            Self::Time(values) => values[row] == Self::NO_TIME,
        }
    }

    /// `numbers`, `booleans`, `text` or `times`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "numbers",
            Self::Bool(_) => "booleans",
            Self::Text(_) => "text",
            Self::Time(_) => "times",
        }
    }

    /// How the cell of `row` is written; empty where it is missing.
    pub fn show(&self, row: usize) -> String {
        match self {
            _ if self.is_missing(row) => String::new(),
            Self::Number(values) => values[row].to_string(),
            Self::Bool(values) => values[row].is_some_and(|value| value).to_string(),
            Self::Text(levels) => levels.get(row).unwrap_or_default().to_owned(),
            Self::Time(values) => time::in_words(values[row]),
        }
    }

    /// The same cells as categories.
    pub(super) fn into_levels(self) -> Levels {
        match self {
            Self::Text(levels) => levels,
            other => {
                let mut builder = LevelsBuilder::default();
                for row in 0..other.len() {
                    let text = other.show(row);
                    builder.push(Some(text.as_str()).filter(|_| !other.is_missing(row)));
                }
                builder.finish()
            }
        }
    }
}

impl Column {
    /// Whether it holds points in time.
    pub(super) fn is_time(&self) -> bool {
        matches!(self.values, Values::Time(_))
    }
}

impl Table {
    /// The table of these rows.
    pub(super) fn rows_of(&self, rows: &[u32]) -> Self {
        fn of<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|&row| values[row as usize]).collect()
        }
        let column = |Column { name, values }: &Column| {
            let values = match values {
                Values::Number(values) => Values::Number(of(values, rows)),
                Values::Bool(values) => Values::Bool(of(values, rows)),
                Values::Time(values) => Values::Time(of(values, rows)),
                Values::Text(levels) => {
                    Values::Text(Levels { names: levels.names.clone(), codes: of(&levels.codes, rows) })
                }
            };
            Column { name: name.clone(), values }
        };
        Self { columns: self.columns.iter().map(column).collect(), rows: rows.len() }
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The names in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}
