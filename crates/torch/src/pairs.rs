//! The loss over pairs of [`focalsweep_core::losses::PairTerms`] over tensors, in double precision: rows in order, and
//! sums over those before.

use focalsweep_core::losses::PairTerms;
use tch::{Kind, TchError, Tensor};

use super::tensors::{LossAndSlope, column};

/// What trials read, as `[k, 1]` tensors.
#[derive(Debug)]
pub(super) struct StackedPairs {
    margin: Tensor,
    /// How many of the pairs count the other way round; `None`: none does.
    turned: Option<Tensor>,
}

impl StackedPairs {
    pub(super) fn new(terms: &[PairTerms], device: tch::Device) -> Result<Self, TchError> {
        let double = |value: &dyn Fn(&PairTerms) -> f64| column(terms, value, device)?.f_to_kind(Kind::Double);
        let is_smooth = terms.iter().any(|t| t.smoothing != 0.0);
        Ok(Self {
            margin: double(&|t| t.margin)?,
            turned: if is_smooth { Some(double(&|t| t.smoothing / 2.0)?) } else { None },
        })
    }

    /// Losses `[k, N]` of logits `[k, N]`, which add up to that of the batch, and their derivatives by the logits when
    /// asked. A pair's loss stands with its negative. `weight` is `[N]`, where rows have weights.
    pub(super) fn rows(
        &self,
        logits: &Tensor,
        sign: &Tensor,
        weight: Option<&Tensor>,
        gradient: bool,
    ) -> Result<LossAndSlope, TchError> {
        let z = logits.f_to_kind(Kind::Double)?;
        let positive = sign.f_gt(0.0)?.f_to_kind(Kind::Double)?;
        let weight = weight.map(|weight| weight.f_to_kind(Kind::Double)).transpose()?;
        let given = self.one_way(&z, &positive, weight.as_ref())?;
        let mixed = match &self.turned {
            None => given,
            Some(share) => {
                let other = self.one_way(&z, &positive.f_neg()?.f_add_scalar_(1.0)?, weight.as_ref())?;
                let mix = |a: &Tensor, b: &Tensor| a.f_add(&b.f_sub(a)?.f_mul_(share)?);
                (mix(&given.0, &other.0)?, mix(&given.1, &other.1)?)
            }
        };
        // The mean over pairs times the rows; without a pair all sums are 0.
        let rows = z.size()[1] as f64;
        let mut pairs = match &weight {
            None => {
                let positives = positive.f_sum(Kind::Double)?;
                positives.f_neg()?.f_add_scalar_(rows)?.f_mul_(&positives)?.f_clamp_min_(1.0)?
            }
            Some(weight) => {
                let positives = positive.f_mul(weight)?.f_sum(Kind::Double)?;
                let negatives = weight.f_sum(Kind::Double)?.f_sub_(&positives)?;
                positives.f_mul(&negatives)?.f_clamp_min_(1e-300)?
            }
        };
        let scale = pairs.f_reciprocal_()?.f_mul_scalar_(rows)?;
        let finish = |sum: &Tensor| sum.f_mul(&scale)?.f_to_kind(Kind::Float);
        Ok((finish(&mixed.0)?, if gradient { Some(finish(&mixed.1)?) } else { None }))
    }

    /// Sums over pairs, by row, and their slopes: `positive` is 1 for those that are to be above, else 0.
    fn one_way(&self, z: &Tensor, positive: &Tensor, weight: Option<&Tensor>) -> Result<(Tensor, Tensor), TchError> {
        let middle = z.f_mean_dim(1i64, true, Kind::Double)?;
        let v = z.f_sub(&middle)?.f_sub_(&self.margin.f_mul(positive)?)?;
        let (v, order) = v.f_sort(1, false)?;
        let above = positive.f_expand_as(&v)?.f_gather(1, &order, false)?;
        let mut below = above.f_neg()?.f_add_scalar_(1.0)?;
        let above = match weight {
            None => above,
            Some(weight) => {
                let weight = weight.f_expand_as(&v)?.f_gather(1, &order, false)?;
                below = below.f_mul_(&weight)?;
                above.f_mul(&weight)?
            }
        };
        let until = |values: &Tensor| values.f_cumsum(1, Kind::Double);
        // Of a row that is to be below: those to be above that come before it.
        let (count, sum) = (until(&above)?, until(&above.f_mul(&v)?)?);
        let squares = until(&above.f_mul(&v)?.f_mul_(&v)?)?;
        let loss = count.f_mul(&v)?.f_sub_(&sum.f_mul_scalar(2.0)?)?.f_mul_(&v)?.f_add_(&squares)?.f_mul_(&below)?;
        let mut of_below = count.f_mul(&v)?.f_sub_(&sum)?.f_mul_(&below)?;
        // Of a row that is to be above: those to be below that come after it.
        let (count, sum) = (until(&below)?, until(&below.f_mul(&v)?)?);
        let last = v.size()[1] - 1;
        let after = |until: &Tensor| until.f_narrow(1, last, 1)?.f_sub(until);
        let of_above = after(&count)?.f_mul_(&v)?.f_sub_(&after(&sum)?)?.f_mul_(&above)?;
        let slope = of_below.f_add_(&of_above)?.f_mul_scalar_(2.0)?;
        let back = |values: &Tensor| values.f_zeros_like()?.f_scatter(1, &order, values);
        Ok((back(&loss)?, back(&slope)?))
    }
}
