//! `devices --check`: the same stack on the CPU and on each GPU, side by side.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;

use super::spec::closed;
use super::workload::Workload;
use crate::cli::{PlanFormat, SpecArgs};
use crate::data::Replicate;
use crate::launch::Host;
use crate::output::{self, Failure, Plain};
use crate::progress::DownloadBar;
use crate::spec::{OperatingPoint, TrainSpec};
use crate::train::{self, Checkpoint, Ended, EpochReport, Observer, SaveError, Stack, TrainError, Uploads};

/// Epochs of history that are compared.
const EPOCHS: u32 = 5;
/// Most trials of the spec that are trained.
const TRIALS: usize = 49;
/// Largest relative difference of a loss or an AUC in the history, and largest difference of a test AUC.
const TOLERANCE: f64 = 1e-3;

/// How a device differs from the CPU.
struct Difference {
    device: String,
    seconds: f64,
    history: f64,
    test_auc: f64,
}

pub(super) fn check(path: &std::path::Path, host: &Host, format: PlanFormat) -> Result<ExitCode, Failure> {
    if let Some(why) = &host.no_cuda {
        let message = format!("there is no GPU to check: {why}");
        return Err(Failure::environment(Plain { message, help: Some("`focalsweep devices` says more".into()) }));
    }
    let args = SpecArgs { spec: path.to_owned(), overrides: Vec::new() };
    let mut spec = super::spec::read(&args)?;
    spec.replicates = 1;
    let workload = Workload::new(&spec, false, &mut DownloadBar::new(false))?;
    let group = workload.trials.groups().first().cloned().unwrap_or(0..0);
    let trials = group.take(TRIALS).map(|index| workload.trials.get(index)).collect();
    let data = &workload.replicates[0];
    let settings = TrainSpec { epochs: EPOCHS, early_stopping: None, ..spec.train.clone() };
    let Some(stack) = Stack::new(trials, settings, &data.train, data.features.len(), spec.seed, 0) else {
        let message = "the sweep has no trials".to_owned();
        return Err(Failure::input(Plain { message, help: None }));
    };
    let uploads = Uploads::default();
    let run = |device| trained(&stack, data, &spec.operating_point, device, &uploads);
    let failed = |error: TrainError| Failure::environment(Plain { message: error.to_string(), help: None });
    let (expected, seconds) = run(tch::Device::Cpu).map_err(failed)?;
    let mut rows = vec![Difference { device: "cpu".into(), seconds, history: 0.0, test_auc: 0.0 }];
    for index in 0..host.gpus.len() {
        let device = tch::Device::Cuda(index);
        let (found, seconds) = run(device).map_err(failed)?;
        let (history, test_auc) = differences(&expected, &found);
        rows.push(Difference { device: train::device::name(device), seconds, history, test_auc });
    }
    let good = rows.iter().all(|row| row.history <= TOLERANCE && row.test_auc <= TOLERANCE);
    let text = match format {
        PlanFormat::Json => {
            let row = |row: &Difference| json!({"device": row.device, "seconds": row.seconds, "history": row.history, "test_auc": row.test_auc});
            let rows: Vec<_> = rows.iter().map(row).collect();
            format!(
                "{:#}",
                json!({"trials": stack.trials.len(), "epochs": EPOCHS, "tolerance": TOLERANCE, "agree": good, "devices": rows})
            )
        }
        PlanFormat::Table => {
            let mut lines = vec![["device", "seconds", "history off by", "test AUC off by"].map(str::to_owned)];
            lines.extend(rows.iter().map(|row| {
                let number = |value: f64| if row.device == "cpu" { String::new() } else { format!("{value:.1e}") };
                [row.device.clone(), format!("{:.2}", row.seconds), number(row.history), number(row.test_auc)]
            }));
            let verdict = if good { "all devices agree" } else { "they DIFFER by more than" };
            format!(
                "{}\n{} trials, {EPOCHS} epochs: {verdict} ({TOLERANCE})\n",
                output::columns(&lines),
                stack.trials.len()
            )
        }
    };
    output::data(&text).map_err(closed)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(output::ENVIRONMENT) })
}

/// The stack's trials after its epochs, and the seconds that they took.
fn trained(
    stack: &Stack,
    data: &Replicate,
    point: &OperatingPoint,
    device: tch::Device,
    uploads: &Uploads,
) -> Result<(Vec<Ended>, f64), TrainError> {
    let mut kept = Kept(Vec::new());
    let started = Instant::now();
    train::train(stack, data, point, (device, uploads), None, &mut kept)?;
    kept.0.sort_by_key(|ended| ended.slot);
    Ok((kept.0, started.elapsed().as_secs_f64()))
}

/// Largest relative difference in the histories, and largest difference of the test AUCs. A trial that failed on one
/// device only is as far off as can be.
fn differences(a: &[Ended], b: &[Ended]) -> (f64, f64) {
    let relative = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).abs() / x.abs().max(y.abs()) };
    let (mut history, mut test): (f64, f64) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        for (x, y) in a.history.iter().zip(&b.history) {
            history = history.max(relative(x.train_loss, y.train_loss)).max(relative(x.val_loss, y.val_loss));
            history = history.max(relative(x.val_auc.unwrap_or(0.0), y.val_auc.unwrap_or(0.0)));
        }
        let auc = |end: &Ended| end.outcome.as_ref().ok().map(|fitted| fitted.test.auc.unwrap_or(0.0));
        test = test.max(match (auc(a), auc(b)) {
            (Some(x), Some(y)) => (x - y).abs(),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        });
    }
    (history, test)
}

/// Keeps what ends.
struct Kept(Vec<Ended>);

impl Observer for Kept {
    fn stop_requested(&self) -> bool {
        false
    }

    fn epoch(&mut self, _: &EpochReport) {}

    fn ended(&mut self, ended: Vec<Ended>) -> Result<(), SaveError> {
        self.0.extend(ended);
        Ok(())
    }

    fn checkpoint_due(&self) -> bool {
        false
    }

    fn checkpoint(&mut self, _: &Checkpoint) -> Result<(), SaveError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::HistoryRow;

    fn ended(loss: f64, outcome: Result<train::Fitted, String>) -> Ended {
        let row = HistoryRow {
            epoch: 1,
            train_loss: loss,
            val_loss: 1.0,
            val_auc: Some(0.9),
            learning_rate: 0.1,
            seconds: 0.0,
        };
        Ended { slot: 0, history: vec![row], seconds: 0.0, outcome }
    }

    #[test]
    fn the_largest_difference_counts() {
        let failed = || Err("diverged".to_owned());
        let (history, test) = differences(&[ended(0.5, failed())], &[ended(0.501, failed())]);
        assert!((history - 0.001 / 0.501).abs() < 1e-12 && test == 0.0);
    }
}
