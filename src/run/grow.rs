//! A sweep that has become larger than its plan: more values, mappings or replicates.

use super::error::RunError;
use super::life::Ready;
use super::observer::Observer;
use super::rungs::to_rung;
use super::workload::Workload;
use focalsweep_core::plan::{Job, Trials, Wave};
use focalsweep_core::record::{Manifest, RunDir, RunState};
use focalsweep_report::thousands;

impl Ready {
    /// The next wave of a sweep that has become larger than its plan.
    fn growth(&self, asked: &Trials) -> Result<Option<Wave>, RunError> {
        let (spec, Workload { plan, trials, sizes, .. }) = (&self.sweep.spec, &self.workload);
        let wave = plan.growth(trials, (asked, spec.replicates), sizes, self.workload.most_epochs(spec));
        wave.map(|wave| to_rung(wave, 0, spec, &self.workload.replicates)).transpose()
    }

    /// Adds to the plan what the sweep has become larger by, and gives the jobs of that.
    pub(super) fn grow(
        &mut self,
        asked: &Trials,
        dir: &RunDir,
        manifest: &mut Manifest,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Job>, RunError> {
        let before = self.workload.plan.jobs.len();
        let (trials, replicates) =
            self.workload.plan.beyond(&self.workload.trials, (asked, self.sweep.spec.replicates));
        // Those that ended early were judged on the replicates that there were.
        let planned = self.workload.plan.search_replicates().len();
        if self.sweep.spec.early_terminate.is_some() && self.sweep.spec.replicates as usize > planned {
            return Err(RunError::ReplicatesOfEarly { root: self.sweep.root.clone(), planned });
        }
        if (trials, replicates) != (0, 0) {
            observer.say(&kept_in_words(trials, replicates));
        }
        while let Some(wave) = self.growth(asked)? {
            // What there is no room for is not recorded.
            self.workload.prepare_to(&self.sweep.spec, wave.replicates.iter().max().map_or(0, |last| last + 1))?;
            observer.say(&grown_in_words(&wave));
            // Before the plan says so: a process that ends in between leaves nothing that looks finished.
            (manifest.state, manifest.ended) = (RunState::Running, None);
            dir.commit(manifest)?;
            dir.append_wave(&wave)?;
            self.workload.take_over(&self.sweep.spec, dir)?;
        }
        Ok(self.workload.plan.jobs[before..].to_vec())
    }
}

/// What a wave adds to a search, in words.
fn grown_in_words(wave: &Wave) -> String {
    let of_first = wave.jobs.iter().filter(|job| Some(&job.replicate) == wave.replicates.first());
    let trials = match of_first.map(|job| job.count).sum() {
        1 => "1 trial is".to_owned(),
        trials => format!("{} trials are", thousands(trials)),
    };
    let replicates: Vec<String> = wave.replicates.iter().map(u32::to_string).collect();
    let many = if replicates.len() == 1 { "" } else { "s" };
    format!("the sweep has grown: {trials} trained on replicate{many} {}", replicates.join(", "))
}

/// What a run has that its sweep does not ask for any more, in words.
fn kept_in_words(trials: usize, replicates: usize) -> String {
    let count = |count: usize, what: &str| {
        let many = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{} {what}{many}", thousands(count)))
    };
    let what: Vec<String> = count(trials, "trial").into_iter().chain(count(replicates, "replicate")).collect();
    format!("the run has {} that this sweep does not ask for: they stay as they are", what.join(" and "))
}
