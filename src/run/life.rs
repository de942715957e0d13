//! The steps of a run, one after the other.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::begin::{begin, now};
use super::confirm::{in_words, wave_to_confirm};
use super::derived::refresh;
use super::early;
use super::error::RunError;
use super::finish::{Made, finish, tabulate};
use super::mend::mend;
use super::observer::{Observer, Stage, Told};
use super::options::RunOptions;
use super::point::change_point;

use super::retrain::{check_same, to_retrain};
use super::same::{check_data, check_fingerprint, check_sweep, is_alike, spec_fingerprint};
use super::search;
use super::train::{Trained, Training};
use super::trainers::named;
use super::workload::{Workload, trials};
use crate::launch::command::TrainerFault;
use crate::launch::slurm;
use focalsweep_core::plan::{Job, Phase, Wave};
use focalsweep_core::record::{Ended, FilesFound, Journals, Manifest, RunDir, RunDirError, RunFiles, RunState, SPEC};
use focalsweep_core::spec::{ConfirmSpec, Launcher, Spec, Word};
use focalsweep_engine::job::Stop;
use focalsweep_report as report;

/// A sweep that is to be run.
#[derive(Debug)]
pub struct Sweep {
    pub(super) spec: Spec,
    options: RunOptions,
    pub(super) root: PathBuf,
}

/// A sweep whose data are read and whose jobs are planned.
#[derive(Debug)]
pub struct Ready {
    pub(super) sweep: Sweep,
    pub(super) workload: Workload,
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
    /// Rows of results when all is done that is planned.
    pub rows: usize,
    /// How it ended.
    pub end: End,
    /// Seconds of training and waiting, without reading data and writing results.
    pub seconds: f64,
    /// The answer in short, in sentences; empty where none was made now.
    pub answer: Vec<String>,
}

