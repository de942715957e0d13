//! Data and checkpoints, changed at random: readers refuse them in bounded time and memory.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../../../tests/common/fuzz.rs"]
mod fuzz;

use std::fs;

use focalsweep_engine::data::{Pick, Reading, read_table};
use focalsweep_engine::train::Checkpoint;
use fuzz::fuzz;
use tempfile::TempDir;

/// Bytes at the end of a checkpoint's file that are its checksum.
const SUM: usize = 32;

fn as_it_is(_: &str, bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// Reads a table from a file of this name.
fn table(name: &str, bytes: &[u8]) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_table(&path, Pick::AllBut(&[]), &Reading::default()).map(drop).map_err(|error| error.to_string())
}

#[test]
fn csv_files() {
    let words = [",", "\"", "\n", "\r\n", "\"\"", "NA", "nan", "inf", "-0", "1e400", "\u{feff}", "\u{0}", "é", "true"];
    fuzz("csv", &words, as_it_is, table);
}

#[test]
fn parquet_files() {
    fuzz("parquet", &["PAR1", "\u{0}\u{0}\u{0}\u{0}"], as_it_is, table);
}

#[test]
fn checkpoints() {
    let words = ["\"position\":", "\\\"trials\\\":[", "\"data_offsets\":[0,", "\"shape\":[", "null", "[[[[", "{"];
    fuzz("checkpoint", &words, as_it_is, |_, bytes| {
        let bytes = &bytes[..bytes.len().saturating_sub(SUM)];
        let _ = Checkpoint::peek(bytes);
        let checkpoint = Checkpoint::read(bytes).map_err(|error| error.to_string())?;
        let size = 10_usize.min(checkpoint.trials().len());
        checkpoint.part(0..size).to_bytes().map(drop).map_err(|error| error.to_string())
    });
}
