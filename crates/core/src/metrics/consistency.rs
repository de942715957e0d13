//! Whether scores are off by more than probabilities would be.
//!
//! The expected calibration error of perfect probabilities is not 0: few positives fall into bins by chance. So labels
//! are drawn as if the scores were probabilities, on the same rows, and the error is measured on them again
//! (consistency resampling): J. Bröcker, L. A. Smith: Increasing the reliability of reliability diagrams, Weather and
//! Forecasting 22(3), 2007; J. Vaicenavicius et al.: Evaluating model calibration in classification, AISTATS 2019. Bins
//! of equal mass follow from the scores alone, so that of a draw only the positives in each bin matter.
//!
//! Exact, whatever the scores, and 64 draws at a time: a word holds a bit of 64 uniforms, which are compared with the
//! score bit by bit, from the highest, until all 64 are decided, and counters are words too, a bit of 64 counts each. A
//! normal approximation would be no help where it is needed, in bins that expect a handful of positives.

use super::any_nan;
use super::reliability::equal_mass_bin;
use crate::random::{Purpose, Stream};

/// Scores of rows of the source, as one replicate has them; of equal lengths.
#[derive(Debug, Clone, Copy)]
pub struct ScoredRows<'a> {
    /// Rows of the source.
    pub rows: &'a [i64],
    /// Their scores, to be held against probabilities.
    pub scores: &'a [f32],
    /// Their classes, 0 or 1.
    pub labels: &'a [u8],
}

/// How far scores are from probabilities, and how far they would be by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationTest {
    /// Expected calibration error over bins of as many rows, mean over the replicates.
    pub error: f64,
    /// Mean of what it would be if the scores were probabilities.
    pub expected: f64,
    /// P-value of their being probabilities: the share of draws, the rows themselves among them, that are off as much.
    pub p: f64,
}

/// Tests whether scores are probabilities, by `resamples` draws of labels. A source row that lies in several replicates
/// has one uniform for all of them, so that its labels agree as far as its scores let them: the errors of the
/// replicates then vary together as much as they can, which is the safe side. `None` without rows, bins or resamples,
/// or where a score is NaN; scores outside of [0, 1] count as the nearer end.
pub fn calibration_test(replicates: &[ScoredRows<'_>], bins: usize, resamples: u32) -> Option<CalibrationTest> {
    let unfit = |replicate: &ScoredRows<'_>| replicate.rows.is_empty() || any_nan(replicate.scores);
    if replicates.is_empty() || replicates.iter().any(unfit) || bins == 0 || resamples == 0 {
        return None;
    }
    let Binned { scores, positives, rows, mut draws } = Binned::new(replicates, bins);
    // In the order of the source, so that the replicates of a row stand together.
    draws.sort_by_key(|draw| draw.row);
    let error = |positives: &[u64]| -> f64 {
        let off = |(bin, (&expected, &found)): (usize, (&f64, &u64))| (expected - found as f64).abs() / rows[bin / bins];
        scores.iter().zip(positives).enumerate().map(off).sum::<f64>() / replicates.len() as f64
    };
    let seen = error(&positives);
    let (mut as_far, mut sum) = (0, 0.0);
    for block in 0..resamples.div_ceil(u64::BITS) {
        let mut stream = Stream::new(0, 0, Purpose::Consistency, 0, block);
        let counts = draw_positives(&draws, scores.len(), &mut stream);
        for lane in 0..(resamples - block * u64::BITS).min(u64::BITS) {
            let drawn = error(&counts.iter().map(|count| count.of(lane)).collect::<Vec<u64>>());
            sum += drawn;
            // Equal counts may have been added up in another order.
            as_far += u32::from(drawn >= seen - 1e-12);
        }
    }
    let n = f64::from(resamples);
    Some(CalibrationTest { error: seen, expected: sum / n, p: (1.0 + f64::from(as_far)) / (n + 1.0) })
}

/// The bins of all replicates, one replicate's after the other's.
struct Binned {
    /// Sum of the scores in each bin.
    scores: Vec<f64>,
    /// Positives in each bin.
    positives: Vec<u64>,
    /// Rows of each replicate.
    rows: Vec<f64>,
    draws: Vec<Draw>,
}

/// A label to be drawn.
#[derive(Clone, Copy)]
struct Draw {
    row: i64,
    /// Its probability, as a share of 2⁶⁴.
    share: u64,
    bin: u32,
}

impl Binned {
    fn new(replicates: &[ScoredRows<'_>], bins: usize) -> Self {
        let all = bins * replicates.len();
        let mut this =
            Self { scores: vec![0.0; all], positives: vec![0; all], rows: Vec::new(), draws: Vec::new() };
        for (replicate, of) in replicates.iter().enumerate() {
            let score = |row: usize| f64::from(of.scores[row]).clamp(0.0, 1.0);
            let mut order: Vec<usize> = (0..of.rows.len()).collect();
            order.sort_unstable_by(|&a, &b| score(a).total_cmp(&score(b)));
            let mut before = 0;
            for equal in order.chunk_by(|&a, &b| score(a) == score(b)) {
                let bin = replicate * bins + equal_mass_bin(before, equal.len(), order.len(), bins);
                let share = score(equal[0]);
                this.scores[bin] += share * equal.len() as f64;
                this.positives[bin] += equal.iter().map(|&row| u64::from(of.labels[row] != 0)).sum::<u64>();
                let share = (share * 2_f64.powi(64)) as u64; // 1 is the largest there is
                this.draws.extend(equal.iter().map(|&row| Draw { row: of.rows[row], share, bin: bin as u32 }));
                before += equal.len();
            }
            this.rows.push(order.len() as f64);
        }
        this
    }
}

/// 64 counts: word k holds their bits of 2ᵏ.
#[derive(Clone, Copy, Default)]
struct Counts([u64; 32]);

impl Counts {
    /// Adds one to each count whose bit is set.
    fn add(&mut self, mut bits: u64) {
        for word in &mut self.0 {
            if bits == 0 {
                return;
            }
            let carry = *word & bits;
            *word ^= bits;
            bits = carry;
        }
    }

    /// One of the counts.
    fn of(&self, lane: u32) -> u64 {
        self.0.iter().enumerate().map(|(k, word)| (word >> lane & 1) << k).sum()
    }
}

/// 64 draws of all labels: the positives in each of so many bins. Draws of one row stand together.
fn draw_positives(draws: &[Draw], bins: usize, stream: &mut Stream) -> Vec<Counts> {
    let mut counts = vec![Counts::default(); bins];
    let mut uniforms = Uniforms { words: [0; 64], drawn: 0 };
    for of_row in draws.chunk_by(|a, b| a.row == b.row) {
        uniforms.drawn = 0;
        for draw in of_row {
            counts[draw.bin as usize].add(uniforms.below(draw.share, stream));
        }
    }
    counts
}

/// 64 uniforms as far as their bits were asked for: word k holds their bits of 2⁻¹⁻ᵏ.
struct Uniforms {
    words: [u64; 64],
    drawn: usize,
}

impl Uniforms {
    /// Which of them are below `share` / 2⁶⁴.
    fn below(&mut self, share: u64, stream: &mut Stream) -> u64 {
        // Those that have agreed with the share so far.
        let mut open = u64::MAX;
        let mut below = 0;
        for (k, word) in self.words.iter_mut().enumerate() {
            if k == self.drawn {
                *word = stream.bits();
                self.drawn += 1;
            }
            let bit = (share >> (63 - k) & 1).wrapping_neg();
            below |= open & bit & !*word;
            open &= !(bit ^ *word);
            if open == 0 {
                break;
            }
        }
        below
    }
}
