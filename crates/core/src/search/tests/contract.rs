//! Held by every sampler in every kind of space.

use std::collections::HashSet;

use super::*;

/// Spaces by name; those with an end are small enough to be used up.
fn spaces() -> Vec<(&'static str, SearchSpace)> {
    let log = Domain::Real(Law::LogUniform { min: 1e-5, max: 1e-1 });
    let sizes = Domain::Ordered { numbers: vec![256.0, 16.0, 64.0], probabilities: None };
    vec![
        ("a line", space(vec![vec![free("x", uniform(-1.0, 2.0))]])),
        (
            "every domain",
            space(vec![vec![
                free("real", uniform(-5.0, 10.0)),
                free("log", log.clone()),
                free("normal", Domain::Real(Law::Normal { mean: 1.0, sd: 2.0 })),
                free("log_normal", Domain::Real(Law::LogNormal { mean: 0.0, sd: 1.0 })),
                free("beta", Domain::Real(Law::Beta { a: 2.0, b: 5.0 })),
                free("q", Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 0.1 }),
                free("q_normal", Domain::Rounded { law: Law::Normal { mean: 0.0, sd: 3.0 }, step: 0.5 }),
                free("whole", integer(-3, 64)),
                free("whole_log", Domain::Integer { min: 1, max: 1024, log: true }),
                shaping("choice", Domain::Choices { count: 3, probabilities: Some(vec![0.5, 0.0, 0.5]) }),
                shaping("size", sizes.clone()),
                free("one", integer(7, 7)),
            ]]),
        ),
        (
            "a union",
            space(vec![
                vec![free("alpha", uniform(0.0, 1.0)), free("rate", log.clone()), shaping("batch", sizes.clone())],
                vec![],
                vec![free("rate", log), free("leaves", integer(1, 3)), shaping("batch", sizes.clone())],
                vec![free("weight", integer(1, 5))],
            ]),
        ),
        ("a small grid", space(vec![vec![shaping("batch", sizes), free("n", integer(1, 5)), free("c", choices(3))]])),
        ("shapes alone", space(vec![vec![shaping("layers", integer(1, 5)), shaping("c", choices(4))], vec![]])),
        ("shapes without end", space(vec![vec![shaping("rows", uniform(0.0, 1.0)), free("n", integer(1, 4))]])),
        ("one point", space(vec![vec![free("one", integer(3, 3)), free("fixed", uniform(2.0, 2.0))]])),
        ("an empty branch", space(vec![vec![]])),
        ("nothing", space(vec![])),
    ]
}

type Make = fn(&SearchSpace, u64) -> Option<Box<dyn Search>>;

const SAMPLERS: [(&str, Make); 4] = [
    ("grid", |space, _| Some(Box::new(GridSearch::new(space.clone()).ok()?))),
    ("random", |space, seed| Some(Box::new(RandomSearch::new(space.clone(), seed)))),
    ("sobol", |space, seed| Some(Box::new(SobolSearch::new(space.clone(), seed).unwrap()))),
    ("tpe", |space, seed| Some(Box::new(TpeSearch::new(space.clone(), seed)))),
];

/// Calls `check` with each sampler in each space that it can search.
fn for_all(mut check: impl FnMut(&str, &SearchSpace, Make)) {
    for (name, space) in spaces() {
        for (sampler, make) in SAMPLERS {
            if make(&space, 0).is_some() {
                check(&format!("{sampler} in {name}"), &space, make);
            }
        }
    }
}

/// Some objective of a point, now and then of one that was ended early, and now and then none.
fn outcome(point: &Point) -> Outcome {
    let value: f64 = point.values.iter().map(|value| (value - 0.3).powi(2)).sum::<f64>() + point.branch as f64;
    match value.to_bits() % 7 {
        0 => Outcome::Failed,
        1 | 2 => Outcome::Stopped { rungs: 1, value },
        _ => Outcome::One(value),
    }
}

fn told(points: &[Point]) -> Vec<Told> {
    points.iter().map(|point| Told { point: point.clone(), outcome: outcome(point) }).collect()
}

/// What is asked for in waves.
fn waves(search: &mut dyn Search, sizes: &[usize]) -> Vec<Vec<Point>> {
    let waves = sizes.iter().map(|&n| {
        let points = search.ask(n);
        search.tell(&told(&points));
        points
    });
    waves.collect()
}

