//! A setting of a run trained on all of its rows: the validation and test rows too, which then measure nobody any more.

use std::io;
use std::path::Path;

use super::error::RunError;
use super::refit_fault::RefitFault;
use super::workload::{Workload, splits};
use focalsweep_core::metrics::logistic;
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::record::{MODELS, Models, RunDir, RunDirError, RunFiles};
use focalsweep_engine::data;
use focalsweep_engine::train::{TrainError, fit_all, score_rows};

/// A setting trained on all rows.
#[derive(Debug, Clone)]
pub struct Refitted {
    /// What was trained.
    pub trial: Hyperparameters,
    /// The rows, and what prepares others like them.
    pub data: Replicate,
    /// Parameters in the layout of [`Shape`](focalsweep_core::plan::Shape).
    pub weights: Vec<f32>,
    /// Where rows are flagged from.
    pub threshold: Option<CarriedThreshold>,
}

/// A threshold that was chosen by other models of the same setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CarriedThreshold {
    /// The share of the training rows that are flagged: of theirs by the run's models, of all by this one.
    pub flagged: f64,
    /// The logit.
    pub raw: f64,
    /// Its probability.
    pub score: f64,
}

/// Trains trial `trial_id` of the run in `root` for `epochs` epochs on the rows of all parts of the search's last
/// replicate, which is the newest window where time splits, on a core of this machine. `thresholds` are the logits
/// that the trial's models flag from, by replicate. Nothing of the run is changed.
///
/// A threshold is carried over by the share of rows that it flags of those that its model was trained on: the only rows
/// that the new model has are such, and scores of rows that a model overfits are too good.
///
/// # Errors
/// The run's data or models cannot be had, or are others; the training diverges.
pub fn refit(root: &Path, trial_id: &str, epochs: u32, thresholds: &[(u32, f64)]) -> Result<Refitted, RunError> {
    let files = RunFiles::read(root)?;
    files.manifest().check_current(root)?;
    let spec = files.spec()?;
    let workload = Workload::recorded(&spec, &RunDir::attend(root))?;
    let (then, now) = (&files.manifest().data_fingerprint, &workload.source.fingerprint);
    if then != now {
        let (then, now) = (then.clone(), now.clone());
        return Err(RefitFault::OtherData { root: root.to_owned(), then, now }.into());
    }
    let none = || RunDirError::Broken { path: root.to_owned(), why: format!("its plan has no trial {trial_id}") };
    let place = workload.trials.places().get(trial_id).copied().ok_or_else(none)?;
    let trial = workload.trials.get(place);
    let whole = data::prepare_all(&workload.source, &spec.data, &splits(&spec), spec.replicates.saturating_sub(1))?;
    let failed = |why| RefitFault::Training { trial: trial_id.to_owned(), why };
    let weights = fit_all(&trial, (&spec.train, spec.seed), &whole, epochs).map_err(failed)?;
    let shares = shares(root, &files, (trial_id, &trial), &workload.replicates, thresholds)?;
    let threshold = if shares.is_empty() {
        None
    } else {
        let flagged = shares.iter().sum::<f64>() / shares.len() as f64;
        let raw = scored(&trial, &weights, &whole.train, whole.features.len()).map_err(failed)?;
        Some(CarriedThreshold::of(raw, flagged))
    };
    Ok(Refitted { trial, data: whole, weights, threshold })
}

/// The share of their training rows that the trial's models flag.
fn shares(
    root: &Path,
    files: &RunFiles,
    (trial_id, trial): (&str, &Hyperparameters),
    replicates: &[std::sync::Arc<Replicate>],
    thresholds: &[(u32, f64)],
) -> Result<Vec<f64>, RunError> {
    let models = Models::read(files)?;
    let folder = files.path(MODELS);
    let mut shares = Vec::with_capacity(thresholds.len());
    for &(replicate, threshold) in thresholds {
        let weights = models.weights(trial_id, replicate).map_err(|why: io::Error| RunDirError::io(&folder, why))?;
        let data = replicates.iter().find(|data| data.index == replicate);
        let (Some(weights), Some(data)) = (weights, data) else {
            let (root, models, trial) = (root.to_owned(), folder, trial_id.to_owned());
            return Err(RefitFault::NoModel { root, models, trial, replicate }.into());
        };
        let raw = scored(trial, &weights, &data.train, data.features.len());
        let raw = raw.map_err(|why| RefitFault::Training { trial: trial_id.to_owned(), why })?;
        let flagged = raw.iter().filter(|&&raw| f64::from(raw) >= threshold).count();
        shares.push(flagged as f64 / raw.len().max(1) as f64);
    }
    Ok(shares)
}

fn scored(trial: &Hyperparameters, weights: &[f32], rows: &Rows, inputs: usize) -> Result<Vec<f32>, TrainError> {
    score_rows(trial, inputs, weights, rows.x.to_vec()).map(|scored| scored.raw)
}

impl CarriedThreshold {
    /// The one that flags a share of rows with these logits, as nearly as whole rows can: the logit of the last of
    /// them, or what is just above all.
    fn of(mut raw: Vec<f32>, share: f64) -> Self {
        raw.sort_unstable_by(|a, b| b.total_cmp(a));
        let wanted = (share * raw.len() as f64).round() as usize;
        let highest = raw.first().copied().unwrap_or_default();
        let at = wanted.checked_sub(1).and_then(|last| raw.get(last)).copied().unwrap_or_else(|| highest.next_up());
        let flagged = raw.partition_point(|&raw| raw >= at) as f64 / raw.len().max(1) as f64;
        Self { flagged, raw: f64::from(at), score: logistic(f64::from(at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_flags_the_share_that_it_is_to() {
        let raw = || vec![0.5, -1.0, 2.0, 1.0, 0.0];
        let of = |share| CarriedThreshold::of(raw(), share);
        assert_eq!((of(0.4).raw, of(0.4).flagged), (1.0, 0.4));
        assert_eq!((of(0.49).raw, of(1.0).raw), (1.0, -1.0));
        assert_eq!(of(0.0).flagged, 0.0);
        assert!(of(0.0).raw > 2.0);
        // Equal rows are flagged together.
        assert_eq!(CarriedThreshold::of(vec![1.0, 1.0, 0.0, 0.0], 0.25).flagged, 0.5);
    }
}
