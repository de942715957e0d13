//! Runs on the same rows, ranked together: their tables as one, in a folder of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tempfile::TempDir;

use super::begin::now;
use super::error::RunError;
use super::looked::Look;
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{Counts, Manifest, RunDir, RunDirError, RunFiles, RunState};
use focalsweep_core::shell::quoted;
use focalsweep_report::{self as report, ReportError, Results, metrics_at_operating_point};

/// A run that is to be ranked beside others.
struct Part {
    look: Look,
    results: Results,
}

/// Ranks runs together: all trials of all of them, on the replicates of the search that all have. A trial that several
/// have is taken from the first; it has to have the same figures in all.
///
/// # Errors
/// They are of other data, or have no replicate with the same split; one trial has other figures in two of them, so
/// that it was trained otherwise; a file is damaged or cannot be read.
pub fn together(looks: Vec<Look>) -> Result<Look, RunError> {
    let parts = looks.into_iter().map(|look| {
        let results = report::read(&look.files)?;
        Ok(Part { look, results })
    });
    let mut parts: Vec<Part> = parts.collect::<Result<_, ReportError>>()?;
    if parts.len() == 1 {
        return Ok(parts.remove(0).look);
    }
    for other in &parts[1..] {
        same_data(&parts[0], other)?;
        same_trials(&parts[0], other)?;
    }
    let splits = common_splits(&parts)?;
    let common: BTreeSet<u32> = splits.keys().copied().collect();
    let confirmed: Vec<HashSet<u32>> = parts
        .iter()
        .map(|part| replicates(part, Phase::Confirm).into_keys().filter(|number| !common.contains(number)).collect())
        .collect();
    let folder = TempDir::new().map_err(|why| RunDirError::io(&std::env::temp_dir(), why))?;
    let dir = RunDir::attend(folder.path());
    let files: Vec<&RunFiles> = parts.iter().map(|part| &part.look.files).collect();
    dir.stage_together(&files, &|part, _, replicate| {
        common.contains(&replicate) || confirmed[part].contains(&replicate)
    })?;
    let mut spec = files[0].spec()?;
    let mut names: Vec<&str> = files.iter().map(|files| files.manifest().name.as_str()).collect();
    names.dedup();
    // As the name of a sweep may be.
    spec.name = names.join("-").chars().take(100).collect();
    let trials: HashSet<&str> =
        parts.iter().flat_map(|part| part.results.rows.iter().map(|row| row.trial_id.as_str())).collect();
    let replicates = u32::try_from(common.len()).unwrap_or(u32::MAX);
    let counts = Counts { trials: trials.len(), replicates, ..Counts::default() };
    let fingerprint = &files[0].manifest().data_fingerprint;
    let mut manifest =
        Manifest::new(&spec.name, fingerprint, splits.into_values().collect(), counts, Vec::new(), now());
    manifest.state = RunState::Finished;
    dir.stage_spec(&spec)?;
    dir.commit(&mut manifest)?;
    let files = RunFiles::looked_at(files[0].root(), folder.path())?;
    let (warnings, point) = (warnings(&parts, &common), other_point(&parts));
    Ok(Look { files, warnings, so_far: None, point, folder: Some(folder) })
}

/// What is to be known of runs that are ranked together.
fn warnings(parts: &[Part], common: &BTreeSet<u32>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut told = Vec::new();
    let mut warnings = Vec::new();
    for Part { look, results } in parts {
        let root = look.files.root().display().to_string();
        let trials: HashSet<&str> = results.rows.iter().map(|row| row.trial_id.as_str()).collect();
        let new = trials.iter().filter(|trial| seen.insert(**trial)).count();
        told.push(format!("{root} ({new} of its {} trials are in none before it)", trials.len()));
        warnings.extend(look.warnings.iter().map(|warning| format!("{root}: {warning}")));
    }
    warnings.insert(0, format!("ranked together: {}", told.join(", ")));
    let all: BTreeSet<u32> = parts.iter().flat_map(|part| replicates(part, Phase::Search).into_keys()).collect();
    if common.len() < all.len() {
        let (some, all) = (common.len(), all.len());
        warnings.push(format!("{some} of {all} replicates have the same split in all runs; the others are left out"));
    }
    warnings
}

/// The operating point of the first run, where that of another differs: figures there are to be measured again.
fn other_point(parts: &[Part]) -> Option<focalsweep_core::spec::OperatingPoint> {
    let first = &parts[0].results.operating_point;
    first.clone().filter(|_| parts.iter().any(|part| part.results.operating_point != *first))
}

/// Refuses runs of which not all rows are of the same data.
fn same_data(first: &Part, other: &Part) -> Result<(), ReportError> {
    let fingerprints = [first, other].map(|part| part.look.files.manifest().data_fingerprint.clone());
    if fingerprints[0] == fingerprints[1] {
        return Ok(());
    }
    Err(ReportError::OtherData { dirs: [first, other].map(|part| part.look.files.root().to_owned()), fingerprints })
}

/// The replicates of a phase, and the fingerprint of the split of each.
fn replicates(part: &Part, phase: Phase) -> BTreeMap<u32, String> {
    let rows = part.results.rows.iter().filter(|row| row.phase == phase);
    rows.map(|row| (row.replicate, row.split_fingerprint.clone())).collect()
}

/// The replicates of the search that all runs have with one and the same split.
fn common_splits(parts: &[Part]) -> Result<BTreeMap<u32, String>, ReportError> {
    let of: Vec<BTreeMap<u32, String>> = parts.iter().map(|part| replicates(part, Phase::Search)).collect();
    let mut common = of[0].clone();
    for (part, splits) in parts.iter().zip(&of).skip(1) {
        common.retain(|replicate, split| splits.get(replicate) == Some(split));
        if common.is_empty() {
            let first = |of: &BTreeMap<u32, String>| of.values().next().cloned().unwrap_or_default();
            return Err(ReportError::OtherSplits {
                dirs: [&parts[0], part].map(|part| part.look.files.root().to_owned()),
                fingerprints: [first(&of[0]), first(splits)],
            });
        }
    }
    Ok(common)
}

/// Refuses runs that trained one and the same trial to other figures: what differs between them is not among what the
/// trials are told apart by.
fn same_trials(first: &Part, other: &Part) -> Result<(), RunError> {
    // Figures at the operating point are measured again where the points differ.
    let at_point = metrics_at_operating_point();
    let is_of_training = |name: &&String| {
        let follows = at_point.contains(name) || ["cost", "net_benefit"].iter().any(|part| name.contains(part));
        name.as_str() != "train_seconds" && !follows
    };
    let rows: HashMap<(&str, u32), _> =
        first.results.rows.iter().map(|row| ((row.trial_id.as_str(), row.replicate), row)).collect();
    for row in &other.results.rows {
        let Some(before) = rows.get(&(row.trial_id.as_str(), row.replicate)) else { continue };
        if before.split_fingerprint != row.split_fingerprint {
            continue;
        }
        let differs = |name: &&String| {
            let [ours, theirs] = [(&first.results, *before), (&other.results, row)];
            let bits = |(results, row): (&Results, _)| results.value(row, name).map(f64::to_bits);
            first.results.metrics.contains(name) && bits(ours) != bits(theirs)
        };
        if let Some(metric) = other.results.metrics.iter().filter(is_of_training).find(differs) {
            return Err(RunError::OtherFigures {
                trial: row.trial_id.clone(),
                metric: metric.clone(),
                runs: [first, other].map(|part| quoted(part.look.files.root())),
            });
        }
    }
    Ok(())
}
