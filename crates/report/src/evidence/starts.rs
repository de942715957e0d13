//! What the starting bias does to plain cross-entropy.

use crate::rank::{Ranked, Ranking};
use crate::read::parameters::INITIAL_BIAS;
use crate::read::{ReportError, validation_losses};
use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::Loss;

/// A trial of plain cross-entropy and the bias that it started from.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// `prior` or a number.
    pub initial_bias: String,
    /// The trial.
    pub trial_id: String,
    /// Mean validation loss after each epoch, from the first.
    pub validation_losses: Vec<f64>,
    /// Mean epoch whose weights were kept.
    pub best_epoch: Option<f64>,
}

/// Trials of plain cross-entropy that differ from the best of them in nothing but the starting bias.
pub(super) fn starts(files: &RunFiles, ranking: &Ranking) -> Result<Vec<Start>, ReportError> {
    let bias_of = |ranked: &Ranked| ranking.parameter(ranked, INITIAL_BIAS).map(ToString::to_string);
    let plain = ranking.baseline().filter(|best| ranking.loss(best) == Some(Loss::Bce) && bias_of(best).is_some());
    let Some(best) = plain else { return Ok(Vec::new()) };
    let at = ranking.parameters.iter().position(|name| name == INITIAL_BIAS);
    let same = |ranked: &&Ranked| {
        let pairs = ranked.trial.parameters.iter().zip(&best.trial.parameters).enumerate();
        pairs.into_iter().all(|(i, (a, b))| Some(i) == at || a == b) && ranked.front.is_some()
    };
    let trials: Vec<&Ranked> = ranking.trials.iter().filter(same).collect();
    if trials.len() < 2 {
        return Ok(Vec::new());
    }
    let ids = trials.iter().map(|ranked| ranked.trial.trial_id.clone()).collect();
    let mut losses = validation_losses(files, &ids)?;
    let start = |ranked: &&Ranked| {
        Some(Start {
            initial_bias: bias_of(ranked)?,
            trial_id: ranked.trial.trial_id.clone(),
            validation_losses: losses.remove(&ranked.trial.trial_id)?,
            best_epoch: ranking.mean(ranked, "best_epoch"),
        })
    };
    Ok(trials.iter().filter_map(start).collect())
}
