//! history.parquet, epoch by epoch.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::ReportError;
use focalsweep_core::guard::guarded;
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{HISTORY, RunFiles};

/// The columns that are read.
const COLUMNS: [&str; 6] = ["trial_id", "replicate", "epoch", "train_loss", "val_loss", "val_auc"];

/// The column that says what a training was for; a file without it, or a row, is of the search.
const PHASE: &str = "phase";

/// An epoch of a (trial, replicate). What is null is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Epoch<'a> {
    /// Id of the trial.
    pub(crate) trial: &'a str,
    /// Its replicate.
    pub(crate) replicate: u32,
    /// From 1.
    pub(crate) epoch: i64,
    /// Mean over the epoch's steps.
    pub(crate) train_loss: Option<f64>,
    /// After the epoch.
    pub(crate) val_loss: Option<f64>,
    /// After the epoch.
    pub(crate) val_auc: Option<f64>,
}

/// Hands on the epochs that the search trained of the trials that are wanted, one after the other as they lie in the
/// file. None where there is no history.parquet.
///
/// # Errors
/// history.parquet is there but cannot be read, or lacks a column.
pub(crate) fn for_each_epoch(
    files: &RunFiles,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&Epoch<'_>),
) -> Result<(), ReportError> {
    let path = files.path(HISTORY);
    let Some(file) = files.open(HISTORY)? else { return Ok(()) };
    let unreadable = |why: String| ReportError::Unreadable { path: path.clone(), why };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), COLUMNS.into_iter().chain([PHASE]));
    let mut reader = builder.with_projection(mask).build().map_err(|e| unreadable(e.to_string()))?;
    while let Some(batch) = guarded(|| reader.next()).ok_or_else(|| ReportError::contradicts(&path))? {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        let trials = column(&path, &batch, "trial_id", &DataType::Utf8)?;
        let [replicates, epochs] = ["replicate", "epoch"].map(|name| column(&path, &batch, name, &DataType::Int64));
        let (replicates, epochs) = (replicates?, epochs?);
        let [train, val, auc] =
            ["train_loss", "val_loss", "val_auc"].map(|name| column(&path, &batch, name, &DataType::Float64));
        let (train, val, auc) = (train?, val?, auc?);
        let phases = batch.column_by_name(PHASE).map(|_| column(&path, &batch, PHASE, &DataType::Utf8)).transpose()?;
        let confirms = |row: usize| {
            let phases = phases.as_ref().map(AsArray::as_string::<i32>);
            phases.is_some_and(|phases| phases.is_valid(row) && phases.value(row) == Phase::Confirm.word())
        };
        let number = |array: &ArrayRef, row: usize| {
            let values = array.as_primitive::<Float64Type>();
            array.is_valid(row).then(|| values.value(row))
        };
        let keys = replicates.as_primitive::<Int64Type>().iter().zip(epochs.as_primitive::<Int64Type>());
        for (row, (trial, (replicate, epoch))) in trials.as_string::<i32>().iter().zip(keys).enumerate() {
            let replicate = replicate.and_then(|replicate| u32::try_from(replicate).ok());
            let (Some(trial), Some(replicate), Some(epoch)) = (trial, replicate, epoch) else { continue };
            if wanted(trial) && !confirms(row) {
                let (train_loss, val_loss, val_auc) = (number(&train, row), number(&val, row), number(&auc, row));
                each(&Epoch { trial, replicate, epoch, train_loss, val_loss, val_auc });
            }
        }
    }
    Ok(())
}

fn column(path: &Path, batch: &RecordBatch, name: &str, to: &DataType) -> Result<ArrayRef, ReportError> {
    let missing = || ReportError::MissingColumn { path: path.to_owned(), column: name.to_owned() };
    cast(batch.column_by_name(name).ok_or_else(missing)?, to)
        .map_err(|e| ReportError::Unreadable { path: path.to_owned(), why: format!("column `{name}`: {e}") })
}

/// Mean validation loss over the replicates after each epoch, from the first, of the trials in `wanted`, as far as all
/// their replicates went. None where there is no history.parquet.
///
/// # Errors
/// history.parquet is there but cannot be read.
pub(crate) fn validation_losses(
    files: &RunFiles,
    wanted: &HashSet<String>,
) -> Result<HashMap<String, Vec<f64>>, ReportError> {
    // By trial and epoch, a value for each replicate.
    let mut losses: HashMap<String, BTreeMap<i64, Vec<f64>>> = HashMap::new();
    if !wanted.is_empty() {
        for_each_epoch(files, &|trial| wanted.contains(trial), &mut |epoch| {
            if let Some(loss) = epoch.val_loss {
                losses.entry(epoch.trial.to_owned()).or_default().entry(epoch.epoch).or_default().push(loss);
            }
        })?;
    }
    let means = |epochs: BTreeMap<i64, Vec<f64>>| {
        let replicates = epochs.values().next().map_or(0, Vec::len);
        let all = epochs.into_values().take_while(|of| of.len() == replicates);
        all.map(|of| of.iter().sum::<f64>() / of.len() as f64).collect()
    };
    Ok(losses.into_iter().map(|(trial, epochs)| (trial, means(epochs))).collect())
}
