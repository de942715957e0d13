//! What a job trains on, by the name that specs and results give it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A device of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Device {
    /// The cores.
    Cpu,
    /// The GPU that CUDA numbers so.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for Device {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "cpu" => Ok(Self::Cpu),
            other => other.strip_prefix("cuda:").and_then(|index| index.parse().ok()).map(Self::Cuda).ok_or(()),
        }
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map_err(|()| format!("`{name}` is no device"))
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn names_come_back() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(12)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for other in ["cuda", "cuda:", "cuda:x", "gpu:0", ""] {
            assert_eq!(other.parse::<Device>(), Err(()));
        }
    }
}
