//! How much of a metric's variation over the trials each swept hyperparameter explains by itself.
//!
//! The adjusted share of variance of a one-way analysis of variance (ε² of Kelley 1935, An unbiased correlation ratio
//! measure, PNAS 21(9)): 1 - MS_within / MS_total over the levels of the hyperparameter, 0 where it explains less than
//! chance would. On a full grid these are the main effects of functional ANOVA (Hutter, Hoos & Leyton-Brown 2014).

use std::collections::HashMap;

use super::payload::{Importance, Short};
use crate::rank::Ranking;
use crate::read::Value;

/// A number with more distinct values than this is cut into as many levels of equal size.
const LEVELS: usize = 10;
/// Fewer trials than this say nothing.
const FEWEST: usize = 8;

/// For each of `columns` the swept hyperparameters with their shares, the most important first.
pub(super) fn importance(ranking: &Ranking, columns: &[String]) -> Vec<Importance> {
    let swept = ranking.swept();
    let mut found = Vec::new();
    for column in columns {
        let place = ranking.place_of(column);
        let trials: Vec<_> = ranking
            .trials
            .iter()
            .filter(|ranked| ranked.trial.complete)
            .filter_map(|ranked| Some((ranked, ranked.mean_at(place)?)))
            .collect();
        if trials.len() < FEWEST {
            continue;
        }
        let y: Vec<f64> = trials.iter().map(|(_, y)| *y).collect();
        let share = |name: &&str| {
            let values: Vec<Option<&Value>> =
                trials.iter().map(|(ranked, _)| ranking.parameter(ranked, name)).collect();
            explained(&levels(&values), &y).map(|share| ((*name).to_owned(), Short(share)))
        };
        let mut shares: Vec<(String, Short)> = swept.iter().filter_map(share).collect();
        shares.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
        if !shares.is_empty() {
            found.push(Importance { column: column.clone(), shares });
        }
    }
    found
}

/// A value, to tell it from others.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    Number(u64),
    Integer(i64),
    Text(&'a str),
}

impl<'a> From<&'a Value> for Same<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Number(v) => Self::Number(v.to_bits()),
            Value::Integer(v) => Self::Integer(*v),
            Value::Text(v) => Self::Text(v),
        }
    }
}

/// A level from 0 for each value; not set is a level of its own.
fn levels(values: &[Option<&Value>]) -> Vec<usize> {
    let numbers: Option<Vec<f64>> = values
        .iter()
        .flatten()
        .map(|value| match value {
            Value::Number(v) => Some(*v),
            Value::Integer(v) => Some(*v as f64),
            Value::Text(_) => None,
        })
        .collect();
    let Some(mut sorted) = numbers else { return different(values) };
    sorted.sort_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= LEVELS {
        return different(values);
    }
    let bin = |v: f64| sorted.partition_point(|&other| other < v) * LEVELS / sorted.len();
    let level = |value: &Option<&Value>| match value {
        Some(Value::Number(v)) => bin(*v),
        Some(Value::Integer(v)) => bin(*v as f64),
        _ => LEVELS,
    };
    values.iter().map(level).collect()
}

/// A level for each different value, numbered as they come.
fn different(values: &[Option<&Value>]) -> Vec<usize> {
    let mut known: HashMap<Option<Same<'_>>, usize> = HashMap::new();
    let mut levels = Vec::with_capacity(values.len());
    for value in values {
        let next = known.len();
        levels.push(*known.entry(value.map(Same::from)).or_insert(next));
    }
    levels
}

/// ε²; `None` with one level, with as many levels as trials, or where nothing varies.
fn explained(levels: &[usize], y: &[f64]) -> Option<f64> {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let total: f64 = y.iter().map(|v| (v - mean).powi(2)).sum();
    let mut groups = vec![(0.0, 0.0); levels.iter().max().map_or(0, |most| most + 1)];
    for (&level, v) in levels.iter().zip(y) {
        groups[level] = (groups[level].0 + 1.0, groups[level].1 + v);
    }
    groups.retain(|&(count, _)| count > 0.0);
    let k = groups.len() as f64;
    if k < 2.0 || k >= n || total <= 0.0 {
        return None;
    }
    let between: f64 = groups.iter().map(|(count, sum)| count * (sum / count - mean).powi(2)).sum();
    let within = (total - between).max(0.0) / (n - k);
    Some((1.0 - within / (total / (n - 1.0))).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_the_adjusted_r_squared_of_a_regression_on_levels() {
        // By hand: means of the levels 1, 2, 3, of all 2; sums of squares 8 in all, 4 between; R² 0.5, adjusted 1 - 0.5
        // · 5 / 3.
        let word = |word: &str| Value::Text(word.to_owned());
        let words = ["a", "a", "b", "b", "c", "c"].map(word);
        let levels = levels(&words.iter().map(Some).collect::<Vec<_>>());
        let y = [0.0, 2.0, 1.0, 3.0, 3.0, 3.0];
        let (total, between) = (8.0, 4.0);
        let expected = 1.0 - (total - between) / 3.0 / (total / 5.0);
        assert!((explained(&levels, &y).unwrap() - expected).abs() < 1e-12);
        assert_eq!(explained(&levels, &[1.0; 6]), None);
    }

    #[test]
    fn many_numbers_are_cut_into_levels_of_equal_size() {
        let values: Vec<Value> = (0..100).map(|i| Value::Number(f64::from(i) / 7.0)).collect();
        let levels = levels(&values.iter().map(Some).collect::<Vec<_>>());
        let mut counts: HashMap<usize, usize> = HashMap::new();
        levels.into_iter().for_each(|level| *counts.entry(level).or_insert(0) += 1);
        assert_eq!(counts.len(), LEVELS);
        assert!(counts.values().all(|&count| count == 10), "{counts:?}");
    }

    #[test]
    fn values_that_differ_in_kind_or_in_anything_are_other_levels() {
        let values = [Value::Number(1.0), Value::Integer(1), Value::Text("1".to_owned()), Value::Number(1.0)];
        let values: Vec<Option<&Value>> = values.iter().map(Some).chain([None, None]).collect();
        assert_eq!(levels(&values), [0, 1, 2, 0, 3, 3]);
    }
}
