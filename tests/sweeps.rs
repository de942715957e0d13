//! Whole sweeps over real data with few epochs: is everything there, and are the figures what the scores say?

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod common;
#[path = "common/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use common::{files, focalsweep};
use focalsweep_core::record::{blob_sum, checked_line};
use safetensors::SafeTensors;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// Columns of results.parquet, in order.
fn result_columns() -> Vec<String> {
    let mut names: Vec<String> = "trial_id replicate state error trainer trainer_fingerprint phase fold repeat \
        loss alpha gamma pos_weight pos_weight_rule beta gamma_pos gamma_neg margin vs_tau vs_gamma pair_margin \
        label_smoothing sampling sampling_ratio batching correction learning_rate \
        weight_decay dropout batch_size hidden activation optimizer initial_bias seed split_fingerprint \
        data_fingerprint device device_name host job_id stack_size epochs_run best_epoch train_seconds \
        started_at finished_at"
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    for part in ["train", "val", "test"] {
        let metrics = "loss auc auc_se average_precision tp fp tn fn accuracy precision recall f1 mcc brier";
        names.extend(metrics.split(' ').map(|metric| format!("{part}_{metric}")));
    }
    names.extend(["threshold", "threshold_raw"].map(str::to_owned));
    for part in ["val", "test"] {
        names.extend("tp fp tn fn precision recall fpr".split(' ').map(|metric| format!("{part}_op_{metric}")));
        names.extend(["partial_auc", "precision_at_k"].map(|metric| format!("{part}_{metric}")));
    }
    names
}

/// The root of the repository, where `sweeps/` and `data/` are found.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A sweep that has been run.
struct Run {
    _folder: TempDir,
    /// The run directory.
    dir: PathBuf,
    stderr: String,
}

/// Runs a sweep file of the repository with changes.
fn run(sweep: &Path, changes: &[&str], more: &[&str]) -> Run {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("run");
    let mut args = vec!["run".to_owned(), sweep.display().to_string(), "--out".to_owned(), dir.display().to_string()];
    args.extend(["--devices", "cpu", "--no-progress"].map(str::to_owned));
    args.extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    let said = focalsweep(repository(), &args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout, format!("{}\n", dir.display()), "stdout is the run directory and nothing else");
    Run { _folder: folder, dir, stderr: said.stderr }
}

/// What is to be in a run directory.
struct Expected {
    trials: usize,
    replicates: usize,
    epochs: i64,
    rows: usize,
    positives: usize,
    /// Least fraction of the negatives that the operating point may flag.
    max_fpr: f64,
    /// 0/1 by row of the source.
    labels: Vec<i64>,
}

