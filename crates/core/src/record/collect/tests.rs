//! What is collected stays, whatever becomes of the journals.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int32Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Collection;
use crate::metrics::RocCorner;
use crate::plan::{Phase, Plan, Sizes, Stacking, Trials, Wave};
use crate::prepared::{Preprocessing, Replicate, Rows};
use crate::record::journal::tests::row;
use crate::record::models::ModelsFile;
use crate::record::{
    Attempt, Counts, FilesFound, HistoryRow, Journal, Manifest, Payload, ResultRow, RunDir, RunDirError, RunFiles,
    ScoreBytes, State, checked_line, find_model, le_bytes, push_line,
};

const FEATURES: usize = 3;

/// A run directory, its plan of four trials, and the rows that they train on.
struct Run {
    _folder: tempfile::TempDir,
    dir: RunDir,
    plan: Plan,
    trials: Trials,
    replicates: Vec<Arc<Replicate>>,
}

impl Run {
    fn new() -> Self {
        let text = "name: t\ndata: {source: d.csv, label: y}\nmodel: {hidden: [2]}\n\
                    parameters: {loss: {value: focal}, alpha: {values: [0.1, 0.2, 0.3, 0.4]}}";
        let trials = Trials::new(&crate::spec::parse("t", text).unwrap()).unwrap();
        let sizes = Sizes { features: FEATURES, rows: 9, workers: 1, memory: 1 << 30, stacking: Stacking::CORE };
        let plan = Plan::new(&trials, 1, &sizes);
        let part = |from: u32| Rows {
            x: vec![0.5; 3 * FEATURES].into(),
            y: vec![0, 1, 0].into(),
            source_rows: (from..from + 3).collect::<Vec<u32>>().into(),
            ..Rows::default()
        };
        let replicate = Replicate {
            index: 0,
            seed: 0,
            features: ["a", "b", "c"].map(str::to_owned).to_vec(),
            preprocessing: Preprocessing { steps: Vec::new(), reading: None },
            train: part(0),
            validation: part(3),
            test: part(6),
            calibration: part(9),
            split_fingerprint: "s".into(),
            notes: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        Self { _folder: folder, dir, plan, trials, replicates: vec![Arc::new(replicate)] }
    }

    /// Trains trial `index`: everything that it leaves has the mark `mark` in it.
    fn train(&self, index: usize, state: State, mark: f32) {
        self.train_in(0, index, state, mark);
    }

    /// The same in a job of the plan.
    fn train_in(&self, job: usize, index: usize, state: State, mark: f32) {
        let trial = self.trials.get(index);
        let job_id = &self.plan.jobs[job].job_id;
        let finished = state != State::Failed;
        let row = ResultRow {
            trial_id: trial.trial_id(),
            hyperparameters: trial,
            state,
            error: (!finished).then(|| "diverged".to_owned()),
            epochs_run: mark as u32,
            threshold_raw: finished.then_some(f64::from(mark)),
            job_id: job_id.clone(),
            ..row("", 0)
        };
        let epoch =
            HistoryRow { epoch: 1, train_loss: 0.5, val_loss: 0.5, val_auc: None, learning_rate: 0.1, seconds: 0.0 };
        let corner = |fp, tp| RocCorner { fp, tp, threshold: (fp > 0).then_some(mark) };
        let scores = || ScoreBytes { raw: le_bytes(&[mark, -mark, 0.0]), score: le_bytes(&[0.9, 0.1, 0.5]) };
        let payload = finished.then(|| Payload {
            train_roc: vec![corner(0, 0), corner(2, 1)],
            validation: scores(),
            test: scores(),
            calibration: scores(),
            model: le_bytes(&[mark; 2 * FEATURES + 2 + 2 + 1]),
        });
        let mut journal = Journal::new(&self.dir.jobs(), job_id, &Attempt::new());
        journal.append(vec![(row, vec![epoch], payload)]).unwrap();
    }

    /// Collects, and takes the journals away as a finished run does. Says how many rows there are, and how many failed.
    fn collect(&self) -> (usize, usize) {
        let collection = self.read().unwrap();
        assert_eq!(collection.damage(), <[String; 0]>::default());
        collection.stage_rows().unwrap();
        collection.stage_models().unwrap();
        collection.stage_scores(None).unwrap();
        let earlier = Manifest::read(self.dir.root()).unwrap();
        let new = || Manifest::new("t", "d", vec!["s".into()], Counts::default(), Vec::new(), "now".into());
        let mut manifest = earlier.unwrap_or_else(new);
        assert_eq!(self.dir.find_files(&mut manifest).unwrap(), FilesFound::default());
        self.dir.commit(&mut manifest).unwrap();
        self.dir.remove_jobs().unwrap();
        std::fs::create_dir(self.dir.jobs()).unwrap();
        (collection.rows(), collection.failed())
    }

    fn read(&self) -> Result<Collection<'_>, RunDirError> {
        Collection::read(&self.dir, (&self.plan, &self.trials), &self.replicates, "d", &[])
    }

