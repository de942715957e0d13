//! A trial that was chosen on some rows against all others on the same rows.
//!
//! The winner's lead is the largest of many even where all trials are equal. Holm's correction over the K - 1
//! comparisons with it, which would do for a rival named beforehand, then calls some trial different in 10 to 20 % of
//! sweeps of 49 equal trials, not 5 %. So the family is that of all pairs, which holds whoever wins: see
//! `metrics::multiple`.

use std::collections::HashMap;

use super::claim::{Claim, Correction, Kind, Pair};
use super::members::{Asked, Members};
use super::resamples::Resamples;
use crate::read::{ForEach, gather};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{AllPairs, Behind, Errors, all_pairs, counted, variance_of_resamples};

/// Trials up to which their errors are correlated with each other; beyond, pairs are counted.
const MOST_JOINT: usize = 200;
/// Resamples of the rows.
const RESAMPLES: u32 = 1000;

/// How far each trial is behind the best of the others, by figure.
pub(super) type AllBehind = HashMap<Test, HashMap<String, Behind>>;

/// Claims about `first` against each other of `members` in the figures `about`, corrected over all pairs of the
/// `contenders` that there were, of which not all need be members. With more than 200 of them, or where the scores of
/// some were not kept, pairs are counted, which is stricter, and nobody is held against the best of the others.
pub(super) fn against_all(
    first: &str,
    members: &Members,
    contenders: usize,
    asked: &Asked<'_>,
    about: &[Test],
    for_each: ForEach<'_>,
) -> (Vec<Claim>, AllBehind) {
    let mut trials: Vec<&str> = members.of.keys().map(String::as_str).collect();
    trials.sort_unstable_by_key(|&trial| (trial != first, trial));
    if trials.first() != Some(&first) || trials.len() < 2 || members.rows.rarer() < 2 {
        return (Vec::new(), AllBehind::new());
    }
    let joint = trials.len() >= contenders && trials.len() <= MOST_JOINT;
    let family = contenders.max(trials.len()) * (contenders.max(trials.len()) - 1) / 2;
    let positives = members.rows.rarer();
    let at_point = about.iter().any(|test| test.is_at_point());
    let resamples = asked.point.filter(|_| at_point);
    let resamples = resamples.and_then(|point| Resamples::new(members, &trials, point, RESAMPLES, for_each));
    let compare = |estimates: &[f64], errors: Errors<'_>| -> AllPairs {
        if joint {
            return all_pairs(estimates, errors, positives, 0);
        }
        let variance = |other: usize| match errors {
            Errors::Influences(of) => of[0].iter().zip(of[other]).map(|(&a, &b)| f64::from(a - b).powi(2)).sum(),
            Errors::Resamples(of) => {
                variance_of_resamples(of[0].iter().zip(of[other]).map(|(&a, &b)| f64::from(a - b)), positives)
            }
        };
        let against = |at: usize| counted(estimates[0] - estimates[at], variance(at), positives, family);
        AllPairs { against_first: (1..estimates.len()).map(against).collect(), behind: Vec::new() }
    };
    let corrected_for = match (trials.len(), joint) {
        (2, _) if family == 1 => Correction::None,
        (_, true) => Correction::AllPairs,
        _ => Correction::AllPairsCounted,
    };
    let about_one = |test: Test| -> (Vec<Claim>, HashMap<String, Behind>) {
        let estimates: Option<Vec<_>> = trials.iter().map(|&trial| members.of.get(trial)?.estimate(test)).collect();
        let found = match (estimates, &resamples) {
            (Some(estimates), _) => {
                let means: Vec<f64> = estimates.iter().map(|estimate| estimate.mean()).collect();
                let influences: Vec<&[f32]> = estimates.iter().map(|estimate| &estimate.influences[..]).collect();
                compare(&means, Errors::Influences(&influences))
            }
            (None, Some(resamples)) if test.is_at_point() => {
                let means: Vec<f64> = (0..trials.len()).map(|trial| resamples.mean(test, trial)).collect();
                let drawn: Vec<Vec<f32>> = (0..trials.len()).map(|trial| resamples.resampled(test, trial)).collect();
                let drawn: Vec<&[f32]> = drawn.iter().map(Vec::as_slice).collect();
                compare(&means, Errors::Resamples(&drawn))
            }
            _ => return (Vec::new(), HashMap::new()),
        };
        let pair = |(&against, found)| {
            let pair = Pair {
                kind: Kind::Models,
                of: first,
                against,
                split: asked.on,
                replicates: members.replicates,
                positives: members.rows.mean_positives(),
            };
            pair.compared(test, found, corrected_for)
        };
        let behind = trials.iter().map(|&trial| trial.to_owned()).zip(found.behind).collect();
        (trials[1..].iter().zip(found.against_first).map(pair).collect(), behind)
    };
    let found = gather(for_each, about.len(), |at| about_one(about[at]));
    let (mut claims, mut behind) = (Vec::new(), AllBehind::new());
    for (&test, (of_test, behind_of_test)) in about.iter().zip(found) {
        claims.extend(of_test);
        behind.insert(test, behind_of_test);
    }
    (claims, behind)
}
