//! Value and slope of the squared hinge over pairs of rows, in O(n log n).
//!
//! A pair of a positive and a negative has max(0, m - (z₊ - z₋))²: an upper bound of whether the two stand the wrong
//! way round, of which AUC counts the share, and one whose least is that of AUC (Gao & Zhou 2015, theorem 5). With
//! v = z - m for positives and v = z for negatives a pair counts where v₋ > v₊, and then by (v₋ - v₊)². So rows in the
//! order of v need the number, the sum and the sum of squares of those before them, and no pair is looked at (Rust &
//! Hocking 2023).
//!
//! The loss of a batch is the mean over its pairs times its rows, so that step sizes mean what they do for other
//! losses. A batch without a positive or without a negative has none. Of rows that have weights a pair weighs the
//! product of its rows', so that sums are sums of weights. Labels that are smoothed by ε: ε/2 of the pairs are taken
//! the other way round.

/// What the loss of a trial's pairs reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairTerms {
    /// By how much the logit of a positive has to be above that of a negative.
    pub margin: f64,
    /// ε: pairs count the other way round with half this weight.
    pub smoothing: f64,
}

impl PairTerms {
    /// The loss of rows with these logits and signs (above 0: positive), and its slope by each logit into `slopes`.
    /// `weights` is empty where each row counts once.
    ///
    /// Time: O(n log n). A logit that is not a number makes the loss none.
    pub fn rows(&self, logits: &[f32], signs: &[f32], weights: &[f32], slopes: &mut [f32]) -> f64 {
        if weights.is_empty() {
            self.weighed(logits, signs, |_| 1.0, slopes)
        } else {
            self.weighed(logits, signs, |at| f64::from(weights[at]), slopes)
        }
    }

    fn weighed(&self, logits: &[f32], signs: &[f32], weight: impl Fn(usize) -> f64, slopes: &mut [f32]) -> f64 {
        let n = logits.len();
        slopes.fill(0.0);
        let of_sign =
            |positive: bool| (0..n).filter(|&at| (signs[at] > 0.0) == positive).fold(0.0, |sum, at| sum + weight(at));
        let pairs = of_sign(true) * of_sign(false);
        if pairs == 0.0 {
            return if logits.iter().any(|logit| logit.is_nan()) { f64::NAN } else { 0.0 };
        }
        let share = self.smoothing / 2.0;
        let mut sum = vec![0.0; n];
        let mut total = (1.0 - share) * one_way(self.margin, (logits, signs), &weight, 1.0 - share, &mut sum);
        if share > 0.0 {
            let turned: Vec<f32> = signs.iter().map(|sign| -sign).collect();
            total += share * one_way(self.margin, (logits, &turned), &weight, share, &mut sum);
        }
        let scale = n as f64 / pairs;
        for (slope, sum) in slopes.iter_mut().zip(sum) {
            *slope = (scale * sum) as f32;
        }
        scale * total
    }

    /// Mean over the pairs of rows with these labels and weights; 0 where there is none.
    pub fn mean(&self, logits: &[f32], labels: &[u8], weights: &[f32]) -> f64 {
        let signs: Vec<f32> = labels.iter().map(|&y| if y == 1 { 1.0 } else { -1.0 }).collect();
        self.rows(logits, &signs, weights, &mut vec![0.0; logits.len()]) / logits.len().max(1) as f64
    }
}

/// What the rows before weigh, their sum and that of their squares.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Before {
    fn add(&mut self, weight: f64, v: f64) {
        self.count += weight;
        self.sum += weight * v;
        self.squares += weight * (v * v);
    }
}

/// The sum over pairs of positive and negative signs; `share` times its slopes are added to `slopes`.
fn one_way(
    margin: f64,
    (logits, signs): (&[f32], &[f32]),
    weight: &impl Fn(usize) -> f64,
    share: f64,
    slopes: &mut [f64],
) -> f64 {
    // About their mean, so that little of the squares cancels.
    let middle = logits.iter().map(|&z| f64::from(z)).sum::<f64>() / logits.len() as f64;
    let value = |z: f32, sign: f32| f64::from(z) - middle - if sign > 0.0 { margin } else { 0.0 };
    let mut order: Vec<(f64, u32)> =
        logits.iter().zip(signs).enumerate().map(|(at, (&z, &sign))| (value(z, sign), at as u32)).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut below, mut total) = (Before::default(), 0.0);
    for &(v, at) in &order {
        let at = at as usize;
        if signs[at] > 0.0 {
            below.add(weight(at), v);
        } else {
            total += weight(at) * (v * (below.count * v - 2.0 * below.sum) + below.squares);
            slopes[at] += weight(at) * (share * 2.0 * (below.count * v - below.sum));
        }
    }
    let mut above = Before::default();
    for &(v, at) in order.iter().rev() {
        let at = at as usize;
        if signs[at] > 0.0 {
            slopes[at] += weight(at) * (share * 2.0 * (above.count * v - above.sum));
        } else {
            above.add(weight(at), v);
        }
    }
    total
}
