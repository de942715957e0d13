//! libtorch, which lives in a process of its own: `focalsweep-torch`, one for each GPU, or one for each slot of the
//! cores.

mod find;
mod pool;
mod worker;

pub use find::{NoTorch, VARIABLE, describe_libtorch, find_torch};
pub(super) use pool::TorchPool;
