//! The children of a run: one a GPU for all of its slots, one a slot on cores, each started when it is first needed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use focalsweep_core::device::Device;
use focalsweep_core::plan::Job;
use focalsweep_engine::job::{Event, JobEnd, RunOrder, Stop};

use super::find::find_torch;
use super::worker::TorchWorker;
use crate::launch::{LaunchError, PoolDevice};

/// The children of a run.
#[derive(Debug)]
pub(crate) struct TorchPool {
    path: PathBuf,
    run_dir: PathBuf,
    /// By the first slot that a child serves.
    workers: Vec<Mutex<Option<Arc<TorchWorker>>>>,
    /// Of each slot, the slot whose child serves it.
    served_by: Vec<usize>,
}

impl TorchPool {
    /// For the slots of `pool`, numbered device after device; nothing is started yet.
    ///
    /// # Errors
    /// There is no `focalsweep-torch`.
    pub(crate) fn new(pool: &[PoolDevice], run_dir: &Path) -> Result<Self, LaunchError> {
        let mut served_by = Vec::new();
        for device in pool {
            let first = served_by.len();
            let shared = device.device != Device::Cpu;
            served_by.extend((first..first + device.slots).map(|slot| if shared { first } else { slot }));
        }
        let workers = served_by.iter().map(|_| Mutex::default()).collect();
        // The child has a working directory of its own some day; a path that holds anywhere costs nothing.
        let run_dir = std::path::absolute(run_dir).unwrap_or_else(|_| run_dir.to_owned());
        Ok(Self { path: find_torch()?, run_dir, workers, served_by })
    }

    /// Runs a job of `slot` to its end, in its child.
    ///
    /// # Errors
    /// The child does not start, or a result could not be kept.
    pub(crate) fn run(
        &self,
        slot: usize,
        on: &PoolDevice,
        job: &Job,
        stop: &Stop,
        events: &dyn Fn(Event),
    ) -> Result<JobEnd, LaunchError> {
        let worker = self.worker(slot, on)?;
        let (run_dir, job, model) = (self.run_dir.clone(), job.clone(), on.model.clone());
        let end = worker.run(RunOrder { slot, run_dir, job, device: on.device, model }, stop, events)?;
        if matches!(end, JobEnd::OutOfMemory(_) | JobEnd::DeviceFailed(_)) {
            self.retire(slot, &worker);
        }
        Ok(end)
    }

    /// The slot's child, a new one where the last has ended.
    fn worker(&self, slot: usize, on: &PoolDevice) -> Result<Arc<TorchWorker>, LaunchError> {
        let first = self.served_by[slot];
        let mut place = self.workers[first].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = place.as_ref().filter(|worker| !worker.has_ended()) {
            return Ok(Arc::clone(worker));
        }
        if let Some(old) = place.take() {
            old.end(); // what it had of the device is free before another asks for it
        }
        let name = if on.device == Device::Cpu { format!("torch-{slot}") } else { format!("torch-{}", on.name()) };
        let worker = Arc::new(TorchWorker::start(&self.path, on.device, name)?);
        *place = Some(Arc::clone(&worker));
        Ok(worker)
    }

    /// Sees a child off that is of no use any more, before another takes its place.
    fn retire(&self, slot: usize, worker: &Arc<TorchWorker>) {
        let mut place = self.workers[self.served_by[slot]].lock().unwrap_or_else(PoisonError::into_inner);
        worker.end();
        if place.as_ref().is_some_and(|there| Arc::ptr_eq(there, worker)) {
            *place = None;
        }
    }
}
