//! `--describe`: which libtorch this is and what CUDA has.

use std::io::{self, Write};

use focalsweep_engine::job::{Greeting, LibtorchDescription};

use crate::device;

/// Writes a line of JSON to stdout. libtorch has been started.
///
/// # Errors
/// stdout cannot be written.
pub fn describe() -> io::Result<()> {
    let description = LibtorchDescription {
        greeting: Greeting::of_this_program(),
        libtorch: device::LIBTORCH.to_owned(),
        cuda_devices: device::cuda_devices(),
        cuda_problem: device::cuda_problem().map(str::to_owned),
    };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string(&description)?)
}
