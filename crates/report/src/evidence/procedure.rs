//! What choosing by validation rows comes to, fold by fold or window by window: the claim is about the procedure, not
//! about a model.
//!
//! In each fold the trial that ranks first on its validation rows is taken, and tested on the fold; likewise plain
//! cross-entropy. Figures are means over the folds, never scores of several models pooled into one curve (G. Forman, M.
//! Scholz 2010, Apples-to-apples in cross-validation studies, SIGKDD Explorations 12(1)). Folds share training rows, so
//! a t-test of their differences takes the variance of C. Nadeau & Y. Bengio 2003 (Machine Learning 52),
//! (1 / J + test rows / training rows) S² for J folds. Windows of time share no test rows, and are a sample of windows:
//! S² / J, from five of them on; fewer say something of these windows only.

use std::collections::HashSet;

use crate::rank::{Options, Ranked, Ranking, rank};
use crate::read::{ReportError, Results, column};
use focalsweep_core::metrics::catalogue::{Metric, Test};
use focalsweep_core::metrics::{Interval, LEVEL, student_p, student_t};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::State;
use focalsweep_core::spec::{Folds, Split, SplitBy};

/// Windows from which on something is said of others.
pub(super) const FEWEST_WINDOWS: usize = 5;

/// What of a split has a winner of its own in each replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Folds, perhaps drawn several times.
    Folds(Folds),
    /// Windows of time.
    Windows,
}

/// What choosing on validation rows comes to on test rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Procedure {
    /// Of what.
    pub parts: Parts,
    /// How many have a winner.
    pub count: usize,
    /// How many different trials win in them.
    pub winners: usize,
    /// Its figures, the AUC first.
    pub figures: Vec<ProcedureFigure>,
}

/// A figure on the test rows of the trials that were chosen in each part.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcedureFigure {
    /// The figure.
    pub about: Test,
    /// Its mean over the parts.
    pub mean: f64,
    /// Its sum over the parts; of folds over those of one repeat, which hold each row once.
    pub sum: f64,
    /// Standard error of the mean; `None` from too few windows.
    pub standard_error: Option<f64>,
    /// Against the best plain trial, chosen in each part likewise; `None` where there is none.
    pub against_plain: Option<AgainstPlain>,
}

/// The difference of the two procedures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgainstPlain {
    /// The plain trials' mean.
    pub mean: f64,
    /// The first less the plain one.
    pub difference: f64,
    /// 95 % interval and p-value of a t-test; `None` from too few windows, and where it is the same in every part: that
    /// says nothing of how much it varies.
    pub test: Option<(Interval, f64)>,
}

