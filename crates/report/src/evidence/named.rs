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
    let (Some(first), Some(second)) = (members.of.get(of), members.of.get(against)) else { return Vec::new() };
    let positives = members.rows.rarer();
    if positives < 2 {
        return Vec::new();
    }
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
    let Some(point) = asked.point else { return claims };
    let Some(resamples) = Resamples::new(members, &[of, against], point, RESAMPLES, for_each) else { return claims };
    for &test in Test::at_point(point) {
        let both = resamples.resampled(test, 0).into_iter().zip(resamples.resampled(test, 1));
        let mut differences: Vec<f64> = both.map(|(a, b)| f64::from(a) - f64::from(b)).collect();
        if members.rows.is_in_units() {
            spread(&mut differences, positives);
        }
        let Some((interval, p)) = percentile_test(differences) else { continue };
        let difference = resamples.mean(test, 0) - resamples.mean(test, 1);
        let p = if difference == 0.0 { 1.0 } else { p };
        claims.push(pair.claim(test, (difference, None), Some(interval), p, Correction::None));
    }
    claims
}
