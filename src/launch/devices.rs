//! Which devices a sweep may use, and how many jobs run on each.

use std::collections::HashSet;

use focalsweep_core::device::Device;

use super::host::Host;
use focalsweep_core::plan::Stacking;
use focalsweep_core::spec::{Backend, Devices};

/// Share of the free memory that stacks may take together.
const MEMORY_SHARE: f64 = 0.5;
/// Free memory of a GPU of which nothing is known.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// A device that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NoDevice {
    /// The word is none for a device.
    #[error("found the device `{asked}`, expected `auto`, `cpu`, `cuda`, `cuda:N`, or several with commas between")]
    Unknown {
        /// As asked.
        asked: String,
        /// The nearest word.
        #[help]
        help: Option<String>,
    },
    /// The fused kernels know no GPU.
    #[error("found the device `{asked}` with `train.backend: fused`, expected `cpu`: the fused kernels train on cores")]
    #[diagnostic(help("`--set train.backend=auto` trains on GPUs with libtorch, and on cores with the fused kernels"))]
    FusedOnGpu {
        /// As asked.
        asked: String,
    },
    /// It is not on this machine.
    #[error("device `{asked}` is not available: {why}")]
    Missing {
        /// As asked.
        asked: String,
        /// What there is.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
}

/// A device of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolDevice {
    /// Its name.
    pub device: Device,
    /// Its model: devices of one model are taken to be of one speed.
    pub model: String,
    /// Jobs that run on it at once.
    pub slots: usize,
    /// Bytes that the stack of one slot may take.
    pub memory: u64,
    /// What computes there.
    pub trainer: Trainer,
}

/// What computes on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainer {
    /// The fused kernels, in this process.
    Fused,
    /// libtorch, in a process of its own.
    Libtorch,
}

impl PoolDevice {
    /// `cpu` or `cuda:N`.
    pub fn name(&self) -> String {
        self.device.to_string()
    }
}

/// The pool that `asked` names on `host`: `auto` is every GPU, or the cores where there is none or the backend is the
/// fused kernels; `cpu` has a slot a core; a GPU has `slots_per_device`.
///
/// # Errors
/// A device that was asked for by name is not there, or not for this backend: never a silent fall-back. A word is
/// none for a device.
pub fn pool(
    asked: &Devices,
    backend: Backend,
    slots_per_device: usize,
    host: &Host,
) -> Result<Vec<PoolDevice>, NoDevice> {
    let words: Vec<&str> = match asked {
        Devices::Word(word) => word.split(',').map(str::trim).collect(),
        Devices::List(words) => words.iter().map(String::as_str).collect(),
    };
    let gpus = host.gpus.len();
    let mut devices = Vec::new();
    for word in words {
        let missing = |why: String| NoDevice::Missing {
            asked: word.to_owned(),
            why,
            help: match gpus {
                0 => {
                    "`--devices cpu` trains on the cores; `focalsweep devices` says what there is and what to do".into()
                }
                1 => "here are cpu and cuda:0".to_owned(),
                _ => format!("here are cpu and cuda:0 to cuda:{}", gpus - 1),
            },
        };
        let none = || host.no_cuda.clone().unwrap_or_else(|| "libtorch sees no GPU".to_owned());
        match word {
            "auto" if gpus == 0 || backend == Backend::Fused => devices.push(Device::Cpu),
            "cpu" => devices.push(Device::Cpu),
            cuda if backend == Backend::Fused && (cuda == "cuda" || cuda.starts_with("cuda:")) => {
                return Err(NoDevice::FusedOnGpu { asked: word.to_owned() });
            }
            "cuda" if gpus == 0 => return Err(missing(none())),
            "auto" | "cuda" => devices.extend((0..gpus).map(Device::Cuda)),
            other => match other.strip_prefix("cuda:").and_then(|index| index.parse::<usize>().ok()) {
                Some(index) if index < gpus => devices.push(Device::Cuda(index)),
                Some(_) if gpus == 0 => return Err(missing(none())),
                Some(_) => {
                    return Err(missing(format!("libtorch sees {gpus} GPU{}", if gpus == 1 { "" } else { "s" })));
                }
                None => {
                    let help = nearest(word).map(|near| format!("did you mean `{near}`?"));
                    return Err(NoDevice::Unknown { asked: word.to_owned(), help });
                }
            },
        }
    }
    let mut seen = HashSet::new();
    devices.retain(|device| {
        seen.insert(match device {
            Device::Cuda(index) => Some(*index),
            Device::Cpu => None,
        })
    });
    Ok(devices.into_iter().map(|device| on(device, backend, slots_per_device.max(1), host)).collect())
}

/// What stacks are like in `pool`: where there is a GPU, as there.
pub fn stacking(pool: &[PoolDevice]) -> Stacking {
    if pool.iter().all(|device| device.device == Device::Cpu) { Stacking::CORE } else { Stacking::GPU }
}

