//! Run directories as this process serves them: opened once, rows mapped once, and uploaded once for each device.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use focalsweep_core::device::Device;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::record::RunDirError;
use focalsweep_engine::job::AttendedRun;

use crate::backend::LibtorchOn;
use crate::device::LIBTORCH;

/// A run and a device that it trains on.
pub(crate) struct ServedRun {
    pub(crate) run: AttendedRun,
    pub(crate) backends: LibtorchOn,
    rows: Mutex<HashMap<u32, Arc<Replicate>>>,
}

/// Opens `root` for jobs on `device`, and leaves word of libtorch there.
pub(crate) fn open_served(root: &Path, device: Device) -> Result<ServedRun, RunDirError> {
    let device = match device {
        Device::Cpu => tch::Device::Cpu,
        Device::Cuda(index) => tch::Device::Cuda(index),
    };
    let run = AttendedRun::read(root)?;
    run.dir.note_libtorch(LIBTORCH)?;
    Ok(ServedRun { run, backends: LibtorchOn::new(device), rows: Mutex::default() })
}

impl ServedRun {
    /// The rows of a replicate.
    pub(crate) fn rows(&self, replicate: u32) -> Result<Arc<Replicate>, RunDirError> {
        let mut there = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = there.get(&replicate) {
            return Ok(Arc::clone(rows));
        }
        let rows = self.run.rows(replicate)?;
        there.insert(replicate, Arc::clone(&rows));
        Ok(rows)
    }
}
