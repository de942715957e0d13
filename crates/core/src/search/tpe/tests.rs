//! Densities are densities, and good is what the definitions say.

use proptest::prelude::*;

use super::columns::{Columns, Place, Row};
use super::kernel::Kernel;
use super::parzen::Mixture;
use super::split::{Parts, split};
use crate::random::{Purpose, Stream};
use crate::search::{Dimension, Domain, Law, Outcome, Point, SearchSpace};

fn dimension(name: &str, domain: Domain) -> Dimension {
    Dimension { name: name.to_owned(), domain, shapes_stack: false }
}

/// Two branches that have a rate in common.
fn space() -> SearchSpace {
    let rate = Domain::Real(Law::LogUniform { min: 1e-4, max: 1.0 });
    let choices = Domain::Choices { count: 3, probabilities: Some(vec![0.5, 0.3, 0.2]) };
    let numbers = Domain::Ordered { numbers: vec![1.0, 2.0, 4.0], probabilities: None };
    SearchSpace::new(vec![
        vec![dimension("rate", rate.clone()), dimension("kind", choices)],
        vec![
            dimension("n", Domain::Integer { min: 1, max: 5, log: false }),
            dimension("rate", rate),
            dimension("size", numbers),
        ],
    ])
    .unwrap()
}

fn mixture(columns: &Columns) -> Mixture {
    let points = [
        Point { branch: 0, values: vec![1e-3, 1.0] },
        Point { branch: 0, values: vec![0.9, 1.0] },
        Point { branch: 1, values: vec![5.0, 0.02, 2.0] },
        Point { branch: 1, values: vec![4.0, 0.01, 0.0] },
        Point { branch: 1, values: vec![4.0, 1.0, 1.0] },
    ];
    let rows: Vec<Row> = points.iter().map(|point| columns.row(point)).collect();
    let weights = [2.0, 0.5, 1.0, 1.0, 0.5];
    Mixture::new(columns, &rows.iter().zip(weights).collect::<Vec<_>>(), 0.05)
}

/// All points on a fine grid of rates, with the width of the rate's cell.
fn lattice(rates: usize) -> Vec<(Point, f64)> {
    let rate = |at: usize| 10f64.powf(-4.0 * (1.0 - (at as f64 + 0.5) / rates as f64));
    let width = 1.0 / rates as f64;
    let first = (0..rates).flat_map(|at| (0..3).map(move |kind| vec![rate(at), f64::from(kind)]));
    let second = (0..rates).flat_map(|at| {
        (1..=5).flat_map(move |n| (0..3).map(move |size| vec![f64::from(n), rate(at), f64::from(size)]))
    });
    let first = first.map(|values| (Point { branch: 0, values }, width));
    first.chain(second.map(|values| (Point { branch: 1, values }, width))).collect()
}

#[test]
fn a_mixture_adds_up_to_one_over_the_space() {
    let columns = Columns::new(&space());
    let mixture = mixture(&columns);
    let density = |point: &Point| mixture.log_density(&columns, &columns.row(point)).exp();
    let sum: f64 = lattice(4000).iter().map(|(point, width)| density(point) * width).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}

#[test]
fn draws_are_as_dense_as_the_density_says() {
    let (space, columns) = (space(), Columns::new(&space()));
    let mixture = mixture(&columns);
    let mut stream = Stream::new(1, 0, Purpose::Candidates, 0, 0);
    let draws: Vec<Point> = (0..60_000).map(|_| mixture.draw(&space, &columns, &mut stream)).collect();
    assert!(draws.iter().all(|point| space.holds(point)));
    // Parts: the branch, tenths of the rate, what else there is.
    let part = |point: &Point| {
        let rate = point.values[point.branch].log10();
        let tenth = (((rate + 4.0) / 4.0 * 10.0) as usize).min(9);
        let others = if point.branch == 0 {
            point.values[1] as usize
        } else {
            point.values[0] as usize * 3 + point.values[2] as usize
        };
        (point.branch, tenth, others)
    };
    let mut expected = std::collections::BTreeMap::new();
    for (point, width) in lattice(1000) {
        let share = mixture.log_density(&columns, &columns.row(&point)).exp() * width;
        *expected.entry(part(&point)).or_insert(0.0) += share;
    }
    let mut found = std::collections::BTreeMap::new();
    draws.iter().for_each(|point| *found.entry(part(point)).or_insert(0.0) += 1.0);
    for (part, share) in expected {
        let error = (share * (1.0 - share) / 60_000.0).sqrt();
        let is = found.get(&part).copied().unwrap_or(0.0) / 60_000.0;
        assert!((is - share).abs() < 5.0 * error + 1e-4, "{part:?}: {is}, not {share}");
    }
}

