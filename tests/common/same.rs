//! Whether two run directories hold the same, to the bit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::table::Table;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use safetensors::SafeTensors;
use serde_json::Value;

/// Columns that tell when, how long and in which stack (one may be cut so that all cores end together); all others are
/// to be equal.
pub(crate) const TIMES: [&str; 6] = ["train_seconds", "started_at", "finished_at", "seconds", "job_id", "stack_size"];

/// The tables of a run.
pub(crate) const TABLES: [&str; 4] = ["results.parquet", "history.parquet", "scores.parquet", "curves.parquet"];

/// The state of the run in `dir`, as its manifest has it.
pub(crate) fn state(dir: &Path) -> String {
    let manifest: Value = serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap();
    manifest["state"].as_str().unwrap().to_owned()
}

/// Tensors and words of the models by their names, and the other files beside.
pub(crate) fn models(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".damaged") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        if !name.ends_with(".safetensors") {
            all.insert(name, bytes);
            continue;
        }
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let mut words = header.metadata().clone().unwrap();
        // Of the file, so of each model in it: other runs may have them in other files.
        let shared = ["features", "preprocessing"].map(|key| words.remove(key).unwrap()).join(" ");
        all.extend(words.into_iter().map(|(key, word)| (key, format!("{word} {shared}").into_bytes())));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        all.extend(tensors.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())));
    }
    all
}

/// Checks that the finished run in `dir` holds the same as `whole`, which was left alone.
pub(crate) fn assert_same_runs(dir: &Path, whole: &Path) {
    assert_eq!(state(dir), "finished");
    assert!(!dir.join("jobs").exists());
    for name in TABLES {
        let (ours, theirs) = (Table::read(&dir.join(name)), Table::read(&whole.join(name)));
        assert_eq!(ours.rows(), theirs.rows(), "rows of {name}");
        let differing = differing(&ours, &theirs);
        assert!(differing.is_empty(), "{name}: {differing:?} differ");
    }
    let keys = Table::read(&dir.join("results.parquet")).keys();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a row is there twice");
    assert!(models(dir) == models(whole), "the models differ");
    let left = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".writing-")).collect();
    assert!(left.is_empty(), "{left:?} were left behind");
}

/// Columns, other than [`TIMES`], in which two tables differ in any bit.
pub(crate) fn differing(ours: &Table, theirs: &Table) -> Vec<String> {
    assert_eq!(ours.names(), theirs.names());
    let same = |name: &String| {
        let column = |table: &Table| {
            let column = table.batch.column_by_name(name).unwrap();
            // A dictionary says the same in several ways.
            if matches!(column.data_type(), DataType::Dictionary(..)) {
                cast(column, &DataType::Utf8).unwrap()
            } else {
                column.clone()
            }
        };
        column(ours).to_data() == column(theirs).to_data()
    };
    ours.names().into_iter().filter(|name| !TIMES.contains(&name.as_str()) && !same(name)).collect()
}
