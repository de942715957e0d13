//! scores.parquet, group by group.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int32Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::ReportError;
use focalsweep_core::guard::guarded;
use focalsweep_core::metrics::ScoredRows;
use focalsweep_core::record::{RunFiles, SCORES};
use focalsweep_core::spec::Split;

/// The column that says by how much rows count, where they do not all count once.
pub(super) const WEIGHT: &str = "weight";

/// The scores of one (trial, replicate) on one split.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreGroup {
    /// Id of the trial.
    pub trial: String,
    /// Its replicate.
    pub replicate: u32,
    /// Validation or test.
    pub split: Split,
    /// Rows of the source, from 0, in the order of the file: the same for all trials of a replicate.
    pub rows: Vec<i64>,
    /// Class of each row, 0 or 1.
    pub labels: Vec<u8>,
    /// What ranks and flags each row: its logit; in runs of version 1, which kept none, its probability.
    pub raw: Vec<f32>,
    /// Probability of each row to be positive; empty where a command gave scores that are none.
    pub scores: Vec<f32>,
    /// What each row is a part of: its group, or its day. Empty where each row stands for itself.
    pub units: Vec<i64>,
    /// By how much each row counts. Empty where each counts once.
    pub weights: Vec<f64>,
}

impl ScoreGroup {
    /// What the row at `place` is counted as when it comes to how sure figures are: its unit, else the row itself.
    pub(crate) fn unit(&self, place: usize) -> i64 {
        self.units.get(place).copied().unwrap_or(self.rows[place])
    }
}

/// The scores of one (trial, replicate) on the negatives that were set aside for a guarantee.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationGroup {
    /// Id of the trial.
    pub trial: String,
    /// Its replicate.
    pub replicate: u32,
    /// Rows of the source, from 0, in the order of the file: the same for all trials of a replicate.
    pub rows: Vec<i64>,
    /// Class of each row, 0.
    pub labels: Vec<u8>,
    /// Logit of each row.
    pub raw: Vec<f32>,
    /// Probability of each row to be positive.
    pub scores: Vec<f32>,
}

impl CalibrationGroup {
    /// Its rows as thresholds are chosen on them.
    pub fn scored(&self) -> ScoredRows<'_> {
        ScoredRows { raw: &self.raw, scores: &self.scores, labels: &self.labels, weights: &[] }
    }
}

/// Where scores come from.
pub trait ScoreSource {
    /// Hands on the scores of each (trial, replicate, split) that is wanted, one after the other.
    ///
    /// # Errors
    /// They cannot be read.
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError>;

    /// The same on the negatives that were set aside, of each (trial, replicate) that is wanted; a source may have
    /// none.
    ///
    /// # Errors
    /// They cannot be read.
    fn for_each_calibration(
        &self,
        _wanted: &dyn Fn(&str, u32) -> bool,
        _each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        Ok(())
    }
}

/// Scores in memory.
impl ScoreSource for Vec<ScoreGroup> {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        let groups = self.iter().filter(|group| wanted(&group.trial, group.replicate, group.split));
        groups.for_each(|group| each(group.clone()));
        Ok(())
    }
}

/// Hands on the scores of each (trial, replicate, split) that is wanted, one after the other as they lie in the file;
/// only one is in memory at a time. Rows of one that do not lie together come as several groups. None where there is no
/// scores.parquet.
///
/// # Errors
/// The file cannot be read, or a column is missing or holds what it must not.
pub fn for_each_group(
    files: &RunFiles,
    wanted: &dyn Fn(&str, u32, Split) -> bool,
    each: &mut dyn FnMut(ScoreGroup),
) -> Result<(), ReportError> {
    let wanted = |trial: &str, replicate, word| match word {
        Word::Of(split) => wanted(trial, replicate, split),
        Word::Calibration => false,
    };
    for_each_run(files, &wanted, &mut |run| {
        if let Some(group) = run.group() {
            each(group);
        }
    })
}

