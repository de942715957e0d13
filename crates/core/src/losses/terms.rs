//! Value and slope of the losses that rows have by themselves, on logits, in closed form: finite for every finite
//! logit, so no autograd is needed.
//!
//! With s = 2y - 1, w_t the weight of the row's class and x = s·z:
//!
//! - focal: -w_t (1 - p_t)^γ log p_t (Lin et al. 2017, arXiv 1708.02002), log p_t = -softplus(-x), and
//!   dFL/dz = s·w_t (1 - p_t)^γ (γ p_t log p_t + p_t - 1). Binary cross-entropy is γ = 0 with weights 1 and 1; its
//!   class-weighted form has other weights.
//! - asymmetric (Ridnik et al. 2021, arXiv 2009.14119, equations 4 to 7): focal with γ₊ for positives. Negatives have
//!   u = max(p - m, 0) instead of p: -w u^γ₋ log(1 - u), whose slope is
//!   w p (1 - p) u^γ₋ (-γ₋ log(1 - u) / u + 1 / (1 - u)), and 0 where u is 0.
//! - vs (Kini et al. 2021, arXiv 2103.01550, equation 2): w_t log(1 + exp(ι_y - Δ_y x)),
//!   slope -s w_t Δ_y σ(ι_y - Δ_y x).
//!
//! Labels that are smoothed by ε: (1 - ε/2) times the loss of the row as it is, and ε/2 times that of the same row in
//! the other class: what one expects of a label that is wrong with probability ε/2. Of cross-entropy that is what
//! Szegedy et al. 2016 (arXiv 1512.00567) and PyTorch have.

/// What a trial's loss of a row reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossTerms {
    /// Weight of positive rows.
    pub positive: f64,
    /// Weight of negative rows.
    pub negative: f64,
    /// What is weighed.
    pub formula: Formula,
    /// ε: labels count as wrong with half this probability.
    pub smoothing: f64,
}

/// The loss of a row of weight 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Formula {
    /// (1 - p_t)^γ times cross-entropy.
    Focal {
        /// Focusing exponent.
        gamma: f64,
    },
    /// Focal with an exponent for each class and a shifted probability of negatives.
    Asymmetric {
        /// Focusing exponent of positives.
        gamma_positive: f64,
        /// Focusing exponent of negatives.
        gamma_negative: f64,
        /// What is taken off the probability of negatives.
        margin: f64,
    },
    /// Cross-entropy of Δ_y times the logit, shifted by ι_y. Positives first.
    Scaled {
        /// Δ.
        slopes: [f64; 2],
        /// ι.
        shifts: [f64; 2],
    },
}

impl LossTerms {
    /// The focal family: weights of positives and negatives, and the focusing exponent; labels as they are.
    pub const fn focal(positive: f64, negative: f64, gamma: f64) -> Self {
        Self { positive, negative, formula: Formula::Focal { gamma }, smoothing: 0.0 }
    }

    /// Loss of one row and its derivative by the logit, in float64. `epsilon` clips p_t before the logarithm as the
    /// published code does.
    pub fn row(&self, logit: f64, positive: bool, epsilon: Option<f64>) -> (f64, f64) {
        let given = self.of_class(logit, positive, epsilon);
        if self.smoothing == 0.0 {
            return given;
        }
        let (other, share) = (self.of_class(logit, !positive, epsilon), self.smoothing / 2.0);
        ((1.0 - share) * given.0 + share * other.0, (1.0 - share) * given.1 + share * other.1)
    }

    fn of_class(&self, logit: f64, positive: bool, epsilon: Option<f64>) -> (f64, f64) {
        let (sign, weight) = if positive { (1.0, self.positive) } else { (-1.0, self.negative) };
        let x = sign * logit;
        let limit = epsilon.map_or(f64::INFINITY, |e| -e.ln());
        match self.formula {
            Formula::Focal { gamma } => focal(x, sign, weight, gamma, limit),
            Formula::Asymmetric { gamma_positive, .. } if positive => focal(x, sign, weight, gamma_positive, limit),
            Formula::Asymmetric { gamma_negative, margin: 0.0, .. } => focal(x, sign, weight, gamma_negative, limit),
            Formula::Asymmetric { gamma_negative, margin, .. } => {
                let (q, p) = (1.0 / (1.0 + (-x).exp()), 1.0 / (1.0 + x.exp()));
                let u = p - margin;
                if u <= 0.0 {
                    return (0.0, 0.0);
                }
                let rest = q + margin; // 1 - u
                let surprise = if u < 0.5 { -(-u).ln_1p() } else { -rest.ln() };
                let focus = weight * (gamma_negative * u.ln()).exp();
                let log_term = if surprise > limit { 0.0 } else { rest.recip() };
                let surprise = surprise.min(limit);
                (focus * surprise, focus * p * q * (gamma_negative * surprise / u + log_term))
            }
            Formula::Scaled { slopes, shifts } => {
                let (slope, shift) = if positive { (slopes[0], shifts[0]) } else { (slopes[1], shifts[1]) };
                let (value, gradient) = focal(slope * x - shift, sign, weight, 0.0, limit);
                (value, slope * gradient)
            }
        }
    }

    /// The probability that a logit of a model means which minimises this loss: focal loss and class weights move
    /// scores away from it, and this undoes both. At the minimum of p·FL(positive) + (1 - p)·FL(negative) the slopes
    /// cancel, which gives p at once: the Ψ of N. Charoenphakdee, J. Vongkulbhisal, N. Chairatanakul & M. Sugiyama
    /// 2021, On focal loss for class-posterior probability estimation, CVPR, with weights of the classes beside. It
    /// rises with the logit.
    pub fn probability(&self, logit: f64) -> f64 {
        let [(_, up), (_, down)] = [true, false].map(|positive| self.row(logit, positive, None));
        down / (down - up)
    }
}

/// Loss and slope at x = s·z. One exponential of the smaller side gives both probabilities and both logarithms of them,
/// without overflow on either.
fn focal(x: f64, sign: f64, weight: f64, gamma: f64, limit: f64) -> (f64, f64) {
    let e = (-x.abs()).exp();
    let (small, large) = (e / (1.0 + e), 1.0 / (1.0 + e));
    let (p, q) = if x < 0.0 { (small, large) } else { (large, small) };
    let rest = e.ln_1p();
    let surprise = (-x).max(0.0) + rest; // -log p_t
    let focus = weight * (-gamma * (x.max(0.0) + rest)).exp(); // (1 - p_t)^γ
    let log_term = if surprise > limit { 0.0 } else { q };
    let surprise = surprise.min(limit);
    (focus * surprise, -sign * focus * (gamma * p * surprise + log_term))
}
