//! Which task is to be submitted, waited for or given up. Pure: sightings and progress in, decisions out.

use super::squeue::{Exit, Sighting, State};

/// Times that a task is submitted again after something that was not its fault, without having come further.
const PATIENCE: u32 = 3;
/// Times after something that may have been its fault.
const LITTLE_PATIENCE: u32 = 1;
/// Looks at the queue and the journals after a task is over before it is judged: a shared file system may show its last
/// lines late, and a task that was just submitted may not be listed yet.
const SETTLE: u32 = 3;

/// How far a task has come: rows on disk, and updates of its checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Mark {
    /// Rows in the journals.
    pub(super) rows: usize,
    /// Sum over its jobs of the furthest checkpoint's updates.
    pub(super) updates: u64,
}

/// What the tracker knows of a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// To be submitted.
    ToSubmit,
    /// Submitted, and not over as far as is known.
    Live(Option<Sighting>),
    /// Over with rows missing; judged after some more looks.
    Settling(Over, u32),
    /// Every row is there.
    Done,
    /// Not submitted again in this run of the launcher.
    GivenUp(Over),
}

/// How a task ended that has rows missing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Over {
    /// Slurm says how.
    Seen(Sighting),
    /// It is not in the records; `running`: it was last seen on a node.
    Gone {
        /// Whether it was last seen on a node.
        running: bool,
    },
    /// sbatch did not take it.
    Refused,
}

/// A task of the array.
#[derive(Debug, Clone)]
struct Task {
    wanted: usize,
    phase: Phase,
    /// How far it had come when it was last judged.
    mark: Mark,
    /// Submissions after the first that brought nothing.
    in_vain: u32,
}

/// All tasks of a run.
#[derive(Debug)]
pub(super) struct Tracker {
    tasks: Vec<Task>,
    /// Whether the queue could not be read since the last look that could.
    outage: bool,
    /// Before the first look: tasks that are not live are submitted, however they ended before.
    first: bool,
}

impl Tracker {
    /// Tasks by the number of rows that each is to bring.
    pub(super) fn new(wanted: &[usize]) -> Self {
        let task = |&wanted: &usize| Task { wanted, phase: Phase::ToSubmit, mark: Mark::default(), in_vain: 0 };
        Self { tasks: wanted.iter().map(task).collect(), outage: false, first: true }
    }

    /// Takes in a look at the queue (`None`: it could not be read) and how far each task has come. `mark` is asked for
    /// tasks that are over.
    pub(super) fn look(&mut self, queue: Option<&[Sighting]>, rows: &[usize], mark: impl Fn(usize) -> Mark) {
        for (task, &rows) in self.tasks.iter_mut().zip(rows) {
            if rows >= task.wanted {
                task.phase = Phase::Done;
            }
        }
        let Some(queue) = queue else {
            self.outage = true;
            return;
        };
        let outage = std::mem::take(&mut self.outage);
        let first = std::mem::take(&mut self.first);
        for (number, task) in self.tasks.iter_mut().enumerate() {
            if matches!(task.phase, Phase::Done | Phase::GivenUp(_)) {
                continue;
            }
            // A copy that lives counts more than one that is over, the newest array more than those before it.
            let seen = queue.iter().filter(|s| s.task == number).max_by_key(|s| (s.state.is_live(), s.array_job));
            task.phase = match (std::mem::replace(&mut task.phase, Phase::ToSubmit), seen) {
                (_, Some(seen)) if seen.state.is_live() => Phase::Live(Some(seen.clone())),
                (Phase::ToSubmit, _) => Phase::ToSubmit,
                (_, Some(_)) if first => Phase::ToSubmit,
                (Phase::Settling(_, looks), Some(seen)) => Phase::Settling(Over::Seen(seen.clone()), looks + 1),
                (_, Some(seen)) => Phase::Settling(Over::Seen(seen.clone()), 0),
                (Phase::Settling(over, looks), None) => Phase::Settling(over, looks + 1),
                (Phase::Live(last), None) => {
                    // After an outage of the controller nobody knows: as if it had been running.
                    let running = outage || last.is_some_and(|last| last.state == State::Running);
                    Phase::Settling(Over::Gone { running }, 0)
                }
                (phase @ (Phase::Done | Phase::GivenUp(_)), None) => phase,
            };
            if let Phase::Settling(over, looks) = &task.phase
                && *looks >= SETTLE
            {
                let now = mark(number);
                if now > task.mark {
                    (task.mark, task.in_vain) = (now, 0);
                }
                task.phase = if task.in_vain < patience(over) {
                    task.in_vain += 1;
                    Phase::ToSubmit
                } else {
                    Phase::GivenUp(over.clone())
                };
            }
        }
    }

