//! From a spec to what is to be trained: data at hand, devices chosen, jobs planned.

use std::sync::Arc;

use rayon::prelude::*;

use super::spec::trials;
use crate::launch::devices::{self, NoDevice, Trainer};
use crate::launch::torch::find_torch;
use crate::launch::{Host, PoolDevice, slurm};
use crate::output::{self, Failure};
use focalsweep_core::plan::{Plan, Sizes, Trials};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Backend, Devices, Spec};
use focalsweep_engine::data::{self, DownloadProgress, Source};
use focalsweep_report::thousands;

/// Everything that a run needs to know before it begins.
pub(super) struct Workload {
    pub(super) trials: Trials,
    pub(super) source: Source,
    pub(super) replicates: Vec<Arc<Replicate>>,
    pub(super) pool: Vec<PoolDevice>,
    pub(super) sizes: Sizes,
    pub(super) plan: Plan,
}

impl Workload {
    /// Fetches, reads and prepares the data, and plans the jobs, for this machine or for tasks of a cluster. Nothing is
    /// written but a fetched source.
    pub(super) fn new(spec: &Spec, cluster: bool, progress: &mut dyn DownloadProgress) -> Result<Self, Failure> {
        let trials = trials(spec)?;
        let pool = if cluster { Vec::new() } else { pool(spec, &Host::look())? };
        data::fetch(&spec.data, progress).map_err(Failure::input)?;
        let source = data::load(&spec.data).map_err(Failure::input)?;
        let replicates = (0..spec.replicates)
            .into_par_iter()
            .map(|replicate| data::prepare(&source, &spec.data, &spec.split, spec.seed, replicate).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Failure::input)?;
        let (rows, features) = (source.labels.len(), replicates.iter().map(|r| r.features.len()).max().unwrap_or(0));
        let sizes = if cluster {
            slurm::sizes(&spec.launch.slurm.clone().unwrap_or_default(), rows, features)
        } else {
            Sizes {
                features,
                rows,
                workers: pool.iter().map(|device| device.slots).sum(),
                memory: pool.iter().map(|device| device.memory).min().unwrap_or(0),
                stacking: devices::stacking(&pool),
            }
        };
        let plan = Plan::new(&trials, spec.replicates, &sizes);
        Ok(Self { trials, source, replicates, pool, sizes, plan })
    }

    /// What the data is, in a few lines.
    pub(super) fn describe_data(&self) {
        let positives = self.source.labels.iter().filter(|&&y| y == 1).count();
        let rows = self.source.labels.len();
        let share = 100.0 * positives as f64 / rows as f64;
        if let Some(first) = self.replicates.first() {
            let features = first.features.len();
            let (rows, positives) = (thousands(rows), thousands(positives));
            output::talk(&format!("data: {rows} rows, {positives} positive ({share:.2} %), {features} features"));
        }
        for note in self.notes() {
            output::talk(&format!("      {note}"));
        }
    }

    /// Notes of reading and preparing, each once.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.source.notes.clone();
        for note in self.replicates.first().map(|r| r.notes.as_slice()).unwrap_or_default() {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        notes
    }
}

/// The devices of `host` that the spec asks for, and what trains there.
pub(super) fn pool(spec: &Spec, host: &Host) -> Result<Vec<PoolDevice>, Failure> {
    let launch = &spec.launch;
    // `auto` takes the cores where there is no GPU to train on; where there is one but no libtorch that should be
    // known.
    let any = matches!(&launch.devices, Devices::Word(word) if word == "auto") && spec.train.backend != Backend::Fused;
    if any && host.libtorch.is_none() && !host.hidden_gpus.is_empty() {
        let why = host.no_cuda.as_deref().unwrap_or_default();
        tracing::warn!("no GPU is used: {why}");
    }
    let pool = devices::pool(&launch.devices, spec.train.backend, launch.slots_per_device, host);
    let pool = pool.map_err(|error| match error {
        NoDevice::Unknown { .. } | NoDevice::FusedOnGpu { .. } => Failure::input(error),
        NoDevice::Missing { .. } => Failure::environment(error),
    })?;
    if pool.iter().any(|device| device.trainer == Trainer::Libtorch) {
        find_torch().map_err(Failure::environment)?;
    }
    Ok(pool)
}
