//! Each row is drawn by itself.

use super::super::error::DataError;
use super::{BOTH, Parts};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::{Folds, SplitSpec, TestRows};

/// Splits rows as `(seed, replicate)` has it: test and calibration rows first, training and validation rows of what is
/// left. With [`TestRows::Fixed`] the first step is that of replicate 0, whatever the replicate and however many there
/// are; with folds the test rows are those of the replicate's fold.
///
/// # Errors
/// Fewer rows of a class than there are parts or folds that need one.
pub(super) fn split(labels: &[u8], spec: &SplitSpec, seed: u64, replicate: u32) -> Result<Parts, DataError> {
    let of_class = |class: u8| (0u32..).zip(labels).filter(move |(_, l)| **l == class).map(|(row, _)| row);
    for &(name, class) in BOTH {
        let calibrates = usize::from(class == 0 && spec.calibration.is_some());
        let (parts, least) = match spec.folds {
            None => (if calibrates > 0 { "training, validation, test and calibration" } else { THREE }, 3 + calibrates),
            Some(folds) => ("the folds, and the training and validation rows beside each,", {
                least_in_folds(folds, 2 + calibrates)
            }),
        };
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
    let mut parts = Parts::default();
    if let Some(folds) = spec.folds {
        let mut own = stream(replicate);
        let mut drawn = fold_stream(folds, seed, replicate);
        let (fold, _) = folds.of_replicate(replicate);
        let mut dealt = 0;
        for rows in strata {
            let left = parts.test_fold(rows, (folds.folds, fold), &mut dealt, &mut drawn);
            let left = parts.set_aside(left, labels, spec, &mut own);
            parts.deal(left, spec);
        }
        return Ok(parts);
    }
    let first = match spec.test_rows {
        TestRows::Fixed => 0,
        TestRows::Redraw => replicate,
    };
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
    Ok(parts)
}

/// The parts that need a row of each class where nothing is set aside.
pub(super) const THREE: &str = "training, validation and test";

/// Rows or groups of a class without which some fold has none, or fewer than `beside` are left beside it.
pub(super) fn least_in_folds(folds: Folds, beside: usize) -> usize {
    let others = folds.folds.saturating_sub(1).max(1) as usize;
    let in_each = beside.div_ceil(others);
    folds.folds as usize * in_each
}

/// The stream that draws the folds of a repeat, whichever of its folds the replicate is.
pub(super) fn fold_stream(folds: Folds, seed: u64, replicate: u32) -> Stream {
    let (fold, _) = folds.of_replicate(replicate);
    Stream::new(seed, replicate - fold, Purpose::Split, 0, 1)
}

/// Shuffled rows that are neither tested on nor set aside.
struct Left {
    rows: Vec<u32>,
    /// How many there were before.
    of: usize,
}

/// How many rows a share of `of` rows is: at least one.
pub(super) fn count(share: f64, of: usize) -> usize {
    (share * of as f64).round().max(1.0) as usize
}

impl Parts {
    /// Shuffles at least 3 rows, draws test rows from them, then negatives for calibration, each as the shares have it,
    /// rounded, but so that at least one row is left for each part that comes later.
    fn hold_out(&mut self, mut rows: Vec<u32>, labels: &[u8], spec: &SplitSpec, stream: &mut Stream) -> Left {
        stream.shuffle(&mut rows);
        let of = rows.len();
        let is_negative = |row: &u32| labels[*row as usize] == 0;
        let calibrates = spec.calibration.is_some() && rows.iter().any(is_negative);
        let later = 2 + usize::from(calibrates);
        let negatives = rows.iter().filter(|row| is_negative(row)).count();
        let rest = rows.split_off(count(spec.test, of).min(of - later));
        self.test.extend(rows);
        self.calibrate(Left { rows: rest, of }, negatives, labels, spec)
    }

    /// Shuffles rows and deals them round the folds; those of one test, the others are left. Rows of the next stratum
    /// go on with the fold after, so that folds differ by one row at most.
    fn test_fold(
        &mut self,
        mut rows: Vec<u32>,
        (folds, fold): (u32, u32),
        dealt: &mut usize,
        stream: &mut Stream,
    ) -> Left {
        stream.shuffle(&mut rows);
        let of = rows.len();
        let mut left = Vec::with_capacity(of);
        for row in rows {
            let tests = *dealt % folds as usize == fold as usize;
            if tests {
                self.test.push(row);
            } else {
                left.push(row);
            }
            *dealt += 1;
        }
        Left { rows: left, of }
    }

    /// Shuffles what is left beside a fold, and sets negatives aside.
    fn set_aside(&mut self, mut left: Left, labels: &[u8], spec: &SplitSpec, stream: &mut Stream) -> Left {
        left.rows.sort_unstable();
        stream.shuffle(&mut left.rows);
        let there = left.rows.iter().filter(|&&row| labels[row as usize] == 0).count();
        // As many as of all rows of the stratum, of which the fold has its share.
        let all = if left.rows.is_empty() { 0 } else { there * left.of / left.rows.len() };
        self.calibrate(left, all, labels, spec)
    }

    /// Sets a share of so many negatives aside, the first that are left, but for two.
    fn calibrate(&mut self, mut left: Left, negatives: usize, labels: &[u8], spec: &SplitSpec) -> Left {
        let Some(share) = spec.calibration.filter(|_| negatives > 0) else { return left };
        let is_negative = |row: &u32| labels[*row as usize] == 0;
        let there = left.rows.iter().filter(|row| is_negative(row)).count();
        let mut wanted = count(share, negatives).min(there.saturating_sub(2));
        left.rows.retain(|row| {
            let taken = wanted > 0 && is_negative(row);
            if taken {
                wanted -= 1;
                self.calibration.push(*row);
            }
            !taken
        });
        left
    }

    /// Draws validation rows from the training rows that there are, as `(seed, replicate)` has it: their share of
    /// these.
    ///
    /// # Errors
    /// Fewer than two rows of a class.
    pub(super) fn draw_validation(
        &mut self,
        labels: &[u8],
        spec: &SplitSpec,
        (seed, replicate): (u64, u32),
    ) -> Result<(), DataError> {
        let rows = std::mem::take(&mut self.train);
        let of_class = |class: u8| rows.iter().copied().filter(move |&row| labels[row as usize] == class);
        for &(class, value) in BOTH {
            let count = of_class(value).count();
            if count < 2 {
                return Err(DataError::TooFew { class, count, parts: "training and validation", least: 2 });
            }
        }
        let strata: Vec<Vec<u32>> =
            if spec.stratify { vec![of_class(1).collect(), of_class(0).collect()] } else { vec![rows.clone()] };
        let mut stream = Stream::new(seed, replicate, Purpose::Split, 0, 0);
        for mut rows in strata {
            stream.shuffle(&mut rows);
            let of = rows.len();
            self.deal(Left { rows, of }, spec);
        }
        Ok(())
    }

    /// Deals what is left out to validation, as its share of all has it, and training: at least one row to each.
    fn deal(&mut self, Left { rows, of }: Left, spec: &SplitSpec) {
        let (validation, train) = rows.split_at(count(spec.validation, of).min(rows.len().saturating_sub(1)));
        self.validation.extend(validation);
        self.train.extend(train);
    }
}
