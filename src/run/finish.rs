//! From journals to the files that people read.

use std::collections::HashSet;

use super::begin::now;
use super::derived::{rank_options, write_reports};
use super::error::RunError;
use super::workload::Workload;
use focalsweep_core::record::{Collection, Ended, Manifest, RunDir, RunState};
use focalsweep_core::spec::{Scores, Spec};
use focalsweep_report as report;

/// Scores beyond which only the best trials' are kept, unless the spec says otherwise.
const MOST_SCORES: usize = 50_000_000;
/// How many trials `scores: best` keeps.
const BEST_TRIALS: usize = 50;

/// Makes the files that people read of what there is. `trained`: whether nothing is left to be trained. Says whether
/// the run is finished.
pub(super) fn finish(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    manifest: &mut Manifest,
    trained: bool,
) -> Result<bool, RunError> {
    manifest.libtorch = dir.libtorch()?.or(manifest.libtorch.take());
    let metadata = metadata(spec, manifest)?;
    let collection = Collection::read(dir, &workload.plan, &workload.trials, &metadata)?;
    // A failed row that is to be tried again is there until there is another.
    let finished = trained && collection.rows() == workload.rows();
    manifest.counts.rows = collection.rows();
    manifest.counts.failed = collection.failed();
    manifest.state = if finished { RunState::Finished } else { RunState::Interrupted };
    manifest.ended = finished.then_some(Ended::Complete);
    manifest.updated_at = now();
    collection.write_rows()?;
    collection.write_models(&workload.replicates)?;
    let any = collection.rows() > collection.failed();
    let (kept, word) = kept_scores(spec, workload, dir, any)?;
    manifest.scores = word.to_owned();
    collection.write_scores(&workload.replicates, kept.as_ref())?;
    if any {
        write_reports(spec, dir, manifest)?;
    }
    dir.write_manifest(manifest)?;
    // What failed may be tried again beside the rest, which then is collected again.
    if finished && manifest.counts.failed == 0 {
        dir.remove_jobs()?;
    }
    Ok(finished)
}

/// Whose scores are kept (`None`: everybody's), and the word for it. `any`: whether a trial has finished.
fn kept_scores(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    any: bool,
) -> Result<(Option<HashSet<String>>, &'static str), RunError> {
    let rows: usize = workload.replicates.iter().map(|r| r.validation.y.len() + r.test.y.len()).sum();
    let wanted =
        spec.scores.unwrap_or(if rows * workload.plan.trials <= MOST_SCORES { Scores::All } else { Scores::Best });
    Ok(match wanted {
        Scores::All => (None, "all"),
        Scores::None => (Some(HashSet::new()), "none"),
        Scores::Best if !any => (Some(HashSet::new()), "best"),
        Scores::Best => {
            let results = report::read(dir.root())?;
            let best = report::rank(&results, &rank_options(spec, Some(BEST_TRIALS)))?;
            (Some(best.shown().iter().map(|ranked| ranked.trial.trial_id.clone()).collect()), "best")
        }
    })
}

/// What each Parquet file says of itself.
fn metadata(spec: &Spec, manifest: &Manifest) -> Result<Vec<(String, String)>, RunError> {
    let json = |value: serde_json::Result<String>| value.map_err(|why| RunError::unwritable("the metadata", why));
    let mut metadata = vec![
        ("focalsweep.format_version".into(), manifest.format_version.to_string()),
        ("focalsweep.draft".into(), manifest.draft.to_string()),
        ("focalsweep.program".into(), manifest.program.clone()),
        ("focalsweep.data_fingerprint".into(), manifest.data_fingerprint.clone()),
        ("focalsweep.split_fingerprints".into(), json(serde_json::to_string(&manifest.split_fingerprints))?),
        ("focalsweep.spec".into(), json(serde_json::to_string(spec))?),
    ];
    // Where it did not train there is no such key.
    metadata.extend(manifest.libtorch.clone().map(|version| ("focalsweep.libtorch".into(), version)));
    Ok(metadata)
}
