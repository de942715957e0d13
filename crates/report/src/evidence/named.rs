//! Two trials that were named before the rows were looked at.

use super::claim::{Claim, Correction, Kind, Pair};
use super::members::{Asked, Members};
use super::resamples::Resamples;
use super::units::spread;
use crate::read::ForEach;
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{counted, percentile_test};

/// Resamples of the rows.
const RESAMPLES: u32 = 2000;

/// Claims about two trials as models, neither of which was chosen on these rows: AUC, average precision, and at the
/// operating point what its rule leaves open and the other side.
pub(super) fn named(
    of: &str,
    against: &str,
    members: &Members,
    asked: &Asked<'_>,
    for_each: ForEach<'_>,
) -> Vec<Claim> {
    named_against((of, &[against]), RESAMPLES, members, asked, for_each)
}

/// The same about one trial against each of several, on the same resamples of the rows, which are so many.
pub(super) fn named_against(
    (of, against): (&str, &[&str]),
    resamples: u32,
    members: &Members,
    asked: &Asked<'_>,
    for_each: ForEach<'_>,
) -> Vec<Claim> {
    let is_there = |trial: &&str| members.of.contains_key(*trial);
    let against: Vec<&str> = against.iter().copied().filter(is_there).collect();
    if !is_there(&of) || members.rows.rarer() < 2 {
        return Vec::new();
    }
    let all: Vec<&str> = [of].into_iter().chain(against.iter().copied()).collect();
    let resamples = asked.point.and_then(|point| Resamples::new(members, &all, point, resamples, for_each));
    let claims = |(at, against)| of_pair((of, 0), (against, at), members, asked, resamples.as_ref());
    (1..).zip(against).flat_map(claims).collect()
}

/// Claims about two trials, which have places among the resampled.
fn of_pair(
    (of, of_at): (&str, usize),
    (against, against_at): (&str, usize),
    members: &Members,
    asked: &Asked<'_>,
    resamples: Option<&Resamples>,
) -> Vec<Claim> {
    let (Some(first), Some(second)) = (members.of.get(of), members.of.get(against)) else { return Vec::new() };
    let positives = members.rows.rarer();
    let pair = Pair {
        kind: Kind::Models,
        of,
        against,
        split: asked.on,
        replicates: members.replicates,
        positives: members.rows.mean_positives(),
    };
    let mut claims = Vec::new();
    for test in [Test::Auc, Test::AveragePrecision] {
        let Some((a, b)) = first.estimate(test).zip(second.estimate(test)) else { continue };
        let variance = a.influences.iter().zip(&b.influences).map(|(&a, &b)| f64::from(a - b).powi(2)).sum();
        claims.push(pair.compared(test, counted(a.mean() - b.mean(), variance, positives, 1), Correction::None));
    }
    let Some((point, resamples)) = asked.point.zip(resamples) else { return claims };
    for &test in Test::at_point(point) {
        let both = resamples.resampled(test, of_at).into_iter().zip(resamples.resampled(test, against_at));
        let mut differences: Vec<f64> = both.map(|(a, b)| f64::from(a) - f64::from(b)).collect();
        if members.rows.is_in_units() {
            spread(&mut differences, positives);
        }
        let Some((interval, p)) = percentile_test(differences) else { continue };
        let difference = resamples.mean(test, of_at) - resamples.mean(test, against_at);
        let p = if difference == 0.0 { 1.0 } else { p };
        claims.push(pair.claim(test, (difference, None), Some(interval), p, Correction::None));
    }
    claims
}
