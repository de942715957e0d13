//! Ranking and what is shown of it, on small results made here; snapshots under src/report/snapshots.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;

use super::*;
use focalsweep_core::plan::Phase;
use focalsweep_core::record::State;
use focalsweep_core::spec::{OperatingPoint, Order, Split};

const METRICS: [&str; 15] = [
    "val_auc",
    "val_auc_se",
    "val_tp",
    "val_fn",
    "test_auc",
    "test_auc_se",
    "test_tp",
    "test_fp",
    "test_tn",
    "test_fn",
    "test_precision",
    "test_recall",
    "threshold",
    "test_op_fn",
    "test_op_fp",
];

/// Figures that follow from AUC and missed positives, different in each replicate.
pub(super) fn row(trial_id: &str, replicate: u32, loss: &str, focal: Option<(f64, f64)>, auc: f64, missed: f64) -> Row {
    let word = |word: &str| Some(Value::Text(word.to_owned()));
    let shift = f64::from(replicate) * 0.002;
    let caught = 20.0 - missed;
    let metrics = [
        auc - shift,
        0.0123,
        caught,
        missed,
        auc - 0.01 + shift,
        0.0234,
        caught + 1.0,
        2.0 * caught,
        400.0 - 2.0 * caught,
        missed - 1.0 + f64::from(replicate),
        1.0 / 3.0,
        (caught + 1.0) / 20.0,
        0.4,
        missed / 2.0,
        4.0,
    ];
    let undefined = |at: usize| caught == 0.0 && METRICS[at] == "test_precision";
    Row {
        trial_id: trial_id.to_owned(),
        replicate,
        phase: Phase::Search,
        state: State::Finished,
        error: None,
        data_fingerprint: "data".to_owned(),
        split_fingerprint: format!("split {replicate}"),
        parameters: vec![
            word(loss),
            focal.map(|(alpha, _)| Value::Number(alpha)),
            focal.map(|(_, gamma)| Value::Number(gamma)),
            None,
            word("none"),
            Some(Value::Number(0.001)),
            Some(Value::Integer(2048)),
            word("[16, 8]"),
            word("prior"),
        ],
        metrics: metrics.into_iter().enumerate().map(|(at, v)| (!undefined(at)).then_some(v)).collect(),
        trainer: None,
        trainer_fingerprint: None,
        timing: None,
    }
}

/// A row of which nothing matters.
pub(super) fn bare_row() -> Row {
    row("a", 0, "bce", None, 0.9, 1.0)
}

pub(super) fn results(rows: Vec<Row>) -> Results {
    let parameters =
        ["loss", "alpha", "gamma", "pos_weight", "sampling", "learning_rate", "batch_size", "hidden", "initial_bias"];
    Results {
        split: focalsweep_core::spec::SplitSpec::default(),
        name: "focal".to_owned(),
        planned_trials: 0,
        planned_replicates: 0,
        parameters: parameters.map(str::to_owned).to_vec(),
        metrics: METRICS.map(str::to_owned).to_vec(),
        rows,
        weight: None,
        operating_point: None,
        ranks: Phase::Search,
        stops_early: false,
        warnings: Vec::new(),
    }
}

/// Six trials of three replicates: a front of two, a baseline, one that flags nobody, one failed, one unfinished.
fn sweep() -> Results {
    let trials = [
        ("aaaa", "focal", Some((0.25, 2.0)), 0.93, 5.0),
        ("bbbb", "focal", Some((0.75, 2.0)), 0.92, 3.0),
        ("cccc", "bce", None, 0.91, 6.0),
        ("dddd", "focal", Some((0.1, 4.0)), 0.915, 20.0),
        ("eeee", "focal", Some((0.9, 1.0)), 0.99, 1.0),
        ("ffff", "focal", Some((0.5, 0.0)), 0.5, 9.0),
    ];
    let mut rows = Vec::new();
    for (id, loss, focal, auc, missed) in trials {
        rows.extend((0..3).map(|replicate| row(id, replicate, loss, focal, auc, missed)));
    }
    let failed = rows.iter_mut().find(|row| row.trial_id == "eeee").unwrap();
    failed.state = State::Failed;
    failed.error = Some("the loss became NaN in epoch 3".to_owned());
    failed.metrics = vec![None; METRICS.len()];
    rows.pop();
    Results { planned_trials: 7, planned_replicates: 3, ..results(rows) }
}

