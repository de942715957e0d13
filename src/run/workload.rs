//! From a spec to what is to be trained: data at hand, devices chosen, jobs planned.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::error::RunError;
use super::rungs;
use super::trainers::{check_columns, check_trainers};
use crate::launch::devices::{self, Trainer};
use crate::launch::torch::find_torch;
use crate::launch::{Host, PoolDevice, slurm};
use focalsweep_core::device::Device;
use focalsweep_core::plan::{Plan, Sampler, Sizes, Stacking, Trials, Wave};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::RunDir;
use focalsweep_core::spec::{Backend, Devices, Epochs, Spec, Stopping, Word};
use focalsweep_core::text::shortened;
use focalsweep_engine::data::{self, Again, DataError, DownloadProgress, Source, Splits};
use focalsweep_engine::memory::Budget;
use focalsweep_engine::train::Schedule;
use focalsweep_report::{FEW_POSITIVES, few_validation_positives, thousands};

/// Characters of a note on the data that are told; files have it whole.
const MOST_OF_A_NOTE: usize = 2_000;
/// Steps of the optimizer after which a model has hardly moved: Adam's go as far as the learning rate each.
const FEW_STEPS: u64 = 500;
/// Windows of time that are told one by one, beside the first.
const MOST_WINDOWS: usize = 24;
/// Replicates that are prepared to say what would run.
const PREVIEWED: u32 = 64;

/// Everything that a run needs to know before it begins.
#[derive(Debug)]
pub struct Workload {
    /// The trials of the sweep.
    pub trials: Trials,
    /// The rows as they were read.
    pub source: Source,
    /// The rows as they are trained on.
    pub replicates: Vec<Arc<Replicate>>,
    /// Where jobs run; empty on a cluster.
    pub pool: Vec<PoolDevice>,
    /// Fingerprints of the commands of the user's that train trials, by name.
    pub trainers: BTreeMap<String, String>,
    /// What the plan was made for.
    pub sizes: Sizes,
    /// The jobs.
    pub plan: Plan,
    /// See [`Workload::warnings`]: every row is compared for them, so once.
    warnings: OnceLock<Vec<String>>,
}

impl Workload {
    /// Fetches, reads and prepares the data, and plans the jobs, for this machine or for tasks of a cluster. Nothing is
    /// written but a fetched source.
    ///
    /// # Errors
    /// Too many trials, a device that is not there, data that cannot be had or used.
    pub fn new(spec: &Spec, cluster: bool, progress: &mut dyn DownloadProgress) -> Result<Self, RunError> {
        Self::of(spec, cluster, progress, spec.replicates)
    }

    /// As [`Workload::new`], but with the first replicates only: enough to say what would run.
    ///
    /// # Errors
    /// Those of [`Workload::new`].
    pub fn preview(spec: &Spec, cluster: bool, progress: &mut dyn DownloadProgress) -> Result<Self, RunError> {
        Self::of(spec, cluster, progress, spec.replicates.min(PREVIEWED))
    }

    fn of(spec: &Spec, cluster: bool, progress: &mut dyn DownloadProgress, prepared: u32) -> Result<Self, RunError> {
        let trials = trials(spec)?;
        let trainers = check_trainers(spec, cluster)?;
        let pool = if cluster { Vec::new() } else { pool(spec, &Host::look())? };
        data::fetch(&spec.data, progress)?;
        let source = data::load(&spec.data, &spec.split)?;
        // Those that confirm are prepared when their time comes, but have to find room then.
        let all = spec.replicates + spec.confirm.map_or(0, |confirm| confirm.replicates);
        let replicates = data::prepare_first(prepared, &source, &spec.data, &splits(spec), all)?;
        check_columns(spec, &source, &replicates)?;
        let (rows, features) = (source.labels.len(), replicates.iter().map(|r| r.features.len()).max().unwrap_or(0));
        let sizes = if cluster {
            slurm::sizes(&spec.launch.slurm.clone().unwrap_or_default(), rows, features)
        } else {
            Sizes {
                features,
                rows,
                workers: pool.iter().map(|device| device.slots).sum(),
                memory: pool.iter().map(|device| device.memory).min().unwrap_or(0),
                stacking: devices::stacking(&pool),
            }
        };
        let plan = Plan::new(&trials, spec.replicates, &sizes);
        check_stacks(&plan, &trials, &sizes, &pool)?;
        Ok(Self { trials, source, replicates, pool, trainers, sizes, plan, warnings: OnceLock::new() })
    }