impl Run {
    fn table(&self, name: &str) -> Table {
        Table::read(&self.dir.join(name))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.dir.join(name)).unwrap()).unwrap()
    }

    /// Checks the whole run directory.
    fn is_complete(&self, expected: &Expected) {
        let Expected { trials, replicates, .. } = *expected;
        let entries: BTreeSet<String> =
            fs::read_dir(&self.dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        for name in
            "sweep.yaml manifest.json plan.jsonl results.parquet history.parquet scores.parquet curves.parquet models \
             report.md log.txt"
                .split(' ')
        {
            assert!(entries.contains(name), "{name} is not in {entries:?}");
        }
        assert!(!entries.contains("jobs"), "jobs/ is gone when all is done");
        assert!(!entries.iter().any(|name| name.starts_with(".writing-")), "{entries:?}");

        let manifest = self.json("manifest.json");
        assert_eq!((&manifest["format_version"], &manifest["draft"]), (&2.into(), &0.into()));
        assert_eq!(manifest["ended"], "complete");
        assert!(["avx512", "avx2", "portable"].contains(&manifest["simd"].as_str().unwrap()), "{manifest}");
        assert_eq!(manifest["state"], "finished");
        assert_eq!(manifest["counts"]["trials"], trials);
        assert_eq!(manifest["counts"]["replicates"], replicates);
        assert_eq!(manifest["counts"]["rows"], trials * replicates);
        assert_eq!(manifest["counts"]["failed"], 0);
        for (name, file) in manifest["files"].as_object().unwrap() {
            let bytes = fs::read(self.dir.join(name)).unwrap();
            let told = (file["bytes"].as_u64().unwrap() as usize, file["sum"].as_str().unwrap().to_owned());
            assert_eq!(told, (bytes.len(), blob_sum(&bytes)), "{name}");
        }
        let sums =
            ["sweep.yaml", "results.parquet", "history.parquet", "scores.parquet", "curves.parquet", "report.html"];
        assert!(sums.iter().all(|name| manifest["files"].get(name).is_some()), "{}", manifest["files"]);
        let plan = fs::read_to_string(self.dir.join("plan.jsonl")).unwrap();
        assert_eq!(plan.lines().count(), 1, "a grid is one wave");
        let plan: Value = serde_json::from_slice(&checked_line(plan.as_bytes()).unwrap()).unwrap();
        assert_eq!((&plan["wave"], &plan["phase"]), (&0.into(), &"search".into()));
        let counts = plan["jobs"].as_array().unwrap().iter().map(|job| job["count"].as_u64().unwrap());
        assert_eq!(counts.sum::<u64>() as usize, trials * replicates, "the jobs are all the work");

        let results = self.table("results.parquet");
        assert_eq!(results.names(), result_columns());
        assert_eq!(results.rows(), trials * replicates);
        let keys = results.keys();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), trials * replicates, "each (trial, replicate) once");
        assert!(results.texts("state").iter().all(|state| state.as_deref() == Some("finished")));
        assert!(results.texts("error").iter().all(Option::is_none));
        let data = manifest["data_fingerprint"].as_str().map(str::to_owned);
        assert!(results.texts("data_fingerprint").iter().all(|fingerprint| *fingerprint == data));
        let times = results.integers("started_at").into_iter().zip(results.integers("finished_at"));
        assert!(times.into_iter().all(|(from, to)| from.unwrap() <= to.unwrap()));

        self.history_agrees(&results, expected);
        self.scores_agree(&results, expected);
        self.curves_agree(&results);
        self.models_are_there(&keys);
        for name in ["results.parquet", "history.parquet", "scores.parquet", "curves.parquet"] {
            let metadata = self.table(name).metadata;
            let spec: Value = serde_json::from_str(&metadata["focalsweep.spec"]).unwrap();
            assert_eq!(spec["name"], manifest["name"], "{name}");
            assert_eq!(Some(&metadata["focalsweep.data_fingerprint"]), data.as_ref(), "{name}");
            assert!(metadata["focalsweep.program"].starts_with("focalsweep "), "{name}");
            assert_eq!(metadata["focalsweep.format_version"], "2", "{name}");
            assert_eq!(metadata["focalsweep.draft"], "0", "{name}");
            let splits: Vec<String> = serde_json::from_str(&metadata["focalsweep.split_fingerprints"]).unwrap();
            assert_eq!(splits.len(), replicates, "{name}");
        }
    }

    fn history_agrees(&self, results: &Table, expected: &Expected) {
        let history = self.table("history.parquet");
        let names = "trial_id replicate phase epoch train_loss val_loss val_auc learning_rate seconds";
        assert_eq!(history.names(), names.split(' ').collect::<Vec<_>>());
        let mut epochs: HashMap<(String, i64), Vec<(i64, f64)>> = HashMap::new();
        let rows = history.integers("epoch").into_iter().zip(history.floats("val_auc"));
        for (key, (epoch, auc)) in history.keys().into_iter().zip(rows) {
            epochs.entry(key).or_default().push((epoch.unwrap(), auc.unwrap()));
        }
        let told = results.integers("epochs_run").into_iter().zip(results.integers("best_epoch"));
        let ended = results.floats("val_auc").into_iter().zip(results.texts("correction"));
        for ((key, (run, best)), (auc, correction)) in results.keys().into_iter().zip(told).zip(ended) {
            let (run, best, epochs) = (run.unwrap(), best.unwrap(), &epochs[&key]);
            assert_eq!(epochs.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), (1..=run).collect::<Vec<_>>());
            assert!((1..=run).contains(&best) && run <= expected.epochs);
            let (_, then) = epochs[best as usize - 1];
            // Logits that are moved or scaled are rounded once more: a few pairs of near rows may change places.
            let rounding = if correction.as_deref() == Some("none") { 1e-6 } else { 1e-4 };
            assert!((then - auc.unwrap()).abs() < rounding, "the weights kept are those of the best epoch");
        }
    }

    /// The training rows' ROC curve of each row has its AUC and has its counts at 0.5 between two corners.
    fn curves_agree(&self, results: &Table) {
        let curves = self.table("curves.parquet");
        assert_eq!(curves.names(), ["trial_id", "replicate", "split", "fpr", "tpr", "threshold", "threshold_raw"]);
        assert!(curves.texts("split").iter().all(|split| split.as_deref() == Some("train")));
        type Corners = Vec<(f64, f64, Option<f64>)>;
        let mut corners: HashMap<(String, i64), Corners> = HashMap::new();
        let cells = curves.floats("fpr").into_iter().zip(curves.floats("tpr")).zip(curves.floats("threshold"));
        for (key, ((fpr, tpr), threshold)) in curves.keys().into_iter().zip(cells) {
            corners.entry(key).or_default().push((fpr.unwrap(), tpr.unwrap(), threshold));
        }
        let metric = |name: &str| results.floats(&format!("train_{name}"));
        let (aucs, recalls, fps, tns) = (metric("auc"), metric("recall"), metric("fp"), metric("tn"));
        for (at, key) in results.keys().into_iter().enumerate() {
            let curve = &corners[&key];
            assert!((2..=202).contains(&curve.len()), "{} corners", curve.len());
            assert_eq!(curve[0], (0.0, 0.0, None));
            assert_eq!((curve[curve.len() - 1].0, curve[curve.len() - 1].1), (1.0, 1.0));
            let area: f64 = curve.windows(2).map(|c| (c[1].0 - c[0].0) * (c[0].1 + c[1].1) / 2.0).sum();
            assert!((area - aucs[at].unwrap()).abs() < 0.01, "{area} for {:?}", aucs[at]);
            let fpr = fps[at].unwrap() / (fps[at].unwrap() + tns[at].unwrap());
            let next = curve.iter().position(|corner| corner.2.is_some_and(|threshold| threshold < 0.5)).unwrap();
            let ((x0, y0, _), (x1, y1, _)) = (curve[next - 1], curve[next]);
            assert!(x0 <= fpr && fpr <= x1 && (y0..=y1).contains(&recalls[at].unwrap()), "{fpr} in {x0} to {x1}");
        }
    }

    fn models_are_there(&self, keys: &[(String, i64)]) {
        let models = files(&self.dir.join("models"));
        let mut found = BTreeSet::new();
        for (file, bytes) in models.iter().filter(|(name, _)| name.ends_with(".safetensors")) {
            let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
            let metadata = header.metadata().as_ref().unwrap();
            let tensors = SafeTensors::deserialize(bytes).unwrap();
            for (name, tensor) in tensors.tensors() {
                let (values, rest) = tensor.data().as_chunks::<4>();
                assert!(rest.is_empty() && !values.is_empty());
                assert!(values.iter().all(|bytes| f32::from_le_bytes(*bytes).is_finite()), "{name} of {file}");
                let key = name.split_once('/').unwrap().0;
                let info: Value = serde_json::from_str(&metadata[key]).unwrap();
                assert!(info["hyperparameters"]["loss"].is_string() && info["threshold_raw"].is_f64(), "{info}");
                found.insert(key.to_owned());
            }
            let preprocessing: Value = serde_json::from_slice(&models[&metadata["preprocessing"]]).unwrap();
            assert!(preprocessing["steps"].is_array(), "{preprocessing}");
        }
        assert_eq!(found, keys.iter().map(|(trial, replicate)| format!("{trial}-r{replicate}")).collect());
    }

    /// Measures every split again from its scores.
    fn scores_agree(&self, results: &Table, expected: &Expected) {
        let scores = self.table("scores.parquet");
        assert_eq!(scores.names(), ["trial_id", "replicate", "phase", "split", "row", "label", "raw", "score"]);
        /// (row, label, logit, score)
        type Scored = (i64, i64, f64, f64);
        let mut parts: BTreeMap<(String, i64, String), Vec<Scored>> = BTreeMap::new();
        let values = scores.floats("raw").into_iter().zip(scores.floats("score"));
        let cells = scores.integers("row").into_iter().zip(scores.integers("label")).zip(values);
        for (((trial, replicate), split), ((row, label), (raw, score))) in
            scores.keys().into_iter().zip(scores.texts("split")).zip(cells)
        {
            let (row, label, raw, score) = (row.unwrap(), label.unwrap(), raw.unwrap(), score.unwrap());
            assert!((1.0 / (1.0 + (-raw).exp()) - score).abs() < 1e-6, "the probability of {raw} is {score}");
            assert_eq!(label, expected.labels[row as usize], "the label of row {row}");
            assert!((0.0..=1.0).contains(&score));
            parts.entry((trial, replicate, split.unwrap())).or_default().push((row, label, raw, score));
        }
        assert_eq!(parts.len(), 2 * expected.trials * expected.replicates);

        let mut rows_of: HashMap<(i64, &str), Vec<i64>> = HashMap::new();
        let floats: HashMap<String, Vec<Option<f64>>> = results
            .names()
            .into_iter()
            .filter(|name| {
                name.starts_with("threshold") || ["train_", "val_", "test_"].iter().any(|p| name.starts_with(p))
            })
            .map(|name| (name.clone(), results.floats(&name)))
            .collect();
        for (at, (trial, replicate)) in results.keys().into_iter().enumerate() {
            let told = |name: String| floats[&name][at];
            let threshold = told("threshold_raw".to_owned()).expect("a threshold");
            let as_score = told("threshold".to_owned()).unwrap();
            assert!((1.0 / (1.0 + (-threshold).exp()) - as_score).abs() < 1e-6);
            let mut held_out = (0, 0);
            let mut seen: BTreeSet<i64> = BTreeSet::new();
            for (split, prefix) in [("validation", "val"), ("test", "test")] {
                let part = &parts[&(trial.clone(), replicate, split.to_owned())];
                let rows: Vec<i64> = part.iter().map(|(row, ..)| *row).collect();
                assert!(rows.iter().all(|row| seen.insert(*row)), "a row is in one part only");
                let same = rows_of.entry((replicate, split)).or_insert_with(|| rows.clone());
                assert_eq!(*same, rows, "every trial of a replicate has the same split");
                let by = |value: fn(&Scored) -> f64| -> Vec<(f64, bool)> {
                    part.iter().map(|row| (value(row), row.1 == 1)).collect()
                };
                let (labelled, by_raw) = (by(|row| row.3), by(|row| row.2));
                held_out.0 += labelled.len();
                held_out.1 += labelled.iter().filter(|(_, positive)| *positive).count();
                let check = |metric: &str, measured: Option<f64>| {
                    let told = told(format!("{prefix}_{metric}"));
                    let close = match (told, measured) {
                        (Some(told), Some(measured)) => (told - measured).abs() <= 1e-9 * measured.abs().max(1.0),
                        (told, measured) => told == measured,
                    };
                    assert!(close, "{trial} r{replicate} {prefix}_{metric}: {told:?}, the scores say {measured:?}");
                };
                check("auc", Some(auc(&by_raw)));
                check("average_precision", Some(average_precision(&by_raw)));
                let squares = labelled.iter().map(|(score, positive)| (score - f64::from(u8::from(*positive))).powi(2));
                check("brier", Some(squares.sum::<f64>() / labelled.len() as f64));
                let at_half = Counts::at(&labelled, 0.5);
                for (metric, measured) in at_half.measured() {
                    check(metric, measured);
                }
                let at_point = Counts::at(&by_raw, threshold);
                for (metric, measured) in at_point.measured() {
                    if !["accuracy", "f1", "mcc"].contains(&metric) {
                        check(&format!("op_{metric}"), measured);
                    }
                }
                check("op_fpr", Some(at_point.fp / (at_point.fp + at_point.tn)));
                if split == "validation" {
                    assert!(at_point.fp / (at_point.fp + at_point.tn) <= expected.max_fpr);
                    let standard_error = told("val_auc_se".to_owned()).unwrap();
                    assert!(standard_error > 0.0 && standard_error < 0.5);
                }
            }
            // What the other parts do not hold, the training part does.
            let count = |metric: &str| told(format!("train_{metric}")).unwrap() as usize;
            let training = count("tp") + count("fp") + count("tn") + count("fn");
            assert_eq!(training + held_out.0, expected.rows);
            assert_eq!(count("tp") + count("fn") + held_out.1, expected.positives);
        }
    }
}

