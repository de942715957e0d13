//! What a task asks for, and so what stacks are cut for on a cluster that this process cannot see into. Pure.

use focalsweep_core::plan::{Sizes, Stacking};
use focalsweep_core::spec::{SlurmSpec, TrainerSpec, memory_of_task};

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

/// What a task asks for that runs a command of the user's: the cores and GPUs of its own, all else as the sweep says.
pub(super) fn for_command(slurm: &SlurmSpec, trainer: &TrainerSpec) -> SlurmSpec {
    let is_gpu = |gres: &String| gres.starts_with("gpu");
    // `gpu:a100:2` or `a100:2`, with another count.
    let kind = |words: &str| words.rsplit_once(':').map_or(words, |(kind, _)| kind).to_owned();
    let (gres, gpus) = match (trainer.gpus, &slurm.gres, &slurm.gpus) {
        (0, gres, _) => (gres.clone().filter(|gres| !is_gpu(gres)), None),
        (count, Some(gres), _) if is_gpu(gres) => {
            let has_count = gres.rsplit(':').next().is_some_and(|last| last.parse::<u32>().is_ok());
            (Some(format!("{}:{count}", if has_count { kind(gres) } else { gres.clone() })), None)
        }
        (count, gres, Some(gpus)) if gpus.contains(':') => (gres.clone(), Some(format!("{}:{count}", kind(gpus)))),
        (count, gres, _) => (gres.clone(), Some(count.to_string())),
    };
    SlurmSpec { cpus_per_task: Some(trainer.cpus), gres, gpus, ..slurm.clone() }
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

    #[test]
    fn a_command_asks_for_what_is_its_own() {
        let text = |gpus| {
            format!(
                "name: t\ndata: {{source: d.csv, label: y}}\ntrainers: {{t: {{command: [x], cpus: 3, gpus: {gpus}}}}}\n\
                 parameters: {{}}\n"
            )
        };
        let trainer = |gpus: u32| focalsweep_core::spec::parse("t", &text(gpus)).unwrap().trainers["t"].clone();
        let of = |gres: Option<&str>, gpus: Option<&str>, own: u32| {
            let slurm = SlurmSpec {
                cpus_per_task: Some(8),
                gres: gres.map(str::to_owned),
                gpus: gpus.map(str::to_owned),
                partition: Some("p".into()),
                ..SlurmSpec::default()
            };
            let asked = for_command(&slurm, &trainer(own));
            assert_eq!((asked.cpus_per_task, asked.partition.as_deref()), (Some(3), Some("p")));
            [asked.gres, asked.gpus].map(Option::unwrap_or_default)
        };
        assert_eq!(of(Some("gpu:a100:4"), None, 0), ["", ""]);
        assert_eq!(of(Some("license:1"), Some("2"), 0), ["license:1", ""]);
        assert_eq!(of(Some("gpu:a100:4"), None, 2), ["gpu:a100:2", ""]);
        assert_eq!(of(Some("gpu"), None, 2), ["gpu:2", ""]);
        assert_eq!(of(None, Some("a100:4"), 1), ["", "a100:1"]);
        assert_eq!(of(None, Some("4"), 1), ["", "1"]);
        assert_eq!(of(None, None, 1), ["", "1"]);
    }
}
