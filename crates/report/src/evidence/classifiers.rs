//! Two classifiers as deployed: the models with their thresholds as they are.

use std::collections::BTreeMap;

use super::claim::{Claim, Correction, Kind, Pair};
use super::kept::ReplicateScores;
use crate::read::ScoreGroup;
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::mcnemar_clustered;
use focalsweep_core::spec::Split;

/// The threshold of a trial on a replicate, a logit (in runs of version 1 a probability).
pub(super) type Thresholds<'a> = &'a dyn Fn(&str, u32) -> Option<f64>;

/// McNemar's test of the positives that two trials miss on the test rows, with the thresholds that they have, rows
/// clustered over the replicates, and in their units. It takes the thresholds as given: that another choice of them
/// would miss others is
/// not in it. `None` without thresholds or common rows.
pub(super) fn classifiers(
    of: (&str, &[ReplicateScores]),
    against: (&str, &[ReplicateScores]),
    thresholds: Thresholds<'_>,
) -> Option<Claim> {
    let mut missed: BTreeMap<i64, i64> = BTreeMap::new();
    let (mut replicates, mut positives) = (0_usize, 0);
    for a in of.1 {
        let Some(b) = against.1.iter().find(|b| b.replicate == a.replicate) else { continue };
        let (of_a, of_b) = (a.on(Split::Test), b.on(Split::Test));
        if of_a.rows != of_b.rows || of_a.labels != of_b.labels {
            continue;
        }
        let at = (thresholds(of.0, a.replicate)?, thresholds(against.0, b.replicate)?);
        count_missed(&mut missed, of_a, of_b, at);
        replicates += 1;
        positives += of_a.labels.iter().filter(|&&label| label != 0).count() as u64;
    }
    let differences: Vec<i64> = missed.into_values().collect();
    let pair = Pair {
        kind: Kind::Classifiers,
        of: of.0,
        against: against.0,
        split: Split::Test,
        replicates,
        positives: positives / (replicates as u64).max(1),
    };
    let mean = differences.iter().sum::<i64>() as f64 / replicates as f64;
    (replicates > 0)
        .then(|| pair.claim(Test::Missed, (mean, None), None, mcnemar_clustered(&differences), Correction::None))
}

/// For each positive row, adds one where the first missed it and takes one away where the second did, by unit.
fn count_missed(missed: &mut BTreeMap<i64, i64>, a: &ScoreGroup, b: &ScoreGroup, (at_a, at_b): (f64, f64)) {
    for i in (0..a.rows.len()).filter(|&i| a.labels[i] != 0) {
        let misses = |group: &ScoreGroup, threshold: f64| i64::from(f64::from(group.raw[i]) < threshold);
        *missed.entry(a.unit(i)).or_insert(0) += misses(a, at_a) - misses(b, at_b);
    }
}
