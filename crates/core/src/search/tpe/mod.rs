//! Tree-structured Parzen estimator: points where the good ones were and the others were not.
//!
//! Bergstra, Bardenet, Bengio & Kégl (2011, NeurIPS): the told points are split into good and bad (`split`), each has a
//! density (`parzen`), and of candidates drawn from the good one that is asked for whose ratio of densities is largest.
//! All dimensions are drawn together (Falkner, Klein & Hutter 2018, ICML, arXiv 1807.01774). The points of a wave are
//! chosen one after another, and those before count as bad, so that they do not crowd (a constant liar: Ginsbourger, Le
//! Riche & Carraro 2010).
//!
//! Numbers that Watanabe (2023, arXiv 2304.11127) calls control parameters were chosen on the functions of
//! docs/search.md, on other seeds than are shown there.

mod columns;
mod kernel;
mod parzen;
mod split;
#[cfg(test)]
mod tests;

use self::columns::{Columns, Row};
use self::parzen::Mixture;
use self::split::Parts;
use super::random::Uniforms;
use super::seen::Seen;
use super::sobol::Sequence;
use super::space::{Point, SearchSpace};
use super::wave::{Places, fill, shapes_allowed};
use super::{Search, Told};
use crate::random::{Purpose, Stream};

/// Points with a result before densities are of use.
const START: usize = 10;
/// Shapes tried before, if there are as many; each branch is one at least.
const START_SHAPES: usize = 4;
/// Candidates for each point.
const CANDIDATES: usize = 48;
/// How often a candidate is drawn, where most of a space with an end was seen.
const TRIES: usize = 8 * CANDIDATES;
/// Kernels are at least as wide as these shares of an axis.
const LEAST_GOOD: f64 = 0.01;
const LEAST_BAD: f64 = 0.07;
/// And than the number of kernels to this power (the magic clip of Bergstra et al. has 1).
const LEAST_POWER: f64 = 1.1;

/// Learns from what it is told.
#[derive(Debug, Clone)]
pub struct TpeSearch {
    space: SearchSpace,
    columns: Columns,
    seed: u64,
    start: Start,
    seen: Seen,
    told: Vec<Told>,
}

/// Places before anything is known.
#[derive(Debug, Clone)]
enum Start {
    Even(Sequence),
    /// Where there are more dimensions than the sequence has.
    Chance(Uniforms),
}

impl Places for Start {
    fn place(&self, number: u64, coordinate: usize) -> f64 {
        match self {
            Self::Even(sequence) => sequence.place(number, coordinate),
            Self::Chance(uniforms) => uniforms.place(number, coordinate),
        }
    }
}

impl TpeSearch {
    /// Searches `space`.
    pub fn new(space: SearchSpace, seed: u64) -> Self {
        let start = Sequence::new(&space, seed).map_or(Start::Chance(Uniforms(seed)), Start::Even);
        let columns = Columns::new(&space);
        Self { space, columns, seed, start, seen: Seen::default(), told: Vec::new() }
    }

    /// Whether more than what the shapes of the first wave have in common is known: it has few.
    fn has_tried_shapes(&self) -> bool {
        let branches = 0..self.space.branches().len();
        let counts = branches.map(|branch| self.space.count(branch, |dimension| self.space.shapes(branch, dimension)));
        let all = counts.fold(0u64, |all, count| all.saturating_add(count.unwrap_or(u64::MAX)));
        self.seen.shapes() as u64 >= all.min(START_SHAPES.max(self.space.branches().len()) as u64)
    }
}

impl Search for TpeSearch {
    fn ask(&self, n: usize) -> Vec<Point> {
        let outcomes: Vec<_> = self.told.iter().map(|told| told.outcome).collect();
        match split::split(&outcomes, START) {
            Some(parts) if self.has_tried_shapes() => Wave::new(self, &parts).ask(n),
            _ => fill(&self.space, &self.seen, self.told.len() as u64, n, &self.start),
        }
    }

