//! Averages of models, chosen on rows that none of them was trained on.
//!
//! What losses say is not comparable: focal loss pushes logits together, class weights shift them. So scores are put on
//! one scale first: the logit that Platt scaling makes of them, or, where a model has no probabilities, the place among
//! the rows that choose. Averages are of the k best, or grown greedily with replacement (R. Caruana, A.
//! Niculescu-Mizil, G. Crew & A. Ksikes: Ensemble selection from libraries of models, ICML 2004), from several random
//! parts of the models, each begun with its best one, since a search among many overfits the rows that choose (R.
//! Caruana, A. Munson & A. Niculescu-Mizil: Getting the most out of ensemble selection, ICDM 2006).

use serde::{Deserialize, Serialize};

use super::{Platt, average_precision, logistic, roc_auc};
use crate::random::{Purpose, Stream};

/// Numbers of best models that are averaged.
const SIZES: [usize; 5] = [2, 3, 5, 10, 20];
/// Models that a greedy average is grown to at most, one of them perhaps several times.
const GROWN: usize = 8;
/// Random parts of the models of which one is grown each.
const BAGS: u32 = 4;
/// A part has one of so many models.
const OF_WHICH_ONE: usize = 3;

/// How the scores of one model are made comparable with those of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The logit of the probability that Platt scaling has for a logit.
    Platt(Platt),
    /// The share of these, in ascending order, that are lower, and half of those that are equal.
    Places(Vec<f32>),
}

impl Scale {
    /// Of the logits of a model that says probabilities; `None` where a class is absent or one is not finite.
    pub fn of_logits(logits: &[f32], labels: &[u8]) -> Option<Self> {
        Platt::fit_logits(logits, labels).map(Self::Platt)
    }

    /// Of scores that are no probabilities; `None` without any, or where one is NaN.
    pub fn of_scores(scores: &[f32]) -> Option<Self> {
        if scores.is_empty() || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let mut sorted: Vec<f32> = scores.iter().map(|score| score + 0.0).collect(); // -0 is 0
        sorted.sort_unstable_by(f32::total_cmp);
        Some(Self::Places(sorted))
    }

    /// What it makes of a score.
    pub fn apply(&self, raw: f32) -> f64 {
        match self {
            Self::Platt(platt) => platt.logit(f64::from(raw)),
            Self::Places(sorted) => {
                let (below, up_to) =
                    (sorted.partition_point(|&one| one < raw), sorted.partition_point(|&one| one <= raw));
                (below + up_to) as f64 / (2 * sorted.len()) as f64
            }
        }
    }

    /// The probability that an average on this scale says; `None` of places, which say none.
    pub fn probability(&self, average: f32) -> Option<f32> {
        match self {
            Self::Platt(_) => Some(logistic(f64::from(average)) as f32),
            Self::Places(_) => None,
        }
    }
}

/// A model of an average: its weight, its scale, and its scores of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Weighed<'a> {
    /// Its weight; those of all members are 1 together.
    pub weight: f64,
    /// How its scores are made comparable.
    pub scale: &'a Scale,
    /// Its scores `[rows]`: logits where the scale is of logits.
    pub raw: &'a [f32],
}

/// The average of some models' scores of the same rows, `[rows]`.
pub fn averaged(members: &[Weighed<'_>]) -> Vec<f32> {
    let rows = members.iter().map(|member| member.raw.len()).min().unwrap_or(0);
    let mut sums = vec![0.0_f64; rows];
    for Weighed { weight, scale, raw } in members {
        sums.iter_mut().zip(*raw).for_each(|(sum, &raw)| *sum += weight * scale.apply(raw));
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// Rows of a replicate that averages are chosen on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pool {
    /// Class of each row, 0 or 1.
    pub labels: Vec<u8>,
    /// Of each candidate the scores of the rows, on one scale: the same candidates in every pool.
    pub candidates: Vec<Vec<f32>>,
}

/// What averages are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// The AUC.
    Auc,
    /// The average precision.
    AveragePrecision,
}

/// How an average was put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The so many best by themselves, of equal weights; of one it is that model.
    Best(usize),
    /// Grown greedily, with replacement, from random parts of the candidates.
    Greedy,
}

impl Aim {
    fn of(self, scores: &[f32], labels: &[u8]) -> Option<f64> {
        match self {
            Self::Auc => roc_auc(scores, labels),
            // Of one class only it says nothing of the scores.
            Self::AveragePrecision if labels.iter().all(|&label| label != 0) => None,
            Self::AveragePrecision => average_precision(scores, labels),
        }
    }

