//! `devices --check`: the same stack in runs of its own, one a device, and their rows side by side.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;

use super::spec::closed;
use crate::cli::{PlanFormat, SpecArgs};
use crate::launch::Host;
use crate::launch::local::{self, Local};
use crate::launch::torch::find_torch;
use crate::output::{self, Failure};
use crate::progress::DownloadBar;
use crate::run::{Workload, begin, pool};
use focalsweep_core::plan::{Job, Phase, Plan};
use focalsweep_core::record::{Entry, Journals, RunDir, RunDirError};
use focalsweep_core::spec::{Backend, Devices, Epochs, Spec, Stopping, TrainSpec};
use focalsweep_engine::job::{Stop, Work, ended};

/// Epochs of history that are compared.
const EPOCHS: u32 = 5;
/// Most trials of the spec that are trained.
const TRIALS: usize = 49;
/// Largest relative difference of a loss or an AUC in the history, and largest difference of a test AUC.
const TOLERANCE: f64 = 1e-3;

/// Who trains the stack.
struct Contestant {
    name: String,
    device: String,
    backend: Backend,
}

/// How a contestant differs from the fused kernels on a core.
struct Difference {
    name: String,
    seconds: f64,
    history: f64,
    test_auc: f64,
}

/// What a run leaves, by trial.
type Rows = BTreeMap<String, Entry>;

pub(super) fn check(path: &Path, host: &Host, format: PlanFormat) -> Result<ExitCode, Failure> {
    let contestants = contestants(host)?;
    let mut spec = super::spec::read(&SpecArgs { spec: path.to_owned(), overrides: Vec::new() })?;
    spec.replicates = 1;
    spec.train = TrainSpec {
        epochs: Epochs::Count(EPOCHS),
        early_stopping: Stopping::None,
        backend: Backend::Fused,
        ..spec.train
    };
    spec.launch.devices = Devices::Word("cpu".into());
    let mut workload = Workload::new(&spec, false, &mut DownloadBar::new(false))?;
    let group = workload.trials.groups().first().cloned().unwrap_or(0..0);
    let count = group.len().min(TRIALS);
    let job = Job { job_id: "job-00001".into(), replicate: 0, first: 0, count, phase: Phase::Search, epochs: None };
    workload.plan = Plan { trials: count, replicates: 1, jobs: vec![job.clone()], waves: vec![0] };
    workload.trials = workload.trials.first(job.count);
    let (expected, seconds) = trained(&spec, &mut workload, &job, host)?;
    let mut rows = vec![Difference { name: "cpu".into(), seconds, history: 0.0, test_auc: 0.0 }];
    for contestant in contestants {
        let mut spec = spec.clone();
        spec.train.backend = contestant.backend;
        spec.launch.devices = Devices::Word(contestant.device);
        let (found, seconds) = trained(&spec, &mut workload, &job, host)?;
        let (history, test_auc) = differences(&expected, &found);
        rows.push(Difference { name: contestant.name, seconds, history, test_auc });
    }
    let good = rows.iter().all(|row| row.history <= TOLERANCE && row.test_auc <= TOLERANCE);
    let text = match format {
        PlanFormat::Json => as_json(&rows, job.count, good),
        PlanFormat::Table => as_table(&rows, job.count, good),
    };
    output::data(&text).map_err(closed)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(output::ENVIRONMENT) })
}

/// Every GPU; where there is none, libtorch on a core.
fn contestants(host: &Host) -> Result<Vec<Contestant>, Failure> {
    let Some(why) = &host.no_cuda else {
        let gpu = |index| Contestant {
            name: format!("cuda:{index}"),
            device: format!("cuda:{index}"),
            backend: Backend::Libtorch,
        };
        return Ok((0..host.gpus.len()).map(gpu).collect());
    };
    find_torch().map_err(Failure::environment)?;
    output::talk(&format!("there is no GPU to check: {why}; libtorch is compared on a core instead"));
    Ok(vec![Contestant { name: "cpu, libtorch".into(), device: "cpu".into(), backend: Backend::Libtorch }])
}

/// The rows of a run of `job` alone, in a folder that is gone afterwards, and the seconds that it took.
fn trained(spec: &Spec, workload: &mut Workload, job: &Job, host: &Host) -> Result<(Rows, f64), Failure> {
    let folder =
        tempfile::tempdir().map_err(|why| Failure::environment(RunDirError::io(&std::env::temp_dir(), why)))?;
    let dir = RunDir::lock(folder.path())?;
    begin(&dir, spec, workload)?;
    let mut pool = pool(spec, host)?;
    pool.iter_mut().for_each(|device| device.slots = 1); // one stack, not cut for more
    let work = Work {
        spec,
        plan: &workload.plan,
        trials: &workload.trials,
        replicates: &workload.replicates,
        again: Some(&workload.again(spec)),
        data_fingerprint: &workload.source.fingerprint,
        dir: &dir,
        stop: &Stop::default(),
    };
    let started = Instant::now();
    local::run(&Local { work, plan: &workload.plan, pool: &pool }, |_| ()).map_err(Failure::environment)?;
    let seconds = started.elapsed().as_secs_f64();
    let journals = Journals::list(&dir.jobs()).map_err(|why| RunDirError::io(&dir.jobs(), why))?;
    let entries = ended(&work, job, &journals).map_err(Failure::environment)?;
    Ok((entries.into_iter().map(|entry| (entry.row.trial_id.clone(), entry)).collect(), seconds))
}