    /// The wave that the run begins with.
    ///
    /// # Errors
    /// It cannot be planned.
    pub(super) fn first_wave(&self, spec: &Spec) -> Result<Wave, RunError> {
        rungs::to_rung(Wave::first(&self.plan, &self.trials, self.most_epochs(spec)), 0, spec, &self.replicates)
    }

    /// What the run in `dir` trains on, as its plan has recorded it, for who looks at it and trains nothing.
    ///
    /// # Errors
    /// The data cannot be had or used, or the plan is damaged.
    pub(super) fn recorded(spec: &Spec, dir: &RunDir) -> Result<Self, RunError> {
        let source = data::load(&spec.data, &spec.split)?;
        let (plan, trials) = dir.plan()?;
        let sizes = Sizes { features: 0, rows: 0, workers: 1, memory: 0, stacking: Stacking::CORE };
        let trainers = BTreeMap::new();
        let (replicates, pool, warnings) = (Vec::new(), Vec::new(), OnceLock::new());
        let mut workload = Self { trials, source, replicates, pool, trainers, sizes, plan, warnings };
        workload.prepare_to(spec, workload.plan.replicate_numbers())?;
        Ok(workload)
    }

    /// Takes over what the plan of `dir` has recorded, and prepares the replicates that it has beside those of the
    /// search.
    ///
    /// # Errors
    /// The plan is damaged; the replicates find no room.
    pub(super) fn take_over(&mut self, spec: &Spec, dir: &RunDir) -> Result<(), RunError> {
        (self.plan, self.trials) = dir.plan()?;
        self.prepare_to(spec, self.plan.replicate_numbers())
    }

    /// Prepares the replicates below `end` that are not prepared yet.
    ///
    /// # Errors
    /// They find no room.
    pub(super) fn prepare_to(&mut self, spec: &Spec, end: u32) -> Result<(), RunError> {
        let there = u32::try_from(self.replicates.len()).unwrap_or(u32::MAX);
        if there < end {
            let more = data::prepare_onward(there..end, &self.source, &spec.data, &splits(spec))?;
            self.replicates.extend(more);
        }
        Ok(())
    }

    /// What makes the features of replicates that have let them go.
    pub fn again<'a>(&'a self, spec: &'a Spec) -> Again<'a> {
        Again::new(&self.source, &spec.data, splits(spec))
    }

