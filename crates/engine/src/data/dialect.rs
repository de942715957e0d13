//! How a CSV file is written: what the sweep file says, and what its first rows leave no doubt about.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::decode::Text;
use super::error::DataError;
use super::format::open_bytes;
use super::number::Marks;
use super::records::{Cuts, Record, Step, Uncommented, Walk, records};
use focalsweep_core::spec::{CsvSpec, Encoding, Word};

/// Bytes in which a dialect is looked for; more where the header is longer.
const SAMPLE: usize = 1 << 16;
/// Rows in which it is looked for.
const ROWS: usize = 200;

/// Longest record: longer is a quote that is not closed, or no table.
pub(super) const MOST_RECORD: usize = 64 << 20;

/// What a column without a name is, as far as can be told.
const NO_NAME: &str = "has no name, as a stored row index";

/// What a column of row names is called, as in R.
const ROW_NAMES: &str = "row.names";

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) text: Text,
    /// Bytes of its byte order mark.
    mark: usize,
    /// Lines before the header.
    skipped: u64,
    pub(super) cuts: Cuts,
    pub(super) marks: Marks,
    /// The columns as the rows have them.
    pub(super) names: Vec<String>,
    /// Columns that no header named, by their place, with what they look like.
    pub(super) nameless: Vec<(usize, &'static str)>,
    /// What was found out, for people.
    pub(super) notes: Vec<String>,
}

impl Dialect {
    /// The dialect of the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read or has no header; its text is of another encoding; it may be cut at two characters; it
    /// begins with comments.
    pub(super) fn of(path: &Path, spec: &CsvSpec) -> Result<Self, DataError> {
        let start = first_bytes(path)?;
        let mut notes = Vec::new();
        let (text, mark) = encoding(path, spec, &start, &mut notes)?;
        let ascii = |c: char| u8::try_from(c).unwrap_or(b',');
        let mut dialect = Self {
            text,
            mark,
            skipped: u64::from(spec.skip_rows),
            cuts: Cuts {
                delimiter: spec.delimiter.map_or(b',', ascii),
                quote: spec.quote.map_or(b'"', ascii),
                comment: spec.comment.map(ascii),
            },
            marks: Marks { decimal: spec.decimal.unwrap_or('.'), thousands: spec.thousands },
            names: Vec::new(),
            nameless: Vec::new(),
            notes,
        };
        let (mut sample, mut whole) = dialect.sample(path, SAMPLE)?;
        dialect.separator_line(spec, &sample);
        if dialect.skipped > u64::from(spec.skip_rows) {
            (sample, whole) = dialect.sample(path, SAMPLE)?;
        }
        if spec.delimiter.is_none() && dialect.skipped == u64::from(spec.skip_rows) {
            dialect.find_delimiter(path, &sample, whole)?;
        }
        if spec.quote.is_none() {
            dialect.find_quote(&sample, whole);
        }
        dialect.find_comments(path, spec, &sample, whole)?;
        let mut rows = records(&sample, dialect.cuts, ROWS, whole);
        while rows.is_empty() && !whole {
            if sample.len() >= MOST_RECORD {
                let most = MOST_RECORD as u64 >> 20;
                return Err(DataError::LongRecord { path: path.to_path_buf(), record: 1, most });
            }
            (sample, whole) = dialect.sample(path, 4 * sample.len())?;
            rows = records(&sample, dialect.cuts, ROWS, whole);
        }
        dialect.name_columns(path, spec, &rows)?;
        Ok(dialect)
    }

