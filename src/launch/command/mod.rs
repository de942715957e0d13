//! Trials that a command of the user's trains: one process for each (trial, replicate).
//!
//! ```text
//! run (cores and GPUs given out) ─> train (attempts) ─> attempt (a folder, a process under a guard)
//!        files (data of a replicate, on demand)            log (kept, epochs)    scores (read, checked) ─> a journal
//! ```
//! The process is a [`Child`](super::child::Child), as libtorch's is. Between it and this program stands a guard
//! ([`guard()`]): its stdin is a pipe of this program's, and when that closes, however this program ended, it ends the
//! command with all that the command started. Linux alone has what this needs.

mod attempt;
mod by_hand;
mod fault;
mod files;
mod fingerprint;
mod guard;
mod keep;
mod log;
mod order;
mod run;
mod serve;
mod train;
mod words;

pub use by_hand::ByHand;
pub use fault::TrainerFault;
pub use files::{remove_for_tasks, write_for_tasks};
pub use fingerprint::{check, fingerprint};
pub use guard::guard;
pub use keep::settle;
pub use order::{WhatWasTold, what_was_told};
pub use run::{Commands, Handed, Machine, run};
pub use serve::{Packed, packed, serve};

use std::path::{Path, PathBuf};

/// The variable that names the file of a trial.
pub const VARIABLE: &str = "FOCALSWEEP_TRIAL";

/// The folder of all that commands leave in a run directory.
const FOLDER: &str = "trainers";

/// The folder of a (trial, replicate) in the run directory `root`.
pub fn folder_of_trial(root: &Path, trial_id: &str, replicate: u32) -> PathBuf {
    root.join(FOLDER).join(format!("{trial_id}-r{replicate}"))
}

/// What a training kept under `out/model`.
pub fn kept_model(root: &Path, trial_id: &str, replicate: u32) -> PathBuf {
    folder_of_trial(root, trial_id, replicate).join("model")
}