    /// What scores, made for each pool, are worth: the mean over the pools in which it is defined.
    fn mean(self, pools: &[Pool], mut scores: impl FnMut(usize, &Pool, &mut Vec<f32>)) -> Option<f64> {
        let (mut sum, mut count, mut of_pool) = (0.0, 0, Vec::new());
        for (at, pool) in pools.iter().enumerate() {
            of_pool.clear();
            scores(at, pool, &mut of_pool);
            if let Some(value) = self.of(&of_pool, &pool.labels) {
                (sum, count) = (sum + value, count + 1);
            }
        }
        (count > 0).then(|| sum / f64::from(count))
    }

    /// What an average of the candidates with these weights is worth: the mean over the pools, of those in which it is
    /// defined; `None` where it is in none.
    pub fn worth(self, pools: &[Pool], weights: &[f64]) -> Option<f64> {
        self.mean(pools, |_, pool, scores| {
            scores.resize(pool.labels.len(), 0.0);
            for (candidate, &weight) in pool.candidates.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
                scores.iter_mut().zip(candidate).for_each(|(sum, &score)| *sum += weight as f32 * score);
            }
        })
    }
}

/// The averages that each rule chooses on the pools, as weights of the candidates: the best model by itself first, then
/// of the two, three … best, then the greedy one. None where the aim is defined in no pool.
pub fn averages(pools: &[Pool], aim: Aim) -> Vec<(Rule, Vec<f64>)> {
    let count = pools.first().map_or(0, |pool| pool.candidates.len());
    let alone = |at: usize| aim.mean(pools, |_, pool, scores| scores.extend_from_slice(&pool.candidates[at]));
    let Some(alone) = (0..count).map(alone).collect::<Option<Vec<f64>>>() else { return Vec::new() };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| alone[b].total_cmp(&alone[a]));
    let best = |size: usize| {
        let mut weights = vec![0.0; count];
        order[..size].iter().for_each(|&at| weights[at] = 1.0 / size as f64);
        (Rule::Best(size), weights)
    };
    let sizes = [1].into_iter().chain(SIZES).filter(|&size| size <= count);
    let mut found: Vec<(Rule, Vec<f64>)> = sizes.map(best).collect();
    if count > 1 {
        found.push((Rule::Greedy, bagged(pools, aim, &order)));
    }
    found
}

/// Mean weights of the averages grown from each bag. `order`: the candidates, the best first.
fn bagged(pools: &[Pool], aim: Aim, order: &[usize]) -> Vec<f64> {
    let mut weights = vec![0.0; order.len()];
    for bag in 0..BAGS {
        let mut drawn: Vec<usize> = (0..order.len()).collect();
        Stream::new(0, bag, Purpose::Bag, 0, 0).shuffle(&mut drawn);
        drawn.truncate(order.len().div_ceil(OF_WHICH_ONE).max(2));
        drawn.sort_unstable(); // places among the best
        let bag: Vec<usize> = drawn.into_iter().map(|place| order[place]).collect();
        let counts = grown(pools, aim, &bag, GROWN);
        let all: u32 = counts.iter().sum();
        for (&at, &count) in bag.iter().zip(&counts) {
            weights[at] += f64::from(count) / f64::from(all) / f64::from(BAGS);
        }
    }
    weights
}

/// How often each of a bag's candidates is taken: the best one, then the one with which the average is worth most,
/// again and again while that is more than before, up to `size`.
pub(super) fn grown(pools: &[Pool], aim: Aim, bag: &[usize], size: usize) -> Vec<u32> {
    let mut sums: Vec<Vec<f32>> = pools.iter().map(|pool| vec![0.0; pool.labels.len()]).collect();
    let (mut counts, mut before) = (vec![0_u32; bag.len()], f64::NEG_INFINITY);
    for _ in 0..size {
        let with = |at: usize| {
            let value = aim.mean(pools, |pool_at, pool, scores| {
                let both = sums[pool_at].iter().zip(&pool.candidates[bag[at]]);
                scores.extend(both.map(|(&sum, &score)| sum + score));
            });
            (at, value.unwrap_or(f64::NEG_INFINITY))
        };
        // Of equals the one that is better by itself.
        let best = (0..bag.len()).map(with).reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((at, value)) = best.filter(|(_, value)| *value > before) else { break };
        (counts[at], before) = (counts[at] + 1, value);
        for (sum, pool) in sums.iter_mut().zip(pools) {
            sum.iter_mut().zip(&pool.candidates[bag[at]]).for_each(|(sum, &score)| *sum += score);
        }
    }
    counts
}
