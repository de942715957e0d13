//! Which rows train, which choose, which test.

use sha2::{Digest, Sha256};

use super::error::DataError;
use super::fingerprint::{add_words, short};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::SplitSpec;

/// Row numbers of the source, ascending; every row is in exactly one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) train: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) test: Vec<u32>,
}

impl Parts {
    /// First 16 hexadecimal digits of a SHA-256 over the row numbers of the parts.
    pub(super) fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new_with_prefix(b"focalsweep split 1\0");
        for part in [&self.train, &self.validation, &self.test] {
            hasher.update((part.len() as u64).to_le_bytes());
            add_words(&mut hasher, part, u32::to_le_bytes);
        }
        short(hasher)
    }
}

/// Splits rows with these labels as `(seed, replicate)` has it.
///
/// # Errors
/// Fewer than 3 rows of a class, or, when not stratified, a part without a class.
pub(super) fn split(labels: &[u8], spec: &SplitSpec, seed: u64, replicate: u32) -> Result<Parts, DataError> {
    let of_class = |class: u8| (0u32..).zip(labels).filter(move |(_, l)| **l == class).map(|(row, _)| row);
    for (name, class) in [("positive", 1), ("negative", 0)] {
        let count = of_class(class).count();
        if count < 3 {
            return Err(DataError::TooFew { class: name, count });
        }
    }
    let mut stream = Stream::new(seed, replicate, Purpose::Split, 0, 0);
    let mut parts = Parts { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
    if spec.stratify {
        parts.deal(of_class(1).collect(), spec, &mut stream);
        parts.deal(of_class(0).collect(), spec, &mut stream);
    } else {
        parts.deal((0u32..).zip(labels).map(|(row, _)| row).collect(), spec, &mut stream);
    }
    for (part, rows) in
        [("training", &mut parts.train), ("validation", &mut parts.validation), ("test", &mut parts.test)]
    {
        rows.sort_unstable();
        for (class, value) in [("positive", 1), ("negative", 0)] {
            if rows.iter().all(|&row| labels[row as usize] != value) {
                return Err(DataError::PartWithout { part, replicate, class });
            }
        }
    }
    Ok(parts)
}

impl Parts {
    /// Deals at least 3 rows out to the parts, at least one to each, else as the shares have it, rounded.
    fn deal(&mut self, mut rows: Vec<u32>, spec: &SplitSpec, stream: &mut Stream) {
        stream.shuffle(&mut rows);
        let share = |share: f64| (share * rows.len() as f64).round().max(1.0) as usize;
        let test = share(spec.test).min(rows.len() - 2);
        let validation = share(spec.validation).min(rows.len() - 1 - test);
        let (held_out, train) = rows.split_at(test + validation);
        self.test.extend(&held_out[..test]);
        self.validation.extend(&held_out[test..]);
        self.train.extend(train);
    }
}
