//! Real sweeps with rows set aside: thresholds that keep a false-positive rate, from the spec to the report.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read folders too")]
mod common;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use common::focalsweep;
use focalsweep_core::metrics::{Confusion, threshold_for};
use focalsweep_core::spec::OperatingPoint;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

const MAX_FPR: f64 = 0.05;
const CONFIDENCE: f64 = 0.95;
/// A tenth of the negatives.
const SET_ASIDE: usize = 270;

/// Three trials on two replicates, in `folder/run`.
fn train(folder: &Path, changes: &[&str]) -> PathBuf {
    let dir = folder.join("run");
    fs::write(
        folder.join("sweep.yaml"),
        format!(
            "name: sure\n\
             data: {{source: rows.parquet, synth: {{rows: 3000, features: 3, positives: 300}}, label: Class}}\n\
             split: {{calibration: 0.1}}\nreplicates: 2\ntrain: {{epochs: 4, batch_size: 64, early_stopping: none}}\n\
             parameters:\n- loss: {{value: bce}}\n- {{loss: {{value: focal}}, gamma: {{values: [1, 2]}}}}\n\
             operating_point: {{max_fpr: {MAX_FPR}, confidence: {CONFIDENCE}}}\n"
        ),
    )
    .unwrap();
    let mut args =
        ["run", "sweep.yaml", "--out", "run", "--devices", "cpu", "--no-progress"].map(str::to_owned).to_vec();
    args.extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
    let said = focalsweep(folder, &args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    dir
}

static RUN: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    let dir = train(folder.path(), &[]);
    (folder, dir)
});

/// The scores of one (trial, replicate) on one part.
#[derive(Debug, Clone, PartialEq, Default)]
struct Part {
    rows: Vec<i64>,
    labels: Vec<u8>,
    raw: Vec<f32>,
    scores: Vec<f32>,
}

/// scores.parquet by trial, replicate and word of the part.
fn scores(dir: &Path) -> BTreeMap<(String, i64, String), Part> {
    let table = Table::read(&dir.join("scores.parquet"));
    let mut parts: BTreeMap<_, Part> = BTreeMap::new();
    let (splits, rows, labels) = (table.texts("split"), table.integers("row"), table.integers("label"));
    let (raw, scores) = (table.floats("raw"), table.floats("score"));
    for (at, (trial, replicate)) in table.keys().into_iter().enumerate() {
        let part = parts.entry((trial, replicate, splits[at].clone().unwrap())).or_default();
        part.rows.push(rows[at].unwrap());
        part.labels.push(u8::try_from(labels[at].unwrap()).unwrap());
        part.raw.push(raw[at].unwrap() as f32);
        part.scores.push(scores[at].unwrap() as f32);
    }
    parts
}

/// The smallest k of which the sum over j = k .. n of C(n, j) (1 - a)ʲ aⁿ⁻ʲ is at most 1 - confidence, as it is
/// written.
fn rank_of(n: usize) -> usize {
    let term = |j: usize| {
        let ways: f64 = (0..n - j).map(|i| (n - i) as f64 / (i + 1) as f64).product();
        ways * (1.0 - MAX_FPR).powi(j as i32) * MAX_FPR.powi((n - j) as i32)
    };
    (1..=n).find(|&k| (k..=n).map(term).sum::<f64>() <= 1.0 - CONFIDENCE).unwrap()
}

#[test]
fn thresholds_are_the_order_statistics_of_the_negatives_that_were_set_aside() {
    let dir = &RUN.1;
    let parts = scores(dir);
    let results = Table::read(&dir.join("results.parquet"));
    let [threshold, threshold_raw] = ["threshold", "threshold_raw"].map(|name| results.floats(name));
    let counts = |name: &str| ["tp", "fp", "tn", "fn"].map(|count| results.integers(&format!("{name}_{count}")));
    let (val_op, test_op) = (counts("val_op"), counts("test_op"));
    let keys = results.keys();
    assert_eq!(keys.len(), 6);
    let mut moved = 0;
    for (at, (trial, replicate)) in keys.into_iter().enumerate() {
        let part = |word: &str| &parts[&(trial.clone(), replicate, word.to_owned())];
        let calibration = part("calibration");
        assert_eq!((calibration.rows.len(), calibration.labels.iter().max()), (SET_ASIDE, Some(&0)));
        let mut ascending: Vec<(f32, f32)> =
            calibration.raw.iter().copied().zip(calibration.scores.iter().copied()).collect();
        ascending.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (raw, score) = ascending[rank_of(SET_ASIDE) - 1];
        assert_eq!(threshold_raw[at], Some(f64::from(raw.next_up())), "{trial} {replicate}");
        assert_eq!(threshold[at], Some(f64::from(score.next_up())));
        let written = |of: &[Vec<Option<i64>>; 4]| {
            let [tp, fp, tn, fn_] = of.each_ref().map(|column| column[at].unwrap() as f64);
            Confusion { tp, fp, tn, fn_ }
        };
        let (validation, test) = (part("validation"), part("test"));
        assert_eq!(written(&test_op), Confusion::at(&test.raw, &test.labels, threshold_raw[at].unwrap()));
        // What may rank is at the threshold that the validation rows choose.
        let point = OperatingPoint::MaxFpr { max_fpr: MAX_FPR, confidence: None };
        let chosen = threshold_for(&point, &validation.raw, &validation.labels).unwrap();
        assert_eq!(written(&val_op), Confusion::at(&validation.raw, &validation.labels, chosen));
        moved += usize::from(Some(chosen) != threshold_raw[at]);
    }
    assert_eq!(moved, 6, "no threshold is the other by chance");
}