/// The same for the calibration rows of each (trial, replicate).
///
/// # Errors
/// As there.
pub fn for_each_calibration_group(
    files: &RunFiles,
    wanted: &dyn Fn(&str, u32) -> bool,
    each: &mut dyn FnMut(CalibrationGroup),
) -> Result<(), ReportError> {
    let wanted = |trial: &str, replicate, word| word == Word::Calibration && wanted(trial, replicate);
    for_each_run(files, &wanted, &mut |run| {
        if let Some(group) = run.calibration() {
            each(group);
        }
    })
}

/// What the column `split` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Rows that are ranked or measured on.
    Of(Split),
    /// Rows of a guarantee.
    Calibration,
}

/// Rows that lie together and are of the same trial, replicate and part.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) trial: String,
    pub(super) replicate: u32,
    pub(super) word: Word,
    rows: Vec<i64>,
    labels: Vec<u8>,
    raw: Vec<f32>,
    scores: Vec<f32>,
    units: Vec<i64>,
    weights: Vec<f64>,
}

impl Run {
    /// Whether rows that lie after these are of the same.
    pub(super) fn goes_on(&self, (trial, replicate, word): (&str, u32, Word)) -> bool {
        (self.trial.as_str(), self.replicate, self.word) == (trial, replicate, word)
    }

    /// Adds the rows of another.
    pub(super) fn append(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        self.labels.append(&mut other.labels);
        self.raw.append(&mut other.raw);
        self.scores.append(&mut other.scores);
        self.units.append(&mut other.units);
        self.weights.append(&mut other.weights);
    }

    /// As rows that are ranked or measured on; `None` where they are others.
    pub(super) fn group(self) -> Option<ScoreGroup> {
        let Self { trial, replicate, word, rows, labels, raw, scores, units, weights } = self;
        match word {
            Word::Of(split) => Some(ScoreGroup { trial, replicate, split, rows, labels, raw, scores, units, weights }),
            Word::Calibration => None,
        }
    }

    /// As rows of a guarantee; `None` where they are others.
    pub(super) fn calibration(self) -> Option<CalibrationGroup> {
        let Self { trial, replicate, word, rows, labels, raw, scores, .. } = self;
        (word == Word::Calibration).then_some(CalibrationGroup { trial, replicate, rows, labels, raw, scores })
    }
}

fn for_each_run(
    files: &RunFiles,
    wanted: &dyn Fn(&str, u32, Word) -> bool,
    each: &mut dyn FnMut(Run),
) -> Result<(), ReportError> {
    for_each_run_of(files, None, wanted, each)
}

/// The same of some row groups of the file; of all without.
pub(super) fn for_each_run_of(
    files: &RunFiles,
    row_groups: Option<Vec<usize>>,
    wanted: &dyn Fn(&str, u32, Word) -> bool,
    each: &mut dyn FnMut(Run),
) -> Result<(), ReportError> {
    let path = &files.path(SCORES);
    let Some(file) = files.open(SCORES)? else { return Ok(()) };
    let unreadable = |why: String| ReportError::Unreadable { path: path.to_owned(), why };
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
    if let Some(row_groups) = row_groups {
        builder = builder.with_row_groups(row_groups);
    }
    let names = ["trial_id", "replicate", "split", "row", "label", "raw", "score", "unit", WEIGHT];
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    let mut reader =
        builder.with_projection(mask).with_batch_size(1 << 16).build().map_err(|e| unreadable(e.to_string()))?;
    let mut under_way = None;
    while let Some(batch) = guarded(|| reader.next()).ok_or_else(|| ReportError::contradicts(path))? {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        add_batch(path, &batch, wanted, &mut under_way, each)?;
    }
    if let Some(last) = under_way {
        each(last);
    }
    Ok(())
}

