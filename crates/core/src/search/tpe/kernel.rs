//! What one told point says of one dimension.

use super::columns::Place;
use crate::random::Stream;
use crate::search::axis::Axis;
use crate::search::domain::{normal_cdf, normal_quantile};

/// A density on one axis.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kernel {
    /// As likely as before anything was known.
    Flat,
    /// A normal one, cut off at 0 and 1: how much lies below 0, how much within, the logarithm of its factor.
    Normal { mean: f64, sd: f64, below: f64, within: f64, log_factor: f64 },
    /// The cell of a list, with chance `kept`, else as before (Aitchison & Aitken 1976, Biometrika 63).
    List { cell: usize, kept: f64 },
}

const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_7;
/// Chances are not below this, so that their logarithms are finite.
const LEAST: f64 = 1e-300;

impl Kernel {
    pub(super) fn normal(mean: f64, sd: f64) -> Self {
        let below = normal_cdf(-mean / sd);
        let within = normal_cdf((1.0 - mean) / sd) - below;
        Self::Normal { mean, sd, below, within, log_factor: -HALF_LOG_TAU - (sd * within).ln() }
    }

    /// Logarithm of the density at a place, of the chance of a cell; `likely` has the chances of a list before.
    pub(super) fn log(self, place: Place, likely: &[f64]) -> f64 {
        match (self, place) {
            (Self::Normal { mean, sd, log_factor, .. }, Place::At(at)) => {
                let z = (at - mean) / sd;
                log_factor - 0.5 * z * z
            }
            (Self::Normal { mean, sd, within, .. }, Place::Between(from, to)) => {
                let (low, high) = ((from - mean) / sd, (to - mean) / sd);
                // From the side where both tails are small, lest they cancel.
                let chance =
                    if low > 0.0 { normal_cdf(-low) - normal_cdf(-high) } else { normal_cdf(high) - normal_cdf(low) };
                (chance.max(LEAST) / within).ln()
            }
            (Self::List { cell, kept }, Place::Cell(at)) => {
                let own = if cell == at { kept } else { 0.0 };
                (own + (1.0 - kept) * likely.get(at).copied().unwrap_or(1.0)).ln()
            }
            (_, Place::Between(from, to)) => (to - from).max(LEAST).ln(),
            (_, Place::Cell(at)) => likely.get(at).copied().unwrap_or(1.0).ln(),
            (_, Place::At(_)) => 0.0,
        }
    }

    /// A value of `axis`.
    pub(super) fn draw(self, axis: &Axis, stream: &mut Stream) -> f64 {
        match self {
            Self::List { cell, kept } if stream.uniform64() < kept => axis.nth(cell as u64),
            Self::Flat | Self::List { .. } => axis.at(stream.uniform64()),
            Self::Normal { mean, sd, below, within, .. } => {
                let share = below + within * stream.uniform64();
                axis.at(mean + sd * normal_quantile(share.clamp(LEAST, 1.0 - f64::EPSILON)))
            }
        }
    }
}
