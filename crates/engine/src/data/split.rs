//! Which rows train, which choose, which test.

use sha2::{Digest, Sha256};

use super::error::DataError;
use super::fingerprint::{add_words, short};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::{SplitSpec, TestRows};

/// Row numbers of the source, ascending; every row is in exactly one part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    pub(super) train: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) test: Vec<u32>,
    /// Negatives only; empty where none are asked for.
    pub(super) calibration: Vec<u32>,
}

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
}

/// Splits rows with these labels as `(seed, replicate)` has it: test and calibration rows first, training and
/// validation rows of what is left. With [`TestRows::Fixed`] the first step is that of replicate 0, whatever the
/// replicate and however many there are.
///
/// # Errors
/// Fewer than 3 rows of a class (4 negatives, where some calibrate), or a part without a class that it needs.
pub(super) fn split(labels: &[u8], spec: &SplitSpec, seed: u64, replicate: u32) -> Result<Parts, DataError> {
    let of_class = |class: u8| (0u32..).zip(labels).filter(move |(_, l)| **l == class).map(|(row, _)| row);
    let all = ("training, validation and test", 3);
    let of_negatives = if spec.calibration.is_some() { ("training, validation, test and calibration", 4) } else { all };
    for (name, class, (parts, least)) in [("positive", 1, all), ("negative", 0, of_negatives)] {
        let count = of_class(class).count();
        if count < least {
            return Err(DataError::TooFew { class: name, count, parts, least });
        }
    }
    let strata: Vec<Vec<u32>> = if spec.stratify {
        vec![of_class(1).collect(), of_class(0).collect()]
    } else {
        vec![(0u32..).take(labels.len()).collect()]
    };
    let stream = |replicate| Stream::new(seed, replicate, Purpose::Split, 0, 0);
    let first = match spec.test_rows {
        TestRows::Fixed => 0,
        TestRows::Redraw => replicate,
    };
    let mut parts = Parts::default();
    let mut held_out = stream(first);
    let mut left: Vec<Left> =
        strata.into_iter().map(|rows| parts.hold_out(rows, labels, spec, &mut held_out)).collect();
    if first != replicate {
        let mut own = stream(replicate);
        for Left { rows, .. } in &mut left {
            rows.sort_unstable();
            own.shuffle(rows);
        }
    }
    left.into_iter().for_each(|left| parts.deal(left, spec));
    parts.check(labels, spec, replicate)?;
    Ok(parts)
}

/// Shuffled rows that are neither tested on nor set aside.
struct Left {
    rows: Vec<u32>,
    /// How many there were before.
    of: usize,
}

/// How many rows a share of `of` rows is: at least one.
fn count(share: f64, of: usize) -> usize {
    (share * of as f64).round().max(1.0) as usize
}

impl Parts {
    /// Shuffles at least 3 rows, draws test rows from them, then negatives for calibration, each as the shares have it,
    /// rounded, but so that at least one row is left for each part that comes later.
    fn hold_out(&mut self, mut rows: Vec<u32>, labels: &[u8], spec: &SplitSpec, stream: &mut Stream) -> Left {
        stream.shuffle(&mut rows);
        let of = rows.len();
        let is_negative = |row: &u32| labels[*row as usize] == 0;
        let negatives = rows.iter().filter(|row| is_negative(row)).count();
        let calibration = spec.calibration.filter(|_| negatives > 0).map(|share| count(share, negatives));
        let later = 2 + usize::from(calibration.is_some());
        let mut left = rows.split_off(count(spec.test, of).min(of - later));
        self.test.extend(rows);
        if let Some(wanted) = calibration {
            let there = left.iter().filter(|row| is_negative(row)).count();
            let mut wanted = wanted.min(there.saturating_sub(2));
            left.retain(|row| {
                let taken = wanted > 0 && is_negative(row);
                if taken {
                    wanted -= 1;
                    self.calibration.push(*row);
                }
                !taken
            });
        }
        Left { rows: left, of }
    }

    /// Deals what is left out to validation, as its share of all has it, and training: at least one row to each.
    fn deal(&mut self, Left { rows, of }: Left, spec: &SplitSpec) {
        let (validation, train) = rows.split_at(count(spec.validation, of).min(rows.len() - 1));
        self.validation.extend(validation);
        self.train.extend(train);
    }

    /// Puts the rows of each part in order, and looks whether each has the classes that it needs.
    fn check(&mut self, labels: &[u8], spec: &SplitSpec, replicate: u32) -> Result<(), DataError> {
        const BOTH: &[(&str, u8)] = &[("positive", 1), ("negative", 0)];
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
                    return Err(DataError::PartWithout { part, replicate, class });
                }
            }
        }
        Ok(())
    }
}
