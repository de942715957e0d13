//! Every combination of the values, at once.

use super::{Sampler, TooManyTrials};
use crate::plan::space::Trials;
use crate::spec::Spec;

/// The grid that waits to be asked for.
#[derive(Debug)]
pub(super) struct GridSampler(Option<Trials>);

impl GridSampler {
    /// The union of the mappings under `parameters`.
    ///
    /// # Errors
    /// There are more than 2^32 trials.
    pub(super) fn new(spec: &Spec) -> Result<Self, TooManyTrials> {
        Trials::new(spec).map(|trials| Self(Some(trials))).ok_or(TooManyTrials)
    }
}

impl Sampler for GridSampler {
    fn ask(&mut self) -> Option<Trials> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sampler;

    #[test]
    fn a_grid_is_asked_for_once() {
        let text = "name: t\ndata: {source: d.csv, label: y}\nparameters: {learning_rate: {values: [0.1, 0.2]}}";
        let mut grid = sampler(&crate::spec::parse("t", text).unwrap()).unwrap();
        assert_eq!(grid.ask().map(|trials| trials.len()), Some(2));
        assert!(grid.ask().is_none());
    }
}
