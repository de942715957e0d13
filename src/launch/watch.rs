//! Who follows a launch.

use super::slurm::OnInterrupt;
use super::tally::Tally;

/// Follows a launch, and says what becomes of a cluster's tasks when it is interrupted.
pub trait Watch {
    /// A line for people.
    fn say(&mut self, line: &str);

    /// So far it is.
    fn progress(&mut self, tally: &Tally);

    /// Asked once, when this process is to stop and tasks are on the cluster.
    fn on_interrupt(&mut self) -> OnInterrupt;
}
