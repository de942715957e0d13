//! A job by itself: its stack trained from the furthest checkpoint, every ended trial kept in its journal.
//!
//! Whoever has a run directory and the rows can run a job of its plan: a thread of `focalsweep`, a task of a cluster,
//! or the process that holds libtorch. They call [`run_job`], so they are the same code.

mod attend;
mod ended;
mod error;
mod event;
mod keeper;
mod outside;
mod outside_scores;
mod protocol;
mod row;
mod run;
mod rungs;
mod stop;
mod work;

pub use attend::AttendedRun;
pub use ended::ended;
pub use error::{JobError, save};
pub use event::Event;
pub use outside::{Outside, keep_outside, paused_outside};
pub use outside_scores::{read_predictions, read_scores};
pub use protocol::{Answer, Greeting, LibtorchDescription, Order, RunOrder};
pub use run::{JobEnd, cut_checkpoint, give_up, run_job};
pub use rungs::carry;
pub use stop::Stop;
pub use work::{JobDevice, Work};
