//! `launch`: devices, launcher, and what is asked of a cluster.

use crate::spec::words::words;
use schemars::JsonSchema;
use serde::Serialize;

/// `launch`: devices and launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LaunchSpec {
    /// `auto`, `cpu`, `cuda`, or a list such as `[cpu, cuda:0]`.
    #[schemars(schema_with = "crate::spec::schema::devices")]
    pub devices: Devices,
    /// Jobs that run on a GPU at once; 1 is best unless stacks are small, since a stack fills it.
    #[schemars(range(min = 1, max = 64))]
    pub slots_per_device: usize,
    /// Where jobs run.
    pub launcher: Launcher,
    /// What is asked of Slurm for each task; read where the launcher is `slurm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmSpec>,
}

impl Default for LaunchSpec {
    fn default() -> Self {
        Self { devices: Devices::default(), slots_per_device: 1, launcher: Launcher::default(), slurm: None }
    }
}

/// `launch.devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Devices {
    /// `auto`, `cpu`, `cuda` or one device.
    Word(String),
    /// Several devices by name.
    List(Vec<String>),
}

impl Default for Devices {
    fn default() -> Self {
        Self::Word("auto".into())
    }
}

words! {
    /// `launch.launcher`.
    #[derive(Default)]
    pub enum Launcher {
        /// This machine's cores and GPUs.
        #[default]
        Local = "local",
        /// A cluster, as a Slurm job array.
        Slurm = "slurm",
    }
}

/// `launch.slurm`: what a task of the job array asks for. What is absent is left to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmSpec {
    /// `sbatch --partition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// `sbatch --account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `sbatch --qos`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos: Option<String>,
    /// Time limit of a task: minutes, `MM:SS`, `HH:MM:SS`, `D-HH`, `D-HH:MM` or `D-HH:MM:SS`; 0: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::slurm_time")]
    pub time: Option<String>,
    /// Cores of a task; it trains a stack on each.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4096))]
    pub cpus_per_task: Option<u32>,
    /// Memory of a task: a number with K, M, G or T (or KB to TB); megabytes without; 0: all of its node's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::slurm_memory")]
    pub mem: Option<String>,
    /// `sbatch --gres`, such as `gpu:1` or `gpu:a100:2`; not together with `gpus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gres: Option<String>,
    /// GPUs of a task (`sbatch --gpus-per-task`): a number, or `type:number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::slurm_gpus")]
    pub gpus: Option<String>,
    /// `sbatch --constraint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// Most tasks that run at once; also how many the sweep is cut for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub array_parallelism: Option<u32>,
    /// Lines of shell before the worker starts, such as `module load cuda`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// More flags of `sbatch`, one an entry, such as `--exclude=node7`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::spec::schema::slurm_flags")]
    pub sbatch: Vec<String>,
}
