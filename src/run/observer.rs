//! What a run tells on its way, and the one thing that it asks.

use std::path::Path;
use std::time::Instant;

use crate::launch::OnInterrupt;
use crate::launch::{Tally, Watch};
use focalsweep_engine::data::DownloadProgress;

/// Where a search is.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// `wave 3`; empty where everything was asked for at once.
    pub name: String,
    /// The best AUC on the validation rows of the waves before, mean of the replicates, and whose it is.
    pub best: Option<(f64, String)>,
    /// When the budget is spent.
    pub ends: Option<Instant>,
}

/// Follows a run. Each method may be left as it is.
pub trait Observer {
    /// A line for people.
    fn say(&mut self, line: &str) {
        let _ = line;
    }

    /// `bytes` of a source that is fetched are here, of `total` if the server said so.
    fn download(&mut self, bytes: u64, total: Option<u64>) {
        let _ = (bytes, total);
    }

    /// The run directory is this process's from now on: logs may go into it.
    fn locked(&mut self, root: &Path) {
        let _ = root;
    }

    /// What is trained next: a wave of a search, and when its time is up.
    fn stage(&mut self, stage: &Stage) {
        let _ = stage;
    }

    /// Training is so far.
    fn progress(&mut self, tally: &Tally) {
        let _ = tally;
    }

    /// Training is over, here at least; what follows is written, or trained afresh to confirm.
    fn trained(&mut self) {}

    /// What becomes of a cluster's tasks when this process is asked to stop.
    fn on_interrupt(&mut self) -> OnInterrupt {
        OnInterrupt::Leave
    }
}

/// Hears nothing and leaves tasks running.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {}

/// An observer in the place of those that the parts know.
pub(super) struct Told<'a>(pub(super) &'a mut dyn Observer);

impl DownloadProgress for Told<'_> {
    fn advance(&mut self, bytes: u64, total: Option<u64>) {
        self.0.download(bytes, total);
    }
}

impl Watch for Told<'_> {
    fn say(&mut self, line: &str) {
        self.0.say(line);
    }

    fn progress(&mut self, tally: &Tally) {
        self.0.progress(tally);
    }

    fn on_interrupt(&mut self) -> OnInterrupt {
        self.0.on_interrupt()
    }
}
