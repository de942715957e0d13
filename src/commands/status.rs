//! `status`: how far a run is, from its journals and the cluster's queue. Writes nothing and locks nothing.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::seen::{Queue, Seen, State};
use super::spec::closed;
use crate::cli::{PlanFormat, StatusArgs};
use crate::launch::Follow;
use crate::launch::slurm::{self, Sighting, in_words};
use crate::output::{self, Failure};
use focalsweep_core::record::RunDir;
use focalsweep_core::shell::quoted;
use focalsweep_report::thousands;

/// Tasks that are told of one by one.
const TASKS: usize = 20;

pub(super) fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let mut follow = Follow::new(RunDir::attend(&args.run_dir).jobs());
    let seen = Seen::look(&args.run_dir, &mut follow, None)?;
    let status = Status { seen: &seen, follow: &follow, root: &args.run_dir };
    match args.format {
        PlanFormat::Table => output::lines(&status.text()),
        PlanFormat::Json => output::data(&format!("{:#}", status.json())),
    }
    .map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// A run at one moment, to be told of.
pub(super) struct Status<'a> {
    pub(super) seen: &'a Seen,
    pub(super) follow: &'a Follow,
    pub(super) root: &'a Path,
}

impl Status<'_> {
    /// In lines for people.
    pub(super) fn text(&self) -> String {
        let (seen, state) = (self.seen, self.seen.state());
        let mut lines = vec![format!(
            "{}: {}; {} of {} rows of results done, {} failed; {} of {} jobs",
            seen.run.manifest.name,
            state.word(),
            thousands(seen.rows),
            thousands(seen.total()),
            seen.failed,
            seen.jobs,
            seen.run.plan.jobs.len()
        )];
        if let Some((auc, trial)) = self.follow.best() {
            lines.push(format!("  best val_auc {auc:.4} ({trial})"));
        }
        if let Some(queue) = self.queue() {
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
        if matches!(state, State::Stopped | State::NotCollected | State::OnCluster) {
            let what = if state == State::OnCluster { "waits for it and collects" } else { "goes on with it" };
            lines.push(format!("  `focalsweep run SPEC --resume --out {}` {what}", quoted(self.root)));
        }
        lines.join("\n")
    }

    fn queue(&self) -> Option<&Queue> {
        self.seen.queue.as_deref()
    }

    /// Tasks on a node, and those that are over with rows missing.
    fn matters(&self, task: &Sighting) -> bool {
        let Some(queue) = self.queue() else { return false };
        let (done, wanted) = self.rows_of(queue, task.task);
        task.state == slurm::State::Running || (!task.state.is_live() && done < wanted)
    }

    fn rows_of(&self, queue: &Queue, task: usize) -> (usize, usize) {
        let jobs = queue.record.jobs_of((&self.seen.run.plan, &self.seen.run.trials), task);
        let done = jobs.iter().map(|job| self.follow.rows(&job.job_id)).sum();
        (done, jobs.iter().map(|job| job.count).sum())
    }

    fn json(&self) -> Value {
        let seen = self.seen;
        let best = self.follow.best().map(|(auc, trial)| json!({"val_auc": auc, "trial": trial}));
        let slurm = self.queue().map(|queue| {
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
            "name": seen.run.manifest.name, "state": seen.state().word(),
            "rows": {"done": seen.rows, "failed": seen.failed, "total": seen.total()},
            "jobs": {"done": seen.jobs, "total": seen.run.plan.jobs.len()},
            "best": best, "slurm": slurm,
        })
    }
}
