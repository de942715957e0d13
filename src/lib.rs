//! The program: command line, commands, a run's life, launchers.
//!
//! ```text
//! spec ──> plan ──> launch ──> train ──> results ──> report
//!           │                    ▲
//!           └── data (read once, shared)
//! ```
//!
//! The parts are crates: `focalsweep-core` (spec, plan, metrics, record), `focalsweep-engine` (data, train, job),
//! `focalsweep-report`, and `focalsweep-torch`, a program of its own that this one starts and never links.

pub mod allocate;
pub mod cli;
pub mod commands;
pub mod init;
pub mod launch;
pub mod line;
pub mod logging;
pub mod output;
pub mod pager;
pub mod progress;
pub mod run;
