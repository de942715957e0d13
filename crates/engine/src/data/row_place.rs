//! Where a row stands in its file, as people find it.

use std::io::{BufRead, BufReader};
use std::path::Path;

use super::error::Place;
use super::format::{Format, open_text};

/// The 0-based `row` of `path` as people find it.
pub(super) fn row_place(path: &Path, row: usize) -> Place {
    let row = row as u64 + 1;
    let line = match Format::by_name(path) {
        Ok(Format::Csv | Format::CsvGz) => line_of_record(path, row + 1),
        _ => None,
    };
    Place { row, line }
}

/// The 1-based line on which the 1-based `record` of a CSV file starts; the header is record 1, empty lines are none.
pub(super) fn line_of_record(path: &Path, record: u64) -> Option<u64> {
    let mut reader = BufReader::new(open_text(path).ok()?);
    let (mut line, mut records) = (1, 0);
    let (mut in_record, mut in_quotes, mut cell_starts, mut before) = (false, false, true, 0);
    loop {
        let buffer = reader.fill_buf().ok()?;
        let length = buffer.len();
        if length == 0 {
            return None;
        }
        for &byte in buffer {
            let ends_line = byte == b'\r' || byte == b'\n';
            if ends_line && !in_quotes {
                in_record = false;
                cell_starts = true;
            } else {
                if !in_record {
                    in_record = true;
                    records += 1;
                    if records == record {
                        return Some(line);
                    }
                }
                if byte == b'"' {
                    in_quotes = if in_quotes { false } else { cell_starts || before == b'"' };
                }
                cell_starts = !in_quotes && byte == b',';
            }
            if byte == b'\n' && before == b'\r' {
                // The line was counted at its carriage return.
            } else if ends_line {
                line += 1;
            }
            before = byte;
        }
        reader.consume(length);
    }
}