/// What comes after all of the plan.
enum Next {
    /// These jobs.
    Train(Vec<Job>),
    /// Nothing.
    Over(Ended),
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
    /// The time that it was given is used up; resuming with more of it goes on.
    Budget,
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
    /// It has too many trials to be counted, or chooses them wave by wave where all are to be known.
    pub fn new(spec: Spec, options: RunOptions) -> Result<Self, RunError> {
        trials(&spec)?;
        if let Some(trainer) = named(&spec).first().filter(|_| options.prepare_only) {
            return Err(TrainerFault::OnCluster { trainer: (*trainer).to_owned() }.into());
        }
        if let Some(key) = asks_again(&spec) {
            if options.prepare_only {
                return Err(RunError::PrepareSearch { key });
            }
            if options.detach && spec.launch.launcher == Launcher::Slurm {
                return Err(RunError::DetachSearch { key });
            }
        }
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
    pub fn prepare(mut self, observer: &mut dyn Observer) -> Result<Ready, RunError> {
        let before = self.before()?;
        let workload = Workload::new(&self.spec, self.for_workers(), &mut Told(&mut *observer))?;
        for line in workload.describe_data().into_iter().chain(workload.describe_training(&self.spec)) {
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
    fn before(&mut self) -> Result<Option<Before>, RunError> {
        let Some(manifest) = RunDir::look(&self.root)? else { return Ok(None) };
        self.check_wanted(&manifest)?;
        manifest.check_current(&self.root)?;
        Ok(match self.claim()? {
            Claim::Begun(before) => Some(*before),
            Claim::New(_) => None,
        })
    }

    /// Locks the directory and reads what is there: only what is read under the lock counts. A run that was begun when
    /// nothing was `auto` goes on as it began.
    fn claim(&mut self) -> Result<Claim, RunError> {
        let dir = RunDir::lock(&self.root)?;
        let Some(mut manifest) = RunDir::look(&self.root)? else { return Ok(Claim::New(dir)) };
        self.check_wanted(&manifest)?;
        manifest.check_current(&self.root)?;
        let found = dir.find_files(&mut manifest)?;
        let spec = if found.damaged.iter().any(|file| file.name == SPEC) {
            self.spec.train = check_fingerprint(&self.root, &manifest, &self.spec)?;
            None
        } else {
            let files = RunFiles::read(&self.root)?;
            let spec = files.spec()?;
            if files.is_before_auto()? {
                self.spec.train = self.spec.train.as_before_auto();
            }
            check_sweep(&self.root, &spec, &self.spec)?;
            Some(spec)
        };
        Ok(Claim::Begun(Box::new(Before { dir, manifest, spec, found })))
    }

    /// Refuses a run that nobody asked to go on with, and one that is asked to confirm what is not chosen yet.
    fn check_wanted(&self, manifest: &Manifest) -> Result<(), RunError> {
        let (rows, all) =
            (manifest.counts.rows, manifest.counts.trials.saturating_mul(manifest.counts.replicates as usize));
        if self.options.confirm.is_some() && manifest.state != RunState::Finished && rows < all {
            return Err(RunError::SearchNotOver { root: self.root.clone(), rows, all });
        }
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
                if self.sweep.spec.early_terminate.is_some() {
                    // The plan says where its trials pause.
                    self.workload.take_over(&self.sweep.spec, &dir)?;
                }
                (dir, manifest, self.workload.plan.jobs.clone())
            }
            Claim::Begun(before) => {
                let Before { dir, mut manifest, spec: old, found } = *before;
                check_data(&self.sweep.root, &manifest, &self.workload)?;
                let mut asked = self.workload.trials.clone();
                self.workload.take_over(&self.sweep.spec, &dir)?;
                if self.sweep.spec.method.draws() {
                    // What it asks for beside those that there are, it says when these are trained.
                    asked = search::as_asked(&self.workload);
                }
                manifest.check_plan(&self.sweep.root, &self.workload.plan)?;
                check_data(&self.sweep.root, &manifest, &self.workload)?;
                let retrain = &self.sweep.options.retrain;
                let (root, sweep) = (&self.sweep.root, &self.sweep.spec);
                self.workload.trainers = check_same(root, sweep, &manifest, &self.workload, retrain)?;
                let finished = manifest.state == RunState::Finished;
                let spec = &self.sweep.spec;
                let is_moved = old.as_ref().is_some_and(|old| old.operating_point != spec.operating_point);
                // Rows of journals would be collected as they are.
                if is_moved && !(finished && manifest.counts.failed == 0) {
                    return Err(RunError::PointOfUnfinished { root: self.sweep.root.clone() });
                }
                let mut left = mend(&self.sweep.spec, &self.workload, &dir, &mut manifest, &found, observer)?;
                if is_moved {
                    if !left.is_empty() {
                        return Err(RunError::PointOfUnfinished { root: self.sweep.root.clone() });
                    }
                    change_point(&self.sweep.spec, &dir, &mut manifest)?;
                    observer.say("figures at the operating point are measured again, at the new one");
                }
                left.extend(to_retrain(&dir, &self.workload, &manifest, &self.sweep.options.retrain)?);
                left.extend(self.grow(&asked, &dir, &mut manifest, observer)?);
                if self.sweep.options.retry_failed && !(finished && manifest.counts.failed == 0) {
                    retry_failed(&dir, &manifest)?;
                    left.clone_from(&self.workload.plan.jobs);
                } else if finished
                    && left.is_empty()
                    && !self.is_to_search(&dir, &manifest)?
                    && !self.is_to_confirm(&dir, old.is_some())?
                {
                    (manifest.state, manifest.ended) = (RunState::Finished, manifest.ended.or(Some(Ended::Complete)));
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
            self.workload.write_prepared(&self.sweep.spec, &dir)?;
        }
        if self.sweep.options.prepare_only {
            let jobs = self.workload.plan.jobs.len();
            return Ok(self.outcome(manifest, End::Prepared { jobs }, 0.0));
        }
        self.train(&dir, manifest, left, stop, observer)
    }

    /// Whether there is something to train afresh in a run that is finished. Without its sweep.yaml (`has_spec`), which
    /// is made again when it goes on, that is seen later.
    fn is_to_confirm(&self, dir: &RunDir, has_spec: bool) -> Result<bool, RunError> {
        let Some(asked) = self.asked() else { return Ok(false) };
        Ok(!has_spec || wave_to_confirm(asked, &self.sweep.spec, &self.workload, dir)?.is_some())
    }

    /// Whether the search of a run that is finished goes on, since it may have more trials now, or more time.
    fn is_to_search(&self, dir: &RunDir, manifest: &Manifest) -> Result<bool, RunError> {
        let spec = &self.sweep.spec;
        if search::is_spent(spec, manifest) || !spec.method.draws() && spec.early_terminate.is_none() {
            return Ok(false);
        }
        let results = report::read(&RunFiles::read(dir.root())?)?;
        if early::next(spec, &self.workload, &results)?.is_some() {
            return Ok(true);
        }
        let searches = spec.method.draws();
        Ok(searches && matches!(search::next(spec, &self.workload, &results, manifest)?, search::Next::Wave(_)))
    }

    /// Says that the run goes on; the keys that may change may have changed.
    fn go_on(&self, dir: &RunDir, before: Manifest, old: Option<&Spec>) -> Result<Manifest, RunError> {
        let spec = &self.sweep.spec;
        dir.make_folders()?;
        if !is_alike(old, spec) {
            dir.stage_spec(spec)?;
        }
        let mut manifest = Manifest { state: RunState::Running, ended: None, updated_at: now(), ..before };
        // Should a wave have been added and not counted.
        self.count_plan(&mut manifest);
        manifest.spec_fingerprint = spec_fingerprint(spec);
        manifest.trainers.clone_from(&self.workload.trainers);
        dir.commit(&mut manifest)?;
        Ok(manifest)
    }

    /// Has the launcher train the jobs that are `left`, and what is to confirm when the search is over, then makes the
    /// files of what there is, even when the launcher gave up.
    fn train(
        mut self,
        dir: &RunDir,
        mut manifest: Manifest,
        mut left: Vec<Job>,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, RunError> {
        let mut asked = self.asked();
        let mut seconds = 0.0;
        let mut best = None;
        loop {
            let started = Instant::now();
            let (spec, workload, detach) = (&self.sweep.spec, &self.workload, self.sweep.options.detach);
            let limited = match search::seconds_left(spec, &manifest) {
                Some(left) => &stop.within(left),
                None => stop,
            };
            let name = match early::stage(spec, workload) {
                Some(name) => name,
                None if spec.method.draws() => format!("wave {}", workload.plan.waves.len()),
                None => String::new(),
            };
            observer.stage(&Stage { name, best: best.clone(), ends: limited.ends() });
            let trained = Training { spec, workload, dir, stop: limited, detach }.waves(&left, observer);
            let took = started.elapsed().as_secs_f64();
            seconds += took;
            manifest.training_seconds += took;
            observer.trained();
            if let Ok(Trained::LeftRunning) = trained {
                let record = slurm::Record::read(dir)?;
                let slurm_jobs = record.iter().flat_map(slurm::Record::jobs).collect();
                return Ok(self.outcome(manifest, End::LeftRunning { slurm_jobs }, seconds));
            }
            // What is to be trained next, or why nothing is.
            let next = match trained {
                Ok(Trained::All) => self.next(&mut asked, &mut best, dir, &mut manifest, observer),
                Ok(_) => {
                    let ended = (limited.is_late() && !stop.requested()).then_some(Ended::Budget);
                    let Made { answer, .. } = finish(&self.sweep.spec, &self.workload, dir, &mut manifest, ended)?;
                    let end = if ended.is_some() { End::Budget } else { End::Interrupted };
                    return Ok(Outcome { answer, ..self.outcome(manifest, end, seconds) });
                }
                Err(why) => Err(why),
            };
            match next {
                Ok(Next::Train(more)) => left = more,
                next => {
                    let ended = if let Ok(Next::Over(ended)) = &next { Some(*ended) } else { None };
                    let Made { finished, answer } =
                        finish(&self.sweep.spec, &self.workload, dir, &mut manifest, ended)?;
                    next?;
                    let end = match ended {
                        Some(Ended::Budget) => End::Budget,
                        _ if finished => End::Finished,
                        _ => End::Interrupted,
                    };
                    return Ok(Outcome { answer, ..self.outcome(manifest, end, seconds) });
                }
            }
        }
    }

    /// What comes after all of the plan: one more wave of the search, or what is to confirm when the search is over.
    /// Recorded before it is trained: whoever resumes trains it.
    fn next(
        &mut self,
        asked: &mut Option<ConfirmSpec>,
        best: &mut Option<(f64, String)>,
        dir: &RunDir,
        manifest: &mut Manifest,
        observer: &mut dyn Observer,
    ) -> Result<Next, RunError> {
        let spec = &self.sweep.spec;
        let (draws, halves) = (spec.method.draws(), spec.early_terminate.is_some());
        if !draws && !halves && asked.is_none() {
            return Ok(Next::Over(Ended::Complete));
        }
        if !tabulate(&self.sweep.spec, &self.workload, dir, manifest)? {
            // Rows that are damaged, which are told of when all is collected.
            return Ok(Next::Over(Ended::Complete));
        }
        let mut over = Ended::Complete;
        if draws || halves {
            let results = report::read(&RunFiles::read(dir.root())?)?;
            *best = search::best(&self.workload, &results);
            if !search::is_spent(spec, manifest)
                && let Some((wave, said)) = early::next(spec, &self.workload, &results)?
            {
                observer.say(&said);
                return self.add(&wave, dir, manifest).map(Next::Train);
            }
            if !draws && search::is_spent(spec, manifest) {
                return Ok(Next::Over(Ended::Budget));
            }
            if draws {
                match search::next(spec, &self.workload, &results, manifest)? {
                    search::Next::Wave(wave) => {
                        observer.say(&search::in_words(&wave, spec, self.workload.plan.trials));
                        return self.add(&wave, dir, manifest).map(Next::Train);
                    }
                    search::Next::Over(ended) => over = ended,
                }
            }
        }
        if let Some(asked) = asked.take() {
            if search::is_spent(&self.sweep.spec, manifest) {
                observer.say("the budget is spent: nothing is trained afresh to confirm; `--resume` with more does");
                return Ok(Next::Over(Ended::Budget));
            }
            if let Some(wave) = wave_to_confirm(asked, &self.sweep.spec, &self.workload, dir)? {
                observer.say(&in_words(&wave));
                return self.add(&wave, dir, manifest).map(Next::Train);
            }
        }
        Ok(Next::Over(over))
    }

    /// Adds a wave to the plan. Gives its jobs.
    fn add(&mut self, wave: &Wave, dir: &RunDir, manifest: &mut Manifest) -> Result<Vec<Job>, RunError> {
        let spec = &self.sweep.spec;
        // What there is no room for is not recorded.
        self.workload.prepare_to(spec, wave.replicates.iter().max().map_or(0, |last| last + 1))?;
        let before = self.workload.plan.jobs.len();
        dir.append_wave(wave)?;
        self.workload.take_over(spec, dir)?;
        self.count_plan(manifest);
        dir.commit(manifest)?;
        if self.sweep.for_workers() {
            self.workload.write_prepared(spec, dir)?;
        }
        Ok(self.workload.plan.jobs[before..].to_vec())
    }

    /// What is to be trained afresh when the search is over: what this process is asked for, else what the spec asks
    /// for, if that was not chosen yet. Nothing where workers train and nobody waits for them.
    fn asked(&self) -> Option<ConfirmSpec> {
        if self.sweep.options.prepare_only {
            return None;
        }
        let chosen = self.workload.plan.rows_of(Phase::Confirm) > 0;
        self.sweep.options.confirm.or_else(|| self.sweep.spec.confirm.filter(|_| !chosen))
    }

    /// Has the manifest count what the plan has.
    fn count_plan(&self, manifest: &mut Manifest) {
        let plan = &self.workload.plan;
        (manifest.counts.trials, manifest.counts.replicates) = (plan.trials, plan.replicates);
        manifest.counts.jobs = plan.jobs.len();
        manifest.split_fingerprints = self.workload.split_fingerprints();
    }

    fn outcome(&self, manifest: Manifest, end: End, seconds: f64) -> Outcome {
        Outcome {
            root: self.sweep.root.clone(),
            manifest,
            rows: self.workload.rows(),
            end,
            seconds,
            answer: Vec::new(),
        }
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

/// The key by which a sweep has more waves than one, or parts of them that ask a cluster for something else, so that
/// somebody has to be there when one is over.
pub fn asks_again(spec: &Spec) -> Option<String> {
    if spec.method.draws() {
        return Some(format!("method: {}", spec.method.word()));
    }
    let on_cluster = spec.launch.launcher == Launcher::Slurm && !named(spec).is_empty();
    let trainers = on_cluster.then(|| "trainers".to_owned());
    spec.early_terminate.map(|_| "early_terminate".to_owned()).or(trainers)
}

/// Where a sweep is run unless somebody says otherwise.
pub fn default_root(spec: &Spec) -> PathBuf {
    Path::new("runs").join(&spec.name)
}
