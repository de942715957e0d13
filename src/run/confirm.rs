//! The second phase of a run: its best trials and the baseline are trained afresh, on replicates that did not choose.
//!
//! Whoever chose by figures chose luck too. What a setting is worth is said by trainings that nobody chose by: another
//! split into training and validation rows, other first weights, batches and dropout. These follow from (seed,
//! replicate), so all that is new about them is their replicates' numbers.

use std::collections::{BTreeMap, HashSet};

use super::derived::rank_options;
use super::error::RunError;
use super::workload::Workload;
use focalsweep_core::plan::{Phase, Trials, Wave, WaveTrials};
use focalsweep_core::record::{RunDir, RunFiles};
use focalsweep_core::spec::{ConfirmSpec, Spec};
use focalsweep_report as report;

/// The wave that trains the finalists of the run in `dir` on as many new replicates as `asked` wants, less those on
/// which all of them were trained afresh before. `None` where nothing is left to do, or no trial has any figures.
///
/// # Errors
/// The results cannot be read.
pub(super) fn wave_to_confirm(
    asked: ConfirmSpec,
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
) -> Result<Option<Wave>, RunError> {
    let results = report::read(&RunFiles::read(dir.root())?)?;
    let ranking = match report::rank(&results, &rank_options(spec, None)) {
        Err(report::ReportError::NoRows) => return Ok(None),
        ranking => ranking?,
    };
    let finalists = report::finalists(&ranking, asked.trials as usize, asked.methods);
    let ids: HashSet<&str> = finalists.iter().map(|ranked| ranked.trial.trial_id.as_str()).collect();
    let missing = asked.replicates.saturating_sub(confirmed(workload, &ids));
    if ids.is_empty() || missing == 0 {
        return Ok(None);
    }
    let places = workload.trials.places();
    let trials = finalists.iter().filter_map(|ranked| places.get(&ranked.trial.trial_id));
    let trials = Trials::listed(trials.map(|&index| workload.trials.get(index)).collect());
    Ok(Some(Wave::confirm(&workload.plan, &trials, missing, &workload.sizes, workload.most_epochs(spec))))
}

/// On how many replicates all trials of `ids` are planned to be trained afresh.
fn confirmed(workload: &Workload, ids: &HashSet<&str>) -> u32 {
    let mut found: BTreeMap<u32, HashSet<String>> = BTreeMap::new();
    for job in workload.plan.jobs.iter().filter(|job| job.phase == Phase::Confirm) {
        let trials = (job.first..job.first + job.count).map(|index| workload.trials.get(index).trial_id());
        found.entry(job.replicate).or_default().extend(trials);
    }
    let whole = found.values().filter(|trials| ids.iter().all(|id| trials.contains(*id)));
    u32::try_from(whole.count()).unwrap_or(u32::MAX)
}

/// What a wave trains, in words.
pub(super) fn in_words(wave: &Wave) -> String {
    let ids: Vec<&str> = match &wave.trials {
        WaveTrials::Listed(trials) => trials.iter().map(|trial| trial.id.as_str()).collect(),
        WaveTrials::Grid(_) => Vec::new(),
    };
    let (trials, replicates) = (ids.len(), wave.replicates.len());
    format!("to confirm: {trials} trials x {replicates} new replicates are trained afresh: {}", ids.join(", "))
}
