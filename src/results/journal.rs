//! The journal of a job: a line of JSON for each (trial, replicate) that has ended, and a file of bytes beside it.
//!
//! `<job>.bin` holds scores and models, appended; `<job>.jsonl` says where. The bytes are synced before the line that
//! names them, so a line that can be read can be trusted. A torn last line (a crash while writing) is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rows::{HistoryRow, ResultRow};
use crate::metrics::RocCorner;
use crate::train::from_le_bytes;

/// A journal line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The row of results.parquet.
    pub row: ResultRow,
    /// Its epochs.
    pub history: Vec<HistoryRow>,
    /// ROC curve of its training rows; empty for a trial without a model, and in journals of versions that kept none.
    #[serde(default)]
    pub train_roc: Vec<RocCorner>,
    /// Where its bytes lie in the `.bin` file; `None` for a trial without a model.
    pub bytes: Option<Spans>,
}

/// Where an entry's bytes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans {
    /// Where they start.
    offset: u64,
    /// Bytes of the validation scores, of the test scores, and of the model, one after the other.
    lengths: [u64; 3],
}

/// What a trained model leaves beside its row: the curve goes into the line, the rest into the `.bin` file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Payload {
    /// ROC curve of the training rows.
    pub train_roc: Vec<RocCorner>,
    /// Scores of the validation rows, little-endian f32.
    pub validation: Vec<u8>,
    /// Scores of the test rows, little-endian f32.
    pub test: Vec<u8>,
    /// A safetensors file.
    pub model: Vec<u8>,
}

/// The journal of one job, open for appending.
#[derive(Debug)]
pub struct Journal {
    lines: File,
    bytes: File,
    end: u64,
}

impl Journal {
    /// Opens or creates the journal of `job_id` in the folder `jobs`, and returns what it holds.
    ///
    /// # Errors
    /// The files cannot be read or written, or a line before the last is not ours.
    pub fn open(jobs: &Path, job_id: &str) -> io::Result<(Self, Vec<Entry>)> {
        let open = |path: PathBuf| OpenOptions::new().create(true).read(true).append(true).open(path);
        let (entries, whole) = read(jobs, job_id)?;
        let lines = open(lines_path(jobs, job_id))?;
        lines.set_len(whole)?;
        let mut bytes = open(bytes_path(jobs, job_id))?;
        let end = bytes.seek(SeekFrom::End(0))?;
        super::atomic::sync_folder(jobs)?;
        Ok((Self { lines, bytes, end }, entries))
    }

    /// Appends rows and makes them last: two syncs, however many rows.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub fn append(&mut self, ended: Vec<(ResultRow, Vec<HistoryRow>, Option<Payload>)>) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for (row, history, payload) in ended {
            let mut train_roc = Vec::new();
            let spans = payload.map(|payload| {
                train_roc = payload.train_roc;
                let offset = self.end + bytes.len() as u64;
                let parts = [payload.validation, payload.test, payload.model];
                let lengths = parts.each_ref().map(|part| part.len() as u64);
                parts.iter().for_each(|part| bytes.extend_from_slice(part));
                Spans { offset, lengths }
            });
            serde_json::to_writer(&mut lines, &Entry { row, history, train_roc, bytes: spans })?;
            lines.push(b'\n');
        }
        if !bytes.is_empty() {
            self.bytes.write_all(&bytes)?;
            self.bytes.sync_data()?;
            self.end += bytes.len() as u64;
        }
        self.lines.write_all(&lines)?;
        self.lines.sync_data()
    }

    /// The entries of a job, none when it has no journal.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn entries(jobs: &Path, job_id: &str) -> io::Result<Vec<Entry>> {
        read(jobs, job_id).map(|(entries, _)| entries)
    }
}

/// Reads the `.bin` files; keeps the last one open, since entries of a job mostly come together.
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

    /// The validation and the test scores of an entry that has bytes.
    pub(super) fn scores(&mut self, job_id: &str, spans: Spans) -> io::Result<(Vec<f32>, Vec<f32>)> {
        let [validation, test, _] = spans.lengths;
        let both = self.read(job_id, spans.offset, validation + test)?;
        let (validation, test) = both.split_at(usize::try_from(validation).map_err(io::Error::other)?);
        Ok((from_le_bytes(validation), from_le_bytes(test)))
    }

    /// The model of an entry that has bytes.
    pub(super) fn model(&mut self, job_id: &str, spans: Spans) -> io::Result<Vec<u8>> {
        let [validation, test, model] = spans.lengths;
        self.read(job_id, spans.offset + validation + test, model)
    }

    fn read(&mut self, job_id: &str, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = match self.open.take() {
            Some((open, file)) if open == job_id => file,
            _ => File::open(bytes_path(&self.jobs, job_id))?,
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact(&mut bytes)?;
        self.open = Some((job_id.to_owned(), file));
        Ok(bytes)
    }
}

fn lines_path(jobs: &Path, job_id: &str) -> PathBuf {
    jobs.join(format!("{job_id}.jsonl"))
}

fn bytes_path(jobs: &Path, job_id: &str) -> PathBuf {
    jobs.join(format!("{job_id}.bin"))
}

