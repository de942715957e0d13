//! `FOCALSWEEP_SIMD` holds the kernels to a kind of vector instructions, and no figure depends on which.

#![expect(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at files")]
mod common;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fs;
use std::path::Path;

use common::{Said, program};
use table::Table;
use tempfile::TempDir;

const SWEEP: &str = "name: t
data: {source: rows.parquet, synth: {rows: 400, features: 5, positives: 60}, label: Class}
model: {hidden: [7, 3]}
train: {epochs: 5, batch_size: 64, early_stopping: none}
parameters: {loss: {value: focal}, gamma: {values: [0, 2]}}
";

/// Runs the program with the variable set.
fn with(word: &str, folder: &Path, args: &[&str]) -> Said {
    Said::of(&program(folder).env("FOCALSWEEP_SIMD", word).args(args).output().unwrap()).calm()
}

#[test]
fn a_word_that_means_nothing_is_refused_with_those_that_do() {
    let folder = TempDir::new().unwrap();
    let said = with("sse", folder.path(), &["devices"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{}", said.stderr);
    assert!(said.stderr.contains("FOCALSWEEP_SIMD: \"sse\"") && said.stderr.contains("avx512, avx2, portable"));
    let said = with("portable", folder.path(), &["devices", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((said.code, &found["simd"]), (Some(0), &"portable".into()));
}

#[test]
fn the_manifest_says_what_trained_and_vector_kinds_have_the_same_figures() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("t.yaml"), SWEEP).unwrap();
    let mut logits = Vec::new();
    for word in ["portable", "avx2", "avx512"] {
        let said = with(word, folder.path(), &["run", "t.yaml", "--out", word, "--no-progress", "--devices", "cpu"]);
        if said.code == Some(2) && said.stderr.contains("does not have") {
            eprintln!("skipped: this processor does not have {word}");
            continue;
        }
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let dir = folder.path().join(word);
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["simd"], word);
        if word != "portable" {
            logits.push(Table::read(&dir.join("scores.parquet")).floats("raw"));
        }
    }
    assert!(logits.windows(2).all(|pair| pair[0] == pair[1]));
}
