//! Which points were told or asked for, so that none comes again while there are others.

use std::collections::{HashMap, HashSet};

use super::space::{Key, Point, SearchSpace};

/// Points that are not to come again.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    points: HashSet<Key>,
    of_shape: HashMap<Key, u64>,
}

impl Seen {
    /// Remembers `point`, which the space holds.
    pub(super) fn insert(&mut self, space: &SearchSpace, point: &Point) {
        if self.points.insert(space.key(point)) {
            *self.of_shape.entry(space.shape_key(point)).or_default() += 1;
        }
    }

    pub(super) fn contains(&self, space: &SearchSpace, point: &Point) -> bool {
        self.points.contains(&space.key(point))
    }

    /// How many shapes there were.
    pub(super) fn shapes(&self) -> usize {
        self.of_shape.len()
    }

    /// Whether there are other points of the shape of `point`.
    pub(super) fn has_more(&self, space: &SearchSpace, point: &Point) -> bool {
        let all = space.count(point.branch, |dimension| !space.shapes(point.branch, dimension));
        all.is_none_or(|all| self.of_shape.get(&space.shape_key(point)).is_none_or(|&seen| seen < all))
    }

    /// Gives `point`, whose shape has more, values of the other dimensions that were not seen: the first such from
    /// `start` on. Without an end to its values nothing changes, and chance has to do.
    pub(super) fn set_free(&self, space: &SearchSpace, point: &mut Point, start: u64) {
        let branch = point.branch;
        let rest = |dimension: usize| !space.shapes(branch, dimension);
        let Some(count) = space.count(branch, rest) else { return };
        for step in 0..count {
            space.set_nth(point, turned(start, step, count), rest);
            if !self.contains(space, point) {
                return;
            }
        }
    }

    /// A point whose shape has more, looked for from shape `start` on through all branches; its other values are not
    /// set. `None`: the space is used up.
    pub(super) fn free_shape(&self, space: &SearchSpace, start: u64) -> Option<Point> {
        let branches = space.branches().len();
        for step in 0..branches {
            let branch = (start as usize % branches + step) % branches;
            let shaping = |dimension: usize| space.shapes(branch, dimension);
            let mut point = space.middle(branch);
            // Of shapes without end, one of the first 2^16 is free unless as many were seen.
            let count = space.count(branch, shaping);
            for step in 0..count.unwrap_or(1 << 16) {
                match count {
                    Some(count) => space.set_nth(&mut point, turned(start, step, count), shaping),
                    None => {
                        for (dimension, axis) in space.axes(branch).iter().enumerate().filter(|(d, _)| shaping(*d)) {
                            let place = ((step + 1) as f64 * (0.618_033_988 + dimension as f64 * 0.1)).fract();
                            point.values[dimension] = axis.at(place);
                        }
                    }
                }
                if self.has_more(space, &point) {
                    return Some(point);
                }
            }
        }
        None
    }
}

/// `start + step` around a ring of `count`.
fn turned(start: u64, step: u64, count: u64) -> u64 {
    ((u128::from(start) + u128::from(step)) % u128::from(count)) as u64
}
