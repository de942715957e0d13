//! The journals of a job: a line of JSON for each (trial, replicate) that has ended, and a file of bytes beside it.
//!
//! Each attempt at a job writes a journal of its own, `<job>.<attempt>.jsonl` for the lines and `<job>.<attempt>.bin`
//! for scores and models. So two copies of a task that run at once never write to one file. Readers take all attempts
//! together and keep each (trial, replicate) once: copies come to the same bits, so it does not matter whose.
//! The bytes are synced before the line that names them, so what a whole line names is there. A torn last line (a crash
//! while writing, or an attempt that is writing just now) is not read. Lines and bytes have checksums; what is damaged
//! counts as not there, and is trained again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::attempt::Attempt;
use super::checksum::Sum;
use super::entry::{Entry, Spans};
use super::lines;
use super::names::{bytes_path, lines_path};
use super::rows::{HistoryRow, ResultRow};
use crate::metrics::RocCorner;

/// What a trained model leaves beside its row: the curve goes into the line, the rest into the `.bin` file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Payload {
    /// ROC curve of the training rows.
    pub train_roc: Vec<RocCorner>,
    /// Scores of the validation rows.
    pub validation: ScoreBytes,
    /// Scores of the test rows.
    pub test: ScoreBytes,
    /// Scores of the calibration rows.
    pub calibration: ScoreBytes,
    /// The model's parameters in the layout of [`Shape`](crate::plan::Shape), little-endian f32.
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
                let Payload { validation, test, calibration, model, .. } = payload;
                let parts =
                    [validation.raw, validation.score, test.raw, test.score, calibration.raw, calibration.score, model];
                let lengths = parts.each_ref().map(|part| part.len() as u64);
                let sums = parts.each_ref().map(|part| Sum::of(part));
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

#[cfg(test)]
pub(super) mod tests {
    use super::super::bytes::le_bytes;
    use super::super::job_bytes::JobBytes;
    use super::super::journals::{Journals, Kept};
    use super::*;
    use crate::plan::Phase;
    use crate::record::State;
    use crate::spec::{Hyperparameters, Loss, STACK};

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
        let calibration = ScoreBytes { raw: vec![fill + 5; 12], score: vec![fill + 6; 12] };
        Payload { train_roc, validation, test, calibration, model: vec![fill + 4; 3] }
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
            let scores = bytes.scores(&last.stem, &spans).unwrap();
            let [validation, test, calibration] =
                scores.map(|[raw, score]| ScoreBytes { raw: le_bytes(&raw), score: le_bytes(&score) });
            let model = bytes.model(&last.stem, &spans).unwrap();
            assert_eq!(spans.model_sum(), Sum::of(&model));
            let train_roc = last.entry.train_roc.clone();
            assert_eq!(Payload { train_roc, validation, test, calibration, model }, payload(5));
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
            loss: Some(f64::INFINITY),
            auc: None,
            auc_se: None,
            average_precision: None,
            partial_auc: None,
            precision_at_k: Some(0.5),
            confusion: Some(crate::metrics::Confusion { tp: 1.0, fp: 2.0, tn: 3.0, fn_: 4.5 }),
            brier: Some(0.25),
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
