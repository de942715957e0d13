//! Whether a trial's scores are probabilities, and whether they can be made so.

use super::kept::ReplicateScores;
use focalsweep_core::losses::LossTerms;
use focalsweep_core::metrics::{CalibrationTest, Isotonic, LEVEL, Platt, Predicted, brier, calibration_test};

/// Bins of the expected calibration error, of as many rows each: with equal widths nearly all rows of a rare class
/// would lie in one.
const BINS: usize = 10;
/// Draws of labels that tell what the error would be by chance: of the scores as they are, which are warned of.
const RESAMPLES: u32 = 999;
/// The same of those that are mapped.
const RESAMPLES_OF_MAPS: u32 = 199;

/// How far a trial's scores on the test rows are from probabilities; means over the replicates. Focal loss is no proper
/// scoring rule, so that its scores need a map fitted on the validation rows before they are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The scores as they are.
    pub raw: Reading,
    /// After Platt scaling.
    pub platt: Reading,
    /// After isotonic regression.
    pub isotonic: Reading,
    /// What the loss itself says that a score means ([`LossTerms::probability`]), with no map fitted; `None` where the
    /// loss is a proper scoring rule, the rows were resampled, or weights are not known.
    pub closed_form: Option<Reading>,
    /// Share of the test rows that are positive: the Brier score and the errors are to be held against it.
    pub prevalence: f64,
}

/// How good probabilities are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Brier score.
    pub brier: f64,
    /// Expected calibration error over ten bins of as many rows.
    pub ece: f64,
    /// What that would be by chance, were they probabilities.
    pub ece_expected: f64,
    /// P-value of their being probabilities, by that error.
    pub ece_p: f64,
}

impl Calibration {
    /// Whether whoever takes the scores for probabilities is off by more than chance, and by more than half the share
    /// of positives.
    pub fn misleads(&self) -> bool {
        self.raw.ece_p < LEVEL && self.raw.ece > 0.5 * self.prevalence
    }

    /// `None` without replicates, or when a class is absent from the validation rows.
    pub(super) fn of(scores: &[ReplicateScores], loss: Option<LossTerms>) -> Option<Self> {
        let [mut raw, mut platt, mut isotonic] = [const { Vec::new() }; 3];
        let mut prevalence = 0.0;
        for ReplicateScores { validation, test, .. } in scores {
            // Scores of a command may be no probabilities.
            if validation.scores.is_empty() || test.scores.is_empty() {
                return None;
            }
            let by_platt = Platt::fit(&validation.scores, &validation.labels)?;
            let by_isotonic = Isotonic::fit(&validation.scores, &validation.labels)?;
            raw.push(test.scores.clone());
            platt.push(test.scores.iter().map(|&score| by_platt.apply(score)).collect());
            isotonic.push(test.scores.iter().map(|&score| by_isotonic.apply(score)).collect());
            prevalence += test.labels.iter().filter(|&&y| y != 0).count() as f64 / test.labels.len() as f64;
        }
        let closed_form = loss.and_then(|loss| {
            let means = |raw: &f32| loss.probability(f64::from(*raw)) as f32;
            let of_replicate = |of: &ReplicateScores| of.test.raw.iter().map(means).collect();
            Reading::of(scores, &scores.iter().map(of_replicate).collect::<Vec<_>>(), RESAMPLES_OF_MAPS)
        });
        Some(Self {
            closed_form,
            raw: Reading::of(scores, &raw, RESAMPLES)?,
            platt: Reading::of(scores, &platt, RESAMPLES_OF_MAPS)?,
            isotonic: Reading::of(scores, &isotonic, RESAMPLES_OF_MAPS)?,
            prevalence: prevalence / scores.len() as f64,
        })
    }
}

