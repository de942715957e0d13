//! What `focalsweep` and a worker of its own in another process say to each other: JSON, a line each.
//!
//! Orders come on the worker's stdin, answers go out on a descriptor of their own. Both sides greet first and look
//! whether the other is of the same version, since both write to the same run directory. The end of stdin says that
//! nobody is left to answer to: the worker checkpoints and ends.

use std::path::PathBuf;

use focalsweep_core::device::Device;
use focalsweep_core::plan::Job;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::run::JobEnd;

/// Version of these lines.
const PROTOCOL: u32 = 1;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Version of the lines that it speaks.
    pub protocol: u32,
    /// Version of the program that it belongs to.
    pub version: String,
}

impl Greeting {
    /// This program's.
    pub fn of_this_program() -> Self {
        Self { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Whether the other side is of this program.
    pub fn is_of_this_program(&self) -> bool {
        *self == Self::of_this_program()
    }
}

/// A line for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub enum Order {
    /// The first line.
    Hello(Greeting),
    /// Train what is missing of a job.
    Run(RunOrder),
    /// Checkpoint every job that is under way, answer, and end.
    Stop,
}

/// `run`: a job, and where its run and its rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    /// Who asks; the answer names it again. A worker may have a job of each slot.
    pub slot: usize,
    /// The run directory: spec, plan, prepared rows, journals.
    pub run_dir: PathBuf,
    /// The job.
    pub job: Job,
    /// What it trains on.
    pub device: Device,
    /// The device's model, for the results.
    pub model: String,
}

/// A line of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Answer {
    /// The first line.
    Hello(Greeting),
    /// Something happened in a job.
    Event {
        /// Whose job.
        slot: usize,
        /// What.
        event: Event,
    },
    /// A job is over. After an end that is the device's trouble the worker checkpoints its other jobs and ends.
    JobOver {
        /// Whose job.
        slot: usize,
        /// How it ended.
        end: JobEnd,
    },
    /// A result could not be kept, or the run directory not be read.
    Failed {
        /// Whose job.
        slot: usize,
        /// Why.
        why: String,
    },
}

/// What a process that holds libtorch says of itself when asked to describe what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibtorchDescription {
    /// Of which program it is.
    pub greeting: Greeting,
    /// Version of libtorch.
    pub libtorch: String,
    /// GPUs that it sees.
    pub cuda_devices: usize,
    /// Why it has no CUDA half; `None` when it has.
    pub cuda_problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use focalsweep_core::plan::Phase;

    use super::*;

    #[test]
    fn lines_come_back() {
        let job =
            Job { job_id: "job-00001a".into(), replicate: 1, first: 3, count: 4, phase: Phase::Confirm, epochs: None };
        let run_dir = PathBuf::from("runs/a b");
        let run = RunOrder { slot: 2, run_dir, job, device: Device::Cuda(1), model: "NVIDIA L4".into() };
        for order in [Order::Hello(Greeting::of_this_program()), Order::Run(run), Order::Stop] {
            let line = serde_json::to_string(&order).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
        }
        let event = Event::Ended { job_id: "job-00001".into(), trials: 4, failed: 1 };
        for answer in [
            Answer::Hello(Greeting { protocol: 7, version: "9".into() }),
            Answer::Event { slot: 0, event },
            Answer::JobOver { slot: 1, end: JobEnd::OutOfMemory("20 GiB".into()) },
            Answer::JobOver { slot: 1, end: JobEnd::Done },
            Answer::Failed { slot: 1, why: "the disk is full".into() },
        ] {
            let line = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
        }
    }
}
