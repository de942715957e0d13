//! Averages against scikit-learn (recorded, see tests/fixtures/metrics/make_ensemble.py) and against brute force.

use proptest::prelude::*;
use serde::Deserialize;

use crate::metrics::ensemble::grown;
use crate::metrics::{Aim, Platt, Pool, Rule, Scale, Weighed, average_precision, averaged, averages, roc_auc};

#[derive(Deserialize)]
struct Recorded {
    labels: Vec<u8>,
    logits: Vec<Vec<f32>>,
    platt: Vec<Fits>,
    average_of_three: AverageOfThree,
    greedy: Greedy,
}

#[derive(Deserialize)]
struct Fits {
    sigmoid: [f64; 2],
    logistic: [f64; 2],
}

#[derive(Deserialize)]
struct AverageOfThree {
    logits: Vec<f64>,
    roc_auc: f64,
    average_precision: f64,
}

#[derive(Deserialize)]
struct Greedy {
    auc: Steps,
    average_precision: Steps,
}

#[derive(Deserialize)]
struct Steps {
    counts: Vec<u32>,
    steps: Vec<f64>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/metrics/ensemble.json")).unwrap()
}

#[test]
fn platt_scaling_of_logits_is_scikit_learns() {
    let Recorded { labels, logits, platt, .. } = recorded();
    for (logits, Fits { sigmoid, logistic }) in logits.iter().zip(&platt) {
        let Platt { a, b } = Platt::fit_logits(logits, &labels).unwrap();
        for (found, (exactly, by_sigmoid)) in [a, b].into_iter().zip(logistic.iter().zip(sigmoid)) {
            assert!((found - exactly).abs() < 1e-7 * exactly.abs().max(1.0), "{found} {exactly}");
            assert!((found - by_sigmoid).abs() < 1e-6 * by_sigmoid.abs().max(1.0), "{found} {by_sigmoid}");
        }
    }
    let mut broken = logits[0].clone();
    broken[7] = f32::INFINITY;
    assert_eq!(Platt::fit_logits(&broken, &labels), None);
    assert_eq!(Platt::fit_logits(&logits[0], &[0; 400]), None);
}

#[test]
fn an_average_is_of_calibrated_logits() {
    let Recorded { labels, logits, average_of_three, .. } = recorded();
    let scales: Vec<Scale> = logits.iter().map(|of| Scale::of_logits(of, &labels).unwrap()).collect();
    let member = |at: usize| Weighed { weight: 1.0 / 3.0, scale: &scales[at], raw: &logits[at] };
    let found = averaged(&[member(0), member(1), member(2)]);
    let close = |(found, theirs): (&f32, &f64)| (f64::from(*found) - theirs).abs() < 1e-6 * theirs.abs().max(1.0);
    assert!(found.len() == 400 && found.iter().zip(&average_of_three.logits).all(close));
    assert!((roc_auc(&found, &labels).unwrap() - average_of_three.roc_auc).abs() < 1e-12);
    let precision = average_precision(&found, &labels).unwrap();
    assert!((precision - average_of_three.average_precision).abs() < 1e-12);
    assert_eq!(scales[0].probability(0.0), Some(0.5));
}

fn pool() -> Pool {
    let Recorded { labels, logits, .. } = recorded();
    let calibrated = |of: &Vec<f32>| {
        let scale = Scale::of_logits(of, &labels).unwrap();
        of.iter().map(|&raw| scale.apply(raw) as f32).collect()
    };
    Pool { candidates: logits.iter().map(calibrated).collect(), labels }
}

#[test]
fn a_greedy_average_is_that_of_brute_force() {
    let Recorded { greedy, .. } = recorded();
    let pool = pool();
    for (aim, steps) in [(Aim::Auc, greedy.auc), (Aim::AveragePrecision, greedy.average_precision)] {
        let counts = grown(std::slice::from_ref(&pool), aim, &[0, 1, 2, 3, 4, 5], 8);
        assert_eq!(counts, steps.counts, "{aim:?}");
        let weights: Vec<f64> = counts.iter().map(|&count| f64::from(count)).collect();
        let worth = aim.worth(std::slice::from_ref(&pool), &weights).unwrap();
        assert!((worth - steps.steps.last().unwrap()).abs() < 1e-9, "{aim:?}: {worth}");
    }
}