    fn table(&self, name: &str) -> RecordBatch {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(self.dir.path(name)).unwrap()).unwrap();
        let schema = Arc::clone(reader.schema());
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    /// How many rows of a file each trial has, in the order of the file.
    fn rows_by_trial(&self, name: &str) -> Vec<(usize, usize)> {
        let ids: Vec<String> = (0..self.trials.len()).map(|index| self.trials.get(index).trial_id()).collect();
        let column = cast(self.table(name).column_by_name("trial_id").unwrap(), &DataType::Utf8).unwrap();
        let found = column.as_string::<i32>().iter().map(|id| ids.iter().position(|known| Some(known.as_str()) == id));
        let found: Vec<usize> = found.map(Option::unwrap).collect();
        found.chunk_by(|a, b| a == b).map(|rows| (rows[0], rows.len())).collect()
    }

    /// The mark of each trial's row of the results.
    fn marks(&self) -> Vec<i32> {
        let column = self.table("results.parquet").column_by_name("epochs_run").unwrap().clone();
        column.as_primitive::<Int32Type>().values().to_vec()
    }

    /// The first parameter of each model, by the index of its trial.
    fn models(&self) -> BTreeMap<usize, f32> {
        let mut models = BTreeMap::new();
        let files = RunFiles::read(self.dir.root()).unwrap();
        for index in 0..self.trials.len() {
            let id = self.trials.get(index).trial_id();
            if let Some(bytes) = find_model(&files, None, &id, 0).unwrap() {
                let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
                let first = tensors.tensor("hidden.0.weight").unwrap().data()[..4].try_into().unwrap();
                models.insert(index, f32::from_le_bytes(first));
            }
        }
        models
    }
}

#[test]
fn a_finished_run_grows_and_no_row_that_was_there_is_dropped() {
    let run = Run::new();
    run.train(3, State::Finished, 3.0);
    run.train(1, State::Finished, 1.0);
    assert_eq!(run.collect(), (2, 0));
    let one = |rows: &[usize], each: usize| rows.iter().map(|&row| (row, each)).collect::<Vec<_>>();
    let files = [("results.parquet", 1), ("history.parquet", 1), ("curves.parquet", 2)];
    for (name, each) in files {
        assert_eq!(run.rows_by_trial(name), one(&[1, 3], each), "{name}");
    }
    // The journals are gone; one more row comes.
    run.train(2, State::Finished, 2.0);
    assert_eq!(run.collect(), (3, 0));
    for (name, each) in files {
        assert_eq!(run.rows_by_trial(name), one(&[1, 2, 3], each), "{name}");
    }
    assert_eq!(run.marks(), [1, 2, 3]);
    let mut scores = run.rows_by_trial("scores.parquet");
    scores.sort_unstable();
    assert_eq!(scores, one(&[1, 2, 3], 9));
    assert_eq!(run.models(), BTreeMap::from([(1, 1.0), (2, 2.0), (3, 3.0)]));
    // Nothing new: nothing is lost.
    assert_eq!(run.collect(), (3, 0));
    assert_eq!((run.marks(), run.models().len()), (vec![1, 2, 3], 3));
}

