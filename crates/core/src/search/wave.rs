//! How many points are asked for at once, and how many shapes they have.
//!
//! Trials of one shape train in one stack, so a wave draws few shapes first and then the rest within them. Neither
//! hangs on the number of workers: one core and sixty-four nodes are asked for the same.

use super::seen::Seen;
use super::space::{Point, SearchSpace};

/// How many shapes a wave of `n` has at most, unless those have fewer points left than it takes.
pub fn shapes_allowed(n: usize) -> usize {
    (n / 16).max(2)
}

/// How many points are asked for at once where nothing else is said: eight for each dimension of the largest branch,
/// from 16 to 64, and at most a sixth of all there will be, so that a sampler that learns learns five times. More than
/// 8 are a multiple of 8. `cap` is how many points are asked for in all.
pub fn default_wave(space: &SearchSpace, cap: Option<usize>) -> usize {
    let dimensions = |branch: usize| space.axes(branch).iter().filter(|axis| axis.count() != Some(1)).count();
    let largest = (0..space.branches().len()).map(dimensions).max().unwrap_or(0);
    let wave = (8 * largest).clamp(16, 64);
    let cap = cap.unwrap_or(usize::MAX).min(space.len().map_or(usize::MAX, |len| len as usize));
    (wave.min(cap / 6) / 8 * 8).clamp(8, 64).min(cap.max(1))
}

/// Places in [0, 1) by number and coordinate.
pub(super) trait Places {
    fn place(&self, number: u64, coordinate: usize) -> f64;
}

/// Coordinate of the branch; those of the dimensions follow.
const BRANCH: usize = 0;
/// How often chance is tried before a free point is looked for one after another.
const TRIES: u64 = 64;

/// The `n` points after the first `told` of a sequence of places, but for those seen.
///
/// Leaders say the shapes of a wave; each is followed by a run of points of its shape. Leaders and points are numbered
/// apart, both without gaps from wave to wave, so that sequences that fill a space evenly do so with shapes as well.
pub(super) fn fill(space: &SearchSpace, seen: &Seen, told: u64, n: usize, places: &impl Places) -> Vec<Point> {
    let mut seen = seen.clone();
    let allowed = shapes_allowed(n).min(n);
    let first_leader = (u128::from(told) * allowed as u128 / n.max(1) as u128) as u64;
    let mut leaders = first_leader..;
    let mut led = 0;
    let mut open: Vec<Point> = Vec::new(); // shapes of the wave, the present one last
    let mut points: Vec<Point> = Vec::new();
    let mut number = told;
    for at in 0..n {
        while open.last().is_some_and(|shape| !seen.has_more(space, shape)) {
            open.pop();
        }
        // The next part of the wave, or no shape left: beyond what is allowed only then.
        if led <= at * allowed / n || open.is_empty() {
            led += 1;
            open.extend(leaders.next().and_then(|leader| lead(space, &seen, leader, places)));
        }
        let Some(mut point) = open.last().cloned() else { break };
        for _ in 0..TRIES {
            draw(space, &mut point, false, number, places);
            number += 1;
            if !seen.contains(space, &point) {
                break;
            }
        }
        if seen.contains(space, &point) {
            seen.set_free(space, &mut point, (places.place(number, BRANCH) * u64::MAX as f64) as u64);
        }
        seen.insert(space, &point);
        points.push(point);
    }
    points
}

/// A point of the shape that leader `number` says, or of another that has more points; `None`: there is none.
fn lead(space: &SearchSpace, seen: &Seen, number: u64, places: &impl Places) -> Option<Point> {
    let branches = space.branches().len();
    let branch = ((places.place(number, BRANCH) * branches as f64) as usize).min(branches.checked_sub(1)?);
    let mut point = space.middle(branch);
    draw(space, &mut point, true, number, places);
    if seen.has_more(space, &point) {
        return Some(point);
    }
    seen.free_shape(space, (places.place(number, BRANCH + 1) * u64::MAX as f64) as u64)
}

/// Sets the values of those dimensions that shape stacks, or of those that do not.
fn draw(space: &SearchSpace, point: &mut Point, shaping: bool, number: u64, places: &impl Places) {
    let branch = point.branch;
    for (dimension, axis) in space.axes(branch).iter().enumerate() {
        if space.shapes(branch, dimension) == shaping {
            point.values[dimension] = axis.at(places.place(number, BRANCH + 1 + dimension));
        }
    }
}
