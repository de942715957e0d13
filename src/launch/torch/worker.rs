//! One `focalsweep-torch`: orders to it, answers from it, and what it means when it dies.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, PipeReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use focalsweep_core::device::Device;
use focalsweep_engine::job::{Answer, Event, Greeting, JobEnd, Order, RunOrder, Stop};

use super::find::{NoTorch, check_version};
use crate::launch::LaunchError;
use crate::launch::child::{Child, Patience};

/// Longest from its start to its greeting: libtorch with CUDA has 2 GB of libraries, which may come over a network.
const TO_GREET: Duration = Duration::from_secs(300);
/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(100);
/// Longest from a stop to the last checkpoint; then it is killed, and the checkpoint before counts.
const TO_STOP: Duration = Duration::from_secs(60);
/// After its stdin has ended it has nothing left to do but to end.
const PATIENCE: Patience = Patience { to_leave: Duration::from_secs(60), to_terminate: Duration::from_secs(5) };

/// A child that takes jobs, one for each slot at a time.
#[derive(Debug)]
pub(super) struct TorchWorker {
    path: PathBuf,
    device: Device,
    child: Mutex<Child>,
    slots: Arc<Mutex<Slots>>,
}

/// Who waits for answers.
#[derive(Debug, Default)]
struct Slots {
    waiting: HashMap<usize, Sender<Answer>>,
    /// No answer will come any more.
    closed: bool,
}

impl TorchWorker {
    /// Starts the program at `path` for jobs on `device`; `name` is what its words are logged under.
    pub(super) fn start(path: &Path, device: Device, name: String) -> Result<Self, LaunchError> {
        let broken = |why: String| NoTorch::Broken { path: path.to_owned(), why };
        let mut command = Command::new(path);
        // Parallelism is over jobs.
        command.env("OMP_NUM_THREADS", "1").env("MKL_NUM_THREADS", "1");
        let (answers, writer) = io::pipe().map_err(|error| broken(error.to_string()))?;
        let mut child = Child::start(command, Some(writer), PATIENCE, move |line| log(&name, line))
            .map_err(|error| broken(error.to_string()))?;
        let slots = Arc::new(Mutex::new(Slots::default()));
        let (sender, greetings) = mpsc::channel();
        let readers_slots = Arc::clone(&slots);
        thread::Builder::new()
            .spawn(move || read_answers(answers, &readers_slots, &sender))
            .map_err(|error| broken(error.to_string()))?;
        // A child that has died already says so by its silence.
        let _ = child.tell(&line(&Order::Hello(Greeting::of_this_program())));
        match greetings.recv_timeout(TO_GREET) {
            Ok(greeting) => check_version(path, &greeting)?,
            Err(_) => {
                child.end();
                return Err(broken(child.last_words()).into());
            }
        }
        Ok(Self { path: path.to_owned(), device, child: Mutex::new(child), slots })
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it takes no more jobs.
    pub(super) fn has_ended(&self) -> bool {
        self.slots().closed
    }

    /// Ends it, and returns when it is gone.
    pub(super) fn end(&self) {
        self.child().end();
    }

    /// Runs a job to its end, however that comes about.
    pub(super) fn run(&self, order: RunOrder, stop: &Stop, events: &dyn Fn(Event)) -> Result<JobEnd, LaunchError> {
        let (slot, job_id) = (order.slot, order.job.job_id.clone());
        let (sender, answers) = mpsc::channel();
        {
            let mut slots = self.slots();
            if slots.closed {
                return Ok(JobEnd::Interrupted);
            }
            slots.waiting.insert(slot, sender);
        }
        // Where it has died the answers end, and that is looked at below.
        let _ = self.child().tell(&line(&Order::Run(order)));
        let end = self.hear(&answers, stop, events);
        self.slots().waiting.remove(&slot);
        match end {
            Heard::Over(end) => Ok(end),
            Heard::Failed(why) => Err(LaunchError::Worker { path: self.path.clone(), job_id, why }),
            Heard::Nothing => {
                let end = self.death();
                tracing::warn!(job = job_id, ?end, "focalsweep-torch is gone");
                events(Event::JobEnded { job_id, done: false });
                Ok(end)
            }
        }
    }

    /// Takes in what is said of a job until it is over.
    fn hear(&self, answers: &Receiver<Answer>, stop: &Stop, events: &dyn Fn(Event)) -> Heard {
        let mut stopped: Option<Instant> = None;
        loop {
            match answers.recv_timeout(TICK) {
                Ok(Answer::Event { event, .. }) => events(event),
                Ok(Answer::JobOver { end, .. }) => return Heard::Over(end),
                Ok(Answer::Failed { why, .. }) => return Heard::Failed(why),
                Ok(Answer::Hello(_)) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Heard::Nothing,
            }
            match stopped {
                None if stop.requested() => {
                    // One that is gone has stopped.
                    let _ = self.child().tell(&line(&Order::Stop));
                    stopped = Some(Instant::now());
                }
                Some(since) if since.elapsed() > TO_STOP => {
                    self.child().kill();
                    return Heard::Over(JobEnd::Interrupted);
                }
                _ => {}
            }
        }
    }

    /// What the end of a child means that gave no answer. One that was asked to leave, by whoever, has done so. For the
    /// others memory is suspected first: the system kills the process that takes most. On a GPU a new process tells
    /// whether the device still works; cores do not break, so there the job is to blame, and half of it may do.
    fn death(&self) -> JobEnd {
        let mut child = self.child();
        let status = child.end();
        if status.is_some_and(|status| status.success()) {
            return JobEnd::Interrupted;
        }
        let why = format!("focalsweep-torch: {}", child.last_words());
        match self.device {
            Device::Cuda(_) => JobEnd::DeviceFailed(why),
            Device::Cpu => JobEnd::OutOfMemory(why),
        }
    }
}

/// What came of a job.
enum Heard {
    Over(JobEnd),
    Failed(String),
    /// The child died.
    Nothing,
}

fn line(order: &Order) -> String {
    serde_json::to_string(order).unwrap_or_default() // plain data: JSON can say it
}

/// Hands answers to the slots that wait for them, until there are no more.
fn read_answers(answers: PipeReader, slots: &Mutex<Slots>, greetings: &Sender<Greeting>) {
    let lock = || slots.lock().unwrap_or_else(PoisonError::into_inner);
    for line in BufReader::new(answers).lines().map_while(Result::ok) {
        let answer = match serde_json::from_str(&line) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, line, "focalsweep-torch says what is no answer");
                break;
            }
        };
        let slot = match &answer {
            Answer::Hello(greeting) => {
                // Nobody waits for it only when the start was given up.
                let _ = greetings.send(greeting.clone());
                continue;
            }
            Answer::Event { slot, .. } | Answer::JobOver { slot, .. } | Answer::Failed { slot, .. } => *slot,
        };
        if let Some(waiting) = lock().waiting.get(&slot) {
            // Nobody waits any more only when the job was given up.
            let _ = waiting.send(answer);
        }
    }
    let mut slots = lock();
    slots.closed = true;
    slots.waiting.clear();
}

/// A line of the child's into this program's log, by the level that it begins with.
fn log(child: &str, line: &str) {
    let line = line.trim_start();
    let (level, rest) = line.split_once(' ').unwrap_or(("", line));
    match level {
        "ERROR" => tracing::error!(child, "{rest}"),
        "WARN" => tracing::warn!(child, "{rest}"),
        "INFO" => tracing::info!(child, "{rest}"),
        _ => tracing::info!(child, "{line}"), // a library's
    }
}
