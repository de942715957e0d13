//! `slurm/launch.json`: what was submitted for a run, so that a later process finds it.

use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

use focalsweep_core::plan::{Job, Plan, Trials};
use focalsweep_core::record::{RunDir, RunDirError};
use focalsweep_core::spec::STACK;

/// The file's name in the run directory.
pub(super) const FILE: &str = "slurm/launch.json";

/// Everything that was submitted for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// How the names of its Slurm jobs begin; no other run has it.
    pub name: String,
    /// Jobs of the plan before those of its first task: each wave is launched by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first: usize,
    /// What trains its jobs: each trainer of a wave is launched by itself.
    #[serde(default = "stack", skip_serializing_if = "is_stack")]
    pub trainer: String,
    /// Jobs of the plan that a task trains.
    pub pack: usize,
    /// Arrays in the order of their submission.
    pub submissions: Vec<Submission>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn stack() -> String {
    STACK.to_owned()
}

fn is_stack(trainer: &str) -> bool {
    trainer == STACK
}

/// The jobs from the one at `first` on that `trainer` trains.
pub fn jobs_of_trainer<'a>(
    (plan, trials): (&'a Plan, &Trials),
    first: usize,
    trainer: &str,
) -> impl Iterator<Item = &'a Job> {
    let jobs = plan.jobs.get(first..).unwrap_or_default().iter();
    jobs.filter(move |job| {
        if trials.is_of_command(job.first) { trials.get(job.first).trainer() == trainer } else { trainer == STACK }
    })
}

/// One job array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Its Slurm job name. It is written down before sbatch runs and is in use once, so an array whose id never came
    /// back (the controller's answer was lost) is found by it instead of being submitted twice.
    pub name: String,
    /// Its tasks, as `--array` has them.
    pub tasks: String,
    /// Slurm's id of the array.
    pub job: Option<u64>,
}

impl Record {
    /// What was submitted for the run in `dir`; `None` before the first time.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn read(dir: &RunDir) -> Result<Option<Self>, RunDirError> {
        dir.read_sealed(FILE)
    }

    /// The jobs of a task.
    pub fn jobs_of<'a>(&self, planned: (&'a Plan, &Trials), task: usize) -> Vec<&'a Job> {
        let pack = self.pack.max(1);
        jobs_of_trainer(planned, self.first, &self.trainer).skip(task.saturating_mul(pack)).take(pack).collect()
    }

    /// The record of a trainer's part of a wave of the sweep `sweep`, for which nothing was submitted yet.
    pub(super) fn new(sweep: &str, (first, trainer): (usize, &str), pack: usize) -> Self {
        let fits = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let sweep: String = sweep.chars().map(fits).take(60).collect();
        let random = RandomState::new().hash_one(&sweep) as u32;
        let name = format!("focalsweep-{sweep}-{random:08x}");
        Self { name, first, trainer: trainer.to_owned(), pack, submissions: Vec::new() }
    }

    /// Writes the file.
    pub(super) fn write(&self, dir: &RunDir) -> Result<(), RunDirError> {
        dir.write_sealed(FILE, self)
    }

    /// Notes that tasks are about to be submitted and gives the name for it.
    pub(super) fn intend(&mut self, tasks: &[usize]) -> String {
        let name = format!("{}-{}", self.name, self.submissions.len() + 1);
        self.submissions.push(Submission { name: name.clone(), tasks: ranges(tasks), job: None });
        name
    }

    /// Ids of the arrays, as far as they are known.
    pub fn jobs(&self) -> impl Iterator<Item = u64> {
        self.submissions.iter().filter_map(|submission| submission.job)
    }
}

/// Ascending numbers as `--array` takes them: `0-2,5`.
pub(super) fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let range = |(first, last)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    ranges.into_iter().map(range).collect::<Vec<_>>().join(",")
}
