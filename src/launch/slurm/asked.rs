//! What a task asks for, and so what stacks are cut for on a cluster that this process cannot see into. Pure.

use focalsweep_core::plan::{Sizes, Stacking};
use focalsweep_core::spec::{SlurmSpec, memory_of_task};

/// Tasks for which a sweep is cut where `array_parallelism` does not say.
const TASKS: u32 = 16;
/// Bytes that a job is taken to have where `mem` does not say, or says all that the node has.
const MEMORY_OF_JOB: u64 = 2 << 30;
/// Share of a job's memory that its stack may take.
const MEMORY_SHARE: f64 = 0.5;

/// What bounds the stacks of `rows` rows of `features` features each.
pub fn sizes(slurm: &SlurmSpec, rows: usize, features: usize) -> Sizes {
    let slots = slots(slurm);
    let workers = slurm.array_parallelism.unwrap_or(TASKS) as usize * slots as usize;
    let memory_of_job = memory(slurm).map_or(MEMORY_OF_JOB, |task| task / u64::from(slots));
    let memory = (memory_of_job as f64 * MEMORY_SHARE) as u64;
    let stacking = if gpus(slurm).is_some() { Stacking::GPU } else { Stacking::CORE };
    Sizes { features, rows, workers, memory, stacking }
}

/// Jobs that run at once in a task: one a GPU, or one a core.
pub(super) fn slots(slurm: &SlurmSpec) -> u32 {
    gpus(slurm).or(slurm.cpus_per_task).unwrap_or(1).max(1)
}

/// GPUs of a task, where it asks for any.
fn gpus(slurm: &SlurmSpec) -> Option<u32> {
    let gpus = slurm.gpus.as_deref().or(slurm.gres.as_deref().filter(|gres| gres.starts_with("gpu")));
    gpus.map(|gpus| gpus.rsplit(':').next().and_then(|count| count.parse().ok()).unwrap_or(1))
}

/// Bytes that a task may use, where the spec says. All memory of a node is as much as nobody here knows.
fn memory(slurm: &SlurmSpec) -> Option<u64> {
    slurm.mem.as_deref().and_then(memory_of_task).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_task_may_use() {
        let full = SlurmSpec {
            cpus_per_task: Some(8),
            mem: Some("32G".into()),
            gpus: Some("a100:2".into()),
            array_parallelism: Some(10),
            ..SlurmSpec::default()
        };
        let gpu = Sizes { features: 30, rows: 7, workers: 20, memory: 8 << 30, stacking: Stacking::GPU };
        assert_eq!(sizes(&full, 7, 30), gpu);
        let core = Sizes { features: 30, rows: 7, workers: 16, memory: 1 << 30, stacking: Stacking::CORE };
        assert_eq!(sizes(&SlurmSpec::default(), 7, 30), core);
        let gres = |gres: &str| SlurmSpec { gres: Some(gres.into()), cpus_per_task: Some(4), ..SlurmSpec::default() };
        assert_eq!((slots(&gres("gpu:a100:3")), slots(&gres("gpu")), slots(&gres("license:1"))), (3, 1, 4));
        let mem = |mem: &str| SlurmSpec { mem: Some(mem.into()), ..SlurmSpec::default() };
        assert_eq!((memory(&mem("500")), memory(&mem("16gb"))), (Some(500 << 20), Some(16 << 30)));
        assert_eq!(sizes(&mem("0"), 7, 30), core, "the whole node's");
    }
}
