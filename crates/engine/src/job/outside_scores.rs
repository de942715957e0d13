//! The scores that a command of the user's wrote: read, and held against the rows that they have to be of.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use arrow::error::ArrowError;
use focalsweep_core::guard::guarded;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::text::shortened;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::train::PartScores;

/// What the files are called, the first that is there counts.
const FILES: [&str; 2] = ["scores.parquet", "scores.csv"];
/// The parts whose rows are scored, as the column `split` has them.
const PARTS: [&str; 3] = ["validation", "test", "calibration"];
/// Rows that are read at a time.
const AT_ONCE: usize = 1 << 16;
/// Characters of a cell that are shown.
const SHOWN: usize = 40;

/// Reads the scores in the folder `out` of the rows of `data`: one for each row of each part but the training rows, in
/// whatever order.
///
/// # Errors
/// There is no file, it cannot be read, or its rows are not those, in words.
pub fn read_scores(out: &Path, data: &Replicate) -> Result<PartScores, String> {
    let parts = PARTS.iter().zip(data.scored());
    let mut scores = Scores::new(parts.map(|(name, rows)| Part { name, rows: Numbers::Listed(&rows.source_rows) }));
    scores.read(out)?;
    let mut found = scores.finish()?.into_iter();
    Ok(std::array::from_fn(|_| found.next().unwrap_or_default()))
}

/// Reads the scores in the folder `out` of so many rows, which count from 0: `row` and `score` for each, in whatever
/// order.
///
/// # Errors
/// There is no file, it cannot be read, or its rows are not those, in words.
pub fn read_predictions(out: &Path, rows: usize) -> Result<Vec<f64>, String> {
    let mut scores = Scores::new([Part { name: "", rows: Numbers::Below(rows) }].into_iter());
    scores.read(out)?;
    Ok(scores.finish()?.pop().unwrap_or_default())
}

/// Rows that are to be scored.
struct Part<'a> {
    /// As the column `split` has it; empty where there is none.
    name: &'static str,
    rows: Numbers<'a>,
}

/// Which numbers rows have.
enum Numbers<'a> {
    /// These, ascending.
    Listed(&'a [u32]),
    /// All from 0 to below this.
    Below(usize),
}

impl Numbers<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Listed(numbers) => numbers.len(),
            Self::Below(end) => *end,
        }
    }

    fn place(&self, row: i64) -> Option<usize> {
        match self {
            Self::Listed(numbers) => numbers.binary_search(&u32::try_from(row).ok()?).ok(),
            Self::Below(end) => usize::try_from(row).ok().filter(|row| row < end),
        }
    }

    fn number(&self, at: usize) -> usize {
        match self {
            Self::Listed(numbers) => numbers[at] as usize,
            Self::Below(_) => at,
        }
    }
}

impl Part<'_> {
    /// `validation rows`, or `rows` where all are alike.
    fn rows_in_words(&self) -> String {
        if self.name.is_empty() { "rows".to_owned() } else { format!("{} rows", self.name) }
    }

    fn row_in_words(&self, row: i64) -> String {
        if self.name.is_empty() { format!("row {row}") } else { format!("{} row {row}", self.name) }
    }
}

/// Scores as they come.
struct Scores<'a> {
    parts: Vec<Part<'a>>,
    found: Vec<Vec<Option<f64>>>,
    /// Rows so far, for messages.
    read: usize,
    /// The file, for messages.
    name: &'static str,
}

impl<'a> Scores<'a> {
    fn new(parts: impl Iterator<Item = Part<'a>>) -> Self {
        let parts: Vec<Part<'a>> = parts.collect();
        Self { found: parts.iter().map(|part| vec![None; part.rows.len()]).collect(), parts, read: 0, name: FILES[0] }
    }

    /// Reads the file in `out`.
    fn read(&mut self, out: &Path) -> Result<(), String> {
        let found = FILES.into_iter().find(|name| out.join(name).exists());
        self.name =
            found.ok_or_else(|| format!("it ended well, but wrote neither out/{} nor out/{}", FILES[0], FILES[1]))?;
        let (name, path) = (self.name, out.join(self.name));
        let fault = |why: String| format!("out/{name}: {why}");
        if !fs::metadata(&path).is_ok_and(|file| file.is_file()) {
            return Err(fault("it is no file".to_owned()));
        }
        let read = || -> Result<(), String> {
            let file = File::open(&path).map_err(|why| why.to_string())?;
            if name == FILES[0] { parquet(file, self) } else { csv(file, self) }
        };
        guarded(read).unwrap_or_else(|| Err("it contradicts itself".to_owned())).map_err(fault)
    }

