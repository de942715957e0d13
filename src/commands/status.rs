//! `status`: how far a run is, from its journals and the cluster's queue. Writes nothing and locks nothing.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::spec::closed;
use crate::cli::{PlanFormat, StatusArgs};
use crate::launch::Follow;
use crate::launch::slurm::{self, Record, Sighting, in_words};
use crate::output::{self, Failure};
use crate::run::RunError;
use focalsweep_core::record::{RunDir, RunDirError, RunState};
use focalsweep_core::shell::quoted;
use focalsweep_engine::job::AttendedRun;
use focalsweep_report::thousands;

/// What is known of the cluster's side.
struct Queue {
    record: Record,
    /// Tasks, or why nothing is known of them.
    tasks: Result<Vec<Sighting>, String>,
}

/// Tasks that are told of one by one.
const TASKS: usize = 20;

pub(super) fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let run = AttendedRun::read(&args.run_dir).map_err(RunError::from)?;
    let finished = run.manifest.state == RunState::Finished;
    let record = Record::read(&run.dir)?.filter(|_| !finished);
    let queue = record.map(|record| {
        let tasks = slurm::queue(&record).unwrap_or_else(|_| Err("there is no squeue on this host".to_owned()));
        Queue { record, tasks }
    });
    let mut follow = Follow::new(run.dir.jobs());
    let (mut rows, mut failed, mut jobs) = (run.manifest.counts.rows, run.manifest.counts.failed, run.plan.jobs.len());
    if !finished {
        follow.read().map_err(|why| RunDirError::Io { path: run.dir.jobs(), why })?;
        (rows, failed, jobs) = follow.count(&run.plan);
    }
    let status = Status { run: &run, rows, failed, jobs, follow: &follow, queue: queue.as_ref(), root: &args.run_dir };
    match args.format {
        PlanFormat::Table => output::lines(&status.text()),
        PlanFormat::Json => output::data(&format!("{:#}", status.json())),
    }
    .map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

struct Status<'a> {
    run: &'a AttendedRun,
    rows: usize,
    failed: usize,
    jobs: usize,
    follow: &'a Follow,
    queue: Option<&'a Queue>,
    root: &'a Path,
}

impl Status<'_> {
    /// Of what journals count while it goes on: those that go on at a rung again.
    fn total(&self) -> usize {
        let plan = &self.run.plan;
        if self.run.manifest.state == RunState::Finished { plan.rows() } else { plan.trainings() }
    }

    /// A word for what happens just now.
    fn state(&self) -> &'static str {
        let locked = RunDir::is_locked(self.root);
        let queued = self.queue.and_then(|queue| queue.tasks.as_ref().ok());
        if self.run.manifest.state == RunState::Finished {
            "finished"
        } else if queued.is_some_and(|tasks| tasks.iter().any(|task| task.state.is_live())) {
            "on the cluster"
        } else if locked {
            "running"
        } else if self.queue.is_some_and(|queue| queue.tasks.is_err()) {
            "not known"
        } else if self.rows == self.total() {
            "trained, not collected"
        } else {
            "stopped"
        }
    }

    fn text(&self) -> String {
        let state = self.state();
        let mut lines = vec![format!(
            "{}: {state}; {} of {} rows of results done, {} failed; {} of {} jobs",
            self.run.manifest.name,
            thousands(self.rows),
            thousands(self.total()),
            self.failed,
            self.jobs,
            self.run.plan.jobs.len()
        )];
        if let Some((auc, trial)) = self.follow.best() {
            lines.push(format!("  best val_auc {auc:.4} ({trial})"));
        }
        if let Some(queue) = self.queue {
            let ids: Vec<String> = queue.record.jobs().map(|job| job.to_string()).collect();
            let ids = ids.join(", ");
            match &queue.tasks {
                Ok(tasks) => lines.push(format!("  Slurm job {ids}: {}", in_words(tasks))),
                Err(words) => lines.push(format!("  Slurm job {ids}: {words}")),
            }
            let tasks: Vec<&Sighting> = queue.tasks.iter().flatten().filter(|task| self.matters(task)).collect();
            for task in tasks.iter().take(TASKS) {
                let (done, wanted) = self.rows_of(queue, task.task);
                let mut line = format!("  task {:<5} {:<10}", task.task, task.word.to_lowercase());
                for (name, value) in [("on ", &task.node), ("", &task.reason)] {
                    if !value.is_empty() && value != "None" {
                        line += &format!(" {name}{value}");
                    }
                }
                if task.restarts > 0 {
                    line += &format!(", queued again {} times", task.restarts);
                }
                lines.push(format!("{line}, {done} of {wanted} rows, slurm/{}_{}.log", task.array_job, task.task));
            }
            if tasks.len() > TASKS {
                lines.push(format!("  and {} more such tasks; --format json has all", tasks.len() - TASKS));
            }
        }
        if ["stopped", "trained, not collected", "on the cluster"].contains(&state) {
            let what = if state == "on the cluster" { "waits for it and collects" } else { "goes on with it" };
            lines.push(format!("  `focalsweep run SPEC --resume --out {}` {what}", quoted(self.root)));
        }
        lines.join("\n")
    }

    /// Tasks on a node, and those that are over with rows missing.
    fn matters(&self, task: &Sighting) -> bool {
        let Some(queue) = self.queue else { return false };
        let (done, wanted) = self.rows_of(queue, task.task);
        task.state == slurm::State::Running || (!task.state.is_live() && done < wanted)
    }

    fn rows_of(&self, queue: &Queue, task: usize) -> (usize, usize) {
        let jobs = queue.record.jobs_of((&self.run.plan, &self.run.trials), task);
        let done = jobs.iter().map(|job| self.follow.rows(&job.job_id)).sum();
        (done, jobs.iter().map(|job| job.count).sum())
    }

    fn json(&self) -> Value {
        let best = self.follow.best().map(|(auc, trial)| json!({"val_auc": auc, "trial": trial}));
        let slurm = self.queue.map(|queue| {
            let task = |task: &Sighting| {
                let (done, wanted) = self.rows_of(queue, task.task);
                json!({
                    "task": task.task, "job": task.array_job, "state": task.word, "node": task.node,
                    "reason": task.reason, "restarts": task.restarts, "exit_code": task.exit.code,
                    "signal": task.exit.signal, "rows": done, "rows_wanted": wanted,
                })
            };
            json!({
                "jobs": queue.record.jobs().collect::<Vec<_>>(),
                "error": queue.tasks.as_ref().err(),
                "tasks": queue.tasks.iter().flatten().map(task).collect::<Vec<_>>(),
            })
        });
        json!({
            "name": self.run.manifest.name, "state": self.state(),
            "rows": {"done": self.rows, "failed": self.failed, "total": self.total()},
            "jobs": {"done": self.jobs, "total": self.run.plan.jobs.len()},
            "best": best, "slurm": slurm,
        })
    }
}
