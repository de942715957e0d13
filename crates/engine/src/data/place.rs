//! Where a row stands, in words.

use std::fmt;
use std::path::PathBuf;

/// A row as people count: from 1, with the line where the file has lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, where there are several.
    pub file: Option<PathBuf>,
    /// 1-based row of the data.
    pub row: u64,
    /// 1-based line of the CSV file.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(line) = self.line {
            write!(f, " (line {line} of the file)")?;
        }
        match &self.file {
            Some(file) => write!(f, " of {}", file.display()),
            None => Ok(()),
        }
    }
}
