//! CSV to a [`Table`]: arrow splits the cells, the columns are typed here, so that errors can name rows.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format as CsvFormat;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use rayon::prelude::*;

use super::error::DataError;
use super::format::{Format, open_text};
use super::pick::{Pick, Wanted, wanted};
use super::row_place::{line_of_record, row_place};
use super::table::{Column, Levels, LevelsBuilder, Table, Values};

const MISSING: [&str; 9] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"];

/// Rows split at once.
const BATCH: usize = 8_192;

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
    let (schema, _) = CsvFormat::default()
        .with_header(true)
        .infer_schema(BufReader::new(open_text(path)?), Some(0))
        .map_err(|e| csv_error(path, &e))?;
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().trim().to_owned()).collect();
    match names.as_slice() {
        [] => Err(DataError::Empty { path: path.to_path_buf() }),
        [only] if only.contains(';') => Err(DataError::Separator { path: path.to_path_buf(), separator: "semicolons" }),
        [only] if only.contains('\t') => Err(DataError::Separator { path: path.to_path_buf(), separator: "tabs" }),
        _ => Ok(names),
    }
}

/// One reading of the file; returns the rows and the grown columns.
fn pass(path: &Path, names: &[String], columns: &[Wanted], text: &[bool]) -> Result<(usize, Vec<Growing>), DataError> {
    let schema = Schema::new(names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>());
    let mut reader = ReaderBuilder::new(Arc::new(schema))
        .with_header(true)
        .with_batch_size(BATCH)
        .with_projection(columns.iter().map(|column| column.index).collect())
        .build_buffered(BufReader::with_capacity(1 << 18, open_text(path)?))
        .map_err(|e| csv_error(path, &e))?;
    let mut grown: Vec<Growing> = Vec::new();
    let mut rows = 0;
    let mut next = reader.next();
    while let Some(batch) = next {
        let batch = batch.map_err(|e| csv_error(path, &e))?;
        if grown.is_empty() {
            grown = batch.columns().iter().zip(text).map(|(cells, &text)| Growing::start(cells, text)).collect();
        }
        // While these cells are understood, the next ones are split.
        let understand = || {
            grown.par_iter_mut().zip(batch.columns()).for_each(|(column, cells)| column.grow(cells, rows));
        };
        (next, ()) = rayon::join(|| reader.next(), understand);
        rows += batch.num_rows();
    }
    if rows == 0 { Err(DataError::Empty { path: path.to_path_buf() }) } else { Ok((rows, grown)) }
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
                values.reserve(array.len());
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
                Typed::Values(booleans(&levels).map_or_else(|| Values::Text(levels), Values::Bool))
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
