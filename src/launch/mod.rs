//! Where jobs run.
//!
//! [`local`] trains jobs on this machine's cores and GPUs. Workers keep every ended trial in its job's journal before they
//! tell of it as an [`Event`]; events are only for people.

pub mod devices;
mod event;
pub mod local;
mod stop;

pub use event::{Event, Running, Tally};
pub use stop::Stop;