#[test]
fn points_are_in_the_space_and_none_comes_twice_while_there_are_others() {
    for_all(|name, space, make| {
        for seed in 0..3 {
            let mut search = make(space, seed).unwrap();
            let mut seen = HashSet::new();
            let mut asked = 0;
            for n in [3, 16, 1, 40, 16, 100] {
                let points = search.ask(n);
                let left = space.len().map_or(n, |len| n.min(len as usize - asked));
                assert_eq!(points.len(), left, "{name}: {n} after {asked}");
                assert!(points.iter().all(|point| space.holds(point)), "{name}: {points:?}");
                assert!(points.iter().all(|point| seen.insert(space.key(point))), "{name}: a point came twice");
                search.tell(&told(&points));
                asked += points.len();
            }
        }
    });
}

#[test]
fn the_seed_says_it_all() {
    for_all(|name, space, make| {
        let run = |seed| waves(&mut *make(space, seed).unwrap(), &[16, 7, 16]);
        assert_eq!(run(1), run(1), "{name}");
        let several = space.len().is_none();
        assert!(!several || run(1) != run(2), "{name}: another seed is another search");
        let search = make(space, 1).unwrap();
        assert_eq!(search.ask(5), search.ask(5), "{name}: asking changes nothing");
    });
}

#[test]
fn a_resumed_search_goes_on_as_if_nothing_had_been() {
    for_all(|name, space, make| {
        let mut whole = make(space, 5).unwrap();
        let before: Vec<Point> = waves(&mut *whole, &[16, 16, 5]).concat();
        // One call for all, and one for each.
        let mut resumed = make(space, 5).unwrap();
        resumed.tell(&told(&before));
        let mut slowly = make(space, 5).unwrap();
        before.iter().for_each(|point| slowly.tell(&told(std::slice::from_ref(point))));
        let after = whole.ask(16);
        assert_eq!(resumed.ask(16), after, "{name}");
        assert_eq!(slowly.ask(16), after, "{name}");
    });
}

