//! Commands in messages can be pasted into a shell, whatever characters the paths have.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at every file of a folder")]
mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Said, focalsweep};
use tempfile::TempDir;

const SWEEP: &str = "
name: t
data: {source: rows.csv, synth: {rows: 200, features: 2, positives: 30}, label: Class}
train: {epochs: 1, batch_size: 100, early_stopping: none}
parameters: {loss: {value: focal}, gamma: {values: [0, 2]}}
launch: {devices: cpu}
";

/// A run directory as people come to have them.
const OUT: &str = "my runs/it's $HOME; (1)";

/// The command in backticks that begins with `start`, without the breaks of lines.
fn hint(said: &Said, start: &str) -> String {
    let text = said.stderr.clone() + &said.stdout;
    let text = text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    let found = text.split('`').find(|part| part.starts_with(start));
    assert!(found.is_some(), "no `{start} …` in {text}");
    found.unwrap().to_owned()
}

/// Has the shell run a hint, completed by what it leaves open.
fn paste(folder: &Path, hint: &str, open: &[(&str, &str)]) {
    let mut script = hint.replacen("focalsweep", env!("CARGO_BIN_EXE_focalsweep"), 1);
    for (word, stands_for) in open {
        script = script.replace(word, stands_for);
    }
    let output = Command::new("sh").current_dir(folder).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[cfg(unix)]
fn hints_are_words_of_shell() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(path.join("it's.yaml"), SWEEP).unwrap();
    let said = focalsweep(path, ["run", "it's.yaml", "--prepare", "--out", OUT]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    paste(path, &hint(&said, "focalsweep worker"), &[("--job N", "--job 0")]);
    let said = focalsweep(path, ["export", OUT, "--out", "model"]);
    paste(path, &hint(&said, "focalsweep run"), &[]);
    let said = focalsweep(path, ["export", OUT, "--trial", "none", "--out", "model"]);
    paste(path, &hint(&said, "focalsweep report"), &[]);
    let said = focalsweep(path, ["export", OUT, "--out", "a model"]);
    paste(path, &hint(&said, "focalsweep predict"), &[("DATA", "rows.csv"), ("FILE", "scores.csv")]);
    assert!(path.join("scores.csv").exists());
}
