//! The launcher's own journal: `jobs/launch.jsonl`, a line for each change of the plan while it ran.
//!
//! plan.jsonl stays as it was asked for. A stack that found no room, or was cut so that all devices end together,
//! stands here with the jobs that took its place, so that a resumed run goes on with those.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::lines;
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

/// The stem of the journal's name.
pub(super) const LAUNCH_LOG: &str = "launch";

/// The journal, open for appending.
#[derive(Debug)]
pub struct LaunchLog(Log);

#[derive(Debug)]
enum Log {
    Open(File),
    /// A worker's, made with the changes that it took over when there is another one.
    Later(PathBuf, Vec<Change>),
}

impl LaunchLog {
    /// Opens or creates the journal in the folder `jobs`, and returns what it holds; a torn last line is dropped, and a
    /// damaged one is left out: what was cut trains whole again then, beside what its halves have done. For the one
    /// process that has locked the run directory.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(jobs: &Path) -> io::Result<(Self, Vec<Change>)> {
        let (changes, whole) = read(&path(jobs))?;
        let file = super::atomic::open_own(&path(jobs), OpenOptions::new().create(true).append(true))?;
        file.set_len(whole)?;
        super::atomic::sync_folder(jobs)?;
        Ok((Self(Log::Open(file)), changes))
    }

    /// The journal of a new worker whose first job is `job_id`, and the changes of the newest worker of the same jobs,
    /// which it goes on from. Workers may run at once, so each has a file of its own, `launch.<job>.<attempt>.jsonl`;
    /// cuts that two of them make differently do no harm, since rows count by trial and checkpoints say which trials
    /// they have.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of_worker(jobs: &Path, job_id: &str) -> io::Result<(Self, Vec<Change>)> {
        let stem = format!("{LAUNCH_LOG}.{job_id}");
        let mut newest: Option<String> = None;
        for file in std::fs::read_dir(jobs)? {
            let name = file?.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("{stem}.")) && newest.as_ref().is_none_or(|newest| name > *newest) {
                newest = Some(name);
            }
        }
        let changes = newest.map_or(Ok(Vec::new()), |name| read(&jobs.join(name)).map(|(changes, _)| changes))?;
        let path = jobs.join(format!("{}.jsonl", Attempt::new().stem(&stem)));
        Ok((Self(Log::Later(path, changes.clone())), changes))
    }

    /// Adds a change and makes it last.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn append(&mut self, change: &Change) -> io::Result<()> {
        let mut lines = Vec::new();
        if let Log::Later(path, earlier) = &self.0 {
            for change in earlier {
                lines::push(&mut lines, change)?;
            }
            self.0 = Log::Open(OpenOptions::new().create_new(true).append(true).open(path)?);
        }
        lines::push(&mut lines, change)?;
        match &mut self.0 {
            Log::Open(file) => {
                file.write_all(&lines)?;
                file.sync_data()
            }
            Log::Later(..) => Ok(()), // it was opened above
        }
    }
}

/// The jobs that stand for `plan` after `changes`: those that were cut give way to their halves. A cut that is none of
/// a job of the plan is passed over.
pub fn jobs_now(plan: &Plan, changes: &[Change]) -> Vec<Job> {
    let mut jobs = plan.jobs.clone();
    for change in changes {
        if let Change::Cut { job_id, into, .. } = change
            && let Some(at) = jobs.iter().position(|job| job.job_id == *job_id)
            && (1..jobs[at].count).contains(&into[0].count)
            && jobs[at].cut(into[0].count) == *into
        {
            jobs.splice(at..=at, into.iter().cloned());
        }
    }
    jobs
}

fn path(jobs: &Path) -> PathBuf {
    jobs.join(format!("{LAUNCH_LOG}.jsonl"))
}

/// The whole lines and how many bytes they are; none where there is no file.
fn read(path: &Path) -> io::Result<(Vec<Change>, u64)> {
    match lines::read_sound(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Vec::new(), 0)),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        Ok(lines) => Ok((lines.values, lines.whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Phase;

    fn job(id: &str, first: usize, count: usize) -> Job {
        Job { job_id: id.into(), replicate: 0, first, count, phase: Phase::Search, epochs: None }
    }

    #[test]
    fn halves_take_the_place_of_the_job_and_a_torn_end_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path();
        let planned = vec![job("job-00001", 0, 10), job("job-00002", 10, 10)];
        let plan = Plan { trials: 20, replicates: 1, jobs: planned, waves: vec![0] };
        assert_eq!(jobs_now(&plan, &LaunchLog::open(jobs).unwrap().1), plan.jobs);
        let cut = |job: &Job, at: usize| Change::Cut { job_id: job.job_id.clone(), into: job.cut(at), why: "w".into() };
        let first = cut(&plan.jobs[0], 5);
        let second = cut(&plan.jobs[0].cut(5)[1], 2);
        let (mut log, _) = LaunchLog::open(jobs).unwrap();
        log.append(&first).unwrap();
        log.append(&second).unwrap();
        drop(log);
        let text = std::fs::read(path(jobs)).unwrap();
        let now = jobs_now(&plan, &LaunchLog::open(jobs).unwrap().1);
        let wanted = [("job-00001a", 0, 5), ("job-00001ba", 5, 2), ("job-00001bb", 7, 3), ("job-00002", 10, 10)];
        assert_eq!(now, wanted.map(|(id, first, count)| job(id, first, count)));
        assert_eq!(now[2].ancestors(), ["job-00001b", "job-00001"]);
        let one = text.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for cut_at in 0..text.len() {
            std::fs::write(path(jobs), &text[..cut_at]).unwrap();
            let (mut log, _) = LaunchLog::open(jobs).unwrap();
            log.append(&first).unwrap();
            let expected = if cut_at >= one { vec![first.clone(), first.clone()] } else { vec![first.clone()] };
            assert_eq!(LaunchLog::open(jobs).unwrap().1, expected, "cut at {cut_at}");
        }
        // A worker goes on from the cuts of the one before it, in a file of its own.
        for expected in [vec![], vec![first.clone()], vec![first.clone(), second.clone()]] {
            let (mut log, changes) = LaunchLog::of_worker(jobs, "job-00001").unwrap();
            assert_eq!(changes, expected);
            if let Some(next) = [&first, &second].get(expected.len()) {
                log.append(next).unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(2)); // names sort by time
        }
        assert!(LaunchLog::of_worker(jobs, "job-0000").unwrap().1.is_empty());
        // What is damaged is left out, and what cuts no job of the plan is passed over.
        std::fs::write(path(jobs), [b"nonsense\n", text.as_slice()].concat()).unwrap();
        assert_eq!(LaunchLog::open(jobs).unwrap().1, [first, second]);
        for into in [
            [job("../../x", 0, 5), job("job-00001b", 5, 5)],
            [job("job-00001a", 0, usize::MAX), job("job-00001b", 5, 5)],
            [job("job-00001a", 0, 0), job("job-00001b", 0, 10)],
            [job("job-00001a", 0, 5), job("job-00001b", 5, 6)],
        ] {
            let change = Change::Cut { job_id: "job-00001".into(), into, why: "w".into() };
            assert_eq!(jobs_now(&plan, &[change]), plan.jobs);
        }
    }
}
