//! The sum of what happened in a run: plain data, no clock, no drawing.

use std::collections::BTreeMap;

use focalsweep_engine::job::Event;

/// The run so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Rows in all.
    pub rows: usize,
    /// Rows on disk.
    pub done: usize,
    /// Of these, failed.
    pub failed: usize,
    /// Jobs in all.
    pub jobs: usize,
    /// Jobs that are over.
    pub jobs_done: usize,
    /// Stacks under way by job.
    pub running: BTreeMap<String, Running>,
    /// Best validation AUC of any epoch and whose it was.
    pub best: Option<(f64, String)>,
    /// Trial-epochs of work trained in this process, for the time left.
    pub trained: u64,
    /// What else people should see, such as how many tasks of a cluster wait.
    pub note: Option<String>,
}

/// A stack under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Last finished epoch.
    pub epoch: u32,
    /// Most epochs; 0 where nobody knows.
    pub epochs: u32,
    /// Trials that train.
    pub training: usize,
}

impl Tally {
    /// A run of `jobs` jobs and `rows` rows, `done` of which an earlier process did.
    pub fn new(jobs: usize, jobs_done: usize, rows: usize, done: usize, failed: usize) -> Self {
        Self { rows, done, failed, jobs, jobs_done, ..Self::default() }
    }

    /// Takes an event in.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::JobStarted { job_id, trials, epoch, epochs } => {
                let running = Running { epoch: epoch.saturating_sub(1), epochs: *epochs, training: *trials };
                self.running.insert(job_id.clone(), running);
            }
            Event::Epoch { job_id, epoch, training, best } => {
                if let Some(running) = self.running.get_mut(job_id) {
                    self.trained += running.training as u64;
                    running.epoch = *epoch;
                    running.training = *training;
                }
                if let Some((auc, trial)) = best
                    && self.best.as_ref().is_none_or(|(most, _)| auc > most)
                {
                    self.best = Some((*auc, trial.clone()));
                }
            }
            Event::Ended { trials, failed, .. } => {
                self.done += trials;
                self.failed += failed;
            }
            Event::JobEnded { job_id, done } => {
                self.running.remove(job_id);
                self.jobs_done += usize::from(*done);
            }
            Event::JobCut => self.jobs += 1,
        }
    }

    /// Share of the work that is done, in [0, 1]: whole rows, and running ones by their epochs. Early stopping makes
    /// the true share larger, never smaller.
    pub fn share(&self) -> f64 {
        let told = self.running.values().filter(|running| running.epochs > 0);
        let under_way: f64 = told.map(|r| r.training as f64 * f64::from(r.epoch) / f64::from(r.epochs.max(1))).sum();
        if self.rows == 0 { 1.0 } else { (self.done as f64 + under_way) / self.rows as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_to_one() {
        let mut tally = Tally::new(2, 0, 4, 0, 0);
        let start = |job: &str| Event::JobStarted { job_id: job.into(), trials: 2, epoch: 1, epochs: 10 };
        let epoch = |job: &str, epoch, training, auc| Event::Epoch {
            job_id: job.into(),
            epoch,
            training,
            best: Some((auc, "t".into())),
        };
        tally.take(&start("a"));
        tally.take(&epoch("a", 5, 2, 0.9));
        assert_eq!(tally.share(), 0.25);
        tally.take(&epoch("a", 6, 1, 0.8));
        tally.take(&Event::Ended { job_id: "a".into(), trials: 1, failed: 1 });
        assert_eq!((tally.share(), tally.failed), ((1.0 + 0.6) / 4.0, 1));
        tally.take(&Event::Ended { job_id: "a".into(), trials: 1, failed: 0 });
        tally.take(&Event::JobEnded { job_id: "a".into(), done: true });
        assert_eq!((tally.share(), tally.jobs_done), (0.5, 1));
        assert_eq!(tally.best, Some((0.9, "t".into())));
        assert_eq!(tally.trained, 4);
    }
}
