//! Tree-structured Parzen estimator: points where the good ones were and the others were not.
//!
//! Bergstra, Bardenet, Bengio & Kégl (2011, NeurIPS): the told points are split into good and bad (`split`), each has a
//! density (`parzen`), and of candidates drawn from the good one that is asked for whose ratio of densities is largest.
//! All dimensions are drawn together (Falkner, Klein & Hutter 2018, ICML, arXiv 1807.01774); bandwidths and weights are
//! compared in Watanabe (2023, arXiv 2304.11127). The points of a wave are chosen one after another, and those before
//! count as bad, so that they do not crowd (the constant liar of Ginsbourger, Le Riche & Carraro 2010).

pub(crate) mod parzen;
pub(crate) mod split;

use self::parzen::{Column, Columns, Mixture};
use super::random::Uniforms;
use super::seen::Seen;
use super::sobol::Sequence;
use super::space::{Point, SearchSpace};
use super::wave::{Places, fill, shapes_allowed};
use super::{Outcome, Search, Told};
use crate::random::{Purpose, Stream};

/// Learns from what it is told.
#[derive(Debug, Clone)]
pub struct TpeSearch {
    space: SearchSpace,
    columns: Columns,
    seed: u64,
    start: Start,
    seen: Seen,
    told: Vec<Told>,
    pub tuning: Tuning,
}

#[derive(Debug, Clone)]
pub struct Tuning {
    pub startup: usize,
    pub candidates: usize,
    pub good_share: f64,
    pub good_sqrt: f64,
    pub good_most: usize,
    pub ramp: usize,
    pub good_weights: u8,
    pub bandwidth: u8,
    pub least_good: f64,
    pub least_bad: f64,
    pub least_power: f64,
    pub factor: f64,
    pub prior_weight: f64,
    pub prior_flat: bool,
    pub category: f64,
    pub sobol: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            startup: 10,
            candidates: 24,
            good_share: 0.1,
            good_sqrt: 0.0,
            good_most: 25,
            ramp: 25,
            good_weights: 0,
            bandwidth: 0,
            least_good: 0.01,
            least_bad: 0.01,
            least_power: 1.0,
            factor: 1.0,
            prior_weight: 1.0,
            prior_flat: false,
            category: 1.0,
            sobol: true,
        }
    }
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
        Self { space, columns, seed, start, seen: Seen::default(), told: Vec::new(), tuning: Tuning::default() }
    }
}

impl Search for TpeSearch {
    fn ask(&self, n: usize) -> Vec<Point> {
        let Some(parts) = split::split(&self.told, &self.tuning) else {
            let told = self.told.len() as u64;
            if !self.tuning.sobol {
                return fill(&self.space, &self.seen, told, n, &Uniforms(self.seed));
            }
            return fill(&self.space, &self.seen, told, n, &self.start);
        };
        Wave { search: self, parts, asked: Vec::new(), seen: self.seen.clone() }.ask(n)
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
    parts: split::Parts,
    asked: Vec<Point>,
    seen: Seen,
}

impl Wave<'_> {
    fn ask(mut self, n: usize) -> Vec<Point> {
        let TpeSearch { space, columns, told, tuning, .. } = self.search;
        let rows: Vec<parzen::Row> = told.iter().map(|told| columns.row(&told.point)).collect();
        let good: Vec<(&parzen::Row, f64)> = self.parts.good.iter().map(|&(at, weight)| (&rows[at], weight)).collect();
        let good = Mixture::new(columns, &good, tuning.least_good, tuning);
        let mut pending: Vec<parzen::Row> = Vec::new();
        let allowed = shapes_allowed(n);
        let mut shapes: Vec<(Point, parzen::Row)> = Vec::new();
        for _ in 0..n {
            let mut bad: Vec<(&parzen::Row, f64)> =
                self.parts.bad.iter().map(|&(at, weight)| (&rows[at], weight)).collect();
            bad.extend(pending.iter().map(|row| (row, 1.0)));
            let bad = Mixture::new(columns, &bad, tuning.least_bad, tuning);
            let open: Vec<(Point, parzen::Row)> = if shapes.len() < allowed {
                Vec::new()
            } else {
                shapes.iter().filter(|(point, _)| self.seen.has_more(space, point)).cloned().collect()
            };
            let Some(point) = self.next(&good, &bad, &open) else { break };
            let row = columns.row(&point);
            self.seen.insert(space, &point);
            if shapes.iter().all(|(shape, _)| space.shape_key(shape) != space.shape_key(&point)) {
                shapes.push((point.clone(), row.clone()));
            }
            pending.push(row);
            self.asked.push(point);
        }
        self.asked
    }

    fn next(&self, good: &Mixture, bad: &Mixture, shapes: &[(Point, parzen::Row)]) -> Option<Point> {
        let TpeSearch { space, columns, told, seed, tuning, .. } = self.search;
        let mut stream = Stream::new(*seed, 0, Purpose::Candidates, told.len() as u32, self.asked.len() as u32);
        let mut best: Option<(f64, Point)> = None;
        let mut last = None;
        let mut found = 0;
        for _ in 0..tuning.candidates * 8 {
            let mut point = good.draw(space, columns, shapes, &mut stream);
            if self.seen.contains(space, &point) {
                last = Some(point);
                continue;
            }
            let row = columns.row(&point);
            let score = good.log_density(columns, &row) - bad.log_density(columns, &row);
            if best.as_ref().is_none_or(|best| score > best.0) {
                best = Some((score, point));
            }
            found += 1;
            if found == tuning.candidates {
                break;
            }
        }
        if let Some((_, point)) = best {
            return Some(point);
        }
        let mut point = last
            .filter(|point| self.seen.has_more(space, point))
            .or_else(|| self.seen.free_shape(space, stream.bits()))?;
        self.seen.set_free(space, &mut point, stream.bits());
        Some(point)
    }
}
