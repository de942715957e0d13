//! What this machine has: cores, memory, GPUs, and whether libtorch can use them.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

use super::{cuda_driver, nvml};

/// Free memory where nobody says how much there is.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Host {
    /// Cores that this process may use.
    pub cores: usize,
    /// Model of the processor.
    pub processor: String,
    /// Bytes that the system can still give.
    pub memory_free: u64,
    /// Version of the NVIDIA driver.
    pub driver: Option<String>,
    /// GPUs that libtorch sees, `cuda:0` first.
    pub gpus: Vec<Gpu>,
    /// GPUs that are there, but hidden from this process.
    pub hidden_gpus: Vec<Gpu>,
    /// Why libtorch sees no GPU, and what to do.
    pub no_cuda: Option<String>,
}

/// A GPU. What is `None` nobody could say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Gpu {
    /// Its model.
    pub name: String,
    /// `GPU-…`, the same for every process.
    pub uuid: Option<String>,
    /// Bytes.
    pub memory_free: Option<u64>,
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Such as `9.0`.
    pub compute_capability: Option<String>,
    /// Per cent of the last second in which a kernel ran.
    pub utilisation: Option<u32>,
}

impl Host {
    /// Looks. libtorch sees `seen` GPUs, or says what is wrong.
    pub fn look(seen: usize, problem: Option<&str>) -> Self {
        let driver = nvml::look();
        let mut all = driver.as_ref().map(|driver| driver.gpus.clone()).unwrap_or_default();
        let mut gpus: Vec<Gpu> = Vec::new();
        let named = if seen > 0 { cuda_driver::visible().unwrap_or_default() } else { Vec::new() };
        for index in 0..seen {
            // Which of the driver's GPUs is cuda:N is told by its uuid; CUDA_VISIBLE_DEVICES hides and reorders them.
            let gpu = named.get(index).map(|(name, uuid)| {
                let known = all.iter().position(|gpu| gpu.uuid.as_deref().is_some_and(|known| same(known, uuid)));
                known.map_or_else(
                    || Gpu { name: name.clone(), uuid: Some(format!("GPU-{uuid}")), ..Gpu::default() },
                    |at| all.remove(at),
                )
            });
            gpus.push(gpu.unwrap_or_else(|| Gpu { name: "GPU".to_owned(), ..Gpu::default() }));
        }
        Self {
            cores: available_parallelism().map_or(1, usize::from),
            processor: processor(),
            memory_free: free_memory(),
            no_cuda: (seen == 0).then(|| no_cuda(problem, driver.as_ref().map(|d| d.gpus.len()))),
            driver: driver.map(|driver| driver.version),
            gpus,
            hidden_gpus: all,
        }
    }
}

/// Whether NVML's `GPU-1234…` or `MIG-1234…` is the driver's `1234…`.
fn same(known: &str, uuid: &str) -> bool {
    known.split_once('-').is_some_and(|(_, known)| known.eq_ignore_ascii_case(uuid))
}

/// Why libtorch sees no GPU, from what loading its CUDA half said and how many GPUs the driver has.
fn no_cuda(problem: Option<&str>, gpus: Option<usize>) -> String {
    match (gpus, problem) {
        (Some(gpus), Some(_)) if gpus > 0 => format!(
            "the driver has {gpus} GPU{}, but this libtorch is the CPU's: `make setup TORCH=cuda`, or LIBTORCH=DIR of a CUDA libtorch 2.11",
            if gpus == 1 { "" } else { "s" }
        ),
        (Some(gpus), None) if gpus > 0 => {
            "the driver has GPUs, but CUDA hides or refuses them: look at CUDA_VISIBLE_DEVICES, \
             and whether `nvidia-smi` shows a driver as new as this libtorch needs"
                .to_owned()
        }
        (Some(_), _) => "the NVIDIA driver is there, but no GPU".to_owned(),
        (None, Some(_)) => "there is no NVIDIA driver, and this libtorch is the CPU's".to_owned(),
        (None, None) => {
            "this libtorch has CUDA, but there is no NVIDIA driver: install it, and `nvidia-smi` should list the GPUs"
                .to_owned()
        }
    }
}

/// Model of the processor (proc(5)).
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Bytes that the system can still give (MemAvailable of proc(5)), or the control group leaves, whichever is less.
fn free_memory() -> u64 {
    let kib = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    let system = kib.map_or(UNKNOWN_MEMORY, |kib| kib * 1024);
    let number = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    let group = number("memory.max").map(|most| most.saturating_sub(number("memory.current").unwrap_or(0)));
    group.map_or(system, |group| group.min(system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_described() {
        let host = Host::look(0, None);
        assert!(host.cores >= 1 && host.memory_free > 1 << 20 && !host.processor.is_empty(), "{host:?}");
        assert_eq!(host.gpus.is_empty(), host.no_cuda.is_some());
    }

    #[test]
    fn the_reason_names_what_to_do() {
        assert!(no_cuda(Some("no such file"), Some(2)).contains("TORCH=cuda"));
        assert!(no_cuda(None, Some(1)).contains("CUDA_VISIBLE_DEVICES"));
        assert!(no_cuda(None, None).contains("nvidia-smi"));
        assert!(no_cuda(Some("no such file"), None).contains("no NVIDIA driver"));
    }

    #[test]
    fn uuids_are_compared_without_their_kind() {
        assert!(same("GPU-1af0-22", "1AF0-22") && same("MIG-1af0-22", "1af0-22"));
        assert!(!same("GPU-1af0-23", "1af0-22") && !same("1af0", "1af0"));
    }
}
