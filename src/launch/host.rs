//! What this machine has: cores, memory, GPUs, and whether libtorch can use them.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

use super::gpu::Gpu;
use super::torch::{NoTorch, describe_libtorch, find_torch};
use super::{cuda_driver, nvml};
use focalsweep_engine::job::LibtorchDescription;
use focalsweep_engine::memory;

/// Free memory where nobody says how much there is.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Host {
    /// Cores that this process may use.
    pub cores: usize,
    /// Model of the processor.
    pub processor: String,
    /// Bytes that this process can still get.
    pub memory_free: u64,
    /// Version of the NVIDIA driver.
    pub driver: Option<String>,
    /// Version of libtorch, where there is one and it was asked.
    pub libtorch: Option<String>,
    /// GPUs that libtorch sees, `cuda:0` first.
    pub gpus: Vec<Gpu>,
    /// GPUs that are there, but hidden from this process.
    pub hidden_gpus: Vec<Gpu>,
    /// Why libtorch sees no GPU, and what to do.
    pub no_cuda: Option<String>,
}

impl Host {
    /// Looks. libtorch is asked what it sees only where there is a driver: to load it takes longer than small sweeps
    /// do.
    pub fn look() -> Self {
        let driver = nvml::look();
        let asked = (driver.is_some() || cuda_driver::is_there()).then(ask_libtorch);
        Self::describe(driver, asked.as_ref())
    }

    /// Looks, and asks libtorch where there is no driver too.
    pub fn look_closely() -> Self {
        Self::describe(nvml::look(), Some(&ask_libtorch()))
    }

    /// What `driver` has, and what libtorch sees of it; `None` where it was not asked.
    fn describe(driver: Option<nvml::Driver>, asked: Option<&Result<LibtorchDescription, NoTorch>>) -> Self {
        let seen = asked.and_then(|asked| asked.as_ref().ok()).map_or(0, |libtorch| libtorch.cuda_devices);
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
            memory_free: memory::free().unwrap_or(UNKNOWN_MEMORY),
            libtorch: asked.and_then(|asked| Some(asked.as_ref().ok()?.libtorch.clone())),
            no_cuda: (seen == 0).then(|| no_cuda(asked, driver.as_ref().map(|d| d.gpus.len()))),
            driver: driver.map(|driver| driver.version),
            gpus,
            hidden_gpus: all,
        }
    }
}

/// What libtorch says of itself, or why it says nothing.
fn ask_libtorch() -> Result<LibtorchDescription, NoTorch> {
    describe_libtorch(&find_torch()?).inspect_err(|error| tracing::debug!(%error, "no libtorch"))
}

/// Whether NVML's `GPU-1234…` or `MIG-1234…` is the driver's `1234…`.
fn same(known: &str, uuid: &str) -> bool {
    known.split_once('-').is_some_and(|(_, known)| known.eq_ignore_ascii_case(uuid))
}

/// Why there is no GPU to train on, from what libtorch said and how many GPUs the driver has.
fn no_cuda(asked: Option<&Result<LibtorchDescription, NoTorch>>, gpus: Option<usize>) -> String {
    let described = match asked {
        Some(Err(error)) => return without_libtorch(error, gpus),
        Some(Ok(described)) => Some(described),
        None => None,
    };
    let cpu_only = described.is_some_and(|described| described.cuda_problem.is_some());
    match (gpus, cpu_only) {
        (Some(gpus), true) if gpus > 0 => format!(
            "the driver has {}, but this libtorch is the CPU's: `make build TORCH=cuda`, or LIBTORCH=DIR of a CUDA \
             libtorch 2.11",
            number_of_gpus(gpus)
        ),
        (Some(gpus), false) if gpus > 0 => {
            "the driver has GPUs, but CUDA hides or refuses them: look at CUDA_VISIBLE_DEVICES, \
             and whether `nvidia-smi` shows a driver as new as this libtorch needs"
                .to_owned()
        }
        (Some(_), _) => "the NVIDIA driver is there, but no GPU".to_owned(),
        (None, true) => "there is no NVIDIA driver, and this libtorch is the CPU's".to_owned(),
        (None, false) if described.is_some() => {
            "this libtorch has CUDA, but there is no NVIDIA driver: install it, and `nvidia-smi` should list the GPUs"
                .to_owned()
        }
        (None, false) => "there is no NVIDIA driver".to_owned(),
    }
}

/// The reason where libtorch says nothing.
fn without_libtorch(error: &NoTorch, gpus: Option<usize>) -> String {
    match gpus {
        Some(gpus) if gpus > 0 => {
            format!("the driver has {}, but {error} (`make build TORCH=cuda` builds it)", number_of_gpus(gpus))
        }
        Some(_) => format!("the NVIDIA driver is there, but no GPU, and {error}"),
        None => format!("there is no NVIDIA driver, and {error}"),
    }
}

fn number_of_gpus(gpus: usize) -> String {
    if gpus == 1 { "1 GPU".to_owned() } else { format!("{gpus} GPUs") }
}

/// Model of the processor (proc(5)).
pub(super) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_described() {
        let host = Host::look();
        assert!(host.cores >= 1 && host.memory_free > 1 << 20 && !host.processor.is_empty(), "{host:?}");
        assert_eq!(host.gpus.is_empty(), host.no_cuda.is_some());
    }

    #[test]
    fn the_reason_names_what_to_do() {
        let described = |problem: Option<&str>| {
            Ok(LibtorchDescription {
                greeting: focalsweep_engine::job::Greeting::of_this_program(),
                libtorch: "2.11.0".into(),
                cuda_devices: 0,
                cuda_problem: problem.map(str::to_owned),
            })
        };
        let (cpu_only, cuda) = (described(Some("no such file")), described(None));
        assert!(no_cuda(Some(&cpu_only), Some(2)).contains("TORCH=cuda"));
        assert!(no_cuda(Some(&cuda), Some(1)).contains("CUDA_VISIBLE_DEVICES"));
        assert!(no_cuda(Some(&cuda), None).contains("nvidia-smi"));
        assert!(no_cuda(Some(&cpu_only), None).contains("no NVIDIA driver"));
        assert_eq!(no_cuda(None, None), "there is no NVIDIA driver");
        let nowhere = no_cuda(Some(&Err(NoTorch::Nowhere)), Some(1));
        assert!(
            nowhere.contains("1 GPU,") && nowhere.contains("no focalsweep-torch") && nowhere.contains("TORCH=cuda")
        );
    }

    #[test]
    fn uuids_are_compared_without_their_kind() {
        assert!(same("GPU-1af0-22", "1AF0-22") && same("MIG-1af0-22", "1af0-22"));
        assert!(!same("GPU-1af0-23", "1af0-22") && !same("1af0", "1af0"));
    }
}