/// Share of the pairs of a positive and a negative in which the positive scores higher, ties half: by midranks.
fn auc(rows: &[(f64, bool)]) -> f64 {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut start) = (0.0, 0);
    while start < sorted.len() {
        let ties = sorted[start..].iter().take_while(|row| row.0 == sorted[start].0).count();
        let midrank = start as f64 + (ties as f64 + 1.0) / 2.0;
        rank_sum += midrank * sorted[start..start + ties].iter().filter(|row| row.1).count() as f64;
        start += ties;
    }
    let positives = rows.iter().filter(|row| row.1).count() as f64;
    let negatives = rows.len() as f64 - positives;
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

/// Mean over the positives of the precision among all rows that score at least as high.
fn average_precision(rows: &[(f64, bool)]) -> f64 {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut sum, mut caught, mut start) = (0.0, 0.0, 0);
    while start < sorted.len() {
        let ties = sorted[start..].iter().take_while(|row| row.0 == sorted[start].0).count();
        let positives = sorted[start..start + ties].iter().filter(|row| row.1).count() as f64;
        start += ties;
        caught += positives;
        sum += positives * caught / start as f64;
    }
    sum / caught
}

struct Counts {
    tp: f64,
    fp: f64,
    tn: f64,
    fn_: f64,
}