#[test]
fn replicates_share_the_rows_that_test_and_those_that_were_set_aside() {
    let parts = scores(&RUN.1);
    let rows = |replicate: i64, word: &str| {
        let of: Vec<&Vec<i64>> =
            parts.iter().filter(|((_, r, w), _)| (*r, w.as_str()) == (replicate, word)).map(|(_, p)| &p.rows).collect();
        assert!(of.len() == 3 && of.iter().all(|rows| *rows == of[0]), "trials have the same rows");
        of[0].clone()
    };
    assert_eq!(rows(0, "test"), rows(1, "test"));
    assert_eq!(rows(0, "calibration"), rows(1, "calibration"));
    assert_ne!(rows(0, "validation"), rows(1, "validation"));
    for replicate in [0, 1] {
        let mut all = [rows(replicate, "test"), rows(replicate, "calibration"), rows(replicate, "validation")].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "nothing is in two parts");
    }
    let folder = TempDir::new().unwrap();
    let redrawn = scores(&train(folder.path(), &["split.test_rows=redraw", "train.epochs=1"]));
    let of = |replicate, word: &str| {
        redrawn.iter().find(|((_, r, w), _)| (*r, w.as_str()) == (replicate, word)).unwrap().1.rows.clone()
    };
    assert_eq!((of(0, "test"), of(0, "calibration")), (rows(0, "test"), rows(0, "calibration")));
    assert_ne!(of(1, "test"), of(0, "test"));
    assert_ne!(of(1, "calibration"), of(0, "calibration"));
}

fn json(dir: &Path, more: &[&str]) -> Value {
    let said = focalsweep(dir, [&["report", dir.to_str().unwrap(), "--format", "json"], more].concat());
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{more:?}");
    serde_json::from_str(&said.stdout).unwrap()
}

/// What is said of a guarantee, and whether it is kept.
fn said(report: &Value) -> (String, bool) {
    let sentences = report["answer"]["sentences"].as_array().unwrap();
    let about = |text: &&str| text.contains("uarantee") || text.contains("confidence");
    let found: Vec<&str> = sentences.iter().filter_map(Value::as_str).filter(about).collect();
    let [sentence] = found[..] else { panic!("{sentences:?}") };
    (sentence.to_owned(), report["answer"]["guarantee"]["kept"].as_bool().unwrap())
}

#[test]
fn a_guarantee_is_told_where_it_holds_and_else_why_it_does_not() {
    let dir = &RUN.1;
    let own = json(dir, &[]);
    assert_eq!(
        said(&own),
        (
            "With 95 % confidence at most 5 % of the negatives are false alarms at this threshold (Tong et al. 2018; \
             270 negatives that chose nothing else)."
                .to_owned(),
            true
        )
    );
    let guarantee = &own["answer"]["guarantee"];
    assert_eq!(
        (&guarantee["negatives"], &guarantee["needed"], &guarantee["why"]),
        (&270.into(), &59.into(), &Value::Null)
    );
    // From scores.parquet as it was in training, to the bit.
    let again = json(dir, &["--operating-point", "max_fpr=0.05,confidence=0.95"]);
    assert_eq!(again["ranking"], own["ranking"]);
    assert!(said(&again).1);
    // Where the rows cannot, the threshold is that of the validation rows.
    let few = json(dir, &["--operating-point", "max_fpr=0.001,confidence=0.95"]);
    let why = "No guarantee of 0.1 % false alarms: it needs 2,995 negatives, there are 270.";
    assert_eq!(said(&few), (why.to_owned(), false));
    let plain = json(dir, &["--operating-point", "max_fpr=0.001"]);
    assert_eq!(few["ranking"], plain["ranking"]);
    assert_eq!(plain["answer"]["guarantee"], Value::Null, "nobody asked");
    // Test rows at this threshold know what the calibration rows are.
    let why =
        "No guarantee of 5 % false alarms: the trials are ranked on test rows whose figures come from this threshold.";
    assert_eq!(said(&json(dir, &["--on", "test", "--by", "op_fn"])), (why.to_owned(), false));
    assert!(said(&json(dir, &["--on", "test", "--by", "auc"])).1);
}

