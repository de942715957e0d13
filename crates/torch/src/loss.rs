//! The losses of [`focalsweep_core::losses`] over tensors.
//!
//! Models whose losses have one formula are computed together; a stack that has one formula, which most are, needs no
//! gathering.

use focalsweep_core::losses::{Formula, LossTerms, PairTerms, TrialLoss};
use tch::{Kind, TchError, Tensor};

use super::pairs::StackedPairs;
use super::tensors::{LossAndSlope, column};

/// The losses of a stack's trials.
#[derive(Debug)]
pub(super) struct StackedLoss {
    groups: Vec<Group>,
}

/// The models of one formula.
#[derive(Debug)]
struct Group {
    /// Which of the K models, `[k]`; `None`: all.
    at: Option<Tensor>,
    kind: GroupKind,
}

#[derive(Debug)]
enum GroupKind {
    Rows(StackedRows),
    Pairs(StackedPairs),
}

/// Losses of rows, with what they read as `[k, 1]` tensors.
#[derive(Debug)]
struct StackedRows {
    negative: Tensor,
    extra: Tensor, // weight of positives less weight of negatives
    form: Form,
    /// How likely labels are to be wrong; `None`: none is.
    wrong: Option<Tensor>,
    limit: Option<f64>,
}

/// [`Formula`]'s.
#[derive(Debug)]
enum Form {
    Focal { gamma: Tensor },
    Asymmetric { positive: Tensor, negative: Tensor, margin: Tensor },
    Scaled { slopes: [Tensor; 2], shifts: [Tensor; 2] },
}

/// What the losses read of the labels of N rows: made once, read in many steps.
#[derive(Debug)]
pub(super) struct Targets {
    /// 2y - 1, `[N]`.
    sign: Tensor,
    /// -w_t, `[k, N]`, of each group; empty of pairs.
    minus_weights: Vec<Tensor>,
    /// By how much each row counts, `[N]`; `None`: once.
    weight: Option<Tensor>,
}

impl Targets {
    /// Those of `length` rows from `start` on.
    pub(super) fn narrow(&self, start: i64, length: i64) -> Result<Self, TchError> {
        let narrow = |weights: &Tensor| match weights.dim() {
            2 => weights.f_narrow(1, start, length),
            _ => Ok(weights.shallow_clone()),
        };
        Ok(Self {
            sign: self.sign.f_narrow(0, start, length)?,
            minus_weights: self.minus_weights.iter().map(narrow).collect::<Result<_, _>>()?,
            weight: self.weight.as_ref().map(|weight| weight.f_narrow(0, start, length)).transpose()?,
        })
    }
}

impl StackedLoss {
    pub(super) fn new(losses: &[TrialLoss], epsilon: Option<f64>, device: tch::Device) -> Result<Self, TchError> {
        let formula = |loss: &TrialLoss| match loss {
            TrialLoss::Pairs(_) => 0,
            TrialLoss::Rows(terms) => match terms.formula {
                Formula::Focal { .. } => 1,
                Formula::Asymmetric { .. } => 2,
                Formula::Scaled { .. } => 3,
            },
        };
        let mut groups = Vec::new();
        for kind in 0..4 {
            let at: Vec<i64> = (0..losses.len()).filter(|&k| formula(&losses[k]) == kind).map(|k| k as i64).collect();
            if at.is_empty() {
                continue;
            }
            let members = || at.iter().map(|&k| losses[k as usize]);
            let pairs: Vec<PairTerms> = members()
                .filter_map(|loss| if let TrialLoss::Pairs(terms) = loss { Some(terms) } else { None })
                .collect();
            let rows: Vec<LossTerms> = members()
                .filter_map(|loss| if let TrialLoss::Rows(terms) = loss { Some(terms) } else { None })
                .collect();
            let kind = if pairs.is_empty() {
                GroupKind::Rows(StackedRows::new(&rows, epsilon, device)?)
            } else {
                GroupKind::Pairs(StackedPairs::new(&pairs, device)?)
            };
            let whole = at.len() == losses.len();
            let at = if whole { None } else { Some(Tensor::f_from_slice(&at)?.f_to_device(device)?) };
            groups.push(Group { at, kind });
        }
        Ok(Self { groups })
    }

