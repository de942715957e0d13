//! Where the trials of a wave pause to be judged.

use std::sync::Arc;

use super::error::RunError;
use focalsweep_core::plan::{Hyperparameters, Job, Wave};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::{PLAN, RunDirError};
use focalsweep_core::spec::{EarlyRule, Spec};
use focalsweep_engine::train::Schedule;
use focalsweep_report::thousands;

/// A wave that trains to rung `rung`, 0 for the first; where trials do not end early, to their ends.
pub(super) fn to_rung(wave: Wave, rung: usize, spec: &Spec, replicates: &[Arc<Replicate>]) -> Result<Wave, RunError> {
    let Some(early) = spec.early_terminate else { return Ok(wave) };
    let rungs = early.rungs(&spec.train);
    let part = |job: &Job, trial: &Hyperparameters| {
        let epochs = match &trial.command {
            // Others train to their own ends.
            Some(command) if spec.trainers.get(&command.trainer)?.resumable => spec.train.epochs.at_least(),
            Some(_) => return None,
            None => {
                let data = replicates.iter().find(|data| data.index == job.replicate)?;
                Schedule::of(&spec.train, trial, data).epochs
            }
        };
        let from = rung.checked_sub(1).map_or(0, |before| rungs.end(before, epochs));
        Some([from, rungs.end(rung, epochs)])
    };
    wave.in_parts(part).map_err(|why| RunDirError::Broken { path: PLAN.into(), why }.into())
}

/// Where trials that train `epochs` epochs are judged, in words.
pub(super) fn in_words(spec: &Spec, epochs: u32) -> Option<String> {
    /// Ends that are told one by one.
    const MOST: usize = 6;
    let early = spec.early_terminate?;
    let rungs = early.rungs(&spec.train);
    let ends: Vec<String> = (0..rungs.len().min(MOST)).map(|rung| thousands(rungs.end(rung, epochs))).collect();
    let more = if rungs.len() > MOST { ", …" } else { "" };
    let who = match early.rule {
        EarlyRule::Hyperband => format!("one in {} goes on", early.halving()),
        EarlyRule::Median => "who is no worse than the median goes on".to_owned(),
    };
    Some(format!("early termination: judged after {}{more} of {} epochs; {who}", ends.join(", "), thousands(epochs)))
}
