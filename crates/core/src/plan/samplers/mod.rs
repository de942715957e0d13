//! Samplers, one file each: who chooses the trials of a sweep. `method` of the sweep file names one.
//!
//! A sampler is *asked* for the trials of a wave until it has none left. A grid has one wave.

mod grid;

use super::space::Trials;
use crate::spec::{Method, Spec};

/// Chooses trials.
pub trait Sampler {
    /// The trials of the next wave; `None` when there are no more.
    fn ask(&mut self) -> Option<Trials>;
}

/// More trials than can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyTrials;

/// The sampler that `spec` asks for.
///
/// # Errors
/// Its trials cannot be counted.
pub fn sampler(spec: &Spec) -> Result<Box<dyn Sampler>, TooManyTrials> {
    match spec.method {
        Method::Grid => Ok(Box::new(grid::GridSampler::new(spec)?)),
    }
}
