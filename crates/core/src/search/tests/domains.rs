//! Draws are distributed as W&B says of the words.

use statrs::distribution::{Beta, ContinuousCDF, LogNormal, Normal};

use super::super::axis::Axis;
use super::*;

const DRAWS: usize = 20_000;

/// What a random search draws of one dimension.
fn drawn(domain: &Domain) -> Vec<f64> {
    // Beside a dimension without end, lest a space with an end be used up.
    let space = space(vec![vec![free("x", domain.clone()), free("other", uniform(0.0, 1.0))]]);
    RandomSearch::new(space, 11).ask(DRAWS).into_iter().map(|point| point.values[0]).collect()
}

/// Kolmogorov's distance of draws from a distribution function.
fn distance(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let away = draws.iter().enumerate().map(|(at, &x)| {
        let below = cdf(x);
        (below - at as f64 / n).abs().max(((at + 1) as f64 / n - below).abs())
    });
    away.fold(0.0, f64::max)
}

/// Exceeded by chance once in a thousand (Kolmogorov's limit); draws are fixed by the seed.
fn limit() -> f64 {
    1.95 / (DRAWS as f64).sqrt()
}

#[test]
fn laws_are_those_of_their_definitions() {
    let normal = Normal::new(-2.0, 3.0).unwrap();
    let log_normal = LogNormal::new(0.5, 0.75).unwrap();
    let beta = Beta::new(2.0, 5.0).unwrap();
    let definitions: [(Law, &dyn Fn(f64) -> f64); 5] = [
        (Law::Uniform { min: -5.0, max: 10.0 }, &|x| (x + 5.0) / 15.0),
        (Law::LogUniform { min: 1e-5, max: 1e-1 }, &|x| (x.log10() + 5.0) / 4.0),
        (Law::Normal { mean: -2.0, sd: 3.0 }, &|x| normal.cdf(x)),
        (Law::LogNormal { mean: 0.5, sd: 0.75 }, &|x| log_normal.cdf(x)),
        (Law::Beta { a: 2.0, b: 5.0 }, &|x| beta.cdf(x)),
    ];
    for (law, cdf) in definitions {
        let away = distance(drawn(&Domain::Real(law)), cdf);
        assert!(away < limit(), "{law:?}: {away}");
        for u in [1e-9, 0.01, 0.3, 0.5, 0.9, 1.0 - 1e-9] {
            let (back, told) = (law.cdf(law.quantile(u)), cdf(law.quantile(u)));
            assert!((back - u).abs() < 1e-7 && (told - u).abs() < 1e-7, "{law:?} at {u}: {back}, {told}");
        }
    }
}

/// Shares of the values among the draws against those expected, within five standard errors.
fn assert_shares(domain: &Domain, expected: &[(f64, f64)]) {
    let draws = drawn(domain);
    for &(value, share) in expected {
        let found = draws.iter().filter(|&&x| (x - value).abs() < 1e-9).count() as f64 / DRAWS as f64;
        let error = (share * (1.0 - share) / DRAWS as f64).sqrt();
        assert!((found - share).abs() <= 5.0 * error, "{domain:?}: {value} has {found}, not {share}");
    }
    let known = draws.iter().filter(|x| expected.iter().any(|(value, _)| (*x - value).abs() < 1e-9)).count();
    let total: f64 = expected.iter().map(|(_, share)| share).sum();
    assert!((known as f64 / DRAWS as f64 - total).abs() < 0.01, "{domain:?} has other values");
}

#[test]
fn what_is_rounded_is_as_likely_as_what_is_rounded_to_it() {
    let q = |law, step| Domain::Rounded { law, step };
    // round(X / q) q: the ends get half.
    let quarters = [(0.0, 0.125), (0.25, 0.25), (0.5, 0.25), (0.75, 0.25), (1.0, 0.125)];
    assert_shares(&q(Law::Uniform { min: 0.0, max: 1.0 }, 0.25), &quarters);
    // Bounds that are no multiples: those within.
    assert_shares(&q(Law::Uniform { min: 1.0, max: 11.0 }, 5.0), &[(5.0, 0.65), (10.0, 0.35)]);
    assert_shares(&q(Law::Uniform { min: 0.1, max: 0.3 }, 0.1), &[(0.1, 0.25), (0.2, 0.5), (0.3, 0.25)]);
    let log = |from: f64, to: f64| (to / from).log10() / 2.0;
    let logs = [(10.0, log(1.0, 15.0)), (20.0, log(15.0, 25.0)), (30.0, log(25.0, 35.0)), (100.0, log(95.0, 100.0))];
    let draws = drawn(&q(Law::LogUniform { min: 1.0, max: 100.0 }, 10.0));
    for (value, share) in logs {
        let found = draws.iter().filter(|&&x| x == value).count() as f64 / DRAWS as f64;
        assert!((found - share).abs() < 0.02, "{value} has {found}, not {share}");
    }
    let normal = Normal::new(0.0, 1.0).unwrap();
    let middle = normal.cdf(0.5) - normal.cdf(-0.5);
    let beside = normal.cdf(1.5) - normal.cdf(0.5);
    let outer = normal.cdf(2.5) - normal.cdf(1.5);
    let shares = [(0.0, middle), (1.0, beside), (-1.0, beside), (2.0, outer), (-2.0, outer)];
    assert_shares(&q(Law::Normal { mean: 0.0, sd: 1.0 }, 1.0), &shares);
}

