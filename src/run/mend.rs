//! What is missing or damaged of a run that is gone on with: set aside, made again, or left to be trained again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

use super::error::RunError;
use super::finish::{collection_of, kept_scores};
use super::observer::Observer;
use super::workload::Workload;
use focalsweep_core::plan::{Job, Trials};
use focalsweep_core::record::{
    CURVES, FilesFound, HISTORY, Journals, MODELS, Manifest, Models, RESULTS, Remade, RunDir, RunDirError, RunFiles,
    RunState, SCORES, SplitMetrics, models_name,
};
use focalsweep_core::spec::Spec;
use focalsweep_engine::train::measure_again;
use focalsweep_report::{self as report, Results};

/// A (trial, replicate).
type Key = (String, u32);

/// Sets aside what is damaged of the run in `dir`, makes again what can be made of the rest, and says which jobs are
/// left to be trained: all of an unfinished run but those whose rows only its tables have. Whenever it is stopped, the
/// manifest says that the run is not finished, and which files there are, so that the next one goes on.
///
/// # Errors
/// A file cannot be read or written.
pub(super) fn mend(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    manifest: &mut Manifest,
    found: &FilesFound,
    observer: &mut dyn Observer,
) -> Result<Vec<Job>, RunError> {
    let jobs = dir.jobs();
    let journals = Journals::list(&jobs).map_err(|why| RunDirError::io(&jobs, why))?;
    let is_whole = found.damaged.is_empty() && (journals.is_empty() || !found.torn);
    if is_whole && manifest.state == RunState::Finished {
        return Ok(Vec::new());
    }
    if !found.damaged.is_empty() {
        set_aside(dir, manifest, found, observer)?;
    }
    let plan = &workload.plan;
    let is_there = |manifest: &Manifest, name: &str| manifest.files.contains_key(name);
    if !is_there(manifest, RESULTS) || plan.jobs.iter().all(|job| journals.has(&job.job_id)) {
        return Ok(plan.jobs.clone());
    }
    if found.damaged.iter().any(|file| file.name.starts_with(MODELS)) {
        dir.make_folders()?;
        dir.stage_preprocessing(&workload.replicates)?;
        dir.commit(manifest)?;
    }
    // Of the rows that no journal has. A row is nothing without its epochs, which nothing else has.
    let collection = collection_of(spec, workload, dir, manifest)?;
    let has_rows = is_there(manifest, HISTORY) && collection.has_earlier();
    let had_scores = is_there(manifest, SCORES) && is_there(manifest, CURVES);
    if has_rows && !had_scores {
        let files = RunFiles::read(dir.root())?;
        let results = report::read(&files)?;
        let remaking = Remaking::new(spec, workload, &files, &results)?;
        let (keep, _) = kept_scores(spec, workload, dir, true)?;
        let mut remade = 0;
        collection.stage_remade(keep.as_ref(), &mut |trial, replicate| {
            let found = remaking.remake(&(trial.to_owned(), replicate));
            remade += usize::from(found.is_some());
            found
        })?;
        dir.commit(manifest)?;
        observer.say(&format!("{SCORES} and {CURVES} are made again from {remade} models"));
    }
    let collected = if has_rows { collection.collected()? } else { HashSet::new() };
    // What a command said of the rows cannot be made again of a model.
    let are_scores_lost = has_rows && !had_scores;
    // What goes on at a rung is in the tables as its last job left it.
    let last = plan.last_jobs(&workload.trials);
    let is_collected = |(at, job): &(usize, &Job)| {
        let mut own = keys(&workload.trials, job).filter(|key| last.get(key).is_none_or(|last| last == at)).peekable();
        let is_kept = || {
            if workload.trials.is_of_command(job.first) {
                !are_scores_lost
            } else {
                is_there(manifest, &models_name(&job.job_id))
            }
        };
        own.peek().is_none() || is_kept() && own.all(|key| collected.contains(&key))
    };
    let jobs = plan.jobs.iter().enumerate();
    let left = jobs.filter(|of| journals.has(&of.1.job_id) || !is_collected(of)).map(|(_, job)| job.clone());
    Ok(left.collect())
}