#[test]
fn within_a_shape_draws_are_those_of_the_whole_that_have_it() {
    // "size" shapes stacks here; what goes with it is "n".
    let numbers = Domain::Ordered { numbers: vec![1.0, 2.0, 4.0], probabilities: None };
    let size = Dimension { shapes_stack: true, ..dimension("size", numbers) };
    let space =
        SearchSpace::new(vec![vec![size, dimension("n", Domain::Integer { min: 1, max: 4, log: false })]]).unwrap();
    let columns = Columns::new(&space);
    let told = [[0.0, 1.0], [0.0, 2.0], [2.0, 4.0], [1.0, 3.0]];
    let rows: Vec<Row> = told.iter().map(|v| columns.row(&Point { branch: 0, values: v.to_vec() })).collect();
    let mixture = Mixture::new(&columns, &rows.iter().map(|row| (row, 1.0)).collect::<Vec<_>>(), 0.1);
    let shapes: Vec<Point> = [0.0, 2.0].map(|size| Point { branch: 0, values: vec![size, 1.0] }).to_vec();
    let shares = mixture.shares_of_shapes(&columns, &shapes.iter().map(|shape| columns.row(shape)).collect::<Vec<_>>());
    let mut stream = Stream::new(2, 0, Purpose::Candidates, 0, 0);
    let mut found = std::collections::BTreeMap::new();
    for _ in 0..40_000 {
        let values = mixture.draw_within(&columns, &shapes, &shares, &mut stream).values;
        *found.entry((values[0] as usize, values[1] as usize)).or_insert(0.0) += 1.0 / 40_000.0;
    }
    let cells: Vec<(usize, usize)> = [0, 2].into_iter().flat_map(|size| (1..=4).map(move |n| (size, n))).collect();
    let density = |&(size, n): &(usize, usize)| {
        mixture.log_density(&columns, &columns.row(&Point { branch: 0, values: vec![size as f64, n as f64] })).exp()
    };
    let all: f64 = cells.iter().map(density).sum();
    for cell in &cells {
        let (is, share) = (found.get(cell).copied().unwrap_or(0.0), density(cell) / all);
        assert!((is - share).abs() < 0.012, "{cell:?}: {is}, not {share}");
    }
}

#[test]
fn far_tails_keep_their_order() {
    let kernel = Kernel::normal(0.02, 0.01);
    let near = kernel.log(Place::Between(0.30, 0.31), &[]);
    let far = kernel.log(Place::Between(0.31, 0.32), &[]);
    assert!(near.is_finite() && far < near, "{near} {far}");
    assert!(kernel.log(Place::Between(0.9, 1.0), &[]).is_finite());
}

fn good(parts: &Parts) -> Vec<usize> {
    let mut good: Vec<usize> = parts.good.iter().map(|&(at, _)| at).collect();
    good.sort_unstable();
    good
}

#[test]
fn the_least_are_good_and_weigh_the_more_the_less_they_are() {
    let mut outcomes: Vec<Outcome> = (0..20).map(|at| Outcome::One(f64::from((at * 7) % 20))).collect();
    outcomes.push(Outcome::Failed);
    outcomes.push(Outcome::One(f64::NAN));
    outcomes.push(Outcome::Two([-1.0, -1.0])); // unlike the first
    let parts = split(&outcomes, 10).unwrap();
    assert_eq!(good(&parts), [0, 3, 6], "values 0, 1 and 2");
    let order: Vec<usize> = parts.good.iter().map(|&(at, _)| at).collect();
    assert_eq!(order, [0, 3, 6]);
    assert!(parts.good.windows(2).all(|two| two[0].1 > two[1].1));
    assert!((parts.good.iter().map(|(_, weight)| weight).sum::<f64>() - 3.0).abs() < 1e-12);
    assert_eq!(parts.bad.len(), 20);
    assert!([20, 21, 22].iter().all(|at| parts.bad.contains(at)), "what failed is bad");
    assert!(split(&outcomes, 21).is_none() && split(&[], 0).is_none() && split(&[Outcome::Failed], 0).is_none());
}

