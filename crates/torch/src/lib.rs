//! libtorch's backend of [`focalsweep_engine::train`], and the process that holds it. Only this crate links tch.
//!
//! `focalsweep` links no libtorch: it starts `focalsweep-torch`, one for each GPU or one for each slot of the cores,
//! and hands it jobs ([`serve`]). So it starts in milliseconds, and a fault of CUDA, after which every later call in
//! its process fails, costs the process and nothing else.

mod ahead;
mod backend;
pub mod describe;
pub mod device;
mod error;
mod layout;
mod loss;
mod pairs;
mod runs;
pub mod serve;
mod tensors;
mod uploads;

pub use backend::LibtorchOn;

#[cfg(test)]
mod tests;