impl Reading {
    /// Of the probabilities of each replicate's test rows.
    fn of(scores: &[ReplicateScores], probabilities: &[Vec<f32>], resamples: u32) -> Option<Self> {
        let of_replicates = || scores.iter().map(|replicate| &replicate.test).zip(probabilities);
        let rows: Vec<Predicted<'_>> =
            of_replicates().map(|(test, scores)| Predicted { scores, labels: &test.labels }).collect();
        let CalibrationTest { error, expected, p } = calibration_test(&rows, BINS, resamples)?;
        let briers = of_replicates().map(|(test, scores)| brier(scores, &test.labels));
        let brier = briers.sum::<f64>() / scores.len() as f64;
        Some(Self { brier, ece: error, ece_expected: expected, ece_p: p })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::ScoreGroup;
    use focalsweep_core::metrics::logistic;
    use focalsweep_core::random::{Purpose, Stream};
    use focalsweep_core::spec::Split;

    fn scored_group(split: Split, labels: Vec<u8>, scores: Vec<f32>) -> ScoreGroup {
        ScoreGroup {
            trial: "t".into(),
            replicate: 0,
            split,
            rows: (0..).take(scores.len()).collect(),
            labels,
            raw: scores.clone(),
            scores,
            units: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// 2,000 rows whose probabilities are known, scored by `distort` of them.
    fn scored(distort: impl Fn(f64) -> f64) -> [ReplicateScores; 1] {
        let group = |split, shift: u64| {
            let rows: Vec<i64> = (0..2000).collect();
            let spread = |row: i64, by: u64| ((row as u64 + shift) * by % 2003) as f64 / 2003.0;
            let probability = |row: i64| 0.3 * spread(row, 7919).powi(2);
            let labels = rows.iter().map(|&row| u8::from(spread(row, 104_729) < probability(row))).collect();
            let scores: Vec<f32> = rows.iter().map(|&row| distort(probability(row)) as f32).collect();
            scored_group(split, labels, scores)
        };
        let (validation, test) = (group(Split::Validation, 0), group(Split::Test, 4001));
        [ReplicateScores { replicate: 0, validation, test, calibration: None }]
    }

    #[test]
    fn probabilities_do_not_mislead_and_scores_that_are_none_are_mended() {
        let honest = Calibration::of(&scored(|p| p), None).unwrap();
        assert!(!honest.misleads() && honest.raw.ece < 0.03, "{honest:?}");
        assert!((0.5..2.0).contains(&(honest.raw.ece / honest.raw.ece_expected)), "{honest:?}");
        assert!((0.07..0.13).contains(&honest.prevalence), "{honest:?}");
        // What a large weight on the positives does: the odds are twenty times as high.
        let weighted = Calibration::of(&scored(|p| 20.0 * p / (1.0 + 19.0 * p)), None).unwrap();
        assert!(weighted.misleads() && weighted.raw.ece > 0.3 && weighted.raw.ece_p == 0.001, "{weighted:?}");
        for mended in [weighted.platt, weighted.isotonic] {
            assert!(mended.ece < 0.04 && (mended.brier - honest.raw.brier).abs() < 0.005, "{weighted:?} {honest:?}");
        }
        assert_eq!(Calibration::of(&[], None), None);
        // More than chance, but too little to matter.
        let little = Calibration::of(&scored(|p| 1.3 * p), None).unwrap();
        assert!(little.raw.ece_p < LEVEL && !little.misleads(), "{little:?}");
    }

    #[test]
    fn the_loss_says_what_its_scores_mean() {
        // Scores as a model has them that minimises focal loss: the inverse of what they mean, by halving.
        let loss = LossTerms::focal(0.75, 0.25, 2.0);
        let best = |p: f64| {
            let (mut low, mut high) = (-60.0, 60.0);
            for _ in 0..100 {
                let middle = (low + high) / 2.0;
                if loss.probability(middle) < p { low = middle } else { high = middle }
            }
            low
        };
        let mut set = scored(|p| logistic(best(p)));
        for group in [&mut set[0].validation, &mut set[0].test] {
            group.raw = group.scores.iter().map(|&score| (score / (1.0 - score)).ln()).collect();
        }
        let found = Calibration::of(&set, Some(loss)).unwrap();
        let closed = found.closed_form.unwrap();
        assert!(found.misleads() && found.raw.ece > 0.1, "{found:?}");
        assert!(closed.ece < 0.03 && (0.5..2.0).contains(&(closed.ece / closed.ece_expected)), "{found:?}");
        assert_eq!(Calibration::of(&set, None).unwrap().closed_form, None);
    }

    #[test]
    fn fifteen_positives_are_off_by_much_and_that_is_chance() {
        let mut stream = Stream::new(15, 0, Purpose::Synth, 0, 0);
        let mut set = || {
            let mut group = |split| {
                let rows: Vec<i64> = (0..1000).collect();
                let scores: Vec<f32> = rows.iter().map(|_| 0.045 * stream.uniform().powi(2)).collect();
                let labels: Vec<u8> = scores.iter().map(|&score| u8::from(stream.uniform() < score)).collect();
                scored_group(split, labels, scores)
            };
            let (validation, test) = (group(Split::Validation), group(Split::Test));
            let of = ReplicateScores { replicate: 0, validation, test, calibration: None };
            Calibration::of(&[of], None).unwrap()
        };
        let sets: Vec<Calibration> = (0..40).map(|_| set()).collect();
        let far = sets.iter().filter(|of| of.raw.ece > 0.5 * of.prevalence).count();
        let warned = sets.iter().filter(|of| of.misleads()).count();
        assert!(far > 10 && warned <= 4, "{far} of 40 are off by more than half the prevalence, {warned} mislead");
    }
}