    /// The text from its first byte on.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let mut bytes = open_bytes(path)?;
        bytes.read_exact(&mut vec![0; self.mark])?;
        Ok(self.text.decoded(bytes))
    }

    /// The rows: the text behind the header.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn open_rows(&self, path: &Path) -> Result<BufReader<Box<dyn Read + Send>>, DataError> {
        let open = || {
            let mut reader = BufReader::with_capacity(1 << 18, self.open(path)?);
            skip_lines(&mut reader, self.skipped)?;
            let mut walk = Walk::new(self.cuts);
            loop {
                let buffer = reader.fill_buf()?;
                let length = buffer.len();
                if let Some(at) = buffer.iter().position(|&byte| walk.step(byte) == Step::Ends) {
                    reader.consume(at + 1);
                    if self.cuts.comment.is_none() {
                        return Ok(reader);
                    }
                    let text: Box<dyn Read + Send> = Box::new(Uncommented::new(reader, self.cuts));
                    return Ok(BufReader::new(text));
                }
                reader.consume(length);
                if length == 0 {
                    return Ok(reader);
                }
            }
        };
        open().map_err(|error| unreadable(path, &error))
    }

    /// The 1-based line on which the 1-based `record` begins; the header is record 1. `None` where there is none.
    pub(super) fn line_of(&self, path: &Path, record: u64) -> Option<u64> {
        let mut reader = BufReader::new(self.open(path).ok()?);
        skip_lines(&mut reader, self.skipped).ok()?;
        let mut walk = Walk::new(self.cuts);
        loop {
            let buffer = reader.fill_buf().ok()?;
            let length = buffer.len();
            if length == 0 {
                return None;
            }
            for &byte in buffer {
                let line = walk.line;
                if walk.step(byte) == Step::Begins && walk.records == record {
                    return Some(self.skipped + line);
                }
            }
            reader.consume(length);
        }
    }

    /// The first bytes of the text behind the lines that are skipped, and whether that is all of it.
    fn sample(&self, path: &Path, most: usize) -> Result<(Vec<u8>, bool), DataError> {
        let read = || {
            let mut reader = BufReader::new(self.open(path)?);
            skip_lines(&mut reader, self.skipped)?;
            let mut sample = Vec::new();
            reader.take(most as u64 + 1).read_to_end(&mut sample)?;
            let whole = sample.len() <= most;
            sample.truncate(most);
            Ok((sample, whole))
        };
        read().map_err(|error: io::Error| unreadable(path, &error))
    }

    /// `sep=;`, the line by which spreadsheets are told.
    fn separator_line(&mut self, spec: &CsvSpec, sample: &[u8]) {
        let line = sample.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default();
        let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
        if let Some(&[delimiter]) = line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"SEP=")) {
            self.skipped += 1;
            self.cuts.delimiter = spec.delimiter.map_or(delimiter, |c| u8::try_from(c).unwrap_or(delimiter));
            self.notes.push(format!("the first line, `sep={}`, is no row", char::from(delimiter)));
        }
    }

    /// Another delimiter than the comma, where all rows are cut alike by it and not by commas.
    fn find_delimiter(&mut self, path: &Path, sample: &[u8], whole: bool) -> Result<(), DataError> {
        let width = |delimiter: u8| {
            let rows = records(sample, Cuts { delimiter, ..self.cuts }, ROWS, whole);
            let (header, rows) = rows.split_first()?;
            let width = header.cells.len();
            let fits = |more: usize| rows.iter().all(|row| row.cells.len() == width + more);
            (width > 1 && (fits(0) || fits(1))).then_some(width)
        };
        let others: Vec<(u8, usize)> = [b';', b'\t', b'|'].iter().filter_map(|&d| Some((d, width(d)?))).collect();
        let word = |delimiter: u8| match delimiter {
            b'\t' => "tabs".to_owned(),
            b';' => "semicolons".to_owned(),
            other => format!("`{}`", char::from(other)),
        };
        match (width(b','), others.as_slice()) {
            (None, &[(delimiter, columns)]) => {
                self.cuts.delimiter = delimiter;
                self.notes.push(format!("separated by {} ({columns} columns)", word(delimiter)));
                Ok(())
            }
            (Some(commas), &[(delimiter, columns), ..]) if columns > commas => Err(DataError::TwoDelimiters {
                path: path.to_path_buf(),
                found: format!("commas ({commas} columns) or {} ({columns} columns)", word(delimiter)),
            }),
            (None, [first, second, ..]) => Err(DataError::TwoDelimiters {
                path: path.to_path_buf(),
                found: format!("{} ({} columns) or {} ({} columns)", word(first.0), first.1, word(second.0), second.1),
            }),
            _ => Ok(()),
        }
    }

    /// Single quotes, where they stand around all column names.
    fn find_quote(&mut self, sample: &[u8], whole: bool) {
        let Some(header) = records(sample, self.cuts, 1, whole).pop() else { return };
        let is_quoted = |cell: &Vec<u8>| cell.len() > 2 && cell.starts_with(b"'") && cell.ends_with(b"'");
        if header.cells.iter().all(is_quoted) {
            self.cuts.quote = b'\'';
            self.notes.push("single quotes stand around cells".to_owned());
        }
    }

    /// Lines before the header that are no table.
    fn find_comments(&self, path: &Path, spec: &CsvSpec, sample: &[u8], whole: bool) -> Result<(), DataError> {
        let rows = records(sample, self.cuts, ROWS, whole);
        let is_comment = |row: &&Record| row.cells[0].starts_with(b"#");
        let leading = rows.iter().take_while(is_comment).count();
        let fits = |row: &Record| rows.get(leading).is_some_and(|next| next.cells.len() == row.cells.len());
        // A header may begin with `#`: then the rows have as many cells.
        match rows.first() {
            Some(first) if leading > 0 && spec.comment.is_none() && !(leading == 1 && fits(first)) => {
                let line = self.skipped + first.line;
                let start = String::from_utf8_lossy(&first.cells[0]).chars().take(40).collect();
                Err(DataError::LeadingComment { path: path.to_path_buf(), line, start })
            }
            _ => Ok(()),
        }
    }

    /// The columns' names: of the header, and for columns without one as pandas and R call them.
    fn name_columns(&mut self, path: &Path, spec: &CsvSpec, rows: &[Record]) -> Result<(), DataError> {
        let Some((header, rows)) = rows.split_first() else {
            return Err(DataError::Empty { path: path.to_path_buf() });
        };
        let mut names = Vec::with_capacity(header.cells.len() + 1);
        for (at, cell) in header.cells.iter().enumerate() {
            match std::str::from_utf8(cell) {
                Ok(name) => names.push(name.trim().to_owned()),
                Err(_) => {
                    let (line, column) = (self.skipped + header.line, (at + 1).to_string());
                    return Err(DataError::Utf8 { path: path.to_path_buf(), line, column });
                }
            }
        }
        if let ([name], None) = (names.as_slice(), spec.delimiter) {
            let marks = [(';', "semicolons"), ('\t', "tabs"), ('|', "bars (`|`)")];
            if let Some((_, separator)) = marks.into_iter().find(|(mark, _)| name.contains(*mark)) {
                return Err(DataError::Separator { path: path.to_path_buf(), separator });
            }
        }
        if names == [""] {
            return Err(DataError::Empty { path: path.to_path_buf() });
        }
        let is_blank = |row: &Record, at: usize| row.cells.get(at).is_none_or(Vec::is_empty);
        if !rows.is_empty() && rows.iter().all(|row| row.cells.len() == names.len() + 1) {
            if rows.iter().all(|row| is_blank(row, names.len())) {
                names.push(String::new());
            } else {
                names.insert(0, ROW_NAMES.to_owned());
                self.nameless.push((0, "has row names, which the header has no name for"));
            }
        }
        for (at, name) in names.iter_mut().enumerate() {
            if name.is_empty() {
                *name = format!("Unnamed: {at}");
                let what = if rows.iter().all(|row| is_blank(row, at)) { "has no name and no values" } else { NO_NAME };
                self.nameless.push((at, what));
            } else if name.strip_prefix("Unnamed: ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            {
                self.nameless.push((at, NO_NAME));
            }
        }
        self.names = names;
        Ok(())
    }
}

