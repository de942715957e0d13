//! Samplers: which points of a space are tried next, given what is known of those that were.
//!
//! ```text
//! SearchSpace ─> Search ─ask─> points of a wave ─> (trained elsewhere) ─> Told ─tell─> Search ─ask─> …
//! ```
//!
//! | module | job |
//! |---|---|
//! | `domain`, `axis` | what values a dimension has: as W&B says it, and as places in [0, 1] |
//! | `space`, `seen` | a union of mappings, its points, and which of them were there already |
//! | `wave` | how many points are asked for at once, and how many shapes they have |
//! | `grid`, `random`, `sobol` | samplers that do not learn |
//! | `tpe` | the one that does: `split` good from bad, `parzen` densities |
//!
//! Nothing here knows what is trained, so that closed-form functions can be searched as well. What is asked for hangs
//! on the space, the seed and what was told, in its order, and on nothing else: a resumed run that tells what is
//! recorded is asked for the same.

mod axis;
mod domain;
mod grid;
mod random;
mod seen;
mod sobol;
mod space;
mod tpe;
mod wave;

#[cfg(test)]
mod tests;

pub use domain::{Domain, Law};
pub use grid::{Endless, GridSearch};
pub use random::RandomSearch;
pub use sobol::{SobolSearch, TooManyDimensions};
pub use space::{Dimension, Point, SearchSpace, SpaceFault};
pub use tpe::TpeSearch;
pub use wave::{default_wave, shapes_allowed};

/// What came of a point. All of a search have one objective, or all have two; those unlike the first count as failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// One objective, the less the better; NaN counts as failed.
    One(f64),
    /// Two objectives, the less the better.
    Two([f64; 2]),
    /// It was ended early: how many rungs it came to, and what it came to there, the less the better. Worse than all
    /// that were not, and than those that came further, as with pruned trials of Optuna.
    Stopped {
        /// Rungs.
        rungs: u32,
        /// The first objective.
        value: f64,
    },
    /// There is no result.
    Failed,
}

/// A point and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Which; points that were never asked for are learnt from too, those that the space does not hold are not.
    pub point: Point,
    /// What came of it.
    pub outcome: Outcome,
}

/// Chooses points.
pub trait Search: std::fmt::Debug {
    /// The next `n` points, and the same again until more is told. No point comes twice, nor one that was told; fewer
    /// than `n`, at last none, are left of a space with an end.
    fn ask(&self, n: usize) -> Vec<Point>;

    /// What came of points, in the order in which they were asked for.
    fn tell(&mut self, told: &[Told]);
}
