//! From a spec to what is to be trained: data at hand, devices chosen, jobs planned.

use std::fs;
use std::sync::Arc;
use std::thread::available_parallelism;

use rayon::prelude::*;
use tch::Device;

use super::spec::trials;
use crate::data::{self, DownloadProgress, Replicate, Source};
use crate::launch::devices::{self, NoDevice};
use crate::launch::slurm;
use crate::output::{self, Failure};
use crate::plan::{Plan, Sizes, Trials};
use crate::spec::{Devices, Spec};
use crate::train;

/// Share of the free memory that stacks may take together.
const MEMORY_SHARE: f64 = 0.5;

/// Bytes that a job of a cluster is taken to have where `launch.slurm.mem` does not say.
const MEMORY_OF_JOB: u64 = 2 << 30;

/// Everything that a run needs to know before it begins.
pub(super) struct Workload {
    pub(super) trials: Trials,
    pub(super) source: Source,
    pub(super) replicates: Vec<Arc<Replicate>>,
    pub(super) slots: Vec<Device>,
    pub(super) sizes: Sizes,
    pub(super) plan: Plan,
}

impl Workload {
    /// Fetches, reads and prepares the data, and plans the jobs, for this machine or for tasks of a cluster. Nothing is
    /// written but a fetched source.
    pub(super) fn new(spec: &Spec, cluster: bool, progress: &mut dyn DownloadProgress) -> Result<Self, Failure> {
        let trials = trials(spec)?;
        train::device::start();
        let cores = available_parallelism().map_or(1, usize::from);
        let (slots, workers, memory) = if cluster {
            let (workers, memory) = on_cluster(spec);
            (Vec::new(), workers, memory)
        } else {
            let slots = slots(&spec.launch.devices, cores)?;
            let workers = slots.len();
            (slots, workers, (free_memory() as f64 * MEMORY_SHARE) as u64)
        };
        data::fetch(&spec.data, progress).map_err(Failure::input)?;
        let source = data::load(&spec.data).map_err(Failure::input)?;
        let replicates = (0..spec.replicates)
            .into_par_iter()
            .map(|replicate| data::prepare(&source, &spec.data, &spec.split, spec.seed, replicate).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Failure::input)?;
        let sizes = Sizes {
            features: replicates.iter().map(|r| r.features.len()).max().unwrap_or(0),
            rows: source.labels.len(),
            workers,
            memory,
        };
        let plan = Plan::new(&trials, spec.replicates, &sizes);
        Ok(Self { trials, source, replicates, slots, sizes, plan })
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

/// Jobs that run at once on a cluster, and bytes for all of them.
fn on_cluster(spec: &Spec) -> (usize, u64) {
    let asked = spec.launch.slurm.clone().unwrap_or_default();
    let workers = slurm::workers(&asked);
    let of_job = slurm::memory(&asked).map_or(MEMORY_OF_JOB, |task| task / u64::from(slurm::slots(&asked).max(1)));
    (workers, (of_job as f64 * MEMORY_SHARE) as u64 * workers as u64)
}

/// The devices that jobs may use here, one a job that runs at once.
pub(super) fn slots(asked: &Devices, cores: usize) -> Result<Vec<Device>, Failure> {
    devices::slots(asked, cores, train::device::cuda_devices()).map_err(|error| match error {
        NoDevice::Unknown { .. } => Failure::input(error),
        NoDevice::Missing { .. } => Failure::environment(error),
    })
}

/// 26217 as `26,217`.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes that the system can still give (MemAvailable of proc(5)); 4 GiB where that is not known.
fn free_memory() -> u64 {
    let kib = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    kib.map_or(4 << 30, |kib| kib * 1024)
}
