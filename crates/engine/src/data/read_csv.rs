//! CSV to a [`Table`]: arrow splits the cells, the columns are typed here, so that errors can name rows.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::{Decoder, Format as CsvFormat};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::error::DataError;
use super::format::{Format, open_text};
use super::pick::{Pick, Wanted, wanted};
use super::row_place::{line_of_record, row_place};
use super::table::{Column, Levels, LevelsBuilder, Table, Values};
use super::time::{self, Written};
use crate::memory::Budget;

const MISSING: [&str; 9] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"];

/// Most rows, cells and bytes split at once. arrow has room for all cells of a batch before it reads one.
const BATCH: usize = 8_192;
const BATCH_CELLS: usize = 1 << 20;
const BATCH_BYTES: usize = 32 << 20;

/// Longest record: longer is a quote that is not closed, or no table.
const MOST_RECORD: u64 = 64 << 20;

/// A column of which at least this share of the cells are numbers is meant to be one of numbers.
const MOSTLY: f64 = 0.9;

pub(super) fn read(path: &Path, pick: Pick<'_>, categorical: &[String]) -> Result<Table, DataError> {
    let names = header(path)?;
    let mut columns = wanted(path, &names, pick, categorical)?;
    let mut text: Vec<bool> = columns.iter().map(|column| column.categorical).collect();
    // A column starts as numbers when its first batch is. Should text turn up later, the numbers are to be had as
    // they were written, so the file is read once more with that column as text.
    loop {
        let (rows, grown) = pass(path, &names, &columns, &text)?;
        let typed: Vec<Typed> =
            grown.into_par_iter().zip(&columns).map(|(values, column)| values.finish(column.categorical)).collect();
        let mut again = false;
        let mut done = Vec::with_capacity(columns.len());
        for (at, typed) in typed.into_iter().enumerate() {
            match typed {
                Typed::Values(values) => done.push(values),
                Typed::Text => {
                    text[at] = true;
                    again = true;
                }
                Typed::Bad { row, value } => {
                    let column = columns.swap_remove(at).name;
                    return Err(DataError::NotANumber { column, place: row_place(path, row), value });
                }
            }
        }
        if !again {
            let columns =
                columns.into_iter().zip(done).map(|(column, values)| Column { name: column.name, values }).collect();
            return Ok(Table { columns, rows });
        }
    }
}

fn header(path: &Path) -> Result<Vec<String>, DataError> {
    let mut limited = open_text(path)?.take(MOST_RECORD);
    let inferred = CsvFormat::default().with_header(true).infer_schema(BufReader::new(&mut limited), Some(0));
    if limited.limit() == 0 {
        return Err(long_record(path, 1));
    }
    let (schema, _) = inferred.map_err(|e| csv_error(path, &e))?;
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().trim().to_owned()).collect();
    match names.as_slice() {
        [] => Err(DataError::Empty { path: path.to_path_buf() }),
        [only] if only.contains(';') => Err(DataError::Separator { path: path.to_path_buf(), separator: "semicolons" }),
        [only] if only.contains('\t') => Err(DataError::Separator { path: path.to_path_buf(), separator: "tabs" }),
        _ => Ok(names),
    }
}

fn long_record(path: &Path, record: u64) -> DataError {
    DataError::LongRecord { path: path.to_path_buf(), record, most: MOST_RECORD >> 20 }
}

