//! Where a row stands in its file, as people find it.

use std::path::{Path, PathBuf};

use super::dialect::Dialect;
use super::place::Place;

/// Where the rows of a table stand.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Places {
    /// In the order of the table.
    parts: Vec<Part>,
    /// Of each row of the table, its number among all rows of the parts; `None` where all are there.
    kept: Option<Vec<u32>>,
}

/// A file with some of the rows.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    path: PathBuf,
    rows: usize,
    /// Of a file with lines.
    dialect: Option<Dialect>,
}

impl Places {
    pub(super) fn of_csv(path: &Path, rows: usize, dialect: &Dialect) -> Self {
        let dialect = Some(dialect.clone());
        Self { parts: vec![Part { path: path.to_path_buf(), rows, dialect }], kept: None }
    }

    /// Of Parquet files with so many rows each.
    pub(super) fn of_parquet(files: impl IntoIterator<Item = (PathBuf, usize)>) -> Self {
        let parts = files.into_iter().map(|(path, rows)| Part { path, rows, dialect: None }).collect();
        Self { parts, kept: None }
    }

    /// Of the rows that are kept, by their number before.
    pub(super) fn keep(&mut self, rows: Vec<u32>) {
        self.kept = Some(match &self.kept {
            None => rows,
            Some(kept) => rows.iter().filter_map(|&row| kept.get(row as usize).copied()).collect(),
        });
    }

    /// The number of a row of the table among all rows of the parts.
    pub(super) fn number(&self, row: u32) -> u32 {
        self.kept.as_ref().and_then(|kept| kept.get(row as usize)).map_or(row, |&number| number)
    }

    /// The row of the table that has this number among all rows of the parts.
    pub(super) fn row_of(&self, number: u32) -> Option<usize> {
        match &self.kept {
            None => Some(number as usize),
            Some(kept) => kept.binary_search(&number).ok(),
        }
    }

    /// The 0-based `row` of the table as people find it.
    pub(super) fn of(&self, row: usize) -> Place {
        let mut row = u32::try_from(row).map_or(row, |row| self.number(row) as usize);
        for part in &self.parts {
            if row < part.rows {
                let file = (self.parts.len() > 1).then(|| part.path.clone());
                let number = row as u64 + 1;
                let line = part.dialect.as_ref().and_then(|dialect| dialect.line_of(&part.path, number + 1));
                return Place { file, row: number, line };
            }
            row -= part.rows;
        }
        Place { file: None, row: row as u64 + 1, line: None }
    }
}
