//! The launcher's own journal: `jobs/launch.jsonl`, a line for each change of the plan while it ran.
//!
//! plan.json stays as the run began. A stack that found no room, or was cut so that all devices end together, stands here
//! with the jobs that took its place, so that a resumed run goes on with those.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::{Job, Plan};

/// A change of the plan, or of the devices that work on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A job was cut in two, which take its place.
    Cut {
        /// The job.
        job_id: String,
        /// Its trials in order.
        into: [Job; 2],
        /// Why.
        why: String,
    },
    /// A device failed too often and gets no more jobs.
    DeviceOut {
        /// `cuda:N`.
        device: String,
        /// What it said.
        why: String,
    },
    /// Nobody can train this job; its trials fail.
    GaveUp {
        /// The job.
        job: Job,
        /// Why.
        why: String,
    },
}

/// The journal, open for appending.
#[derive(Debug)]
pub struct LaunchLog(File);

impl LaunchLog {
    /// Opens or creates the journal in the folder `jobs`; a torn last line is dropped.
    ///
    /// # Errors
    /// The file cannot be read or written, or a line before the last is not ours.
    pub fn open(jobs: &Path) -> io::Result<Self> {
        let (_, whole) = read(jobs)?;
        let file = OpenOptions::new().create(true).append(true).open(path(jobs))?;
        file.set_len(whole)?;
        super::atomic::sync_folder(jobs)?;
        Ok(Self(file))
    }

    /// Adds a change and makes it last.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn append(&mut self, change: &Change) -> io::Result<()> {
        let mut line = serde_json::to_vec(change)?;
        line.push(b'\n');
        self.0.write_all(&line)?;
        self.0.sync_data()
    }

    /// The changes so far.
    ///
    /// # Errors
    /// As [`LaunchLog::open`].
    pub fn changes(jobs: &Path) -> io::Result<Vec<Change>> {
        read(jobs).map(|(changes, _)| changes)
    }
}

/// The jobs that stand for `plan` after `changes`: those that were cut give way to their halves.
pub fn jobs_now(plan: &Plan, changes: &[Change]) -> Vec<Job> {
    let mut jobs = plan.jobs.clone();
    for change in changes {
        if let Change::Cut { job_id, into, .. } = change
            && let Some(at) = jobs.iter().position(|job| job.job_id == *job_id)
        {
            jobs.splice(at..=at, into.iter().cloned());
        }
    }
    jobs
}

fn path(jobs: &Path) -> PathBuf {
    jobs.join("launch.jsonl")
}

/// The whole lines and how many bytes they are.
fn read(jobs: &Path) -> io::Result<(Vec<Change>, u64)> {
    let text = match std::fs::read(path(jobs)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let (mut changes, mut whole) = (Vec::new(), 0);
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            Ok(change) if line.ends_with(b"\n") => changes.push(change),
            _ if whole + line.len() == text.len() => break,
            Ok(_) => break,
            Err(error) => {
                let place = format!("{}:{}: {error}", path(jobs).display(), number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, place));
            }
        }
        whole += line.len();
    }
    Ok((changes, whole as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, first: usize, count: usize) -> Job {
        Job { job_id: id.into(), replicate: 0, first, count }
    }

    #[test]
    fn halves_take_the_place_of_the_job_and_a_torn_end_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path();
        let plan = Plan {
            trials: 20,
            replicates: 1,
            workers: 1,
            jobs: vec![job("job-00001", 0, 10), job("job-00002", 10, 10)],
        };
        assert_eq!(jobs_now(&plan, &LaunchLog::changes(jobs).unwrap()), plan.jobs);
        let cut = |job: &Job, at: usize| Change::Cut { job_id: job.job_id.clone(), into: job.cut(at), why: "w".into() };
        let first = cut(&plan.jobs[0], 5);
        let second = cut(&plan.jobs[0].cut(5)[1], 2);
        let mut log = LaunchLog::open(jobs).unwrap();
        log.append(&first).unwrap();
        log.append(&second).unwrap();
        drop(log);
        let text = std::fs::read(path(jobs)).unwrap();
        let now = jobs_now(&plan, &LaunchLog::changes(jobs).unwrap());
        let wanted = [("job-00001a", 0, 5), ("job-00001ba", 5, 2), ("job-00001bb", 7, 3), ("job-00002", 10, 10)];
        assert_eq!(now, wanted.map(|(id, first, count)| job(id, first, count)));
        assert_eq!(now[2].ancestors(), ["job-00001b", "job-00001"]);
        let one = text.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for cut_at in 0..text.len() {
            std::fs::write(path(jobs), &text[..cut_at]).unwrap();
            let mut log = LaunchLog::open(jobs).unwrap();
            log.append(&first).unwrap();
            let expected = if cut_at >= one { vec![first.clone(), first.clone()] } else { vec![first.clone()] };
            assert_eq!(LaunchLog::changes(jobs).unwrap(), expected, "cut at {cut_at}");
        }
        std::fs::write(path(jobs), "nonsense\n{}\n").unwrap();
        let error = LaunchLog::changes(jobs).unwrap_err().to_string();
        assert!(error.contains("launch.jsonl:1:"), "{error}");
    }
}
