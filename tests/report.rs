//! `report` and `compare` on small runs: other operating points without training, what the answer says, two runs.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use common::{files, focalsweep, program};
use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::{OperatingPoint, parse_operating_point};
use focalsweep_report as report;
use serde_json::Value;
use tempfile::TempDir;

/// Plain and class-weighted cross-entropy and six focal losses on the crash data, two replicates, few epochs.
fn run_dir() -> &'static Path {
    static RUN: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, dir) = RUN.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let dir = folder.path().join("run");
        train(folder.path(), &dir, &[]);
        (folder, dir)
    });
    dir
}

fn run_files() -> &'static RunFiles {
    static FILES: OnceLock<RunFiles> = OnceLock::new();
    FILES.get_or_init(|| report::run_files(run_dir()).unwrap())
}

fn train(folder: &Path, dir: &Path, changes: &[&str]) {
    let sweep = folder.join("sweep.yaml");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/crash.parquet");
    let text = format!(
        "name: small\ndata: {{source: {}, label: dead, positive: dead, clip: 5}}\nreplicates: 2\n\
         train: {{epochs: 4, batch_size: 512, early_stopping: none}}\noperating_point: {{max_fpr: 0.05}}\nparameters:\n\
         \x20 - {{loss: {{value: bce}}, initial_bias: {{values: [prior, 0]}}}}\n\
         \x20 - loss: {{value: weighted_bce}}\n\
         \x20 - {{loss: {{value: focal}}, alpha: {{values: [0.25, 0.75]}}, gamma: {{values: [0, 1, 2]}}}}\n",
        source.display()
    );
    fs::write(&sweep, text).unwrap();
    let mut args = vec!["run".to_owned(), sweep.display().to_string(), "--out".to_owned(), dir.display().to_string()];
    args.extend(["--devices", "cpu", "--no-progress"].map(str::to_owned));
    args.extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
    let said = focalsweep(folder, &args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

fn report(dir: &Path, more: &[&str]) -> String {
    let said = focalsweep(dir, [&["report", dir.to_str().unwrap()], more].concat());
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{more:?}");
    said.stdout
}

fn json(dir: &Path, more: &[&str]) -> Value {
    serde_json::from_str(&report(dir, &[&["--format", "json"], more].concat())).unwrap()
}

#[test]
fn the_runs_own_operating_point_from_its_scores_is_what_the_run_wrote() {
    let written = report::read(run_files()).unwrap();
    let mut again = written.clone();
    let point = OperatingPoint::MaxFpr { max_fpr: 0.05, confidence: None };
    assert_eq!(written.operating_point.as_ref(), Some(&point));
    report::at_operating_point(run_files(), &mut again, &point).unwrap();
    assert_eq!(again, written, "every column of every row, to the bit");
}

#[test]
fn another_operating_point_needs_no_training() {
    let before = files(run_dir());
    let metrics = |more: &[&str]| json(run_dir(), more)["ranking"].as_array().unwrap().clone();
    for entry in metrics(&["--operating-point", "min_recall=0.9"]) {
        let metric = |name: &str| entry["metrics"][name].as_f64().unwrap();
        assert!(metric("val_op_recall") >= 0.9);
        assert!((metric("test_op_tp") + metric("test_op_fn") - 236.0).abs() < 1e-9);
    }
    let by_cost = metrics(&["--operating-point", "fn_cost=20,fp_cost=1", "--by", "cost"]);
    let costs: Vec<f64> = by_cost.iter().map(|entry| entry["metrics"]["val_cost"].as_f64().unwrap()).collect();
    assert!(costs.is_sorted(), "less is better: {costs:?}");
    for entry in &by_cost {
        let metric = |name: &str| entry["metrics"][name].as_f64().unwrap();
        // 5,243 test rows.
        let cost = 1000.0 * (20.0 * metric("test_op_fn") + metric("test_op_fp")) / 5243.0;
        assert!((metric("test_cost") - cost).abs() < 1e-9);
    }
    assert!(json(run_dir(), &[])["winner"]["metrics"].get("val_cost").is_none(), "no costs, no cost");
    assert!(files(run_dir()) == before, "a report changes nothing");
}

#[test]
fn another_share_of_positives_and_keys_for_a_goal_need_no_training() {
    let costs = ["--operating-point", "fn_cost=20,fp_cost=1", "--by", "net_benefit", "--prevalence", "0.0045"];
    let found = json(run_dir(), &costs);
    let at = &found["answer"]["prevalence"];
    assert!(at["share"] == 0.0045 && (at["sample"].as_f64().unwrap() - 236.0 / 5243.0).abs() < 1e-12, "{at}");
    assert!(found["warnings"][0].as_str().unwrap().contains("times the odds of 0.45 %"), "{}", found["warnings"]);
    let ranking = found["ranking"].as_array().unwrap();
    let of =
        |metric: &str| -> Vec<f64> { ranking.iter().map(|entry| entry["metrics"][metric].as_f64().unwrap()).collect() };
    assert!(of("val_net_benefit").is_sorted_by(|a, b| a >= b) && of("val_cost").is_sorted(), "the same order");
    for (entry, (recall, fpr)) in ranking.iter().zip(of("test_op_recall").into_iter().zip(of("test_op_fpr"))) {
        let of_trial = &at["trials"][entry["trial_id"].as_str().unwrap()];
        let (caught, alarms) = (0.0045 * recall, 0.9955 * fpr);
        let near = |name: &str, expected: f64| (of_trial[name].as_f64().unwrap() - expected).abs() < 1e-9;
        assert!(near("precision", caught / (caught + alarms)) && near("alerts_per_1000", 1000.0 * (caught + alarms)));
        assert!(near("net_benefit", caught - alarms / 20.0), "{of_trial}");
    }
    let by = |order: &str| json(run_dir(), &["--by", "partial_auc,precision_at_k", "--order", order]);
    let values = |found: &Value, key: &str| -> Vec<f64> {
        let ranking = found["ranking"].as_array().unwrap();
        ranking.iter().map(|entry| entry[key].as_f64().or(entry["metrics"][key].as_f64()).unwrap()).collect()
    };
    let (keys, fronts) = (by("keys"), by("front"));
    assert!(values(&keys, "val_partial_auc").is_sorted_by(|a, b| a >= b));
    assert!(values(&fronts, "front").is_sorted(), "{:?}", values(&fronts, "front"));
    assert_eq!(keys["winner"]["trial_id"], fronts["winner"]["trial_id"]);
    let text = report(run_dir(), &[]);
    assert!(text.lines().count() <= 40 && report(run_dir(), &["--all"]).lines().count() > 40, "{text}");
    let refused = focalsweep(run_dir(), ["report", run_dir().to_str().unwrap(), "--prevalence", "17"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("such as 0.0017"), "{}", refused.stderr);
}

#[test]
fn trials_whose_scores_were_not_kept_have_no_figures_there() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("run");
    train(folder.path(), &dir, &["scores=none", "train.epochs=1", "replicates=1"]);
    let other = json(&dir, &["--operating-point", "max_fpr=0.1"]);
    assert_eq!(other["winner"]["metrics"]["test_op_fn"], Value::Null);
    assert!(other["winner"]["metrics"]["test_auc"].is_f64());
    let warnings = other["warnings"].to_string();
    assert!(
        warnings.contains("the scores of 9 trials were not kept: no figures at this operating point"),
        "{warnings}"
    );
    assert!(
        json(&dir, &[])["winner"]["metrics"]["test_op_fn"].is_f64(),
        "the run's own point was measured in training"
    );
}

#[test]
fn operating_points_with_faults_name_the_option() {
    let fault = |text: &str| parse_operating_point(text).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            "",
            "0.01",
            "max_fpr",
            "max_fpr=",
            "max_fpr=2",
            "max_fp=0.1",
            "fn_cost=1",
            "max_fpr=0.1,min_recall=0.9",
            "max_fpr={",
            "a=b\n"
        ]
        .map(fault)
        .join("\n")
    );
    let said = focalsweep(run_dir(), ["report", run_dir().to_str().unwrap(), "--operating-point", "max_fpr=2"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    let said = focalsweep(run_dir(), ["report", run_dir().to_str().unwrap(), "--by", "cost"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("`cost` needs an operating point of costs"), "{}", said.stderr);
}

/// The same run with changes.
fn other(changes: &[&str]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("other");
    train(folder.path(), &dir, changes);
    (folder, dir)
}

fn compare(other: &Path, more: &[&str]) -> common::Said {
    focalsweep(run_dir(), [&["compare", run_dir().to_str().unwrap(), other.to_str().unwrap()], more].concat())
}

/// The claim about two trials in a figure.
fn claim<'a>(told: &'a Value, kind: &str, about: &str, of: &Value, against: &Value, split: &str) -> Option<&'a Value> {
    let is = |claim: &&Value| {
        claim["kind"] == kind
            && claim["about"] == about
            && claim["of"] == *of
            && claim["against"] == *against
            && claim["split"] == split
    };
    told["claims"].as_array().unwrap().iter().find(is)
}

#[test]
fn the_answer_holds_the_winner_against_plain_cross_entropy() {
    let told = json(run_dir(), &[]);
    let (winner, answer) = (&told["winner"], &told["answer"]);
    let baseline = told["ranking"].as_array().unwrap().iter().find(|e| e["trial_id"] == answer["baseline"]["trial_id"]);
    let metric = |entry: &Value, name: &str| entry["metrics"][name].as_f64().unwrap();
    let baseline = baseline.unwrap();
    assert_eq!(baseline["parameters"]["loss"], "bce");
    let between = |ends: &Value, value: f64| ends[0].as_f64().unwrap() <= value && value <= ends[1].as_f64().unwrap();
    for (about, metric_name) in [
        ("auc", "test_auc"),
        ("average_precision", "test_average_precision"),
        ("op_fn", "test_op_fn"),
        ("op_fp", "test_op_fp"),
    ] {
        let claim = claim(&told, "models", about, &winner["trial_id"], &baseline["trial_id"], "test").unwrap();
        let difference = metric(winner, metric_name) - metric(baseline, metric_name);
        assert!((claim["difference"].as_f64().unwrap() - difference).abs() < 1e-9, "{about}");
        assert_eq!(claim["corrected_for"], "none");
        assert_eq!(claim["told"], claim["p"].as_f64().unwrap() < 0.05);
        assert!(between(&claim["interval"], difference), "{claim}");
    }
    let deployed = claim(&told, "classifiers", "op_fn", &winner["trial_id"], &baseline["trial_id"], "test").unwrap();
    assert!(deployed["interval"].is_null() && deployed["p"].is_f64());
    assert_eq!((&told["schema_version"], &answer["confirmed"]), (&Value::from(2), &Value::from("no")));
    for name in ["test_average_precision", "test_op_fn", "test_op_fp", "test_op_recall"] {
        assert!(between(&winner["intervals"][name], metric(winner, name)), "{name}: {}", winner["intervals"]);
    }
    let per_1000 = 1000.0 * metric(winner, "test_op_tp") / metric(winner, "test_op_fp");
    assert!((answer["winner_per_1000_false_alarms"].as_f64().unwrap() - per_1000).abs() < 1e-9);
    assert_eq!(
        answer["optimism"]["val_auc"].as_f64().map(|v| (v * 1e9).round()),
        Some((metric(winner, "val_auc") * 1e9).round())
    );
    // The mean Brier score is the one that training measured; Platt's map of it is no worse.
    let calibration = &answer["calibration"];
    assert!((calibration["raw"]["brier"].as_f64().unwrap() - metric(winner, "test_brier")).abs() < 1e-9);
    assert!(calibration["platt"]["ece"].as_f64() < calibration["raw"]["ece"].as_f64());
    let names: Vec<&str> = told["methods"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["plain cross-entropy", "class weights", "focal loss"]);
    let (plain, weighted) = (&told["methods"][0]["trial_id"], &told["methods"][1]["trial_id"]);
    let of_methods = claim(&told, "models", "op_fn", weighted, plain, "test").unwrap();
    assert!(of_methods["p"].is_f64() && of_methods["corrected_for"] == "methods (Holm)", "{of_methods}");
    let starts = answer["starts"].as_array().unwrap();
    assert_eq!(starts.len(), 2, "prior and 0");
    assert!(starts.iter().all(|start| start["val_loss"].as_array().unwrap().len() == 4), "{starts:?}");
    let busy = told["devices"][0]["busy_seconds"].as_array().unwrap();
    assert!(!busy.is_empty() && busy.iter().all(|s| s.as_f64() <= told["training_seconds"].as_f64()));
    assert_eq!(told["operating_point"]["max_fpr"], 0.05);
}

#[test]
fn intervals_are_the_same_for_any_number_of_threads() {
    let results = report::read(run_files()).unwrap();
    let options = report::Options::new(vec!["auc".to_owned()], focalsweep_core::spec::Split::Validation);
    let answered = |for_each: report::ForEach<'_>| {
        let ranking = report::rank(&results, &options).unwrap();
        report::Report::new(&report::Scores::of(run_files()), &results, ranking, 20, for_each).unwrap().answer
    };
    let one_after_the_other = answered(&|n, each| (0..n).for_each(each));
    let backwards = answered(&|n, each| (0..n).rev().for_each(each));
    assert_eq!(one_after_the_other, backwards);
    assert!(one_after_the_other.intervals.len() >= 9);
}