/// One reading of the file; returns the rows and the grown columns.
fn pass(path: &Path, names: &[String], columns: &[Wanted], text: &[bool]) -> Result<(usize, Vec<Growing>), DataError> {
    let budget = Budget::now();
    let mut batches = Batches::open(path, names, columns)?;
    let mut grown: Vec<Growing> = Vec::new();
    let (mut rows, mut held) = (0, 0);
    let mut next = batches.next();
    while let Some(batch) = next? {
        if grown.is_empty() {
            grown = batch.columns().iter().zip(text).map(|(cells, &text)| Growing::start(cells, text)).collect();
        }
        // While these cells are understood, the next ones are split.
        let understand = || {
            let columns = grown.par_iter_mut().zip(batch.columns());
            columns.for_each(|(column, cells)| column.grow(cells, rows));
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
    reader: BufReader<Box<dyn Read + Send>>,
    decoder: Decoder,
    /// Rows of a batch.
    most: usize,
    /// Records that were returned; the header is one.
    records: u64,
}

impl<'a> Batches<'a> {
    fn open(path: &'a Path, names: &[String], columns: &[Wanted]) -> Result<Self, DataError> {
        let mut reader = BufReader::with_capacity(1 << 18, open_text(path)?);
        let start = reader.fill_buf().map_err(|e| csv_error(path, &ArrowError::from(e)))?;
        let lines = start.iter().filter(|&&byte| byte == b'\n').count().max(1);
        let line = (start.len() / lines).max(1);
        let rows = BATCH.min(BATCH_CELLS / names.len()).min(BATCH_BYTES / line).max(1);
        let schema = Schema::new(names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>());
        let decoder = ReaderBuilder::new(Arc::new(schema))
            .with_header(true)
            .with_batch_size(rows)
            .with_projection(columns.iter().map(|column| column.index).collect())
            .build_decoder();
        Ok(Self { path, reader, decoder, most: rows, records: 1 })
    }

    /// The next rows; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>, DataError> {
        let failed = |error: ArrowError| csv_error(self.path, &error);
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
            if record > MOST_RECORD {
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
    Number { values: Vec<f64>, missing: usize, others: usize, first_other: Option<(usize, String)> },
    Text(LevelsBuilder),
}

/// What a column turned out to be.
enum Typed {
    Values(Values),
    /// Text after all: to be read again.
    Text,
    /// Numbers but for a few cells.
    Bad {
        row: usize,
        value: String,
    },
}

/// The trimmed cells, `None` where missing.
fn cells(array: &ArrayRef) -> impl Iterator<Item = Option<&str>> {
    array.as_string::<i32>().iter().map(|cell| cell.map(str::trim).filter(|text| !MISSING.contains(text)))
}

impl Growing {
    fn start(array: &ArrayRef, text: bool) -> Self {
        if text || cells(array).flatten().any(|cell| cell.parse::<f64>().is_err()) {
            Self::Text(LevelsBuilder::default())
        } else {
            Self::Number { values: Vec::new(), missing: 0, others: 0, first_other: None }
        }
    }

    fn grow(&mut self, array: &ArrayRef, rows_before: usize) {
        match self {
            Self::Text(levels) => cells(array).for_each(|cell| levels.push(cell)),
            Self::Number { values, missing, others, first_other } => {
                if values.capacity() - values.len() < array.len() {
                    // By a quarter: what doubles has room for a second table at the end.
                    values.reserve_exact(array.len().max(values.len() / 4));
                }
                for (row, cell) in cells(array).enumerate() {
                    values.push(match cell.map(str::parse::<f64>) {
                        Some(Ok(value)) => value,
                        None => {
                            *missing += 1;
                            f64::NAN
                        }
                        Some(Err(_)) => {
                            *others += 1;
                            if first_other.is_none() {
                                *first_other = Some((rows_before + row, cell.unwrap_or_default().to_owned()));
                            }
                            f64::NAN
                        }
                    });
                }
            }
        }
    }

    /// Bytes that are held.
    fn bytes(&self) -> u64 {
        match self {
            Self::Text(levels) => levels.bytes(),
            Self::Number { values, .. } => 8 * values.len() as u64,
        }
    }

    fn finish(self, categorical: bool) -> Typed {
        match self {
            Self::Number { values, missing, others, first_other } => match first_other {
                None => Typed::Values(Values::Number(values)),
                Some((row, value)) if mostly(values.len() - missing - others, others) => Typed::Bad { row, value },
                Some(_) => Typed::Text,
            },
            Self::Text(levels) => {
                let levels = levels.finish();
                if categorical {
                    return Typed::Values(Values::Text(levels));
                }
                let is_number: Vec<bool> = levels.names.iter().map(|name| name.parse::<f64>().is_ok()).collect();
                let counts = levels.counts(0..levels.codes.len());
                let numbers: u64 = counts.iter().zip(&is_number).filter(|(_, is)| **is).map(|(n, _)| n).sum();
                let others = counts.iter().sum::<u64>() - numbers;
                if mostly(numbers as usize, others as usize)
                    && let Some(row) =
                        levels.codes.iter().position(|&code| is_number.get(code as usize) == Some(&false))
                {
                    let value = levels.get(row).unwrap_or_default().to_owned();
                    return Typed::Bad { row, value };
                }
                let values = booleans(&levels).map(Values::Bool).or_else(|| times(&levels).map(Values::Time));
                Typed::Values(values.unwrap_or(Values::Text(levels)))
            }
        }
    }
}

fn mostly(numbers: usize, others: usize) -> bool {
    numbers as f64 >= MOSTLY * (numbers + others) as f64
}

/// The cells as booleans, when all are `true` or `false` in any case.
fn booleans(levels: &Levels) -> Option<Vec<Option<bool>>> {
    let truths: Vec<bool> = levels
        .names
        .iter()
        .map(|name| name.to_lowercase().parse::<bool>().ok())
        .collect::<Option<_>>()
        .filter(|truths: &Vec<bool>| !truths.is_empty())?;
    Some(levels.codes.iter().map(|&code| truths.get(code as usize).copied()).collect())
}

/// The cells as points in time, when all are dates or times by ISO 8601, with a zone everywhere or nowhere.
fn times(levels: &Levels) -> Option<Vec<i64>> {
    let written: Vec<Written> = levels.names.iter().map(|name| time::parse(name)).collect::<Option<_>>()?;
    let zoned = written.first()?.zoned;
    let of = |&code: &u32| written.get(code as usize).map_or(Values::NO_TIME, |time| time.micros);
    written.iter().all(|time| time.zoned == zoned).then(|| levels.codes.iter().map(of).collect())
}

/// arrow counts records, people count lines.
fn csv_error(path: &Path, error: &ArrowError) -> DataError {
    let text = match error {
        ArrowError::CsvError(text) | ArrowError::IoError(text, _) => text.clone(),
        other => other.to_string(),
    };
    let line = |record: &str| {
        let record = record.trim_end_matches(',').parse().unwrap_or(0);
        line_of_record(path, record).unwrap_or(record)
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
    // Of the header arrow says so in other words, and counts its columns from 0.
    if let Some((_, rest)) = text.split_once("invalid UTF-8 in field ")
        && let Some(Ok(index)) = rest.split(' ').next().map(str::parse::<u64>)
    {
        return DataError::Utf8 { path: path.to_path_buf(), line: 1, column: (index + 1).to_string() };
    }
    match Format::by_name(path) {
        Ok(Format::CsvGz) => DataError::broken("gzip", path, text),
        _ => DataError::file("read", path, text),
    }
}