#[test]
fn averages_are_of_the_best_and_the_bags() {
    let pool = pool();
    let alone: Vec<f64> = pool.candidates.iter().map(|of| roc_auc(of, &pool.labels).unwrap()).collect();
    let mut order: Vec<usize> = (0..6).collect();
    order.sort_by(|&a, &b| alone[b].total_cmp(&alone[a]));
    let found = averages(&[pool.clone(), pool], Aim::Auc);
    let rules: Vec<Rule> = found.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, [Rule::Best(1), Rule::Best(2), Rule::Best(3), Rule::Best(5), Rule::Greedy]);
    for (rule, weights) in &found {
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{rule:?}");
        if let Rule::Best(size) = *rule {
            let of_best = (0..6).map(|at| order[..size].contains(&at));
            let expected: Vec<f64> = of_best.map(|is_best| if is_best { 1.0 / size as f64 } else { 0.0 }).collect();
            assert_eq!(weights, &expected, "{rule:?}");
        }
    }
    assert!(averages(&[Pool::default()], Aim::Auc).is_empty());
    let one_class = Pool { labels: vec![0; 3], candidates: vec![vec![0.1, 0.2, 0.3]; 2] };
    assert!(averages(&[one_class], Aim::Auc).is_empty());
}

#[test]
fn places_are_shares_of_what_is_lower_and_half_of_what_is_equal() {
    let scale = Scale::of_scores(&[5.0, -1.0, 2.0, 2.0]).unwrap();
    let found = [-2.0, -1.0, 0.0, 2.0, 3.0, 5.0, 9.0].map(|raw| scale.apply(raw));
    assert_eq!(found, [0.0, 0.125, 0.25, 0.5, 0.75, 0.875, 1.0]);
    assert_eq!(scale.probability(0.5), None);
    assert_eq!((Scale::of_scores(&[]), Scale::of_scores(&[f32::NAN])), (None, None));
}

proptest! {
    /// Greedy by a plain loop over an AUC by its definition, on several replicates, with ties.
    #[test]
    fn greedy_steps_take_what_helps_most(
        seed in proptest::collection::vec((0_u8..2, proptest::collection::vec(-4_i8..5, 4)), 24..60),
    ) {
        let of = |rows: &[(u8, Vec<i8>)]| Pool {
            labels: rows.iter().map(|(label, _)| *label).collect(),
            candidates: (0..4).map(|at| rows.iter().map(|(_, of)| f32::from(of[at])).collect()).collect(),
        };
        let (first, second) = seed.split_at(seed.len() / 2);
        let pools = [of(first), of(second)];
        let both = |pool: &Pool| pool.labels.contains(&0) && pool.labels.contains(&1);
        prop_assume!(pools.iter().all(both));
        let auc = |counts: &[u32]| {
            let of_pool = |pool: &Pool| {
                let score = |row: usize| -> f64 {
                    counts.iter().zip(&pool.candidates).map(|(&n, of)| f64::from(n) * f64::from(of[row])).sum()
                };
                let (mut wins, mut pairs) = (0.0, 0.0);
                for positive in (0..pool.labels.len()).filter(|&row| pool.labels[row] == 1) {
                    for negative in (0..pool.labels.len()).filter(|&row| pool.labels[row] == 0) {
                        let difference = score(positive) - score(negative);
                        wins += if difference > 0.0 { 1.0 } else if difference == 0.0 { 0.5 } else { 0.0 };
                        pairs += 1.0;
                    }
                }
                wins / pairs
            };
            pools.iter().map(of_pool).sum::<f64>() / 2.0
        };
        let (mut counts, mut before) = (vec![0_u32; 4], f64::NEG_INFINITY);
        for _ in 0..5 {
            let with = |at: usize| {
                let mut more = counts.clone();
                more[at] += 1;
                auc(&more)
            };
            let values: Vec<f64> = (0..4).map(with).collect();
            let best = (0..4).fold(0, |best, at| if values[at] > values[best] { at } else { best });
            if values[best] <= before {
                break;
            }
            counts[best] += 1;
            before = values[best];
        }
        let found = grown(&pools, Aim::Auc, &[0, 1, 2, 3], 5);
        prop_assert_eq!(found, counts);
    }
}
