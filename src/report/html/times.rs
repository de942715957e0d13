//! When and where each row was trained, and what happened epoch by epoch.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::payload::{History, Short};
use crate::report::ReportError;
use crate::report::read::Table;
use crate::results::State;

/// When and where a (trial, replicate) was trained.
#[derive(Debug, Clone)]
pub(super) struct RowTime {
    pub(super) trial_id: String,
    pub(super) replicate: u32,
    pub(super) state: State,
    pub(super) error: Option<String>,
    pub(super) job_id: String,
    pub(super) device: String,
    pub(super) host: String,
    /// Microseconds since 1970-01-01 UTC: of the job, of the row.
    pub(super) started_at: i64,
    pub(super) finished_at: i64,
}

/// Of results.parquet.
///
/// # Errors
/// It cannot be read, or lacks a column.
pub(super) fn row_times(run_dir: &Path) -> Result<Vec<RowTime>, ReportError> {
    let path = run_dir.join("results.parquet");
    let table = Table::read(&path)?;
    let text = |name: &str| table.full_text(name);
    let (ids, states, jobs) = (text("trial_id")?, text("state")?, text("job_id")?);
    let errors = table.text("error")?;
    let (devices, hosts) = (text("device")?, text("host")?);
    let integers = |name: &str| table.integers(name);
    let (replicates, starts, ends) = (integers("replicate")?, integers("started_at")?, integers("finished_at")?);
    let rows = (0..ids.len()).filter_map(|row| {
        Some(RowTime {
            trial_id: ids[row].clone(),
            replicate: u32::try_from(replicates[row]?).ok()?,
            state: State::deserialize(serde_json::Value::from(states[row].as_str())).ok()?,
            error: errors[row].clone(),
            job_id: jobs[row].clone(),
            device: devices[row].clone(),
            host: hosts[row].clone(),
            started_at: starts[row]?,
            finished_at: ends[row]?,
        })
    });
    Ok(rows.collect())
}

/// The epochs of the trials that are wanted, by trial and replicate. Nothing where history.parquet is missing.
///
/// # Errors
/// history.parquet is there but cannot be read, or lacks a column.
pub(super) fn histories(
    run_dir: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<HashMap<String, Vec<History>>, ReportError> {
    let path = run_dir.join("history.parquet");
    let mut histories: HashMap<String, Vec<History>> = HashMap::new();
    if !path.is_file() {
        return Ok(histories);
    }
    let table = Table::read(&path)?;
    let (ids, replicates) = (table.full_text("trial_id")?, table.integers("replicate")?);
    let (train, val, auc) = (table.floats("train_loss")?, table.floats("val_loss")?, table.floats("val_auc")?);
    for row in 0..ids.len() {
        let Some(replicate) = replicates[row].and_then(|r| u32::try_from(r).ok()).filter(|_| wanted(&ids[row])) else {
            continue;
        };
        let of = histories.entry(ids[row].clone()).or_default();
        if of.last().is_none_or(|last| last.replicate != replicate) {
            of.push(History { replicate, ..History::default() });
        }
        if let Some(last) = of.last_mut() {
            last.train_loss.push(Short(train[row].unwrap_or(f64::NAN)));
            last.val_loss.push(Short(val[row].unwrap_or(f64::NAN)));
            last.val_auc.push(auc[row].map(Short));
        }
    }
    Ok(histories)
}
