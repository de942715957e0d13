//! The loss itself, as figures 1 and 4 of Lin et al. 2017 (arXiv 1708.02002) show it.

use super::payload::{Losses, Short};
use crate::rank::Ranking;
use crate::read::parameters::GAMMA;

/// Curves in one plot, at most.
const GAMMAS: usize = 7;
/// Those of the paper, where none is swept.
const PUBLISHED: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 5.0];
/// Least p_t: what a float32 score can still tell from 1.
const LEAST: f64 = 1e-7;

/// The focusing exponents to show: those swept, evenly thinned, and 0 (cross-entropy).
pub(super) fn gammas(ranking: &Ranking) -> Vec<f64> {
    let mut swept: Vec<f64> = ranking.trials.iter().filter_map(|ranked| ranking.number(ranked, GAMMA)).collect();
    swept.sort_by(f64::total_cmp);
    swept.dedup();
    if swept.len() < 2 {
        swept.extend(PUBLISHED);
    }
    swept.push(0.0);
    swept.sort_by(f64::total_cmp);
    swept.dedup();
    let last = swept.len() - 1;
    let kept = swept.len().min(GAMMAS);
    let mut thinned: Vec<f64> = (0..kept).map(|i| swept[i * last / (kept - 1).max(1)]).collect();
    thinned.dedup();
    thinned
}

/// -(1 - p_t)^γ ln p_t.
fn focal(p_t: f64, gamma: f64) -> f64 {
    let p_t = p_t.clamp(LEAST, 1.0);
    -(1.0 - p_t).powf(gamma) * p_t.ln()
}

/// Both figures. `scores` are the winner's: p_t of the positives, p_t of the negatives.
pub(super) fn losses(gammas: &[f64], positives: Vec<f64>, negatives: Vec<f64>) -> Losses {
    let p_t: Vec<f64> = (1..=100).map(|i| f64::from(i) / 100.0).collect();
    let share: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
    let of = |mut p_t: Vec<f64>| -> Vec<Vec<Short>> {
        if p_t.is_empty() {
            return Vec::new();
        }
        // The loss falls with p_t whatever gamma is, so one order serves all.
        p_t.sort_by(|a, b| b.total_cmp(a));
        gammas.iter().map(|&gamma| cumulative(&p_t, gamma, &share)).collect()
    };
    Losses {
        gammas: gammas.iter().copied().map(Short).collect(),
        loss: gammas.iter().map(|&g| p_t.iter().map(|&p| Short(focal(p, g))).collect()).collect(),
        p_t: p_t.into_iter().map(Short).collect(),
        positives: of(positives),
        negatives: of(negatives),
        share: share.into_iter().map(Short).collect(),
    }
}

/// Share of the whole loss that the `share` of rows with the least loss has. `p_t` falls.
fn cumulative(p_t: &[f64], gamma: f64, share: &[f64]) -> Vec<Short> {
    let mut sums = Vec::with_capacity(p_t.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for &p in p_t {
        sum += focal(p, gamma);
        sums.push(sum);
    }
    share.iter().map(|s| Short(sums[(s * p_t.len() as f64).round() as usize] / sum)).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_10;

    use super::*;

    #[test]
    fn the_hard_rows_have_the_loss_and_the_more_so_with_gamma() {
        // Nine rows of p_t 0.9 and one of 0.1: with cross-entropy the nine have 9 ln(1/0.9) / (that + ln 10) = 29.2 %,
        // with gamma 2 a hundredth of 0.9483 against 0.81 · 2.3026.
        let p_t: Vec<f64> = [vec![0.9; 9], vec![0.1]].concat();
        let losses = losses(&[0.0, 2.0], p_t, Vec::new());
        let (plain, focused) = (losses.positives[0][90].0, losses.positives[1][90].0);
        assert!((plain - 0.948_244_6 / (0.948_244_6 + LN_10)).abs() < 1e-6, "{plain}");
        assert!((focused - 0.009_482_446 / (0.009_482_446 + 0.81 * LN_10)).abs() < 1e-6, "{focused}");
        assert_eq!(losses.positives[1][100].0, 1.0);
        assert!(losses.negatives.is_empty());
    }
}
