//! focalsweep: which loss settings catch more of your rare events, at what price, and whether the difference is real.
//!
//! One way through the house:
//!
//! ```text
//! spec ──> plan ──> launch ──> train ──> results ──> report
//!           │                    ▲
//!           └── data (read once, shared)
//! ```
//!
//! [`spec`] reads the sweep file, [`plan`] makes trials and stacks of it, [`data`] the matrices, [`launch`] runs the jobs,
//! [`train`] trains a stack, [`results`] keeps what came of it, [`report`] ranks. [`commands`] puts them together.
//! `spec`, `plan`, `metrics` and `report` are pure: no tch, rayon, clap, terminal, process or clock.

pub mod cli;
pub mod commands;
pub mod data;
pub mod launch;
pub mod logging;
pub mod metrics;
pub mod output;
pub mod plan;
pub mod progress;
pub mod random;
pub mod report;
pub mod results;
pub mod spec;
pub mod train;
