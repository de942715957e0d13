//! The flag that ends jobs early, each with a checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Asked before every step; who raises it is not the engine's business.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    /// When it is raised by itself.
    at: Option<Instant>,
}

impl Stop {
    /// Whether somebody asked, or the time is up.
    pub fn requested(&self) -> bool {
        self.flag.load(Ordering::Relaxed) || self.is_late()
    }

    /// Whether the time is up that [`Stop::within`] gave.
    pub fn is_late(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// When the time is up that [`Stop::within`] gave.
    pub fn ends(&self) -> Option<Instant> {
        self.at
    }

    /// The same flag, which is raised by itself when so many seconds have passed.
    #[must_use]
    pub fn within(&self, seconds: f64) -> Self {
        let after = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        Self { flag: Arc::clone(&self.flag), at: Instant::now().checked_add(after) }
    }

    /// Asks.
    pub fn request(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }
}
