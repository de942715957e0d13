//! Short names of contents: the same bytes, the same name.

use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::table::{Column, Table, Values};
use focalsweep_core::spec::DataSpec;

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first 16 hexadecimal digits of the SHA-256 in `hasher`.
pub(super) fn short(hasher: Sha256) -> String {
    hex(&hasher.finalize()[..8])
}

/// Adds little-endian words to `hasher` without a copy of all of them.
pub(super) fn add_words<T: Copy, const N: usize>(hasher: &mut Sha256, words: &[T], to_bytes: impl Fn(T) -> [u8; N]) {
    let mut buffer = Vec::with_capacity(1024 * N);
    for block in words.chunks(1024) {
        buffer.clear();
        for &word in block {
            buffer.extend_from_slice(&to_bytes(word));
        }
        hasher.update(&buffer);
    }
}

/// Fingerprint of what a sweep sees: names and values of the features, labels, weights if any, and what is done to
/// them.
pub(super) fn of_source(table: &Table, labels: &[u8], weights: &[f64], spec: &DataSpec) -> String {
    let columns: Vec<[u8; 32]> = table.columns.par_iter().map(of_column).collect();
    let mut hasher = Sha256::new_with_prefix(b"focalsweep data 1\0");
    hasher.update((table.rows as u64).to_le_bytes());
    for column in columns {
        hasher.update(column);
    }
    hasher.update(labels);
    let mut settings = json!({
        "log": spec.log, "categorical": spec.categorical, "min_level_count": spec.min_level_count,
        "standardize": spec.standardize, "clip": spec.clip,
    });
    // What earlier versions did not know is added only where it says something.
    if !spec.datetime.is_empty() {
        settings["datetime"] = json!(spec.datetime);
    }
    hasher.update(settings.to_string());
    if !weights.is_empty() {
        hasher.update(b"weights\0");
        add_words(&mut hasher, weights, |weight| (weight + 0.0).to_le_bytes());
    }
    short(hasher)
}

fn of_column(column: &Column) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((column.name.len() as u64).to_le_bytes());
    hasher.update(&column.name);
    hasher.update(column.values.kind());
    match &column.values {
        // One NaN stands for all, and -0.0 for 0.0.
        Values::Number(values) => add_words(&mut hasher, values, |value| {
            if value.is_nan() { f64::NAN.to_le_bytes() } else { (value + 0.0).to_le_bytes() }
        }),
        Values::Bool(values) => add_words(&mut hasher, values, |value| [value.map_or(2, u8::from)]),
        Values::Text(levels) => {
            for name in &levels.names {
                hasher.update((name.len() as u64).to_le_bytes());
                hasher.update(name);
            }
            add_words(&mut hasher, &levels.codes, u32::to_le_bytes);
        }
        Values::Time(values) => add_words(&mut hasher, values, i64::to_le_bytes),
    }
    hasher.finalize().into()
}
