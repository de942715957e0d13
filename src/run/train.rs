//! Has a launcher train what is left of a plan, wave by wave.

use std::collections::{BTreeMap, HashSet};

use super::error::RunError;
use super::observer::{Observer, Told};
use super::workload::Workload;
use crate::launch::command::{self, Commands, Handed, Machine};
use crate::launch::local::{self, Local};
use crate::launch::slurm::{self, Cluster};
use crate::launch::{Follow, LaunchError, Tally};
use focalsweep_core::plan::{Job, Plan};
use focalsweep_core::record::{RunDir, RunDirError};
use focalsweep_core::spec::{Launcher, STACK, Spec};
use focalsweep_engine::job::{Stop, Work};

/// How far a launcher came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trained {
    /// Every row is there.
    All,
    /// Somebody asked to stop.
    Some,
    /// A cluster's tasks go on.
    LeftRunning,
}

/// What jobs are trained with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Training<'a> {
    pub(super) spec: &'a Spec,
    /// The plan, and what its jobs train on.
    pub(super) workload: &'a Workload,
    pub(super) dir: &'a RunDir,
    pub(super) stop: &'a Stop,
    /// Return when everything is submitted to the cluster.
    pub(super) detach: bool,
}

impl Training<'_> {
    /// Trains the jobs of the plan that are `left`.
    ///
    /// # Errors
    /// The launcher gives up; a cluster is to train a part of a wave.
    pub(super) fn waves(&self, left: &[Job], observer: &mut dyn Observer) -> Result<Trained, RunError> {
        let left: HashSet<&str> = left.iter().map(|job| job.job_id.as_str()).collect();
        let plan = &self.workload.plan;
        for span in plan.spans() {
            let jobs = plan.jobs[span.clone()].iter().filter(|job| left.contains(job.job_id.as_str()));
            let jobs: Vec<Job> = jobs.cloned().collect();
            if jobs.is_empty() {
                continue;
            }
            let trained = match self.spec.launch.launcher {
                Launcher::Local => self.here(jobs, observer)?,
                // Its tasks train whole waves.
                Launcher::Slurm if jobs.len() < span.len() => {
                    let root = self.dir.root().to_owned();
                    return Err(RunError::MendOnCluster { jobs: jobs.len(), root });
                }
                Launcher::Slurm => self.on_cluster(jobs, span.start, observer)?,
            };
            if trained != Trained::All {
                return Ok(trained);
            }
        }
        Ok(Trained::All)
    }

    fn here(&self, jobs: Vec<Job>, observer: &mut dyn Observer) -> Result<Trained, RunError> {
        let workload = self.workload;
        let (of_commands, jobs): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| workload.trials.is_of_command(job.first));
        let again = workload.again(self.spec);
        let work = Work {
            spec: self.spec,
            plan: &workload.plan,
            trials: &workload.trials,
            replicates: &workload.replicates,
            again: Some(&again),
            data_fingerprint: &workload.source.fingerprint,
            dir: self.dir,
            stop: self.stop,
        };
        // Stacks take all cores, and so does whatever comes after them.
        let beside = of_commands.len();
        let mut tally = Tally::default();
        if !jobs.is_empty() {
            let jobs = Local { work, plan: &workload.plan.with_jobs(jobs), pool: &workload.pool };
            tally = local::run(&jobs, |tally| observer.progress(&with(tally, beside)))?;
        }
        if beside > 0 && tally.done == tally.rows {
            tally = with(&tally, beside);
            let (machine, fingerprints) = (&Machine::look(), &workload.trainers);
            let data = Handed::OnDemand(&again);
            let commands = Commands { work, jobs: &of_commands, data, fingerprints, machine };
            command::run(&commands, &mut tally, |tally| observer.progress(tally))?;
        } else {
            tally.rows += beside;
        }
        Ok(if tally.done == tally.rows { Trained::All } else { Trained::Some })
    }

    /// Our own stacks first, then one trainer after the other, since each asks the cluster for something else. `first`:
    /// how many jobs the plan has before these.
    fn on_cluster(&self, jobs: Vec<Job>, first: usize, observer: &mut dyn Observer) -> Result<Trained, RunError> {
        let Self { spec, workload, dir, stop, detach } = *self;
        let mut parts: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            let is_command = workload.trials.is_of_command(job.first);
            let trainer =
                if is_command { workload.trials.get(job.first).trainer().to_owned() } else { STACK.to_owned() };
            parts.entry(trainer).or_default().push(job);
        }
        let stacks = parts.remove_entry(STACK);
        let only = parts.is_empty();
        for (trainer, jobs) in stacks.into_iter().chain(parts) {
            let plan = &workload.plan.with_jobs(jobs);
            // A record of the part that is under way is not to be lost to one that is over.
            if !only && self.is_there(plan)? {
                continue;
            }
            if let Some(command) = spec.trainers.get(&trainer) {
                let needs: HashSet<_> = plan.jobs.iter().map(|job| (job.replicate, command.inputs)).collect();
                let again = workload.again(spec);
                command::write_for_tasks(dir.root(), &again, &workload.replicates, &needs)
                    .map_err(LaunchError::from)?;
            }
            let cluster = Cluster { spec, plan, first, trainer: &trainer, dir, stop, detach };
            match slurm::run(&cluster, &mut Told(observer))? {
                slurm::End::Done => {}
                slurm::End::Cancelled => return Ok(Trained::Some),
                slurm::End::LeftRunning => return Ok(Trained::LeftRunning),
            }
            if trainer != STACK {
                command::remove_for_tasks(dir.root())?;
            }
        }
        Ok(Trained::All)
    }

    /// Whether all rows of these jobs are there.
    fn is_there(&self, plan: &Plan) -> Result<bool, RunError> {
        let jobs = self.dir.jobs();
        let mut follow = Follow::new(jobs.clone());
        follow.read().map_err(|why| RunDirError::io(&jobs, why))?;
        let (done, ..) = follow.count(plan);
        Ok(done == plan.trainings())
    }
}

/// A tally with as many jobs more, each of one row.
fn with(tally: &Tally, more: usize) -> Tally {
    Tally { rows: tally.rows + more, jobs: tally.jobs + more, ..tally.clone() }
}
