//! What people write and what a run leaves, changed at random: readers refuse it in bounded time and memory.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../../../tests/common/fuzz.rs"]
mod fuzz;

use std::fs;
use std::path::{Path, PathBuf};

use focalsweep_core::plan::Trials;
use focalsweep_core::record::{Journals, LaunchLog, Model, RunDir, blob_sum, push_line};
use focalsweep_core::spec::{parse_with, to_yaml};
use fuzz::fuzz;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Of the data of the corpus.
const FINGERPRINT: &str = "7500caefd4eef74c";

/// Words of sweep files.
const WORDS: &[&str] = &include!("../../../tests/common/yaml_words.rs");
/// Words of JSON.
const JSON: &[&str] = &[
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "\"../../x\"",
    "[[[[[[[[",
    "{\"a\":{\"a\":",
    "\"count\":",
    "\"first\":",
    "\"replicate\":",
    "\"trial_id\":",
    "\"job_id\":",
    "\"lengths\":",
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

fn as_it_is(_: &str, bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// Lines of JSON whose checksums fit again.
fn summed(_: &str, bytes: Vec<u8>) -> Vec<u8> {
    const SUM: &[u8] = b",\"sum\":\"";
    let mut lines = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match line.windows(SUM.len()).rposition(|window| window == SUM) {
            Some(at) => push_line(&mut lines, &[&line[..at], b"}"].concat()),
            None => lines.extend_from_slice(&[line, b"\n"].concat()),
        }
    }
    lines
}

/// A JSON file whose checksum, its last field, fits again.
fn sealed(_: &str, bytes: Vec<u8>) -> Vec<u8> {
    const SUM: &[u8] = b",\n  \"sum\": \"";
    let end = bytes.windows(SUM.len()).rposition(|window| window == SUM);
    let end = end.or_else(|| Some(bytes.strip_suffix(b"\n}")?.len()));
    let Some(object) = end.map(|end| &bytes[..end]) else { return bytes };
    let sum = blob_sum(&[object, b"\n}"].concat());
    [object, SUM, sum.as_bytes(), b"\"\n}\n"].concat()
}

/// Reads a file that lies at `name` in a folder.
fn at<T, E: ToString>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> Result<T, E>) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    read(folder.path()).map(drop).map_err(|error| error.to_string())
}

#[test]
fn sweep_files() {
    fuzz("spec", WORDS, as_it_is, |_, bytes| {
        let spec = parse_with("sweep.yaml", &String::from_utf8_lossy(bytes), &[]).map_err(|faults| {
            assert!(!faults.faults().is_empty());
            faults.to_string()
        })?;
        let written = to_yaml(&spec).expect("YAML has a word for all of it");
        assert_eq!(parse_with("sweep.yaml", &written, &[]).expect("what we write can be read"), spec);
        Trials::new(&spec).map(drop).ok_or("too many trials to be counted".to_owned())
    });
}

#[test]
fn overrides() {
    let sweep = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sweeps/focal.yaml")).unwrap();
    fuzz("set", WORDS, as_it_is, |_, bytes| {
        let text = String::from_utf8_lossy(bytes);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        parse_with("sweep.yaml", &sweep, &pairs).map(drop).map_err(|faults| faults.to_string())
    });
}

#[test]
fn plans() {
    fuzz("plan", JSON, summed, |_, bytes| at("plan.jsonl", bytes, |root| RunDir::attend(root).plan()));
}

#[test]
fn manifests() {
    fuzz("manifest", JSON, sealed, |_, bytes| at("manifest.json", bytes, RunDir::look));
}

#[test]
fn journals() {
    fuzz("journal", JSON, summed, |_, bytes| {
        at("jobs/job-00001.a.jsonl", bytes, |root| Journals::list(&root.join("jobs"))?.of("job-00001"))
    });
}

#[test]
fn launch_logs() {
    fuzz("launch", JSON, summed, |_, bytes| at("jobs/launch.jsonl", bytes, |root| LaunchLog::open(&root.join("jobs"))));
}

#[test]
fn prepared_rows() {
    let whole = corpus().join("prepared");
    fuzz("prepared", JSON, sealed, |changed, bytes| {
        let name = |changed: &str| format!("prepared/{}", changed.trim_start_matches("good-"));
        at(&name(changed), bytes, |root| {
            for other in ["good-r0.arrow", "good-r0.json"].into_iter().filter(|other| *other != changed) {
                fs::copy(whole.join(other), root.join(name(other))).unwrap();
            }
            RunDir::attend(root).prepared(0, FINGERPRINT)
        })
    });
}

#[test]
fn model_directories() {
    let whole = corpus().join("model");
    let files = ["model.json", "model.safetensors", "preprocessing.json"];
    fuzz("model", JSON, sealed, |changed, bytes| {
        let changed = changed.trim_start_matches("good-");
        at(changed, bytes, |folder| {
            for name in files.into_iter().filter(|name| *name != changed) {
                fs::copy(whole.join(format!("good-{name}")), folder.join(name)).unwrap();
            }
            if changed != "model.json" {
                // Its card names the changed file's checksum, as a card of somebody else's would.
                let mut card: Value = serde_json::from_slice(&fs::read(folder.join("model.json")).unwrap()).unwrap();
                card.as_object_mut().unwrap().remove("sum");
                card["files"][changed] = json!({"bytes": bytes.len(), "sum": blob_sum(bytes)});
                let card = sealed("model.json", serde_json::to_vec_pretty(&card).unwrap());
                fs::write(folder.join("model.json"), card).unwrap();
            }
            Model::read(folder)
        })
    });
}