fn options(by: &[&str]) -> Options {
    Options::new(by.iter().map(|&name| name.to_owned()).collect(), Split::Validation)
}

/// What is said of a report, as a document.
pub(super) fn in_words(report: &Report) -> String {
    Markdown.export(report)
}

pub(super) fn ranked(results: &Results, by: &[&str]) -> Ranking {
    rank(results, &options(by)).unwrap()
}

/// The ranking alone, in a form.
fn said(ranking: &Ranking, form: &dyn Exporter<Report>) -> String {
    form.export(&Report::bare(ranking.clone()))
}

/// For a terminal, so wide, without colours.
fn table(ranking: &Ranking, width: usize) -> String {
    said(ranking, &Table { width, lines: None, colour: false })
}

fn order(ranking: &Ranking) -> Vec<(&str, Option<usize>)> {
    ranking.trials.iter().map(|ranked| (ranked.trial.trial_id.as_str(), ranked.front)).collect()
}

#[test]
fn of_rows_that_have_weights_nothing_is_told_that_counts_them() {
    let told = |weight: Option<&str>| {
        let mut results = Results { weight: weight.map(str::to_owned), ..sweep() };
        let at = results.metrics.iter().position(|metric| metric == "val_tp").unwrap();
        results.rows.iter_mut().for_each(|row| row.metrics[at] = Some(1.0));
        let folder = tempfile::tempdir().unwrap();
        write_run(folder.path(), &results);
        let files = run_files(folder.path()).unwrap();
        let in_turn = |n: usize, each: &(dyn Fn(usize) + Sync)| (0..n).for_each(each);
        let ranking = ranked(&results, &["auc", "fn"]);
        Report::new(&Scores::of(&files), &results, ranking, 5, &in_turn).unwrap()
    };
    let (plain, weighted) = (told(None), told(Some("w")));
    assert_eq!(order(&plain.ranking), order(&weighted.ranking));
    assert!(!plain.warnings().iter().any(|warning| warning.contains("rows count by")));
    let expected = "rows count by `w`: figures and ranks are weighted, counts of rows are sums of weights;";
    assert!(weighted.warnings().iter().any(|warning| warning.starts_with(expected)), "{:?}", weighted.warnings());
    assert!(weighted.answer.claims.all().is_empty() && weighted.answer.decision.is_none());
    assert_eq!(few_positives_told(&weighted), 0, "{:?}", weighted.warnings());
    assert!(few_positives_told(&plain) > 0, "{:?}", plain.warnings());
}

/// Warnings that count positives as rows.
fn few_positives_told(report: &Report) -> usize {
    report.warnings().iter().filter(|warning| warning.contains("validation positive")).count()
}

#[test]
fn ranks_by_key_then_id_and_incomplete_last() {
    let by_both = ranked(&sweep(), &["auc", "fn"]);
    // cccc has a worse AUC than dddd but misses fewer: both on the second front, AUC first.
    let expected = [("aaaa", 1), ("bbbb", 1), ("dddd", 2), ("cccc", 2), ("eeee", 3), ("ffff", 4)];
    assert_eq!(order(&by_both), expected.map(|(id, front)| (id, Some(front))));
    assert_eq!(by_both.on_first_front(), 2);
    let by_missed = ranked(&sweep(), &["fn"]);
    let expected = [("bbbb", 1), ("aaaa", 2), ("cccc", 3), ("dddd", 4), ("eeee", 5), ("ffff", 6)];
    assert_eq!(order(&by_missed), expected.map(|(id, front)| (id, Some(front))));
    let twins = results(vec![row("b", 0, "bce", None, 0.9, 1.0), row("a", 0, "bce", None, 0.9, 1.0)]);
    assert_eq!(order(&ranked(&twins, &["auc", "fn"])), [("a", Some(1)), ("b", Some(1))]);
}

