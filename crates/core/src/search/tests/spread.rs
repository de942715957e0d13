//! How evenly points lie.

use super::super::sobol::Sequence;
use super::super::wave::Places;
use super::*;

fn unit_cube(dimensions: usize) -> SearchSpace {
    space(vec![(0..dimensions).map(|i| free(&format!("x{i}"), uniform(0.0, 1.0))).collect()])
}

#[test]
fn every_run_of_a_power_of_two_has_a_point_in_each_part_of_each_axis() {
    let sequence = Sequence::new(&unit_cube(64), 9).unwrap();
    for (first, count) in [(0u64, 64u64), (64, 64), (192, 64), (4096, 1024)] {
        for coordinate in 1..=64 {
            let mut parts = vec![0; count as usize];
            (first..first + count).for_each(|at| parts[(sequence.place(at, coordinate) * count as f64) as usize] += 1);
            assert!(parts.iter().all(|&points| points == 1), "axis {coordinate} from {first} on");
        }
    }
}

#[test]
fn the_first_two_axes_are_a_net() {
    let sequence = Sequence::new(&unit_cube(2), 4).unwrap();
    for bits in 0..=8u32 {
        let (wide, high) = (1u64 << bits, 1u64 << (8 - bits));
        let mut parts = vec![0; 256];
        for at in 256..512u64 {
            let x = (sequence.place(at, 1) * wide as f64) as u64;
            let y = (sequence.place(at, 2) * high as f64) as u64;
            parts[(x * high + y) as usize] += 1;
        }
        assert!(parts.iter().all(|&points| points == 1), "{wide} x {high}");
    }
}

#[test]
fn scrambled_points_are_uniform_over_seeds() {
    for (point, coordinate) in [(0, 1), (0, 7), (5, 2), (1000, 3)] {
        let mut parts = [0; 16];
        for seed in 0..8000 {
            let place = Sequence::new(&unit_cube(8), seed).unwrap().place(point, coordinate);
            parts[(place * 16.0) as usize] += 1;
        }
        // 500 each, sd 21.7
        assert!(parts.iter().all(|part| (400..600).contains(part)), "{point} {coordinate}: {parts:?}");
    }
}

#[test]
fn a_smooth_function_is_integrated_far_better_than_by_chance() {
    let dimensions = 6;
    let error = |make: &dyn Fn(u64) -> Box<dyn Search>| {
        let squares = (0..30).map(|seed| {
            let points = make(seed).ask(256);
            let f = |point: &Point| point.values.iter().map(|x| 1.0 + 0.5 * (x - 0.5)).product::<f64>();
            (points.iter().map(f).sum::<f64>() / 256.0 - 1.0).powi(2)
        });
        squares.sum::<f64>().sqrt()
    };
    let even = error(&|seed| Box::new(SobolSearch::new(unit_cube(dimensions), seed).unwrap()));
    let chance = error(&|seed| Box::new(RandomSearch::new(unit_cube(dimensions), seed)));
    assert!(even < 0.1 * chance, "{even} against {chance}");
}

#[test]
fn waves_of_few_shapes_are_as_even_as_the_sequence_itself() {
    let sizes = Domain::Ordered { numbers: vec![16.0, 32.0, 64.0, 128.0], probabilities: None };
    let space = space(vec![vec![shaping("batch", sizes), free("x", uniform(0.0, 1.0))]]);
    for make in [true, false] {
        let mut search: Box<dyn Search> = if make {
            Box::new(SobolSearch::new(space.clone(), 2).unwrap())
        } else {
            Box::new(RandomSearch::new(space.clone(), 2))
        };
        let mut batches = [0; 4];
        let mut parts = [0; 64];
        for _ in 0..32 {
            let points = search.ask(16);
            for point in &points {
                batches[point.values[0] as usize] += 1;
                parts[(point.values[1] * 64.0) as usize] += 1;
            }
            search.tell(&points.into_iter().map(|point| Told { point, outcome: Outcome::Failed }).collect::<Vec<_>>());
        }
        if make {
            assert_eq!(batches, [128; 4], "64 shapes of 8 points each");
            assert_eq!(parts, [8; 64]);
        } else {
            assert!(batches.iter().all(|count| (64..192).contains(count)), "{batches:?}");
        }
    }
}

#[test]
fn any_part_of_a_grid_covers_all_of_it() {
    // 486 settings, of which 162 once left one width.
    let dimensions = [2i64, 3, 9, 9];
    let axes = |(at, &count): (usize, &i64)| free(&format!("n{at}"), integer(1, count));
    let space = space(vec![dimensions.iter().enumerate().map(axes).collect()]);
    let grid = GridSearch::new(space).unwrap();
    let all = grid.ask(1000);
    assert_eq!(all.len(), 486);
    for part in [54, 81, 162, 243, 400] {
        for (at, &count) in dimensions.iter().enumerate() {
            let even = part as f64 / count as f64;
            for value in 1..=count {
                let found = all[..part].iter().filter(|point| point.values[at] == value as f64).count() as f64;
                let away = (found - even).abs();
                assert!(away <= 2.0 + 0.1 * even, "{found} of the first {part} have n{at} = {value}, not {even}");
            }
        }
    }
}
