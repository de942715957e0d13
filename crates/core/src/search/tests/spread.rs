//! How evenly points lie.

use super::super::sobol::{Sequence, sobol};
use super::super::wave::Places;
use super::*;

fn unit_cube(dimensions: usize) -> SearchSpace {
    space(vec![(0..dimensions).map(|i| free(&format!("x{i}"), uniform(0.0, 1.0))).collect()])
}

/// Digits of points 37 and 54,321 before scrambling, as SciPy 1.17.1 has them
/// (`qmc.Sobol(64, scramble=False, bits=32)`, which gives point `k ^ k >> 1` in place `k`).
#[test]
fn the_sequence_is_that_of_scipy() {
    for (number, digits) in [(37, SCIPY_37), (54_321, SCIPY_54321)] {
        let ours: Vec<u32> = (0..64).map(|dimension| sobol(number, dimension)).collect();
        assert_eq!(ours, digits, "point {number}");
    }
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

#[rustfmt::skip]
const SCIPY_37: [u32; 64] = [
    2_751_463_424, 3_959_422_976, 3_154_116_608, 3_556_769_792, 2_080_374_784, 3_288_334_336, 3_019_898_880,
    67_108_864, 4_093_640_704, 4_093_640_704, 1_275_068_416, 201_326_592, 2_885_681_152, 603_979_776,
    4_093_640_704, 1_677_721_600, 3_019_898_880, 3_288_334_336, 3_556_769_792, 1_543_503_872, 1_543_503_872,
    1_811_939_328, 1_140_850_688, 738_197_504, 1_409_286_144, 2_214_592_512, 335_544_320, 738_197_504,
    738_197_504, 2_483_027_968, 603_979_776, 2_348_810_240, 1_946_157_056, 2_751_463_424, 2_483_027_968,
    2_483_027_968, 1_006_632_960, 2_483_027_968, 3_422_552_064, 2_348_810_240, 201_326_592, 1_275_068_416,
    469_762_048, 2_348_810_240, 1_946_157_056, 3_825_205_248, 3_288_334_336, 4_227_858_432, 2_617_245_696,
    201_326_592, 603_979_776, 1_543_503_872, 1_275_068_416, 1_677_721_600, 3_825_205_248, 1_006_632_960,
    2_617_245_696, 3_825_205_248, 1_409_286_144, 2_483_027_968, 738_197_504, 2_617_245_696, 469_762_048,
    1_543_503_872,
];

#[rustfmt::skip]
const SCIPY_54321: [u32; 64] = [
    2_351_628_288, 3_111_976_960, 2_863_857_664, 1_827_602_432, 506_527_744, 1_740_963_840, 3_900_243_968,
    3_538_092_032, 696_713_216, 1_173_028_864, 1_982_660_608, 2_825_977_856, 3_968_401_408, 1_827_078_144,
    3_151_298_560, 1_796_407_296, 3_763_929_088, 651_231_232, 4_123_721_728, 4_011_393_024, 2_170_093_568,
    2_923_102_208, 1_969_815_552, 699_990_016, 859_373_568, 3_344_629_760, 4_017_684_480, 803_930_112,
    3_064_266_752, 270_467_072, 834_994_176, 854_392_832, 883_752_960, 139_395_072, 2_222_391_296,
    3_923_705_856, 1_483_538_432, 1_774_125_056, 2_049_900_544, 2_446_524_416, 3_847_946_240, 3_389_194_240,
    2_388_197_376, 4_116_643_840, 3_303_735_296, 3_455_516_672, 2_781_806_592, 875_757_568, 1_172_373_504,
    2_725_052_416, 2_001_928_192, 764_477_440, 2_468_413_440, 2_741_305_344, 3_367_436_288, 4_175_495_168,
    3_321_430_016, 1_790_246_912, 470_482_944, 2_309_160_960, 2_863_988_736, 170_983_424, 2_580_086_784,
    2_891_513_856,
];
