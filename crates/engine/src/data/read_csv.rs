//! CSV to a [`Table`](super::table::Table): arrow splits the cells, the columns are typed here, so that errors can
//! name rows.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Decoder;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::dialect::{Dialect, MOST_RECORD, unreadable};
use super::done::{Done, Read};
use super::error::DataError;
use super::fault::{ColumnFault, Stray};
use super::number::{has_leading_zero, is_too_long};
use super::pick::{Pick, Wanted, wanted};
use super::reading::Reading;
use super::remark::Remark;
use super::row_place::Places;
use super::table::{LevelsBuilder, Values};
use super::understand::{Context, Understood, understand};
use crate::memory::Budget;
use focalsweep_core::spec::ColumnKind;

/// Most rows, cells and bytes split at once. arrow has room for all cells of a batch before it reads one.
const BATCH: usize = 8_192;
const BATCH_CELLS: usize = 1 << 20;
const BATCH_BYTES: usize = 32 << 20;

/// Different words among numbers that are kept; with more a column is no column of numbers.
const MOST_STRAYS: usize = 1_000;

pub(super) fn read(path: &Path, pick: Pick<'_>, reading: &Reading) -> Result<Read, DataError> {
    let dialect = Dialect::of(path, &reading.csv)?;
    let Wanted { columns, mut notes } = wanted(path, &dialect.names, &dialect.nameless, pick, reading)?;
    notes.splice(0..0, dialect.notes.iter().cloned());
    let picked: Vec<Picked> = columns.iter().map(|(index, name)| Picked { index: *index, name }).collect();
    let mut text: Vec<bool> =
        picked.iter().map(|column| reading.kind(column.name) == Some(ColumnKind::Category)).collect();
    // A column starts as numbers when its first batch is. Should text turn up later, the numbers are to be had as
    // they were written, so the file is read once more with that column as text.
    loop {
        let contexts: Vec<Context<'_>> = picked.iter().map(|column| column.context(reading, &dialect)).collect();
        let (rows, grown) = pass(path, &dialect, &picked, &contexts, &text)?;
        let finished: Vec<Finished> =
            grown.into_par_iter().zip(&contexts).map(|(growing, of)| growing.finish(of)).collect();
        let places = Places::of_csv(path, rows, &dialect);
        let mut again = false;
        let mut done = Done::default();
        for (at, finished) in finished.into_iter().enumerate() {
            match finished {
                Finished::Understood(understood) => done.push(picked[at].name, understood),
                Finished::Text => {
                    text[at] = true;
                    again = true;
                }
                Finished::Fault(fault) => done.faults.push(fault),
            }
        }
        if !again {
            return done.read(rows, places, notes, reading);
        }
    }
}

/// A column that is read.
#[derive(Debug, Clone, Copy)]
struct Picked<'a> {
    index: usize,
    name: &'a str,
}