#[test]
fn without_rows_or_their_scores_nothing_is_promised() {
    let folder = TempDir::new().unwrap();
    let dir = train(folder.path(), &["split.calibration=null", "train.epochs=1"]);
    let why = "No guarantee of 5 % false alarms: no rows were set aside (`split.calibration`).";
    assert_eq!(said(&json(&dir, &[])), (why.to_owned(), false));
    assert!(!scores(&dir).keys().any(|(_, _, word)| word == "calibration"));
    let folder = TempDir::new().unwrap();
    let dir = train(folder.path(), &["scores=none", "train.epochs=1"]);
    let why = "No guarantee of 5 % false alarms: the scores of the rows that were set aside were not kept \
               (`scores: all` keeps them).";
    assert_eq!(said(&json(&dir, &[])), (why.to_owned(), false));
}

/// An exported model flags from the guaranteed threshold.
#[test]
fn models_are_exported_with_the_threshold_in_use() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model");
    let said =
        focalsweep(&RUN.1, ["export", RUN.1.to_str().unwrap(), "--trial", "best", "--out", model.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let card: Value = serde_json::from_slice(&fs::read(model.join("model.json")).unwrap()).unwrap();
    let results = Table::read(&RUN.1.join("results.parquet"));
    let key = (card["trial_id"].as_str().unwrap().to_owned(), card["replicate"].as_i64().unwrap());
    let at = results.keys().iter().position(|found| *found == key).unwrap();
    assert_eq!(card["threshold_raw"].as_f64(), results.floats("threshold_raw")[at]);
}

/// Means over the replicates of what the trials miss on the test rows, as results.parquet has it.
fn missed(dir: &Path) -> BTreeMap<String, f64> {
    let results = Table::read(&dir.join("results.parquet"));
    let missed = results.integers("test_op_fn");
    let mut means: BTreeMap<String, f64> = BTreeMap::new();
    for (at, (trial, _)) in results.keys().into_iter().enumerate() {
        *means.entry(trial).or_default() += missed[at].unwrap() as f64 / 2.0;
    }
    means
}

/// Claims of a report or comparison about what models miss on the test rows.
fn of_missed(claims: &Value) -> Vec<&Value> {
    let claims = claims.as_array().unwrap().iter();
    claims
        .filter(|of| (&of["about"], &of["kind"], &of["split"]) == (&"op_fn".into(), &"models".into(), &"test".into()))
        .collect()
}

#[test]
fn what_is_claimed_at_a_guaranteed_threshold_is_of_the_figures_there() {
    let dir = &RUN.1;
    let means = missed(dir);
    for more in [&[][..], &["--on", "test"]] {
        let report = json(dir, more);
        let claims = of_missed(&report["claims"]);
        assert!(!claims.is_empty());
        for claim in claims {
            let of = |key: &str| means[claim[key].as_str().unwrap()];
            let difference = claim["difference"].as_f64().unwrap();
            assert!((difference - (of("of") - of("against"))).abs() < 1e-9, "{claim}");
            let interval =
                claim["interval"].as_array().map(|ends| ends.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
            assert!(interval.is_none_or(|ends| ends[0] <= difference && difference <= ends[1]), "{claim}");
        }
        let winner = &report["winner"];
        for name in ["test_op_fn", "test_op_fp"] {
            let ends = winner["intervals"][name].as_array().unwrap();
            let [lower, upper] = [0, 1].map(|end: usize| ends[end].as_f64().unwrap());
            let mean = winner["metrics"][name].as_f64().unwrap();
            assert!(lower < mean && mean < upper && 0.0 <= lower, "{name}: {mean} in {ends:?}");
        }
        assert_eq!(report["answer"]["guarantee"]["above"], 7);
    }
    // Enough for the guarantee, but of so few above nothing is said but that.
    let few = json(dir, &["--operating-point", "max_fpr=0.015,confidence=0.95"]);
    let above = few["answer"]["guarantee"]["above"].as_u64().unwrap();
    assert!(few["answer"]["guarantee"]["kept"] == true && above < 3, "{above}");
    assert!(of_missed(&few["claims"]).is_empty() && few["winner"]["intervals"]["test_op_fn"].is_null());
    let sentences = few["answer"]["sentences"].to_string();
    assert!(sentences.contains(&format!("no more than {above} may be above the threshold")), "{sentences}");
}

#[test]
fn two_runs_are_compared_at_guaranteed_thresholds() {
    let folder = TempDir::new().unwrap();
    let other = train(folder.path(), &["train.epochs=1"]);
    let compare = |more: &[&str]| -> Value {
        let dirs = ["compare", RUN.1.to_str().unwrap(), other.to_str().unwrap(), "--format", "json"];
        let said = focalsweep(&RUN.1, [&dirs[..], more].concat());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
    };
    let compared = compare(&[]);
    let found = of_missed(&compared["claims"]);
    let [claim] = found[..] else { panic!("{compared}") };
    let of = |key: &str, dir: &Path| missed(dir)[claim[key].as_str().unwrap()];
    let difference = of("of", &RUN.1) - of("against", &other);
    assert!((claim["difference"].as_f64().unwrap() - difference).abs() < 1e-9, "{claim}");
    let few = compare(&["--operating-point", "max_fpr=0.015,confidence=0.95"]);
    assert!(of_missed(&few["claims"]).is_empty());
    assert!(few["warnings"].to_string().contains("may be above the threshold"), "{}", few["warnings"]);
}
