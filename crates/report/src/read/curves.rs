//! curves.parquet, corner by corner.

use std::collections::HashSet;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};

use super::error::ReportError;
use focalsweep_core::guard::guarded;
use focalsweep_core::record::{CURVES, RunFiles};

/// The columns that are read.
const COLUMNS: [&str; 4] = ["trial_id", "replicate", "fpr", "tpr"];
/// Rows that are in memory at a time.
const ROWS_AT_ONCE: usize = 1 << 15;

/// A corner of the ROC curve of a (trial, replicate) on its training rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Corner<'a> {
    /// Id of the trial.
    pub(crate) trial: &'a str,
    /// Its replicate.
    pub(crate) replicate: u32,
    /// Share of the negatives that are flagged.
    pub(crate) fpr: f64,
    /// Share of the positives that are.
    pub(crate) tpr: f64,
}

/// Hands on the corners of the curves of the trials `ids`, one after the other as they lie in the file; those of other
/// trials are not decoded. None where there is no curves.parquet, as in runs of earlier versions.
///
/// # Errors
/// curves.parquet is there but cannot be read, or lacks a column.
pub(crate) fn for_each_corner(
    files: &RunFiles,
    ids: HashSet<String>,
    each: &mut dyn FnMut(&Corner<'_>),
) -> Result<(), ReportError> {
    let path = files.path(CURVES);
    let Some(file) = files.open(CURVES)? else { return Ok(()) };
    let unreadable = |why: String| ReportError::Unreadable { path: path.clone(), why };
    let opened = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file));
    let builder = opened.ok_or_else(|| ReportError::contradicts(&path))?.map_err(|e| unreadable(e.to_string()))?;
    for name in COLUMNS {
        if builder.schema().column_with_name(name).is_none() {
            return Err(ReportError::MissingColumn { path, column: name.to_owned() });
        }
    }
    let of = |names: &[&str]| ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
    let (all, key) = (of(&COLUMNS), of(&COLUMNS[..1]));
    let is_wanted = move |batch: RecordBatch| {
        let trials = cast(batch.column(0), &DataType::Utf8)?;
        let trials = trials.as_string::<i32>();
        // A curve's corners lie together, so most are of the trial of the one before.
        let mut last = (None, false);
        let wanted = trials.iter().map(|trial| {
            if trial != last.0 {
                last = (trial, trial.is_some_and(|trial| ids.contains(trial)));
            }
            Some(last.1)
        });
        Ok(BooleanArray::from_iter(wanted))
    };
    let filter = RowFilter::new(vec![Box::new(ArrowPredicateFn::new(key, is_wanted))]);
    let builder = builder.with_projection(all).with_row_filter(filter).with_batch_size(ROWS_AT_ONCE);
    let built = guarded(|| builder.build()).ok_or_else(|| ReportError::contradicts(&path))?;
    let mut reader = built.map_err(|e| unreadable(e.to_string()))?;
    while let Some(batch) = guarded(|| reader.next()).ok_or_else(|| ReportError::contradicts(&path))? {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        let trials = column(&path, &batch, "trial_id", &DataType::Utf8)?;
        let replicates = column(&path, &batch, "replicate", &DataType::Int64)?;
        let fprs = column(&path, &batch, "fpr", &DataType::Float64)?;
        let tprs = column(&path, &batch, "tpr", &DataType::Float64)?;
        let numbers = |array: &'_ ArrayRef| array.as_primitive::<Float64Type>().clone();
        let shares = numbers(&fprs).into_iter().zip(&numbers(&tprs)).collect::<Vec<_>>();
        let keys = trials.as_string::<i32>().iter().zip(replicates.as_primitive::<Int64Type>());
        for ((trial, replicate), (fpr, tpr)) in keys.zip(shares) {
            let replicate = replicate.and_then(|replicate| u32::try_from(replicate).ok());
            let known = |share: Option<f64>| share.filter(|share| !share.is_nan());
            let (Some(trial), Some(replicate)) = (trial, replicate) else { continue };
            let (Some(fpr), Some(tpr)) = (known(fpr), known(tpr)) else { continue };
            each(&Corner { trial, replicate, fpr, tpr });
        }
    }
    Ok(())
}

fn column(path: &Path, batch: &RecordBatch, name: &str, to: &DataType) -> Result<ArrayRef, ReportError> {
    let missing = || ReportError::MissingColumn { path: path.to_owned(), column: name.to_owned() };
    cast(batch.column_by_name(name).ok_or_else(missing)?, to)
        .map_err(|e| ReportError::Unreadable { path: path.to_owned(), why: format!("column `{name}`: {e}") })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, StringArray};

    use super::*;
    use crate::read::run_files;
    use crate::tests::{bare_row, results, write_parquet, write_run};

    /// A row of the file: trial, replicate, and both shares.
    type Written = (String, i32, f64, f64);

    #[test]
    fn the_corners_of_some_trials_are_those_that_were_written() {
        let folder = tempfile::tempdir().unwrap();
        write_run(folder.path(), &results(vec![bare_row()]));
        let files = run_files(folder.path()).unwrap();
        let found = |ids: &[&str]| {
            let mut found = Vec::new();
            for_each_corner(&files, ids.iter().map(|&id| id.to_owned()).collect(), &mut |corner| {
                found.push((corner.trial.to_owned(), corner.replicate, corner.fpr, corner.tpr));
            })
            .unwrap();
            found
        };
        assert!(found(&["a"]).is_empty(), "there is no file");
        // More rows than are read at a time, curves of different lengths, some of no trial that is asked for.
        let mut rows: Vec<Written> = Vec::new();
        for trial in 0..300 {
            for replicate in 0..2 {
                for corner in 0..(trial * 7 % 400 + 1) {
                    let (fpr, tpr) = (f64::from(corner) / 400.0, f64::from(corner + trial) / 800.0);
                    rows.push((format!("t{trial}"), replicate, fpr, tpr));
                }
            }
        }
        assert!(rows.len() > 3 * ROWS_AT_ONCE);
        let floats = |of: &dyn Fn(&Written) -> f64| -> ArrayRef {
            Arc::new(rows.iter().map(|row| Some(of(row))).collect::<Float64Array>())
        };
        let trials: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0.as_str())).collect::<StringArray>());
        let replicates: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int32Array>());
        let columns = [
            ("trial_id", trials),
            ("replicate", replicates),
            ("fpr", floats(&|row| row.2)),
            ("tpr", floats(&|row| row.3)),
        ];
        let columns: Vec<(String, ArrayRef)> = columns.map(|(name, array)| (name.to_owned(), array)).to_vec();
        let path = folder.path().join(CURVES);
        write_parquet(&path, columns.clone());
        for ids in [&["t0", "t57", "t58", "t299"][..], &["t3"], &["none"], &[]] {
            let expected = rows.iter().filter(|row| ids.contains(&row.0.as_str()));
            let expected: Vec<_> = expected.map(|row| (row.0.clone(), row.1.cast_unsigned(), row.2, row.3)).collect();
            assert_eq!(found(ids), expected, "{ids:?}");
        }
        write_parquet(&path, columns[..3].to_vec());
        let error = for_each_corner(&files, HashSet::new(), &mut |_| {}).unwrap_err();
        assert!(error.to_string().ends_with("curves.parquet has no column `tpr`"), "{error}");
    }
}