    /// Has the run in `dir` hold the rows of all replicates, for whoever trains in another process.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) fn write_prepared(&self, spec: &Spec, dir: &RunDir) -> Result<(), RunError> {
        let again = self.again(spec);
        for replicate in &self.replicates {
            dir.write_prepared(again.whole(replicate)?.as_ref(), &self.source.fingerprint)?;
        }
        Ok(())
    }

    /// What the data is, in a few lines.
    pub fn describe_data(&self) -> Vec<String> {
        let positives = self.source.labels.iter().filter(|&&y| y == 1).count();
        let rows = self.source.labels.len();
        let share = 100.0 * positives as f64 / rows as f64;
        let mut lines = Vec::new();
        if let Some(first) = self.replicates.first() {
            let features = first.features.len();
            let (rows, positives) = (thousands(rows), thousands(positives));
            lines.push(format!("data: {rows} rows, {positives} positive ({share:.2} %), {features} features"));
        }
        lines.extend(self.notes().iter().map(|note| format!("      {}", shortened(note, MOST_OF_A_NOTE))));
        lines.extend(self.warnings().iter().map(|warning| format!("warning: {}", shortened(warning, MOST_OF_A_NOTE))));
        lines
    }

    /// What in the data is to be looked at before results are believed.
    pub fn warnings(&self) -> &[String] {
        self.warnings.get_or_init(|| {
            let across = self.replicates.first().and_then(|first| data::copies_across(&self.source, first));
            self.source.warnings.iter().cloned().chain(across).collect()
        })
    }

    /// How long the trials of each job train; jobs that train alike once.
    pub fn schedules(&self, spec: &Spec) -> Vec<Schedule> {
        let mut schedules: Vec<Schedule> = Vec::new();
        let mut seen = HashSet::new();
        for job in &self.plan.jobs {
            let Some(data) = self.replicates.iter().find(|data| data.index == job.replicate) else { continue };
            if self.trials.is_of_command(job.first) {
                continue;
            }
            let trial = self.trials.get(job.first);
            // Trials that differ in nothing else have as many steps.
            if seen.insert((trial.batch_size, trial.sampling.word(), job.replicate)) {
                let schedule = Schedule::of(&spec.train, &trial, data);
                if !schedules.contains(&schedule) {
                    schedules.push(schedule);
                }
            }
        }
        schedules
    }

    /// The most epochs that any of some trials trains.
    pub(super) fn epochs_of(&self, spec: &Spec, trials: &Trials) -> u32 {
        let firsts = trials.groups().iter().map(|group| group.start).filter(|&first| !trials.is_of_command(first));
        let firsts = firsts.map(|first| trials.get(first));
        let each = firsts
            .flat_map(|trial| self.replicates.iter().map(move |data| Schedule::of(&spec.train, &trial, data).epochs));
        each.max().unwrap_or(0)
    }

    /// The most epochs that any trial trains.
    pub(super) fn most_epochs(&self, spec: &Spec) -> u32 {
        self.schedules(spec).iter().map(|schedule| schedule.epochs).max().unwrap_or(0)
    }

    /// How long trials train, in words.
    pub fn describe_schedules(&self, spec: &Spec) -> String {
        let schedules = self.schedules(spec);
        schedules.first().map(|first| in_words(first, &schedules)).unwrap_or_default()
    }

    /// How long trials train, where that follows from the rows or is so short that models hardly move: a few lines.
    pub fn describe_training(&self, spec: &Spec) -> Vec<String> {
        let schedules = self.schedules(spec);
        if schedules.is_empty() {
            return Vec::new();
        }
        let steps = schedules.iter().map(|of| of.steps.saturating_mul(u64::from(of.epochs))).min().unwrap_or(0);
        let mut lines = Vec::new();
        if spec.train.epochs == Epochs::Auto || spec.train.early_stopping == Stopping::Auto {
            lines.push(format!("training: {}", self.describe_schedules(spec)));
        }
        lines.extend(schedules.first().and_then(|first| rungs::in_words(spec, first.epochs)));
        if matches!(spec.train.epochs, Epochs::Count(_)) && steps < FEW_STEPS {
            lines.push(format!(
                "warning: {} epochs are {steps} steps here, after which a model is hardly more than it began as; \
                 without `train.epochs` it has at least {}",
                spec.train.epochs,
                thousands(Epochs::FEWEST_STEPS)
            ));
        }
        let positives = self.replicates.iter().map(|data| data.validation.positives()).min().unwrap_or(0);
        if positives < FEW_POSITIVES && spec.split.folds.is_none() {
            lines.push(format!("warning: {}", few_validation_positives(positives)));
        }
        lines
    }

    /// Notes of reading and preparing, each once.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.source.notes.clone();
        let first = self.replicates.iter().take(1).flat_map(|replicate| replicate.notes.iter());
        // Windows of time differ in what they hold, and are few.
        let windows = self.replicates.iter().skip(1).take(MOST_WINDOWS).flat_map(|replicate| replicate.notes.iter());
        for note in first.chain(windows.filter(|note| note.starts_with("split by time"))) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        notes
    }

    /// Fingerprint of each replicate's split.
    pub fn split_fingerprints(&self) -> Vec<String> {
        self.replicates.iter().map(|replicate| replicate.split_fingerprint.clone()).collect()
    }

    /// Rows of results that the whole plan makes.
    pub fn rows(&self) -> usize {
        self.plan.rows()
    }
}