    /// Whether the file says which part a row is of.
    fn has_split(&self) -> bool {
        self.parts.len() > 1
    }

    fn add(&mut self, split: &str, row: i64, score: f64) -> Result<(), String> {
        self.read += 1;
        let Some(part) = self.parts.iter().position(|part| part.name == split) else {
            let split = shortened(split, SHOWN);
            return Err(format!(
                "row {}: found the split `{split}`, expected `validation`, `test` or `calibration`",
                self.read
            ));
        };
        let Some(at) = self.parts[part].rows.place(row) else {
            if !self.has_split() {
                return Err(format!("found row {row}, expected rows from 0 to {}", self.found[part].len() - 1));
            }
            let other = self.parts.iter().find(|other| other.rows.place(row).is_some());
            let is = other.map_or("no row that is to be scored".to_owned(), |other| format!("a {} row", other.name));
            return Err(format!("row {row} is {is}, found under `{split}`"));
        };
        let of_part = &self.parts[part];
        if !score.is_finite() {
            let row = of_part.row_in_words(row);
            return Err(format!("{row}: found the score {score}, expected a finite number"));
        }
        match self.found[part][at].replace(score) {
            Some(_) => Err(format!("{} is there twice, expected it once", of_part.row_in_words(row))),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<Vec<Vec<f64>>, String> {
        for (part, found) in self.parts.iter().zip(&self.found) {
            let missing = found.iter().filter(|score| score.is_none()).count();
            if let Some(first) = found.iter().position(Option::is_none) {
                return Err(format!(
                    "out/{}: {missing} of {} {} have no score, the first is row {}",
                    self.name,
                    found.len(),
                    part.rows_in_words(),
                    part.rows.number(first)
                ));
            }
        }
        Ok(self.found.into_iter().map(|scores| scores.into_iter().flatten().collect()).collect())
    }
}

fn parquet(file: File, scores: &mut Scores<'_>) -> Result<(), String> {
    let words = |why: &dyn std::fmt::Display| why.to_string();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|why| words(&why))?;
    for batch in builder.with_batch_size(AT_ONCE).build().map_err(|why| words(&why))? {
        let batch = batch.map_err(|why| words(&why))?;
        let with_split = scores.has_split();
        let splits = if with_split { Some(column(&batch, "split", &DataType::Utf8, true)?) } else { None };
        let [row, score] = [("row", DataType::Int64), ("score", DataType::Float64)]
            .map(|(name, to)| column(&batch, name, &to, with_split));
        let (row, score) = (row?, score?);
        let splits = splits.as_ref().map(AsArray::as_string::<i32>);
        let rows = row.as_primitive::<Int64Type>().values();
        let values = score.as_primitive::<Float64Type>().values();
        for at in 0..batch.num_rows() {
            scores.add(splits.map_or("", |splits| splits.value(at)), rows[at], values[at])?;
        }
    }
    Ok(())
}

/// A column as one of a type, without nulls.
fn column(batch: &RecordBatch, name: &str, to: &DataType, with_split: bool) -> Result<ArrayRef, String> {
    let array = batch.column_by_name(name).ok_or_else(|| no_column(name, &batch.schema(), with_split))?;
    let is_number = array.data_type().is_numeric() || !to.is_numeric();
    let expected = if to.is_numeric() { "numbers" } else { "words" };
    if !is_number {
        return Err(format!("column `{name}` has {}, expected {expected}", array.data_type()));
    }
    if array.null_count() > 0 {
        return Err(format!("column `{name}`: a value is missing"));
    }
    let cast = cast(array, to).map_err(|why| format!("column `{name}`: {why}"))?;
    if cast.null_count() > 0 {
        return Err(format!("column `{name}` has values that are no {expected}"));
    }
    Ok(cast)
}

fn no_column(name: &str, schema: &Schema, with_split: bool) -> String {
    let there: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let there = shortened(&there.join(", "), 4 * SHOWN).into_owned();
    let expected = if with_split { "`split`, `row` and `score`" } else { "`row` and `score`" };
    format!("there is no column `{name}`, expected {expected}; it has {there}")
}

fn csv(mut file: File, scores: &mut Scores<'_>) -> Result<(), String> {
    let words = |why: ArrowError| why.to_string();
    let (header, _) = Format::default().with_header(true).infer_schema(&mut file, Some(0)).map_err(words)?;
    file.rewind().map_err(|why: io::Error| why.to_string())?;
    let text = |field: &Arc<Field>| Field::new(field.name(), DataType::Utf8, true);
    let schema = Arc::new(Schema::new(header.fields().iter().map(text).collect::<Vec<_>>()));
    let reader = ReaderBuilder::new(Arc::clone(&schema)).with_header(true).with_batch_size(AT_ONCE);
    for batch in reader.build(file).map_err(words)? {
        let batch = batch.map_err(words)?;
        let with_split = scores.has_split();
        let cells =
            |name: &str| batch.column_by_name(name).ok_or_else(|| no_column(name, &schema, with_split)).cloned();
        let split = if with_split { Some(cells("split")?) } else { None };
        let (row, score) = (cells("row")?, cells("score")?);
        for at in 0..batch.num_rows() {
            let cell = |array: &ArrayRef| {
                let array = array.as_string::<i32>();
                if array.is_null(at) { String::new() } else { array.value(at).trim().to_owned() }
            };
            let number = |name: &str, text: &str| {
                let shown = shortened(text, SHOWN);
                format!("row {}: found `{shown}` as `{name}`, expected a number", scores.read + 1)
            };
            let (row, score) = (cell(&row), cell(&score));
            let row = row.parse::<i64>().map_err(|_| number("row", &row))?;
            let score = score.parse::<f64>().map_err(|_| number("score", &score))?;
            scores.add(&split.as_ref().map(cell).unwrap_or_default(), row, score)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::prepared::{Preprocessing, Rows};

    fn rows(numbers: &[u32]) -> Rows {
        Rows {
            x: vec![0.0; numbers.len()].into(),
            y: vec![0; numbers.len()].into(),
            source_rows: numbers.to_vec().into(),
            ..Rows::default()
        }
    }

    fn replicate() -> Replicate {
        Replicate {
            index: 0,
            seed: 0,
            features: vec!["a".into()],
            preprocessing: Preprocessing { steps: Vec::new(), reading: None },
            train: rows(&[0, 2]),
            validation: rows(&[1, 5]),
            test: rows(&[3, 4]),
            calibration: Rows::default(),
            split_fingerprint: String::new(),
            notes: Vec::new(),
        }
    }

    fn read(text: &str) -> Result<PartScores, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("scores.csv"), text).unwrap();
        read_scores(folder.path(), &replicate())
    }

    #[test]
    fn every_row_has_its_score_whatever_the_order() {
        let good = "score,row,split\n0.1,4,test\n0.2,3,test\n1e-3,5,validation\n-0,1,validation\n";
        assert_eq!(read(good), Ok([vec![0.0, 1e-3], vec![0.2, 0.1], vec![]]));
    }

    fn predicted(text: &str) -> Result<Vec<f64>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("scores.csv"), text).unwrap();
        read_predictions(folder.path(), 3)
    }

    #[test]
    fn new_rows_count_from_none() {
        assert_eq!(predicted("row,score\n2,7\n0,-1\n1,0.5\n"), Ok(vec![-1.0, 0.5, 7.0]));
        for (text, words) in [
            ("row,score\n0,1\n", "out/scores.csv: 2 of 3 rows have no score, the first is row 1"),
            ("row,score\n0,1\n0,2\n", "row 0 is there twice, expected it once"),
            ("row,score\n3,1\n", "found row 3, expected rows from 0 to 2"),
            ("row,score\n0,inf\n", "row 0: found the score inf, expected a finite number"),
            ("row,raw\n0,1\n", "there is no column `score`, expected `row` and `score`"),
        ] {
            let told = predicted(text).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let all = "split,row,score\nvalidation,1,0.1\nvalidation,5,0.1\ntest,3,0.1\n";
        for (text, words) in [
            (all.to_owned(), "1 of 2 test rows have no score, the first is row 4"),
            (format!("{all}test,4,0.1\ntest,4,0.1\n"), "test row 4 is there twice"),
            (format!("{all}test,4,nan\n"), "test row 4: found the score NaN"),
            (format!("{all}test,4,high\n"), "row 4: found `high` as `score`, expected a number"),
            (format!("{all}test,4,\n"), "found `` as `score`"),
            (format!("{all}validation,4,0.1\n"), "row 4 is a test row, found under `validation`"),
            (format!("{all}test,0,0.1\n"), "row 0 is no row that is to be scored, found under `test`"),
            (format!("{all}test,-1,0.1\n"), "row -1 is no row"),
            (format!("{all}train,0,0.1\n"), "found the split `train`"),
            ("split,row,probability\ntest,4,1\n".to_owned(), "there is no column `score`"),
            (String::new(), "2 of 2 validation rows have no score"),
        ] {
            let told = read(&text).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(read_scores(folder.path(), &replicate()).unwrap_err().contains("wrote neither out/scores.parquet"));
        fs::write(folder.path().join("scores.parquet"), "PAR1 no").unwrap();
        assert!(read_scores(folder.path(), &replicate()).unwrap_err().starts_with("out/scores.parquet: "));
    }
}
