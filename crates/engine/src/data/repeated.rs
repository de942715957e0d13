//! Rows and columns that are exact copies of others.

use std::collections::HashMap;

use rayon::prelude::*;

use super::table::{Column, Levels, Table, Values};

/// Rows hashed at once.
const BLOCK: usize = 1 << 14;

/// The bits of a cell, the same for cells that are equal: `-0.0` is `0.0`, and one NaN is as good as another.
fn bits(values: &Values, row: usize) -> u64 {
    match values {
        Values::Number(values) if values[row].is_nan() => f64::NAN.to_bits(),
        Values::Number(values) => (values[row] + 0.0).to_bits(),
        Values::Bool(values) => values[row].map_or(2, u64::from),
        Values::Text(Levels { codes, .. }) => u64::from(codes[row]),
        Values::Time(values) => values[row] as u64,
    }
}

/// For each row the first one that is equal to it, in all columns and, where they are given, in its label.
pub(super) fn firsts(table: &Table, labels: Option<&[u8]>) -> Vec<u32> {
    let mut hashes = vec![0u64; table.rows];
    hashes.par_chunks_mut(BLOCK).enumerate().for_each(|(block, hashes)| {
        for (at, hash) in hashes.iter_mut().enumerate() {
            let row = block * BLOCK + at;
            let label = labels.map_or(0, |labels| u64::from(labels[row]));
            // The mixing of splitmix64, a column after the other.
            let mix = |hash: u64, bits: u64| {
                let mut z = (hash ^ bits).wrapping_add(0x9e37_79b9_7f4a_7c15);
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^ (z >> 31)
            };
            *hash = table.columns.iter().fold(mix(1, label), |hash, column| mix(hash, bits(&column.values, row)));
        }
    });
    let equal = |a: usize, b: usize| {
        labels.is_none_or(|labels| labels[a] == labels[b])
            && table.columns.iter().all(|column| bits(&column.values, a) == bits(&column.values, b))
    };
    // Rows of one hash lie together, in their order: a map of them would need ten times the room.
    let mut sorted: Vec<(u64, u32)> = hashes.into_iter().zip(0..).collect();
    sorted.par_sort_unstable();
    let mut firsts: Vec<u32> = (0..).take(table.rows).collect();
    for alike in sorted.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        let mut known: Vec<u32> = Vec::new();
        for &(_, row) in alike {
            match known.iter().copied().find(|&first| equal(first as usize, row as usize)) {
                Some(first) => firsts[row as usize] = first,
                None => known.push(row),
            }
        }
    }
    firsts
}

/// Whether each row of a table is a copy of an earlier one.
pub(super) fn repeated_rows(table: &Table) -> Vec<bool> {
    (0u32..).zip(firsts(table, None)).map(|(row, first)| first != row).collect()
}

/// How many rows are copies of earlier ones, their label with them.
pub(super) fn repeats(table: &Table, labels: &[u8]) -> usize {
    (0u32..).zip(firsts(table, Some(labels))).filter(|(row, first)| first != row).count()
}

/// Columns that are copies of earlier ones, each with the first of them.
pub(super) fn repeated_columns(table: &Table) -> Vec<(&str, &str)> {
    let hash = |column: &Column| {
        let mut hash = column.values.kind().len() as u64;
        for row in 0..table.rows {
            hash = (hash.rotate_left(5) ^ bits(&column.values, row)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        hash
    };
    let hashes: Vec<u64> = table.columns.par_iter().map(hash).collect();
    let equal = |a: &Column, b: &Column| {
        let same = match (&a.values, &b.values) {
            (Values::Text(a), Values::Text(b)) => a.names == b.names,
            (a, b) => a.kind() == b.kind(),
        };
        same && (0..table.rows).all(|row| bits(&a.values, row) == bits(&b.values, row))
    };
    let mut known: HashMap<u64, Vec<&Column>> = HashMap::new();
    let mut found = Vec::new();
    for (column, hash) in table.columns.iter().zip(hashes) {
        let alike = known.entry(hash).or_default();
        match alike.iter().find(|first| equal(first, column)) {
            Some(first) => found.push((column.name.as_str(), first.name.as_str())),
            None => alike.push(column),
        }
    }
    found
}
