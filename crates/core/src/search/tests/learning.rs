//! What the sampler that learns learns.

use super::*;

/// The best of 100 points, asked for in waves.
fn best(search: &mut dyn Search, wave: usize, objective: impl Fn(&Point) -> f64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..100 / wave {
        let points = search.ask(wave);
        let told = points.into_iter().map(|point| {
            let value = objective(&point);
            best = best.min(value);
            Told { point, outcome: Outcome::One(value) }
        });
        search.tell(&told.collect::<Vec<_>>());
    }
    best
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Two trainers with a rate each, of which the second with its list does best; batches shape stacks.
fn union() -> SearchSpace {
    let rate = Domain::Real(Law::LogUniform { min: 1e-5, max: 1.0 });
    let batch = Domain::Ordered { numbers: vec![16.0, 64.0, 256.0], probabilities: None };
    space(vec![
        vec![free("rate", rate.clone()), free("alpha", uniform(0.0, 1.0)), shaping("batch", batch.clone())],
        vec![free("rate", rate), free("kind", choices(4)), free("n", integer(1, 64)), shaping("batch", batch)],
    ])
}

fn objective(point: &Point) -> f64 {
    let rate = (point.values[0].log10() + 2.5).powi(2);
    match point.branch {
        0 => 1.0 + rate + (point.values[1] - 0.3).powi(2) + 0.2 * (point.values[2] - 1.0).abs(),
        _ => {
            let kind = if point.values[1] == 2.0 { 0.0 } else { 0.5 };
            rate + kind + (point.values[2].log2() - 4.0).powi(2) / 9.0 + 0.2 * (point.values[3] - 1.0).abs()
        }
    }
}

#[test]
fn it_finds_what_chance_does_not() {
    for wave in [1, 10, 20] {
        let learnt = (0..9).map(|seed| best(&mut TpeSearch::new(union(), seed), wave, objective)).collect();
        let chance = (0..9).map(|seed| best(&mut RandomSearch::new(union(), seed), wave, objective)).collect();
        let (learnt, chance) = (median(learnt), median(chance));
        assert!(learnt < 0.35 * chance, "waves of {wave}: {learnt} against {chance}");
    }
}

#[test]
fn later_waves_ask_for_the_branch_the_category_and_the_shape_that_do_well() {
    let mut search = TpeSearch::new(union(), 4);
    best(&mut search, 20, objective);
    let points = search.ask(32);
    let good = points.iter().filter(|point| point.branch == 1 && point.values[1] == 2.0 && point.values[3] == 1.0);
    assert!(good.count() >= 16, "{points:?}");
}

#[test]
fn what_fails_is_kept_away_from() {
    let space = space(vec![vec![free("x", uniform(0.0, 1.0)), free("y", uniform(0.0, 1.0))]]);
    let outcome = |point: &Point| if point.values[0] > 0.5 { Outcome::Failed } else { Outcome::One(point.values[1]) };
    let mut search = TpeSearch::new(space, 1);
    for _ in 0..5 {
        let points = search.ask(16);
        search.tell(&points.into_iter().map(|point| Told { outcome: outcome(&point), point }).collect::<Vec<_>>());
    }
    let failing = search.ask(40).iter().filter(|point| point.values[0] > 0.5).count();
    assert!(failing <= 10, "{failing} of 40");
}

#[test]
fn points_of_a_wave_do_not_crowd() {
    let space = space(vec![vec![free("x", uniform(0.0, 1.0)), free("y", uniform(0.0, 1.0))]]);
    let apart = |one: &Point, other: &Point| {
        let squares = one.values.iter().zip(&other.values).map(|(x, y)| (x - y).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let mut near = 0;
    for seed in 0..10 {
        let mut search = TpeSearch::new(space.clone(), seed);
        for wave in [16, 8] {
            let points = search.ask(wave);
            let value = |point: &Point| point.values.iter().map(|x| (x - 0.5).powi(2)).sum();
            let told = points.into_iter().map(|point| Told { outcome: Outcome::One(value(&point)), point });
            search.tell(&told.collect::<Vec<_>>());
        }
        let points = search.ask(16);
        let pairs = (0..16).flat_map(|i| (0..i).map(move |j| (i, j)));
        near += pairs.filter(|&(i, j)| apart(&points[i], &points[j]) < 0.03).count();
    }
    assert!(near < CROWDED, "{near} of 1200 pairs are nearer than 0.03");
}

/// Half of what it is if those before in a wave do not count.
const CROWDED: usize = 100;

/// Area that points dominate below (1.1, 1.1) (the definition, on a fine grid).
fn dominated(points: &[[f64; 2]]) -> f64 {
    let cells = (0..220).flat_map(|i| (0..220).map(move |j| [f64::from(i) / 200.0, f64::from(j) / 200.0]));
    let inside = cells.filter(|cell| points.iter().any(|point| point[0] <= cell[0] && point[1] <= cell[1]));
    inside.count() as f64 / 40_000.0
}

#[test]
fn two_objectives_are_searched_along_their_front() {
    // The front: x in [0, 1] with all others at 0.5 (a ZDT1 of four dimensions with its minimum inside).
    let line = || space(vec![(0..4).map(|i| free(&format!("x{i}"), uniform(0.0, 1.0))).collect()]);
    let objectives = |point: &Point| {
        let away = 1.0 + 3.0 * point.values[1..].iter().map(|x| (x - 0.5).abs()).sum::<f64>();
        [point.values[0], away * (1.0 - (point.values[0] / away).sqrt())]
    };
    let area = |mut search: Box<dyn Search>| {
        let mut found = Vec::new();
        for _ in 0..12 {
            let points = search.ask(10);
            found.extend(points.iter().map(objectives));
            let told = points.into_iter().map(|point| Told { outcome: Outcome::Two(objectives(&point)), point });
            search.tell(&told.collect::<Vec<_>>());
        }
        dominated(&found)
    };
    let learnt = median((0..5).map(|seed| area(Box::new(TpeSearch::new(line(), seed)))).collect());
    let chance = median((0..5).map(|seed| area(Box::new(RandomSearch::new(line(), seed)))).collect());
    assert!(learnt > chance + 0.08, "{learnt} against {chance}");
}
