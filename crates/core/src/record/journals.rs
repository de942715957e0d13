//! The journals of a folder, read together: each (trial, replicate) once, without what is damaged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::entry::Entry;
use super::job_bytes::JobBytes;
use super::journal::{Payload, ScoreBytes};
use super::launch_log::LAUNCH_LOG;
use super::lines;
use super::names::{lines_path, planned};
use super::retry::Retry;
use super::rows::{ResultRow, State};

/// The journals of a folder, listed once.
#[derive(Debug)]
pub struct Journals {
    jobs: PathBuf,
    /// Names without `.jsonl` by job of the plan, the oldest attempt first. Jobs that were cut count to it.
    stems: BTreeMap<String, Vec<String>>,
    /// Failures that are to be trained again.
    retry: Retry,
    /// What was found to be damaged.
    damage: Damage,
}

/// An entry and where its bytes are.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Name of the attempt's files without `.bin`.
    pub(super) stem: String,
    /// The entry.
    pub entry: Entry,
}

impl Journals {
    /// Lists the folder `jobs`: one call, however many jobs. A folder that is missing has no journals.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn list(jobs: &Path) -> io::Result<Self> {
        let mut stems: BTreeMap<String, Vec<String>> = BTreeMap::new();
        match std::fs::read_dir(jobs) {
            Ok(files) => {
                for file in files {
                    let name = file?.file_name();
                    let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".jsonl")) else { continue };
                    if let Some((job_id, _)) = stem.split_once('.').filter(|(job_id, _)| *job_id != LAUNCH_LOG) {
                        stems.entry(planned(job_id).to_owned()).or_default().push(stem.to_owned());
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // An attempt's name begins with the time at which it began.
        let attempt =
            |stem: &String| stem.split_once('.').map(|(job_id, attempt)| (attempt.to_owned(), job_id.to_owned()));
        stems.values_mut().for_each(|stems| stems.sort_by_cached_key(attempt));
        Ok(Self { jobs: jobs.to_owned(), stems, retry: Retry::read(jobs)?, damage: Damage::default() })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.stems.is_empty()
    }

    /// Whether there is one of a job of the plan, or of a job that it was cut into.
    pub fn has(&self, job_id: &str) -> bool {
        self.stems.contains_key(planned(job_id))
    }

    /// Marks every row that failed until now as one to be trained again. It stays until there is another.
    ///
    /// # Errors
    /// That cannot be written.
    pub fn retry_failed(&self) -> io::Result<()> {
        Retry::mark(&self.jobs, self.stems.values().flatten().cloned())
    }

    /// Whether a row of the journal at `path` is one that need not be trained: it did not fail, or is not to be tried
    /// again.
    pub fn is_settled(&self, path: &Path, row: &ResultRow) -> bool {
        path.file_stem().and_then(|stem| stem.to_str()).is_none_or(|stem| self.retry.is_settled(stem, row))
    }

    /// Whether the bytes of an entry of the journal at `path` are as they were written.
    pub fn is_sound(&self, path: &Path, entry: &Entry) -> bool {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let spans = stem.zip(entry.bytes.as_ref());
        spans.is_none_or(|(stem, spans)| matches!(JobBytes::new(self.jobs.clone()).damage(stem, spans), Ok(None)))
    }

    /// Every journal's path with its job of the plan.
    pub fn paths(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        self.stems
            .iter()
            .flat_map(|(job_id, stems)| stems.iter().map(|stem| (job_id.as_str(), lines_path(&self.jobs, stem))))
    }

    /// The entries of a job of the plan and of all jobs that it was cut into, each (trial, replicate) once: of several
    /// the one that finished, else the oldest attempt's. `job_id` may be one of those that it was cut into. Damaged
    /// ones are left out: see [`Journals::damage`].
    ///
    /// # Errors
    /// A journal cannot be read.
    pub fn of(&self, job_id: &str) -> io::Result<Vec<Kept>> {
        self.merged(job_id, |_| true)
    }

    /// The same of the entries that need not be trained: failures that are to be tried again are left out.
    ///
    /// # Errors
    /// As there.
    pub fn settled(&self, job_id: &str) -> io::Result<Vec<Kept>> {
        self.merged(job_id, |kept| self.retry.is_settled(&kept.stem, &kept.entry.row))
    }

    /// The entries of a job of the plan of the trials `of` which have ended for good: they did not pause, and are not
    /// to be tried again.
    ///
    /// # Errors
    /// As there.
    pub fn over(&self, job_id: &str, of: &HashSet<String>) -> io::Result<Vec<Kept>> {
        self.merged(job_id, |kept| {
            let row = &kept.entry.row;
            row.state != State::Stopped && of.contains(&row.trial_id) && self.retry.is_settled(&kept.stem, row)
        })
    }

    /// What a trained model left beside its row; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn payload(&self, kept: &Kept) -> io::Result<Option<Payload>> {
        let Some(spans) = &kept.entry.bytes else { return Ok(None) };
        let [raw, score, test_raw, test_score, calibration_raw, calibration_score, model] =
            JobBytes::new(self.jobs.clone()).all(&kept.stem, spans)?;
        Ok(Some(Payload {
            train_roc: kept.entry.train_roc.clone(),
            validation: ScoreBytes { raw, score },
            test: ScoreBytes { raw: test_raw, score: test_score },
            calibration: ScoreBytes { raw: calibration_raw, score: calibration_score },
            model,
        }))
    }