#[test]
fn a_row_that_finished_stays_before_one_that_failed_and_gives_way_to_one_that_finished() {
    let run = Run::new();
    run.train(0, State::Failed, 10.0);
    run.train(1, State::Finished, 11.0);
    run.train(2, State::Finished, 12.0);
    assert_eq!(run.collect(), (3, 1));
    run.train(0, State::Finished, 20.0);
    run.train(1, State::Failed, 21.0);
    run.train(2, State::Finished, 22.0);
    run.train(3, State::Failed, 23.0);
    assert_eq!(run.collect(), (4, 1));
    assert_eq!(run.marks(), [20, 11, 22, 23]);
    assert_eq!(run.models(), BTreeMap::from([(0, 20.0), (1, 11.0), (2, 22.0)]));
    assert_eq!(run.rows_by_trial("history.parquet"), [(0, 1), (1, 1), (2, 1), (3, 1)]);
}

#[test]
fn a_damaged_model_is_an_error_and_a_damaged_table_is_not_written_over() {
    let run = Run::new();
    run.train(0, State::Finished, 1.0);
    run.collect();
    let path = run.dir.path("models").join(format!("{}.safetensors", run.plan.jobs[0].job_id));
    let mut bytes = std::fs::read(&path).unwrap();
    let models = ModelsFile::new(File::open(&path).unwrap()).unwrap().models;
    assert_eq!(models.len(), 1);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let id = run.trials.get(0).trial_id();
    for files in [RunFiles::read(run.dir.root()), RunFiles::unchecked(run.dir.root())] {
        let error = find_model(&files.unwrap(), None, &id, 0).unwrap_err().to_string();
        assert!(error.contains("its checksum is another"), "{error}");
    }
    std::fs::write(run.dir.path("results.parquet"), "not any more").unwrap();
    run.train(1, State::Finished, 2.0);
    assert!(run.read().is_err());
}

/// What a journal says is looked at before it is used: damaged, or of another sweep, it counts as not there.
#[test]
fn entries_that_are_damaged_or_of_another_sweep_are_left_out_and_named() {
    let run = Run::new();
    for index in 0..4 {
        run.train(index, State::Finished, index as f32 + 1.0);
    }
    let mut files: Vec<_> = std::fs::read_dir(run.dir.jobs()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let bins: Vec<_> = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "bin")).collect();
    let whole = std::fs::read(bins[1]).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 4;
        std::fs::write(bins[1], changed).unwrap();
        let collection = run.read().unwrap();
        assert_eq!((collection.rows(), collection.damage().len()), (3, 1), "byte {at}");
        assert!(collection.damage()[0].contains(bins[1].to_str().unwrap()), "{:?}", collection.damage());
    }
    for cut in 0..whole.len() {
        std::fs::write(bins[1], &whole[..cut]).unwrap();
        assert_eq!(run.read().unwrap().rows(), 3, "cut at {cut}");
    }
    std::fs::remove_file(bins[1]).unwrap();
    assert_eq!(run.read().unwrap().rows(), 3);
    std::fs::write(bins[1], &whole).unwrap();
    assert_eq!(run.read().unwrap().rows(), 4);

    // Lines with a good checksum that say what cannot be.
    let lines = bins[1].with_extension("jsonl");
    let line = std::fs::read(&lines).unwrap();
    let object = String::from_utf8(checked_line(&line).unwrap()).unwrap();
    for (from, to) in [
        ("\"replicate\":0", "\"replicate\":9"),
        ("\"data_fingerprint\":\"d\"", "\"data_fingerprint\":\"e\""),
        ("\"split_fingerprint\":\"s\"", "\"split_fingerprint\":\"t\""),
        ("\"offset\":0", "\"offset\":18446744073709551615"),
        ("\"lengths\":[12,", "\"lengths\":[18446744073709551615,"),
        ("\"lengths\":[12,12", "\"lengths\":[12,8"),
        ("\"job_id\":\"job-00001\"", "\"job_id\":\"../../x\""),
        ("\"trial_id\":\"", "\"trial_id\":\"../../x"),
        ("\"alpha\":0.", "\"alpha\":0.9"),
        ("\"state\":\"finished\"", "\"state\":\"failed\""),
    ] {
        let changed = object.replacen(from, to, 1);
        assert_ne!(changed, object, "{from}");
        let mut sealed = Vec::new();
        push_line(&mut sealed, changed.as_bytes());
        std::fs::write(&lines, sealed).unwrap();
        let collection = run.read().unwrap();
        assert_eq!((collection.rows(), collection.damage().len()), (3, 1), "{to}: {:?}", collection.damage());
    }
}

