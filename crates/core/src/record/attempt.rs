//! Who trains a job just now.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// One attempt of one process at one job; its name is part of the names of the files that it writes.
///
/// On a cluster two copies of a task can run at once (a node that was given up goes on), so neither the job nor the
/// task's number says who writes. Names sort by the time at which attempts began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt(String);

impl Attempt {
    /// A name that no other attempt has: time, host, process, and 32 random bits, since nodes may count their processes
    /// each for itself and hosts may share a name.
    #[expect(clippy::new_without_default, reason = "each call makes another one")]
    pub fn new() -> Self {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let host: String = gethostname::gethostname()
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(40)
            .collect();
        let random = RandomState::new().hash_one(millis) as u32;
        Self(format!("{millis:014}-{host}-{}-{random:08x}", std::process::id()))
    }

    /// How the names of this attempt's files of `job_id` begin.
    pub(super) fn stem(&self, job_id: &str) -> String {
        format!("{job_id}.{self}")
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
