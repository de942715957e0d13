//! Situations from the field, kept outside of the repository: FOCALSWEEP_CASES names their folder, and without it these
//! tests are skipped. One function a case, with what its `expected` says; a case is copied before anything is run in
//! it.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

#[expect(dead_code, reason = "other tests look at every file of a folder")]
mod common;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Said, focalsweep, program};
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// A copy of a case; `None`, said on stderr, where there are no cases.
fn case(name: &str) -> Option<TempDir> {
    let Some(cases) = std::env::var_os("FOCALSWEEP_CASES") else {
        eprintln!("skipped: FOCALSWEEP_CASES does not name the folder of the cases");
        return None;
    };
    let folder = TempDir::new().unwrap();
    copy(&PathBuf::from(cases).join(name), folder.path());
    Some(folder)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap_or_else(|why| panic!("{}: {why}", from.display())) {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            // Read-only files stay behind.
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// What was told, without the breaks of lines.
fn told(said: &Said) -> String {
    said.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn good(folder: &Path, args: &[&str]) -> Said {
    let said = focalsweep(folder, args);
    assert_eq!(said.code, Some(0), "{args:?}: {}", said.stderr);
    said
}

fn has(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

/// The best trial's AUC on the test rows.
fn test_auc(folder: &Path, run: &str) -> f64 {
    let said = good(folder, &["report", run, "--format", "json"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    report["ranking"][0]["metrics"]["test_auc"].as_f64().unwrap()
}

fn run(folder: &Path, name: &str, changes: &[&str]) -> Said {
    let name = format!("name={name}");
    let changes = [&name].into_iter().map(String::as_str).chain(changes.iter().copied());
    focalsweep(folder, ["run", "sweep.yaml", "--no-progress"].into_iter().chain(changes.flat_map(|to| ["--set", to])))
}

#[test]
fn case_01_a_stored_index_is_no_feature() {
    let Some(folder) = case("01-pandas-index") else { return };
    for source in ["rows.parquet", "rows.csv", "rows_unnamed.csv"] {
        let said = run(folder.path(), "index", &[&format!("data.source={source}")]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        has(&told(&said), &["left out: column"]);
        let auc = test_auc(folder.path(), "runs/index");
        assert!((0.4..0.6).contains(&auc), "{source}: noise has an AUC of {auc}");
        fs::remove_dir_all(folder.path().join("runs")).unwrap();
    }
}

#[test]
fn case_03_amounts_are_numbers_or_an_error() {
    let Some(folder) = case("03-money-percent") else { return };
    for (source, seen) in [("rows", "$630.00"), ("thousands", "12,600.00"), ("cents", "$630.94")] {
        let said = run(folder.path(), source, &[&format!("data.source={source}.csv")]);
        assert_eq!(said.code, Some(2), "{}", said.stderr);
        has(
            &told(&said),
            &[&format!("column `amount` looks like numbers written as {seen}"), "types: {amount: number"],
        );
    }
    let said = run(folder.path(), "read", &["data.types={amount: number, int_rate: number}"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(run(folder.path(), "numeric", &["data.source=numeric.csv"]).code, Some(0));
    for name in ["runs/read", "runs/numeric"] {
        let auc = test_auc(folder.path(), name);
        assert!((0.78..0.88).contains(&auc), "{name}: {auc}, scikit-learn has 0.834");
    }
}

#[test]
fn case_04_decimal_commas_are_named() {
    let Some(folder) = case("04-decimal-comma") else { return };
    for source in ["semi", "tab", "pipe", "comma_quoted"] {
        let source = format!("data.source={source}.csv");
        let said = run(folder.path(), "refused", &[&source]);
        assert_eq!(said.code, Some(2), "{}", said.stderr);
        has(&told(&said), &["`amount` looks like numbers with a decimal comma, `630,00`", "csv: {decimal: \",\"}"]);
        let said = run(folder.path(), "read", &[&source, "data.csv={decimal: ','}"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        fs::remove_dir_all(folder.path().join("runs")).unwrap();
    }
}

#[test]
fn case_06_a_category_of_codes_is_a_category() {
    let Some(folder) = case("06-int-category") else { return };
    for source in ["rows", "text"] {
        let said = run(folder.path(), source, &[&format!("data.source={source}.parquet")]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let auc = test_auc(folder.path(), &format!("runs/{source}"));
        assert!((0.68..0.77).contains(&auc), "{source}: {auc}, scikit-learn's one-hot has 0.724, numbers 0.457");
    }
}

#[test]
fn case_07_a_common_positive_is_warned_of() {
    let Some(folder) = case("07-majority-one") else { return };
    let said = run(folder.path(), "maj", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let report = good(folder.path(), &["report", "runs/maj"]).stdout;
    for text in [told(&said), report.split_whitespace().collect::<Vec<_>>().join(" ")] {
        has(&text, &["is 94.1 % of the rows and so not rare; `data.positive: 0` takes the other"]);
    }
}

#[test]
fn case_12_and_13_groups_and_time_are_split_honestly() {
    let Some(folder) = case("12-grouped-rows") else { return };
    let said = run(folder.path(), "random", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(test_auc(folder.path(), "runs/random") > 0.97, "cards on both sides are recognised");
    let said = run(folder.path(), "grouped", &["split={by: group, group_column: card_id, folds: 5}"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let auc = test_auc(folder.path(), "runs/grouped");
    assert!((0.44..0.64).contains(&auc), "{auc}: five folds of this network have 0.517 ± 0.054");

    let Some(folder) = case("13-time-order") else { return };
    let said = run(folder.path(), "random", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    has(&told(&said), &["points in time, so no features", "when"]);
    let said = run(folder.path(), "time", &["split={by: time, time_column: when}"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let auc = test_auc(folder.path(), "runs/time");
    assert!((0.42..0.58).contains(&auc), "{auc}: the past says nothing of the future here");
}

#[test]
fn case_14_a_column_says_the_parts() {
    let Some(folder) = case("14-ready-split") else { return };
    let said = run(folder.path(), "parts", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let rows = fs::read_to_string(folder.path().join("rows.csv")).unwrap();
    let tested = rows.lines().filter(|row| row.ends_with(",test")).count() as f64;
    let results = Table::read(&folder.path().join("runs/parts/results.parquet"));
    let counts = ["test_tp", "test_fp", "test_tn", "test_fn"].map(|name| results.floats(name)[0].unwrap());
    assert_eq!(counts.iter().sum::<f64>(), tested);
}

#[test]
fn case_09_a_pasted_sweep_of_wandb() {
    let Some(folder) = case("09-wandb-sweep") else { return };
    for sweep in ["tag.yaml", "merge.yaml", "alias.yaml"] {
        good(folder.path(), &["validate", sweep]);
    }
    let faults = |sweep: &str| {
        let said = focalsweep(folder.path(), ["validate", sweep]);
        assert_eq!(said.code, Some(2), "{sweep}");
        told(&said)
    };
    has(
        &faults("wandb.yaml"),
        &["4 faults", "program: unknown key", "data: missing", "project: unknown key", "metric: unknown key"],
    );
    has(
        &faults("dist.yaml"),
        &[
            "3 faults",
            "write `gamma: {min: 0, max: 4, count: 9}`",
            "write `alpha: {values: [0.25, 0.75]}`",
            "write `learning_rate: {value: 1e-3}`",
        ],
    );
    has(&faults("log.yaml"), &["1 fault", "write `distribution: log_uniform_values`"]);
    let said =
        Said::of(&program(folder.path()).env_remove("CASE_DIR").args(["validate", "env.yaml"]).output().unwrap());
    has(&told(&said), &["1 fault", "data.source: the environment has no variable `CASE_DIR`"]);
    let run = ["run", "env.yaml", "--no-progress"];
    let said = Said::of(&program(folder.path()).env("CASE_DIR", folder.path()).args(run).output().unwrap());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn case_16_outputs_that_saturate_rank_apart() {
    let Some(folder) = case("16-saturated") else { return };
    good(folder.path(), &["run", "small.yaml", "--no-progress"]);
    let results = Table::read(&folder.path().join("runs/small/results.parquet"));
    assert_eq!(results.floats("test_auc"), [Some(1.0); 2]);
    let said = focalsweep(folder.path(), ["run", "sweep.yaml", "--no-progress"]);
    assert!(matches!(said.code, Some(0 | 1)), "{}", said.stderr);
    let results = Table::read(&folder.path().join("runs/sat/results.parquet"));
    assert_eq!(results.rows(), 36);
    for name in ["train_loss", "val_loss", "val_auc", "test_loss", "test_auc", "test_average_precision"] {
        assert!(results.floats(name).into_iter().flatten().all(|value| !value.is_nan()), "{name}");
    }
}

#[test]
fn case_17_a_winner_that_flags_everybody_is_warned_of() {
    let Some(folder) = case("17-flags-all") else { return };
    // As the case was made: today trials stop before.
    let fixed = ["--set", "train.early_stopping=none"];
    good(folder.path(), &[&["run", "sweep.yaml", "--no-progress"][..], &fixed].concat());
    let report = good(folder.path(), &["report", "runs/all"]).stdout;
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    has(&report, &["warning: the winner flags all", "800 test rows at threshold 0.5"]);
}

#[test]
fn case_19_average_precision_stops_and_precision_puts_the_threshold() {
    let Some(folder) = case("19-pr-auc-stop") else { return };
    good(folder.path(), &["validate", "sweep.yaml"]);
    let least = ["--set", "operating_point={min_precision: 0.5}"];
    let auc = ["validate", "sweep.yaml", "--set", "train.early_stopping.metric=val_auc"];
    good(folder.path(), &[&auc[..], &least].concat());
    good(folder.path(), &[&["run", "sweep.yaml", "--no-progress"][..], &least].concat());
    let results = Table::read(&folder.path().join("runs/pr/results.parquet"));
    let counts = results.floats("val_op_precision").into_iter();
    assert!(counts.flatten().all(|precision| precision >= 0.5), "what is flagged has the precision");
}

#[test]
fn case_20_paths_from_elsewhere_and_with_blanks() {
    let Some(folder) = case("20-paths") else { return };
    good(&folder.path().join("my ünï data"), &["run", "sweep.yaml", "--no-progress"]);
    good(folder.path(), &["run", "my ünï data/sweep.yaml", "--no-progress", "--out", "my runs/x"]);
    let said = good(folder.path(), &["run", "my ünï data/sweep.yaml", "--prepare", "--out", "my runs/y"]);
    has(&told(&said), &["`focalsweep worker 'my runs/y' --job N`"]);
}

#[test]
fn case_23_dialects_are_read_or_named() {
    let Some(folder) = case("23-csv-dialects") else { return };
    let mut read = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(case) = name.strip_suffix(".yaml") else { continue };
        let said = focalsweep(folder.path(), ["data", "describe", &name]);
        let words = match case {
            "comment" => Some("begins with `#` and is no row of the table"),
            "dup" => Some("has two columns named `a`"),
            "hugeint" => Some("is beyond 2^53"),
            _ => None,
        };
        assert_eq!(said.code, Some(if words.is_some() { 2 } else { 0 }), "{case}: {}", said.stderr);
        has(&told(&said), words.as_slice());
        let told = match case {
            "utf16" => "encoded as UTF-16",
            "rtable" => "has row names, which the header has no name for",
            _ => "",
        };
        assert!(said.stdout.contains(told), "{case}: {}", said.stdout);
        read += usize::from(said.code == Some(0));
    }
    assert_eq!(read, 15);
}

#[test]
fn case_10_a_grid_grows_and_its_source_moves() {
    let Some(folder) = case("10-extend-grid") else { return };
    let results = || Table::read(&folder.path().join("runs/extend/results.parquet")).keys();
    let out = ["--no-progress", "--out", "runs/extend"];
    good(folder.path(), &[&["run", "sweep.yaml"][..], &out].concat());
    let first = results();
    let said = good(folder.path(), &[&["run", "bigger.yaml", "--resume"][..], &out].concat());
    has(&told(&said), &["the sweep has grown: 2 trials are trained"]);
    assert!(first.iter().all(|key| results().contains(key)), "what was there stays");
    let source = format!("data.source={}", folder.path().join("rows.csv").display());
    let said = good(folder.path(), &[&["run", "bigger.yaml", "--resume", "--set", &source][..], &out].concat());
    has(&told(&said), &["were there already"]);
}

/// Pipes and links of our own: never a device.
#[test]
#[cfg(unix)]
fn case_31_pipes_are_written_to_and_links_followed() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::process::Command;

    let Some(folder) = case("31-special-output") else { return };
    let at = |name: &str| folder.path().join(name);
    good(folder.path(), &["run", "sweep.yaml", "--no-progress", "--set", "train.epochs=2"]);
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    symlink("target.html", at("link.html")).unwrap();
    let reader = std::thread::spawn({
        let pipe = at("pipe");
        move || fs::read_to_string(pipe).unwrap()
    });
    good(folder.path(), &["report", "runs/all", "--html", "pipe"]);
    assert!(reader.join().unwrap().contains("<html"), "the page went through");
    assert!(at("pipe").symlink_metadata().unwrap().file_type().is_fifo());
    good(folder.path(), &["report", "runs/all", "--html", "link.html"]);
    assert!(at("link.html").is_symlink() && at("target.html").is_file());
    assert!(fs::read_to_string(at("target.html")).unwrap().contains("<html"));
}