impl Procedure {
    /// Of a run whose replicates are folds or windows, ranked on validation rows; `None` of others, and where fewer
    /// than two of them have a winner.
    ///
    /// # Errors
    /// A rank key is not among the results.
    pub fn of(results: &Results, ranking: &Ranking) -> Result<Option<Self>, ReportError> {
        let Some(parts) = Parts::of(results).filter(|_| ranking.on == Split::Validation) else { return Ok(None) };
        let by: Vec<String> = ranking.keys.iter().map(|key| key.name.clone()).collect();
        let mut replicates: Vec<u32> =
            results.ranked().filter(|row| row.state == State::Finished).map(|row| row.replicate).collect();
        replicates.sort_unstable();
        replicates.dedup();
        let mut about = vec![Test::Auc, Test::AveragePrecision];
        about.extend(ranking.operating_point.iter().flat_map(|point| Test::at_point(point)));
        // Of each part the figures of its winner, and of its best plain trial.
        let mut found: Vec<[Vec<Option<f64>>; 2]> = Vec::new();
        let mut winners: HashSet<String> = HashSet::new();
        for replicate in replicates {
            let mut of_part = results.clone();
            of_part.rows.retain(|row| row.replicate == replicate && row.phase == Phase::Search);
            (of_part.planned_replicates, of_part.planned_trials) = (0, 0);
            let options = Options::new(by.clone(), Split::Validation);
            let ranked = rank(&of_part, &options)?;
            let figures = |trial: Option<&Ranked>| -> Vec<Option<f64>> {
                let figure = |test: &Test| ranked.mean(trial?, &column(Split::Test, test.about()));
                about.iter().map(figure).collect()
            };
            let Some(winner) = ranked.winner() else { continue };
            winners.insert(winner.trial.trial_id.clone());
            found.push([figures(Some(winner)), figures(ranked.baseline())]);
        }
        let share = shared_rows(results, Split::Test);
        if found.len() < 2 {
            return Ok(None);
        }
        let is_tested = matches!(parts, Parts::Folds(_)) || found.len() >= FEWEST_WINDOWS;
        let repeats = match parts {
            Parts::Folds(folds) => f64::from(folds.repeats),
            Parts::Windows => 1.0,
        };
        let figures = about.iter().enumerate().filter_map(|(at, &about)| {
            let of = |side: usize| found.iter().map(|part| part[side][at]).collect::<Option<Vec<f64>>>();
            let (values, plain) = (of(0)?, of(1));
            let own = Means::of(&values, share);
            let against_plain = plain.map(|plain| {
                let differences: Vec<f64> = values.iter().zip(&plain).map(|(a, b)| a - b).collect();
                let difference = Means::of(&differences, share);
                AgainstPlain {
                    mean: Means::of(&plain, share).mean,
                    difference: difference.mean,
                    test: is_tested.then(|| difference.test()).flatten(),
                }
            });
            Some(ProcedureFigure {
                about,
                mean: own.mean,
                sum: values.iter().sum::<f64>() / repeats,
                standard_error: is_tested.then_some(own.error),
                against_plain,
            })
        });
        let (figures, count) = (figures.collect(), found.len());
        Ok(Some(Self { parts, count, winners: winners.len(), figures }))
    }

    /// Whether something is said of other folds or windows than these.
    pub fn is_tested(&self) -> bool {
        self.figures.iter().any(|figure| figure.standard_error.is_some())
    }
}

/// Validation or test rows for each training row of a fold, as Nadeau & Bengio's factor takes them; 0 where replicates
/// are no folds.
pub(crate) fn shared_rows(results: &Results, on: Split) -> f64 {
    let Some(folds) = results.split.folds else { return 0.0 };
    let (tested, validated) = (1.0 / f64::from(folds.folds), results.split.validation);
    let measured = if on == Split::Test { tested } else { validated };
    measured / (1.0 - tested - validated)
}

impl Parts {
    /// What the replicates of a run are, where each has test rows of its own.
    pub(super) fn of(results: &Results) -> Option<Self> {
        match (&results.split.by, results.split.folds) {
            (_, Some(folds)) => Some(Self::Folds(folds)),
            (SplitBy::Time { .. }, None) => Some(Self::Windows),
            _ => None,
        }
    }

    /// Standard error of the mean of a figure over the parts, from what it differs by; `None` of fewer than two.
    pub(super) fn standard_error(self, results: &Results, of_parts: &[f64]) -> Option<f64> {
        (of_parts.len() > 1).then(|| Means::of(of_parts, shared_rows(results, Split::Test)).error)
    }
}

impl ProcedureFigure {
    /// Whether it is a count, whose sum is worth saying.
    pub(crate) fn is_count(&self) -> bool {
        matches!(self.about, Test::Missed | Test::Alarms) && Metric::named(self.about.about()).is_some()
    }
}

/// A mean over parts.
pub(super) struct Means {
    pub(super) mean: f64,
    pub(super) error: f64,
    freedom: f64,
}