#[test]
fn failures_nans_and_infinities_do_not_break_it() {
    for_all(|name, space, make| {
        let outcomes = [
            Outcome::Failed,
            Outcome::One(f64::NAN),
            Outcome::One(f64::INFINITY),
            Outcome::One(f64::NEG_INFINITY),
            Outcome::Two([f64::NAN, 1.0]),
            Outcome::Two([f64::INFINITY, f64::NEG_INFINITY]),
        ];
        for only in outcomes {
            let mut search = make(space, 0).unwrap();
            for n in [20, 8, 8] {
                let points = search.ask(n);
                assert!(points.iter().all(|point| space.holds(point)), "{name} with {only:?}");
                search.tell(&points.into_iter().map(|point| Told { point, outcome: only }).collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn points_that_were_never_asked_for_are_told_too_and_strangers_do_no_harm() {
    for_all(|name, space, make| {
        let mut other = RandomSearch::new(space.clone(), 99);
        let before = waves(&mut other, &[30]).concat();
        let mut search = make(space, 1).unwrap();
        search.tell(&told(&before));
        let strangers =
            [(7, vec![]), (0, vec![0.5; 40]), (0, vec![f64::NAN; space.branches().first().map_or(1, Vec::len).max(1)])];
        for (branch, values) in strangers {
            let point = Point { branch, values };
            assert!(!space.holds(&point), "{name}");
            search.tell(&[Told { point, outcome: Outcome::One(-1.0) }]);
        }
        let points = search.ask(10);
        assert!(points.iter().all(|point| space.holds(point) && !before.contains(point)), "{name}");
    });
}

#[test]
fn a_wave_has_few_shapes_so_that_its_trials_stack() {
    for_all(|name, space, make| {
        if name.starts_with("grid") {
            return;
        }
        for seed in 0..5 {
            let mut search = make(space, seed).unwrap();
            let mut seen = HashSet::new();
            for n in [16, 32, 64, 48] {
                let points = search.ask(n);
                let shapes: HashSet<_> = points.iter().map(|point| space.shape_key(point)).collect();
                seen.extend(points.iter().map(|point| space.key(point)));
                // More of them only where the others have no point left.
                let unused = |shape: &Vec<u64>| {
                    let of_shape = points.iter().find(|point| space.shape_key(point) == *shape).unwrap();
                    let all = space.count(of_shape.branch, |dimension| !space.shapes(of_shape.branch, dimension));
                    let used = seen.iter().filter(|key| is_of_shape(space, of_shape.branch, key, shape)).count();
                    all.is_none_or(|all| (used as u64) < all)
                };
                let open = shapes.iter().filter(|shape| unused(shape)).count();
                assert!(open <= shapes_allowed(n), "{name}: {open} shapes of {n} points with more points each");
                assert!(
                    shapes.len() <= shapes_allowed(n) || open <= 1,
                    "{name}: {} shapes, and {open} of them have more points",
                    shapes.len()
                );
                search.tell(&told(&points));
            }
        }
    });
}

/// Whether a point's key is of a shape.
fn is_of_shape(space: &SearchSpace, branch: usize, key: &[u64], shape: &[u64]) -> bool {
    let dimensions = (0..space.branches()[branch].len()).filter(|&dimension| space.shapes(branch, dimension));
    key[0] == shape[0] && dimensions.zip(&shape[1..]).all(|(dimension, part)| key[dimension + 1] == *part)
}

#[test]
fn asking_for_none_gives_none_and_for_many_many() {
    for_all(|name, space, make| {
        let search = make(space, 0).unwrap();
        assert!(search.ask(0).is_empty(), "{name}");
        let most = search.ask(2000);
        assert_eq!(most.len(), space.len().map_or(2000, |len| len.min(2000) as usize), "{name}");
    });
}

#[test]
fn all_branches_are_visited() {
    let (_, space) = spaces().swap_remove(2);
    for (name, make) in SAMPLERS {
        let Some(mut search) = make(&space, 3) else { continue };
        let points = waves(&mut *search, &[16, 16, 16, 16]).concat();
        for branch in 0..4 {
            assert!(points.iter().any(|point| point.branch == branch), "{name} never came to branch {branch}");
        }
        assert_eq!(points.iter().filter(|point| point.branch == 1).count(), 1, "{name}: it has one point");
    }
}

#[test]
fn a_default_wave_hangs_on_the_space_and_on_how_many_there_will_be() {
    let line = |n| space(vec![(0..n).map(|i| free(&format!("x{i}"), uniform(0.0, 1.0))).collect()]);
    let sizes = |space: &SearchSpace| {
        [None, Some(1000), Some(200), Some(100), Some(20), Some(5), Some(0)].map(|cap| default_wave(space, cap))
    };
    assert_eq!(sizes(&line(2)), [16, 16, 16, 16, 8, 5, 1]);
    assert_eq!(sizes(&line(6)), [48, 48, 32, 16, 8, 5, 1]);
    assert_eq!(sizes(&line(20)), [64, 64, 32, 16, 8, 5, 1]);
    assert_eq!(default_wave(&space(vec![vec![free("n", integer(1, 6))]]), None), 6, "as many as there are");
    assert_eq!([16, 32, 33, 48, 64].map(shapes_allowed), [2, 2, 2, 3, 4]);
}

#[test]
fn spaces_that_make_no_sense_are_refused_with_the_name() {
    let faulty = [
        uniform(1.0, 0.0),
        uniform(0.0, f64::INFINITY),
        uniform(f64::NAN, 1.0),
        Domain::Real(Law::LogUniform { min: 0.0, max: 1.0 }),
        Domain::Real(Law::Normal { mean: 0.0, sd: 0.0 }),
        Domain::Real(Law::Beta { a: 0.0, b: 1.0 }),
        Domain::Rounded { law: Law::Uniform { min: 0.1, max: 0.2 }, step: 1.0 },
        Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 0.0 },
        Domain::Rounded { law: Law::Uniform { min: 0.0, max: 1.0 }, step: 1e-300 },
        integer(2, 1),
        integer(i64::MIN, i64::MAX),
        Domain::Integer { min: 0, max: 5, log: true },
        choices(0),
        Domain::Choices { count: 2, probabilities: Some(vec![1.0]) },
        Domain::Choices { count: 2, probabilities: Some(vec![0.7, 0.7]) },
        Domain::Choices { count: 2, probabilities: Some(vec![-0.5, 1.5]) },
        Domain::Ordered { numbers: vec![], probabilities: None },
        Domain::Ordered { numbers: vec![1.0, 1.0], probabilities: None },
    ];
    for domain in faulty {
        let fault = SearchSpace::new(vec![vec![free("fine", choices(2)), free("rate", domain.clone())]]).unwrap_err();
        assert!(fault.to_string().starts_with("rate: expected "), "{domain:?}: {fault}");
    }
    let twice = SearchSpace::new(vec![vec![free("x", choices(2)), free("x", choices(3))]]).unwrap_err();
    assert_eq!(twice.to_string(), "x stands twice in one mapping");
    let endless = GridSearch::new(space(vec![vec![free("n", integer(0, 3)), free("rate", uniform(0.0, 1.0))]]));
    assert!(endless.unwrap_err().to_string().starts_with("rate has no end of values"));
    let wide = (0..65).map(|i| free(&format!("x{i}"), uniform(0.0, 1.0))).collect();
    let wide = space(vec![wide]);
    assert!(SobolSearch::new(wide.clone(), 0).unwrap_err().to_string().contains("65 things"));
    assert_eq!(TpeSearch::new(wide, 0).ask(3).len(), 3, "tpe begins by chance there");
}
