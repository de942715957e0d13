//! Where jobs run.
//!
//! [`local`] trains jobs on this machine's cores and GPUs. Workers keep every ended trial in its job's journal before they
//! tell of it as an [`Event`]; events are only for people.

pub mod devices;
mod error;
mod event;
mod job;
mod keeper;
pub mod local;
mod stop;

pub use error::LaunchError;
pub use event::{Event, Running, Tally};
pub use job::Work;
pub use stop::Stop;
