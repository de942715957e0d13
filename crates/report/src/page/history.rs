//! What happened epoch by epoch.

use std::collections::HashMap;
use std::path::Path;

use super::payload::{History, Short};
use crate::read::{ReportError, Table};

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