/// The whole lines of a journal and how many bytes they are.
fn read(jobs: &Path, job_id: &str) -> io::Result<(Vec<Entry>, u64)> {
    let path = lines_path(jobs, job_id);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let mut entries = Vec::new();
    let mut whole = 0;
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if !line.ends_with(b"\n") {
            break;
        }
        match serde_json::from_slice(line) {
            Ok(entry) => entries.push(entry),
            // A torn write can leave a hole and its newline; only the very end may be so.
            Err(_) if whole + line.len() == text.len() => break,
            Err(error) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{}:{}: {error}", path.display(), number + 1),
                ));
            }
        }
        whole += line.len();
    }
    Ok((entries, whole as u64))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::results::State;
    use crate::spec::{Activation, InitialBias, Loss, Optimizer, Sampling};
    use crate::train::le_bytes;

    pub(in crate::results) fn row(trial: &str, replicate: u32) -> ResultRow {
        ResultRow {
            trial_id: trial.into(),
            replicate,
            state: State::Failed,
            error: Some("diverged".into()),
            hyperparameters: crate::plan::Hyperparameters {
                loss: Loss::Focal,
                alpha: Some(0.1),
                gamma: Some(2.0),
                pos_weight: None,
                sampling: Sampling::None,
                learning_rate: 1e-3,
                weight_decay: 0.0,
                dropout: 0.5,
                batch_size: 64,
                hidden: vec![16, 8],
                activation: Activation::Relu,
                optimizer: Optimizer::Adam,
                initial_bias: InitialBias::Prior,
            },
            seed: 0,
            split_fingerprint: "s".into(),
            data_fingerprint: "d".into(),
            device: "cpu".into(),
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
            val_op: None,
            test_op: None,
        }
    }

    fn payload(fill: u8) -> Payload {
        let corner = |fp, tp, threshold| RocCorner { fp, tp, threshold };
        let train_roc = vec![corner(0, 0, None), corner(1, 2, Some(0.1)), corner(7, 9, Some(f32::MIN))];
        Payload { train_roc, validation: vec![fill; 8], test: vec![fill + 1; 4], model: vec![fill + 2; 3] }
    }

    #[test]
    fn what_is_appended_is_read_back_and_a_torn_end_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path();
        let (mut journal, entries) = Journal::open(jobs, "j").unwrap();
        assert!(entries.is_empty());
        journal.append(vec![(row("a", 0), vec![], Some(payload(1))), (row("b", 0), vec![], None)]).unwrap();
        drop(journal);
        let path = lines_path(jobs, "j");
        let whole = std::fs::read(&path).unwrap();
        // Cut at every byte: whole lines are kept, the rest is written again.
        let first = whole.iter().position(|&b| b == b'\n').unwrap() + 1;
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let expected = usize::from(cut >= first) + usize::from(cut == whole.len());
            let (mut journal, entries) = Journal::open(jobs, "j").unwrap();
            assert_eq!(entries.len(), expected, "cut at {cut}");
            journal.append(vec![(row("c", 0), vec![], Some(payload(5)))]).unwrap();
            let entries = Journal::entries(jobs, "j").unwrap();
            assert_eq!(entries.len(), expected + 1);
            let last = entries.last().unwrap();
            assert_eq!(last.row, row("c", 0));
            let mut bytes = JobBytes::new(jobs.to_owned());
            let (validation, test) = bytes.scores("j", last.bytes.unwrap()).unwrap();
            let (validation, test) = (le_bytes(&validation), le_bytes(&test));
            let model = bytes.model("j", last.bytes.unwrap()).unwrap();
            assert_eq!(Payload { train_roc: last.train_roc.clone(), validation, test, model }, payload(5));
        }
    }

    #[test]
    fn a_line_of_a_version_that_kept_no_curve_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), "j").unwrap();
        journal.append(vec![(row("a", 0), vec![], None)]).unwrap();
        let path = lines_path(folder.path(), "j");
        let line = std::fs::read_to_string(&path).unwrap();
        assert!(line.contains(r#""train_roc":[],"#), "{line}");
        std::fs::write(&path, line.replace(r#""train_roc":[],"#, "")).unwrap();
        let [entry] = &Journal::entries(folder.path(), "j").unwrap()[..] else { panic!("not one entry") };
        assert_eq!((&entry.row, &entry.train_roc), (&row("a", 0), &vec![]));
    }

    /// What a diverging trial leaves behind has no word in JSON.
    #[test]
    fn numbers_that_are_none_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), "j").unwrap();
        let epoch = HistoryRow {
            epoch: 1,
            train_loss: f64::NAN,
            val_loss: f64::NEG_INFINITY,
            val_auc: None,
            learning_rate: 1e30,
            seconds: 0.1,
        };
        let metrics = crate::results::SplitMetrics {
            loss: f64::INFINITY,
            auc: None,
            auc_se: None,
            average_precision: None,
            confusion: crate::metrics::Confusion { tp: 1, fp: 2, tn: 3, fn_: 4 },
            brier: 0.25,
        };
        let row = ResultRow { train: Some(metrics), ..row("a", 0) };
        journal.append(vec![(row.clone(), vec![epoch], None)]).unwrap();
        let [entry] = &Journal::entries(folder.path(), "j").unwrap()[..] else { panic!("not one entry") };
        assert_eq!(entry.row, row);
        assert!(entry.history[0].train_loss.is_nan());
        assert_eq!(entry.history[0].val_loss, f64::NEG_INFINITY);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(lines_path(folder.path(), "j"), "nonsense\n{}\n").unwrap();
        let error = Journal::open(folder.path(), "j").unwrap_err().to_string();
        assert!(error.contains("j.jsonl:1:"), "{error}");
    }
}