/// Rows that were tabulated before their models and scores were written are not all that a run has: if their journal is
/// damaged in between, the run is not finished.
#[test]
fn rows_without_models_and_scores_are_told_of_when_their_journal_is_damaged() {
    let run = Run::new();
    run.train(0, State::Finished, 1.0);
    run.train(1, State::Failed, 2.0);
    let mut manifest = Manifest::new("t", "d", vec!["s".into()], Counts::default(), Vec::new(), "now".into());
    run.read().unwrap().stage_rows().unwrap();
    run.dir.commit(&mut manifest).unwrap();
    // Names of attempts are drawn, so the journal of the trial that finished is known by its bytes: one that failed has
    // none.
    let files = std::fs::read_dir(run.dir.jobs()).unwrap().map(|file| file.unwrap().path());
    let bins = files.filter(|path| path.extension().is_some_and(|ending| ending == "bin"));
    let bin = bins.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let whole = std::fs::read(&bin).unwrap();
    std::fs::write(&bin, &whole[..9]).unwrap();
    let collection = run.read().unwrap();
    assert_eq!((collection.rows(), collection.damage().len()), (2, 1));
    collection.stage_models().unwrap();
    run.dir.commit(&mut manifest).unwrap();
    assert!(collection.lacks_parts(None).unwrap());
    // It is trained again; the damage is still there to be told of.
    run.train(0, State::Finished, 1.0);
    let collection = run.read().unwrap();
    assert_eq!((collection.rows(), collection.damage().len()), (2, 1));
    collection.stage_models().unwrap();
    run.dir.commit(&mut manifest).unwrap();
    assert!(!collection.lacks_parts(None).unwrap());
}

/// What cannot be read now may be whole: it is an error, and no damage that is trained again.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_opened_is_no_damage() {
    let run = Run::new();
    run.train(0, State::Finished, 1.0);
    let bin = std::fs::read_dir(run.dir.jobs()).unwrap().map(|file| file.unwrap().path());
    let bin = bin.filter(|path| path.extension().is_some_and(|ending| ending == "bin")).min().unwrap();
    std::fs::remove_file(&bin).unwrap();
    std::os::unix::fs::symlink(&bin, &bin).unwrap();
    let error = run.read().unwrap_err().to_string();
    assert!(error.contains(bin.to_str().unwrap()), "{error}");
}

/// Whoever goes on at a rung has the row of the last job, and is under way until that is there.
#[test]
fn a_trial_that_goes_on_has_its_last_row_and_is_under_way_until_then() {
    let mut run = Run::new();
    let sizes = Sizes { features: FEATURES, rows: 9, workers: 1, memory: 1 << 30, stacking: Stacking::CORE };
    let begun = Wave::first(&run.plan, &run.trials, 6).in_parts(|_, _| Some([0, 2])).unwrap();
    let on = Trials::listed([2, 3].map(|index| run.trials.get(index)).to_vec());
    let (first, _) = Plan::replay(std::slice::from_ref(&begun)).unwrap();
    let on = Wave::next(&first, &on, (vec![0], Phase::Search), &sizes, 6).in_parts(|_, _| Some([2, 6])).unwrap();
    assert_eq!((begun.epochs, on.epochs), ([0, 2], [2, 6]));
    (run.plan, run.trials) = Plan::replay(&[begun, on]).unwrap();
    assert_eq!((run.plan.trials, run.plan.rows(), run.plan.trainings()), (4, 4, 6));
    for index in 0..4 {
        run.train_in(0, index, State::Stopped, 2.0);
    }
    assert_eq!(run.read().unwrap().under_way(), 2);
    run.train_in(1, 2, State::Finished, 6.0);
    let collection = run.read().unwrap();
    assert_eq!((collection.under_way(), collection.rows(), collection.failed()), (1, 4, 0));
    run.train_in(1, 3, State::Stopped, 4.0);
    assert_eq!(run.read().unwrap().under_way(), 0);
    assert_eq!(run.collect(), (4, 0));
    assert_eq!(run.marks(), [2, 2, 6, 4]);
    // Rows of the rung before, trained again, do not take the place of later ones; those of others do.
    for index in 0..4 {
        run.train_in(0, index, State::Stopped, 3.0);
    }
    assert_eq!((run.collect(), run.read().unwrap().under_way()), ((4, 0), 0));
    assert_eq!(run.marks(), [3, 3, 6, 4]);
}
