//! Sources are found from wherever the program is run, and what is written in a sweep file of variables is filled in.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at every file of a folder")]
mod common;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Said, focalsweep, program};
use tempfile::TempDir;

const SWEEP: &str = "
name: t
data: {source: rows.csv, label: y}
train: {epochs: 1, batch_size: 100, early_stopping: none}
parameters: {loss: {value: focal}, gamma: {values: [0, 2]}}
launch: {devices: cpu}
";

/// 200 rows, every `every`-th of them positive.
fn rows(every: usize) -> String {
    let mut text = "x,y\n".to_owned();
    for row in 0..200_usize {
        writeln!(text, "{},{}", row * 7919 % 101, u8::from(row % every == 0)).unwrap();
    }
    text
}

/// What was told, without the breaks of lines.
fn told(said: &Said) -> String {
    said.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn run(folder: &Path, args: &[&str]) -> Said {
    focalsweep(folder, ["run", "--no-progress"].iter().chain(args))
}

#[test]
fn a_source_beside_the_sweep_file_is_found_from_any_folder() {
    let folder = TempDir::new().unwrap();
    let (path, inner) = (folder.path(), folder.path().join("my ünï data"));
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("sweep.yaml"), SWEEP).unwrap();
    fs::write(inner.join("rows.csv"), rows(10)).unwrap();
    let said = run(path, &["my ünï data/sweep.yaml", "--out", "my runs/x"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    // From elsewhere it is the same sweep: the data have not changed.
    let said = run(&inner, &["sweep.yaml", "--resume", "--out", "../my runs/x"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(told(&said).contains("all 2 rows were there already"), "{}", said.stderr);

    // Another of that name in the working directory is not taken, and that is said.
    fs::write(path.join("rows.csv"), rows(4)).unwrap();
    let said = run(path, &["my ünï data/sweep.yaml", "--resume", "--out", "my runs/x"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(told(&said).contains("lies beside the sweep file and is taken"), "{}", said.stderr);

    // Without one beside the sweep file the working directory has it, as ever.
    fs::remove_file(inner.join("rows.csv")).unwrap();
    let said = run(path, &["my ünï data/sweep.yaml", "--out", "other"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(told(&said).contains("50 positive"), "{}", said.stderr);

    fs::rename(path.join("rows.csv"), inner.join("row.csv")).unwrap();
    let said = run(path, &["my ünï data/sweep.yaml", "--out", "none"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    for words in [
        "there is no file rows.csv",
        "looked beside the sweep file, in my ünï data",
        "did you mean my ünï data/row.csv?",
    ] {
        assert!(told(&said).contains(words), "no {words:?} in {}", said.stderr);
    }
    assert!(!path.join("none").exists());
}

#[test]
fn variables_are_filled_in_or_missed_by_name() {
    let folder = TempDir::new().unwrap();
    let sweep = SWEEP.replace("rows.csv", "\"${CASE_DIR}/rows.csv\"").replace("200", "${NONE:-200}");
    fs::write(folder.path().join("sweep.yaml"), sweep).unwrap();
    fs::create_dir_all(folder.path().join("there")).unwrap();
    fs::write(folder.path().join("there/rows.csv"), rows(10)).unwrap();
    let with = |value: Option<&str>, args: &[&str]| {
        let mut command = program(folder.path());
        match value {
            Some(value) => command.env("CASE_DIR", value),
            None => command.env_remove("CASE_DIR"),
        };
        Said::of(&command.args(args).output().unwrap()).calm()
    };
    let said = with(None, &["validate", "sweep.yaml"]);
    assert_eq!(said.code, Some(2));
    assert!(told(&said).contains("data.source: the environment has no variable `CASE_DIR`"), "{}", said.stderr);
    assert!(said.stderr.contains("sweep.yaml:3:16"), "{}", said.stderr);
    let said = with(Some("there"), &["run", "sweep.yaml", "--no-progress"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let recorded = fs::read_to_string(folder.path().join("runs/t/sweep.yaml")).unwrap();
    assert!(recorded.contains("source: there/rows.csv"), "{recorded}");
    // What was recorded is a sweep file that needs no environment.
    let said = with(None, &["run", "runs/t/sweep.yaml", "--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

/// A run that is interrupted says a command that goes on with it when it is pasted.
#[test]
#[cfg(unix)]
fn the_hint_of_an_interrupted_run_can_be_pasted() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(path.join("a b.yaml"), SWEEP).unwrap();
    fs::write(path.join("rows.csv"), rows(10)).unwrap();
    let out = "my runs/x";
    let slow = ["--set", "train={epochs: 300000, batch_size: 100, early_stopping: none}"];
    let args = ["run", "a b.yaml", "--no-progress", "--out", out].into_iter().chain(slow);
    let child = program(path).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while !path.join(out).join("jobs").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let said = Said::of(&child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    let hint = said.stderr.split('`').find(|part| part.starts_with("focalsweep run")).expect("a hint").to_owned();
    assert!(hint.contains("--out 'my runs/x'") && hint.contains("'a b.yaml' --resume"), "{hint}");
    // It is another sweep with fewer epochs, which is said: the words arrive as they were.
    let script = hint.replacen("focalsweep", env!("CARGO_BIN_EXE_focalsweep"), 1) + " --set train.epochs=2";
    let output = Command::new("sh").current_dir(path).args(["-c", &script]).output().unwrap();
    let again = Said::of(&output);
    assert_eq!(again.code, Some(2), "{}", again.stderr);
    assert!(told(&again).contains("my runs/x") && told(&again).contains("`train` differ"), "{}", again.stderr);
}