#[test]
fn two_runs_side_by_side() {
    let (_folder, longer) = other(&["train.epochs=6", "replicates=1", "name=longer"]);
    let said = compare(&longer, &["--format", "json"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let told: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(told["replicates"], serde_json::json!([0]));
    assert_eq!(told["changes"], serde_json::json!({"replicates": [2, 1], "train.epochs": [4, 6]}));
    assert_eq!(told["trials"].as_array().unwrap().len(), 9);
    assert!(told["trials"].as_array().unwrap().iter().all(|trial| trial["same"] == false));
    let winner = |run: usize, name: &str| told["runs"][run]["winner"]["metrics"][name].as_f64().unwrap();
    let id = |run: usize| &told["runs"][run]["winner"]["trial_id"];
    for (about, metric) in [("auc", "test_auc"), ("op_fn", "test_op_fn")] {
        let claim = claim(&told, "models", about, id(0), id(1), "test").unwrap();
        let difference = winner(0, metric) - winner(1, metric);
        assert!((claim["difference"].as_f64().unwrap() - difference).abs() < 1e-9, "{about}");
        assert!(claim["p"].is_f64() && claim["interval"].is_array(), "{claim}");
    }
    let table = compare(&longer, &["--top", "3"]).stdout;
    for words in
        ["1 replicate.", "train.epochs (4 in A, 6 in B)", "A's winner", "9 trials in both runs, 9 with other figures"]
    {
        assert!(table.contains(words), "{words:?} in\n{table}");
    }
    assert!(table.contains("warning: 1 of 2 replicates have the same split in both runs"), "{table}");
    assert_eq!(compare(&longer, &["--format", "csv"]).stdout.lines().count(), 10);
    assert!(compare(&longer, &["--format", "markdown"]).stdout.contains("## Trials that both runs have"));
}

#[test]
fn a_run_is_like_itself() {
    let said = compare(run_dir(), &["--on", "test", "--by", "op_fn"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stdout.contains("9 trials in both runs, all with the same figures to the last bit"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("Both runs have the same winner"), "{}", said.stdout);
    // The same trials in other company: alone with one, in another stack, they end in the same bits.
    let (_folder, fewer) =
        other(&["parameters=[{loss: {value: focal}, alpha: {value: 0.75}, gamma: {values: [1, 2]}}]"]);
    let fewer = compare(&fewer, &[]);
    let words = "2 trials in both runs, all with the same figures to the last bit; 7 only in A, 0 only in B";
    assert!(
        fewer.stdout.contains(words) && fewer.stdout.contains("The sweeps differ in parameters."),
        "{}",
        fewer.stdout
    );
    let (_folder, points) = other(&["train.epochs=2", "operating_point.max_fpr=0.1"]);
    let different = compare(&points, &[]).stdout;
    assert!(different.contains("warning: the runs have different operating points"), "{different}");
    assert!(!different.contains("misses at the operating point"), "{different}");
    let one = compare(&points, &["--operating-point", "max_fpr=0.1"]).stdout;
    assert!(!one.contains("different operating points") && one.contains("misses at the operating point"), "{one}");
}

#[test]
fn runs_of_other_rows_are_not_compared() {
    for (change, words) in [("seed=1", "split the same data otherwise"), ("data.clip=3", "are of other data")] {
        let (_folder, dir) = other(&[change, "train.epochs=1", "replicates=1"]);
        let said = compare(&dir, &[]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{change}");
        let text = said.stderr.replace("\n    │ ", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words) && text.contains("fingerprints"), "{text}");
        assert!(text.contains("train one of them again"), "{text}");
    }
    assert_eq!(compare(Path::new("none"), &[]).code, Some(2));
}

/// In a terminal a table that is longer goes through `$PAGER`, which git's users know; what fits does not.
#[test]
fn a_long_table_goes_through_a_pager() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no script(1), which makes a terminal");
        return;
    }
    let shown = |lines: u32, pager: &str| {
        let program = program(run_dir()).get_program().to_string_lossy().into_owned();
        let report = format!("'{program}' report '{}' --all", run_dir().display());
        let said = Command::new("script")
            .args(["-qec", &format!("stty rows {lines} cols 100; {report}"), "/dev/null"])
            .env("PAGER", pager)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap()
    };
    let table = shown(500, "sed s/^/paged:/");
    assert!(!table.contains("paged:") && table.contains("Decision") && table.lines().count() > 20, "{table}");
    let paged = shown(12, "sed s/^/paged:/");
    assert_eq!(paged.replace("paged:", ""), table, "all of it");
    assert!(paged.lines().all(|line| line.starts_with("paged:")), "{paged}");
    for pager in ["cat", "", "true"] {
        let left_alone = if pager == "true" { "" } else { &table };
        assert_eq!(shown(12, pager), left_alone, "PAGER={pager:?}");
    }
    assert!(shown(12, "/nowhere/pager").ends_with(&table), "without the pager it is shown all the same");
    let piped = report(run_dir(), &["--all"]);
    assert!(!piped.contains("paged:"));
}

#[test]
fn figures_for_papers_are_written_in_all_formats() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("new/figures");
    let said = report(run_dir(), &["--figures", out.to_str().unwrap()]);
    let names = [
        "heatmap-auc",
        "heatmap-missed",
        "roc",
        "precision-recall",
        "auc-against-missed",
        "reliability",
        "initial-bias",
        "scores",
        "loss",
        "loss-of-positives",
        "loss-of-negatives",
    ];
    let written: Vec<PathBuf> = said.lines().map(PathBuf::from).collect();
    let endings = [".svg", "-3.5in.svg", ".png", ".csv"];
    let expected = names.iter().flat_map(|name| endings.map(|ending| out.join(format!("{name}{ending}"))));
    assert_eq!(written, expected.collect::<Vec<_>>());
    assert_eq!(files(&out).len(), written.len(), "nothing half-written stays");
    for path in &written {
        let bytes = fs::read(path).unwrap();
        if path.extension().unwrap() == "png" {
            // The PNG specification: eight bytes of signature, then width and height of the IHDR chunk.
            assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
            let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!((number(16), number(20)), (1800, 1360));
        } else if path.extension().unwrap() == "svg" {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        }
    }
    let map = fs::read_to_string(out.join("heatmap-auc.svg")).unwrap();
    let all = json(run_dir(), &[]);
    let focal = all["ranking"].as_array().unwrap().iter().filter(|trial| trial["parameters"]["loss"] == "focal");
    let (aucs, tied): (Vec<f64>, Vec<bool>) =
        focal.map(|trial| (trial["metrics"]["val_auc"].as_f64().unwrap(), trial["tied_with_best"] != false)).unzip();
    assert_eq!(aucs.len(), 6);
    assert!(tied.contains(&false), "else no cell is outlined, and this says nothing");
    let outlined =
        map.lines().filter(|line| line.contains("<rect") && line.contains("fill=\"none\" stroke=\"#")).count();
    let cannot = tied.iter().filter(|&&tied| tied).count();
    assert_eq!(outlined, cannot.min(6 - cannot), "who cannot be told from the winner, or who can: the fewer");
    for auc in aucs {
        assert!(map.contains(&format!(">\n{auc:.4}\n<")), "{auc} has no cell");
    }

    fs::write(folder.path().join("file"), "mine").unwrap();
    let blocked = focalsweep(folder.path(), ["report", run_dir().to_str().unwrap(), "--figures", "file"]);
    assert_ne!(blocked.code, Some(0));
    assert!(blocked.stderr.contains("cannot make file"), "{}", blocked.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "mine");
}

#[test]
fn figures_have_two_widths_and_their_numbers() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("figures");
    let listed = report(run_dir(), &["--figures", out.to_str().unwrap()]);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let figures = ["heatmap-auc", "roc", "scores", "loss", "loss-of-positives", "loss-of-negatives"];
    for name in figures {
        for ending in [".svg", "-3.5in.svg", ".png", ".csv"] {
            assert!(listed.contains(&format!("/{name}{ending}\n")) || listed.ends_with(&format!("/{name}{ending}")));
        }
        assert!(read(&format!("{name}.svg")).starts_with("<svg width=\"7in\" height=\"5.289in\""), "{name}");
        assert!(read(&format!("{name}-3.5in.svg")).starts_with("<svg width=\"3.5in\" height=\"3.333in\""), "{name}");
    }
    let rows = |name: &str| -> Vec<(String, f64, f64)> {
        let text = read(&format!("{name}.csv"));
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with("series,"), "{text:.80}");
        let row = |line: &str| {
            let fields: Vec<&str> = line.rsplitn(5, ',').collect();
            (fields[4].to_owned(), fields[3].parse().unwrap(), fields[2].parse().unwrap())
        };
        lines.map(row).collect()
    };
    // Figure 1: -(1 - p)^2 ln p at a half.
    let loss = rows("loss");
    let (.., at_half) = loss.iter().find(|(name, x, _)| name == "gamma 2" && *x == 0.5).unwrap();
    assert!((at_half - 0.25 * 2.0_f64.ln()).abs() < 1e-5, "{at_half}");
    for class in ["loss-of-positives", "loss-of-negatives"] {
        let found = rows(class);
        let share = |name: &str, at: f64| found.iter().find(|(of, x, _)| of == name && *x == at).unwrap().2;
        assert_eq!([0.0, 1.0].map(|at| share("gamma 2", at)), [0.0, 1.0], "{class}");
        assert!(share("gamma 2", 0.5) < share("gamma 0 (cross-entropy)", 0.5), "{class}");
    }
    // Each class sums to all of its rows; an empty bin lies on the edge, which is the least that is drawn.
    let scores = rows("scores");
    let edge = scores.iter().map(|(.., y)| *y).fold(1.0, f64::min);
    for class in ["negatives", "positives"] {
        let bins = scores.iter().filter(|(name, ..)| name == class).step_by(2);
        let sum: f64 = bins.map(|(.., y)| *y).filter(|y| *y > edge).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{class}: {sum}");
    }
    // A map's numbers are those of the report.
    let map = read("heatmap-auc.csv");
    let found = json(run_dir(), &["--top", "100"]);
    for line in map.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<f64>().unwrap();
        let is_that = |trial: &&Value| {
            trial["parameters"]["alpha"] == number(0) && trial["parameters"]["gamma"].as_f64() == Some(number(1))
        };
        let trial = found["ranking"].as_array().unwrap().iter().find(is_that).unwrap();
        assert!((trial["metrics"]["val_auc"].as_f64().unwrap() - number(2)).abs() < 1e-5, "{line}");
    }
    assert_eq!(map.lines().count(), 7);
}