impl Counts {
    fn at(rows: &[(f64, bool)], threshold: f64) -> Self {
        let count = |flagged: bool, positive: bool| {
            rows.iter().filter(|row| (row.0 >= threshold) == flagged && row.1 == positive).count() as f64
        };
        Self { tp: count(true, true), fp: count(true, false), tn: count(false, false), fn_: count(false, true) }
    }

    fn measured(&self) -> Vec<(&'static str, Option<f64>)> {
        let Self { tp, fp, tn, fn_ } = *self;
        let ratio = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let scale = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
        vec![
            ("tp", Some(tp)),
            ("fp", Some(fp)),
            ("tn", Some(tn)),
            ("fn", Some(fn_)),
            ("accuracy", ratio(tp + tn, tp + fp + tn + fn_)),
            ("precision", ratio(tp, tp + fp)),
            ("recall", ratio(tp, tp + fn_)),
            ("f1", ratio(2.0 * tp, 2.0 * tp + fp + fn_)),
            ("mcc", Some(if scale == 0.0 { 0.0 } else { (tp * tn - fp * fn_) / scale })),
        ]
    }
}

/// The labels of the crash data, from the file itself.
fn crash_labels() -> Vec<i64> {
    let dead = Table::read(&repository().join("data/crash.parquet")).texts("dead");
    dead.into_iter().map(|dead| i64::from(dead.as_deref() == Some("dead"))).collect()
}

