//! What trials come to where positives are rarer, or more frequent, than among the test rows.
//!
//! The rates of a threshold, how many of the positives and of the negatives it flags, stay where only the share of
//! positives differs; precision, alerts and costs do not. M. Saerens, P. Latinne & C. Decaestecker 2002, Adjusting the
//! outputs of a classifier to new a priori probabilities, Neural Computation 14(1).

use std::collections::BTreeMap;

use crate::rank::{Ranked, Ranking};
use crate::read::{column, percent};
use focalsweep_core::metrics::catalogue::Confused;
use focalsweep_core::spec::Split;

/// How many times as likely positives must be among the test rows for a warning.
const ENRICHED: f64 = 2.0;

/// The trials shown, at another share of positives.
#[derive(Debug, Clone, PartialEq)]
pub struct Prevalence {
    /// The share, between 0 and 1.
    pub share: f64,
    /// That of the test rows.
    pub sample: f64,
    /// By id: those with figures at the operating point.
    pub trials: BTreeMap<String, AtShare>,
}

/// A trial at its operating point, where so large a share of the rows is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtShare {
    /// Share of the flagged rows that are positive; `None` where none is flagged.
    pub precision: Option<f64>,
    /// Rows that are flagged, of 1,000.
    pub alerts: f64,
    /// What the errors of 1,000 rows cost, where the operating point has costs.
    pub cost: Option<f64>,
    /// Net benefit, where the operating point defines it.
    pub net_benefit: Option<f64>,
    /// What the score of its threshold is there, if it is a probability among the test rows.
    pub threshold: Option<f64>,
}

impl Prevalence {
    /// What the trials shown come to where `share` of the rows are positive, above 0 and below 1. `None` without
    /// figures at the operating point on the test rows.
    pub(super) fn of(ranking: &Ranking, share: f64) -> Option<Self> {
        let sample = ranking.trials.iter().find_map(|ranked| sample_share(ranking, ranked))?;
        let found = ranking
            .shown()
            .iter()
            .filter_map(|ranked| Some((ranked.trial.trial_id.clone(), at_share(ranking, ranked, (share, sample))?)));
        let trials = found.collect();
        Some(Self { share, sample, trials })
    }

    /// What is to be known where the test rows have many more positives.
    pub(super) fn enriched(&self) -> Option<String> {
        let odds = |share: f64| share / (1.0 - share);
        let times = odds(self.sample) / odds(self.share);
        (times >= ENRICHED).then(|| {
            format!(
                "{} % of the test rows are positive, which is {times:.1} times the odds of {} %: the precision, alerts \
                 and costs that are not said to be of the latter are of the sample",
                percent(self.sample),
                percent(self.share)
            )
        })
    }
}

/// Share of positives among the test rows.
fn sample_share(ranking: &Ranking, ranked: &Ranked) -> Option<f64> {
    let [caught, alarms, quiet, missed] =
        ["op_tp", "op_fp", "op_tn", "op_fn"].map(|name| ranking.mean(ranked, &column(Split::Test, name)));
    let positives = caught? + missed?;
    Some(positives / (positives + alarms? + quiet?)).filter(|share| *share > 0.0 && *share < 1.0)
}

fn at_share(ranking: &Ranking, ranked: &Ranked, (share, sample): (f64, f64)) -> Option<AtShare> {
    let rate = |name: &str| ranking.mean(ranked, &column(Split::Test, name));
    let (caught, alarms) = (rate("op_recall")?, rate("op_fpr")?);
    let counts = Confused {
        tp: share * caught,
        fn_: share * (1.0 - caught),
        fp: (1.0 - share) * alarms,
        tn: (1.0 - share) * (1.0 - alarms),
    };
    let flagged = counts.tp + counts.fp;
    let point = ranking.operating_point.as_ref();
    Some(AtShare {
        precision: (flagged > 0.0).then(|| counts.tp / flagged),
        alerts: 1000.0 * flagged,
        cost: point.and_then(|point| counts.cost(point)),
        net_benefit: point.and_then(|point| counts.net_benefit(point)),
        threshold: ranking.mean(ranked, "threshold").map(|score| moved(score, sample, share)),
    })
}

/// A probability where `from` of the rows are positive, where `to` of them are.
fn moved(probability: f64, from: f64, to: f64) -> f64 {
    let (positive, negative) = (probability * to / from, (1.0 - probability) * (1.0 - to) / (1.0 - from));
    positive / (positive + negative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Report;
    use crate::read::Results;
    use crate::tests::{ranked, results, row};
    use focalsweep_core::spec::OperatingPoint;

    /// A trial that catches 60 of 100 positives and flags 45 of 900 negatives of the test rows.
    fn report(point: OperatingPoint) -> Report {
        let mut all: Results = results(vec![row("a", 0, "bce", None, 0.9, 1.0)]);
        all.metrics =
            ["val_auc", "test_op_tp", "test_op_fp", "test_op_tn", "test_op_fn", "test_op_recall", "test_op_fpr"]
                .map(str::to_owned)
                .to_vec();
        all.metrics.push("threshold".to_owned());
        all.rows[0].metrics = [0.9, 60.0, 45.0, 855.0, 40.0, 0.6, 0.05, 0.3].map(Some).to_vec();
        all.operating_point = Some(point);
        Report::bare(ranked(&all, &["auc"]))
    }

    #[test]
    fn a_thousand_rows_of_another_share_are_counted() {
        // Of 1,000,000 rows 2,000 are positive: 1,200 are caught, and 49,900 of 998,000 negatives are flagged.
        let mut found = report(OperatingPoint::Cost { fn_cost: 50.0, fp_cost: 2.0 });
        found.at_prevalence(0.002);
        let at = found.answer.prevalence.as_ref().unwrap();
        assert_eq!((at.share, at.sample), (0.002, 0.1));
        let AtShare { precision, alerts, cost, net_benefit, threshold } = at.trials["a"];
        let near =
            |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-12 * expected.abs().max(1.0);
        assert!(near(precision, 1200.0 / 51_100.0) && near(Some(alerts), 51.1));
        assert!(near(cost, (800.0 * 50.0 + 49_900.0 * 2.0) / 1000.0), "{cost:?}");
        assert!(near(net_benefit, (1200.0 - 49_900.0 * 2.0 / 50.0) / 1e6), "{net_benefit:?}");
        // Bayes: the odds of the sample, times the odds of one share over those of the other.
        let odds = 0.3 / 0.7 * (0.002 / 0.998) / (0.1 / 0.9);
        assert!(near(threshold, odds / (1.0 + odds)), "{threshold:?}");
        assert_eq!(found.ranking.warnings.len(), 1);
        assert!(
            found.ranking.warnings[0].starts_with("10 % of the test rows are positive, which is 55.4 times the odds")
        );
    }

    #[test]
    fn at_its_own_share_nothing_changes_and_nothing_warns() {
        let mut found = report(OperatingPoint::MaxFpr { max_fpr: 0.05, confidence: None });
        found.at_prevalence(0.1);
        let at = found.answer.prevalence.as_ref().unwrap().trials["a"];
        assert!((at.precision.unwrap() - 60.0 / 105.0).abs() < 1e-12 && (at.alerts - 105.0).abs() < 1e-9);
        assert!((at.threshold.unwrap() - 0.3).abs() < 1e-12);
        assert_eq!((at.cost, at.net_benefit, found.ranking.warnings.len()), (None, None, 0));
    }
}
