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
            let Ok((entries, read)) = whole_lines(&path, offset) else { continue };
            if read == 0 {
                continue;
            }
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

    /// Rows, rows that failed, and jobs that are complete, of a whole plan.
    pub fn count(&self, plan: &Plan) -> (usize, usize, usize) {
        let rows = self.rows.values().map(HashMap::len).sum();
        let failed = self.rows.values().flat_map(HashMap::values).filter(|failed| **failed).count();
        (rows, failed, plan.jobs.iter().filter(|job| self.rows(&job.job_id) >= job.count).count())
    }

    /// Best validation AUC of the rows and whose it is.
    pub fn best(&self) -> Option<&(f64, String)> {
        self.best.as_ref()
    }
}

/// The entries of the whole lines from `offset` and their bytes. A line that is not ours ends the reading: it may be
/// one whose bytes have not all arrived on this host.
fn whole_lines(path: &Path, offset: u64) -> io::Result<(Vec<Entry>, u64)> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() <= offset {
        return Ok((Vec::new(), 0));
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut entries = Vec::new();
    let mut read = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let Some(entry) = Entry::of_line(line) else { break };
        entries.push(entry);
        read += line.len() as u64;
    }
    Ok((entries, read))
}
