//! GPUs as the NVIDIA driver's management library sees them, all of the machine, whatever this process may use.

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::gpu::Gpu;

/// A driver and its GPUs, in PCI order.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) version: String,
    pub(super) gpus: Vec<Gpu>,
}

/// Asks the driver; `None` where there is none.
pub(super) fn look() -> Option<Driver> {
    let ask = || -> Result<Driver, NvmlError> {
        let nvml = Nvml::init()?;
        let count = nvml.device_count()?;
        let gpus = (0..count).map(|index| nvml.device_by_index(index).map(|device| gpu(&device)));
        Ok(Driver { version: nvml.sys_driver_version()?, gpus: gpus.collect::<Result<_, _>>()? })
    };
    ask().inspect_err(|error| tracing::debug!(%error, "no NVIDIA driver")).ok()
}

/// What one GPU says; each answer may be refused without harm to the others.
fn gpu(device: &Device<'_>) -> Gpu {
    let memory = device.memory_info().ok();
    let capability = device.cuda_compute_capability().ok();
    Gpu {
        name: device.name().unwrap_or_else(|_| "GPU".to_owned()),
        uuid: device.uuid().ok(),
        memory_free: memory.as_ref().map(|memory| memory.free),
        memory_total: memory.map(|memory| memory.total),
        compute_capability: capability.map(|capability| format!("{}.{}", capability.major, capability.minor)),
        utilisation: device.utilization_rates().ok().map(|rates| rates.gpu),
    }
}
