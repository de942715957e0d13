//! The scores of a run, read once where they fit into memory.

use std::sync::OnceLock;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::ReportError;
use super::scores::{
    CalibrationGroup, Run, ScoreGroup, ScoreSource, WEIGHT, Word, for_each_calibration_group, for_each_group,
    for_each_run_of,
};
use super::share::{ForEach, gather};
use focalsweep_core::record::{RunFiles, SCORES};
use focalsweep_core::spec::Split;

/// Rows that are kept: 8 million take 210 MB. Of more the file is read again whenever somebody asks.
const MOST_KEPT: i64 = 1 << 23;

/// The scores of a run: read when they are first asked for, row groups at once, and kept if they are not too many.
///
/// What is made of them counts rows. So of rows that have weights there are none here, as where they were not kept:
/// nothing that counts is told of them.
#[derive(Debug)]
pub struct Scores<'a> {
    files: &'a RunFiles,
    /// `None` where they are too many.
    kept: OnceLock<Option<Vec<Run>>>,
    has_weights: OnceLock<bool>,
}

impl<'a> Scores<'a> {
    /// Those of a run; nothing is read yet.
    pub fn of(files: &'a RunFiles) -> Self {
        Self { files, kept: OnceLock::new(), has_weights: OnceLock::new() }
    }

    /// The run's files.
    pub fn files(&self) -> &'a RunFiles {
        self.files
    }

    /// The same with the scores of rows that have weights, for what weighs them.
    pub(crate) fn with_weights(&self) -> WithWeights<'_> {
        WithWeights(self)
    }

    /// Reads them if nobody has, on as many threads as `for_each` has. Without it they are read as they are asked for.
    ///
    /// # Errors
    /// scores.parquet cannot be read.
    pub fn keep(&self, for_each: ForEach<'_>) -> Result<(), ReportError> {
        if self.kept.get().is_none() {
            let runs = self.read(for_each)?;
            self.kept.get_or_init(|| runs);
        }
        Ok(())
    }

    fn read(&self, for_each: ForEach<'_>) -> Result<Option<Vec<Run>>, ReportError> {
        let Some(file) = self.files.open(SCORES)? else { return Ok(None) };
        if self.has_weights()? {
            return Ok(Some(Vec::new()));
        }
        let unreadable = |why: String| ReportError::Unreadable { path: self.files.path(SCORES), why };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
        let metadata = builder.metadata();
        if metadata.file_metadata().num_rows() > MOST_KEPT {
            return Ok(None);
        }
        let of_row_groups = gather(for_each, metadata.num_row_groups(), |row_group| {
            let mut runs = Vec::new();
            for_each_run_of(self.files, Some(vec![row_group]), &|_, _, _| true, &mut |run| runs.push(run))?;
            Ok::<_, ReportError>(runs)
        });
        let mut all: Vec<Run> = Vec::new();
        for runs in of_row_groups {
            for run in runs? {
                match all.last_mut() {
                    Some(last) if last.goes_on((&run.trial, run.replicate, run.word)) => last.append(run),
                    _ => all.push(run),
                }
            }
        }
        Ok(Some(all))
    }

    /// Whether the rows have weights.
    fn has_weights(&self) -> Result<bool, ReportError> {
        if let Some(known) = self.has_weights.get() {
            return Ok(*known);
        }
        let Some(file) = self.files.open(SCORES)? else { return Ok(false) };
        let unreadable = |why: String| ReportError::Unreadable { path: self.files.path(SCORES), why };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
        Ok(*self.has_weights.get_or_init(|| builder.schema().column_with_name(WEIGHT).is_some()))
    }

    fn kept(&self) -> Option<&[Run]> {
        self.kept.get()?.as_deref()
    }
}

/// [`Scores`], also of rows that have weights.
pub(crate) struct WithWeights<'a>(&'a Scores<'a>);

impl ScoreSource for WithWeights<'_> {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        if self.0.has_weights()? { for_each_group(self.0.files, wanted, each) } else { self.0.for_each(wanted, each) }
    }

    fn for_each_calibration(
        &self,
        wanted: &dyn Fn(&str, u32) -> bool,
        each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        self.0.for_each_calibration(wanted, each)
    }
}

impl ScoreSource for Scores<'_> {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        let Some(runs) = self.kept() else {
            return if self.has_weights()? { Ok(()) } else { for_each_group(self.files, wanted, each) };
        };
        let is_wanted = |run: &&Run| match run.word {
            Word::Of(split) => wanted(&run.trial, run.replicate, split),
            Word::Calibration => false,
        };
        runs.iter().filter(is_wanted).cloned().filter_map(Run::group).for_each(each);
        Ok(())
    }

    fn for_each_calibration(
        &self,
        wanted: &dyn Fn(&str, u32) -> bool,
        each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        let Some(runs) = self.kept() else {
            return if self.has_weights()? { Ok(()) } else { for_each_calibration_group(self.files, wanted, each) };
        };
        let is_wanted = |run: &&Run| run.word == Word::Calibration && wanted(&run.trial, run.replicate);
        runs.iter().filter(is_wanted).cloned().filter_map(Run::calibration).for_each(each);
        Ok(())
    }
}
