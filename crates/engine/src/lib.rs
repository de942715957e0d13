//! focalsweep's engine: from a file to matrices, and from matrices to trained stacks.
//!
//! | module | job |
//! |---|---|
//! | [`data`] | read CSV and Parquet, fetch, synthesise, split, fit and apply the preprocessing, fingerprints |
//! | [`train`] | stacks, losses, epochs, checkpoints, the fused kernels; others implement [`train::Backends`] |
//! | [`memory`] | how much memory may be taken |
//! | [`job`] | a job by itself: stack, journal, checkpoint |

/// Files that other crates compile too name this one as they do.
#[cfg(test)]
extern crate self as focalsweep_engine;

pub mod data;
pub mod job;
pub mod memory;
pub mod train;