/// How the replicates of a sweep are drawn.
pub(super) fn splits(spec: &Spec) -> Splits<'_> {
    Splits { spec: &spec.split, seed: spec.seed, replicates: spec.replicates }
}

/// Whether the stacks that run at once on the cores of this machine find room beside the data. A GPU says so itself,
/// and its stacks are cut then.
fn check_stacks(plan: &Plan, trials: &Trials, sizes: &Sizes, pool: &[PoolDevice]) -> Result<(), DataError> {
    if pool.is_empty() || pool.iter().any(|device| device.device != Device::Cpu) {
        return Ok(());
    }
    Budget::now().holds(plan.memory(trials, sizes)).map_err(|short| DataError::Memory {
        what: format!("the models of {} workers", sizes.workers),
        short,
        help: "use a smaller network (`hidden`) or `batch_size`, or fewer cores (`taskset -c 0-3 focalsweep ...`)",
    })
}

/// `at most 100 epochs of 33 steps, stopping on val_auc after 10 looks, one each 4 epochs`, of the first of `all`.
fn in_words(first: &Schedule, all: &[Schedule]) -> String {
    let epochs = |schedule: &&Schedule| schedule.epochs;
    let (least, most) = (all.iter().min_by_key(epochs), all.iter().max_by_key(epochs));
    let (least, most) = (least.unwrap_or(first), most.unwrap_or(first));
    let mut words = format!("at most {} epochs of {} steps", thousands(least.epochs), thousands(least.steps));
    if most.epochs != least.epochs {
        words += &format!(" to {} of {}", thousands(most.epochs), thousands(most.steps));
    }
    if let Some(rule) = &first.rule {
        if all.iter().all(|schedule| schedule.every.saturating_mul(rule.patience) >= schedule.epochs) {
            let every = if least.every == 1 { "epoch".to_owned() } else { format!("{} epochs", least.every) };
            return words + &format!(", too few to stop before (a look at {} each {every})", rule.metric.word());
        }
        words += &format!(", stopping on {} after {} looks without improvement", rule.metric.word(), rule.patience);
        match (least.every, most.every) {
            (1, 1) => {}
            (few, many) if few == many => words += &format!(", one each {few} epochs"),
            (few, many) => words += &format!(", one each {few} to {many} epochs"),
        }
    }
    words
}

/// The trials of a spec: those of its sampler's first wave, which is all of them in a grid.
///
/// # Errors
/// They are too many to be counted, or the space cannot be drawn from.
pub fn trials(spec: &Spec) -> Result<Trials, RunError> {
    Ok(Sampler::new(spec)?.ask())
}

/// The devices of `host` that the spec asks for, and what trains there.
///
/// # Errors
/// One is not there, or a word is none for a device; libtorch is asked for, and its program is not there.
pub fn pool(spec: &Spec, host: &Host) -> Result<Vec<PoolDevice>, RunError> {
    let launch = &spec.launch;
    // `auto` takes the cores where there is no GPU to train on; where there is one but no libtorch that should be
    // known.
    let any = matches!(&launch.devices, Devices::Word(word) if word == "auto") && spec.train.backend != Backend::Fused;
    if any && host.libtorch.is_none() && !host.hidden_gpus.is_empty() {
        let why = host.no_cuda.as_deref().unwrap_or_default();
        tracing::warn!("no GPU is used: {why}");
    }
    let pool = devices::pool(&launch.devices, spec.train.backend, launch.slots_per_device, host)?;
    if pool.iter().any(|device| device.trainer == Trainer::Libtorch) {
        find_torch()?;
    }
    Ok(pool)
}
