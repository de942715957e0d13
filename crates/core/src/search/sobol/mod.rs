//! Points that fill the space evenly: Sobol' sequences (Sobol' 1967), scrambled so that seeds differ (Owen 1995).
//!
//! Direction numbers are those of Joe & Kuo (2008, SIAM J. Sci. Comput. 30). Every digit of a place is flipped by a
//! hash of the seed, the coordinate and the digits before it, which is Owen's nested scrambling as he defines it: any
//! 2^m points from a multiple of 2^m on are a net as before, and each of them alone is uniform. 32 binary digits; the
//! digits below are chance, so that places of a real axis stay different.

mod directions;

use thiserror::Error;

use self::directions::{DIMENSIONS, direction};
use super::seen::Seen;
use super::space::{Point, SearchSpace};
use super::wave::{Places, fill};
use super::{Search, Told};

/// A scrambled Sobol' sequence.
#[derive(Debug, Clone)]
pub struct SobolSearch {
    space: SearchSpace,
    sequence: Sequence,
    seen: Seen,
    told: u64,
}

/// More dimensions than there are direction numbers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a mapping varies {found} things, and a Sobol sequence here has {most} dimensions at most; use `random`")]
pub struct TooManyDimensions {
    found: usize,
    most: usize,
}

impl SobolSearch {
    /// The sequence of `seed` in `space`.
    ///
    /// # Errors
    /// A branch has more dimensions than there are direction numbers for.
    pub fn new(space: SearchSpace, seed: u64) -> Result<Self, TooManyDimensions> {
        let sequence = Sequence::new(&space, seed)?;
        Ok(Self { space, sequence, seen: Seen::default(), told: 0 })
    }
}

impl Search for SobolSearch {
    fn ask(&self, n: usize) -> Vec<Point> {
        fill(&self.space, &self.seen, self.told, n, &self.sequence)
    }

    fn tell(&mut self, told: &[Told]) {
        for Told { point, .. } in told.iter().filter(|told| self.space.holds(&told.point)) {
            self.seen.insert(&self.space, point);
            self.told += 1;
        }
    }
}

/// The places of a sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    seed: u64,
    /// Whether coordinate 0 is of use: a space of one branch begins with coordinate 1.
    has_branches: bool,
}

impl Sequence {
    pub(super) fn new(space: &SearchSpace, seed: u64) -> Result<Self, TooManyDimensions> {
        let has_branches = space.branches().len() > 1;
        let most = DIMENSIONS - usize::from(has_branches);
        let found = space.branches().iter().map(Vec::len).max().unwrap_or(0);
        if found > most { Err(TooManyDimensions { found, most }) } else { Ok(Self { seed, has_branches }) }
    }
}

impl Places for Sequence {
    fn place(&self, number: u64, coordinate: usize) -> f64 {
        let dimension = if self.has_branches { coordinate } else { coordinate.saturating_sub(1) };
        let plain = sobol(number as u32, dimension);
        let mut random = mix(self.seed ^ mix(dimension as u64 + 1));
        let mut scrambled = 0u32;
        for digit in (0..u32::BITS).rev() {
            // The digits above this one, with a one before them, name the node of the tree.
            let above = (u64::from(plain) >> digit >> 1) | 1 << (u32::BITS - 1 - digit);
            let flip = mix(random ^ above) as u32 & 1;
            scrambled |= (plain ^ flip << digit) & 1 << digit;
        }
        random = mix(random ^ mix(number) ^ 1 << 63);
        (f64::from(scrambled) + (random >> 43) as f64 / f64::from(1u32 << 21)) / 4_294_967_296.0
    }
}

/// Digits of point `number` of the sequence before scrambling, the first digit highest.
pub(super) fn sobol(number: u32, dimension: usize) -> u32 {
    (0..u32::BITS).filter(|bit| number >> bit & 1 == 1).fold(0, |digits, bit| digits ^ direction(dimension, bit))
}

/// A hash that makes neighbours unlike (Stafford's variant 13 of the finaliser of MurmurHash3, as in `SplitMix64` of
/// Steele, Lea & Flood 2014).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