#[test]
fn the_default_sweep() {
    let run = run(&repository().join("sweeps/focal.yaml"), &["train.epochs=2", "confirm=null"], &[]);
    let labels = crash_labels();
    assert_eq!((labels.len(), labels.iter().sum::<i64>()), (26_217, 1_180));
    run.is_complete(&Expected {
        trials: 81,
        replicates: 3,
        epochs: 2,
        rows: 26_217,
        positives: 1_180,
        max_fpr: 0.05,
        labels,
    });
    let results = run.table("results.parquet");
    let pairs: BTreeSet<String> = results.cells(&["alpha".to_owned(), "gamma".to_owned()]).into_iter().collect();
    let expected = (1..=9).flat_map(|a| (0..=8).map(move |g| format!("0.{a}|{:?}", f64::from(g) / 2.0)));
    assert_eq!(pairs, expected.collect(), "the exact grid");
    assert!(run.stderr.contains("26,217") && run.stderr.contains("1,180"), "{}", run.stderr);
    report_agrees(&run, &results);
}

/// Reports in every format, against means taken here.
fn report_agrees(run: &Run, results: &Table) {
    let dir = run.dir.to_str().unwrap();
    let report = |more: &[&str]| {
        let said = focalsweep(repository(), [&["report", dir], more].concat());
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", said.stderr);
        said.stdout
    };
    let trials: BTreeSet<String> = results.texts("trial_id").into_iter().flatten().collect();
    let mean = |metric: &str, trial: &str| {
        let of_trial = results.keys().into_iter().zip(results.floats(metric)).filter(|((id, _), _)| id == trial);
        let values: Vec<f64> = of_trial.map(|(_, value)| value.unwrap()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };

    let ranked: Value = serde_json::from_str(&report(&["--format", "json"])).unwrap();
    let ranking = ranked["ranking"].as_array().unwrap();
    let ids: Vec<&str> = ranking.iter().map(|entry| entry["trial_id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), trials, "every trial is ranked");
    assert_eq!(ids.len(), trials.len());
    assert_eq!(ranked["winner"], ranking[0]);
    assert!(ranked["warnings"].is_array());
    let points: Vec<(f64, f64)> = ids.iter().map(|id| (mean("val_auc", id), mean("val_op_fn", id))).collect();
    let dominates = |a: (f64, f64), b: (f64, f64)| a.0 >= b.0 && a.1 <= b.1 && a != b;
    for (at, entry) in ranking.iter().enumerate() {
        assert_eq!(entry["rank"], at + 1);
        for metric in ["val_auc", "test_auc", "val_fn", "test_fp", "test_op_recall"] {
            let told = entry["metrics"][metric].as_f64().unwrap();
            assert!((told - mean(metric, ids[at])).abs() < 1e-9, "{metric} of {}", ids[at]);
        }
        assert!(entry["parameters"]["loss"].is_string());
        // Everybody but the winner is compared with the winner.
        let of_auc = |claim: &&Value| {
            claim["kind"] == "models"
                && claim["about"] == "auc"
                && claim["split"] == "validation"
                && claim["against"] == entry["trial_id"]
        };
        let claim = ranked["claims"].as_array().unwrap().iter().find(of_auc);
        let p = claim.and_then(|claim| claim["p"].as_f64());
        let tied = entry["tied_with_best"].as_bool();
        assert_eq!(tied, p.map(|p| p >= 0.05));
        assert_eq!(p.is_some_and(|p| (0.0..=1.0).contains(&p)), at > 0, "{entry}");
        let is_first = !points.iter().any(|&other| dominates(other, points[at]));
        assert_eq!(entry["front"] == 1, is_first, "the first front is what nothing dominates: {entry}");
        if at > 0 {
            let in_order = (-points[at - 1].0, points[at - 1].1) <= (-points[at].0, points[at].1);
            assert!(in_order, "by AUC, and of equal AUCs by misses: place {at}");
        }
    }

    let csv = report(&["--format", "csv"]);
    assert_eq!(csv.lines().count(), trials.len() + 1);
    assert!(csv.starts_with("rank,trial_id,"));
    let columns = csv.lines().next().unwrap().split(',').collect::<Vec<_>>();
    for metric in ["val_auc", "val_fn", "test_auc", "test_op_fpr", "alpha", "gamma"] {
        assert!(columns.contains(&metric), "{metric} in {columns:?}");
    }
    let markdown = report(&["--format", "markdown"]);
    assert_eq!(markdown.trim_end(), fs::read_to_string(run.dir.join("report.md")).unwrap().trim_end());
    assert!(markdown.contains(ids[0]), "the winner is named");
    let table = report(&[]);
    assert!(table.contains("auc") && table.contains("fn"), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours where nobody watches");

    let top: Value =
        serde_json::from_str(&report(&["--top", "3", "--on", "test", "--by", "auc", "--format", "json"])).unwrap();
    let top = top["ranking"].as_array().unwrap();
    assert_eq!(top.len(), 3);
    let best = trials.iter().map(|id| mean("test_auc", id)).fold(f64::MIN, f64::max);
    assert!((top[0]["metrics"]["test_auc"].as_f64().unwrap() - best).abs() < 1e-12);
}

#[test]
fn the_comparison() {
    let run = run(&repository().join("sweeps/comparison.yaml"), &["train.epochs=2", "replicates=1"], &[]);
    let trials = 10;
    run.is_complete(&Expected {
        trials,
        replicates: 1,
        epochs: 2,
        rows: 26_217,
        positives: 1_180,
        max_fpr: 0.05,
        labels: crash_labels(),
    });
    let results = run.table("results.parquet");
    let names = ["loss", "sampling", "initial_bias", "alpha", "gamma"].map(str::to_owned);
    let told: BTreeSet<String> = results.cells(&names).into_iter().collect();
    let mut expected: BTreeSet<String> =
        ["bce|none|prior", "bce|none|0", "weighted_bce|none|prior", "bce|oversample|0"]
            .map(|row| format!("{row}|null|null"))
            .into();
    expected.extend(
        ["0.25", "0.5", "0.75"].iter().flat_map(|a| ["1.0", "2.0"].map(|g| format!("focal|none|prior|{a}|{g}"))),
    );
    assert_eq!(told, expected);
}

/// Every loss, sampling and correction, with figures that follow from the scores that are kept.
#[test]
fn all_treatments_of_a_rare_class() {
    let run =
        run(&repository().join("sweeps/treatments.yaml"), &["train.epochs=2", "replicates=1", "confirm=null"], &[]);
    run.is_complete(&Expected {
        trials: 108,
        replicates: 1,
        epochs: 2,
        rows: 26_217,
        positives: 1_180,
        max_fpr: 0.05,
        labels: crash_labels(),
    });
    let results = run.table("results.parquet");
    let told = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        results.cells(&names).into_iter().collect::<BTreeSet<String>>()
    };
    let resampled = [("oversample", "prior"), ("smote", "platt"), ("undersample", "prior")];
    let resampled = resampled.iter().flat_map(|(sampling, correction)| {
        ["0.1", "0.2", "0.5", "1.0"].map(|ratio| format!("{sampling}|{ratio}|{correction}|shuffled"))
    });
    assert_eq!(
        told(&["sampling", "sampling_ratio", "correction", "batching"]),
        ["none|null|none|shuffled", "none|null|platt|stratified"]
            .map(str::to_owned)
            .into_iter()
            .chain(resampled)
            .collect::<BTreeSet<_>>()
    );
    // Only the rule that reads it has a beta.
    assert_eq!(
        told(&["loss", "pos_weight_rule", "beta"])
            .into_iter()
            .filter(|row| row.starts_with("weighted"))
            .collect::<Vec<_>>(),
        [
            "weighted_bce|effective_number|0.9999",
            "weighted_bce|null|null",
            "weighted_bce|ratio|null",
            "weighted_bce|sqrt_ratio|null"
        ]
    );
}

#[test]
fn the_scale_sweep_in_small() {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("made/synthetic.parquet");
    let set_source = format!("data.source={}", source.display());
    let changes = [
        set_source.as_str(),
        "data.synth.rows=6000",
        "data.synth.features=5",
        "data.synth.positives=90",
        "train.epochs=3",
    ];
    let run = run(&repository().join("sweeps/scale.yaml"), &changes, &[]);
    let made = Table::read(&source);
    assert_eq!(
        (made.rows(), made.names()),
        (6000, ["V1", "V2", "V3", "V4", "V5", "Class"].map(str::to_owned).to_vec())
    );
    let labels: Vec<i64> = made.integers("Class").into_iter().flatten().collect();
    assert_eq!(labels.iter().sum::<i64>(), 90);
    let expected = Expected { trials: 49, replicates: 1, epochs: 3, rows: 6000, positives: 90, max_fpr: 0.001, labels };
    run.is_complete(&expected);
    // The same numbers make the same file.
    let again = folder.path().join("again.parquet");
    let synth = "data synth --rows 6000 --features 5 --positives 90 --seed 0 --out";
    let said = focalsweep(folder.path(), synth.split(' ').chain([again.to_str().unwrap()]));
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{}", said.stderr);
    assert!(fs::read(&source).unwrap() == fs::read(&again).unwrap());
}

/// A tiny sweep over one of the data sets that are not in the repository.
fn over_shared_data(file: &str, rows: usize, positives: usize, more: &str) {
    let folder = std::env::var_os("FOCALSWEEP_TEST_DATA").map_or(repository().join("../shared/data"), PathBuf::from);
    let source = folder.join(file);
    if !source.exists() {
        println!("skipped: there is no {}; FOCALSWEEP_TEST_DATA names the folder", source.display());
        return;
    }
    let folder = TempDir::new().unwrap();
    let sweep = folder.path().join("sweep.yaml");
    let text = format!(
        "name: shared\ndata: {{source: {}, label: Class, positive: 1, clip: 5{more}}}\nreplicates: 2\n\
         train: {{epochs: 2, batch_size: 1024, early_stopping: {{patience: 1}}}}\n\
         parameters:\n  loss: {{value: focal}}\n  alpha: {{values: [0.25, 0.75]}}\n\
         \x20 gamma: {{min: 0, max: 2, count: 3}}\noperating_point: {{max_fpr: 0.02}}\n",
        source.display()
    );
    fs::write(&sweep, text).unwrap();
    let run = run(&sweep, &[], &[]);
    let labels = Table::read(&source).integers("Class").into_iter().flatten().collect();
    run.is_complete(&Expected { trials: 6, replicates: 2, epochs: 2, rows, positives, max_fpr: 0.02, labels });
}

#[test]
fn card_fraud() {
    over_shared_data("fraud.parquet", 7_409, 492, ", drop: [Time], log: {Amount: 0.001}");
}

#[test]
fn forest_cover() {
    over_shared_data("forestcover.parquet", 286_048, 2_747, "");
}

#[test]
fn mammograms() {
    over_shared_data("mammography.parquet", 11_183, 260, "");
}

#[test]
fn looking_without_training() {
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink(repository().join("data"), folder.path().join("data")).unwrap();
    let sweep = repository().join("sweeps/focal.yaml").display().to_string();
    let look = |args: &[&str]| {
        let said = focalsweep(folder.path(), args);
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.stderr);
        said
    };

    let said = look(&["validate", &sweep]);
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("81 trials x 3 replicates"), "{}", said.stderr);
    for other in ["comparison", "treatments", "creditcard", "scale"] {
        look(&["validate", &repository().join(format!("sweeps/{other}.yaml")).display().to_string()]);
    }

    let table = look(&["plan", &sweep, "--devices", "cpu"]).stdout;
    for line in [
        "trials           81",
        "replicates       3",
        "rows of results  243",
        "then             at most 4 trials x 10 replicates to confirm",
    ] {
        assert!(table.contains(line), "{line:?} in\n{table}");
    }
    let plan: Value =
        serde_json::from_str(&look(&["plan", &sweep, "--devices", "cpu", "--format", "json"]).stdout).unwrap();
    assert_eq!((&plan["trials"], &plan["replicates"], &plan["rows"]), (&81.into(), &3.into(), &243.into()));
    assert_eq!(plan["confirm"], serde_json::json!({"trials": 3, "replicates": 10, "methods": false}));
    let mut seen = BTreeSet::new();
    for job in plan["jobs"].as_array().unwrap() {
        let number = |key: &str| job[key].as_u64().unwrap();
        for trial in number("first")..number("first") + number("count") {
            assert!(seen.insert((trial, number("replicate"))), "trial {trial} is in two jobs of a replicate");
        }
    }
    assert_eq!(seen.len(), 243, "the jobs are all the work");

    let dry = look(&["run", &sweep, "--dry-run", "--devices", "cpu"]);
    assert_eq!(dry.stdout, table, "what would run is what is planned");

    let described = look(&["data", "describe", &sweep]).stdout;
    for word in ["26217", "1180", "dead"] {
        assert!(described.contains(word), "{word:?} in\n{described}");
    }

    let schema: Value = serde_json::from_str(&look(&["schema"]).stdout).unwrap();
    for key in ["name", "data", "split", "model", "train", "parameters", "operating_point", "rank", "launch"] {
        assert!(schema["properties"][key].is_object(), "{key} in the schema");
    }
    let entries: Vec<String> = files(folder.path()).into_keys().filter(|name| !name.starts_with("data/")).collect();
    assert!(entries.is_empty(), "looking writes nothing: {entries:?}");
}

#[test]
fn talk_is_for_people_or_for_programs() {
    let sweep = repository().join("sweeps/comparison.yaml");
    let changes = ["train.epochs=1", "replicates=1"];
    let people = run(&sweep, &changes, &[]);
    assert!(!people.stderr.contains('\u{1b}') && !people.stderr.contains('\r'), "no bars with --no-progress");
    assert!(people.stderr.contains("10 of 10 rows of results done"), "{}", people.stderr);
    // The answer in three lines, and where the rest is.
    let told: Vec<&str> = people.stderr.lines().skip_while(|line| !line.contains("rows of results done")).collect();
    assert!(
        told.len() == 6 && told[1].starts_with("Decision: ") && told[2].starts_with("At its threshold"),
        "{told:?}"
    );
    assert!(told[4].ends_with("report.md") && told[5].ends_with("report.html"), "{told:?}");
    let programs = run(&sweep, &changes, &["--log-format", "json"]);
    let lines: Vec<Value> = programs
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
    let said = |words: &str| lines.iter().any(|line| line["message"].as_str().is_some_and(|m| m.contains(words)));
    assert!(said("10 of 10 rows of results done") && said("job started"), "{}", programs.stderr);
    let log = fs::read_to_string(people.dir.join("log.txt")).unwrap();
    assert!(log.contains("job started") && log.contains("job ended"), "{log}");

    // A fault is a line too.
    let said = focalsweep(repository(), ["run", "sweeps/none.yaml", "--log-format", "json"]);
    let line: Value = serde_json::from_str(said.stderr.trim_end()).unwrap();
    assert_eq!((said.code, &line["exit_code"], &line["level"]), (Some(2), &2.into(), &"ERROR".into()));
}
