//! Which rows train, which choose, which test.
//!
//! | file | what is dealt |
//! |---|---|
//! | `random` | rows, each by itself |
//! | `group` | groups of rows |
//! | `time` | the past and the future |
//! | `column` | what a column says |
//! | `columns` | the columns of the file that this needs |

mod column;
pub(super) mod columns;
mod group;
mod random;
mod time;

use sha2::{Digest, Sha256};

use super::error::DataError;
use super::fingerprint::{add_words, short};
use columns::SplitColumns;
use focalsweep_core::spec::{SplitBy, SplitSpec};

/// Row numbers of the source, ascending; every row is in one part at most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    pub(super) train: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) test: Vec<u32>,
    /// Negatives only; empty where none are asked for.
    pub(super) calibration: Vec<u32>,
}

/// Parts, and what people should know of them, a line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Dealt {
    pub(super) parts: Parts,
    pub(super) notes: Vec<String>,
}

/// How the replicates of a sweep are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Splits<'a> {
    /// How rows are dealt.
    pub spec: &'a SplitSpec,
    /// Seed of the sweep.
    pub seed: u64,
    /// Replicates of the search.
    pub replicates: u32,
}

/// Splits rows with these labels as the sweep has it for a replicate. Of a split by time, the replicates beyond those
/// of the search have their windows again.
///
/// # Errors
/// Too few rows or groups of a class; a part without a class that it needs; columns that do not say what the split has
/// to know.
pub(super) fn split(
    labels: &[u8],
    columns: &SplitColumns,
    splits: &Splits<'_>,
    replicate: u32,
) -> Result<Dealt, DataError> {
    let Splits { spec, seed, replicates } = *splits;
    let mut dealt = match &spec.by {
        SplitBy::Random => Dealt { parts: random::split(labels, spec, seed, replicate)?, notes: Vec::new() },
        SplitBy::Group { column } => {
            let groups = columns.groups.as_ref().ok_or_else(|| missing("split.group_column", column))?;
            group::split(labels, groups, spec, seed, replicate)?
        }
        SplitBy::Time { column, .. } => {
            let times = columns.times.as_ref().ok_or_else(|| missing("split.time_column", column))?;
            time::split(times, columns.groups.as_ref(), spec, replicate % replicates.max(1), replicates.max(1))?
        }
        SplitBy::Column { column, train, validation, test } => {
            let levels = columns.parts.as_ref().ok_or_else(|| missing("split.column", column))?;
            let mut dealt = column::split(column, levels, [train, validation.as_ref().unwrap_or(&vec![]), test])?;
            if validation.is_none() {
                dealt.parts.draw_validation(labels, spec, (seed, replicate))?;
            }
            dealt.notes.insert(0, column::told_of_replicates(column, spec, validation.is_none()));
            dealt
        }
    };
    dealt.parts.check(labels, spec, replicate)?;
    Ok(dealt)
}

/// The source was not read for this split.
fn missing(key: &'static str, column: &str) -> DataError {
    DataError::unknown_column(key, column, [])
}

const BOTH: &[(&str, u8)] = &[("positive", 1), ("negative", 0)];

impl Parts {
    /// First 16 hexadecimal digits of a SHA-256 over the row numbers of the parts.
    pub(super) fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new_with_prefix(b"focalsweep split 1\0");
        let calibration = Some(&self.calibration).filter(|rows| !rows.is_empty());
        for part in [&self.train, &self.validation, &self.test].into_iter().chain(calibration) {
            hasher.update((part.len() as u64).to_le_bytes());
            add_words(&mut hasher, part, u32::to_le_bytes);
        }
        short(hasher)
    }

    /// All rows of all parts as rows to train on.
    pub(super) fn together(self) -> Self {
        let mut train = [self.train, self.validation, self.test, self.calibration].concat();
        train.sort_unstable();
        Self { train, ..Self::default() }
    }

    /// Puts the rows of each part in order, and looks whether each has the classes that it needs.
    fn check(&mut self, labels: &[u8], spec: &SplitSpec, replicate: u32) -> Result<(), DataError> {
        let of_calibration = if spec.calibration.is_some() { &BOTH[1..] } else { &[] };
        for (part, rows, classes) in [
            ("training", &mut self.train, BOTH),
            ("validation", &mut self.validation, BOTH),
            ("test", &mut self.test, BOTH),
            ("calibration", &mut self.calibration, of_calibration),
        ] {
            rows.sort_unstable();
            for &(class, value) in classes {
                if rows.iter().all(|&row| labels[row as usize] != value) {
                    return Err(DataError::PartWithout { part, replicate, class, help: way_out(spec) });
                }
            }
        }
        Ok(())
    }
}

/// What to do about a part without a class.
fn way_out(spec: &SplitSpec) -> &'static str {
    match &spec.by {
        SplitBy::Random | SplitBy::Group { .. } if !spec.stratify => {
            "set `split.stratify: true`, or give that part a larger share"
        }
        SplitBy::Random | SplitBy::Group { .. } => "give that part a larger share",
        SplitBy::Time { .. } => {
            "give that part a larger share, take fewer windows (`replicates`), or a shorter `split.gap`"
        }
        SplitBy::Column { validation: None, .. } => {
            "say under `split.train` and `split.test` which values are whose, and give validation a larger share"
        }
        SplitBy::Column { .. } => "say under `split.train`, `split.validation` and `split.test` which values are whose",
    }
}
