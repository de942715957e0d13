//! What squeue and sacct say, parsed. Pure: text in, sightings out.

/// Fields that are asked of squeue; each ends in a bar, so that empty ones are seen.
pub(super) const FIELDS: &str =
    "ArrayJobID:|,ArrayTaskID:|,State:|,exit_code:|,NodeList:|,RestartCnt:|,Name:|,Reason:|";

/// A task as the cluster sees it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The array's job id.
    pub array_job: u64,
    /// Index in the array.
    pub task: usize,
    /// Its state.
    pub state: State,
    /// Slurm's own word for the state.
    pub word: String,
    /// How its batch script ended; 0 while it runs. For people: states are judged before codes, since a failed node
    /// gives 0 and a cancelled task 15.
    pub exit: Exit,
    /// Where it runs or ran.
    pub node: String,
    /// How often it was queued again.
    pub restarts: u32,
    /// Name of the array's job.
    pub name: String,
    /// Why it waits, or why it ended.
    pub reason: String,
}

/// A wait status as Slurm keeps it: exit code above 8 bits of signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exit {
    /// Exit code.
    pub code: u8,
    /// Signal that ended it, 0 if none did.
    pub signal: u8,
}

/// What a state means for the launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In the queue.
    Waiting,
    /// On a node, or on its way there or back.
    Running,
    /// Over, its script having returned 0.
    Completed,
    /// Over, its script having returned something else.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// The time limit.
    Timeout,
    /// More memory than was asked for.
    OutOfMemory,
    /// The node or the start on it failed.
    NodeFail,
    /// Another job took its place.
    Preempted,
}

impl State {
    /// Of a word of squeue or sacct; a word that is not known counts as running, so that nothing is doubled.
    fn of(word: &str) -> Self {
        match word {
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD" | "SPECIAL_EXIT" => Self::Waiting,
            "COMPLETED" => Self::Completed,
            "FAILED" => Self::Failed,
            "CANCELLED" | "REVOKED" => Self::Cancelled,
            "TIMEOUT" | "DEADLINE" => Self::Timeout,
            "OUT_OF_MEMORY" => Self::OutOfMemory,
            "NODE_FAIL" | "BOOT_FAIL" => Self::NodeFail,
            "PREEMPTED" => Self::Preempted,
            _ => Self::Running,
        }
    }

    /// Whether the task is in the queue or on a node.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// Reads lines of `squeue -h -r -O` with [`FIELDS`]. Lines that are not of an array's task are left out.
pub(super) fn parse(text: &str) -> Vec<Sighting> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Sighting> {
    let fields: Vec<&str> = line.splitn(8, '|').collect();
    let [array_job, task, word, status, node, restarts, name, reason] = fields[..] else { return None };
    let status: u32 = status.trim().parse().unwrap_or(0);
    Some(Sighting {
        array_job: array_job.trim().parse().ok()?,
        task: task.trim().parse().ok()?,
        state: State::of(word.trim()),
        word: word.trim().to_owned(),
        exit: Exit { code: (status >> 8) as u8, signal: (status & 0x7f) as u8 },
        node: node.trim().to_owned(),
        restarts: restarts.trim().parse().unwrap_or(0),
        name: name.trim().to_owned(),
        reason: reason.trim().trim_end_matches('|').to_owned(),
    })
}

/// Reads lines of `sacct -X -n -P -o JobID,State,ExitCode,NodeList`, for tasks that squeue has forgotten.
pub(super) fn parse_sacct(text: &str) -> Vec<Sighting> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('|').collect();
        let [id, word, exit, node] = fields[..] else { return None };
        let (array_job, task) = id.split_once('_')?;
        let (code, signal) = exit.split_once(':')?;
        let word = word.split(' ').next().unwrap_or_default(); // `CANCELLED by 1000`
        Some(Sighting {
            array_job: array_job.parse().ok()?,
            task: task.parse().ok()?, // not `[3-9]`: those are pending, squeue has them
            state: State::of(word),
            word: word.to_owned(),
            exit: Exit { code: code.parse().ok()?, signal: signal.parse().ok()? },
            node: node.to_owned(),
            restarts: 0,
            name: String::new(),
            reason: String::new(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// `3 running, 9 waiting (Resources)`.
pub fn in_words(seen: &[Sighting]) -> String {
    let count = |state: State| seen.iter().filter(|sighting| sighting.state == state).count();
    let mut words = format!("{} running", count(State::Running));
    let mut reasons: Vec<&str> =
        seen.iter().filter(|s| s.state == State::Waiting && s.reason != "None").map(|s| s.reason.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    match (count(State::Waiting), reasons.is_empty()) {
        (0, _) => {}
        (waiting, true) => words += &format!(", {waiting} waiting"),
        (waiting, false) => words += &format!(", {waiting} waiting ({})", reasons.join(", ")),
    }
    words
}
