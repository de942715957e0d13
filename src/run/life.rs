//! The steps of a run, one after the other.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::begin::{begin, now};
use super::derived::refresh;
use super::error::RunError;
use super::finish::finish;
use super::mend::mend;
use super::observer::{Observer, Told};
use super::options::RunOptions;
use super::same::{check_data, check_fingerprint, check_sweep};
use super::workload::{Workload, trials};
use crate::launch::local::{self, Local};
use crate::launch::slurm::{self, Cluster};
use focalsweep_core::plan::{Job, Plan};
use focalsweep_core::record::{Ended, FilesFound, Journals, Manifest, RunDir, RunDirError, RunFiles, RunState, SPEC};
use focalsweep_core::spec::{Launcher, Spec};
use focalsweep_engine::job::{Stop, Work};

/// A sweep that is to be run.
#[derive(Debug)]
pub struct Sweep {
    spec: Spec,
    options: RunOptions,
    root: PathBuf,
}

/// A sweep whose data are read and whose jobs are planned.
#[derive(Debug)]
pub struct Ready {
    sweep: Sweep,
    workload: Workload,
    /// The run that is gone on with.
    before: Option<Before>,
}

/// A run that is there, its directory locked before anything of it was read.
#[derive(Debug)]
struct Before {
    dir: RunDir,
    manifest: Manifest,
    /// The sweep that it was begun with, or last resumed with; `None` where that is lost.
    spec: Option<Spec>,
    /// What has become of its files.
    found: FilesFound,
}

/// A directory that is locked.
enum Claim {
    /// It holds no run.
    New(RunDir),
    /// It holds one of this sweep.
    Begun(Box<Before>),
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The run directory.
    pub root: PathBuf,
    /// What there is, as it stands in manifest.json.
    pub manifest: Manifest,
    /// How it ended.
    pub end: End,
    /// Seconds of training and waiting, without reading data and writing results.
    pub seconds: f64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every row is there; some may have failed.
    Finished,
    /// Every row was there already.
    AlreadyThere,
    /// Somebody asked to stop; resuming trains the rest.
    Interrupted,
    /// All that workers need is written, and nothing is trained.
    Prepared {
        /// How many jobs there are for them.
        jobs: usize,
    },
    /// A cluster's tasks go on without this process.
    LeftRunning {
        /// Their Slurm jobs.
        slurm_jobs: Vec<u64>,
    },
}

impl Sweep {
    /// A sweep with what is asked for.
    ///
    /// # Errors
    /// It has too many trials to be counted.
    pub fn new(spec: Spec, options: RunOptions) -> Result<Self, RunError> {
        trials(&spec)?;
        let root = options.out.clone().unwrap_or_else(|| default_root(&spec));
        Ok(Self { spec, options, root })
    }

    /// The run directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Runs it from its first step to its last. `stop` ends it early, with all that was done saved.
    ///
    /// # Errors
    /// As of [`Sweep::prepare`] and [`Ready::run`].
    pub fn run(self, stop: &Stop, observer: &mut dyn Observer) -> Result<Outcome, RunError> {
        self.prepare(observer)?.run(stop, observer)
    }

    /// Locks the run directory if it holds a run, reads the data and plans. Nothing is written but a fetched source.
    ///
    /// # Errors
    /// The directory holds something else, or another process has it; the data cannot be had or used.
    pub fn prepare(self, observer: &mut dyn Observer) -> Result<Ready, RunError> {
        let before = self.before()?;
        let workload = Workload::new(&self.spec, self.for_workers(), &mut Told(&mut *observer))?;
        for line in workload.describe_data() {
            observer.say(&line);
        }
        if let Some(before) = &before {
            check_data(&self.root, &before.manifest, &workload)?;
        }
        Ok(Ready { sweep: self, workload, before })
    }

    /// Whether jobs are trained by processes that share nothing with this one but the run directory.
    fn for_workers(&self) -> bool {
        self.options.prepare_only || self.spec.launch.launcher == Launcher::Slurm
    }

