//! The space that is searched: a union of mappings, and points in it.

use std::collections::HashSet;

use thiserror::Error;

use super::axis::Axis;
use super::domain::Domain;

/// One thing that is varied.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Its name; the same name with the same domain in two branches is the same thing.
    pub name: String,
    /// Its values.
    pub domain: Domain,
    /// Whether trials with different values of it cannot train in one stack.
    pub shapes_stack: bool,
}

/// A union of mappings: a point belongs to one branch, and has a value for each of its dimensions. All branches are
/// equally likely before anything is known.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpace {
    branches: Vec<Vec<Dimension>>,
    axes: Vec<Vec<Axis>>,
}

/// A point of a space.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its branch, from 0.
    pub branch: usize,
    /// A value for each dimension of the branch; for lists the position.
    pub values: Vec<f64>,
}

/// Why there is no such space.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SpaceFault {
    /// A domain makes no sense.
    #[error("{name}: {why}")]
    Domain {
        /// The dimension.
        name: String,
        /// What was expected.
        why: &'static str,
    },
    /// Two dimensions of a branch have one name.
    #[error("{0} stands twice in one mapping")]
    Twice(String),
}

/// What equal points have in common: the branch, then a number for each value.
pub(super) type Key = Vec<u64>;

impl SearchSpace {
    /// The union of `branches`.
    ///
    /// # Errors
    /// A domain makes no sense, or a name stands twice in a branch.
    pub fn new(branches: Vec<Vec<Dimension>>) -> Result<Self, SpaceFault> {
        for branch in &branches {
            let mut names = HashSet::new();
            for Dimension { name, domain, .. } in branch {
                if let Some(why) = domain.fault() {
                    return Err(SpaceFault::Domain { name: name.clone(), why });
                }
                if !names.insert(name) {
                    return Err(SpaceFault::Twice(name.clone()));
                }
            }
        }
        let axes = branches.iter().map(|branch| branch.iter().map(|dimension| Axis::new(&dimension.domain)).collect());
        Ok(Self { axes: axes.collect(), branches })
    }

    /// Its branches.
    pub fn branches(&self) -> &[Vec<Dimension>] {
        &self.branches
    }

    /// How many points it has; `None`: without end, or more than 2^64.
    pub fn len(&self) -> Option<u64> {
        (0..self.branches.len()).try_fold(0u64, |sum, branch| sum.checked_add(self.count(branch, |_| true)?))
    }

    /// Whether it has no point.
    pub fn is_empty(&self) -> bool {
        self.branches.is_empty()
    }

    /// Whether `point` can be asked for.
    pub fn holds(&self, point: &Point) -> bool {
        self.axes.get(point.branch).is_some_and(|axes| {
            axes.len() == point.values.len() && axes.iter().zip(&point.values).all(|(axis, &value)| axis.holds(value))
        })
    }

    pub(super) fn axes(&self, branch: usize) -> &[Axis] {
        &self.axes[branch]
    }

    /// A point of `branch` whose values are in the middle.
    pub(super) fn middle(&self, branch: usize) -> Point {
        Point { branch, values: self.axes[branch].iter().map(|axis| axis.at(0.5)).collect() }
    }

    pub(super) fn shapes(&self, branch: usize, dimension: usize) -> bool {
        self.branches[branch][dimension].shapes_stack
    }

    /// How many combinations of those dimensions of a branch there are that `which` says.
    pub(super) fn count(&self, branch: usize, which: impl Fn(usize) -> bool) -> Option<u64> {
        let counted = self.axes[branch].iter().enumerate().filter(|(dimension, _)| which(*dimension));
        counted.map(|(_, axis)| axis.count()).try_fold(1u64, |product, count| product.checked_mul(count?))
    }

    /// Sets those values of `point` that `which` says to combination `index` of [`SearchSpace::count`].
    pub(super) fn set_nth(&self, point: &mut Point, mut index: u64, which: impl Fn(usize) -> bool) {
        for (dimension, axis) in self.axes[point.branch].iter().enumerate().rev() {
            if which(dimension) {
                let count = axis.count().unwrap_or(1);
                point.values[dimension] = axis.nth(index % count);
                index /= count;
            }
        }
    }

    /// What equal points have in common.
    pub(super) fn key(&self, point: &Point) -> Key {
        self.key_of(point, |_| true)
    }

    /// What points have in common whose trials can stack.
    pub(super) fn shape_key(&self, point: &Point) -> Key {
        self.key_of(point, |dimension| self.shapes(point.branch, dimension))
    }

    fn key_of(&self, point: &Point, which: impl Fn(usize) -> bool) -> Key {
        let axes = self.axes[point.branch].iter().zip(&point.values).enumerate();
        let keys = axes.filter(|(dimension, _)| which(*dimension)).map(|(_, (axis, &value))| axis.key(value));
        std::iter::once(point.branch as u64).chain(keys).collect()
    }
}