/// Largest relative difference in the histories, and largest difference of the test AUCs. A trial that failed on one
/// side only, or has other epochs there, is as far off as can be.
fn differences(expected: &Rows, found: &Rows) -> (f64, f64) {
    let relative = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).abs() / x.abs().max(y.abs()) };
    let (mut history, mut test): (f64, f64) = (0.0, 0.0);
    for (id, a) in expected {
        let Some(b) = found.get(id).filter(|b| b.history.len() == a.history.len()) else {
            return (f64::INFINITY, f64::INFINITY);
        };
        for (x, y) in a.history.iter().zip(&b.history) {
            history = history.max(relative(x.train_loss, y.train_loss)).max(relative(x.val_loss, y.val_loss));
            history = history.max(relative(x.val_auc.unwrap_or(0.0), y.val_auc.unwrap_or(0.0)));
        }
        let auc = |entry: &Entry| entry.row.test.as_ref().map(|test| test.auc.unwrap_or(0.0));
        test = test.max(match (auc(a), auc(b)) {
            (Some(x), Some(y)) => (x - y).abs(),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        });
    }
    (history, test)
}

fn as_json(rows: &[Difference], trials: usize, good: bool) -> String {
    let row = |row: &Difference| {
        let Difference { name, seconds, history, test_auc } = row;
        json!({"device": name, "seconds": seconds, "history": history, "test_auc": test_auc})
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let value = json!({"trials": trials, "epochs": EPOCHS, "tolerance": TOLERANCE, "agree": good, "devices": rows});
    format!("{value:#}")
}

fn as_table(rows: &[Difference], trials: usize, good: bool) -> String {
    let mut lines = vec![["device", "seconds", "history off by", "test AUC off by"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let number = |value: f64| if row.name == "cpu" { String::new() } else { format!("{value:.1e}") };
        [row.name.clone(), format!("{:.2}", row.seconds), number(row.history), number(row.test_auc)]
    }));
    let verdict = if good { "all devices agree" } else { "they DIFFER by more than" };
    format!("{}\n{trials} trials, {EPOCHS} epochs: {verdict} ({TOLERANCE})\n", output::columns(&lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(loss: f64, test_auc: Option<f64>) -> Rows {
        let test = test_auc.map(|auc| {
            json!({"loss": 0.1, "auc": auc, "auc_se": null, "average_precision": null, "brier": 0.1,
                "tp": 1, "fp": 1, "tn": 1, "fn": 1})
        });
        let mut entry = json!({
            "row": {
                "trial_id": "a", "replicate": 0, "state": "finished", "error": null, "loss": "bce", "alpha": null,
                "gamma": null, "pos_weight": null, "sampling": "none", "learning_rate": 0.1, "weight_decay": 0.0,
                "dropout": 0.0, "batch_size": 1, "hidden": [], "activation": "relu", "optimizer": "sgd",
                "initial_bias": 0.0, "seed": 0, "split_fingerprint": "", "data_fingerprint": "", "device": "cpu",
                "device_name": "", "host": "", "job_id": "job-00001", "stack_size": 1, "epochs_run": 1,
                "best_epoch": 1, "train_seconds": 0.0, "started_at": 0, "finished_at": 0, "train": null, "val": null,
                "test": test, "threshold": null, "threshold_raw": null, "val_op": null, "test_op": null,
            },
            "history": [{"epoch": 1, "train_loss": loss, "val_loss": 1.0, "val_auc": 0.9, "learning_rate": 0.1,
                "seconds": 0.0}],
            "train_roc": [], "bytes": null,
        });
        entry["row"]["trainer"] = json!("stack");
        entry["row"]["phase"] = json!("search");
        for name in ["trainer_fingerprint", "fold", "repeat"] {
            entry["row"][name] = json!(null);
        }
        BTreeMap::from([("a".to_owned(), serde_json::from_value(entry).unwrap())])
    }

    #[test]
    fn the_largest_difference_counts() {
        let (history, test) = differences(&rows(0.5, Some(0.9)), &rows(0.501, Some(0.8)));
        assert!((history - 0.001 / 0.501).abs() < 1e-12 && (test - 0.1).abs() < 1e-12);
        assert_eq!(differences(&rows(0.5, None), &rows(0.5, None)), (0.0, 0.0));
        assert_eq!(differences(&rows(0.5, None), &rows(0.5, Some(0.9))).1, f64::INFINITY);
        assert_eq!(differences(&rows(0.5, None), &Rows::new()).0, f64::INFINITY);
    }
}