    /// The run that is there, locked, if it is one of this sweep. A directory without one is left as it is until there
    /// is something to write.
    fn before(&self) -> Result<Option<Before>, RunError> {
        let Some(manifest) = RunDir::look(&self.root)? else { return Ok(None) };
        self.check_wanted(&manifest)?;
        manifest.check_current(&self.root)?;
        Ok(match self.claim()? {
            Claim::Begun(before) => Some(*before),
            Claim::New(_) => None,
        })
    }

    /// Locks the directory and reads what is there: only what is read under the lock counts.
    fn claim(&self) -> Result<Claim, RunError> {
        let dir = RunDir::lock(&self.root)?;
        let Some(mut manifest) = RunDir::look(&self.root)? else { return Ok(Claim::New(dir)) };
        self.check_wanted(&manifest)?;
        manifest.check_current(&self.root)?;
        let found = dir.find_files(&mut manifest)?;
        let spec = if found.damaged.iter().any(|file| file.name == SPEC) {
            check_fingerprint(&self.root, &manifest, &self.spec)?;
            None
        } else {
            let spec = RunFiles::read(&self.root)?.spec()?;
            check_sweep(&self.root, &spec, &self.spec)?;
            Some(spec)
        };
        Ok(Claim::Begun(Box::new(Before { dir, manifest, spec, found })))
    }

    /// Refuses a run that nobody asked to go on with.
    fn check_wanted(&self, manifest: &Manifest) -> Result<(), RunError> {
        if self.options.resume {
            return Ok(());
        }
        let state = format!("{:?}, {} rows", manifest.state, manifest.counts.rows).to_lowercase();
        Err(RunDirError::Taken { path: self.root.clone(), state }.into())
    }
}

impl Ready {
    /// What is to be trained.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Trains what is missing and leaves the run directory complete, or resumable.
    ///
    /// # Errors
    /// Another process began a run there meanwhile, a file cannot be written, the launcher gives up.
    pub fn run(mut self, stop: &Stop, observer: &mut dyn Observer) -> Result<Outcome, RunError> {
        let claim = match self.before.take() {
            Some(before) => Claim::Begun(Box::new(before)),
            None => self.sweep.claim()?,
        };
        let (dir, manifest, left) = match claim {
            Claim::New(dir) => {
                observer.locked(dir.root());
                let manifest = begin(&dir, &self.sweep.spec, &self.workload)?;
                (dir, manifest, self.workload.plan.jobs.clone())
            }
            Claim::Begun(before) => {
                let Before { dir, mut manifest, spec: old, found } = *before;
                check_data(&self.sweep.root, &manifest, &self.workload)?;
                (self.workload.plan, self.workload.trials) = dir.plan()?;
                manifest.check_plan(&self.sweep.root, &self.workload.plan)?;
                let finished = manifest.state == RunState::Finished;
                let mut left = mend(&self.sweep.spec, &self.workload, &dir, &mut manifest, &found, observer)?;
                if self.sweep.options.retry_failed && !(finished && manifest.counts.failed == 0) {
                    retry_failed(&dir, &manifest)?;
                    left.clone_from(&self.workload.plan.jobs);
                } else if finished && left.is_empty() {
                    (manifest.state, manifest.ended) = (RunState::Finished, Some(Ended::Complete));
                    let mended = (old.as_ref(), found != FilesFound::default());
                    refresh(&dir, &mut manifest, mended, &self.sweep.spec, observer)?;
                    if manifest.counts.failed == 0 {
                        dir.remove_jobs()?;
                    }
                    return Ok(self.outcome(manifest, End::AlreadyThere, 0.0));
                }
                observer.locked(dir.root());
                let manifest = self.go_on(&dir, manifest, old.as_ref())?;
                (dir, manifest, left)
            }
        };
        if self.sweep.for_workers() {
            dir.write_prepared(&self.workload.replicates, &self.workload.source.fingerprint)?;
        }
        if self.sweep.options.prepare_only {
            let jobs = self.workload.plan.jobs.len();
            return Ok(self.outcome(manifest, End::Prepared { jobs }, 0.0));
        }
        self.train(&dir, manifest, left, stop, observer)
    }

