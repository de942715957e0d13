//! Jobs on a cluster: a Slurm job array whose tasks are `focalsweep worker`s.
//!
//! ```text
//! plan ─> script ─> sbatch --array ─> workers ─> journals ┐
//!              squeue (one call for all tasks) ───────────┴─> track ─> submit again, wait, give up
//! ```
//! The journals say what is done; squeue only says whether somebody is still at it. `track` decides and is pure, as are
//! `squeue`, `script` and `config`. This process may end at any time: what it knows stands in `slurm/launch.json`.

mod asked;
mod command;
mod config;
mod ending;
mod error;
#[cfg(test)]
mod fuzz;
mod launch;
mod launcher;
mod queue;
mod record;
mod script;
mod squeue;
mod submit;
#[cfg(test)]
mod tests;
mod track;

pub use asked::sizes;
pub use error::SlurmError;
pub use launcher::detach;
pub use queue::queue;
pub use record::{Record, jobs_of_trainer};
pub use squeue::{Sighting, State, in_words};

use std::thread;
use std::time::Duration;

use self::launch::Launch;
use super::watch::{OnInterrupt, Watch};
use focalsweep_core::plan::Plan;
use focalsweep_core::record::RunDir;
use focalsweep_core::spec::Spec;
use focalsweep_engine::job::Stop;

/// How often people are told when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// A run that is launched on the cluster.
#[derive(Debug)]
pub struct Cluster<'a> {
    /// The sweep.
    pub spec: &'a Spec,
    /// Its jobs: those of a wave that one trainer trains.
    pub plan: &'a Plan,
    /// How many jobs its whole plan has before that wave.
    pub first: usize,
    /// What trains them: our own stacks, or a command of the user's.
    pub trainer: &'a str,
    /// Its directory, on a file system that the nodes share.
    pub dir: &'a RunDir,
    /// Raised by Ctrl-C.
    pub stop: &'a Stop,
    /// Return when everything is submitted.
    pub detach: bool,
}

/// How the launcher ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every row is there.
    Done,
    /// Tasks were cancelled, by this process or by somebody.
    Cancelled,
    /// Tasks are in the queue or on nodes.
    LeftRunning,
}

/// Submits what is missing, or attaches to what was submitted, and follows it.
///
/// # Errors
/// Slurm refuses or does not answer; tasks ended with rows missing. What had ended is in the journals.
pub fn run(cluster: &Cluster<'_>, watch: &mut dyn Watch) -> Result<End, SlurmError> {
    let mut launch = Launch::new(cluster, watch)?;
    loop {
        if launch.look_is_due() {
            launch.look()?;
            if launch.is_over() {
                break;
            }
            launch.submit(watch)?;
            if cluster.detach && launch.is_on_its_way() {
                launch.say_detached();
                return Ok(End::LeftRunning);
            }
        }
        watch.progress(&launch.tally());
        if cluster.stop.requested() {
            // Nobody is asked where the time is up.
            if !cluster.stop.is_late() && watch.on_interrupt() == OnInterrupt::Leave {
                return Ok(End::LeftRunning);
            }
            launch.cancel()?;
            launch.read_journals()?;
            return Ok(End::Cancelled);
        }
        thread::sleep(TICK);
    }
    watch.progress(&launch.tally());
    launch.end()
}
