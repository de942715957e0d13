//! What each row adds to the error of an average precision.

use super::{any_nan, order_key};

/// For each row, in their order, how the average precision would change were the row there a little more often: the
/// infinitesimal jackknife (L. A. Jaeckel 1972; B. Efron 1982, The jackknife, the bootstrap and other resampling plans,
/// chapter 6), by class, scaled as [`AucComponents::influences`](super::AucComponents::influences) are, so that the sum
/// of squares over the rows is the variance. `None` with fewer than two rows of a class or a NaN.
///
/// With R positives and F negatives at or above a positive's score its precision is R / (R + F). A negative takes
/// R / (R + F)² from each positive at or below it; a positive gives F / (R + F)² to each at or below it, and its own
/// precision less the mean.
pub fn average_precision_influences(scores: &[f32], labels: &[u8]) -> Option<Vec<f32>> {
    let rows = scores.len().min(labels.len());
    let positives = labels[..rows].iter().filter(|&&y| y != 0).count();
    let negatives = rows - positives;
    if positives < 2 || negatives < 2 || any_nan(&scores[..rows]) {
        return None;
    }
    let mut order: Vec<(i32, u32)> =
        (0_u32..).zip(&scores[..rows]).map(|(row, &score)| (order_key(score), row)).collect();
    order.sort_unstable_by(|a, b| b.cmp(a));
    // For each group of equal scores from the highest down: its rows, its positives, R and F.
    let is_positive = |row: u32| labels[row as usize] != 0;
    let (mut caught, mut flagged) = (0_usize, 0_usize);
    let mut groups = Vec::new();
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        let here = equal.iter().filter(|&&(_, row)| is_positive(row)).count();
        (caught, flagged) = (caught + here, flagged + equal.len() - here);
        groups.push((equal, here as f64, caught as f64, flagged as f64));
    }
    let all = positives as f64;
    let mean =
        groups.iter().map(|&(_, here, r, f)| if here > 0.0 { here * r / (r + f) } else { 0.0 }).sum::<f64>() / all;
    let (of_positive, of_negative) = (all / (all * (all - 1.0)).sqrt(), {
        let n = negatives as f64;
        n / (n * (n - 1.0)).sqrt()
    });
    let mut influences = vec![0.0; rows];
    // Sums over the positives at or below, from the lowest up.
    let (mut given, mut taken) = (0.0, 0.0);
    for &(equal, here, r, f) in groups.iter().rev() {
        if here > 0.0 {
            given += here * f / (r + f).powi(2);
            taken += here * r / (r + f).powi(2);
        }
        for &(_, row) in equal {
            let change = if is_positive(row) { r / (r + f) - mean + given } else { -taken };
            influences[row as usize] = change / all;
        }
    }
    // Less its class's mean: a class has as many rows, however they are drawn.
    let mut means = [0.0; 2];
    for (influence, &label) in influences.iter().zip(labels) {
        means[usize::from(label != 0)] += influence;
    }
    let means = [means[0] / negatives as f64, means[1] / all];
    let scaled = influences.iter().zip(labels).map(|(influence, &label)| {
        let scale = if label != 0 { of_positive } else { of_negative };
        ((influence - means[usize::from(label != 0)]) * scale) as f32
    });
    Some(scaled.collect())
}
