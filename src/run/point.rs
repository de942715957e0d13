//! A run whose operating point changed: what was trained is measured there, from its scores.

use std::collections::HashMap;

use super::derived::REPORTS;
use super::error::RunError;
use super::finish::metadata;
use focalsweep_core::record::{Manifest, RunDir, RunFiles};
use focalsweep_core::spec::Spec;
use focalsweep_report::{self as report, at_operating_point, metrics_at_operating_point};

/// Has the tables and the models of the finished run in `dir` say what `spec` asks for, and takes over the spec.
///
/// # Errors
/// The scores of a trial were not kept; a file is damaged, or cannot be read or written.
pub(super) fn change_point(spec: &Spec, dir: &RunDir, manifest: &mut Manifest) -> Result<(), RunError> {
    let files = RunFiles::read(dir.root())?;
    let mut results = report::read(&files)?;
    at_operating_point(&files, &mut results, &spec.operating_point)?;
    if let Some(why) = results.warnings.first() {
        return Err(RunError::PointWithoutScores { root: dir.root().to_owned(), why: why.clone() });
    }
    let columns = metrics_at_operating_point();
    let rows: HashMap<(&str, u32), _> =
        results.rows.iter().map(|row| ((row.trial_id.as_str(), row.replicate), row)).collect();
    let value = |trial: &str, replicate: u32, column: &str| {
        let row = rows.get(&(trial, replicate)).filter(|_| columns.iter().any(|name| name == column))?;
        Some(results.value(row, column))
    };
    dir.stage_point(manifest, &metadata(spec, manifest)?, &value)?;
    dir.stage_spec(spec)?;
    // What they say is not so any more: whoever goes on makes them again.
    for name in REPORTS {
        manifest.files.remove(name);
    }
    Ok(dir.commit(manifest)?)
}
