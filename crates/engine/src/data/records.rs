//! Where the records of a CSV file begin and end, and what their cells are: for what arrow is not asked, which is the
//! first rows, where a dialect is looked for, and lines, which people count.

use std::io::{self, BufRead, Read};

/// The characters that cut a text into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cuts {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    /// Lines that begin with it are no records.
    pub(super) comment: Option<u8>,
}

/// Walks through the bytes of a text. Empty lines and comments are no records; a quote is one at the start of a cell.
#[derive(Debug)]
pub(super) struct Walk {
    cuts: Cuts,
    /// 1-based line.
    pub(super) line: u64,
    /// Records that have begun.
    pub(super) records: u64,
    in_record: bool,
    in_quotes: bool,
    in_comment: bool,
    cell_starts: bool,
    before: u8,
}

/// A text without its comments; the ends of their lines stay. arrow takes only a line feed for the end of a comment.
pub(super) struct Uncommented<R> {
    text: R,
    walk: Walk,
}

impl<R: BufRead> Uncommented<R> {
    pub(super) fn new(text: R, cuts: Cuts) -> Self {
        Self { text, walk: Walk::new(cuts) }
    }
}

impl<R: BufRead> Read for Uncommented<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let bytes = self.text.fill_buf()?;
            let count = bytes.len().min(buffer.len());
            let mut written = 0;
            for &byte in &bytes[..count] {
                self.walk.step(byte);
                if !self.walk.in_comment {
                    buffer[written] = byte;
                    written += 1;
                }
            }
            self.text.consume(count);
            if written > 0 || count == 0 {
                return Ok(written);
            }
        }
    }
}

/// What a byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Of no record.
    Outside,
    /// The first of a record, and whatever [`Step::Inside`] says of it.
    Begins,
    /// Of a record.
    Inside,
    /// The end of its line, and so of its record.
    Ends,
}

impl Walk {
    pub(super) fn new(cuts: Cuts) -> Self {
        Self {
            cuts,
            line: 1,
            records: 0,
            in_record: false,
            in_quotes: false,
            in_comment: false,
            cell_starts: true,
            before: b'\n',
        }
    }

    pub(super) fn step(&mut self, byte: u8) -> Step {
        let ends_line = byte == b'\r' || byte == b'\n';
        let step = if ends_line && !self.in_quotes {
            let ended = self.in_record;
            (self.in_record, self.in_comment, self.cell_starts) = (false, false, true);
            if ended { Step::Ends } else { Step::Outside }
        } else if self.in_comment || (!self.in_record && self.cuts.comment == Some(byte)) {
            self.in_comment = true;
            Step::Outside
        } else {
            let begins = !self.in_record;
            self.in_record = true;
            self.records += u64::from(begins);
            if byte == self.cuts.quote {
                self.in_quotes = if self.in_quotes { false } else { self.cell_starts || self.before == byte };
            }
            self.cell_starts = !self.in_quotes && byte == self.cuts.delimiter;
            if begins { Step::Begins } else { Step::Inside }
        };
        // Of a carriage return and a line feed the first was counted.
        self.line += u64::from(ends_line && !(byte == b'\n' && self.before == b'\r'));
        self.before = byte;
        step
    }

    /// Whether the byte just taken lies between two cells.
    fn is_between(&self, byte: u8) -> bool {
        byte == self.cuts.delimiter && !self.in_quotes
    }
}

/// A record with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) cells: Vec<Vec<u8>>,
    /// 1-based line on which it begins.
    pub(super) line: u64,
}

/// The first `most` records of `text`. With `whole` the text ends where the file does; else a record that the text
/// breaks off in is left out.
pub(super) fn records(text: &[u8], cuts: Cuts, most: usize, whole: bool) -> Vec<Record> {
    let mut walk = Walk::new(cuts);
    let mut found = Vec::new();
    let mut open: Option<(u64, Vec<Vec<u8>>)> = None;
    for &byte in text {
        let line = walk.line;
        match walk.step(byte) {
            Step::Outside => {}
            Step::Ends => {
                let Some((line, cells)) = open.take() else { continue };
                found.push(finished(cells, line, cuts.quote));
                if found.len() == most {
                    return found;
                }
            }
            step @ (Step::Begins | Step::Inside) => {
                if step == Step::Begins {
                    open = Some((line, vec![Vec::new()]));
                }
                let Some((_, cells)) = &mut open else { continue };
                if walk.is_between(byte) {
                    cells.push(Vec::new());
                } else if let Some(cell) = cells.last_mut() {
                    cell.push(byte);
                }
            }
        }
    }
    if let Some((line, cells)) = open.filter(|_| whole) {
        found.push(finished(cells, line, cuts.quote));
    }
    found
}

/// Cells without the quotes around them, and without blanks at their ends.
fn finished(cells: Vec<Vec<u8>>, line: u64, quote: u8) -> Record {
    let unquoted = |cell: Vec<u8>| {
        let mut cell = cell.as_slice();
        let mut out = Vec::with_capacity(cell.len());
        if let Some(rest) = cell.strip_prefix(&[quote]) {
            cell = rest;
            while let Some((&byte, rest)) = cell.split_first() {
                cell = rest;
                if byte == quote {
                    match cell.split_first() {
                        Some((&next, rest)) if next == quote => cell = rest,
                        // What follows the closing quote belongs to the cell as it stands.
                        _ => break,
                    }
                }
                out.push(byte);
            }
        }
        out.extend_from_slice(cell);
        out.trim_ascii().to_vec()
    };
    Record { cells: cells.into_iter().map(unquoted).collect(), line }
}