    /// What accounting knows of a task that is gone from the queue's records.
    pub(super) fn recall(&mut self, sighting: &Sighting) {
        if let Some(task) = self.tasks.get_mut(sighting.task)
            && let Phase::Settling(over @ Over::Gone { .. }, _) = &mut task.phase
            && !sighting.state.is_live()
        {
            *over = Over::Seen(sighting.clone());
        }
    }

    /// Numbers of the tasks that are to be submitted.
    pub(super) fn to_submit(&self) -> Vec<usize> {
        self.numbers(|phase| matches!(phase, Phase::ToSubmit))
    }

    /// Numbers of the tasks whose end is not in the queue's records.
    pub(super) fn gone(&self) -> Vec<usize> {
        self.numbers(|phase| matches!(phase, Phase::Settling(Over::Gone { .. }, 0)))
    }

    fn numbers(&self, which: impl Fn(&Phase) -> bool) -> Vec<usize> {
        self.tasks.iter().enumerate().filter(|(_, task)| which(&task.phase)).map(|(number, _)| number).collect()
    }

    /// Notes that tasks were submitted.
    pub(super) fn submitted(&mut self, tasks: &[usize]) {
        for &number in tasks {
            if let Some(task) = self.tasks.get_mut(number) {
                task.phase = Phase::Live(None);
            }
        }
    }

    /// Notes that tasks cannot be submitted.
    pub(super) fn refused(&mut self, tasks: &[usize]) {
        for &number in tasks {
            if let Some(task) = self.tasks.get_mut(number) {
                task.phase = Phase::GivenUp(Over::Refused);
            }
        }
    }

    /// The phase of each task.
    pub(super) fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.tasks.iter().map(|task| &task.phase)
    }

    /// Whether any task is in the queue, on a node, or about to be judged.
    pub(super) fn any_live(&self) -> bool {
        self.phases().any(|phase| matches!(phase, Phase::Live(_) | Phase::Settling(..)))
    }

    /// Whether nothing is left to wait for or to submit.
    pub(super) fn is_over(&self) -> bool {
        self.phases().all(|phase| matches!(phase, Phase::Done | Phase::GivenUp(_)))
    }
}

/// How often a task that ended so is submitted again without having come further.
fn patience(over: &Over) -> u32 {
    let Over::Seen(seen) = over else {
        // Last seen waiting and gone: cancelled in the queue, which leaves no record.
        return if *over == (Over::Gone { running: true }) { PATIENCE } else { 0 };
    };
    match seen.state {
        State::Timeout | State::NodeFail | State::Preempted => PATIENCE,
        State::Cancelled | State::OutOfMemory => 0,
        State::Failed => match seen.exit {
            Exit { code: 130, .. } => PATIENCE, // asked to stop by a signal
            Exit { code: 2 | 3, .. } => 0,      // the worker says that it cannot, and why
            Exit { .. } => LITTLE_PATIENCE,
        },
        State::Completed | State::Waiting | State::Running => LITTLE_PATIENCE,
    }
}

/// In a few words, why a task was given up.
pub(super) fn describe(over: &Over) -> String {
    match over {
        Over::Refused => "refused by sbatch".to_owned(),
        Over::Gone { running: false } => {
            "gone from the queue without a record: cancelled while it waited, as far as can be told".to_owned()
        }
        Over::Gone { running: true } => "gone from Slurm's records".to_owned(),
        Over::Seen(seen) => {
            let node = if seen.node.is_empty() { String::new() } else { format!(" on {}", seen.node) };
            match seen.state {
                State::Cancelled => format!("cancelled{node}"),
                State::OutOfMemory => format!("out of memory{node}; ask for more with launch.slurm.mem"),
                State::Timeout => format!("hit its time limit{node} without coming further; see launch.slurm.time"),
                State::NodeFail => format!("its node failed ({}){node}", seen.word),
                State::Preempted => format!("preempted{node}"),
                State::Failed if seen.exit.signal != 0 => {
                    let memory = if seen.exit.signal == 9 { ", perhaps for lack of memory" } else { "" };
                    format!("killed by signal {}{node}{memory}", seen.exit.signal)
                }
                State::Failed => format!("exit code {}{node}", seen.exit.code),
                State::Completed | State::Waiting | State::Running => {
                    format!("{} with rows missing{node}", seen.word.to_lowercase())
                }
            }
        }
    }
}
