//! The area under the ROC curve, exactly and fast: it is measured after every epoch of every model.

use super::{any_nan, order_key};

/// Area under the ROC curve: the probability that a positive scores above a negative, ties counted half
/// (Mann & Whitney's U over its maximum). `None` when a class is absent or a score is NaN.
///
/// Exact: pairs are counted in integers and divided once. O(N log P), with P the rows of the rarer class. Only those
/// are sorted; a table over the bits of a score then tells for most rows at once how many of them lie below, so that
/// only rows in the same cell as one of the rarer class are searched for.
pub fn roc_auc(scores: &[f32], labels: &[u8]) -> Option<f64> {
    let rows = scores.len().min(labels.len());
    let (scores, labels) = (&scores[..rows], &labels[..rows]);
    let positives: usize = labels.iter().map(|&label| usize::from(label != 0)).sum();
    let negatives = rows - positives;
    if positives == 0 || negatives == 0 || any_nan(scores) {
        return None;
    }
    let rarer_is_positive = positives <= negatives;
    let rarer = Rarer::new(keys_of(scores, labels, rarer_is_positive, positives.min(negatives)), rows);

    // Twice the pairs in which the other class is above, with ties as one. Summed over all rows, for that needs no
    // branch on the label; within the rarer class that sum is its size squared whatever the scores.
    let own = rarer.len * rarer.len;
    let others_above = rarer.twice_below(scores) - own;
    let twice_pairs = 2 * positives as u64 * negatives as u64;
    let positive_above = if rarer_is_positive { twice_pairs - others_above } else { others_above };
    Some(positive_above as f64 / twice_pairs as f64)
}

/// Keys of the rows of one class. Skips 16 rows of the other class at a time.
fn keys_of(scores: &[f32], labels: &[u8], positive: bool, count: usize) -> Vec<i32> {
    const STRIDE: usize = 16;
    let mut keys = Vec::with_capacity(count);
    for (scores, labels) in scores.chunks(STRIDE).zip(labels.chunks(STRIDE)) {
        if labels.iter().fold(false, |found, &label| found | ((label != 0) == positive)) {
            let of_class = scores.iter().zip(labels).filter(|&(_, &label)| (label != 0) == positive);
            keys.extend(of_class.map(|(&score, _)| order_key(score)));
        }
    }
    keys
}

/// The rarer class, laid out to tell how many of it lie below a score.
struct Rarer {
    /// Rows of the class.
    len: u64,
    /// Their distinct keys in ascending order.
    keys: Vec<i32>,
    /// `below[i]` rows have a key less than `keys[i]`; the last entry is `len`.
    below: Vec<u64>,
    /// Width of a cell is 2^shift keys.
    shift: u32,
    /// First key of cell 0: all keys below count as this one.
    first: i32,
    /// All keys above count as this one.
    last: i32,
    /// By cell: `2 * below` where no key of the class is in the cell, else `2 * i + 1` with the index of its first key.
    cells: Vec<u64>,
}

impl Rarer {
    /// `class` is not empty; `rows` sets the size of the table, which must pay for being filled.
    fn new(mut class: Vec<i32>, rows: usize) -> Self {
        class.sort_unstable();
        let len = class.len() as u64;
        let mut keys = Vec::with_capacity(class.len());
        let mut below = Vec::with_capacity(class.len() + 1);
        for (i, &key) in class.iter().enumerate() {
            if keys.last() != Some(&key) {
                keys.push(key);
                below.push(i as u64);
            }
        }
        below.push(len);

        let (lowest, highest) = (class[0], class[class.len() - 1]);
        let wanted = (rows / 4).clamp(64, 1 << 14).next_power_of_two() as u32;
        let shift = (highest.abs_diff(lowest) / wanted + 1).next_power_of_two().trailing_zeros();
        // A cell to spare at either end, for all that is below and for all that is above.
        let (first, last) = (lowest.saturating_sub(1 << shift), highest.saturating_add(1 << shift));
        let mut this = Self { len, keys, below, shift, first, last, cells: Vec::new() };
        for (i, &key) in this.keys.iter().enumerate() {
            let cell = this.cell(key);
            if this.cells.len() <= cell {
                this.cells.resize(cell, 2 * this.below[i]);
                this.cells.push(2 * i as u64 + 1);
            }
        }
        let cells = this.cell(last) + 1;
        this.cells.resize(cells, 2 * len);
        this
    }

    fn cell(&self, key: i32) -> usize {
        (key.max(self.first).min(self.last).wrapping_sub(self.first).cast_unsigned() >> self.shift) as usize
    }

    /// Σ over the scores of 2·(rows of the class below) + (rows of the class equal).
    fn twice_below(&self, scores: &[f32]) -> u64 {
        const BLOCK: usize = 256;
        let end = self.cells.len() - 1;
        let mut sum = 0;
        // Three plain loops a block: the first is done on several scores at a time; the second puts aside rows whose
        // cell does not decide, without a branch, which would often be mispredicted.
        let mut keys = [0_i32; BLOCK];
        let mut cells = [0_u32; BLOCK];
        let mut aside = [(0_i32, 0_u32); BLOCK];
        for block in scores.chunks(BLOCK) {
            for ((&score, key), cell) in block.iter().zip(&mut keys).zip(&mut cells) {
                *key = order_key(score);
                *cell = self.cell(*key) as u32;
            }
            let mut undecided = 0;
            for (&key, &cell) in keys.iter().zip(&cells).take(block.len()) {
                let value = self.cells[(cell as usize).min(end)];
                let open = value & 1;
                sum += value & open.wrapping_sub(1);
                aside[undecided % BLOCK] = (key, (value >> 1) as u32);
                undecided += open as usize;
            }
            sum += aside[..undecided].iter().map(|&(key, first)| self.search(key, first as usize)).sum::<u64>();
        }
        sum
    }

    /// 2·below + equal for a key in the cell whose first key is `keys[first]`.
    fn search(&self, key: i32, first: usize) -> u64 {
        // A cell mostly holds one key or two; where many crowd, gallop.
        let mut step = 1;
        let mut low = first;
        while low + step <= self.keys.len() && self.keys[low + step - 1] < key {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(self.keys.len());
        let at = low + self.keys[low..high].partition_point(|&k| k < key);
        let equal = self.keys.get(at) == Some(&key);
        self.below[at] + self.below[at + usize::from(equal)]
    }
}