impl<'a> Picked<'a> {
    fn context(self, reading: &'a Reading, dialect: &Dialect) -> Context<'a> {
        let kind = reading.kind(self.name);
        Context { column: self.name, reading, kind, marks: dialect.marks, is_text_by_type: false }
    }
}

fn long_record(path: &Path, record: u64) -> DataError {
    DataError::LongRecord { path: path.to_path_buf(), record, most: MOST_RECORD as u64 >> 20 }
}

/// One reading of the file; returns the rows and the grown columns.
fn pass(
    path: &Path,
    dialect: &Dialect,
    columns: &[Picked<'_>],
    contexts: &[Context<'_>],
    text: &[bool],
) -> Result<(usize, Vec<Growing>), DataError> {
    let budget = Budget::now();
    let mut batches = Batches::open(path, dialect, columns)?;
    let mut grown: Vec<Growing> = Vec::new();
    let (mut rows, mut held) = (0, 0);
    let mut next = batches.next();
    while let Some(batch) = next? {
        if grown.is_empty() {
            let columns = batch.columns().iter().zip(contexts).zip(text);
            grown = columns.map(|((cells, of), &text)| Growing::start(cells, of, text)).collect();
        }
        // While these cells are understood, the next ones are split.
        let understand = || {
            let columns = grown.par_iter_mut().zip(batch.columns()).zip(contexts);
            columns.for_each(|((column, cells), of)| column.grow(cells, of, rows));
            grown.iter().map(Growing::bytes).sum::<u64>()
        };
        let bytes;
        (next, bytes) = rayon::join(|| batches.next(), understand);
        rows += batch.num_rows();
        budget.take(bytes - held).map_err(|short| {
            let what = format!("{}: the first {rows} rows of {} columns alone", path.display(), columns.len());
            DataError::table_memory(what, short)
        })?;
        held = bytes;
    }
    if rows == 0 { Err(DataError::Empty { path: path.to_path_buf() }) } else { Ok((rows, grown)) }
}

/// The rows of a file, some at a time.
struct Batches<'a> {
    path: &'a Path,
    dialect: &'a Dialect,
    reader: BufReader<Box<dyn std::io::Read + Send>>,
    decoder: Decoder,
    /// Rows of a batch.
    most: usize,
    /// Records that were returned; the header is one.
    records: u64,
}

impl<'a> Batches<'a> {
    fn open(path: &'a Path, dialect: &'a Dialect, columns: &[Picked<'_>]) -> Result<Self, DataError> {
        let mut reader = dialect.open_rows(path)?;
        let start = reader.fill_buf().map_err(|e| csv_error(path, dialect, &ArrowError::from(e)))?;
        let lines = start.iter().filter(|&&byte| byte == b'\n').count().max(1);
        let line = (start.len() / lines).max(1);
        let rows = BATCH.min(BATCH_CELLS / dialect.names.len()).min(BATCH_BYTES / line).max(1);
        let field = |name: &String| Field::new(name, DataType::Utf8, true);
        let schema = Schema::new(dialect.names.iter().map(field).collect::<Vec<_>>());
        let decoder = ReaderBuilder::new(Arc::new(schema))
            .with_header(false)
            .with_delimiter(dialect.cuts.delimiter)
            .with_quote(dialect.cuts.quote)
            .with_batch_size(rows)
            .with_projection(columns.iter().map(|column| column.index).collect())
            .build_decoder();
        Ok(Self { path, dialect, reader, decoder, most: rows, records: 1 })
    }

    /// The next rows; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>, DataError> {
        let failed = |error: ArrowError| csv_error(self.path, self.dialect, &error);
        let (mut left, mut record) = (self.decoder.capacity(), 0);
        loop {
            let buffer = self.reader.fill_buf().map_err(|e| failed(e.into()))?;
            let decoded = self.decoder.decode(buffer).map_err(failed)?;
            self.reader.consume(decoded);
            if decoded == 0 || self.decoder.capacity() == 0 {
                break;
            }
            record = if self.decoder.capacity() == left { record + decoded as u64 } else { 0 };
            left = self.decoder.capacity();
            if record > MOST_RECORD as u64 {
                let before = self.records + (self.most - left) as u64;
                return Err(long_record(self.path, before + 1));
            }
        }
        let batch = self.decoder.flush().map_err(failed)?;
        self.records += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        Ok(batch)
    }
}

/// A column while the file is read.
enum Growing {
    Number(Numbers),
    Text(LevelsBuilder),
}

/// Numbers so far, and what else stood there.
#[derive(Default)]
struct Numbers {
    values: Vec<f64>,
    /// Words for missing and how often they stood there.
    missing: HashMap<String, u64>,
    /// Other words, how often, and the first row of each.
    strays: HashMap<String, (u64, usize)>,
    /// A number for people, and what it was taken for.
    adorned: Option<(String, f64)>,
    /// A whole number beyond those that have a double of their own, and its row.
    long: Option<(String, usize)>,
    /// Whether a code of digits begins with zeros.
    leading_zero: bool,
}

/// What a column turned out to be.
enum Finished {
    Understood(Understood),
    /// Text after all: to be read again.
    Text,
    Fault(ColumnFault),
}

/// The trimmed cells, `None` where empty.
fn cells(array: &ArrayRef) -> impl Iterator<Item = Option<&str>> {
    array.as_string::<i32>().iter().map(|cell| cell.map(str::trim).filter(|text| !text.is_empty()))
}

impl Growing {
    fn start(array: &ArrayRef, of: &Context<'_>, text: bool) -> Self {
        let is_number = |cell: &str| of.marks.plain(cell).is_some() || of.is_missing(cell);
        match of.kind {
            Some(ColumnKind::Number) => Self::Number(Numbers::default()),
            None if !text && cells(array).flatten().all(is_number) => Self::Number(Numbers::default()),
            _ => Self::Text(LevelsBuilder::default()),
        }
    }

    fn grow(&mut self, array: &ArrayRef, of: &Context<'_>, rows_before: usize) {
        match self {
            Self::Text(levels) => cells(array).for_each(|cell| levels.push(cell)),
            Self::Number(numbers) => {
                let values = &mut numbers.values;
                if values.capacity() - values.len() < array.len() {
                    // By a quarter: what doubles has room for a second table at the end.
                    values.reserve_exact(array.len().max(values.len() / 4));
                }
                let said = of.kind == Some(ColumnKind::Number);
                for (row, cell) in cells(array).enumerate() {
                    let value = cell.map_or(f64::NAN, |cell| numbers.number(cell, of, said, rows_before + row));
                    numbers.values.push(value);
                }
            }
        }
    }

    /// Bytes that are held.
    fn bytes(&self) -> u64 {
        match self {
            Self::Text(levels) => levels.bytes(),
            Self::Number(numbers) => 8 * numbers.values.len() as u64,
        }
    }

    fn finish(self, of: &Context<'_>) -> Finished {
        match self {
            Self::Number(numbers) => numbers.finish(of),
            Self::Text(levels) => match understand(levels.finish(), of) {
                Ok(understood) => Finished::Understood(understood),
                Err(fault) => Finished::Fault(fault),
            },
        }
    }
}

impl Numbers {
    /// The number that a cell is; NaN for what is none, which is kept.
    fn number(&mut self, cell: &str, of: &Context<'_>, said: bool, row: usize) -> f64 {
        if let Some(value) = of.marks.plain(cell).filter(|value| !value.is_nan())
            && !(of.has_na_values() && of.is_missing(cell))
        {
            if self.long.is_none() && is_too_long(cell) {
                self.long = Some((cell.to_owned(), row));
            }
            self.leading_zero |= has_leading_zero(cell);
            return value;
        }
        if of.is_missing(cell) {
            match self.missing.get_mut(cell) {
                Some(cells) => *cells += 1,
                None => {
                    self.missing.insert(cell.to_owned(), 1);
                }
            }
            return f64::NAN;
        }
        if said && let Some(value) = of.marks.adorned(cell) {
            if self.adorned.is_none() {
                self.adorned = Some((cell.to_owned(), value));
            }
            return value;
        }
        if let Some((cells, _)) = self.strays.get_mut(cell) {
            *cells += 1;
        } else if self.strays.len() < MOST_STRAYS {
            self.strays.insert(cell.to_owned(), (1, row));
        }
        f64::NAN
    }

    fn finish(self, of: &Context<'_>) -> Finished {
        let said = of.kind == Some(ColumnKind::Number);
        if !said && (!self.strays.is_empty() || self.leading_zero || self.long.is_some()) {
            return Finished::Text;
        }
        match self.understood(of, said) {
            Ok(understood) => Finished::Understood(understood),
            Err(fault) => Finished::Fault(fault),
        }
    }

    fn understood(self, of: &Context<'_>, said: bool) -> Result<Understood, ColumnFault> {
        let strays: Vec<(Stray, usize)> =
            self.strays.into_iter().map(|(text, (cells, row))| (Stray { text, cells }, row)).collect();
        let good = self.values.iter().filter(|value| !value.is_nan()).count() as u64;
        let mut remarks: Vec<Remark> = of.stray_numbers(strays, good)?.into_iter().collect();
        remarks.extend(self.long.filter(|_| said).map(|(example, _)| Remark::Rounded(example)));
        remarks.extend(self.adorned.map(|(example, value)| Remark::Adorned { example, value }));
        let mut missing: Vec<Stray> = self.missing.into_iter().map(|(text, cells)| Stray { text, cells }).collect();
        missing.sort_by(|a, b| b.cells.cmp(&a.cells).then_with(|| a.text.cmp(&b.text)));
        if !missing.is_empty() {
            remarks.push(Remark::Missing(missing));
        }
        Ok(Understood { values: Values::Number(self.values), remarks })
    }
}

/// arrow counts records, people count lines.
fn csv_error(path: &Path, dialect: &Dialect, error: &ArrowError) -> DataError {
    let text = match error {
        ArrowError::CsvError(text) | ArrowError::IoError(text, _) => text.clone(),
        other => other.to_string(),
    };
    let line = |record: &str| {
        // arrow was not given the header.
        let record = record.trim_end_matches(',').parse().unwrap_or(0) + 1;
        dialect.line_of(path, record).unwrap_or(record)
    };
    if let Some(rest) = text.strip_prefix("incorrect number of fields for line ") {
        let words: Vec<&str> = rest.split(' ').collect();
        if let [record, "expected", expected, "got", found @ ..] = words.as_slice() {
            let found = if let ["more", ..] = found { "more".to_owned() } else { found.join(" ") };
            return DataError::Ragged {
                path: path.to_path_buf(),
                line: line(record),
                expected: (*expected).to_owned(),
                found,
            };
        }
    }
    if let Some(rest) = text.strip_prefix("Encountered invalid UTF-8 data for line ")
        && let Some((record, column)) = rest.split_once(" and field ")
    {
        return DataError::Utf8 { path: path.to_path_buf(), line: line(record), column: column.to_owned() };
    }
    unreadable(path, &std::io::Error::other(text))
}
