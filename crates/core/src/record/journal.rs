//! The journals of a job: a line of JSON for each (trial, replicate) that has ended, and a file of bytes beside it.
//!
//! Each attempt at a job writes a journal of its own, `<job>.<attempt>.jsonl` for the lines and `<job>.<attempt>.bin`
//! for scores and models. So two copies of a task that run at once never write to one file. Readers take all attempts
//! together and keep each (trial, replicate) once: copies come to the same bits, so it does not matter whose.
//! The bytes are synced before the line that names them, so what a whole line names is there. A torn last line (a crash
//! while writing, or an attempt that is writing just now) is not read. Lines and bytes have checksums; what is damaged
//! counts as not there, and is trained again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::bytes::from_le_bytes;
use super::checksum::{OTHER_SUM, blob_sum, sum_of_stream};
use super::launch_log::LAUNCH_LOG;
use super::lines;
use super::names::planned;
use super::retry::Retry;
use super::rows::{HistoryRow, ResultRow, State};
use crate::metrics::RocCorner;
use crate::plan::{Hyperparameters, Shape};
use crate::prepared::Replicate;

/// A journal line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The row of results.parquet.
    pub row: ResultRow,
    /// Its epochs.
    pub history: Vec<HistoryRow>,
    /// ROC curve of its training rows by their logits; empty for a trial without a model.
    pub train_roc: Vec<RocCorner>,
    /// Where its bytes lie in the `.bin` file; `None` for a trial without a model.
    pub bytes: Option<Spans>,
}

/// Where an entry's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans {
    /// Where they start.
    offset: u64,
    /// Bytes of each part, one after the other: logits and probabilities of the validation rows, of the test rows, the
    /// model.
    lengths: [u64; PARTS],
    /// Checksum of each part.
    sums: [String; PARTS],
}

impl Spans {
    /// Checksum of the model.
    pub(super) fn model_sum(&self) -> &str {
        &self.sums[MODEL]
    }

    /// Where each part lies; `None` where no file is that long.
    fn parts(&self) -> Option<[(u64, u64); PARTS]> {
        let mut start = self.offset;
        let mut parts = [(0, 0); PARTS];
        for (part, &length) in parts.iter_mut().zip(&self.lengths) {
            *part = (start, length);
            start = start.checked_add(length)?;
        }
        Some(parts)
    }
}

/// What an entry has to agree with: the trial and the rows that it says it was trained on.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The trial of that id.
    pub trial: &'a Hyperparameters,
    /// The replicate of that number.
    pub replicate: &'a Replicate,
    /// Fingerprint of the run's data.
    pub data_fingerprint: &'a str,
}

/// Parts of a model's bytes.
const PARTS: usize = 5;
/// The last of them.
const MODEL: usize = PARTS - 1;

/// What a trained model leaves beside its row: the curve goes into the line, the rest into the `.bin` file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Payload {
    /// ROC curve of the training rows.
    pub train_roc: Vec<RocCorner>,
    /// Scores of the validation rows.
    pub validation: ScoreBytes,
    /// Scores of the test rows.
    pub test: ScoreBytes,
    /// The model's parameters in the layout of [`Shape`], little-endian f32.
    pub model: Vec<u8>,
}

/// Scores of rows, little-endian f32; empty where none are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScoreBytes {
    /// The logits.
    pub raw: Vec<u8>,
    /// The probabilities.
    pub score: Vec<u8>,
}

/// The journal of one attempt at a job. Its files are made when there is something to write.
#[derive(Debug)]
pub struct Journal {
    jobs: PathBuf,
    stem: String,
    open: Option<Files>,
}

#[derive(Debug)]
struct Files {
    lines: File,
    bytes: File,
    end: u64,
}

