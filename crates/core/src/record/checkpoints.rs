//! Checkpoints of jobs: one an attempt, in the folder of the journals.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::atomic::write_atomically;
use super::attempt::Attempt;
use super::checksum::{OTHER_SUM, blob_sum};
use super::error::RunDirError;
use super::names::planned;
use super::run_dir::RunDir;
use crate::plan::Job;

/// A checkpoint's bytes, or what is wrong with them.
type Checked = Result<Vec<u8>, RunDirError>;

impl RunDir {
    /// Replaces an attempt's checkpoint of a job as a whole. Its checksum is the file's last 32 bytes, and is of this
    /// job's checkpoint only: one of another stack of the same shape would go on to other figures.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_checkpoint(&self, job: &Job, attempt: &Attempt, checkpoint: &[u8]) -> io::Result<()> {
        write_atomically(&self.checkpoint_path(job, attempt), |out| {
            out.write_all(checkpoint)?;
            out.write_all(checkpoint_sum(job, checkpoint).as_bytes())
        })
    }

    /// The checkpoints of a job, one an attempt, in no order. Those that another copy takes away meanwhile are left
    /// out; what is wrong with one that is damaged stands in its place.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn checkpoints(&self, job: &Job) -> Result<Vec<Checked>, RunDirError> {
        let mut found = Vec::new();
        for path in self.checkpoint_paths(job)? {
            match fs::read(&path) {
                Ok(bytes) => found.push(checked(&path, job, bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(RunDirError::io(&path, error)),
            }
        }
        Ok(found)
    }

    /// Where an attempt keeps its checkpoint of a job. The name says which trials it has: two attempts may cut a job in
    /// different places.
    pub fn checkpoint_path(&self, job: &Job, attempt: &Attempt) -> PathBuf {
        self.jobs().join(format!("{}.checkpoint", attempt.stem(&checkpoint_name(job))))
    }

    /// Removes the checkpoints of a job, but that of the attempt `but`. A copy that still runs writes its own again,
    /// and one that stays does no harm, so a failure is none.
    pub fn remove_checkpoints(&self, job: &Job, but: Option<&Attempt>) {
        let kept = but.map(|attempt| self.checkpoint_path(job, attempt));
        for path in self.checkpoint_paths(job).unwrap_or_default() {
            if kept.as_ref() != Some(&path) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The checkpoints of a job of the plan and of all that it was cut into, each with the job that it is of.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn checkpoints_of_parts(&self, job: &Job) -> Result<Vec<(Job, Checked)>, RunDirError> {
        let mut found = Vec::new();
        for path in self.checkpoint_files()?.remove(planned(&job.job_id)).unwrap_or_default() {
            let Some(part) = path.file_name().and_then(|name| part_of(job, name.to_str()?)) else { continue };
            match fs::read(&path) {
                Ok(bytes) => {
                    let bytes = checked(&path, &part, bytes);
                    found.push((part, bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(RunDirError::io(&path, error)),
            }
        }
        Ok(found)
    }

    fn checkpoint_paths(&self, job: &Job) -> Result<Vec<PathBuf>, RunDirError> {
        let name = format!("{}.", checkpoint_name(job));
        let mut paths = self.checkpoint_files()?.remove(planned(&job.job_id)).unwrap_or_default();
        paths
            .retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|file| file.starts_with(&name)));
        Ok(paths)
    }

    /// The checkpoints of all jobs of the plan and of those that they were cut into, listed once.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn checkpoint_files(&self) -> Result<BTreeMap<String, Vec<PathBuf>>, RunDirError> {
        let jobs = self.jobs();
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let list = || -> io::Result<Vec<_>> { fs::read_dir(&jobs)?.collect() };
        for file in list().map_err(|e| RunDirError::io(&jobs, e))? {
            let name = file.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".checkpoint"));
            if let Some((job_id, _)) = stem.and_then(|stem| stem.split_once('.')?.0.split_once('@')) {
                files.entry(planned(job_id).to_owned()).or_default().push(file.path());
            }
        }
        Ok(files)
    }
}

/// The checksum of a checkpoint of `job`: over it, the job's name with its trials, and its replicate.
fn checkpoint_sum(job: &Job, checkpoint: &[u8]) -> String {
    let whose = format!("{} r{}", checkpoint_name(job), job.replicate);
    blob_sum(&[checkpoint, whose.as_bytes()].concat())
}

/// A checkpoint of `job` without its checksum.
fn checked(path: &Path, job: &Job, mut bytes: Vec<u8>) -> Checked {
    let sum = bytes.len().checked_sub(blob_sum(&[]).len()).map(|length| bytes.split_off(length));
    if sum.is_some_and(|sum| checkpoint_sum(job, &bytes).as_bytes() == sum) {
        return Ok(bytes);
    }
    Err(RunDirError::Broken { path: path.to_owned(), why: OTHER_SUM.to_owned() })
}

/// The part of `job` whose checkpoint is called `name`; `None` where that is none of its.
fn part_of(job: &Job, name: &str) -> Option<Job> {
    let (job_id, trials) = name.split_once('.')?.0.split_once('@')?;
    let (first, count) = trials.split_once('+')?;
    let (first, count) = (first.parse().ok()?, count.parse().ok()?);
    let fits = job_id.starts_with(&job.job_id) && planned(job_id) == planned(&job.job_id);
    fits.then(|| Job { job_id: job_id.to_owned(), first, count, ..job.clone() })
}

/// `job-00007a@120+15`: a job with its first trial and their number.
fn checkpoint_name(job: &Job) -> String {
    format!("{}@{}+{}", job.job_id, job.first, job.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Phase;

    #[test]
    fn a_checkpoint_is_of_its_job_alone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        let job = |id: &str, replicate| Job {
            job_id: id.into(),
            replicate,
            first: 8,
            count: 8,
            phase: Phase::Search,
            epochs: None,
        };
        let (mine, other) = (job("job-00004", 1), job("job-00003", 0));
        let (attempt, state) = (Attempt::new(), b"weights".as_slice());
        dir.write_checkpoint(&mine, &attempt, state).unwrap();
        assert_eq!(dir.checkpoints(&mine).unwrap().remove(0).unwrap(), state);
        dir.write_checkpoint(&other, &attempt, state).unwrap();
        fs::copy(dir.checkpoint_path(&other, &attempt), dir.checkpoint_path(&mine, &attempt)).unwrap();
        assert!(matches!(dir.checkpoints(&mine).unwrap().remove(0), Err(RunDirError::Broken { .. })));
    }

    #[test]
    fn the_checkpoints_of_what_a_job_was_cut_into_say_which_trials_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        let job =
            Job { job_id: "job-00004".into(), replicate: 1, first: 8, count: 8, phase: Phase::Search, epochs: None };
        let parts = job.cut(3);
        for part in &parts {
            dir.write_checkpoint(part, &Attempt::new(), part.job_id.as_bytes()).unwrap();
        }
        let other = Job { job_id: "job-00005".into(), ..job.clone() };
        dir.write_checkpoint(&other, &Attempt::new(), b"x").unwrap();
        let mut found = dir.checkpoints_of_parts(&job).unwrap();
        found.sort_by(|one, other| one.0.job_id.cmp(&other.0.job_id));
        let found: Vec<(Job, Vec<u8>)> = found.into_iter().map(|(part, bytes)| (part, bytes.unwrap())).collect();
        assert_eq!(found, parts.map(|part| (part.clone(), part.job_id.into_bytes())));
    }
}
