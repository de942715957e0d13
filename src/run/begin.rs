//! What a run begins with.

use chrono::{SecondsFormat, Utc};

use super::error::RunError;
use super::same::spec_fingerprint;
use super::workload::Workload;
use focalsweep_core::record::{Counts, Manifest, RunDir};
use focalsweep_core::spec::Spec;
use focalsweep_engine::train::instructions;

/// Writes the sweep, its plan and the manifest of a new run.
///
/// # Errors
/// They cannot be written.
pub(crate) fn begin(dir: &RunDir, spec: &Spec, workload: &Workload) -> Result<Manifest, RunError> {
    let plan = &workload.plan;
    dir.begin_plan(&workload.first_wave(spec)?)?;
    let (trials, replicates, jobs) = (plan.trials, spec.replicates, plan.jobs.len());
    let counts = Counts { trials, replicates, jobs, ..Counts::default() };
    let (splits, notes) = (workload.split_fingerprints(), workload.notes());
    let mut manifest = Manifest::new(&spec.name, &workload.source.fingerprint, splits, counts, notes, now());
    manifest.data_warnings = workload.warnings().to_vec();
    manifest.simd = Some(instructions().to_owned());
    manifest.trainers.clone_from(&workload.trainers);
    manifest.spec_fingerprint = spec_fingerprint(spec);
    // A directory without a manifest holds nothing that could be lost.
    dir.stage_spec(spec)?;
    dir.commit(&mut manifest)?;
    Ok(manifest)
}

/// RFC 3339, to the second.
pub(crate) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}
