//! Against sums over every cell, known functions, and Optuna.

use std::collections::HashMap;

use focalsweep_core::random::{Purpose, Stream};
use serde::Deserialize;

use super::*;
use crate::read::Value;

fn axis(values: &[Value]) -> Axis {
    Axis::new(&values.iter().collect::<Vec<_>>(), false).unwrap()
}

fn numbers(values: impl Iterator<Item = f64>) -> Axis {
    axis(&values.map(Value::Number).collect::<Vec<_>>())
}

fn grown(axes: &[Axis], y: &[f64]) -> Forest {
    Forest::grow(axes, y, &(0..y.len()).collect::<Vec<_>>())
}

/// The variance of a tree's average over all axes but `kept`, by the definition: every cell of the space is looked at.
fn by_definition(leaves: &[Leaf], axes: &[Axis], kept: &[usize]) -> f64 {
    let mut averages: HashMap<Vec<usize>, (f64, f64)> = HashMap::new();
    let all: usize = axes.iter().map(|axis| axis.weights.len()).product();
    for mut number in 0..all {
        let mut at = Vec::new();
        for axis in axes {
            at.push(number % axis.weights.len());
            number /= axis.weights.len();
        }
        let value = leaves.iter().find(|leaf| leaf.cells.iter().zip(&at).all(|(cells, at)| cells >> at & 1 == 1));
        let weight: f64 = axes.iter().zip(&at).map(|(axis, &at)| axis.weights[at]).product();
        let sums = averages.entry(kept.iter().map(|&axis| at[axis]).collect()).or_insert((0.0, 0.0));
        *sums = (sums.0 + weight * value.unwrap().value, sums.1 + weight);
    }
    let mean: f64 = averages.values().map(|(sum, _)| sum).sum();
    averages.values().map(|(sum, weight)| (sum / weight - mean).powi(2) * weight).sum()
}

#[test]
fn variances_are_those_of_every_cell_of_the_space() {
    let mut stream = Stream::new(1, 0, Purpose::Synth, 0, 0);
    let words = ["a", "b", "c", "d", "e"].map(|word| Value::Text(word.to_owned()));
    let drawn: Vec<Value> = (0..60).map(|_| words[stream.below(5) as usize].clone()).collect();
    let uneven: Vec<f64> = (0..60).map(|_| f64::from(stream.below(12)).exp()).collect();
    let levels = numbers((0..60).map(|_| f64::from(stream.below(4))));
    let axes = [numbers(uneven.into_iter()), axis(&drawn), levels];
    let y: Vec<f64> = (0..60).map(|_| stream.normal()).collect();
    let forest = grown(&axes, &y);
    for leaves in forest.trees.iter().take(8) {
        let tree = Tree::new(leaves, &axes);
        assert!((tree.variance - by_definition(leaves, &axes, &[0, 1, 2])).abs() < 1e-12);
        for (i, axis) in axes.iter().enumerate() {
            let alone = variance(&tree.along(i), &axis.weights);
            assert!((alone - by_definition(leaves, &axes, &[i])).abs() < 1e-12, "{alone}");
            for j in i + 1..axes.len() {
                let both = tree.variance_over(i, j);
                assert!((both - by_definition(leaves, &axes, &[i, j])).abs() < 1e-12, "{both}");
            }
        }
    }
}

#[test]
fn a_function_is_taken_apart_as_it_was_put_together() {
    // Uniform a, b: 2 a has the variance 1/3, (2 a - 1) (2 b - 1) has 1/9; of 4/9 that is 3/4 and 1/4.
    let places = || (0..900).map(|i| (f64::from(i / 30) / 29.0, f64::from(i % 30) / 29.0));
    let y: Vec<f64> = places().map(|(a, b)| 2.0 * a + (2.0 * a - 1.0) * (2.0 * b - 1.0)).collect();
    let axes = [numbers(places().map(|(a, _)| a)), numbers(places().map(|(_, b)| b))];
    let found = decompose(&grown(&axes, &y), &axes).unwrap();
    let [a, b] = [found.alone[0], found.alone[1]];
    assert!((a - 0.75).abs() < 0.02 && b < 0.02 && (found.pairs[0].1 - 0.25).abs() < 0.02, "{found:?}");
    assert!(found.rest() < 1e-9);
    // The average over b is 2 a.
    for (&(average, _), at) in found.averages[0].iter().zip(&axes[0].at) {
        let Value::Number(at) = at else { panic!() };
        assert!((average - 2.0 * at).abs() < 0.15, "{average} at {at}");
    }
    // That over neither is the function.
    let over = average_over(&grown(&axes, &y), &axes, (0, 1));
    let place = |axis: usize, cell: u8| axes[axis].at[usize::from(cell)].number().unwrap();
    for (&a, &b) in axes[0].of.iter().zip(&axes[1].of) {
        let (at_a, at_b) = (place(0, a), place(1, b));
        let expected = 2.0 * at_a + (2.0 * at_a - 1.0) * (2.0 * at_b - 1.0);
        let found = over[usize::from(a) * axes[1].weights.len() + usize::from(b)];
        assert!((found - expected).abs() < 0.3, "{found} at {at_a}, {at_b}");
    }
    assert!(decompose(&grown(&axes, &vec![1.0; 900]), &axes).is_none());
}

#[derive(Deserialize)]
struct Recorded {
    optuna: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    points: HashMap<String, Vec<serde_json::Value>>,
    values: Vec<f64>,
    /// Mean over seeds, standard deviation.
    shares: HashMap<String, (f64, f64)>,
}

#[test]
fn shares_are_those_of_optuna() {
    let text = include_str!("../../../../../tests/fixtures/importance/importance.json");
    let recorded: Recorded = serde_json::from_str(text).unwrap();
    assert_eq!((recorded.optuna.as_str(), recorded.cases.len()), ("5.0.0", 4));
    let value = |value: &serde_json::Value| match value.as_f64() {
        Some(number) => Value::Number(number),
        None => Value::Text(value.as_str().unwrap().to_owned()),
    };
    let mut compared = 0;
    for case in recorded.cases {
        let mut names: Vec<&String> = case.points.keys().collect();
        names.sort();
        let axes: Vec<Axis> =
            names.iter().map(|&name| axis(&case.points[name].iter().map(value).collect::<Vec<_>>())).collect();
        let found = decompose(&grown(&axes, &case.values), &axes).unwrap();
        let alone = names.iter().zip(&found.alone).map(|(name, share)| ((*name).clone(), *share));
        let pairs = found.pairs.iter().map(|&((i, j), share)| (format!("{} {}", names[i], names[j]), share));
        for (name, share) in alone.chain(pairs) {
            let Some(&(theirs, deviation)) = case.shares.get(&name) else { continue };
            assert!((share - theirs).abs() < 0.02 + deviation, "{} {name}: {share}, Optuna {theirs}", case.name);
            compared += 1;
        }
    }
    assert_eq!(compared, 18);
}