#[test]
fn the_keys_rank_one_after_the_other_and_fronts_only_where_asked() {
    // By auc, then fn: b loses to a on both, c trades one for the other.
    let rows = [("a", 0.95, 3.0), ("b", 0.93, 4.0), ("c", 0.9, 1.0), ("d", 0.9, 2.0)];
    let rows: Vec<Row> = rows.into_iter().map(|(id, auc, missed)| row(id, 0, "bce", None, auc, missed)).collect();
    let results = results(rows);
    let by_keys = ranked(&results, &["auc", "fn"]);
    assert_eq!(order(&by_keys), [("a", Some(1)), ("b", Some(2)), ("c", Some(1)), ("d", Some(2))]);
    let by_front = rank(&results, &Options { order: Order::Front, ..options(&["auc", "fn"]) }).unwrap();
    assert_eq!(order(&by_front), [("a", Some(1)), ("c", Some(1)), ("b", Some(2)), ("d", Some(2))]);
    assert_eq!(by_front.winner().map(|it| &it.trial), by_keys.winner().map(|it| &it.trial));
    let said = |ranking: &Ranking| table(ranking, 200);
    assert!(said(&by_keys).contains("Ranked on validation by auc (more is better), then by fn"), "{}", said(&by_keys));
    assert!(said(&by_front).contains("Ranked on validation by front, then by auc (more"), "{}", said(&by_front));
    // The published order puts no front before a better first key.
    let of_keys = |ranking: &Ranking| -> Vec<f64> {
        ranking.trials.iter().map(|it| ranking.mean(it, "val_auc").unwrap()).collect()
    };
    assert!(of_keys(&by_keys).is_sorted_by(|a, b| a >= b) && !of_keys(&by_front).is_sorted_by(|a, b| a >= b));
}

#[test]
fn what_confirms_ranks_nobody() {
    let searched = ranked(&sweep(), &["auc", "fn"]);
    let mut both = sweep();
    let afresh = both.rows.iter().filter(|row| row.trial_id == "dddd").map(|row| {
        let metrics = vec![Some(1.0); METRICS.len()];
        Row { phase: Phase::Confirm, replicate: row.replicate + 3, metrics, ..row.clone() }
    });
    let afresh: Vec<Row> = afresh.collect();
    both.rows.extend(afresh);
    assert_eq!(ranked(&both, &["auc", "fn"]), searched);
    assert_eq!((both.rows.len(), both.ranked().count()), (sweep().rows.len() + 3, sweep().rows.len()));
}

#[test]
fn finalists_are_the_best_and_the_baseline() {
    let ranking = ranked(&sweep(), &["auc", "fn"]);
    let ids = |trials| finalists(&ranking, trials, false).iter().map(|ranked| ranked.trial.trial_id.as_str()).collect();
    let found: [Vec<&str>; 4] = [1, 3, 4, 50].map(ids);
    assert_eq!(found[0], ["aaaa", "cccc"]);
    assert_eq!(found[1], ["aaaa", "bbbb", "dddd", "cccc"]);
    assert_eq!(found[2], found[1], "the baseline is one of the best");
    assert_eq!(found[3], ["aaaa", "bbbb", "dddd", "cccc", "eeee", "ffff"], "all that there are");
    let of_each: Vec<&str> = finalists(&ranking, 1, true).iter().map(|ranked| ranked.trial.trial_id.as_str()).collect();
    assert_eq!(of_each, ["aaaa", "cccc"], "the best of each method, which the baseline's is by itself");
    let mut three = sweep();
    three.rows.push(row("gggg", 0, "weighted_bce", None, 0.6, 9.0));
    let ranking = ranked(&three, &["auc", "fn"]);
    let of_each: Vec<&str> = finalists(&ranking, 2, true).iter().map(|ranked| ranked.trial.trial_id.as_str()).collect();
    assert_eq!(
        of_each.iter().copied().collect::<std::collections::HashSet<_>>(),
        std::collections::HashSet::from(["aaaa", "bbbb", "cccc", "gggg"])
    );

    let alone = ranked(&results(vec![row("a", 0, "focal", Some((0.2, 2.0)), 0.9, 1.0)]), &["auc"]);
    assert_eq!(finalists(&alone, 3, true).len(), 1, "no baseline");
    let mut failed = row("b", 0, "bce", None, 0.9, 1.0);
    (failed.state, failed.metrics) = (State::Failed, vec![None; METRICS.len()]);
    assert!(finalists(&ranked(&results(vec![failed]), &["auc"]), 3, true).is_empty(), "without figures nobody is");
}