    /// What the losses read of `labels` (0 or 1) and of the rows' weights, `[N]`.
    pub(super) fn targets(&self, labels: &Tensor, weight: Option<Tensor>) -> Result<Targets, TchError> {
        let minus_weight = |group: &Group| match &group.kind {
            GroupKind::Rows(rows) => rows.minus_weight(labels),
            GroupKind::Pairs(_) => labels.f_narrow(0, 0, 0),
        };
        Ok(Targets {
            sign: labels.f_mul_scalar(2.0)?.f_sub_scalar_(1.0)?,
            minus_weights: self.groups.iter().map(minus_weight).collect::<Result<_, _>>()?,
            weight,
        })
    }

    /// Losses `[K, N]` of logits `[K, N]`, and their derivatives by the logits when asked. Of a stack of the focal
    /// family 7 and 14 kernels on a GPU.
    pub(super) fn rows(&self, logits: &Tensor, targets: &Targets, gradient: bool) -> Result<LossAndSlope, TchError> {
        let of_group = |group: &Group, weights: &Tensor, logits: &Tensor| match &group.kind {
            GroupKind::Rows(rows) => {
                let (mut loss, mut slope) = rows.rows(logits, &targets.sign, weights, gradient)?;
                if let Some(weight) = &targets.weight {
                    loss = loss.f_mul_(weight)?;
                    slope = slope.map(|mut slope| slope.f_mul_(weight)).transpose()?;
                }
                Ok((loss, slope))
            }
            GroupKind::Pairs(pairs) => pairs.rows(logits, &targets.sign, targets.weight.as_ref(), gradient),
        };
        if let ([group], [weights]) = (self.groups.as_slice(), targets.minus_weights.as_slice()) {
            return of_group(group, weights, logits);
        }
        let all = logits.f_zeros_like()?;
        let slopes = if gradient { Some(logits.f_zeros_like()?) } else { None };
        for (group, weights) in self.groups.iter().zip(&targets.minus_weights) {
            let Some(at) = &group.at else { continue };
            let (loss, slope) = of_group(group, weights, &logits.f_index_select(0, at)?)?;
            let _ = all.shallow_clone().f_index_copy_(0, at, &loss)?;
            if let (Some(slopes), Some(slope)) = (&slopes, slope) {
                let _ = slopes.shallow_clone().f_index_copy_(0, at, &slope)?;
            }
        }
        Ok((all, slopes))
    }

    /// Sets the gradient `[K, 1, 1]` or `[K]` of the output biases to 0 where the loss does not depend on them: what
    /// pairs have in common cancels, and what rounding leaves of it Adam would follow.
    pub(super) fn without_common(&self, biases: &Tensor) -> Result<(), TchError> {
        for Group { at, kind } in &self.groups {
            match (kind, at) {
                (GroupKind::Rows(_), _) => {}
                (GroupKind::Pairs(_), None) => {
                    let _ = biases.shallow_clone().f_zero_()?;
                }
                (GroupKind::Pairs(_), Some(at)) => {
                    let _ = biases.shallow_clone().f_index_fill_(0, at, 0.0)?;
                }
            }
        }
        Ok(())
    }
}

