//! How a launch ends: tasks cancelled where they are not wanted any more, and those that failed told of.

use std::thread;
use std::time::{Duration, Instant};

use super::End;
use super::command;
use super::error::SlurmError;
use super::launch::{LOOK_EVERY, Launch};
use super::queue::queue;
use super::squeue::{Sighting, State};
use super::track::{Over, Phase, describe};

/// How long tasks may take to leave the queue when all rows are there, or when they were cancelled.
const LEAVE: Duration = Duration::from_secs(60);
/// Lines of a task's log that are shown when it failed.
const LOG_LINES: usize = 5;
/// Failed tasks that are told of one by one: they mostly fail alike.
const TOLD: usize = 5;

impl Launch<'_> {
    /// Cancels all tasks and waits until they have left.
    pub(super) fn cancel(&mut self) -> Result<(), SlurmError> {
        let started = Instant::now();
        let mut asked = false;
        while started.elapsed() < LEAVE {
            if !asked {
                asked = self.scancel();
            }
            if let Ok(Ok(seen)) = queue(&self.record) {
                self.note_ids(&seen)?;
                let live = seen.iter().any(|sighting| sighting.state.is_live());
                self.seen = seen;
                if asked && !live {
                    return Ok(());
                }
            }
            thread::sleep(LOOK_EVERY / 3);
        }
        tracing::warn!("tasks are still in the queue {} s after they were cancelled", LEAVE.as_secs());
        Ok(())
    }

    fn scancel(&self) -> bool {
        let jobs: Vec<String> = self.record.jobs().map(|job| job.to_string()).collect();
        // An id that is over is no error of scancel's in all versions; what counts is what the queue says after it.
        match command::run("scancel", jobs) {
            Ok(said) => {
                if !said.words.is_empty() {
                    tracing::info!(words = said.words, "scancel");
                }
                said.ok || said.words.contains("Invalid job id")
            }
            Err(_) => false,
        }
    }

    /// Makes sure that nobody trains any more, and says how it ended.
    pub(super) fn end(&mut self) -> Result<End, SlurmError> {
        let given_up: Vec<(usize, Over)> = self
            .tracker
            .phases()
            .enumerate()
            .filter_map(|(task, phase)| match phase {
                Phase::GivenUp(over) => Some((task, over.clone())),
                _ => None,
            })
            .collect();
        // Copies of tasks whose rows are all there, and workers that are about to end.
        let started = Instant::now();
        while started.elapsed() < LOOK_EVERY * 2 && self.seen.iter().any(|sighting| sighting.state.is_live()) {
            thread::sleep(LOOK_EVERY / 3);
            if let Ok(Ok(seen)) = queue(&self.record) {
                self.seen = seen;
            }
        }
        if self.seen.iter().any(|sighting| sighting.state.is_live()) {
            self.cancel()?;
        }
        if given_up.is_empty() {
            return Ok(End::Done);
        }
        let cancelled = |over: &Over| match over {
            Over::Seen(seen) => seen.state == State::Cancelled,
            Over::Gone { running } => !running,
            Over::Refused => false,
        };
        if given_up.iter().all(|(_, over)| cancelled(over)) {
            return Ok(End::Cancelled);
        }
        let tell = |(task, over): &(usize, Over)| {
            let log = match over {
                Over::Seen(seen) => self.log_end(seen),
                _ => String::new(),
            };
            format!("task {task} ({}): {}{log}", self.jobs_of(*task), describe(over))
        };
        let failed: Vec<&(usize, Over)> = given_up.iter().filter(|(_, over)| !cancelled(over)).collect();
        let mut told: Vec<String> = failed.iter().take(TOLD).copied().map(tell).collect();
        if failed.len() > TOLD {
            told.push(format!("and {} more tasks, whose logs are in slurm/", failed.len() - TOLD));
        }
        Err(SlurmError::Tasks(told))
    }

    /// The last lines that a task said.
    fn log_end(&self, seen: &Sighting) -> String {
        let name = format!("slurm/{}_{}.log", seen.array_job, seen.task);
        let text = std::fs::read(self.cluster.dir.path(&name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() {
            return format!("; {name} is empty");
        }
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| format!("\n    {line}"));
        format!("; {name} ends in{}", last.collect::<String>())
    }
}