proptest! {
    /// Ranks by their definition: how often the front of those left is taken away until a point is in it.
    #[test]
    fn two_objectives_are_split_by_rank(values in prop::collection::vec((0u8..12, 0u8..12), 10..60)) {
        let values: Vec<[f64; 2]> = values.iter().map(|&(x, y)| [f64::from(x), f64::from(y)]).collect();
        let dominates = |one: [f64; 2], other: [f64; 2]| one[0] <= other[0] && one[1] <= other[1] && one != other;
        let mut rank = vec![usize::MAX; values.len()];
        for level in 0.. {
            let left: Vec<usize> = (0..values.len()).filter(|&at| rank[at] == usize::MAX).collect();
            if left.is_empty() { break; }
            for &at in &left {
                if left.iter().all(|&other| !dominates(values[other], values[at])) {
                    rank[at] = level;
                }
            }
        }
        let parts = split(&values.iter().map(|&values| Outcome::Two(values)).collect::<Vec<_>>(), 10).unwrap();
        let good = good(&parts);
        prop_assert_eq!(good.len(), (0.15 * values.len() as f64).ceil() as usize);
        let worst = good.iter().map(|&at| rank[at]).max().unwrap();
        let best = parts.bad.iter().map(|&at| rank[at]).min().unwrap();
        prop_assert!(worst <= best, "rank {} is good, {} is not", worst, best);
        prop_assert_eq!(good.len() + parts.bad.len(), values.len());
    }
}

/// However little it came to: what was ended early comes behind what was not, and that which came further before the
/// rest.
#[test]
fn what_was_ended_early_is_worse_than_all_that_was_not() {
    let stopped = |rungs, value| Outcome::Stopped { rungs, value };
    let mut outcomes = vec![stopped(1, 0.0), Outcome::One(9.0), stopped(2, 5.0), stopped(2, 4.0), Outcome::Failed];
    outcomes.extend([stopped(1, f64::NAN); 10]);
    outcomes.extend(vec![stopped(1, 7.0); 10]);
    // Of fourteen with a result three are good.
    let parts = split(&outcomes, 10).unwrap();
    assert_eq!(good(&parts), [1, 2, 3]);
    assert!(parts.good[0].0 == 1 && parts.good[1].0 == 3, "{:?}", parts.good);
    let two = |outcome| if let Outcome::One(value) = outcome { Outcome::Two([value, 1.0]) } else { outcome };
    let parts = split(&outcomes.into_iter().map(two).collect::<Vec<_>>(), 10).unwrap();
    assert_eq!(good(&parts), [1, 2, 3]);
}

#[test]
fn of_a_front_those_are_good_that_lie_apart() {
    // 20 points of which 3 are good: a front of two clusters and a middle.
    let front = |x: f64| Outcome::Two([x, 1.0 / (x + 0.1)]);
    let xs = [0.0, 0.001, 0.002, 0.003, 0.3, 0.301, 0.302, 2.0, 2.001, 2.002, 2.003, 2.004, 2.005];
    let mut outcomes: Vec<Outcome> = xs.map(front).to_vec();
    outcomes.extend((0..7).map(|at| Outcome::Two([3.0, 20.0 + f64::from(at)])));
    let parts = split(&outcomes, 10).unwrap();
    let near = |from: f64, to: f64| parts.good.iter().filter(|(at, _)| (from..to).contains(&xs[*at])).count();
    assert_eq!([near(0.0, 0.1), near(0.2, 0.5), near(1.9, 2.1)], [1, 1, 1], "{:?}", parts.good);
}
