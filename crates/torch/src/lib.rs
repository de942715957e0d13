//! libtorch's backend of [`focalsweep_engine::train`], on GPUs, or on the CPU as a reference. Only this crate links tch.

mod ahead;
mod backend;
pub mod device;
mod error;
mod layout;
mod loss;
mod uploads;

pub use backend::LibtorchOn;

#[cfg(test)]
mod tests;