impl StackedRows {
    fn new(terms: &[LossTerms], epsilon: Option<f64>, device: tch::Device) -> Result<Self, TchError> {
        let column = |value: &dyn Fn(&LossTerms) -> f64| column(terms, value, device);
        // All have the formula of the first.
        let form = match terms[0].formula {
            Formula::Focal { .. } => {
                Form::Focal { gamma: column(&|t| if let Formula::Focal { gamma } = t.formula { gamma } else { 0.0 })? }
            }
            Formula::Asymmetric { .. } => {
                let of = |value: fn([f64; 3]) -> f64| {
                    column(&move |t| match t.formula {
                        Formula::Asymmetric { gamma_positive, gamma_negative, margin } => {
                            value([gamma_positive, gamma_negative, margin])
                        }
                        _ => 0.0,
                    })
                };
                Form::Asymmetric { positive: of(|all| all[0])?, negative: of(|all| all[1])?, margin: of(|all| all[2])? }
            }
            Formula::Scaled { .. } => {
                let of = |value: fn([f64; 2], [f64; 2]) -> f64| {
                    column(&move |t| match t.formula {
                        Formula::Scaled { slopes, shifts } => value(slopes, shifts),
                        _ => 0.0,
                    })
                };
                Form::Scaled {
                    slopes: [of(|slopes, _| slopes[0])?, of(|slopes, _| slopes[1])?],
                    shifts: [of(|_, shifts| shifts[0])?, of(|_, shifts| shifts[1])?],
                }
            }
        };
        let smooth = terms.iter().any(|t| t.smoothing != 0.0);
        Ok(Self {
            negative: column(&|t| t.negative)?,
            extra: column(&|t| t.positive - t.negative)?,
            form,
            wrong: if smooth { Some(column(&|t| t.smoothing / 2.0)?) } else { None },
            limit: epsilon.map(|e| -e.ln()),
        })
    }

    /// -w_t, `[k, N]`, of labels (0 or 1), `[N]`.
    fn minus_weight(&self, labels: &Tensor) -> Result<Tensor, TchError> {
        self.extra.f_mul(labels)?.f_add_(&self.negative)?.f_neg_()
    }

    fn rows(
        &self,
        logits: &Tensor,
        sign: &Tensor,
        minus_weight: &Tensor,
        gradient: bool,
    ) -> Result<LossAndSlope, TchError> {
        let given = self.of_class(logits, sign, minus_weight, gradient)?;
        let Some(wrong) = &self.wrong else { return Ok(given) };
        let turned = sign.f_neg()?;
        let labels = turned.f_add_scalar(1.0)?.f_mul_scalar_(0.5)?;
        let other = self.of_class(logits, &turned, &self.minus_weight(&labels)?, gradient)?;
        let mixed = |a: &Tensor, b: &Tensor| a.f_add(&b.f_sub(a)?.f_mul_(wrong)?);
        let slope = match (&given.1, &other.1) {
            (Some(a), Some(b)) => Some(mixed(a, b)?),
            _ => None,
        };
        Ok((mixed(&given.0, &other.0)?, slope))
    }

    fn of_class(
        &self,
        logits: &Tensor,
        sign: &Tensor,
        minus_weight: &Tensor,
        gradient: bool,
    ) -> Result<LossAndSlope, TchError> {
        match &self.form {
            Form::Focal { gamma } => self.focal(logits, sign, minus_weight, Some(gamma), gradient),
            Form::Asymmetric { positive, negative, margin } => {
                let is_positive = sign.f_gt(0.0)?;
                let of_positives = self.focal(logits, sign, minus_weight, Some(positive), gradient)?;
                let unshifted = self.focal(logits, sign, minus_weight, Some(negative), gradient)?;
                let shifted = self.shifted(logits, minus_weight, negative, margin, gradient)?;
                let has_margin = margin.f_gt(0.0)?;
                let choose = |positive: &Tensor, unshifted: &Tensor, shifted: &Tensor| {
                    positive.f_where_self(&is_positive, &shifted.f_where_self(&has_margin, unshifted)?)
                };
                let slope = match (&of_positives.1, &unshifted.1, &shifted.1) {
                    (Some(a), Some(b), Some(c)) => Some(choose(a, b, c)?),
                    _ => None,
                };
                Ok((choose(&of_positives.0, &unshifted.0, &shifted.0)?, slope))
            }
            Form::Scaled { slopes, shifts } => {
                let is_positive = sign.f_gt(0.0)?;
                let by_class = |[a, b]: &[Tensor; 2]| a.f_where_self(&is_positive, b);
                let slope = by_class(slopes)?;
                let moved = logits.f_mul(&slope)?.f_sub_(&by_class(shifts)?.f_mul_(sign)?)?;
                let (loss, by_moved) = self.focal(&moved, sign, minus_weight, None, gradient)?;
                Ok((loss, by_moved.map(|by_moved| by_moved.f_mul(&slope)).transpose()?))
            }
        }
    }