    fn merged(&self, job_id: &str, counts: impl Fn(&Kept) -> bool) -> io::Result<Vec<Kept>> {
        let mut kept: Vec<Kept> = Vec::new();
        let mut place: HashMap<(String, u32), usize> = HashMap::new();
        let mut bytes = JobBytes::new(self.jobs.clone());
        for stem in self.stems.get(planned(job_id)).map(Vec::as_slice).unwrap_or_default() {
            let path = lines_path(&self.jobs, stem);
            let lines = match lines::read_sound::<Entry>(&path) {
                Err(why) if why.kind() == io::ErrorKind::IsADirectory => {
                    self.damage.note(format!("{}: {why}", path.display()));
                    continue;
                }
                read => read.map_err(|why| io::Error::new(why.kind(), format!("{}: {why}", path.display())))?,
            };
            lines.damaged.into_iter().for_each(|why| self.damage.note(why));
            for mut entry in lines.values {
                // As long as they came, without the room in which they grew: a run holds many.
                entry.history.shrink_to_fit();
                entry.train_roc.shrink_to_fit();
                let key = (entry.row.trial_id.clone(), entry.row.replicate);
                let new = Kept { stem: stem.clone(), entry };
                let old = place.get(&key).copied();
                let is_better =
                    |old: usize| kept[old].entry.row.state == State::Failed && new.entry.row.state != State::Failed;
                if !counts(&new) || !old.is_none_or(is_better) {
                    continue;
                }
                if let Some(spans) = &new.entry.bytes
                    && let Some(why) = bytes.damage(stem, spans)?
                {
                    self.damage.note(format!("{why}: trial {}, replicate {}", key.0, key.1));
                    continue;
                }
                match old {
                    None => {
                        place.insert(key, kept.len());
                        kept.push(new);
                    }
                    Some(old) => kept[old] = new,
                }
            }
        }
        Ok(kept)
    }

    /// Places in the journals, in words, that were read so far and are damaged. What they held is left out, so that it
    /// is trained again.
    pub fn damage(&self) -> Vec<String> {
        self.damage.noted()
    }
}

/// Damage that was found, each place once.
#[derive(Debug, Default)]
struct Damage(Mutex<BTreeSet<String>>);

impl Damage {
    fn note(&self, why: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(why);
    }

    fn noted(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