impl Means {
    /// Of parts that have `share` test rows for each training row that they have in common.
    pub(super) fn of(values: &[f64], share: f64) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, error: (variance * (1.0 / n + share)).sqrt(), freedom: n - 1.0 }
    }

    /// `None` where all are the same: the parts that the plain trial won, or counts of few. An interval without width
    /// would hold nothing but what was seen, and a count of one less in each of five folds is not beyond all doubt.
    fn test(&self) -> Option<(Interval, f64)> {
        self.one_of(1)
    }

    /// The same of one of so many comparisons, all of which are to hold (Bonferroni).
    pub(super) fn one_of(&self, comparisons: usize) -> Option<(Interval, f64)> {
        let many = comparisons.max(1) as f64;
        let half = self.error * student_t(LEVEL / many, self.freedom);
        let interval = Interval { lower: self.mean - half, upper: self.mean + half };
        let varies = self.error > 1e-12 * self.mean.abs();
        varies.then(|| (interval, (many * student_p(self.mean / self.error, self.freedom)).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{results, row};
    use focalsweep_core::spec::SplitSpec;

    /// By numpy and scipy.stats: differences 0.02, 0.01, 0.03, 0, 0.02 over five folds of 80
    /// training rows and 20 test rows. Mean 0.016, variance 0.00013, error √(0.00013 (1/5 + 1/4)) = 0.0076485,
    /// t = 2.0919 with four degrees of freedom.
    #[test]
    fn differences_over_folds_are_tested_by_nadeau_and_bengio() {
        let means = Means::of(&[0.02, 0.01, 0.03, 0.0, 0.02], 0.25);
        assert!((means.mean - 0.016).abs() < 1e-12 && (means.error - 0.007_648_529_27).abs() < 1e-9, "{}", means.error);
        let (interval, p) = means.test().unwrap();
        // scipy.stats.t.sf(2.0919054, 4) * 2 and t.ppf(0.975, 4) = 2.7764451.
        assert!((p - 0.104_605_2).abs() < 1e-6, "{p}");
        assert!((interval.upper - (0.016 + 2.776_445_1 * 0.007_648_529_27)).abs() < 1e-7);
        for same in [0.0, -1.0, 0.1] {
            assert_eq!(Means::of(&[same; 5], 0.25).test(), None, "how much it varies is not known");
        }
    }

    #[test]
    fn each_fold_has_a_winner_of_its_own() {
        // In fold 0 the focal trial is first on validation rows, in folds 1 and 2 the plain one.
        let mut all = Vec::new();
        for replicate in 0..3 {
            all.push(row("a", replicate, "focal", Some((0.25, 2.0)), if replicate == 0 { 0.9 } else { 0.5 }, 1.0));
            all.push(row("b", replicate, "bce", None, 0.7, 1.0));
        }
        let ranked = |split: SplitSpec| {
            let results = Results { split, ..results(all.clone()) };
            let options = Options::new(vec!["auc".into()], Split::Validation);
            Procedure::of(&results, &rank(&results, &options).unwrap()).unwrap()
        };
        assert_eq!(ranked(SplitSpec::default()), None);
        let folds = Folds { folds: 3, repeats: 1 };
        let found = ranked(SplitSpec { folds: Some(folds), ..SplitSpec::default() }).unwrap();
        assert_eq!((found.parts, found.count, found.winners), (Parts::Folds(folds), 3, 2));
        assert!(found.is_tested());
        let auc = found.figures.iter().find(|figure| figure.about == Test::Auc).unwrap();
        let against = auc.against_plain.unwrap();
        // Of these rows test figures are those of validation, less what `row` takes away, the same for all.
        assert!((against.difference - 0.2 / 3.0).abs() < 1e-9, "{against:?}");
        let by = SplitBy::Time { column: "t".into(), gap: None, label_delay: None, window: None, groups: None };
        let found = ranked(SplitSpec { by, ..SplitSpec::default() }).unwrap();
        assert_eq!((found.parts, found.count), (Parts::Windows, 3));
        assert!(!found.is_tested(), "three windows say nothing of others");
    }
}
