//! Hyperparameters as axes of cells: what a forest splits and what its averages are taken over.

use std::collections::HashMap;

use crate::read::Value;

/// Cells of an axis, at most: sets of them are the bits of a word.
const MOST_CELLS: usize = 64;
/// Values of a number up to which each is as likely as the others, if they come often.
const LEVELS: usize = 24;
/// How often a value comes on average where it does.
const OFTEN: usize = 3;

/// A hyperparameter over the trials that read it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// Whether its cells have an order, so that only neighbours are split from each other.
    pub(super) is_ordered: bool,
    /// Share of the axis that each cell has; they add up to 1.
    pub(super) weights: Vec<f64>,
    /// A value in each cell, in its middle where it has several.
    pub(super) at: Vec<Value>,
    /// The cell of each trial.
    pub(super) of: Vec<u8>,
}

impl Axis {
    /// Words are each as likely, and so are few numbers that come often; other numbers lie anywhere between the least
    /// and the largest of them, or, `by_factors`, their logarithms do. Of more than 64 numbers cells have as many
    /// trials each. `None` with one value.
    pub(super) fn new(values: &[&Value], by_factors: bool) -> Option<Self> {
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.number()).collect();
        match numbers {
            Some(numbers) => Self::of_numbers(values, &numbers, by_factors),
            None => Self::of_words(values),
        }
    }

    fn of_words(values: &[&Value]) -> Option<Self> {
        let words: Vec<String> = values.iter().map(ToString::to_string).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        words.iter().for_each(|word| *counts.entry(word).or_insert(0) += 1);
        let mut distinct: Vec<&str> = counts.keys().copied().collect();
        distinct.sort_unstable_by(|a, b| counts[b].cmp(&counts[a]).then(a.cmp(b)));
        let many = distinct.len() > MOST_CELLS;
        let cells = distinct.len().min(MOST_CELLS);
        let places: HashMap<&str, u8> =
            distinct.iter().enumerate().map(|(at, &word)| (word, at.min(cells - 1) as u8)).collect();
        let mut at: Vec<Value> = distinct[..cells].iter().map(|&word| Value::Text(word.to_owned())).collect();
        if let Some(last) = at.last_mut().filter(|_| many) {
            *last = Value::Text("others".to_owned());
        }
        (cells > 1).then(|| Self {
            is_ordered: false,
            weights: vec![1.0 / cells as f64; cells],
            at,
            of: words.iter().map(|word| places[word.as_str()]).collect(),
        })
    }

    fn of_numbers(values: &[&Value], numbers: &[f64], by_factors: bool) -> Option<Self> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut distinct = sorted.clone();
        distinct.dedup();
        let (&least, &most) = (distinct.first()?, distinct.last()?);
        if distinct.len() < 2 || !(most - least).is_finite() {
            return None;
        }
        if distinct.len() <= LEVELS && OFTEN * distinct.len() <= numbers.len() {
            let cell = |number: &f64| distinct.partition_point(|other| other < number);
            let of: Vec<u8> = numbers.iter().map(|number| cell(number) as u8).collect();
            let first = |at: usize| of.iter().position(|&cell| usize::from(cell) == at);
            return Some(Self {
                is_ordered: true,
                weights: vec![1.0 / distinct.len() as f64; distinct.len()],
                at: (0..distinct.len()).filter_map(|at| Some(values[first(at)?].clone())).collect(),
                of,
            });
        }
        let to = |number: f64| if by_factors && least > 0.0 { number.ln() } else { number };
        let from = |place: f64| if by_factors && least > 0.0 { place.exp() } else { place };
        // The last value of each cell but the last: of as many trials each, where there are more values than cells.
        let mut ends: Vec<f64> = if distinct.len() <= MOST_CELLS {
            distinct.clone()
        } else {
            (1..=MOST_CELLS).map(|cell| sorted[(cell * sorted.len()).div_ceil(MOST_CELLS) - 1]).collect()
        };
        ends.dedup();
        ends.pop();
        let next = |end: f64| distinct[distinct.partition_point(|&other| other <= end)];
        let mut edges = vec![to(least)];
        edges.extend(ends.iter().map(|&end| (to(end) + to(next(end))) / 2.0));
        edges.push(to(most));
        let whole = edges[edges.len() - 1] - edges[0];
        let cells = edges.windows(2);
        Some(Self {
            is_ordered: true,
            weights: cells.clone().map(|edge| ((edge[1] - edge[0]) / whole).max(f64::EPSILON)).collect(),
            at: cells.map(|edge| Value::Number(from(f64::midpoint(edge[0], edge[1])))).collect(),
            of: numbers.iter().map(|number| ends.partition_point(|end| end < number) as u8).collect(),
        })
    }

    /// All of its cells.
    pub(super) fn all(&self) -> u64 {
        u64::MAX >> (64 - self.weights.len().min(MOST_CELLS))
    }

    /// The share of the axis that some of its cells have.
    pub(super) fn share(&self, cells: u64) -> f64 {
        self.weights.iter().enumerate().filter(|(cell, _)| cells >> cell & 1 == 1).map(|(_, weight)| weight).sum()
    }

    /// Where to cut between two cells of which nobody lies between: the edge nearest to the middle of theirs, as the
    /// number of cells below it.
    pub(super) fn cut(&self, below: usize, above: usize) -> usize {
        let middle = |cell: usize| self.weights[cell] / 2.0;
        let between: f64 = self.weights[below + 1..above].iter().sum();
        // From the middle of the lower cell on.
        let half = (middle(below) + between + middle(above)) / 2.0;
        let (mut at, mut edge) = (below + 1, middle(below));
        while at < above && (edge + self.weights[at] - half).abs() < (edge - half).abs() {
            edge += self.weights[at];
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: &[Value], by_factors: bool) -> Axis {
        Axis::new(&values.iter().collect::<Vec<_>>(), by_factors).unwrap()
    }

    #[test]
    fn few_numbers_that_come_often_are_each_as_likely() {
        let values: Vec<Value> = [256, 2048, 1024].repeat(4).into_iter().map(Value::Integer).collect();
        let axis = axis(&values, true);
        assert_eq!(axis.weights, [1.0 / 3.0; 3]);
        assert_eq!(axis.at, [256, 1024, 2048].map(Value::Integer));
        assert_eq!(axis.of, [0, 2, 1].repeat(4));
        assert_eq!(axis.all(), 0b111);
    }

    #[test]
    fn a_cell_is_as_wide_as_the_way_to_its_neighbours() {
        let values = [1.0, 2.0, 4.0, 10.0].map(Value::Number);
        let even = axis(&values, false);
        // Edges 1, 1.5, 3, 7, 10 of a range of 9.
        let expected = [0.5 / 9.0, 1.5 / 9.0, 4.0 / 9.0, 3.0 / 9.0];
        assert!(even.weights.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{:?}", even.weights);
        let by_factors = axis(&[1.0, 10.0, 100.0].map(Value::Number), true);
        assert!(by_factors.weights.iter().zip([0.25, 0.5, 0.25]).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(Axis::new(&[&values[0], &values[0]], false), None);
    }

    #[test]
    fn very_many_numbers_are_in_cells_of_as_many_trials() {
        let values: Vec<Value> = (0..1000).map(|i| Value::Number(f64::from(i).powi(2))).collect();
        let axis = axis(&values, false);
        let mut counts = [0; MOST_CELLS];
        axis.of.iter().for_each(|&cell| counts[usize::from(cell)] += 1);
        assert!(counts.iter().all(|count| (15..=16).contains(count)), "{counts:?}");
        assert!((axis.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((axis.all(), axis.share(u64::MAX) > 0.999), (u64::MAX, true));
    }

    #[test]
    fn words_have_cells_and_the_rarest_of_very_many_share_one() {
        let few = axis(&["b", "a", "b"].map(|word| Value::Text(word.to_owned())), false);
        assert_eq!((few.of, few.is_ordered), (vec![0, 1, 0], false));
        let values: Vec<Value> = (0..100).map(|i| Value::Text(format!("{i:03}"))).collect();
        let many = axis(&values, false);
        assert_eq!((many.weights.len(), many.of[99], many.at[63].to_string().as_str()), (64, 63, "others"));
    }

    #[test]
    fn a_cut_is_the_edge_nearest_to_the_middle() {
        let axis = Axis { is_ordered: true, weights: vec![0.1, 0.1, 0.5, 0.1, 0.2], at: Vec::new(), of: Vec::new() };
        assert_eq!(axis.cut(0, 1), 1);
        // Middles at 0.05 and 0.9, between them 0.475: the edges are at 0.1, 0.2, 0.7, 0.8.
        assert_eq!(axis.cut(0, 4), 3);
        assert_eq!(axis.cut(0, 2), 2);
    }
}
