//! Replicates whose features were let go, made again while somebody trains on them.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::DataSpec;

use super::error::DataError;
use super::label::Source;
use super::prepare::prepare;
use super::split::Splits;

/// Makes the features of replicates when they are asked for. They live as long as somebody uses them, and the last
/// ones until others are asked for: jobs are taken replicate by replicate.
#[derive(Debug)]
pub struct Again<'a> {
    source: &'a Source,
    data: &'a DataSpec,
    splits: Splits<'a>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    last: Option<Arc<Replicate>>,
    used: HashMap<u32, Weak<Replicate>>,
}

impl<'a> Again<'a> {
    /// Of the replicates of a sweep over `source`.
    pub fn new(source: &'a Source, data: &'a DataSpec, splits: Splits<'a>) -> Self {
        Self { source, data, splits, held: Mutex::default() }
    }

    /// What they are made of.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// This replicate with its features.
    ///
    /// # Errors
    /// Those of [`prepare`]: none that were not there when it was prepared for the first time.
    pub fn whole(&self, replicate: &Arc<Replicate>) -> Result<Arc<Replicate>, DataError> {
        if replicate.has_features() {
            return Ok(Arc::clone(replicate));
        }
        // Whoever asks for the same waits, rather than make it too.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole) = held.used.get(&replicate.index).and_then(Weak::upgrade) {
            return Ok(whole);
        }
        // Before there are others, and not after.
        held.last = None;
        let whole = Arc::new(self.made(replicate.index)?);
        held.used.insert(replicate.index, Arc::downgrade(&whole));
        held.last = Some(Arc::clone(&whole));
        Ok(whole)
    }

    /// Makes it on a thread that is none of rayon's. A worker that waits for its share of parallel work takes up
    /// whatever else its pool has to do: another job, which would ask here, and wait for the lock that it holds itself.
    fn made(&self, index: u32) -> Result<Replicate, DataError> {
        let make = || prepare(self.source, self.data, &self.splits, index);
        thread::scope(|scope| {
            let maker = thread::Builder::new().spawn_scoped(scope, make).map_err(DataError::NoThread)?;
            maker.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}