impl Entry {
    /// The entry of a line of a journal that others may be writing; `None` where it is not whole yet.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        lines::value(line).ok()
    }

    /// Whether this is an entry of the sweep that is `expected`, with as many scores and parameters as that has.
    ///
    /// # Errors
    /// What is otherwise, in words.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), String> {
        let Expected { trial, replicate, data_fingerprint } = *expected;
        let row = &self.row;
        let same = [
            ("hyperparameters", row.hyperparameters == *trial),
            ("replicate", row.replicate == replicate.index),
            ("data", row.data_fingerprint == data_fingerprint),
            ("split", row.split_fingerprint == replicate.split_fingerprint),
        ];
        if let Some((what, _)) = same.iter().find(|(_, same)| !same) {
            return Err(format!("it is of another {what} than the sweep"));
        }
        if (row.state == State::Failed) != self.bytes.is_none() {
            return Err("a trial has a model unless it failed".to_owned());
        }
        let Some(spans) = &self.bytes else { return Ok(()) };
        let Hyperparameters { hidden, activation, .. } = trial;
        let shape = Shape { inputs: replicate.features.len(), hidden: hidden.clone(), activation: *activation };
        let bytes = |numbers: usize| numbers as u64 * size_of::<f32>() as u64;
        let [validation, test] = [&replicate.validation, &replicate.test].map(|rows| bytes(rows.y.len()));
        let model = bytes(shape.parameters());
        let (with_scores, without) = ([validation, validation, test, test, model], [0, 0, 0, 0, model]);
        if spans.lengths == with_scores || spans.lengths == without {
            Ok(())
        } else {
            Err(format!("{:?} bytes of scores and parameters, expected {with_scores:?}", spans.lengths))
        }
    }
}

impl Journal {
    /// The journal of `attempt` at `job_id` in the folder `jobs`. Nothing is written yet.
    pub fn new(jobs: &Path, job_id: &str, attempt: &Attempt) -> Self {
        Self { jobs: jobs.to_owned(), stem: attempt.stem(job_id), open: None }
    }

    /// Appends rows and makes them last: two syncs, however many rows.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn append(&mut self, ended: Vec<(ResultRow, Vec<HistoryRow>, Option<Payload>)>) -> io::Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let files = match &mut self.open {
            Some(files) => files,
            closed => closed.insert(Files::create(&self.jobs, &self.stem)?),
        };
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for (row, history, payload) in ended {
            let mut train_roc = Vec::new();
            let spans = payload.map(|payload| {
                train_roc = payload.train_roc;
                let offset = files.end + bytes.len() as u64;
                let Payload { validation, test, model, .. } = payload;
                let parts = [validation.raw, validation.score, test.raw, test.score, model];
                let lengths = parts.each_ref().map(|part| part.len() as u64);
                let sums = parts.each_ref().map(|part| blob_sum(part));
                parts.iter().for_each(|part| bytes.extend_from_slice(part));
                Spans { offset, lengths, sums }
            });
            lines::push(&mut lines, &Entry { row, history, train_roc, bytes: spans })?;
        }
        if !bytes.is_empty() {
            files.bytes.write_all(&bytes)?;
            files.bytes.sync_data()?;
            files.end += bytes.len() as u64;
        }
        files.lines.write_all(&lines)?;
        files.lines.sync_data()
    }
}

