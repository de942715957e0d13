//! One process that trains: its folder, what it is told, how it ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use focalsweep_core::record::HistoryRow;
use focalsweep_core::spec::{Span, TrainerSpec};
use focalsweep_engine::job::Stop;

use super::VARIABLE;
use super::guard::{self, TO_TERMINATE};
use super::log::Log;
use super::order::{FILE, TrialOrder};
use super::words::expanded;
use crate::launch::child::{Child, Patience};

/// How often the stop flag and the clock are looked at.
const TICK: Duration = Duration::from_millis(100);
/// The guard ends the command when its stdin does, by force if need be; then it is late itself.
pub(super) const PATIENCE: Patience =
    Patience { to_leave: Duration::from_secs(2 + TO_TERMINATE.as_secs()), to_terminate: Duration::from_secs(1) };

/// The variable that names the GPUs of a process.
pub(super) const GPUS: &str = "CUDA_VISIBLE_DEVICES";

/// What a process of a trial is started with.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// The trainer.
    pub(super) trainer: &'a TrainerSpec,
    /// What it is to train.
    pub(super) order: &'a TrialOrder,
    /// Its GPUs, as `CUDA_VISIBLE_DEVICES` has them.
    pub(super) gpus: &'a [String],
}

/// How a process ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// By itself, or by a signal of somebody else.
    Ended(ExitStatus),
    /// It took longer than it may.
    TimedOut,
    /// Somebody asked this program to stop.
    Stopped,
}

/// What came of a process.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) ending: Ending,
    pub(super) epochs: Vec<HistoryRow>,
    /// The last lines that it printed.
    pub(super) tail: String,
    pub(super) seconds: f64,
}

/// The variables that a command has beside those of this program.
pub(super) fn environment(told: &Told<'_>, order_file: &Path) -> Vec<(&'static str, String)> {
    let mut variables = threads(told.order.threads);
    variables.push((VARIABLE, order_file.to_string_lossy().into_owned()));
    variables.push((GPUS, told.gpus.join(",")));
    variables
}

/// The variables that say how many threads a command runs.
pub(super) fn threads(threads: u32) -> Vec<(&'static str, String)> {
    let threads = threads.to_string();
    vec![("OMP_NUM_THREADS", threads.clone()), ("OPENBLAS_NUM_THREADS", threads.clone()), ("MKL_NUM_THREADS", threads)]
}

/// Makes `folder` and an `out` that is empty, and writes what the command is told. Gives the path of that.
///
/// # Errors
/// The disk is full or gone.
pub(super) fn lay_out(folder: &Path, order: &TrialOrder) -> io::Result<PathBuf> {
    match fs::remove_dir_all(&order.out) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(&order.out)?;
    let path = folder.join(FILE);
    fs::write(&path, serde_json::to_vec_pretty(order)?)?;
    std::path::absolute(path)
}

/// Runs a process in the folder of a trial to its end. `epoch` hears of each epoch that it tells of.
///
/// # Errors
/// The folder cannot be written, or there is no guard.
pub(super) fn attempt(
    folder: &Path,
    told: &Told<'_>,
    stop: &Stop,
    epoch: impl Fn(&HistoryRow) + Send + 'static,
) -> io::Result<Attempt> {
    let order_file = lay_out(folder, told.order)?;
    let log = Arc::new(Mutex::new(Log::create(&folder.join("log.txt"))?));
    let mut command = Command::new(guard::program()?);
    command.arg("guard").arg("--").args(expanded(&told.trainer.command, &told.order.parameters));
    command.current_dir(told.trainer.folder()).envs(environment(told, &order_file));
    let started = Instant::now();
    let lines = Arc::clone(&log);
    let mut child = Child::start(command, None, PATIENCE, move |line| {
        let told = lines.lock().unwrap_or_else(PoisonError::into_inner).line(line);
        if let Some(row) = told {
            epoch(&row);
        }
    })?;
    let limit = told.trainer.timeout.and_then(Span::seconds).map(Duration::from_secs_f64);
    let ending = loop {
        if let Some(status) = child.wait(limit.map_or(TICK, |limit| limit.saturating_sub(started.elapsed()).min(TICK)))
        {
            break Ending::Ended(status);
        }
        if stop.requested() {
            break Ending::Stopped;
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            break Ending::TimedOut;
        }
    };
    child.end();
    let seconds = started.elapsed().as_secs_f64();
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Attempt { ending, epochs: log.epochs().to_vec(), tail: log.tail(), seconds })
}