/// The rows of a job.
fn keys<'a>(trials: &'a Trials, job: &'a Job) -> impl Iterator<Item = Key> + use<'a> {
    (job.first..job.first + job.count).map(|index| (trials.get(index).trial_id(), job.replicate))
}

/// Gives damaged files another name, so that nothing reads them and nobody loses them, and takes them out of the
/// manifest, which says from then on that the run is not finished.
fn set_aside(
    dir: &RunDir,
    manifest: &mut Manifest,
    found: &FilesFound,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    for file in &found.damaged {
        let path = dir.path(&file.name);
        let aside = dir.path(&format!("{}.damaged", file.name));
        match fs::rename(&path, &aside) {
            Ok(()) => observer.say(&format!("{}: {}; kept as {}.damaged", path.display(), file.why, file.name)),
            Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                observer.say(&format!("{}: {}", path.display(), file.why));
            }
            Err(why) => return Err(RunDirError::io(&path, why).into()),
        }
        manifest.files.remove(&file.name);
    }
    manifest.state = RunState::Running;
    manifest.ended = None;
    Ok(dir.commit(manifest)?)
}

/// Scores and curves from the models of a run.
struct Remaking<'a> {
    spec: &'a Spec,
    workload: &'a Workload,
    models: Models,
    /// What each row measured when its training ended: loss, AUC and average precision of the three parts.
    measured: HashMap<Key, [Option<f64>; COLUMNS.len()]>,
    places: HashMap<String, usize>,
}

/// What has to come out again to the bit.
const COLUMNS: [&str; 9] = [
    "train_loss",
    "train_auc",
    "train_average_precision",
    "val_loss",
    "val_auc",
    "val_average_precision",
    "test_loss",
    "test_auc",
    "test_average_precision",
];

impl<'a> Remaking<'a> {
    fn new(spec: &'a Spec, workload: &'a Workload, files: &RunFiles, results: &Results) -> Result<Self, RunError> {
        let at = COLUMNS.map(|name| results.metrics.iter().position(|metric| metric == name));
        let figures = |row: &report::Row| at.map(|at| at.and_then(|at| row.metrics[at]));
        let rows = results.rows.iter();
        let measured = rows.map(|row| ((row.trial_id.clone(), row.replicate), figures(row))).collect();
        let places = workload.trials.places();
        Ok(Self { spec, workload, models: Models::read(files)?, measured, places })
    }

    /// What the model of `key` says of the rows, if that is what it said when it was trained: a model of a GPU, or of
    /// another kind of processor, may say a little else.
    fn remake(&self, key: &Key) -> Option<Remade> {
        let (trial, replicate) = key;
        let data = self.workload.replicates.get(*replicate as usize)?;
        let weights = self.models.weights(trial, *replicate).ok().flatten()?;
        let trial = self.workload.trials.get(*self.places.get(trial)?);
        let fitted = measure_again(&trial, &weights, data, &self.spec.train, &self.spec.operating_point).ok()?;
        let figures = |part: &SplitMetrics| [part.loss, part.auc, part.average_precision];
        // Those that ended early have no figures of the training rows.
        let (measured, none) = (self.measured.get(key)?, [None; 3]);
        let train = fitted.train.as_ref().filter(|_| measured[0].is_some());
        let again = [train.map_or(none, figures), figures(&fitted.val), figures(&fitted.test)].concat();
        let bits = |values: &[Option<f64>]| values.iter().map(|value| value.map(f64::to_bits)).collect::<Vec<_>>();
        (bits(&again) == bits(measured)).then_some(Remade {
            train_roc: if train.is_some() { fitted.train_roc } else { Vec::new() },
            scores: [fitted.validation, fitted.test_rows, fitted.calibration].map(|rows| [rows.raw, rows.scores]),
        })
    }
}
