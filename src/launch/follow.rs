//! The journals of a run while others write them: which rows are there, read on from where it stopped.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use focalsweep_core::plan::Plan;
use focalsweep_core::record::{Entry, Journals, State};

/// Rows of a run, counted once each.
#[derive(Debug, Default)]
pub struct Follow {
    jobs: PathBuf,
    /// Bytes of each journal that were read as whole lines.
    offsets: HashMap<PathBuf, u64>,
    /// By job, then by trial: whether it failed. A copy that finished counts more than one that failed.
    rows: HashMap<String, HashMap<String, bool>>,
    /// Best validation AUC and whose it is.
    best: Option<(f64, String)>,
}

impl Follow {
    /// The journals in the folder `jobs`.
    pub fn new(jobs: PathBuf) -> Self {
        Self { jobs, ..Self::default() }
    }

    /// Reads what was added since the last time: one listing, one look at each journal, and the new lines.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read(&mut self) -> io::Result<()> {
        let journals = Journals::list(&self.jobs)?;
        for (job_id, path) in journals.paths() {
            let offset = self.offsets.get(&path).copied().unwrap_or(0);
            // A journal that cannot be read now can be later; whoever collects says so if it stays that way.
            let sound = |entry: &Entry| journals.is_sound(&path, entry);
            let Ok((entries, read)) = whole_lines(&path, offset, &sound) else { continue };
            for entry in entries.into_iter().filter(|entry| journals.is_settled(&path, &entry.row)) {
                let failed = entry.row.state == State::Failed;
                let known = self.rows.entry(job_id.to_owned()).or_default();
                known.entry(entry.row.trial_id.clone()).and_modify(|old| *old &= failed).or_insert(failed);
                let auc = entry.row.val.as_ref().and_then(|val| val.auc);
                if let Some(auc) = auc.filter(|auc| self.best.as_ref().is_none_or(|(best, _)| auc > best)) {
                    self.best = Some((auc, entry.row.hyperparameters.label()));
                }
            }
            self.offsets.insert(path, offset + read);
        }
        Ok(())
    }

    /// Rows of a job.
    pub fn rows(&self, job_id: &str) -> usize {
        self.rows.get(job_id).map_or(0, HashMap::len)
    }

    /// Rows, rows that failed, and jobs that are complete, of a whole plan. Rows of jobs that the plan does not have,
    /// or of more trials than a job has, do not count.
    pub fn count(&self, plan: &Plan) -> (usize, usize, usize) {
        let (mut rows, mut failed, mut jobs) = (0, 0, 0);
        for job in &plan.jobs {
            let done = self.rows(&job.job_id).min(job.count);
            rows += done;
            failed +=
                self.rows.get(&job.job_id).map_or(0, |rows| rows.values().filter(|failed| **failed).count()).min(done);
            jobs += usize::from(done == job.count);
        }
        (rows, failed, jobs)
    }

    /// Best validation AUC of the rows and whose it is.
    pub fn best(&self) -> Option<&(f64, String)> {
        self.best.as_ref()
    }
}

/// The entries of the whole lines from `offset` that are sound, and the bytes up to the first that is not: its bytes
/// may not all have arrived on this host, so it is looked at again the next time.
fn whole_lines(path: &Path, offset: u64, sound: &dyn Fn(&Entry) -> bool) -> io::Result<(Vec<Entry>, u64)> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() <= offset {
        return Ok((Vec::new(), 0));
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut entries = Vec::new();
    let (mut read, mut all_sound) = (0, true);
    for line in bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let entry = Entry::of_line(line).filter(|entry| sound(entry));
        all_sound &= entry.is_some();
        read += if all_sound { line.len() as u64 } else { 0 };
        entries.extend(entry);
    }
    Ok((entries, read))
}
