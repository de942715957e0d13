//! From journals to the files that people read.

use std::collections::HashSet;

use super::begin::now;
use super::derived::{rank_options, write_reports};
use super::error::RunError;
use super::workload::Workload;
use crate::launch::command::settle;
use focalsweep_core::plan::{Job, Phase};
use focalsweep_core::prepared::Rows;
use focalsweep_core::record::{Collection, Ended, Manifest, RunDir, RunDirError, RunFiles, RunState};
use focalsweep_core::spec::{KnownGroups, Scores, Spec, SplitBy};
use focalsweep_report as report;

/// Scores beyond which only the best trials' are kept, unless the spec says otherwise.
const MOST_SCORES: usize = 50_000_000;
/// How many trials `scores: best` keeps.
const BEST_TRIALS: usize = 50;

/// What came of a run.
#[derive(Debug)]
pub(super) struct Made {
    /// Whether it is finished.
    pub(super) finished: bool,
    /// The answer in short; empty where no trial has ended.
    pub(super) answer: Vec<String>,
}

/// Makes the files that people read of what there is. `ended`: why no more is trained, if nothing is left or the time
/// is up; `None` where somebody stopped it.
///
/// # Errors
/// A file cannot be written, or a journal was damaged since its trials ended.
pub(super) fn finish(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    manifest: &mut Manifest,
    ended: Option<Ended>,
) -> Result<Made, RunError> {
    manifest.libtorch = dir.libtorch()?.or(manifest.libtorch.take());
    let collection = collection_of(spec, workload, dir, manifest)?;
    for why in collection.damage() {
        tracing::warn!(why, "a row of a journal is left out");
    }
    count(&collection, manifest);
    collection.stage_rows()?;
    collection.stage_models()?;
    dir.commit(manifest)?;
    let any = collection.rows() > collection.failed();
    let (kept, word) = kept_scores(spec, workload, dir, any)?;
    manifest.scores = word.to_owned();
    // A failed row that is to be tried again is there until there is another.
    let is_there = is_all(&collection, workload) && !collection.lacks_parts(kept.as_ref())?;
    let finished = ended.is_some() && is_there;
    collection.stage_scores(kept.as_ref())?;
    stage_new_groups(spec, workload, dir)?;
    let damage = collection.damage().first().cloned();
    // The report needs the room.
    drop(collection);
    // Should this be all that comes to be, whoever resumes sees that the rest is missing.
    manifest.state = if finished { RunState::Finished } else { RunState::Interrupted };
    manifest.ended = ended.filter(|&ended| finished || ended == Ended::Budget);
    dir.commit(manifest)?;
    let answer = if any { write_reports(spec, dir, manifest)? } else { Vec::new() };
    // Nothing is about to take a place any more.
    dir.commit(manifest)?;
    // What failed may be tried again beside the rest, which then is collected again.
    if finished && manifest.counts.failed == 0 {
        dir.remove_jobs()?;
        settle(dir.root()).map_err(|why| RunDirError::io(dir.root(), why))?;
    }
    match damage {
        Some(why) if ended.is_some() && !finished => Err(RunDirError::Broken { path: dir.jobs(), why }.into()),
        _ => Ok(Made { finished, answer }),
    }
}

/// Makes the tables of what there is, for whoever chooses by them what to train next. Says whether every row is there
/// that the plan has.
///
/// # Errors
/// A file cannot be written, or a journal was damaged since its trials ended.
pub(super) fn tabulate(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    manifest: &mut Manifest,
) -> Result<bool, RunError> {
    manifest.libtorch = dir.libtorch()?.or(manifest.libtorch.take());
    let collection = collection_of(spec, workload, dir, manifest)?;
    count(&collection, manifest);
    collection.stage_rows()?;
    dir.commit(manifest)?;
    Ok(is_all(&collection, workload))
}

/// Whether every row is there that the plan has, and none has paused that is to go on.
fn is_all(collection: &Collection<'_>, workload: &Workload) -> bool {
    collection.rows() == workload.rows() && collection.under_way() == 0
}

/// Counts the rows that there are.
pub(super) fn count(collection: &Collection<'_>, manifest: &mut Manifest) {
    manifest.counts.rows = collection.rows();
    manifest.counts.failed = collection.failed();
    manifest.updated_at = now();
}

/// What the journals and the tables of a run have.
pub(super) fn collection_of<'a>(
    spec: &Spec,
    workload: &'a Workload,
    dir: &'a RunDir,
    manifest: &Manifest,
) -> Result<Collection<'a>, RunError> {
    let planned = (&workload.plan, &workload.trials);
    let metadata = metadata(spec, manifest)?;
    Ok(Collection::read(dir, planned, &workload.replicates, &workload.source.fingerprint, &metadata)?)
}

/// Whose scores are kept (`None`: everybody's), and the word for it. `any`: whether a trial has finished.
pub(super) fn kept_scores(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    any: bool,
) -> Result<(Option<HashSet<String>>, &'static str), RunError> {
    let rows_of = |job: &Job| {
        let replicate = workload.replicates.get(job.replicate as usize);
        replicate.map_or(0, |replicate| replicate.scored().map(Rows::len).into_iter().sum())
    };
    let scores: usize =
        workload.plan.jobs.iter().filter(|job| !job.goes_on()).map(|job| job.count * rows_of(job)).sum();
    let wanted = spec.scores.unwrap_or(if scores <= MOST_SCORES { Scores::All } else { Scores::Best });
    Ok(match wanted {
        Scores::All => (None, "all"),
        Scores::None => (Some(HashSet::new()), "none"),
        Scores::Best if !any => (Some(HashSet::new()), "best"),
        Scores::Best => {
            let results = report::read(&RunFiles::read(dir.root())?)?;
            let best = report::rank(&results, &rank_options(spec, Some(BEST_TRIALS)))?;
            let best = best.shown().iter().map(|ranked| ranked.trial.trial_id.clone());
            (Some(best.chain(confirmed(workload)).collect()), "best")
        }
    })
}

/// The trials that are trained afresh: claims need the scores of all of them.
fn confirmed(workload: &Workload) -> impl Iterator<Item = String> {
    let jobs = workload.plan.jobs.iter().filter(|job| job.phase == Phase::Confirm);
    jobs.flat_map(|job| job.first..job.first + job.count).map(|index| workload.trials.get(index).trial_id())
}

/// Which groups are new to the test, where a split tells them apart and keeps both.
pub(super) fn stage_new_groups(spec: &Spec, workload: &Workload, dir: &RunDir) -> Result<(), RunError> {
    match &spec.split.by {
        SplitBy::Time { groups: Some(KnownGroups { column, new_only: false }), .. } => {
            Ok(dir.stage_new_groups(column, &workload.replicates)?)
        }
        _ => Ok(()),
    }
}

/// What each Parquet file says of itself.
pub(super) fn metadata(spec: &Spec, manifest: &Manifest) -> Result<Vec<(String, String)>, RunError> {
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
