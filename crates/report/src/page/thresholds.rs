//! Counts at many thresholds, and how the scores of each class are spread.

use super::calibration::Ordered;
use super::payload::{Histogram, Short, Thresholds};
use focalsweep_core::metrics::{Step, Steps};

/// Thresholds at quantiles of the positives' scores, and of the negatives' scores' upper tail.
const QUANTILES: usize = 90;
/// Bars of a histogram.
const BINS: usize = 50;

/// Means over the replicates of true and false positives at thresholds that follow the scores: where many scores lie
/// there are many thresholds. `None` without rows of both classes.
pub(super) fn thresholds(
    validation: &[Ordered<'_>],
    test: &[Ordered<'_>],
    operating_point: Option<f64>,
) -> Option<Thresholds> {
    let splits = [Sorted::of(validation), Sorted::of(test)];
    let mut positives: Vec<f64> = splits.iter().flatten().flat_map(|s| s.positives.iter().copied()).collect();
    let mut negatives: Vec<f64> = splits.iter().flatten().flat_map(|s| s.negatives.iter().copied()).collect();
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    // Runs in order, which a stable sort merges.
    positives.sort_by(f64::total_cmp);
    negatives.sort_by(f64::total_cmp);
    let quantile = |sorted: &[f64], q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
    let mut grid: Vec<f64> = (0..=QUANTILES).map(|i| quantile(&positives, i as f64 / QUANTILES as f64)).collect();
    // False-positive rates from 1 to 1 in 10,000, evenly on a logarithmic scale.
    grid.extend((0..=QUANTILES).map(|i| quantile(&negatives, 1.0 - 10_f64.powf(-4.0 * i as f64 / QUANTILES as f64))));
    grid.extend([0.5, 1.0]);
    grid.extend(operating_point);
    // Counts are those of the threshold as it is written.
    let mut grid: Vec<f64> = grid.into_iter().map(|t| format!("{t:.5e}").parse().unwrap_or(t)).collect();
    grid.sort_by(f64::total_cmp);
    grid.dedup();
    let mean = |of: &[Sorted], value: &dyn Fn(&Sorted) -> f64| {
        Short(of.iter().map(value).sum::<f64>() / of.len().max(1) as f64)
    };
    let at_least = |sorted: &[f64], t: f64| sorted.len() - sorted.partition_point(|&score| score < t);
    let counts = |of: &[Sorted], class: fn(&Sorted) -> &[f64]| -> Vec<Short> {
        grid.iter().map(|&t| mean(of, &|s| at_least(class(s), t) as f64)).collect()
    };
    Some(Thresholds {
        positives: [0, 1].map(|i| mean(&splits[i], &|s| s.positives.len() as f64)),
        negatives: [0, 1].map(|i| mean(&splits[i], &|s| s.negatives.len() as f64)),
        tp: [0, 1].map(|i| counts(&splits[i], |s| &s.positives)),
        fp: [0, 1].map(|i| counts(&splits[i], |s| &s.negatives)),
        recall: [0, 1].map(|i| {
            let recall = |s: &Sorted, t| at_least(&s.positives, t) as f64 / s.positives.len() as f64;
            grid.iter().map(|&t| mean(&splits[i], &|s| recall(s, t))).collect()
        }),
        precision: [0, 1].map(|i| {
            let precision = |s: &Sorted, t| {
                let (tp, fp) = (at_least(&s.positives, t), at_least(&s.negatives, t));
                (tp + fp > 0).then(|| tp as f64 / (tp + fp) as f64)
            };
            let of = |t: f64| -> Option<f64> {
                let all: Option<Vec<f64>> = splits[i].iter().map(|s| precision(s, t)).collect();
                all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
            };
            grid.iter().map(|&t| of(t).map(Short)).collect()
        }),
        threshold: grid.iter().copied().map(Short).collect(),
    })
}

/// The scores of one replicate by class, in ascending order.
struct Sorted {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Sorted {
    fn of(groups: &[Ordered<'_>]) -> Vec<Self> {
        let of_steps = |steps: &Steps| {
            let class = |count: fn(&Step) -> u32| {
                let scores = steps.iter().map(|step| (f64::from(step.score), count(step) as usize));
                scores.flat_map(|(score, count)| std::iter::repeat_n(score, count)).collect()
            };
            Self { positives: class(|step| step.positives), negatives: class(|step| step.rows - step.positives) }
        };
        groups.iter().map(|(_, probabilities)| of_steps(probabilities)).collect()
    }
}

/// How many rows of each class have which scores; `None` without rows.
pub(super) fn histogram(test: &[Ordered<'_>]) -> Option<Histogram> {
    let ends = || test.iter().filter_map(|(_, steps)| Some([steps.iter().next()?, steps.iter().next_back()?]));
    let least = ends().map(|[least, _]| f64::from(least.score)).min_by(f64::total_cmp)?;
    let most = ends().map(|[_, most]| f64::from(most.score)).max_by(f64::total_cmp)?;
    // From one twentieth to another, so that the axis has round numbers.
    let (low, high) = ((least * 20.0).floor() / 20.0, (most * 20.0).ceil() / 20.0);
    let high = if high > low { high } else { low + 0.05 };
    let width = (high - low) / BINS as f64;
    let (mut negatives, mut positives) = (vec![0_u32; BINS], vec![0_u32; BINS]);
    for step in test.iter().flat_map(|(_, steps)| steps.iter()) {
        let bin = (((f64::from(step.score) - low) / width) as usize).min(BINS - 1);
        positives[bin] += step.positives;
        negatives[bin] += step.rows - step.positives;
    }
    Some(Histogram { low: Short(low), width: Short(width), positives, negatives })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::calibration::in_order;
    use crate::read::ScoreGroup;
    use focalsweep_core::metrics::Confusion;
    use focalsweep_core::spec::Split;

    fn group(replicate: u32, split: Split, shift: f32) -> ScoreGroup {
        let scores: Vec<f32> = (0..200_u16).map(|i| (f32::from(i * 37 % 200) + shift) / 201.0).collect();
        let labels: Vec<u8> = scores.iter().enumerate().map(|(i, &s)| u8::from(i % 7 == 0 || s > 0.9)).collect();
        ScoreGroup {
            units: Vec::new(),
            weights: Vec::new(),
            trial: "t".into(),
            replicate,
            split,
            rows: (0..200).collect(),
            labels,
            raw: scores.clone(),
            scores,
        }
    }

    #[test]
    fn counts_are_those_of_the_confusion_matrix() {
        let validation = [group(0, Split::Validation, 0.0), group(1, Split::Validation, 0.3)];
        let test = [group(0, Split::Test, 0.6), group(1, Split::Test, 0.9)];
        let [of_validation, of_test] = [in_order(&validation), in_order(&test)];
        let ordered = |groups, steps| std::iter::zip(groups, steps).collect::<Vec<Ordered<'_>>>();
        let (on_validation, on_test) = (ordered(&validation, &of_validation), ordered(&test, &of_test));
        let found = thresholds(&on_validation, &on_test, Some(0.123_456_789)).unwrap();
        assert!(found.threshold.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(found.threshold.iter().any(|t| t.0 == 0.5) && found.threshold.iter().any(|t| t.0 == 0.123_457));
        for (split, groups) in [(0, &validation), (1, &test)] {
            for (at, threshold) in found.threshold.iter().enumerate() {
                let counts = groups.iter().map(|g| Confusion::at(&g.scores, &g.labels, threshold.0));
                let (tp, fp) = counts.fold((0.0, 0.0), |(tp, fp), c| (tp + c.tp, fp + c.fp));
                assert_eq!(found.tp[split][at].0, tp / 2.0, "at {threshold:?}");
                assert_eq!(found.fp[split][at].0, fp / 2.0, "at {threshold:?}");
            }
        }
    }

    #[test]
    fn a_histogram_has_every_row_once() {
        let test = [group(0, Split::Test, 0.0), group(1, Split::Test, 0.5)];
        let steps = in_order(&test);
        let found = histogram(&test.iter().zip(&steps).collect::<Vec<_>>()).unwrap();
        let (positives, negatives): (u32, u32) = (found.positives.iter().sum(), found.negatives.iter().sum());
        let labels: u32 = test.iter().flat_map(|g| &g.labels).map(|&l| u32::from(l)).sum();
        assert_eq!((positives, negatives), (labels, 400 - labels));
        assert_eq!(found.low.0, 0.0);
        assert!(histogram(&[]).is_none());
    }
}
