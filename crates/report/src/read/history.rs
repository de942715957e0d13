//! First epochs of a few trials, from history.parquet.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::ReportError;

/// Mean validation loss over the replicates after each epoch, from the first, of the trials in `wanted`, as far as all
/// their replicates went. None where there is no history.parquet.
///
/// # Errors
/// history.parquet is there but cannot be read.
pub(crate) fn validation_losses(
    run_dir: &Path,
    wanted: &HashSet<String>,
) -> Result<HashMap<String, Vec<f64>>, ReportError> {
    let path = run_dir.join("history.parquet");
    if wanted.is_empty() || !path.is_file() {
        return Ok(HashMap::new());
    }
    let unreadable = |why: String| ReportError::Unreadable { path: path.clone(), why };
    let file = File::open(&path).map_err(|e| unreadable(e.to_string()))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["trial_id", "replicate", "epoch", "val_loss"]);
    let reader = builder.with_projection(mask).build().map_err(|e| unreadable(e.to_string()))?;
    // By trial and epoch, a value for each replicate.
    let mut losses: HashMap<String, BTreeMap<i64, Vec<f64>>> = HashMap::new();
    for batch in reader {
        let batch = batch.map_err(|e| unreadable(e.to_string()))?;
        let column = |name: &str, to: &DataType| {
            let missing = || ReportError::MissingColumn { path: path.clone(), column: name.to_owned() };
            cast(batch.column_by_name(name).ok_or_else(missing)?, to)
                .map_err(|e| unreadable(format!("column `{name}`: {e}")))
        };
        let (trials, epochs) = (column("trial_id", &DataType::Utf8)?, column("epoch", &DataType::Int64)?);
        let values = column("val_loss", &DataType::Float64)?;
        let (trials, epochs) = (trials.as_string::<i32>(), epochs.as_primitive::<Int64Type>());
        let rows = trials.iter().zip(epochs).zip(values.as_primitive::<Float64Type>());
        for ((trial, epoch), value) in rows {
            if let (Some(trial), Some(epoch), Some(value)) = (trial.filter(|id| wanted.contains(*id)), epoch, value) {
                losses.entry(trial.to_owned()).or_default().entry(epoch).or_default().push(value);
            }
        }
    }
    let means = |epochs: BTreeMap<i64, Vec<f64>>| {
        let replicates = epochs.values().next().map_or(0, Vec::len);
        let all = epochs.into_values().take_while(|of| of.len() == replicates);
        all.map(|of| of.iter().sum::<f64>() / of.len() as f64).collect()
    };
    Ok(losses.into_iter().map(|(trial, epochs)| (trial, means(epochs))).collect())
}