/// The text's encoding, and the bytes of its byte order mark.
fn encoding(path: &Path, spec: &CsvSpec, start: &[u8], notes: &mut Vec<String>) -> Result<(Text, usize), DataError> {
    let by_mark = Text::by_mark(start);
    let wrong = |found: &'static str, write: Encoding| {
        let path = path.to_path_buf();
        let said = spec.encoding.map_or("UTF-8", Word::word);
        Err(DataError::Encoding { path, found, said, write: write.word() })
    };
    match (spec.encoding, by_mark) {
        (None | Some(Encoding::Utf8), Some((Text::Utf8, mark))) => Ok((Text::Utf8, mark)),
        (None, Some((text, mark))) => {
            notes.push("encoded as UTF-16, as its byte order mark says".to_owned());
            Ok((text, mark))
        }
        (Some(Encoding::Utf16), Some((text @ (Text::Utf16Le | Text::Utf16Be), mark))) => Ok((text, mark)),
        (Some(_), Some((Text::Utf8, _))) => wrong("UTF-8", Encoding::Utf8),
        (Some(_), Some(_)) => wrong("UTF-16", Encoding::Utf16),
        (None | Some(Encoding::Utf8), None) if Text::utf16_by_zeros(start).is_some() => {
            wrong("UTF-16 without a byte order mark", Encoding::Utf16)
        }
        (None | Some(Encoding::Utf8), None) => Ok((Text::Utf8, 0)),
        (Some(Encoding::Utf16), None) => Ok((Text::utf16_by_zeros(start).unwrap_or(Text::Utf16Le), 0)),
        (Some(Encoding::Latin1), None) => Ok((Text::Latin1, 0)),
        (Some(Encoding::Windows1252), None) => Ok((Text::Windows1252, 0)),
    }
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut start = Vec::new();
    let read = open_bytes(path).and_then(|bytes| bytes.take(4_096).read_to_end(&mut start));
    read.map(|_| start).map_err(|error| unreadable(path, &error))
}

/// A file that cannot be read as text.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> DataError {
    let is_packed = path.to_string_lossy().to_lowercase().ends_with(".gz");
    if is_packed { DataError::broken("gzip", path, error) } else { DataError::file("read", path, error) }
}

/// Skips whole lines, however they end.
fn skip_lines(reader: &mut impl BufRead, mut lines: u64) -> io::Result<()> {
    let mut before = 0;
    while lines > 0 || before == b'\r' {
        let Some(&byte) = reader.fill_buf()?.first() else { return Ok(()) };
        if before == b'\r' && byte == b'\n' {
            before = 0;
            reader.consume(1);
            continue;
        }
        if lines == 0 {
            return Ok(());
        }
        lines -= u64::from(byte == b'\n' || byte == b'\r');
        before = byte;
        reader.consume(1);
    }
    Ok(())
}
