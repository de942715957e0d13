//! The stacked engine: dozens of models of one shape trained by the same passes over the same rows.
//!
//! [`train`] takes a [`Stack`], a replicate's rows and the [`Backends`] that compute, and tells an [`Observer`] of
//! epochs, ended trials and checkpoints. The CPU's backend is here ([`FusedKernels`]); libtorch's is a crate of its
//! own.

pub mod adam;
mod backend;
mod checkpoint;
mod correct;
mod drawn;
mod early_stopping;
mod engine;
mod error;
mod evaluate;
mod fused;
mod outside;
mod predict;
mod refit;
mod schedule;
mod smote;
mod stack;

pub use backend::{Backend, Backends, Batch, Parameters, Part, Scored};
pub use checkpoint::{Checkpoint, TrialState};
pub use engine::{End, Ended, EpochReport, Observer, SaveError, start, train};
pub use error::{TrainError, Trouble};
pub use evaluate::{Fitted, RowScores};
pub use fused::{FusedKernels, NoInstructions, instructions, use_instructions};
pub use outside::{Measured, PartScores, measure_outside, scores_outside};
pub use predict::{measure_again, score_rows};
pub use refit::fit_all;
pub use schedule::Schedule;
pub use stack::{Stack, cost};

#[cfg(test)]
mod tests;
