//! The losses, one file each: what it is called, where it comes from, and what its formula reads of a trial.
//!
//! Every loss here is of the focal family, whose value and slope are [`LossTerms`]'s; so one stack can hold trials of
//! different losses. The words and the hyperparameters stand in the table of `spec::parameters`.

mod bce;
mod focal;
mod terms;
#[cfg(test)]
mod tests;
mod weighted_bce;

pub use terms::LossTerms;

use crate::spec::{Hyperparameters, Loss};

/// Rows of each class that an epoch draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Of the rare class.
    pub positives: usize,
    /// Of the others.
    pub negatives: usize,
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
    pub terms: fn(&Hyperparameters, Drawn) -> LossTerms,
}

/// The definition of a loss.
pub const fn definition(loss: Loss) -> &'static LossDefinition {
    match loss {
        Loss::Focal => &focal::DEFINITION,
        Loss::Bce => &bce::DEFINITION,
        Loss::WeightedBce => &weighted_bce::DEFINITION,
    }
}
