//! A run's life, as a library call: no command line, nothing printed.
//!
//! ```text
//! Sweep::new ─validate─> Sweep ─prepare: lock, read what is there, read and split the data, plan─> Ready
//!     ─run: write what a run begins with, mend what is damaged, train, search on, confirm, collect, report, finish─>
//!     Outcome
//! ```
//! [`Look`] makes tables of a run that is under way, or was killed, without touching it.
//! [`Sweep::run`] goes all the way. What is told on the way goes to an [`Observer`]; what went wrong is a [`RunError`],
//! which knows whether the user or the machine is to blame. `examples/sweep.rs` shows it in thirty lines.

mod begin;
pub mod by_hand;
mod confirm;
mod derived;
mod early;
mod error;
mod finish;
mod grow;
mod life;
mod look;
mod looked;
mod mend;
mod observer;
mod options;
mod point;
mod refit;
mod refit_fault;
mod retrain;
mod rungs;
mod same;
mod search;
mod together;
mod train;
mod trainers;
mod workload;

pub(crate) use begin::{begin, now};
pub use derived::{PAGE, REPORTS, WITH_INTERVALS, on_all_cores, report_of};
pub use error::{Blame, RunError};
pub use life::{End, Outcome, Ready, Sweep, asks_again, default_root};
pub use looked::Look;
pub use observer::{Observer, Quiet, Stage};
pub use options::RunOptions;
pub use refit::{CarriedThreshold, Refitted, refit};
pub use refit_fault::RefitFault;
pub use together::together;
pub use workload::{Workload, pool, trials};