#[test]
fn an_undefined_key_is_worse_than_any_value() {
    let ranking = rank(&sweep(), &Options { on: Split::Test, ..options(&["precision"]) }).unwrap();
    assert_eq!(ranking.trials[3].trial.trial_id, "dddd", "the last of the complete trials");
}

#[test]
fn means_are_over_replicates_and_an_error_without_scores_is_that_of_a_replicate() {
    let ranking = ranked(&sweep(), &["auc"]);
    let best = ranking.winner().unwrap().clone();
    assert!((ranking.mean(&best, "val_auc").unwrap() - 0.928).abs() < 1e-12);
    let report = Report::bare(ranking);
    let of = |name| report.standard_error(&best, Split::Validation, name);
    // Each replicate's DeLong error: what three on shared rows leave open is no more.
    assert!((of("auc").unwrap() - 0.0123).abs() < 1e-12);
    assert_eq!((of("fn"), of("nonsense")), (None, None));
}

#[test]
fn rows_of_other_data_or_another_split_are_left_out() {
    let mut rows: Vec<Row> = (0..3).flat_map(|r| ["a", "b"].map(|id| row(id, r, "bce", None, 0.9, 1.0))).collect();
    rows.push(Row { data_fingerprint: "older".to_owned(), ..row("c", 0, "bce", None, 0.99, 0.0) });
    rows.push(Row { split_fingerprint: "split 9".to_owned(), ..row("d", 1, "bce", None, 0.99, 0.0) });
    let ranking = ranked(&results(rows), &["auc"]);
    assert_eq!(order(&ranking), [("a", Some(1)), ("b", Some(1))]);
    insta::assert_snapshot!(ranking.warnings.join("\n"), @r"
    1 of 8 rows are of other data and are left out: they cannot be ranked with the rest
    1 of 8 rows are of another split of the data and are left out: they cannot be ranked with the rest
    ");
}

#[test]
fn a_sound_run_has_no_warnings_and_one_that_flags_nobody_has() {
    let rows = |missed: f64| vec![row("a", 0, "bce", None, 0.9, missed), row("b", 0, "bce", None, 0.8, 2.0)];
    assert!(ranked(&results(rows(1.0)), &["auc"]).warnings.is_empty());
    let degenerate = ranked(&results(rows(20.0)), &["auc"]).warnings;
    assert_eq!(
        degenerate,
        ["1 trial that flags no positive at threshold 0.5: compare them at the operating point (op_fn, op_fp)"]
    );
}

#[test]
fn the_baseline_is_plain_or_else_focal_loss_that_is() {
    let focal = |id: &str, alpha, gamma| row(id, 0, "focal", Some((alpha, gamma)), 0.9, 1.0);
    let baseline = |rows: Vec<Row>| ranked(&results(rows), &["auc"]).baseline().map(|r| r.trial.trial_id.clone());
    let half = vec![focal("a", 0.25, 2.0), focal("b", 0.5, 0.0), focal("c", 0.5, 1.0)];
    assert_eq!(baseline(half.clone()).as_deref(), Some("b"));
    assert_eq!(baseline([half.clone(), vec![row("d", 0, "bce", None, 0.1, 9.0)]].concat()).as_deref(), Some("d"));
    assert_eq!(baseline([&half[..1], &half[2..]].concat()), None);
    let mut oversampled = row("d", 0, "bce", None, 0.9, 1.0);
    oversampled.parameters[4] = Some(Value::Text("oversample".to_owned()));
    assert_eq!(baseline(vec![oversampled]), None);
}

#[test]
fn costs_are_of_a_thousand_rows_and_go_with_their_operating_point() {
    let mut one = results(vec![row("a", 0, "bce", None, 0.9, 1.0)]);
    let counts = [("val_op_tp", 6.0), ("val_op_fp", 10.0), ("val_op_tn", 180.0), ("val_op_fn", 4.0)];
    for (name, value) in counts {
        one.metrics.push(name.to_owned());
        one.rows[0].metrics.push(Some(value));
    }
    let before = one.clone();
    one.operating_point = Some(OperatingPoint::Cost { fn_cost: 20.0, fp_cost: 0.5 });
    one.add_costs();
    let at = one.metrics.iter().position(|name| name == "val_cost").unwrap();
    assert_eq!(one.rows[0].metrics[at], Some(1000.0 * (4.0 * 20.0 + 10.0 * 0.5) / 200.0));
    let test = one.metrics.iter().position(|name| name == "test_cost").unwrap();
    assert_eq!(one.rows[0].metrics[test], None, "test_op_tp was not measured");
    assert!(rank(&one, &options(&["cost"])).is_ok());
    // Vickers & Elkin: a false alarm weighs fp_cost / fn_cost of a catch. It orders as the cost does.
    let at = one.metrics.iter().position(|name| name == "val_net_benefit").unwrap();
    assert_eq!(one.rows[0].metrics[at], Some((6.0 - 10.0 * 0.5 / 20.0) / 200.0));
    // A precision of p breaks even where p of the flagged are positive: 6 of 16 are.
    let mut precise = one.clone();
    precise.operating_point = Some(OperatingPoint::MinPrecision { min_precision: 6.0 / 16.0 });
    precise.add_costs();
    let at = precise.metrics.iter().position(|name| name == "val_net_benefit").unwrap();
    assert!(
        precise.rows[0].metrics[at].unwrap().abs() < 1e-15 && !precise.metrics.iter().any(|name| name == "val_cost")
    );
    one.operating_point = None;
    one.add_costs();
    assert!(!one.metrics.iter().any(|name| name.ends_with("cost") || name.ends_with("net_benefit")));
    assert_eq!(one.rows[0].metrics[..before.metrics.len()], before.rows[0].metrics[..]);
    assert!(matches!(rank(&one, &options(&["cost"])), Err(ReportError::NotMeasured(_))), "of an unknown point");
    one.operating_point = Some(OperatingPoint::MinRecall { min_recall: 0.5 });
    for metric in ["cost", "net_benefit", "partial_auc"] {
        let error = rank(&one, &options(&[metric])).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{metric}` needs an operating point of ")), "{error}");
    }
}

#[test]
fn bad_options_name_the_nearest() {
    let error = |by: &[&str]| {
        use miette::Diagnostic;
        let error = rank(&sweep(), &options(by)).unwrap_err();
        format!("{error} / {}", error.help().map(|help| help.to_string()).unwrap_or_default())
    };
    let all = ["acu", "val_auc", "FNR", "op_fnn", "velocity"].map(|name| error(&["auc", name])).join("\n");
    insta::assert_snapshot!(format!("{all}\n{}\n{}", error(&["mcc"]), error(&[])));
    let nothing = rank(&results(Vec::new()), &options(&["auc"]));
    assert!(matches!(nothing, Err(ReportError::NoRows)));
}

#[test]
fn a_run_in_which_all_failed_still_reports() {
    let mut failed = row("a", 0, "bce", None, 0.9, 1.0);
    failed.state = State::Failed;
    failed.error = Some("the loss became | NaN\n<at> once".to_owned());
    failed.metrics = vec![None; METRICS.len()];
    let ranking = ranked(&results(vec![failed]), &["auc", "fn"]);
    assert_eq!(ranking.winner(), None);
    assert_eq!(Report::bare(ranking.clone()).to_json()["winner"], serde_json::Value::Null);
    assert!(said(&ranking, &Table { width: 80, lines: None, colour: true }).contains("no trial has any metrics"));
    assert!(said(&ranking, &Markdown).contains(r"the loss became \| NaN \<at\> once"));
}

#[test]
fn tables() {
    let mut ranking = ranked(&sweep(), &["auc", "fn"]);
    insta::assert_snapshot!("table_wide", table(&ranking, 140));
    insta::assert_snapshot!("table_80", table(&ranking, 80));
    assert!(said(&ranking, &Table { width: 80, lines: None, colour: true }).contains("\u{1b}[1m"));
    // Many swept hyperparameters: they go after the figures, but loss, alpha and gamma stay.
    let mut many = sweep();
    for (at, row) in many.rows.iter_mut().enumerate() {
        row.parameters[4] = Some(Value::Text(["none", "oversample"][at % 2].to_owned()));
        row.parameters[7] = Some(Value::Text(format!("[{at}, 128, 64, 32, 16]")));
        row.parameters[8] = Some(Value::Text(format!("-{at}.25")));
        row.trial_id = format!("t{at}");
    }
    let narrow = table(&ranked(&many, &["auc", "fn"]), 60);
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    assert!(narrow.contains("loss  alpha  gamma"), "{narrow}");
    ranking.top = Some(2);
    let on_test = rank(&sweep(), &Options { on: Split::Test, top: Some(2), ..options(&["op_fn", "auc"]) }).unwrap();
    insta::assert_snapshot!("table_on_test", table(&on_test, 140));
}

#[test]
fn no_line_is_wider_than_asked() {
    let ranking = ranked(&sweep(), &["auc", "fn"]);
    for width in 60..200 {
        let table = table(&ranking, width);
        let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} > {width}:\n{table}");
    }
}

#[test]
fn markdown() {
    insta::assert_snapshot!(said(&ranked(&sweep(), &["auc", "fn"]), &Markdown));
}

#[test]
fn csv() {
    let mut ranking = ranked(&sweep(), &["auc", "fn"]);
    ranking.top = Some(4);
    insta::assert_snapshot!(said(&ranking, &Csv));
}

#[test]
fn json() {
    let mut ranking = ranked(&sweep(), &["auc", "fn"]);
    ranking.top = Some(1);
    insta::assert_snapshot!(said(&ranking, &Json));
}

#[test]
fn ten_thousand_trials_rank_at_once() {
    let rows = (0..10_000_u32)
        .map(|i| {
            row(&format!("{i:08x}"), 0, "focal", Some((f64::from(i), 2.0)), f64::from(i * 7919 % 10_007), f64::from(i))
        })
        .collect();
    let results = results(rows);
    let ranking = ranked(&results, &["auc", "fn"]);
    assert_eq!(ranking.trials.len(), 10_000);
    assert!(said(&ranking, &Csv).lines().count() == 10_001 && !table(&ranking, 100).is_empty());
}

pub(super) fn write_parquet(path: &Path, columns: Vec<(String, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The results of the run in `dir`.
fn read_run(dir: &Path) -> Result<Results, ReportError> {
    read(&run_files(dir)?)
}

/// Writes results as a run does: counts as integers, words as text or as a dictionary.
pub(super) fn write_run(dir: &Path, results: &Results) {
    let manifest = serde_json::json!({
        "format_version": 1, "name": results.name, "state": "finished",
        "counts": {"trials": results.planned_trials, "replicates": results.planned_replicates},
    });
    std::fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
    let rows = &results.rows;
    let text =
        |of: &dyn Fn(&Row) -> Option<String>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("trial_id".into(), text(&|r| Some(r.trial_id.clone()))),
        ("replicate".into(), Arc::new(rows.iter().map(|r| r.replicate as i32).collect::<Int32Array>())),
        (
            "state".into(),
            Arc::new(
                rows.iter()
                    .map(|r| match r.state {
                        State::Finished => "finished",
                        State::Failed => "failed",
                        State::Stopped => "stopped",
                    })
                    .collect::<DictionaryArray<Int32Type>>(),
            ),
        ),
        ("error".into(), text(&|r| r.error.clone())),
        ("split_fingerprint".into(), text(&|r| Some(r.split_fingerprint.clone()))),
        ("data_fingerprint".into(), text(&|r| Some(r.data_fingerprint.clone()))),
    ];
    for (at, name) in results.parameters.iter().enumerate() {
        let array: ArrayRef = match name.as_str() {
            "batch_size" => Arc::new(rows.iter().map(|_| Some(2048)).collect::<Int64Array>()),
            "alpha" | "gamma" | "learning_rate" | "pos_weight" => Arc::new(
                rows.iter()
                    .map(|r| match r.parameters[at] {
                        Some(Value::Number(v)) => Some(v),
                        _ => None,
                    })
                    .collect::<Float64Array>(),
            ),
            _ => text(&|r| r.parameters[at].as_ref().map(ToString::to_string)),
        };
        columns.push((name.clone(), array));
    }
    for (at, name) in results.metrics.iter().enumerate() {
        let whole = rows.iter().all(|r| r.metrics[at].is_none_or(|v| v.fract() == 0.0));
        let array: ArrayRef = if whole {
            Arc::new(rows.iter().map(|r| r.metrics[at].map(|v| v as i64)).collect::<Int64Array>())
        } else {
            Arc::new(rows.iter().map(|r| r.metrics[at]).collect::<Float64Array>())
        };
        columns.push((name.clone(), array));
    }
    columns.push(("train_seconds".into(), text(&|_| Some("not a metric".to_owned()))));
    write_parquet(&dir.join("results.parquet"), columns);
}

#[test]
fn reads_what_a_run_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let results = sweep();
    write_run(dir.path(), &results);
    assert_eq!(read_run(dir.path()).unwrap(), results);
}

#[test]
fn what_is_no_run_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let complaint = || read_run(path).unwrap_err().to_string().replace(&path.display().to_string(), "DIR");
    assert_eq!(
        read_run(&path.join("no")).unwrap_err().to_string(),
        format!("there is no run directory {}/no", path.display())
    );
    assert_eq!(complaint(), "DIR is not a run directory: it has no manifest.json that focalsweep wrote");
    for text in ["[1]", r#"{"name": "else"}"#] {
        std::fs::write(path.join("manifest.json"), text).unwrap();
        assert!(matches!(read_run(path), Err(ReportError::NotOurs(_))), "{text}");
    }
    std::fs::write(path.join("manifest.json"), "{").unwrap();
    assert!(complaint().starts_with("DIR/manifest.json is damaged: "), "{}", complaint());
    assert!(matches!(read_run(&path.join("manifest.json")), Err(ReportError::NotOurs(_))));
    std::fs::write(path.join("manifest.json"), r#"{"format_version": 3}"#).unwrap();
    assert_eq!(complaint(), "DIR has format version 3; this focalsweep knows versions up to 2");
    std::fs::write(path.join("manifest.json"), r#"{"format_version": 2, "draft": 77}"#).unwrap();
    assert_eq!(complaint(), "DIR is of draft 77 of format version 2, of a time before its release");
    std::fs::write(path.join("manifest.json"), r#"{"format_version": 2, "draft": 0}"#).unwrap();
    assert!(complaint().contains("it does not end in its checksum"), "{}", complaint());
    std::fs::write(path.join("manifest.json"), r#"{"format_version": 1}"#).unwrap();
    assert_eq!(complaint(), "DIR has no results.parquet yet");
    std::fs::write(path.join("results.parquet"), "id,auc").unwrap();
    assert!(complaint().starts_with("cannot read DIR/results.parquet: "), "{}", complaint());
    write_parquet(&path.join("results.parquet"), vec![("x".into(), Arc::new(Int32Array::from(vec![1])))]);
    assert_eq!(complaint(), "DIR/results.parquet has no column `trial_id`");
}
