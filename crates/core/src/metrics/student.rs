//! Student's distribution, with any number of degrees of freedom.

use statrs::function::beta::beta_reg;

/// Two-sided p-value of a statistic with `freedom` degrees of freedom, above 0: P(|T| >= |t|), by the incomplete beta
/// function (Abramowitz & Stegun 26.7.1).
pub fn student_p(t: f64, freedom: f64) -> f64 {
    if t.is_nan() || freedom <= 0.0 {
        return 1.0;
    }
    let share = freedom / (freedom + t * t);
    if share <= 0.0 { 0.0 } else { beta_reg(freedom / 2.0, 0.5, share.min(1.0)) }
}

/// The t of at least 0 whose [`student_p`] is `p`: the half-width of an interval at level 1 - `p`, in standard errors.
pub fn student_t(p: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_p(high, freedom) > p && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if student_p(middle, freedom) > p { low = middle } else { high = middle }
    }
    if p >= 1.0 { 0.0 } else { high }
}
