//! A GPU as the driver describes it.

use serde::Serialize;

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
