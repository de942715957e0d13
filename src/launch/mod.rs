//! Where jobs run.
//!
//! [`local`] trains jobs on this machine's cores and GPUs. Workers keep every ended trial in its job's journal before
//! they tell of it as an [`Event`](focalsweep_engine::job::Event); events are only for people. [`slurm`] has a
//! cluster's tasks do the same, and reads their journals as they grow ([`Follow`]). Where libtorch trains, a slot
//! hands its job to a child ([`torch`]). Trials of a command of the user's are processes of their own ([`command`]).

pub mod child;
pub mod command;
mod cuda_driver;
pub mod devices;
mod error;
mod follow;
mod gpu;
mod host;
pub mod local;
mod nvml;
pub mod scheduler;
pub mod simulate;
pub mod slurm;
mod stop;
mod tally;
pub mod torch;
mod watch;

#[cfg(test)]
mod tests;

pub use devices::PoolDevice;
pub use error::LaunchError;
pub use follow::Follow;
pub use gpu::Gpu;
pub use host::Host;
pub use stop::stop_on_signals;
pub use tally::{Running, Tally};
pub use watch::{OnInterrupt, Watch};
