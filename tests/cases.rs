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
        &[
            "8 faults",
            "program: unknown key",
            "data: missing",
            "project: unknown key",
            "`random` is not there yet",
            "run_cap: unknown key",
            "metric: unknown key",
            "parameters.learning_rate.count: missing",
            "`distribution: q_uniform` is numbers drawn evenly and rounded",
        ],
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
