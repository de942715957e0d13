//! Jobs on this machine: one rayon worker a slot, the next job for whoever is free.

use std::collections::VecDeque;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rayon::ThreadPoolBuilder;

use super::error::{LaunchError, save};
use super::event::Tally;
use super::job::{Work, run_job};
use crate::results::{Journals, RunDirError, State};
use crate::train;

/// How often people are told when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// Runs what is missing of `work` and returns when all jobs are over or the stop flag has ended them. `watch` is called in
/// this thread, after each event and at every tick.
///
/// # Errors
/// A result could not be saved, or no worker could start.
pub fn run(work: &Work<'_>, mut watch: impl FnMut(&Tally)) -> Result<Tally, LaunchError> {
    let mut queue = Vec::new();
    let (mut done, mut failed) = (0, 0);
    let journals = Journals::list(&work.dir.jobs()).map_err(|e| RunDirError::io(&work.dir.jobs(), e))?;
    for job in &work.plan.jobs {
        let entries = journals.of(&job.job_id).map_err(|e| save(job, e))?;
        done += entries.len();
        failed += entries.iter().filter(|kept| kept.entry.row.state == State::Failed).count();
        if entries.len() < job.count {
            queue.push(job);
        }
    }
    let mut tally = Tally::new(
        work.plan.jobs.len(),
        work.plan.jobs.len() - queue.len(),
        work.plan.trials * work.plan.replicates as usize,
        done,
        failed,
    );
    queue.sort_by_key(|job| std::cmp::Reverse(job.count)); // largest first, so that the end is even
    let queue = Mutex::new(VecDeque::from(queue));
    let broken: Mutex<Option<LaunchError>> = Mutex::new(None);
    let workers = work.slots.len();
    let pool = ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|index| format!("worker-{index}"))
        .start_handler(|_| train::device::use_one_thread())
        .build()
        .map_err(|why| LaunchError::Threads { workers, why })?;
    watch(&tally);
    let (sender, events) = mpsc::channel();
    pool.in_place_scope(|scope| {
        for &device in work.slots {
            let (sender, queue, broken) = (sender.clone(), &queue, &broken);
            scope.spawn(move |_| {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(job) = next() {
                    let stopped =
                        work.stop.requested() || broken.lock().unwrap_or_else(PoisonError::into_inner).is_some();
                    if stopped {
                        break;
                    }
                    if let Err(error) = run_job(work, job, device, &sender) {
                        broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            });
        }
        drop(sender);
        loop {
            match events.recv_timeout(TICK) {
                Ok(event) => tally.take(&event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            watch(&tally);
        }
    });
    match broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(tally),
    }
}