    /// Says that the run goes on; `launch` and `rank` may have changed.
    fn go_on(&self, dir: &RunDir, before: Manifest, old: Option<&Spec>) -> Result<Manifest, RunError> {
        let spec = &self.sweep.spec;
        dir.make_folders()?;
        if old != Some(spec) {
            dir.stage_spec(spec)?;
        }
        let mut manifest = Manifest { state: RunState::Running, ended: None, updated_at: now(), ..before };
        dir.commit(&mut manifest)?;
        Ok(manifest)
    }

    /// Has the launcher train the jobs that are `left`, then makes the files of what there is, even when it gave up.
    fn train(
        &self,
        dir: &RunDir,
        mut manifest: Manifest,
        left: Vec<Job>,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, RunError> {
        let (spec, workload) = (&self.sweep.spec, &self.workload);
        let started = Instant::now();
        // Whether every row is there that is to be, or why the launcher gave up.
        let trained: Result<bool, RunError> = match spec.launch.launcher {
            Launcher::Local => {
                let work = Work {
                    spec,
                    trials: &workload.trials,
                    replicates: &workload.replicates,
                    data_fingerprint: &workload.source.fingerprint,
                    dir,
                    stop,
                };
                let plan = Plan { jobs: left, ..workload.plan };
                let jobs = Local { work, plan: &plan, pool: &workload.pool };
                let tally = local::run(&jobs, |tally| observer.progress(tally));
                tally.map(|tally| tally.done == tally.rows).map_err(RunError::from)
            }
            Launcher::Slurm => {
                // Its tasks train whole plans.
                if left.len() < workload.plan.jobs.len() {
                    let root = self.sweep.root.clone();
                    return Err(RunError::MendOnCluster { jobs: left.len(), root });
                }
                let detach = self.sweep.options.detach;
                let cluster = Cluster { spec, plan: &workload.plan, dir, stop, detach };
                match slurm::run(&cluster, &mut Told(&mut *observer)) {
                    Ok(slurm::End::LeftRunning) => {
                        observer.trained();
                        let record = slurm::Record::read(dir)?;
                        let slurm_jobs = record.iter().flat_map(slurm::Record::jobs).collect();
                        let seconds = started.elapsed().as_secs_f64();
                        return Ok(self.outcome(manifest, End::LeftRunning { slurm_jobs }, seconds));
                    }
                    Ok(end) => Ok(end == slurm::End::Done),
                    Err(error) => Err(error.into()),
                }
            }
        };
        observer.trained();
        let seconds = started.elapsed().as_secs_f64();
        let finished = finish(spec, workload, dir, &mut manifest, matches!(trained, Ok(true)))?;
        trained?;
        Ok(self.outcome(manifest, if finished { End::Finished } else { End::Interrupted }, seconds))
    }

    fn outcome(&self, manifest: Manifest, end: End, seconds: f64) -> Outcome {
        Outcome { root: self.sweep.root.clone(), manifest, end, seconds }
    }
}

/// Marks what failed as to be trained again.
fn retry_failed(dir: &RunDir, manifest: &Manifest) -> Result<(), RunError> {
    let jobs = dir.jobs();
    let journals = Journals::list(&jobs).map_err(|why| RunDirError::io(&jobs, why))?;
    if manifest.state == RunState::Finished && journals.is_empty() {
        let why = "its journals are gone, and without them a failed row cannot be trained beside the others".to_owned();
        return Err(RunDirError::Broken { path: jobs, why }.into());
    }
    Ok(journals.retry_failed().map_err(|why| RunDirError::io(&jobs, why))?)
}

/// Where a sweep is run unless somebody says otherwise.
pub fn default_root(spec: &Spec) -> PathBuf {
    Path::new("runs").join(&spec.name)
}
