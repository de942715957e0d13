//! What becomes of a cluster's tasks on Ctrl-C.

use std::io::{IsTerminal, stderr, stdin};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::launch::OnInterrupt;
use crate::output;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks on a terminal whether tasks go on; without one, or without an answer, they do.
pub(super) fn ask(cancel: bool) -> OnInterrupt {
    if cancel {
        return OnInterrupt::Cancel;
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return OnInterrupt::Leave;
    }
    output::insist("\nleave the tasks running on the cluster, or cancel them? [L/c] (they are left in 5 s)");
    let (sender, answer) = mpsc::channel();
    let asked = thread::Builder::new().spawn(move || {
        let mut line = String::new();
        if stdin().read_line(&mut line).is_ok() {
            // Nobody listens any more when the time is over.
            let _ = sender.send(line);
        }
    });
    if asked.is_err() {
        return OnInterrupt::Leave;
    }
    match answer.recv_timeout(PATIENCE) {
        Ok(line) if line.trim().to_lowercase().starts_with('c') => OnInterrupt::Cancel,
        _ => OnInterrupt::Leave,
    }
}
