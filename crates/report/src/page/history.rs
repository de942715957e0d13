//! What happened epoch by epoch.

use std::collections::HashMap;

use super::payload::{History, Short};
use crate::read::{ReportError, for_each_epoch};
use focalsweep_core::record::RunFiles;

/// The epochs of the trials that are wanted, by trial and replicate. Nothing where history.parquet is missing.
///
/// # Errors
/// history.parquet is there but cannot be read, or lacks a column.
pub(super) fn histories(
    files: &RunFiles,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<HashMap<String, Vec<History>>, ReportError> {
    let mut histories: HashMap<String, Vec<History>> = HashMap::new();
    for_each_epoch(files, wanted, &mut |epoch| {
        let of = histories.entry(epoch.trial.to_owned()).or_default();
        if of.last().is_none_or(|last| last.replicate != epoch.replicate) {
            of.push(History { replicate: epoch.replicate, ..History::default() });
        }
        if let Some(last) = of.last_mut() {
            last.train_loss.push(Short(epoch.train_loss.unwrap_or(f64::NAN)));
            last.val_loss.push(Short(epoch.val_loss.unwrap_or(f64::NAN)));
            last.val_auc.push(epoch.val_auc.map(Short));
        }
    })?;
    Ok(histories)
}
