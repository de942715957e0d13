//! The stacked engine: dozens of models of one shape trained by the same passes over the same rows.
//!
//! [`train`] takes a [`Stack`] and a replicate's rows, and tells an [`Observer`] of epochs, ended trials and checkpoints.
//! Only this folder knows tch.

mod backend;
mod checkpoint;
pub mod device;
mod early_stopping;
mod engine;
mod error;
mod evaluate;
mod fused;
mod libtorch;
mod loss;
mod predict;
mod shape;
mod stack;
mod uploads;

pub use backend::Parameters;
pub use checkpoint::{Checkpoint, TrialState};
pub(crate) use checkpoint::{from_le_bytes, le_bytes};
pub use engine::{End, Ended, EpochReport, Observer, SaveError, train};
pub use error::{TrainError, Trouble};
pub use evaluate::Fitted;
pub use loss::LossTerms;
pub use predict::probabilities;
pub use shape::{Layer, Shape};
pub use stack::{Stack, cost};
pub use uploads::Uploads;

#[cfg(test)]
mod tests;