    /// The focal family; without `gamma` cross-entropy.
    fn focal(
        &self,
        logits: &Tensor,
        sign: &Tensor,
        minus_weight: &Tensor,
        gamma: Option<&Tensor>,
        gradient: bool,
    ) -> Result<LossAndSlope, TchError> {
        let x = logits.f_mul(sign)?;
        let log_p = x.f_log_sigmoid()?;
        let log_q = log_p.f_sub(&x)?; // log(1 - p_t); what cancels here is lost in 1 + exp(x) anyway
        let clipped = match self.limit {
            Some(limit) => log_p.f_clamp_min(-limit)?,
            None => log_p.shallow_clone(),
        };
        let focus = match gamma {
            Some(gamma) => log_q.f_mul(gamma)?.f_exp_()?.f_mul_(minus_weight)?,
            None => minus_weight.shallow_clone(),
        };
        let loss = focus.f_mul(&clipped)?;
        if !gradient {
            return Ok((loss, None));
        }
        let mut slope = log_q.f_exp()?;
        if let Some(limit) = self.limit {
            slope = slope.f_mul_(&log_p.f_ge(-limit)?.f_to_kind(Kind::Float)?)?;
        }
        if let Some(gamma) = gamma {
            slope = slope.f_sub_(&log_p.f_exp()?.f_mul_(&clipped)?.f_mul_(gamma)?)?;
        }
        Ok((loss, Some(slope.f_mul_(&focus)?.f_mul_(sign)?)))
    }

    /// Negatives of the asymmetric loss with a margin: see `LossTerms`.
    fn shifted(
        &self,
        logits: &Tensor,
        minus_weight: &Tensor,
        gamma: &Tensor,
        margin: &Tensor,
        gradient: bool,
    ) -> Result<LossAndSlope, TchError> {
        let (p, q) = (logits.f_sigmoid()?, logits.f_neg()?.f_sigmoid_()?);
        let exact = p.f_sub(margin)?;
        let u = exact.f_clamp_min(1e-30)?;
        let rest = q.f_add(margin)?; // 1 - u
        let small = u.f_clamp_max(0.5)?.f_neg_()?.f_log1p_()?;
        let log_rest = small.f_where_self(&u.f_lt(0.5)?, &rest.f_log()?)?;
        let clipped = match self.limit {
            Some(limit) => log_rest.f_clamp_min(-limit)?,
            None => log_rest.shallow_clone(),
        };
        let counts = exact.f_gt(0.0)?.f_to_kind(Kind::Float)?;
        let focus = u.f_log()?.f_mul_(gamma)?.f_exp_()?.f_mul_(minus_weight)?.f_mul_(&counts)?;
        let loss = focus.f_mul(&clipped)?;
        if !gradient {
            return Ok((loss, None));
        }
        let mut term = rest.f_reciprocal()?;
        if let Some(limit) = self.limit {
            term = term.f_mul_(&log_rest.f_ge(-limit)?.f_to_kind(Kind::Float)?)?;
        }
        // focus has -w; the loss rises with the logit of a negative.
        let pull = clipped.f_mul(gamma)?.f_div_(&u)?;
        let slope = term.f_sub_(&pull)?.f_mul_(&p)?.f_mul_(&q)?.f_mul_(&focus)?.f_neg_()?;
        Ok((loss, Some(slope)))
    }
}
