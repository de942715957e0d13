//! Which trials are averaged, and whether that buys anything.
//!
//! Validation rows are dealt to five folds, the rows of a unit to one. Every rule (the k best, the greedy one, the best
//! alone) chooses on four of them and is measured on the fifth; the rule that has most there is taken, and chooses anew
//! on all. What it has more there than the best alone, which was chosen likewise, is its gain. The maps of Platt are
//! fitted on all validation rows at once: two numbers each, which hardly know a row.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::evidence::kept::ReplicateScores;
use crate::rank::{FEW_POSITIVES, Ranking};
use crate::read::{ForEach, ScoreGroup, gather};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{Aim, Pool, Rule, Scale, averages};
use focalsweep_core::random::{Purpose, Stream};

/// Folds of the validation rows.
pub(super) const FOLDS: usize = 5;
/// Negatives of a replicate that choose, if five for each positive are not more; of more every second, third … does:
/// what an AUC is off by comes from the rarer class.
const MOST_NEGATIVES: usize = 1000;

/// A trial that may be a member.
pub(super) struct Candidate<'a> {
    pub(super) trial_id: &'a str,
    pub(super) scores: &'a [ReplicateScores],
    /// What makes its scores comparable with others', by replicate.
    pub(super) scales: Vec<Scale>,
}

/// What was chosen.
pub(super) struct Chosen {
    pub(super) rule: Rule,
    /// By candidate.
    pub(super) weights: Vec<f64>,
    pub(super) gain: f64,
    pub(super) gain_error: f64,
}

/// Those of the best trials that have scores on the rows of the first of them, in their order, with their maps.
pub(super) fn candidates<'a>(
    scores: &'a HashMap<String, Vec<ReplicateScores>>,
    ranking: &'a Ranking,
    for_each: ForEach<'_>,
) -> Vec<Candidate<'a>> {
    let trials = super::Ensemble::might_be(ranking).filter_map(|id| scores.get_key_value(&id));
    let mut found: Vec<(&str, &[ReplicateScores])> = Vec::new();
    for (id, scores) in trials {
        let first = found.first().map_or(&scores[..], |(_, first)| first);
        if !scores.is_empty() && has_rows_of(scores, first) {
            found.push((id.as_str(), scores.as_slice()));
        }
    }
    // Places are for all or for none: an average of both would weigh them by chance.
    let by_logits = found.iter().flat_map(|(_, scores)| *scores).all(|replicate| says_logits(&replicate.validation));
    let tasks: Vec<(usize, usize)> =
        found.iter().enumerate().flat_map(|(at, (_, scores))| (0..scores.len()).map(move |of| (at, of))).collect();
    let mut scales = gather(for_each, tasks.len(), |task| {
        let validation = &found[tasks[task].0].1[tasks[task].1].validation;
        if by_logits {
            Scale::of_logits(&comparable(&validation.raw, &validation.scores), &validation.labels)
        } else {
            Scale::of_scores(&validation.raw)
        }
    })
    .into_iter();
    let with_scales = found.into_iter().filter_map(|(trial_id, scores)| {
        let scales: Vec<Option<Scale>> = scales.by_ref().take(scores.len()).collect();
        Some(Candidate { trial_id, scores, scales: scales.into_iter().collect::<Option<_>>()? })
    });
    with_scales.collect()
}

/// Whether both have the same rows on the same replicates.
fn has_rows_of(scores: &[ReplicateScores], others: &[ReplicateScores]) -> bool {
    let same = |(a, b): (&ReplicateScores, &ReplicateScores)| {
        let of_calibration = |of: &ReplicateScores| of.calibration.as_ref().map(|group| group.rows.clone());
        a.replicate == b.replicate
            && a.validation.rows == b.validation.rows
            && a.test.rows == b.test.rows
            && of_calibration(a) == of_calibration(b)
    };
    scores.len() == others.len() && scores.iter().zip(others).all(same)
}

/// Whether a model's scores are probabilities, so that what ranks is a logit.
fn says_logits(group: &ScoreGroup) -> bool {
    let are = |scores: &[f32]| scores.iter().all(|score| (0.0..=1.0).contains(score));
    group.scores.len() == group.raw.len() && are(&group.scores) && group.raw.iter().all(|raw| raw.is_finite())
}

/// What ranks as it is made comparable: logits, of runs of version 1 those of the probabilities that they kept.
pub(super) fn comparable<'a>(raw: &'a [f32], scores: &[f32]) -> Cow<'a, [f32]> {
    if raw.is_empty() || raw != scores || !raw.iter().all(|raw| (0.0..=1.0).contains(raw)) {
        return Cow::Borrowed(raw);
    }
    let logit = |&score: &f32| {
        let share = f64::from(score).clamp(f64::EPSILON / 2.0, 1.0 - f64::EPSILON / 2.0);
        (share / (1.0 - share)).ln() as f32
    };
    Cow::Owned(raw.iter().map(logit).collect())
}

