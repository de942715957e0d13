//! The operating point on resamples of the rows, the same for every trial.

use super::members::Members;
use crate::read::{ForEach, gather};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{Applied, observed, resample};
use focalsweep_core::spec::OperatingPoint;

/// What trials miss and flag at an operating point: on the rows, and on resamples of them.
#[derive(Debug, Clone)]
pub(super) struct Resamples {
    point: OperatingPoint,
    /// Mean number of rows of a replicate.
    rows: f64,
    /// (missed, alarms) of each trial on each replicate.
    seen: Vec<Vec<(f64, f64)>>,
    /// The means over the replicates on each resample.
    missed: Vec<Vec<f32>>,
    alarms: Vec<Vec<f32>>,
}

impl Resamples {
    /// `count` resamples of the trials, in their order; `None` where one of them has no ladders.
    pub(super) fn new(
        members: &Members,
        trials: &[&str],
        point: &OperatingPoint,
        count: u32,
        for_each: ForEach<'_>,
    ) -> Option<Self> {
        let models: Vec<&[Applied]> = trials
            .iter()
            .map(|&trial| Some(&members.of.get(trial)?.applied[..]).filter(|applied| !applied.is_empty()))
            .collect::<Option<_>>()?;
        let seen: Vec<Vec<(f64, f64)>> = models.iter().map(|&model| observed(model, &members.placed)).collect();
        let drawn = gather(for_each, count as usize, |number| resample(&models, &members.placed, 0, number as u32));
        let of = |figure: fn(&(f32, f32)) -> f32| -> Vec<Vec<f32>> {
            (0..models.len()).map(|model| drawn.iter().map(|resample| figure(&resample[model])).collect()).collect()
        };
        let rows = models.iter().copied().flatten().map(|applied| applied.rows() as f64).sum::<f64>()
            / models.iter().map(|model| model.len()).sum::<usize>().max(1) as f64;
        Some(Self {
            point: point.clone(),
            rows,
            missed: of(|figures| figures.0),
            alarms: of(|figures| figures.1),
            seen,
        })
    }

    /// A figure of a trial on each replicate.
    pub(super) fn of_replicate(&self, about: Test, trial: usize) -> Vec<f64> {
        self.seen[trial].iter().map(|&(missed, alarms)| self.figure(about, missed, alarms)).collect()
    }

    /// Its mean.
    pub(super) fn mean(&self, about: Test, trial: usize) -> f64 {
        let of = self.of_replicate(about, trial);
        of.iter().sum::<f64>() / of.len() as f64
    }

    /// The same on each resample.
    pub(super) fn resampled(&self, about: Test, trial: usize) -> Vec<f32> {
        let both = self.missed[trial].iter().zip(&self.alarms[trial]);
        both.map(|(&missed, &alarms)| self.figure(about, f64::from(missed), f64::from(alarms)) as f32).collect()
    }

    fn figure(&self, about: Test, missed: f64, alarms: f64) -> f64 {
        match (about, &self.point) {
            (Test::Alarms, _) => alarms,
            (Test::Cost, OperatingPoint::Cost { fn_cost, fp_cost }) => {
                1000.0 * (missed * fn_cost + alarms * fp_cost) / self.rows
            }
            _ => missed,
        }
    }
}
