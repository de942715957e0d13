//! Signals that raise the stop flag: Ctrl-C once finishes the step and keeps what there is, twice ends at once.

use std::io;
use std::sync::Arc;

use focalsweep_engine::job::Stop;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;

/// A flag that SIGINT and SIGTERM raise; the second of them ends the process with exit code 130. SIGUSR1 raises it too:
/// it is the one that srun passes on to a worker.
///
/// # Errors
/// The handlers cannot be installed.
pub fn stop_on_signals() -> io::Result<Stop> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down and only raises it.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(stop.flag()))?;
        flag::register(signal, Arc::clone(stop.flag()))?;
    }
    flag::register(SIGUSR1, Arc::clone(stop.flag()))?;
    Ok(stop)
}
