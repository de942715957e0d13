//! Orders in, jobs run, answers out.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use focalsweep_core::device::Device;
use focalsweep_engine::job::{Answer, AttendedRun, Greeting, JobDevice, JobEnd, Order, RunOrder, Stop, Work, run_job};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};

use crate::device;
use crate::runs::{ServedRun, open_served};

/// Longest that jobs may take to checkpoint once this process is to end: a call into a broken driver may never return.
const GRACE: Duration = Duration::from_secs(60);
/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(200);

/// What the main loop hears of.
enum Heard {
    /// An order.
    Order(Order),
    /// stdin has ended, or is no stdin of focalsweep's.
    StdinEnded,
    /// A job is over.
    JobOver(Answer),
}

/// Where answers go: whole lines, whoever writes.
#[derive(Clone)]
pub struct Answers(Arc<Mutex<File>>);

/// The descriptor that the parent left open for answers.
///
/// # Errors
/// It is no number of a descriptor.
pub fn answers_on(descriptor: &str) -> io::Result<Answers> {
    let number: RawFd = descriptor.parse().ok().filter(|&number| number > 2).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("--events {descriptor}: expected a descriptor above 2"))
    })?;
    // SAFETY: the parent made this descriptor for this process and named it; nobody else here knows of it.
    #[expect(unsafe_code, reason = "an inherited descriptor is a bare number")]
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    Ok(Answers(Arc::new(Mutex::new(File::from(descriptor)))))
}

impl Answers {
    fn say(&self, answer: &Answer) -> io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

/// Takes orders until their end, until a stop, or until a device's trouble that only a new process leaves behind.
///
/// # Errors
/// Nobody reads the answers, the signals cannot be listened for, or a job does not end.
pub fn serve(orders: impl Read + Send + 'static, answers: Answers) -> io::Result<()> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM, SIGUSR1] {
        signal_hook::flag::register(signal, Arc::clone(stop.flag()))?;
    }
    // A file that may not grow is an error of the write, not the end of the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let (sender, heard) = mpsc::channel();
    let reader = sender.clone();
    thread::Builder::new().spawn(move || read_orders(orders, &reader))?;
    answers.say(&Answer::Hello(Greeting::of_this_program()))?;
    let mut server = Server { stop, answers, sender, runs: HashMap::new(), running: 0 };
    let mut leaving: Option<Instant> = None;
    loop {
        if server.stop.requested() {
            leaving.get_or_insert_with(Instant::now);
        }
        match leaving {
            Some(_) if server.running == 0 => return Ok(()),
            Some(since) if since.elapsed() > GRACE => {
                return Err(io::Error::other(format!("{} jobs do not end", server.running)));
            }
            _ => {}
        }
        match heard.recv_timeout(TICK) {
            Ok(Heard::Order(Order::Hello(greeting))) if greeting.is_of_this_program() => {}
            Ok(Heard::Order(Order::Hello(_))) => return Ok(()), // it has heard who this is, and says so
            Ok(Heard::Order(Order::Run(order))) => server.begin(order)?,
            Ok(Heard::Order(Order::Stop) | Heard::StdinEnded) => server.stop.request(),
            Ok(Heard::JobOver(answer)) => server.over(&answer)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

fn read_orders(orders: impl Read, heard: &Sender<Heard>) {
    for line in BufReader::new(orders).lines() {
        let order = line.ok().and_then(|line| {
            serde_json::from_str(&line).inspect_err(|error| tracing::error!(%error, line, "no order")).ok()
        });
        // What comes after a line that is none is not to be trusted.
        let Some(order) = order else { break };
        if heard.send(Heard::Order(order)).is_err() {
            return;
        }
    }
    // The main loop is gone only when the process ends.
    let _ = heard.send(Heard::StdinEnded);
}

struct Server {
    stop: Stop,
    answers: Answers,
    sender: Sender<Heard>,
    runs: HashMap<(PathBuf, Device), Arc<ServedRun>>,
    running: usize,
}

impl Server {
    /// Starts a job in a thread of its own.
    fn begin(&mut self, order: RunOrder) -> io::Result<()> {
        let (slot, key) = (order.slot, (order.run_dir.clone(), order.device));
        if self.stop.requested() {
            return self.answers.say(&Answer::JobOver { slot, end: JobEnd::Interrupted });
        }
        let served = match self.runs.get(&key) {
            Some(served) => Arc::clone(served),
            None => match open_served(&order.run_dir, order.device) {
                Ok(served) => Arc::clone(self.runs.entry(key).or_insert(Arc::new(served))),
                Err(error) => return self.answers.say(&Answer::Failed { slot, why: error.to_string() }),
            },
        };
        self.running += 1;
        let (stop, answers, sender) = (self.stop.clone(), self.answers.clone(), self.sender.clone());
        thread::Builder::new().name(format!("slot-{slot}")).spawn(move || {
            device::use_one_thread();
            let job = || train(&served, &order, &stop, &answers);
            let outcome = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err("internal error".to_owned()));
            let answer = match outcome {
                Ok(end) => Answer::JobOver { slot, end },
                Err(why) => Answer::Failed { slot, why },
            };
            // The main loop is gone only when the process ends.
            let _ = sender.send(Heard::JobOver(answer));
        })?;
        Ok(())
    }

    /// Passes on how a job ended. libtorch keeps a device's memory, and a device that failed fails on: both end with
    /// the process.
    fn over(&mut self, answer: &Answer) -> io::Result<()> {
        self.running -= 1;
        if let Answer::JobOver { end: JobEnd::OutOfMemory(_) | JobEnd::DeviceFailed(_), .. } = answer {
            self.stop.request();
        }
        self.answers.say(answer)
    }
}

/// Trains what is missing of a job.
fn train(served: &ServedRun, order: &RunOrder, stop: &Stop, answers: &Answers) -> Result<JobEnd, String> {
    let ServedRun { run, backends, .. } = served;
    let AttendedRun { dir, spec, plan, trials, manifest, .. } = run;
    let replicates = [served.rows(order.job.replicate).map_err(|error| error.to_string())?];
    let data_fingerprint = &manifest.data_fingerprint;
    let work = Work { spec, plan, trials, replicates: &replicates, again: None, data_fingerprint, dir, stop };
    let device = JobDevice { device: order.device, model: &order.model, backends };
    let slot = order.slot;
    let tell = |event| {
        if answers.say(&Answer::Event { slot, event }).is_err() {
            stop.request(); // nobody is there any more
        }
    };
    run_job(&work, &order.job, device, &tell).map_err(|error| error.to_string())
}