fn on(device: Device, backend: Backend, slots_per_device: usize, host: &Host) -> PoolDevice {
    let (model, slots, free) = match device {
        Device::Cuda(index) => {
            let gpu = host.gpus.get(index);
            let free = gpu.and_then(|gpu| gpu.memory_free).unwrap_or(UNKNOWN_MEMORY);
            (gpu.map_or_else(|| "GPU".to_owned(), |gpu| gpu.name.clone()), slots_per_device, free)
        }
        Device::Cpu => (host.processor.clone(), host.cores.max(1), host.memory_free),
    };
    let trainer = match (backend, device) {
        (Backend::Libtorch, _) | (Backend::Auto, Device::Cuda(_)) => Trainer::Libtorch,
        (Backend::Fused, _) | (Backend::Auto, Device::Cpu) => Trainer::Fused,
    };
    PoolDevice { device, model, slots, memory: (free as f64 * MEMORY_SHARE) as u64 / slots as u64, trainer }
}

fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    if word.starts_with("gpu") || word.starts_with("cuda") {
        return Some(if word.ends_with(|c: char| c.is_ascii_digit()) { "cuda:N" } else { "cuda" });
    }
    ["auto", "cpu", "cuda"].into_iter().find(|known| strsim::damerau_levenshtein(&word, known) <= 1)
}

#[cfg(test)]
mod tests {
    use super::super::gpu::Gpu;
    use super::*;

    fn word(text: &str) -> Devices {
        Devices::Word(text.into())
    }

    fn host(cores: usize, gpus: usize) -> Host {
        let gpu = |index: usize| Gpu {
            name: format!("GPU {index}"),
            memory_free: Some((8 + index as u64) << 30),
            ..Gpu::default()
        };
        Host {
            cores,
            processor: "processor".into(),
            memory_free: 16 << 30,
            gpus: (0..gpus).map(gpu).collect(),
            ..Host::default()
        }
    }

    fn slots(asked: &Devices, host: &Host) -> Result<Vec<(Device, usize)>, NoDevice> {
        Ok(pool(asked, Backend::Auto, 1, host)?.into_iter().map(|device| (device.device, device.slots)).collect())
    }

    #[test]
    fn devices_by_name() {
        assert_eq!(slots(&word("auto"), &host(2, 0)).unwrap(), [(Device::Cpu, 2)]);
        assert_eq!(slots(&word("auto"), &host(2, 2)).unwrap(), [(Device::Cuda(0), 1), (Device::Cuda(1), 1)]);
        let named = slots(&word("cuda:1,cuda,cuda:1"), &host(2, 2)).unwrap();
        assert_eq!(named, [(Device::Cuda(1), 1), (Device::Cuda(0), 1)]);
        let both = Devices::List(vec!["cpu".into(), "cuda:0".into(), "cpu".into()]);
        assert_eq!(slots(&both, &host(3, 1)).unwrap(), [(Device::Cpu, 3), (Device::Cuda(0), 1)]);
    }

    #[test]
    fn slots_share_their_devices_memory() {
        let both = pool(&word("cpu,cuda:1"), Backend::Auto, 2, &host(4, 2)).unwrap();
        let of = |device: &PoolDevice| (device.model.clone(), device.slots, device.memory);
        assert_eq!(of(&both[0]), ("processor".into(), 4, 2 << 30));
        assert_eq!(of(&both[1]), ("GPU 1".into(), 2, 9 << 28));
    }

    #[test]
    fn who_trains_is_the_backends_to_say() {
        let trainers = |text: &str, backend| -> Vec<(Device, Trainer)> {
            let pool = pool(&word(text), backend, 1, &host(2, 1)).unwrap();
            pool.into_iter().map(|device| (device.device, device.trainer)).collect()
        };
        let (cpu, gpu) = (Device::Cpu, Device::Cuda(0));
        assert_eq!(trainers("cpu,cuda", Backend::Auto), [(cpu, Trainer::Fused), (gpu, Trainer::Libtorch)]);
        assert_eq!(trainers("cpu", Backend::Libtorch), [(cpu, Trainer::Libtorch)]);
        assert_eq!(trainers("auto", Backend::Libtorch), [(gpu, Trainer::Libtorch)]);
        assert_eq!(trainers("auto", Backend::Fused), [(cpu, Trainer::Fused)]);
        for text in ["cuda", "cpu,cuda:0"] {
            let error = pool(&word(text), Backend::Fused, 1, &host(2, 1)).unwrap_err();
            assert!(matches!(error, NoDevice::FusedOnGpu { .. }), "{error}");
        }
    }

    #[test]
    fn a_missing_device_is_an_error_with_the_reason() {
        for (text, gpus) in [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)] {
            assert!(matches!(slots(&word(text), &host(2, gpus)), Err(NoDevice::Missing { .. })), "{text}");
        }
        let host = Host { no_cuda: Some("the driver is too old".into()), ..host(2, 0) };
        let error = slots(&word("cuda"), &host).unwrap_err().to_string();
        assert!(error.ends_with("the driver is too old"), "{error}");
    }

    #[test]
    fn another_word_is_another_error() {
        for (text, near) in [("gpu", Some("`cuda`")), ("cuda:x", Some("`cuda`")), ("cpus", Some("`cpu`")), ("", None)] {
            let Err(NoDevice::Unknown { help, .. }) = slots(&word(text), &host(2, 1)) else { panic!("{text}") };
            assert_eq!(help, near.map(|near| format!("did you mean {near}?")), "{text}");
        }
    }
}
