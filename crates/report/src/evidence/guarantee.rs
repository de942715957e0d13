//! Whether the winner's threshold keeps a false-positive rate with the probability that the operating point asks for.

use std::collections::BTreeMap;

use crate::rank::{Key, Ranking};
use crate::read::{ReportError, ScoreSource, Scores, thousands};
use focalsweep_core::metrics::catalogue::Metric;
use focalsweep_core::metrics::{FEWEST_ABOVE, most_above, negatives_for_guarantee};
use focalsweep_core::spec::{OperatingPoint, Split};

/// What is promised of the winner's threshold for rows to come, or why nothing is: Tong, Feng & Li 2018, Science
/// Advances 4(2), eaao1659.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarantee {
    /// Highest share of the negatives that may be flagged.
    pub max_fpr: f64,
    /// Probability with which that holds, for each model.
    pub confidence: f64,
    /// Negatives that chose the threshold and nothing else: the fewest of a replicate.
    pub negatives: u64,
    /// Fewest that are enough.
    pub needed: u64,
    /// Whether it is promised.
    pub kept: bool,
    /// Why not, in words.
    pub why: Option<String>,
    /// Replicates whose thresholds such negatives put, whatever that is worth, and all of the winner's; the figures of
    /// the others on the test rows are at thresholds that the validation rows chose.
    pub replicates: (usize, usize),
    /// Negatives that may be above such a threshold: the fewest of a replicate.
    pub above: Option<u64>,
}

impl Guarantee {
    /// Of the winner of `ranking`; `None` where its operating point asks for none, or nobody won.
    ///
    /// # Errors
    /// scores.parquet is there but cannot be read.
    pub(super) fn of(scores: &Scores<'_>, ranking: &Ranking) -> Result<Option<Self>, ReportError> {
        let asked = ranking.operating_point.as_ref().and_then(OperatingPoint::guarantee);
        let Some(((max_fpr, confidence), winner)) = asked.zip(ranking.winner()) else { return Ok(None) };
        let (mut rows, winner) = (BTreeMap::new(), &winner.trial);
        scores.for_each_calibration(&|trial, _| trial == winner.trial_id, &mut |group| {
            *rows.entry(group.replicate).or_insert(0) +=
                group.labels.iter().filter(|&&label| label == 0).count() as u64;
        })?;
        // A replicate that has none is not in the file.
        let of_replicates = || winner.replicates.iter().map(|replicate| rows.get(replicate).copied().unwrap_or(0));
        let negatives = of_replicates().min().unwrap_or(0);
        let above = || of_replicates().filter_map(|negatives| most_above(negatives, max_fpr, confidence));
        let needed = negatives_for_guarantee(max_fpr, confidence);
        let why = if negatives == 0 {
            let set_aside = scores.files().spec().is_ok_and(|spec| spec.split.calibration.is_some());
            Some(if set_aside {
                "the scores of the rows that were set aside were not kept (`scores: all` keeps them)".to_owned()
            } else {
                "no rows were set aside (`split.calibration`)".to_owned()
            })
        } else if most_above(negatives, max_fpr, confidence).is_none() {
            Some(format!("it needs {} negatives, there are {}", thousands(needed), thousands(negatives)))
        } else if ranking.on == Split::Test && ranking.keys.iter().any(is_at_operating_point) {
            Some("the trials are ranked on test rows whose figures come from this threshold".to_owned())
        } else {
            None
        };
        Ok(Some(Self {
            max_fpr,
            confidence,
            negatives,
            needed,
            kept: why.is_none(),
            why,
            replicates: (above().count(), winner.replicates.len()),
            above: above().min(),
        }))
    }

    /// The rows that chose the thresholds of the winner's figures on the test rows, in words.
    pub(crate) fn chose(&self) -> String {
        const SET_ASIDE: &str = "the negatives that were set aside";
        match self.replicates {
            (0, _) => "the validation rows".to_owned(),
            (chosen, all) if chosen == all => SET_ASIDE.to_owned(),
            (chosen, all) => format!("{SET_ASIDE} in {chosen} of {all} replicates, else on the validation rows"),
        }
    }

    /// Why nothing is said of how far the figures at the threshold may be off, where that is so.
    pub(super) fn tells_too_little(&self) -> Option<String> {
        too_few_above(self.above?, self.max_fpr, self.confidence)
    }
}

/// Why neither intervals nor comparisons are made at a guaranteed threshold that `above` negatives may be above, in
/// words; `None` where they are.
pub(super) fn too_few_above(above: u64, max_fpr: f64, confidence: f64) -> Option<String> {
    if above >= FEWEST_ABOVE {
        return None;
    }
    let is_enough = |negatives: u64| most_above(negatives, max_fpr, confidence) >= Some(FEWEST_ABOVE);
    // More negatives never allow fewer above.
    let (mut too_few, mut enough) = (0, negatives_for_guarantee(max_fpr, confidence));
    while !is_enough(enough) {
        (too_few, enough) = (enough, enough.checked_mul(2)?);
    }
    while enough - too_few > 1 {
        let middle = too_few.midpoint(enough);
        if is_enough(middle) { enough = middle } else { too_few = middle }
    }
    Some(format!(
        "Of the negatives that were set aside no more than {above} may be above the threshold: where so few put it, \
         how far it might have been elsewhere is not known, so there are no intervals and no comparisons of test \
         figures there, but for the thresholds as they are; {} negatives would do.",
        thousands(enough)
    ))
}

fn is_at_operating_point(key: &Key) -> bool {
    Metric::named(&key.name).is_some_and(Metric::at_operating_point)
}
