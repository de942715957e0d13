//! The losses, one file each: what it is called, where it comes from, and what its formula reads of a trial.
//!
//! Most give a row a loss of its own ([`LossTerms`]); one is over pairs of rows of a batch ([`PairTerms`]). One stack
//! can hold trials of different losses. The words and the hyperparameters stand in the table of `spec::parameters`.

mod asymmetric;
mod bce;
mod focal;
mod pairs;
mod pairwise;
mod terms;
#[cfg(test)]
mod tests;
mod vs;
mod weighted_bce;

pub use pairs::PairTerms;
pub use terms::{Formula, LossTerms};

use crate::spec::{Hyperparameters, Loss};

/// Rows of each class that an epoch draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Of the rare class.
    pub positives: usize,
    /// Of the others.
    pub negatives: usize,
}

/// What the rows of each class that an epoch draws come to together: their number, or the sum of their weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mass {
    /// Of the rare class.
    pub positives: f64,
    /// Of the others.
    pub negatives: f64,
}

impl From<Drawn> for Mass {
    fn from(Drawn { positives, negatives }: Drawn) -> Self {
        Self { positives: positives as f64, negatives: negatives as f64 }
    }
}

/// What a trial's loss reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrialLoss {
    /// A loss of each row.
    Rows(LossTerms),
    /// A loss of the pairs of a batch.
    Pairs(PairTerms),
}

/// What is known of a loss.
#[derive(Debug, Clone, Copy)]
pub struct LossDefinition {
    /// As a method of dealing with a rare class: `class weights`.
    pub title: &'static str,
    /// As the loss of a trial: `focal loss`.
    pub called: &'static str,
    /// Its setting in which it is plain cross-entropy, if it has one and is not that itself.
    pub when_plain: Option<&'static str>,
    /// Place among the methods in published tables: those of one family stand together, before the next family.
    pub family: u8,
    /// The paper or page that it comes from.
    pub reference: &'static str,
    /// What its formula reads of a trial.
    pub terms: fn(&Hyperparameters, Mass) -> TrialLoss,
}

/// The definition of a loss.
pub const fn definition(loss: Loss) -> &'static LossDefinition {
    match loss {
        Loss::Focal => &focal::DEFINITION,
        Loss::Bce => &bce::DEFINITION,
        Loss::WeightedBce => &weighted_bce::DEFINITION,
        Loss::Asymmetric => &asymmetric::DEFINITION,
        Loss::Vs => &vs::DEFINITION,
        Loss::Pairwise => &pairwise::DEFINITION,
    }
}

impl TrialLoss {
    /// The loss of `trial` when an epoch draws these rows.
    pub fn of_trial(trial: &Hyperparameters, drawn: impl Into<Mass>) -> Self {
        match (definition(trial.loss).terms)(trial, drawn.into()) {
            Self::Rows(terms) => Self::Rows(LossTerms { smoothing: trial.label_smoothing, ..terms }),
            Self::Pairs(terms) => Self::Pairs(PairTerms { smoothing: trial.label_smoothing, ..terms }),
        }
    }
}