/// The rule that is worth most on rows that it did not choose on, and what it chooses on all; `None` where fewer
/// than 20 positives validate, or nothing is defined.
pub(super) fn choose(candidates: &[Candidate<'_>], about: Test, for_each: ForEach<'_>) -> Option<Chosen> {
    let aim = if about == Test::AveragePrecision { Aim::AveragePrecision } else { Aim::Auc };
    let first = candidates.first()?.scores;
    let dealt = Dealt::new(first)?;
    let tasks: Vec<(usize, usize)> =
        (0..candidates.len()).flat_map(|at| (0..first.len()).map(move |of| (at, of))).collect();
    let scaled = gather(for_each, tasks.len(), |task| {
        let (at, of) = tasks[task];
        let Candidate { scores, scales, .. } = &candidates[at];
        let validation = &scores[of].validation;
        let raw = comparable(&validation.raw, &validation.scores);
        raw.iter().map(|&raw| scales[of].apply(raw) as f32).collect::<Vec<f32>>()
    });
    // All rows first: that takes longest. Then those that are not in a fold, which measures.
    let mut found = gather(for_each, FOLDS + 1, |task| {
        let pools = |within: &dyn Fn(usize) -> bool| -> Vec<Pool> {
            let pool = |of: usize| {
                let scores = |at: usize| &scaled[at * first.len() + of][..];
                dealt.pool(of, &first[of].validation, (within, candidates.len()), scores)
            };
            (0..first.len()).map(pool).collect()
        };
        let Some(fold) = task.checked_sub(1) else { return (averages(&pools(&|_| true), aim), Vec::new()) };
        let chosen = averages(&pools(&|of| of != fold), aim);
        let measures = pools(&|of| of == fold);
        let worth = chosen.iter().map(|(_, weights)| aim.worth(&measures, weights)).collect();
        (chosen, worth)
    });
    let (of_all, _) = found.remove(0);
    let gains = |rule: usize| -> Option<Vec<f64>> {
        found.iter().map(|(_, worth)| Some((*worth.get(rule)?)? - (*worth.first()?)?)).collect()
    };
    let measured = of_all.into_iter().enumerate().skip(1).filter_map(|(at, (rule, weights))| {
        let gains = gains(at)?;
        let n = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / n;
        let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Some(Chosen { rule, weights, gain: mean, gain_error: (variance / n).sqrt() })
    });
    // Of equals the first, which has fewest members.
    measured.reduce(|best, next| if next.gain > best.gain { next } else { best })
}

/// Validation rows dealt to folds.
struct Dealt {
    /// Of each replicate the rows that choose, with their folds.
    of_replicate: Vec<Vec<(usize, usize)>>,
}

impl Dealt {
    /// `None` where fewer than 20 positives, or units with one, validate.
    fn new(scores: &[ReplicateScores]) -> Option<Self> {
        let mut positive: BTreeSet<i64> = BTreeSet::new();
        for ReplicateScores { validation, .. } in scores {
            positive.extend(
                (0..validation.rows.len()).filter(|&at| validation.labels[at] != 0).map(|at| validation.unit(at)),
            );
        }
        if positive.len() < FEW_POSITIVES {
            return None;
        }
        let mut shuffled: Vec<i64> = positive.into_iter().collect();
        Stream::new(0, 0, Purpose::Bag, 1, 0).shuffle(&mut shuffled);
        let fold_of: HashMap<i64, usize> =
            shuffled.into_iter().enumerate().map(|(at, unit)| (unit, at % FOLDS)).collect();
        let deal = |validation: &ScoreGroup| {
            let negatives = validation.labels.iter().filter(|&&label| label == 0).count();
            let positives = validation.labels.len() - negatives;
            let every = (negatives / MOST_NEGATIVES.max(5 * positives)).max(1);
            let mut passed = 0;
            let chooses = |&at: &usize| {
                passed += usize::from(validation.labels[at] == 0);
                validation.labels[at] != 0 || passed.is_multiple_of(every)
            };
            let fold = |at: usize| {
                let unit = validation.unit(at);
                // Others by the bits of their names, mixed, so that neighbours part (D. E. Knuth, The art of computer
                // programming 3, 6.4: multiplicative hashing).
                let mixed = || (unit.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % FOLDS;
                let is_sought = validation.labels[at] != 0 || !validation.units.is_empty();
                let known = if is_sought { fold_of.get(&unit).copied() } else { None };
                (at, known.unwrap_or_else(mixed))
            };
            (0..validation.rows.len()).filter(chooses).map(fold).collect()
        };
        Some(Self { of_replicate: scores.iter().map(|replicate| deal(&replicate.validation)).collect() })
    }

    /// The rows of a replicate that lie in wanted folds.
    fn pool<'a>(
        &self,
        of: usize,
        validation: &ScoreGroup,
        (wanted, count): (&dyn Fn(usize) -> bool, usize),
        scores: impl Fn(usize) -> &'a [f32],
    ) -> Pool {
        let rows: Vec<usize> =
            self.of_replicate[of].iter().filter(|(_, fold)| wanted(*fold)).map(|(at, _)| *at).collect();
        let candidates = (0..count).map(|at| {
            let scores = scores(at);
            rows.iter().map(|&row| scores[row]).collect()
        });
        Pool { labels: rows.iter().map(|&row| validation.labels[row]).collect(), candidates: candidates.collect() }
    }
}