    fn tell(&mut self, told: &[Told]) {
        for told in told.iter().filter(|told| self.space.holds(&told.point)) {
            self.seen.insert(&self.space, &told.point);
            self.told.push(told.clone());
        }
    }
}

/// A wave that is asked for point by point.
struct Wave<'a> {
    search: &'a TpeSearch,
    good: Mixture,
    /// What did badly, then what this wave asked for.
    bad: Vec<Row>,
    seen: Seen,
    asked: Vec<Point>,
    /// A point of each shape of the wave.
    shapes: Vec<Point>,
}

impl<'a> Wave<'a> {
    fn new(search: &'a TpeSearch, parts: &Parts) -> Self {
        let row = |at: usize| search.columns.row(&search.told[at].point);
        let good: Vec<(Row, f64)> = parts.good.iter().map(|&(at, weight)| (row(at), weight)).collect();
        let good: Vec<(&Row, f64)> = good.iter().map(|(row, weight)| (row, *weight)).collect();
        Self {
            good: Mixture::new(&search.columns, &good, least(LEAST_GOOD, good.len())),
            bad: parts.bad.iter().map(|&at| row(at)).collect(),
            seen: search.seen.clone(),
            asked: Vec::new(),
            shapes: Vec::new(),
            search,
        }
    }

    fn ask(mut self, n: usize) -> Vec<Point> {
        let TpeSearch { space, columns, .. } = self.search;
        while self.asked.len() < n {
            let Some(point) = self.next(shapes_allowed(n)) else { break };
            self.seen.insert(space, &point);
            if self.shapes.iter().all(|shape| space.shape_key(shape) != space.shape_key(&point)) {
                self.shapes.push(point.clone());
            }
            self.bad.push(columns.row(&point));
            self.asked.push(point);
        }
        self.asked
    }

    /// The candidate with the largest ratio of densities; `None`: the space is used up.
    fn next(&self, allowed: usize) -> Option<Point> {
        let TpeSearch { space, columns, seed, told, .. } = self.search;
        let mut stream = Stream::new(*seed, 0, Purpose::Candidates, told.len() as u32, self.asked.len() as u32);
        let bad: Vec<(&Row, f64)> = self.bad.iter().map(|row| (row, 1.0)).collect();
        let bad = Mixture::new(columns, &bad, least(LEAST_BAD, bad.len()));
        // Shapes with points left, once the wave has all that it may; none: any shape will do.
        let full = self.shapes.len() >= allowed;
        let open = self.shapes.iter().filter(|shape| full && self.seen.has_more(space, shape));
        let open: Vec<Point> = open.cloned().collect();
        let rows: Vec<Row> = open.iter().map(|shape| columns.row(shape)).collect();
        let shares = self.good.shares_of_shapes(columns, &rows);
        let mut best: Option<(f64, Point)> = None;
        let mut seen = None;
        let mut found = 0;
        for _ in 0..TRIES {
            let point = if open.is_empty() {
                self.good.draw(space, columns, &mut stream)
            } else {
                self.good.draw_within(columns, &open, &shares, &mut stream)
            };
            if self.seen.contains(space, &point) {
                seen = Some(point);
                continue;
            }
            let row = columns.row(&point);
            let score = self.good.log_density(columns, &row) - bad.log_density(columns, &row);
            if best.as_ref().is_none_or(|(best, _)| score > *best) {
                best = Some((score, point));
            }
            found += 1;
            if found == CANDIDATES {
                break;
            }
        }
        if let Some((_, point)) = best {
            return Some(point);
        }
        // Nearly all was seen: what is left of a shape that does well, of those of the wave, of any.
        let start = stream.bits();
        let well = seen.filter(|point| self.seen.has_more(space, point)).or_else(|| open.first().cloned());
        let mut point = well.or_else(|| self.seen.free_shape(space, start))?;
        self.seen.set_free(space, &mut point, start);
        Some(point)
    }
}

/// How narrow kernels may be, of which there are as many and the one for what was likely before.
fn least(share: f64, kernels: usize) -> f64 {
    (kernels as f64 + 2.0).powf(-LEAST_POWER).max(share)
}
