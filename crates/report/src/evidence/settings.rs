//! What is claimed of settings: from trainings that did not choose.
//!
//! The p-value of two models says nothing of another training of the same settings: a winner's luck in its training
//! goes along to the test rows. So finalists and baseline are trained afresh, R times each, and tested on the same test
//! rows. The mean difference then varies with the rows and with the trainings, V + S² / R; degrees of freedom by F. E.
//! Satterthwaite 1946, Biometrics Bulletin 2(6). Where test rows are drawn anew for each training, S² has both, and the
//! factor of C. Nadeau & Y. Bengio 2003, Machine Learning 52, 1 / R + test rows / training rows, makes up for what the
//! replicates share.

use super::claim::{Claim, Correction, Kind, Pair};
use super::members::{Asked, Members};
use super::resamples::Resamples;
use crate::read::ForEach;
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{Interval, LEVEL, holm, student_p, student_t, variance_of_resamples};

/// Resamples of the rows.
const RESAMPLES: u32 = 1000;

/// Claims about the settings of `trials` against those of `against`, each from as many trainings as the members have
/// replicates, corrected by Holm over the trials. `redrawn`: test rows for each training row, where every training has
/// test rows of its own.
pub(super) fn settings(
    trials: &[&str],
    against: &str,
    members: &Members,
    asked: &Asked<'_>,
    redrawn: Option<f64>,
    for_each: ForEach<'_>,
) -> Vec<Claim> {
    let trials: Vec<&str> = trials.iter().copied().filter(|&trial| members.of.contains_key(trial)).collect();
    if trials.is_empty() || !members.of.contains_key(against) || members.replicates < 2 || members.rows.rarer() < 2 {
        return Vec::new();
    }
    let positives = members.rows.rarer();
    let all: Vec<&str> = [against].into_iter().chain(trials.iter().copied()).collect();
    let resamples = asked.point.and_then(|point| Resamples::new(members, &all, point, RESAMPLES, for_each));
    let mut about = vec![Test::Auc, Test::AveragePrecision];
    about.extend(asked.point.iter().flat_map(|point| Test::at_point(point)));
    let mut claims = Vec::new();
    for test in about {
        let found: Option<Vec<Difference>> = (1..all.len())
            .map(|at| {
                let estimate = |at: usize| members.of.get(all[at])?.estimate(test);
                if let Some((a, b)) = estimate(at).zip(estimate(0)) {
                    let of_rows = a.influences.iter().zip(&b.influences).map(|(&a, &b)| f64::from(a - b).powi(2)).sum();
                    return Some(Difference::new(&a.of_replicate, &b.of_replicate, of_rows));
                }
                let resamples = resamples.as_ref().filter(|_| test.is_at_point())?;
                let (a, b) = (resamples.resampled(test, at), resamples.resampled(test, 0));
                let of_rows =
                    variance_of_resamples(a.iter().zip(&b).map(|(&a, &b)| f64::from(a) - f64::from(b)), positives);
                Some(Difference::new(&resamples.of_replicate(test, at), &resamples.of_replicate(test, 0), of_rows))
            })
            .collect();
        let Some(found) = found else { continue };
        let tested: Vec<Tested> = found.iter().map(|difference| difference.test(positives, redrawn)).collect();
        let p: Vec<f64> = tested.iter().map(|tested| tested.p).collect();
        let corrected_for = if trials.len() > 1 { Correction::Finalists } else { Correction::None };
        for ((&of, tested), p) in trials.iter().zip(&tested).zip(holm(&p)) {
            let pair = Pair {
                kind: Kind::Settings,
                of,
                against,
                split: asked.on,
                replicates: members.replicates,
                positives: members.rows.mean_positives(),
            };
            // Simultaneous, as Bonferroni has it.
            let half = tested.error * student_t(LEVEL / trials.len() as f64, tested.freedom);
            let interval = Interval { lower: tested.mean - half, upper: tested.mean + half };
            claims.push(pair.claim(test, (tested.mean, Some(tested.error)), Some(interval), p, corrected_for));
        }
    }
    claims
}

/// Differences of two settings, a training of each at a time.
struct Difference {
    mean: f64,
    /// Variance of the mean that comes from the rows.
    of_rows: f64,
    /// Sample variance over the trainings.
    of_trainings: f64,
    trainings: f64,
}

struct Tested {
    mean: f64,
    error: f64,
    freedom: f64,
    p: f64,
}

impl Difference {
    fn new(a: &[f64], b: &[f64], of_rows: f64) -> Self {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let trainings = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / trainings;
        let of_trainings = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (trainings - 1.0);
        Self { mean, of_rows, of_trainings, trainings }
    }

    fn test(&self, positives: usize, redrawn: Option<f64>) -> Tested {
        let trained = self.of_trainings / self.trainings;
        let (variance, freedom) = match redrawn {
            None => {
                let variance = self.of_rows + trained;
                let by_rows = self.of_rows.powi(2) / (positives as f64 - 1.0);
                (variance, variance.powi(2) / (by_rows + trained.powi(2) / (self.trainings - 1.0)))
            }
            Some(share) => (self.of_trainings * (1.0 / self.trainings + share), self.trainings - 1.0),
        };
        let (error, mean) = (variance.sqrt(), self.mean);
        // Equal on every row of every training: nothing tells them apart.
        let t = if mean == 0.0 { 0.0 } else { mean / error };
        let freedom = if freedom.is_finite() { freedom.max(1.0) } else { 1.0 };
        Tested { mean, error, freedom, p: student_p(t, freedom) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_trainings_both_make_it_uncertain() {
        let found = Difference::new(&[0.9, 0.8, 0.85], &[0.8, 0.78, 0.8], 4e-4);
        assert!((found.mean - 0.17 / 3.0).abs() < 1e-12);
        // statistics.variance([0.1, 0.02, 0.05]) = 0.00163333…
        assert!((found.of_trainings - 0.0016333333333333334).abs() < 1e-12);
        let tested = found.test(11, None);
        let variance = 4e-4 + 0.0016333333333333334 / 3.0;
        assert!((tested.error.powi(2) - variance).abs() < 1e-15);
        let freedom = variance * variance / (4e-4_f64.powi(2) / 10.0 + (0.0016333333333333334_f64 / 3.0).powi(2) / 2.0);
        assert!((tested.freedom - freedom).abs() < 1e-9 && tested.freedom > 2.0 && tested.freedom < 12.0);
        let redrawn = found.test(11, Some(0.25));
        assert!((redrawn.error.powi(2) - 0.0016333333333333334 * (1.0 / 3.0 + 0.25)).abs() < 1e-15);
        assert!((redrawn.freedom - 2.0).abs() < 1e-12);
        // Student's t with 2 degrees of freedom: p = 1 - t / sqrt(2 + t²).
        let t = redrawn.mean / redrawn.error;
        assert!((redrawn.p - (1.0 - t / (2.0 + t * t).sqrt())).abs() < 1e-9);
        let equal = Difference::new(&[0.5, 0.5], &[0.5, 0.5], 0.0).test(9, None);
        assert_eq!(equal.p, 1.0);
    }
}