impl Files {
    fn create(jobs: &Path, stem: &str) -> io::Result<Self> {
        let create = |path: PathBuf| OpenOptions::new().create_new(true).append(true).open(path);
        let files = Self { bytes: create(bytes_path(jobs, stem))?, lines: create(lines_path(jobs, stem))?, end: 0 };
        super::atomic::sync_folder(jobs)?;
        Ok(files)
    }
}

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
        spans.is_none_or(|(stem, spans)| JobBytes::new(self.jobs.clone()).check(stem, spans).is_ok())
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
            for entry in lines.values {
                let key = (entry.row.trial_id.clone(), entry.row.replicate);
                let new = Kept { stem: stem.clone(), entry };
                let old = place.get(&key).copied();
                let is_better =
                    |old: usize| kept[old].entry.row.state == State::Failed && new.entry.row.state != State::Failed;
                if !counts(&new) || !old.is_none_or(is_better) {
                    continue;
                }
                if let Some(Err(why)) = new.entry.bytes.as_ref().map(|spans| bytes.check(stem, spans)) {
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

/// Reads the `.bin` files; keeps the last one open, since entries of an attempt mostly come together.
#[derive(Debug)]
pub(super) struct JobBytes {
    jobs: PathBuf,
    open: Option<(String, File)>,
}

impl JobBytes {
    /// Of the folder `jobs`.
    pub(super) fn new(jobs: PathBuf) -> Self {
        Self { jobs, open: None }
    }

    /// Whether every part of an entry is as it was written.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn check(&mut self, stem: &str, spans: &Spans) -> Result<(), String> {
        let path = bytes_path(&self.jobs, stem);
        let named = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let parts = spans.parts().ok_or_else(|| named(&"no file is as long as its journal says"))?;
        let file = self.open(stem).map_err(|why| named(&why))?;
        let outcome = || -> io::Result<bool> {
            let end = parts.iter().map(|(start, length)| start + length).max().unwrap_or(0);
            if file.metadata()?.len() < end {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is cut off"));
            }
            let mut reader = BufReader::with_capacity(1 << 18, &file);
            reader.seek(SeekFrom::Start(spans.offset))?;
            for ((_, length), sum) in parts.iter().zip(&spans.sums) {
                if sum_of_stream(Read::by_ref(&mut reader).take(*length))? != (*length, sum.clone()) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let outcome = outcome();
        self.open = Some((stem.to_owned(), file));
        match outcome {
            Ok(true) => Ok(()),
            Ok(false) => Err(named(&OTHER_SUM)),
            Err(why) => Err(named(&why)),
        }
    }

    /// Logits and probabilities of the validation rows, then of the test rows, of an entry that has bytes.
    pub(super) fn scores(&mut self, stem: &str, spans: &Spans) -> io::Result<[Vec<f32>; MODEL]> {
        let mut scores: [Vec<f32>; MODEL] = Default::default();
        for (at, part) in scores.iter_mut().enumerate() {
            *part = from_le_bytes(&self.part(stem, spans, at)?);
        }
        Ok(scores)
    }

    /// The parameters of the model of an entry that has bytes, little-endian f32.
    pub(super) fn model(&mut self, stem: &str, spans: &Spans) -> io::Result<Vec<u8>> {
        self.part(stem, spans, MODEL)
    }

    fn part(&mut self, stem: &str, spans: &Spans, at: usize) -> io::Result<Vec<u8>> {
        let path = bytes_path(&self.jobs, stem);
        let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
        let (offset, length) = spans.parts().ok_or_else(|| damaged("no file is that long"))?[at];
        let mut file = self.open(stem)?;
        if file.metadata()?.len().checked_sub(length).is_none_or(|last| offset > last) {
            return Err(damaged("it is cut off"));
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact(&mut bytes)?;
        self.open = Some((stem.to_owned(), file));
        if blob_sum(&bytes) == spans.sums[at] { Ok(bytes) } else { Err(damaged(OTHER_SUM)) }
    }

    fn open(&mut self, stem: &str) -> io::Result<File> {
        match self.open.take() {
            Some((open, file)) if open == stem => Ok(file),
            _ => File::open(bytes_path(&self.jobs, stem)),
        }
    }
}

fn lines_path(jobs: &Path, stem: &str) -> PathBuf {
    jobs.join(format!("{stem}.jsonl"))
}

fn bytes_path(jobs: &Path, stem: &str) -> PathBuf {
    jobs.join(format!("{stem}.bin"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::bytes::le_bytes;
    use super::*;
    use crate::plan::Phase;
    use crate::record::{STACK, State};
    use crate::spec::{Hyperparameters, Loss};

    pub(in crate::record) fn row(trial: &str, replicate: u32) -> ResultRow {
        ResultRow {
            trial_id: trial.into(),
            replicate,
            state: State::Failed,
            error: Some("diverged".into()),
            hyperparameters: Hyperparameters {
                alpha: Some(0.1),
                gamma: Some(2.0),
                batch_size: 64,
                hidden: vec![16, 8],
                ..Hyperparameters::built_in(Loss::Focal)
            },
            trainer: STACK.into(),
            trainer_fingerprint: None,
            phase: Phase::Search,
            fold: None,
            repeat: None,
            seed: 0,
            split_fingerprint: "s".into(),
            data_fingerprint: "d".into(),
            device: "cpu".into(),
            device_name: "a processor".into(),
            host: "h".into(),
            job_id: "job-00001".into(),
            stack_size: 2,
            epochs_run: 3,
            best_epoch: None,
            train_seconds: 0.1 + 0.2,
            started_at: 1,
            finished_at: 2,
            train: None,
            val: None,
            test: None,
            threshold: None,
            threshold_raw: None,
            val_op: None,
            test_op: None,
        }
    }

    fn payload(fill: u8) -> Payload {
        let corner = |fp, tp, threshold| RocCorner { fp, tp, threshold };
        let train_roc = vec![corner(0, 0, None), corner(1, 2, Some(0.1)), corner(7, 9, Some(f32::MIN))];
        let validation = ScoreBytes { raw: vec![fill; 8], score: vec![fill + 1; 8] };
        let test = ScoreBytes { raw: vec![fill + 2; 4], score: vec![fill + 3; 4] };
        Payload { train_roc, validation, test, model: vec![fill + 4; 3] }
    }

    #[test]
    fn what_is_appended_is_read_back_and_a_torn_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path();
        let attempt = Attempt::new();
        let mut journal = Journal::new(jobs, "j", &attempt);
        assert!(Journals::list(jobs).unwrap().of("j").unwrap().is_empty());
        assert_eq!(std::fs::read_dir(jobs).unwrap().count(), 0, "nothing is made before there is something to write");
        journal.append(vec![(row("a", 0), vec![], Some(payload(1))), (row("b", 0), vec![], None)]).unwrap();
        drop(journal);
        let path = lines_path(jobs, &attempt.stem("j"));
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|&b| b == b'\n').unwrap() + 1;
        // Cut at every byte: whole lines are kept, and another attempt goes on beside.
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let expected = usize::from(cut >= first) + usize::from(cut == whole.len());
            let next = Attempt::new();
            assert_eq!(Journals::list(jobs).unwrap().of("j").unwrap().len(), expected, "cut at {cut}");
            let mut journal = Journal::new(jobs, "j", &next);
            journal.append(vec![(row("c", 0), vec![], Some(payload(5)))]).unwrap();
            let kept = Journals::list(jobs).unwrap().of("j").unwrap();
            assert_eq!(kept.len(), expected + 1);
            let last = kept.last().unwrap();
            assert_eq!(last.entry.row, row("c", 0));
            let mut bytes = JobBytes::new(jobs.to_owned());
            let spans = last.entry.bytes.clone().unwrap();
            let [raw, score, test_raw, test_score] =
                bytes.scores(&last.stem, &spans).unwrap().map(|values| le_bytes(&values));
            let (validation, test) = (ScoreBytes { raw, score }, ScoreBytes { raw: test_raw, score: test_score });
            let model = bytes.model(&last.stem, &spans).unwrap();
            assert_eq!(spans.model_sum(), blob_sum(&model));
            assert_eq!(Payload { train_roc: last.entry.train_roc.clone(), validation, test, model }, payload(5));
            std::fs::remove_file(lines_path(jobs, &next.stem("j"))).unwrap();
        }
    }

    #[test]
    fn attempts_at_once_keep_each_row_once() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path();
        let attempts = [(); 3].map(|()| Attempt::new());
        let [mut first, mut second] = [0, 1].map(|at| Journal::new(jobs, "j", &attempts[at]));
        let mut third = Journal::new(jobs, "jab", &attempts[2]); // of a part of the job
        let failed = |id: &str| ResultRow { state: State::Failed, error: Some("out of memory".into()), ..row(id, 0) };
        let finished = ResultRow { state: State::Finished, error: None, ..row("a", 0) };
        third.append(vec![(finished, vec![], Some(payload(1)))]).unwrap();
        first.append(vec![(failed("a"), vec![], None), (row("b", 0), vec![], Some(payload(2)))]).unwrap();
        second.append(vec![(row("b", 0), vec![], Some(payload(2))), (row("b", 1), vec![], None)]).unwrap();
        Journal::new(jobs, "jj", &Attempt::new()).append(vec![(row("z", 0), vec![], None)]).unwrap();
        for name in ["launch.jsonl", "launch.j.1.jsonl"] {
            std::fs::write(jobs.join(name), "not a journal of a job\n").unwrap();
        }
        let mut kept = Journals::list(jobs).unwrap().of("j").unwrap();
        // Attempts of one millisecond come in any order.
        kept.sort_by_key(|k| (k.entry.row.trial_id.clone(), k.entry.row.replicate));
        let rows: Vec<_> = kept.iter().map(|k| (k.entry.row.trial_id.as_str(), k.entry.row.replicate)).collect();
        assert_eq!(rows, [("a", 0), ("b", 0), ("b", 1)]);
        assert_eq!(kept[0].entry.row.state, State::Finished, "a row that finished is kept before one that failed");
        let oldest = attempts[..2].iter().map(|a| a.stem("j")).min();
        assert_eq!(Some(&kept[1].stem), oldest.as_ref());
        let mut bytes = JobBytes::new(jobs.to_owned());
        for kept in &kept[..2] {
            bytes.model(&kept.stem, kept.entry.bytes.as_ref().unwrap()).unwrap();
        }
    }

    #[test]
    fn failures_that_are_tried_again_do_not_count_and_stay_until_there_is_more() {
        const FAILED: State = State::Failed;
        const FINISHED: State = State::Finished;
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path();
        let finished = |id: &str| ResultRow { state: FINISHED, error: None, ..row(id, 0) };
        let mut first = Journal::new(jobs, "j", &Attempt::new());
        let entry = |row: ResultRow| vec![(row, vec![], None)];
        for row in [row("a", 0), row("b", 0), finished("c")] {
            first.append(entry(row)).unwrap();
        }
        let ids = |kept: Vec<Kept>| -> Vec<(String, State)> {
            kept.into_iter().map(|kept| (kept.entry.row.trial_id, kept.entry.row.state)).collect()
        };
        let told = |settled: &[(&str, State)], all: &[(&str, State)]| {
            let journals = Journals::list(jobs).unwrap();
            let owned =
                |rows: &[(&str, State)]| -> Vec<_> { rows.iter().map(|(id, s)| ((*id).to_owned(), *s)).collect() };
            assert_eq!(ids(journals.settled("j").unwrap()), owned(settled));
            assert_eq!(ids(journals.of("j").unwrap()), owned(all));
        };
        let all = [("a", FAILED), ("b", FAILED), ("c", FINISHED)];
        told(&all, &all);
        Journals::list(jobs).unwrap().retry_failed().unwrap();
        told(&[("c", FINISHED)], &all);
        // One finishes now, one fails again.
        let mut second = Journal::new(jobs, "j", &Attempt::new());
        second.append(entry(finished("a"))).unwrap();
        second.append(entry(row("b", 0))).unwrap();
        let journals = Journals::list(jobs).unwrap();
        let mut settled = ids(journals.settled("j").unwrap());
        settled.sort_by(|x, y| x.0.cmp(&y.0));
        assert_eq!(settled, [("a".into(), FINISHED), ("b".into(), FAILED), ("c".into(), FINISHED)]);
        assert_eq!(ids(journals.of("j").unwrap())[..2], [("a".into(), FINISHED), ("b".into(), FAILED)]);
        let paths: Vec<_> = journals.paths().map(|(_, path)| journals.is_settled(&path, &row("b", 0))).collect();
        assert_eq!(paths.iter().filter(|settled| **settled).count(), 1, "as a follower is told");
    }

    /// What a diverging trial leaves behind has no word in JSON.
    #[test]
    fn numbers_that_are_none_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(folder.path(), "j", &Attempt::new());
        let epoch = HistoryRow {
            epoch: 1,
            train_loss: f64::NAN,
            val_loss: f64::NEG_INFINITY,
            val_auc: None,
            learning_rate: 1e30,
            seconds: 0.1,
        };
        let metrics = crate::record::SplitMetrics {
            loss: f64::INFINITY,
            auc: None,
            auc_se: None,
            average_precision: None,
            confusion: crate::metrics::Confusion { tp: 1, fp: 2, tn: 3, fn_: 4 },
            brier: 0.25,
        };
        let row = ResultRow { train: Some(metrics), ..row("a", 0) };
        journal.append(vec![(row.clone(), vec![epoch], None)]).unwrap();
        let [Kept { entry, .. }] = &Journals::list(folder.path()).unwrap().of("j").unwrap()[..] else {
            panic!("not one")
        };
        assert_eq!(entry.row, row);
        assert!(entry.history[0].train_loss.is_nan());
        assert_eq!(entry.history[0].val_loss, f64::NEG_INFINITY);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_left_out_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(folder.path(), "j", &Attempt::new());
        journal.append(vec![(row("a", 0), vec![], None), (row("b", 0), vec![], Some(payload(1)))]).unwrap();
        let path = Journals::list(folder.path()).unwrap().paths().next().unwrap().1;
        let lines = std::fs::read(&path).unwrap();
        std::fs::write(&path, [b"nonsense\n", lines.as_slice()].concat()).unwrap();
        let journals = Journals::list(folder.path()).unwrap();
        assert_eq!(journals.of("j").unwrap().len(), 2);
        let damage = journals.damage();
        assert!(damage.len() == 1 && damage[0].contains(".jsonl:1: "), "{damage:?}");
    }
}