/// Adds a batch's rows to the run under way, and hands it on whenever another begins.
fn add_batch(
    path: &Path,
    batch: &RecordBatch,
    wanted: &dyn Fn(&str, u32, Word) -> bool,
    under_way: &mut Option<Run>,
    each: &mut dyn FnMut(Run),
) -> Result<(), ReportError> {
    let column = |name: &str, to: &DataType| {
        let missing = || ReportError::MissingColumn { path: path.to_owned(), column: name.to_owned() };
        let array = batch.column_by_name(name).ok_or_else(missing)?;
        let why =
            |why: String| ReportError::Unreadable { path: path.to_owned(), why: format!("column `{name}`: {why}") };
        // A command may give scores that are no probabilities: then `raw` alone is there.
        if array.null_count() > 0 && name != "score" {
            return Err(why("a value is missing".to_owned()));
        }
        cast(array, to).map_err(|e| why(e.to_string()))
    };
    let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let (trials, splits) = (column("trial_id", &word)?, column("split", &word)?);
    let (trials, splits) = (trials.as_dictionary::<Int32Type>(), splits.as_dictionary::<Int32Type>());
    let (replicates, rows) = (column("replicate", &DataType::Int32)?, column("row", &DataType::Int64)?);
    let (labels, scores) = (column("label", &DataType::Int8)?, column("score", &DataType::Float32)?);
    let raw = if batch.column_by_name("raw").is_some() { "raw" } else { "score" };
    let raw = column(raw, &DataType::Float32)?; // ours are 32-bit numbers, widened in the file
    let raw = raw.as_primitive::<Float32Type>().values();
    let replicates = replicates.as_primitive::<Int32Type>().values();
    let rows = rows.as_primitive::<Int64Type>().values();
    let labels = labels.as_primitive::<Int8Type>().values();
    let is_probability = |row: usize| scores.is_valid(row);
    let scores = scores.as_primitive::<Float32Type>().values();
    let units = batch.column_by_name("unit").map(|_| column("unit", &DataType::Int64)).transpose()?;
    let units = units.as_ref().map(|units| &units.as_primitive::<Int64Type>().values()[..]).unwrap_or_default();
    let weights = batch.column_by_name(WEIGHT).map(|_| column(WEIGHT, &DataType::Float64)).transpose()?;
    let weights = weights.as_ref().map(|of| &of.as_primitive::<Float64Type>().values()[..]).unwrap_or_default();
    let (trial_keys, split_keys) = (trials.keys().values(), splits.keys().values());
    let (trial_names, split_names) = (trials.values().as_string::<i32>(), splits.values().as_string::<i32>());

    let mut start = 0;
    while start < batch.num_rows() {
        let of = |row: usize| (trial_keys[row], replicates[row], split_keys[row]);
        let end = (start..batch.num_rows()).find(|&row| of(row) != of(start)).unwrap_or(batch.num_rows());
        let (trial, replicate, of_split) = of(start);
        let trial = trial_names.value(trial as usize);
        let word = match split_names.value(of_split as usize) {
            "validation" => Word::Of(Split::Validation),
            "test" => Word::Of(Split::Test),
            "calibration" => Word::Calibration,
            other => {
                let why = format!("column `split`: found `{other}`, expected `validation`, `test` or `calibration`");
                return Err(ReportError::Unreadable { path: path.to_owned(), why });
            }
        };
        let replicate = replicate.cast_unsigned();
        if wanted(trial, replicate, word) {
            if let Some(whole) = under_way.take_if(|run| !run.goes_on((trial, replicate, word))) {
                each(whole);
            }
            let run = under_way.get_or_insert_with(|| Run {
                trial: trial.to_owned(),
                replicate,
                word,
                rows: Vec::new(),
                labels: Vec::new(),
                raw: Vec::new(),
                scores: Vec::new(),
                units: Vec::new(),
                weights: Vec::new(),
            });
            run.rows.extend(&rows[start..end]);
            run.labels.extend(labels[start..end].iter().map(|&label| u8::from(label != 0)));
            run.raw.extend(&raw[start..end]);
            let probabilities = (start..end).filter(|&row| is_probability(row)).count();
            if ![0, end - start].contains(&probabilities) {
                let why = format!("column `score`: trial {trial} has probabilities for some of its rows only");
                return Err(ReportError::Unreadable { path: path.to_owned(), why });
            }
            if probabilities > 0 {
                run.scores.extend(&scores[start..end]);
            }
            run.units.extend(units.get(start..end).unwrap_or_default());
            run.weights.extend(weights.get(start..end).unwrap_or_default());
        }
        start = end;
    }
    Ok(())
}
