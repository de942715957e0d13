//! A run as its files and the cluster's queue show it at one moment: what `status`, `watch` and `index` tell of.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::launch::Follow;
use crate::launch::slurm::{self, Record, Sighting};
use crate::output::Failure;
use crate::run::RunError;
use focalsweep_core::record::{RunDir, RunDirError, RunState};
use focalsweep_engine::job::AttendedRun;

/// What is known of the cluster's side.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) record: Record,
    /// Tasks, or why nothing is known of them.
    pub(super) tasks: Result<Vec<Sighting>, String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Finished,
    OnCluster,
    Running,
    /// The queue cannot be asked.
    NotKnown,
    NotCollected,
    Stopped,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::OnCluster => "on the cluster",
            Self::Running => "running",
            Self::NotKnown => "not known",
            Self::NotCollected => "trained, not collected",
            Self::Stopped => "stopped",
        }
    }

    /// Whether nobody works on it any more.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::NotCollected | Self::Stopped)
    }
}

/// A run at one moment.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) run: AttendedRun,
    pub(super) rows: usize,
    pub(super) failed: usize,
    /// Jobs that are over.
    pub(super) jobs: usize,
    pub(super) queue: Option<Rc<Queue>>,
    root: PathBuf,
}

impl Seen {
    /// Looks at the run in `root`; `follow` reads on in its journals. `known` is what the queue was a moment ago;
    /// without it the cluster is asked.
    ///
    /// # Errors
    /// There is no run, or a file of it cannot be read.
    pub(super) fn look(root: &Path, follow: &mut Follow, known: Option<Option<Rc<Queue>>>) -> Result<Self, Failure> {
        let run = AttendedRun::read(root).map_err(RunError::from)?;
        let finished = run.manifest.state == RunState::Finished;
        let queue = match known {
            Some(queue) => queue.filter(|_| !finished),
            None => Record::read(&run.dir)?.filter(|_| !finished).map(|record| {
                let tasks = slurm::queue(&record).unwrap_or_else(|_| Err("there is no squeue on this host".to_owned()));
                Rc::new(Queue { record, tasks })
            }),
        };
        let counts = &run.manifest.counts;
        let (mut rows, mut failed, mut jobs) = (counts.rows, counts.failed, run.plan.jobs.len());
        if !finished {
            follow.read().map_err(|why| RunDirError::Io { path: run.dir.jobs(), why })?;
            (rows, failed, jobs) = follow.count(&run.plan);
        }
        Ok(Self { run, rows, failed, jobs, queue, root: root.to_owned() })
    }

    /// Rows that there are to be. Of what journals count while it goes on: those that go on at a rung again.
    pub(super) fn total(&self) -> usize {
        let plan = &self.run.plan;
        if self.run.manifest.state == RunState::Finished { plan.rows() } else { plan.trainings() }
    }

    /// What happens just now.
    pub(super) fn state(&self) -> State {
        let queue = self.queue.as_deref();
        let queued = queue.and_then(|queue| queue.tasks.as_ref().ok());
        let locked = RunDir::is_locked(&self.root);
        if self.run.manifest.state == RunState::Finished {
            State::Finished
        } else if queued.is_some_and(|tasks| tasks.iter().any(|task| task.state.is_live())) {
            State::OnCluster
        } else if locked {
            State::Running
        } else if queue.is_some_and(|queue| queue.tasks.is_err()) {
            State::NotKnown
        } else if self.rows == self.total() {
            State::NotCollected
        } else {
            State::Stopped
        }
    }
}
