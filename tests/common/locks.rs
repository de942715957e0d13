//! Locks of run directories between the threads of a test program.

use std::path::Path;
use std::time::{Duration, Instant};

use focalsweep_core::record::RunDir;

/// Waits until nobody has the lock of a run directory: a program that another test starts has this process's locks
/// until it is loaded.
pub(crate) fn unlocked(root: &Path) {
    let started = Instant::now();
    while RunDir::is_locked(root) {
        assert!(started.elapsed() < Duration::from_secs(60), "{} stays locked", root.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
