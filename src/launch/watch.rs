//! Who follows a launch.

use super::tally::Tally;

/// What to do with the tasks when this process is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupt {
    /// They go on.
    Leave,
    /// They are cancelled; each keeps a checkpoint.
    Cancel,
}

/// Follows a launch, and says what becomes of a cluster's tasks when it is interrupted.
pub trait Watch {
    /// A line for people.
    fn say(&mut self, line: &str);

    /// So far it is.
    fn progress(&mut self, tally: &Tally);

    /// Asked once, when this process is to stop and tasks are on the cluster.
    fn on_interrupt(&mut self) -> OnInterrupt;
}
