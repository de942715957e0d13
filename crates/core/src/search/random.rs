//! Points as the space says that they are likely (Bergstra & Bengio 2012, JMLR 13).

use super::seen::Seen;
use super::space::{Point, SearchSpace};
use super::wave::{Places, fill};
use super::{Search, Told};
use crate::random::{Purpose, Stream};

/// Independent draws.
#[derive(Debug, Clone)]
pub struct RandomSearch {
    space: SearchSpace,
    uniforms: Uniforms,
    seen: Seen,
    told: u64,
}

impl RandomSearch {
    /// Draws from `space`.
    pub fn new(space: SearchSpace, seed: u64) -> Self {
        Self { space, uniforms: Uniforms(seed), seen: Seen::default(), told: 0 }
    }
}

impl Search for RandomSearch {
    fn ask(&self, n: usize) -> Vec<Point> {
        fill(&self.space, &self.seen, self.told, n, &self.uniforms)
    }

    fn tell(&mut self, told: &[Told]) {
        for Told { point, .. } in told.iter().filter(|told| self.space.holds(&told.point)) {
            self.seen.insert(&self.space, point);
            self.told += 1;
        }
    }
}

/// Independent uniforms of a seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uniforms(pub(super) u64);

impl Places for Uniforms {
    fn place(&self, number: u64, coordinate: usize) -> f64 {
        let (high, low) = ((number >> 32) as u32, number as u32);
        Stream::new(self.0, coordinate as u32, Purpose::Search, high, low).uniform64()
    }
}