#[test]
fn whole_numbers_and_lists_are_as_likely_as_said() {
    assert_shares(&integer(-1, 2), &[(-1.0, 0.25), (0.0, 0.25), (1.0, 0.25), (2.0, 0.25)]);
    let width = (4.5f64 / 0.5).ln();
    let logs = [(1.0, 3.0f64.ln() / width), (2.0, (2.5f64 / 1.5).ln() / width), (4.0, (4.5f64 / 3.5).ln() / width)];
    let three = (3.0, 1.0 - logs.iter().map(|(_, share)| share).sum::<f64>());
    assert_shares(&Domain::Integer { min: 1, max: 4, log: true }, &[logs[0], logs[1], logs[2], three]);
    let unlike = Some(vec![0.7, 0.0, 0.3]);
    let shares = [(0.0, 0.7), (2.0, 0.3)];
    assert_shares(&Domain::Choices { count: 3, probabilities: unlike.clone() }, &shares);
    assert_shares(&Domain::Ordered { numbers: vec![5.0, -1.0, 2.0], probabilities: unlike }, &shares);
}

#[test]
fn cells_tile_the_axis_and_hold_their_values() {
    let domains = [
        Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 0.1 },
        Domain::Rounded { law: Law::LogUniform { min: 0.3, max: 40.0 }, step: 0.5 },
        integer(-7, 12),
        Domain::Integer { min: 1, max: 40, log: true },
        choices(5),
        Domain::Choices { count: 4, probabilities: Some(vec![0.1, 0.2, 0.0, 0.7]) },
        Domain::Ordered { numbers: vec![64.0, 16.0, 256.0], probabilities: None },
    ];
    for domain in domains {
        let axis = Axis::new(&domain);
        let mut cells: Vec<(f64, f64)> = (0..axis.count().unwrap())
            .map(|index| {
                let value = axis.nth(index);
                let (from, to) = axis.cell(value);
                assert!(axis.holds(value) && from < to, "{domain:?}: {value}");
                assert_eq!(axis.key(axis.at(0.5 * (from + to))), axis.key(value), "{domain:?}: {value}");
                (from, to)
            })
            .collect();
        cells.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(cells[0].0.abs() < 1e-12 && (cells[cells.len() - 1].1 - 1.0).abs() < 1e-12, "{domain:?}: {cells:?}");
        assert!(cells.windows(2).all(|two| (two[0].1 - two[1].0).abs() < 1e-12), "{domain:?}: {cells:?}");
    }
    let sizes = Axis::new(&Domain::Ordered { numbers: vec![64.0, 16.0, 256.0], probabilities: None });
    assert_eq!([0.1, 0.5, 0.9].map(|place| sizes.at(place)), [1.0, 0.0, 2.0], "positions in the order of the numbers");
}

#[test]
fn values_between_the_allowed_ones_are_not_held() {
    let held = |domain: Domain, value: f64| Axis::new(&domain).holds(value);
    assert!(held(Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 0.1 }, 0.1 + 0.2));
    assert!(!held(Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 0.1 }, 0.25));
    assert!(!held(Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 0.1 }, 1.1));
    assert!(!held(integer(0, 5), 2.5) && !held(integer(0, 5), 6.0) && held(integer(0, 5), 5.0));
    assert!(!held(Domain::Choices { count: 2, probabilities: Some(vec![1.0, 0.0]) }, 1.0));
    assert!(!held(uniform(0.0, 1.0), 1.0 + 1e-9) && !held(uniform(0.0, 1.0), f64::NAN));
}
